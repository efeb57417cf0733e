package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/query/querytest"
	"tidemark/storage"
	"tidemark/storage/model"
)

// TestStreamContext compares stream_context with what a walk over all rows
// finds, on random rows of which many have equal times: in memory, on disk, and
// on a source that knows no limits.
func TestStreamContext(t *testing.T) {
	ctx := context.Background()
	db, err := storage.Open(t.TempDir(), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rng := rand.New(rand.NewPCG(5, 0))
	type row struct {
		at   int64
		line string
	}
	rows := map[string][]row{}
	plain := querytest.NewSource()
	for part := range 3 {
		var b model.Batch
		for i := range 400 {
			stream := fmt.Sprintf("s%d", rng.IntN(3))
			r := row{int64(part)*int64(20*time.Minute) + int64(rng.IntN(600))*int64(2*time.Second), fmt.Sprintf("row %d of %d", i, part)}
			if rng.IntN(25) == 0 {
				r.line += " hit"
			}
			rows[stream] = append(rows[stream], r)
			labels := model.FromStrings("app", stream)
			if rng.IntN(5) == 0 { // another stream that has the labels of this one
				labels = labels.With("more", "x")
				rows[stream] = rows[stream][:len(rows[stream])-1]
				rows[stream+"x"] = append(rows[stream+"x"], r)
			}
			b.AddLine(labels, r.at, r.line)
		}
		for _, s := range []querytest.Store{db, plain} {
			if _, err := s.Append(ctx, &b); err != nil {
				t.Fatal(err)
			}
		}
		if part < 2 {
			if err := db.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct{ before, after int }{{0, 0}, {1, 0}, {0, 3}, {2, 2}, {30, 5}, {1000, 1000}} {
		var want []string
		for _, rs := range rows {
			slices.SortStableFunc(rs, func(a, b row) int { return int(a.at - b.at) })
			for i, r := range rs {
				near := strings.Contains(r.line, "hit")
				for k := max(0, i-c.after); k < min(len(rs), i+c.before+1); k++ {
					near = near || strings.Contains(rs[k].line, "hit")
				}
				if near {
					want = append(want, r.line)
				}
			}
		}
		slices.Sort(want)
		for name, s := range map[string]querytest.Store{"store": db, "plain": plain} {
			e := query.NewEngine(s, query.Options{})
			res, err := e.Query(ctx, query.Request{Text: fmt.Sprintf(`{app=~".+"} |= "hit" | stream_context before %d after %d`, c.before, c.after),
				Start: time.Unix(0, 0), End: time.Unix(7200, 0), Limit: 1000, Direction: model.Backward})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, st := range res.Streams {
				for _, en := range st.Entries {
					if hit := st.Labels.Get("stream_context") == "hit"; hit != strings.Contains(en.Line, "hit") {
						t.Errorf("%s: %q is in %s", name, en.Line, st.Labels)
					}
					got = append(got, en.Line)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s, before %d after %d: got %d rows, want %d", name, c.before, c.after, len(got), len(want))
			}
		}
	}
}
