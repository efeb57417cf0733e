package storage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
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
// and that of one as kill -9 leaves it, with a flush and a log; and a naive
// twin, which holds the same as either.
func storeOnDisk(t *testing.T) (closed, killed string, naive *storagetest.Naive) {
	t.Helper()
	dir := t.TempDir()
	db, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	g := storagetest.NewGenerator(3)
	naive = storagetest.NewNaive()
	for i := range 40 {
		b := g.Batch(30)
		naive.Append(b)
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
	return dir, killed, naive
}

// dumpSeries prints every series and stream that can be read, each asked for
// alone.
func dumpSeries(t *testing.T, v model.View) (out map[string]string, errs []error) {
	t.Helper()
	ctx := context.Background()
	out = make(map[string]string)
	names, err := v.LabelValues(ctx, model.MetricName, model.LabelSelection{Mint: minInt64, Maxt: maxInt64})
	if err != nil {
		return out, []error{err}
	}
	for _, n := range names {
		ms := []*model.Matcher{model.MustMatcher(model.MatchEqual, model.MetricName, n)}
		s, err := storagetest.PrintSamples(ctx, v, model.SampleSelection{Mint: minInt64, Maxt: maxInt64, Matchers: ms})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out[n] = s
	}
	s, err := storagetest.PrintRows(ctx, v, model.RowSelection{Mint: minInt64, Maxt: maxInt64, AllFields: true,
		Matchers: []*model.Matcher{model.MustMatcher(model.MatchRegexp, model.MeasurementLabel, ".*")}})
	if err != nil {
		errs = append(errs, err)
	} else {
		out["rows"] = s
	}
	return out, errs
}

// TestDamagedFilesGiveNoWrongAnswer damages one byte range of one file of a
// store at a time: it opens or says in one line that it is corrupt, and each
// query answers rightly or with ErrCorrupt in one line.
func TestDamagedFilesGiveNoWrongAnswer(t *testing.T) {
	closed, killed, naive := storeOnDisk(t)
	want, errs := dumpSeries(t, naive)
	if errs != nil {
		t.Fatal(errs)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	opened, refused, queryErrors := 0, 0, 0
	for i := range 32 {
		from := [2]string{closed, killed}[i%2]
		dir := copyFolder(t, from)
		var files []string
		for _, pattern := range []string{"index/*.sst", "index/*.log", "index/MANIFEST-*", "wal/*.wal"} {
			found, _ := filepath.Glob(filepath.Join(dir, pattern))
			files = append(files, found...)
		}
		file := files[rng.IntN(len(files))]
		if i%4 == 0 {
			file = files[0] // a table
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) == 0 {
			continue
		}
		at := rng.IntN(len(b))
		what := fmt.Sprintf("%s, %d of %d", filepath.Base(file), at, len(b))
		switch table := strings.HasSuffix(file, ".sst"); {
		case rng.IntN(3) > 0:
			b[at] ^= 1 << rng.IntN(8)
		case table && rng.IntN(2) == 0:
			b = b[:at] // of a log it would be a torn tail, which is no damage
		default:
			clear(b[at:min(len(b), at+1+rng.IntN(1000))])
		}
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
		db, err := Open(dir, Options{})
		if err != nil {
			refused++
			if !errors.Is(err, ErrCorrupt) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: open: want one line of %v, got %v", what, ErrCorrupt, err)
			}
			continue
		}
		opened++
		v := mustView(t, db)
		got, errs := dumpSeries(t, v)
		torn := strings.HasSuffix(file, ".wal") || strings.HasSuffix(file, ".log")
		for name, s := range got {
			// The end of a log cannot be told from what was never finished.
			if s != want[name] && !torn {
				t.Errorf("%s: %s: got\n%s\nwant\n%s", what, name, s, want[name])
			}
		}
		if len(errs) == 0 && len(got) < len(want) && !torn {
			t.Errorf("%s: %d of %d series and no error", what, len(got), len(want))
		}
		for _, err := range errs {
			queryErrors++
			if !errors.Is(err, ErrCorrupt) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: query: want one line of %v, got %q", what, ErrCorrupt, err)
			}
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
		_ = db.Close() // may fail where it must read what is damaged
	}
	t.Logf("%d opened, %d refused, %d queries refused", opened, refused, queryErrors)
	if opened == 0 || refused == 0 || queryErrors == 0 {
		t.Errorf("want some of each, got %d opened, %d refused, %d queries refused", opened, refused, queryErrors)
	}
}

// TestMissingFiles takes files away.
func TestMissingFiles(t *testing.T) {
	closed, killed, _ := storeOnDisk(t)
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
