package storage

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/model"
	"tidemark/storage/storagetest"
)

// TestViewsOutliveTheirHeads has views open over flushes, while later
// generations fill the memory that earlier ones gave back, and reads them again
// and again: each says what it said first.
func TestViewsOutliveTheirHeads(t *testing.T) {
	ctx := context.Background()
	db := mustOpen(t, "db", Options{FS: vfs.NewMem()})
	print := func(v model.View) string {
		t.Helper()
		text, err := storagetest.PrintSamples(ctx, v, model.SampleSelection{Mint: minInt64, Maxt: maxInt64})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	type open struct {
		view model.View
		said string
	}
	var views []open
	for round := range 12 {
		var b model.Batch
		for i := range 4000 {
			b.AddSample("m", model.FromStrings("h", fmt.Sprint(i%10)), int64(i), float64(1000*round+i%7))
		}
		mustAppend(t, db, &b)
		v := mustView(t, db)
		views = append(views, open{v, print(v)})
		if err := db.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for _, o := range views {
			wg.Go(func() {
				if got := print(o.view); got != o.said {
					t.Errorf("round %d: a view says something else than at first", round)
				}
			})
		}
		wg.Wait()
		if round%3 == 2 { // their heads' memory is given back now
			for _, o := range views[:2] {
				if err := o.view.Close(); err != nil {
					t.Fatal(err)
				}
			}
			views = views[2:]
		}
	}
	for _, o := range views {
		if err := o.view.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := db.state.active.pins; n != 0 {
		t.Errorf("%d views still pin the head", n)
	}
	mustClose(t, db)
}
