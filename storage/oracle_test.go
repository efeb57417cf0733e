package storage

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/model"
	"tidemark/storage/storagetest"
)

// compareViews asks both views the same random questions.
func compareViews(t *testing.T, g *storagetest.Generator, got, want model.View, n int) {
	t.Helper()
	ctx := context.Background()
	check := func(what string, sel any, a, b string, errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				t.Fatalf("%s %v: %v", what, sel, err)
			}
		}
		if a != b {
			t.Fatalf("%s %v:\ngot\n%s\nwant\n%s", what, sel, a, b)
		}
	}
	for range n {
		mint, maxt := g.Range()
		ms := g.Matchers()
		ss := model.SampleSelection{Matchers: ms, Mint: mint, Maxt: maxt}
		a, err1 := storagetest.PrintSamples(ctx, got, ss)
		b, err2 := storagetest.PrintSamples(ctx, want, ss)
		check("samples", ss, a, b, err1, err2)

		rs := model.RowSelection{Matchers: ms, Mint: mint, Maxt: maxt, Direction: model.Direction(g.Rand.Intn(2)), NoLine: g.Rand.Intn(4) == 0}
		switch g.Rand.Intn(3) {
		case 0:
			rs.AllFields = true
		case 1:
			rs.Fields = []string{"user", "state", "nosuch"}
		}
		a, err1 = storagetest.PrintRows(ctx, got, rs)
		b, err2 = storagetest.PrintRows(ctx, want, rs)
		check("rows", rs, a, b, err1, err2)

		// Labels go by partition, so only an unbounded range compares.
		ls := model.LabelSelection{Mint: math.MinInt64, Maxt: math.MaxInt64, Scope: model.Scope(g.Rand.Intn(3)), Limit: g.Rand.Intn(2) * 5}
		for range g.Rand.Intn(3) {
			ls.Selectors = append(ls.Selectors, g.Matchers())
		}
		x, err1 := got.LabelSets(ctx, ls)
		y, err2 := want.LabelSets(ctx, ls)
		check("label sets", ls, fmt.Sprint(x), fmt.Sprint(y), err1, err2)
		n1, err1 := got.LabelNames(ctx, ls)
		n2, err2 := want.LabelNames(ctx, ls)
		check("label names", ls, fmt.Sprint(n1), fmt.Sprint(n2), err1, err2)
		for _, name := range []string{"host", "measurement", model.MetricName, "role"} {
			n1, err1 = got.LabelValues(ctx, name, ls)
			n2, err2 = want.LabelValues(ctx, name, ls)
			check("values of "+name, ls, fmt.Sprint(n1), fmt.Sprint(n2), err1, err2)
		}
	}
}

func mustView(t *testing.T, db *DB) model.View {
	t.Helper()
	v, err := db.View()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestAgainstNaive writes, flushes, compacts, reopens and asks at random, and compares
// every answer with that of a store in maps. Views that are held open across
// operations must keep answering as of when they were taken.
func TestAgainstNaive(t *testing.T) {
	seeds := 8
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			ctx := context.Background()
			g := storagetest.NewGenerator(int64(seed))
			want := storagetest.NewNaive()
			fs := vfs.NewMem()
			opts := Options{FS: fs, HeadBytes: 64 << 20, FlushAge: time.Hour, LabelCacheEntries: 8}
			if seed%2 == 0 { // compact in the background, too, as often as can be
				opts.CompactFlushes, opts.SettleAge = 2, time.Millisecond
			}
			db, err := Open("db", opts)
			if err != nil {
				t.Fatal(err)
			}
			var held model.View
			var heldWant *storagetest.Naive
			release := func() {
				if held != nil {
					compareViews(t, g, held, heldWant, 2)
					if err := held.Close(); err != nil {
						t.Fatal(err)
					}
					held = nil
				}
			}
			for range 60 {
				switch n := g.Rand.Intn(21); {
				case n == 20:
					if err := db.Compact(ctx); err != nil {
						t.Fatal(err)
					}
				case n < 13:
					b := g.Batch(30)
					if _, err := db.Append(ctx, b); err != nil {
						t.Fatal(err)
					}
					want.Append(b)
				case n < 15:
					if err := db.Flush(ctx); err != nil {
						t.Fatal(err)
					}
				case n < 16:
					release()
					if err := db.close(g.Rand.Intn(2) == 0); err != nil {
						t.Fatal(err)
					}
					if db, err = Open("db", opts); err != nil {
						t.Fatal(err)
					}
				case n < 17:
					release()
					held, heldWant = mustView(t, db), want.Clone()
				default:
					v := mustView(t, db)
					compareViews(t, g, v, want, 3)
					if err := v.Close(); err != nil {
						t.Fatal(err)
					}
				}
			}
			release()
			v := mustView(t, db)
			compareViews(t, g, v, want, 20)
			if err := v.Close(); err != nil {
				t.Fatal(err)
			}
			if s, r := want.Count(); s < 100 || r < 50 {
				t.Fatalf("only %d samples and %d rows were written", s, r)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
