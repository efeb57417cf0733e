package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/storagetest"
)

// TestFormatIsChecked opens folders whose FORMAT says something else.
func TestFormatIsChecked(t *testing.T) {
	closed, killed, _, _ := storeOnDisk(t)
	for _, from := range []string{closed, killed} {
		for text, want := range map[string]error{
			"tidemark store 1\n":          ErrOlderFormat,
			formatLine(1):                 ErrOlderFormat,
			formatLine(formatVersion + 1): ErrNewerFormat,
			"tidemark store 99\n":         ErrNewerFormat,
		} {
			dir := copyFolder(t, from)
			if err := os.WriteFile(filepath.Join(dir, formatName), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if db, err := Open(dir, Options{}); !errors.Is(err, want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: want one line of %v, got %v", text, want, err)
				if err == nil {
					_ = db.Close()
				}
			}
		}
		// A flipped bit is made good: the index says the version, too.
		line := formatLine(formatVersion)
		for i := range 8 * len(line) {
			if from == killed && i%16 != 0 { // it replays
				continue
			}
			dir := copyFolder(t, from)
			bad := []byte(line)
			bad[i/8] ^= 1 << (i % 8)
			if err := os.WriteFile(filepath.Join(dir, formatName), bad, 0o644); err != nil {
				t.Fatal(err)
			}
			db, err := Open(dir, Options{})
			if err != nil {
				t.Errorf("%q: %v", bad, err)
				continue
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
			if b, err := os.ReadFile(filepath.Join(dir, formatName)); err != nil || string(b) != line {
				t.Errorf("%q became %q, %v", bad, b, err)
			}
		}
	}
}

// TestDamagedLogIsCutOut damages the log of a killed store in a place: it opens,
// and answers with everything that was written but what hangs on the damaged
// record, and with a warning where anything is missing. A flipped bit costs
// nothing.
func TestDamagedLogIsCutOut(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	// Every batch has a stream of its own and one that all have.
	const batches = 20
	all := model.NewStream(model.FromStrings("of", "all"))
	sc := &model.Schema{Kind: model.MetricRow, Columns: []model.Column{{Name: "m", Measurement: "m", Field: "value", Type: model.TypeInt}}}
	for i := range int64(batches) {
		var b model.Batch
		b.Add(all, sc, i, model.Int(i))
		own := model.NewStream(model.FromStrings("of", fmt.Sprint(i)))
		b.Add(own, sc, i, model.Int(i))
		b.AddLine(model.FromStrings("app", "x"), i, fmt.Sprint("line ", i))
		if _, err := db.Append(ctx, &b); err != nil {
			t.Fatal(err)
		}
	}
	killed := copyFolder(t, dir)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	logs, err := filepath.Glob(filepath.Join(killed, "wal", "*.wal"))
	if err != nil || len(logs) != 1 {
		t.Fatal(logs, err)
	}
	content, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	cut := 0
	for i, at := 0, 0; at < len(content); i, at = i+1, at+1+len(content)/40 {
		dir := copyFolder(t, killed)
		bad := slices.Clone(content)
		bad[at] ^= 1 << (at % 8)
		flipped := i%2 == 0
		if !flipped {
			bad[at] ^= 0x3c
		}
		path := filepath.Join(dir, "wal", filepath.Base(logs[0]))
		if err := os.WriteFile(path, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		events := 0
		db, err := Open(dir, Options{EventListener: func(e Event) {
			if e.Kind == EventCorruption {
				events++
			}
		}})
		if err != nil {
			t.Errorf("byte %d: %v", at, err)
			continue
		}
		got, missing, warnings := readNumbered(t, db, batches)
		losses := db.Losses()
		if len(losses) > 0 {
			cut++
		}
		if events > 0 {
			kept, _ := os.ReadFile(filepath.Join(dir, damagedName, filepath.Base(path)))
			if string(kept) != string(bad) {
				t.Errorf("byte %d: the damaged segment is not kept", at)
			}
		}
		// The end of a log cannot be told from what was never finished.
		if flipped && (len(missing) > 0 || len(losses) > 0) {
			t.Errorf("bit %d of byte %d: %v are missing, %v", at%8, at, missing, losses)
		}
		if atEnd := len(missing) == 1 && missing[0] == batches-1; len(missing) > 0 && !atEnd && (len(warnings) == 0 || events == 0) {
			t.Errorf("byte %d: %v are missing, warnings %q, %d events", at, missing, warnings, events)
		}
		if first := slices.Contains(missing, 0); len(missing) > 2 && !first { // the first has what all refer to
			t.Errorf("byte %d: %v are missing: %v", at, missing, losses)
		}
		if len(warnings) > 0 && len(losses) == 0 || db.Metrics().Losses != int64(len(losses)) {
			t.Errorf("byte %d: warnings %q, losses %v", at, warnings, losses)
		}
		// The loss outlives the log that it was in, and is told once.
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if db, err = Open(dir, Options{}); err != nil {
			t.Fatal(err)
		}
		again, _, warningsAgain := readNumbered(t, db, batches)
		if again != got || !slices.Equal(warningsAgain, warnings) {
			t.Errorf("byte %d: after a restart: %s, warnings %q; before %s, %q", at, again, warningsAgain, got, warnings)
		}
		if err := db.ForgetLosses(); err != nil {
			t.Error(err)
		}
		if _, _, w := readNumbered(t, db, batches); len(w) > 0 {
			t.Errorf("byte %d: %q although it was forgotten", at, w)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if cut < 10 {
		t.Errorf("in %d cases something was cut out: want more", cut)
	}
}

// readNumbered reads what TestDamagedLogIsCutOut wrote: as a text, which
// batches are missing, and the view's warnings. It fails where a value has
// another's labels.
func readNumbered(t *testing.T, db *DB, batches int64) (text string, missing []int64, warnings []string) {
	t.Helper()
	ctx := context.Background()
	v := mustView(t, db)
	defer v.Close()
	have := map[int64]int{}
	err := v.Samples(ctx, model.SampleSelection{Mint: minInt64, Maxt: maxInt64}, func(s *model.Series) error {
		for i, at := range s.Times {
			have[at]++
			if of := s.Labels.Get("of"); float64(at) != s.Values[i] || of != "all" && of != fmt.Sprint(at) {
				t.Errorf("%s at %d is %v", s.Labels, at, s.Values[i])
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	text, err = storagetest.PrintRows(ctx, v, model.RowSelection{Mint: minInt64, Maxt: maxInt64, Matchers: []*model.Matcher{model.MustMatcher(model.MatchEqual, "app", "x")}})
	if err != nil {
		t.Error(err)
	}
	for i := range batches {
		if strings.Contains(text, fmt.Sprintf("line %d\"", i)) {
			have[i]++
		}
		if have[i] < 3 {
			missing = append(missing, i)
		}
	}
	return fmt.Sprint(have, text), missing, v.(model.Warner).Warnings()
}

// TestBadValueIsCutOut overwrites values of the index whose blocks are sound: queries
// answer with the rest, and so does what compaction makes of it.
func TestBadValueIsCutOut(t *testing.T) {
	ctx := context.Background()
	db, err := Open("db", Options{FS: vfs.NewMem(), NoCompaction: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for f := range 3 {
		var b model.Batch
		for i := range 50 {
			at := int64(f*50+i) * 1e9
			b.AddSample("m", model.FromStrings("s", "1"), at, float64(i))
			b.AddSample("other", nil, at, float64(i))
			b.AddLine(model.FromStrings("app", "x"), at, fmt.Sprint("line ", i))
		}
		if _, err := db.Append(ctx, &b); err != nil {
			t.Fatal(err)
		}
		if err := db.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	full, _, err := contentMended(db)
	if err != nil || len(full) != 450 {
		t.Fatal(len(full), err)
	}
	p := keys.Day(0)
	second := func(lo, hi []byte) []byte { // of the flushes
		it, err := db.pdb.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
		if err != nil {
			t.Fatal(err)
		}
		defer it.Close()
		it.First()
		it.Next()
		return slices.Clone(it.Key())
	}
	id, ok, err := readName(db.pdb, "m")
	if err != nil || !ok {
		t.Fatal(err)
	}
	lo, hi := p.MetricChunks(id.ID)
	if err := db.pdb.Set(second(lo, hi), []byte("not a chunk"), nil); err != nil {
		t.Fatal(err)
	}
	got, warnings, err := contentMended(db)
	if err != nil || len(got) != 400 || len(warnings) != 1 || !strings.Contains(warnings[0], "samples of m between 1970-01-01T00:00:50Z") {
		t.Fatalf("%d left, want 400; warnings %q, %v", len(got), warnings, err)
	}
	v := mustView(t, db)
	if _, err := storagetest.PrintSamples(ctx, v, model.SampleSelection{Mint: minInt64, Maxt: maxInt64, Matchers: []*model.Matcher{model.MustMatcher(model.MatchEqual, model.MetricName, "other")}}); err != nil {
		t.Fatal(err)
	}
	if w := v.(model.Warner).Warnings(); len(w) > 0 {
		t.Errorf("another metric is warned of: %q", w)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	lo, hi = p.RowGroups()
	if err := db.pdb.Set(second(lo, hi), []byte("not a row group"), nil); err != nil {
		t.Fatal(err)
	}
	db.mender.nothing, db.mender.mended = time.Time{}, time.Time{}
	if got, warnings, err = contentMended(db); err != nil || len(got) != 350 || len(warnings) != 2 {
		t.Fatalf("%d left, want 350; warnings %q, %v", len(got), warnings, err)
	}
	lo, hi = p.MetricChunks(id.ID)
	if err := db.pdb.Set(second(lo, hi), []byte("not a chunk either"), nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Repair(ctx); err != nil {
		t.Fatal(err)
	}
	if got, warnings, err = contentMended(db); err != nil || len(got) != 300 || len(warnings) != 3 {
		t.Fatalf("%d left, want 300; warnings %q, %v", len(got), warnings, err)
	}
	if stats, err := db.Verify(ctx, func(err error) { t.Error(err) }); err != nil || stats.Problems > 0 {
		t.Errorf("%+v, %v", stats, err)
	}
}
