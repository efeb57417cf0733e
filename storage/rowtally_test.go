package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/model"
)

// TestTalliesAnswer asks the same questions in a form that tallies and totals
// answer, and in one that only rows do.
func TestTalliesAnswer(t *testing.T) {
	ctx := context.Background()
	s := &logSource{Rand: rand.New(rand.NewPCG(7, 7)), now: 1_700_020_000e9} // early in a day
	start := s.now
	db := mustOpen(t, "db", Options{FS: vfs.NewMem(), FlushAge: time.Hour, NoCompaction: true})
	for range 3 {
		mustAppend(t, db, s.batch(6000))
		if err := db.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	v := mustView(t, db).(*view)
	sel := model.RowSelection{Mint: minInt64, Maxt: maxInt64}
	equal := func(name, want string) model.FieldFilter {
		return model.FieldFilter{Name: name, Equal: want, Test: func(v model.Value) model.Decision {
			if v.String() == want {
				return model.Keep
			}
			return model.Drop
		}}
	}
	tallied := 0
	for _, filter := range []model.RowFilter{{}, {Fields: []model.FieldFilter{equal("level", "error")}}, {Fields: []model.FieldFilter{equal("level", "label")}},
		{Fields: []model.FieldFilter{equal("level", "")}}, {Fields: []model.FieldFilter{equal("app", "app1"), equal("level", "warn")}}} {
		for _, by := range [][]string{nil, {"level"}, {"app"}, {"app", "level"}, {"nosuch", "host"}} {
			for _, byStream := range []bool{false, true} {
				for _, number := range []string{"", "size", "bytes"} {
					c := model.RowCounting{Edges: []int64{start - 7200e9, s.now}, By: by, ByStream: byStream, Number: number}
					if number == "bytes" {
						number, c.Number, c.Bytes = "", "", true
					}
					sel.Filter = filter
					got := countsOf(t, v, sel, c)
					if number == "" {
						c.Shapes = true
					} else {
						c.Numbers = true
					}
					if want := countsOf(t, v, sel, c); got != want {
						t.Errorf("filters %d, by %v, by stream %v, number %q: got\n%s\nwant\n%s", len(filter.Fields), by, byStream, number, got, want)
					}
					if usesTallies(t, v, sel, model.RowCounting{Edges: c.Edges, By: by, ByStream: byStream, Number: number, Bytes: c.Bytes}) {
						tallied++
					}
				}
			}
		}
	}
	if tallied < 60 {
		t.Errorf("%d of 150 questions were answered from tallies and totals, want two of five at least", tallied)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)
}

// countsOf prints the counts of rows, shapes taken together.
func countsOf(t *testing.T, v *view, sel model.RowSelection, c model.RowCounting) string {
	t.Helper()
	rows, bytes, rest := map[string]int64{}, map[string]int64{}, map[string]string{}
	if err := v.CountRows(context.Background(), sel, c, func(rc *model.RowCount) error {
		k := rc.Labels.String()
		rows[k] += rc.Rows[0]
		if c.Bytes {
			bytes[k] += rc.Bytes[0]
		}
		if c.Number != "" {
			rest[k] = fmt.Sprint(rc.Sums[0], rc.Mins[0], rc.Maxs[0])
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(rows, bytes, rest)
}

// usesTallies reports whether the groups that a question is about are counted
// without their rows.
func usesTallies(t *testing.T, v *view, sel model.RowSelection, c model.RowCounting) (all bool) {
	t.Helper()
	s := &rowScan{v: v, ctx: context.Background(), sel: sel}
	all = true
	if err := s.clusters(func(cl *rowCluster) error {
		table := newCountTable(&c)
		for _, ref := range cl.groups {
			ok, err := table.countTallied(s, cl, ref)
			if err != nil {
				return err
			}
			all = all && ok
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}
