package wal

import (
	"bytes"
	"errors"
	"testing"

	"tidemark/storage/model"
)

func exampleDeletion() *model.Deletion {
	return &model.Deletion{Scope: model.ScopeLogs, Mint: -5, Maxt: 1 << 60, Selectors: [][]*model.Matcher{
		{model.MustMatcher(model.MatchEqual, "a", "b"), model.MustMatcher(model.MatchNotRegexp, "c", "x|y.*")},
		{model.MustMatcher(model.MatchRegexp, "n", ".+")},
	}}
}

func TestTombstoneRoundTrip(t *testing.T) {
	rec := AppendTombstone(nil, -7, exampleDeletion())
	if !IsTombstone(rec) {
		t.Fatal("not a tombstone")
	}
	received, d, err := DecodeTombstone(rec)
	if err != nil || received != -7 || !bytes.Equal(AppendTombstone(nil, received, &d), rec) {
		t.Fatalf("got %d, %+v, %v", received, d, err)
	}
	for i := range rec {
		if _, _, err := DecodeTombstone(rec[:i]); !errors.Is(err, ErrBadRecord) {
			t.Fatalf("%d bytes of %d: got %v", i, len(rec), err)
		}
	}
}

// FuzzTombstone decodes arbitrary bytes: what is accepted is encoded as it was.
func FuzzTombstone(f *testing.F) {
	f.Add(AppendTombstone(nil, 1, exampleDeletion()))
	f.Fuzz(func(t *testing.T, rec []byte) {
		received, d, err := DecodeTombstone(rec)
		if err != nil {
			if !errors.Is(err, ErrBadRecord) {
				t.Fatal(err)
			}
			return
		}
		again, d2, err := DecodeTombstone(AppendTombstone(nil, received, &d))
		if err != nil || again != received || len(d2.Selectors) != len(d.Selectors) || d2.Mint != d.Mint || d2.Maxt != d.Maxt {
			t.Fatalf("%+v is read again as %+v: %v", d, d2, err)
		}
	})
}
