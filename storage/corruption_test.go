package storage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tidemark/storage/model"
	"tidemark/storage/storagetest"
)

// copyFolder copies a store's folder.
func copyFolder(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// storeOnDisk returns the folder of a closed store with two flushes in tables
// and that of one as kill -9 leaves it, with a flush and a log; a naive twin, which
// holds the same as either, and everything that was ever written.
func storeOnDisk(t *testing.T) (closed, killed string, naive *storagetest.Naive, written map[string]int) {
	t.Helper()
	dir := t.TempDir()
	db, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	g := storagetest.NewGenerator(3)
	naive = storagetest.NewNaive()
	written = make(map[string]int)
	for i := range 40 {
		b := g.Batch(30)
		naive.Append(b)
		alone := storagetest.NewNaive()
		alone.Append(b)
		some, err := content(alone)
		if err != nil {
			t.Fatal(err)
		}
		for k, n := range some {
			written[k] += n
		}
		if _, err := db.Append(ctx, b); err != nil {
			t.Fatal(err)
		}
		if i == 20 {
			if err := db.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	killed = copyFolder(t, dir)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, killed, naive, written
}

// content is what can be read: how often each sample and each row is there.
func content(v model.View) (map[string]int, error) {
	ctx := context.Background()
	out := make(map[string]int)
	err := v.Samples(ctx, model.SampleSelection{Mint: minInt64, Maxt: maxInt64}, func(s *model.Series) error {
		for i, at := range s.Times {
			value := fmt.Sprint(model.TypeFloat, math.Float64bits(s.Values[i]))
			if s.Exact != nil {
				value = fmt.Sprint(s.Types[i], s.Exact[i])
			}
			out[fmt.Sprintf("%s%s at %d: %s", s.Name, s.Labels, at, value)]++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, v.Rows(ctx, model.RowSelection{Mint: minInt64, Maxt: maxInt64, AllFields: true,
		Matchers: []*model.Matcher{model.MustMatcher(model.MatchRegexp, model.MeasurementLabel, ".*")}}, func(b *model.RowBlock) error {
		for i, at := range b.Times {
			var fields []string
			for _, c := range b.Columns {
				if v := c.Values[i]; v.Type != model.TypeNone {
					fields = append(fields, c.Name+"="+v.String())
				}
			}
			slices.Sort(fields)
			out[fmt.Sprintf("%s at %d: %q %q", b.Labels, at, b.Lines[i], fields)]++
		}
		return nil
	})
}

// contentMended is content of a store that meets damage, as a query engine reads it.
func contentMended(db *DB) (got map[string]int, warnings []string, err error) {
	for range 5 {
		var v model.View
		if v, err = db.View(); err == nil {
			if got, err = content(v); err == nil {
				warnings = v.(model.Warner).Warnings()
				return got, warnings, v.Close()
			}
			_ = v.Close()
		}
		if !db.Mend(context.Background(), err) {
			break
		}
	}
	return nil, nil, err
}

// TestDamagedFiles damages one place of one file of a store at a time: it opens,
// and answers with what is left, which has nothing that was not written, and with a
// warning where anything is missing; and so it does after everything was looked at,
// after compaction, with further writes and after a restart. A flipped bit
// costs nothing.
func TestDamagedFiles(t *testing.T) {
	closed, killed, naive, written := storeOnDisk(t)
	want, err := content(naive)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	lossy, kinds := 0, map[string]int{}
	rounds := 72
	if testing.Short() {
		rounds = 30
	}
	for i := range rounds {
		from := [2]string{closed, killed}[i%2]
		dir := copyFolder(t, from)
		patterns := []string{"index/*.sst", "index/*.log", "wal/*.wal", "index/MANIFEST-*", "index/OPTIONS-*", "FORMAT"}
		pattern := patterns[i/2%len(patterns)]
		if i%3 == 0 {
			pattern = patterns[0]
		}
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		if len(files) == 0 {
			continue
		}
		file := files[rng.IntN(len(files))]
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) == 0 {
			continue
		}
		kinds[pattern]++
		at := rng.IntN(len(b))
		what := fmt.Sprintf("%d: %s, %d of %d", i, filepath.Base(file), at, len(b))
		flipped := rng.IntN(2) == 0
		if flipped {
			b[at] ^= 1 << rng.IntN(8)
		} else {
			for j := range b[at:min(len(b), at+2+rng.IntN(1000))] {
				b[at+j] ^= byte(1 + rng.IntN(255))
			}
		}
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
		db, err := Open(dir, Options{EventListener: func(e Event) {
			if e.Kind == EventWriteFailure {
				t.Errorf("%s: %s", what, e)
			}
		}})
		if err != nil {
			t.Errorf("%s: open: %v", what, err)
			continue
		}
		check := func(when string) map[string]int {
			got, warnings, err := contentMended(db)
			if err != nil {
				t.Errorf("%s: %s: %v", what, when, err)
				return nil
			}
			missing := 0
			for k, n := range want {
				missing += max(0, n-got[k])
			}
			for k, n := range got {
				missing += max(0, n-want[k])
			}
			foreign := ""
			for k, n := range got {
				// What overruled it may be lost, and what lost its name or its labels shows
				// under another.
				if n > written[k] && !strings.Contains(k, "tidemark_lost") {
					foreign = k
				}
			}
			if foreign != "" {
				t.Errorf("%s: %s: there is %s, losses %v", what, when, foreign, db.Losses())
			}
			switch {
			case missing > 0 && len(warnings) == 0:
				t.Errorf("%s: %s: %d of %d are missing and no warning", what, when, missing, len(want))
			case missing > 0 && flipped:
				t.Errorf("%s: %s: a flipped bit costs %d of %d: %v", what, when, missing, len(want), db.Losses())
			case missing > 0:
				lossy++
			}
			return got
		}
		before := check("open")
		if _, err := db.Repair(context.Background()); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if again, err := db.Repair(context.Background()); again || err != nil {
			t.Errorf("%s: a second repair finds more: %v", what, err)
		}
		check("repaired")
		stats, err := db.Verify(context.Background(), func(err error) { t.Errorf("%s: verify: %v", what, err) })
		if err != nil || stats.Problems > 0 {
			t.Errorf("%s: verify: %v, %d problems", what, err, stats.Problems)
		}
		if err := db.Compact(context.Background()); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		check("compacted")
		if err := db.Close(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if db, err = Open(dir, Options{}); err != nil {
			t.Fatalf("%s: open again: %v", what, err)
		}
		after := check("opened again")
		if before != nil && after != nil && !maps.Equal(before, after) {
			t.Errorf("%s: %d samples and rows became %d", what, len(before), len(after))
		}
		if err := db.Close(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	t.Logf("%v, %d answers with losses", kinds, lossy)
	if lossy < rounds/10 {
		t.Errorf("%d answers with losses: want more", lossy)
	}
}

// TestMissingFiles takes files away.
func TestMissingFiles(t *testing.T) {
	closed, killed, _, _ := storeOnDisk(t)
	for _, c := range []struct{ name, from, glob string }{
		{"table", closed, "index/*.sst"},
		{"manifest", closed, "index/marker*"},
		{"index", closed, "index"},
		{"log", killed, "wal/*.wal"},
		{"log folder", killed, "wal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyFolder(t, c.from)
			files, _ := filepath.Glob(filepath.Join(dir, c.glob))
			if len(files) == 0 {
				t.Fatalf("no %s", c.glob)
			}
			for _, f := range files {
				if err := os.RemoveAll(f); err != nil {
					t.Fatal(err)
				}
			}
			db, err := Open(dir, Options{})
			if err == nil {
				_ = db.Close()
			}
			if !errors.Is(err, ErrCorrupt) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("want one line of %v, got %v", ErrCorrupt, err)
			}
			salvaged := strings.HasPrefix(c.name, "log")
			if errors.Is(err, ErrLogDamaged) != (salvaged || c.name == "index") {
				t.Fatalf("damage of the log: %v", err)
			}
			if !salvaged {
				return
			}
			told := 0
			db, err = Open(dir, Options{SalvageLog: true, EventListener: func(e Event) {
				if e.Kind == EventCorruption {
					told++
				}
			}})
			if err != nil || told != 1 {
				t.Fatalf("want it salvaged and told once, got %v, told %d times", err, told)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
