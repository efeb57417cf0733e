package storage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/model"
	"tidemark/storage/storagetest"
)

// compareData is compareViews without the labels, which a deletion leaves
// listed.
func compareData(t *testing.T, g *storagetest.Generator, got, want model.View, n int) {
	t.Helper()
	ctx := context.Background()
	for range n {
		mint, maxt := g.Range()
		ms := g.Matchers()
		ss := model.SampleSelection{Matchers: ms, Mint: mint, Maxt: maxt}
		a, err1 := storagetest.PrintSamples(ctx, got, ss)
		b, err2 := storagetest.PrintSamples(ctx, want, ss)
		if a != b || err1 != nil || err2 != nil {
			t.Fatalf("samples %v:\ngot (%v)\n%s\nwant (%v)\n%s", ss, err1, a, err2, b)
		}
		rs := model.RowSelection{Matchers: ms, Mint: mint, Maxt: maxt, AllFields: true}
		a, err1 = storagetest.PrintRows(ctx, got, rs)
		b, err2 = storagetest.PrintRows(ctx, want, rs)
		if a != b || err1 != nil || err2 != nil {
			t.Fatalf("rows %v:\ngot (%v)\n%s\nwant (%v)\n%s", rs, err1, a, err2, b)
		}
	}
}

// TestDeletesAgainstNaive writes, deletes, flushes, compacts and reopens at
// random: what was deleted is gone whether it was in memory or on disk, what
// was written again is there, and views from before a deletion keep it.
func TestDeletesAgainstNaive(t *testing.T) {
	seeds := 12
	if testing.Short() {
		seeds = 4
	}
	deleted := 0
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			ctx := context.Background()
			g := storagetest.NewGenerator(int64(seed))
			fs := vfs.NewCrashableMem()
			opts := Options{FS: fs, FlushAge: time.Hour}
			db, err := Open("db", opts)
			if err != nil {
				t.Fatal(err)
			}
			var history []*model.Batch
			want := func() *storagetest.Naive {
				n := storagetest.NewNaive()
				for _, b := range history {
					n.Append(b)
				}
				return n
			}
			var held model.View
			var heldWant *storagetest.Naive
			release := func() {
				if held != nil {
					compareData(t, g, held, heldWant, 2)
					if err := held.Close(); err != nil {
						t.Fatal(err)
					}
					held = nil
				}
			}
			for range 80 {
				switch n := g.Rand.Intn(24); {
				case n < 11:
					b := g.Batch(30)
					if _, err := db.Append(ctx, b); err != nil {
						t.Fatal(err)
					}
					history = append(history, b)
				case n < 14:
					d := g.Deletion()
					if err := db.Delete(ctx, d); err != nil {
						t.Fatal(err)
					}
					for i, b := range history {
						history[i] = storagetest.Delete(b, &d)
						deleted += b.Len() - history[i].Len()
					}
				case n < 16:
					if err := db.Flush(ctx); err != nil {
						t.Fatal(err)
					}
				case n < 18:
					release()
					if g.Rand.Intn(2) == 0 {
						crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: g.Rand.Intn(3) * 50, RNG: rand.New(rand.NewPCG(uint64(seed), 5))})
						if err := db.close(false); err != nil {
							t.Fatal(err)
						}
						fs = crashed
						opts.FS = fs
					} else if err := db.close(g.Rand.Intn(2) == 0); err != nil {
						t.Fatal(err)
					}
					if db, err = Open("db", opts); err != nil {
						t.Fatal(err)
					}
				case n < 19:
					if err := db.Compact(ctx); err != nil {
						t.Fatal(err)
					}
					if n := len(db.state.tombstones); n > 0 {
						t.Fatalf("%d tombstones after all of them were applied", n)
					}
				case n < 20:
					release()
					held, heldWant = mustView(t, db), want()
				default:
					v := mustView(t, db)
					compareData(t, g, v, want(), 3)
					if err := v.Close(); err != nil {
						t.Fatal(err)
					}
				}
			}
			release()
			v := mustView(t, db)
			compareData(t, g, v, want(), 10)
			if err := v.Close(); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
	if deleted == 0 {
		t.Error("nothing was deleted")
	}
}

// TestDeletedBytesAreGone looks for the bytes of what was deleted in the files
// of a compacted store.
func TestDeletedBytesAreGone(t *testing.T) {
	ctx := context.Background()
	mem := vfs.NewMem()
	db, err := Open("db", Options{FS: mem})
	if err != nil {
		t.Fatal(err)
	}
	var b model.Batch
	for i := range 50 {
		b.AddLine(model.FromStrings("app", "a"), int64(i), fmt.Sprintf("secret-%d of a", i))
		b.AddLine(model.FromStrings("app", "b"), int64(i), fmt.Sprintf("plain-%d of b", i))
		b.AddSample("m", model.FromStrings("app", "a"), int64(i), 1)
	}
	if _, err := db.Append(ctx, &b); err != nil {
		t.Fatal(err)
	}
	if err := db.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	groups := db.Metrics().RowGroupsWritten
	err = db.Delete(ctx, model.Deletion{Scope: model.ScopeLogs, Mint: minInt64, Maxt: maxInt64,
		Selectors: [][]*model.Matcher{{model.MustMatcher(model.MatchEqual, "app", "a")}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	p, err := listPartitions(db.pdb)
	if err != nil || len(p) != 1 {
		t.Fatal(p, err)
	}
	v := mustView(t, db)
	rows, err := storagetest.PrintRows(ctx, v, model.RowSelection{Mint: minInt64, Maxt: maxInt64})
	if err != nil || strings.Contains(rows, "secret") || strings.Count(rows, "plain") != 50 {
		t.Errorf("rows are %s, %v", rows, err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if _, samples := countChunks(t, db); samples != 50 {
		t.Errorf("%d samples, want the 50 of the metric, which is no log", samples)
	}
	if groups != 1 {
		t.Errorf("%d row groups", groups)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDeleteRefuses(t *testing.T) {
	db, err := Open("db", Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	a := []*model.Matcher{model.MustMatcher(model.MatchEqual, "a", "b")}
	for what, d := range map[string]model.Deletion{
		"no selector":    {},
		"all":            {Selectors: [][]*model.Matcher{{}}},
		"empty matches":  {Selectors: [][]*model.Matcher{{model.MustMatcher(model.MatchRegexp, "a", ".*")}}},
		"reversed range": {Selectors: [][]*model.Matcher{a}, Mint: 2, Maxt: 1},
		"many selectors": {Selectors: make([][]*model.Matcher, 2000)},
	} {
		for i := range d.Selectors {
			if d.Selectors[i] == nil {
				d.Selectors[i] = a
			}
		}
		if err := db.Delete(ctx, d); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Delete(ctx, model.Deletion{Selectors: [][]*model.Matcher{a}}); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: got %v", err)
	}
}
