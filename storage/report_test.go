package storage

import (
	"context"
	"fmt"
	"reflect"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/model"
)

// TestCardinality compares the report with a count of the label sets, on disk,
// in memory, and with the same series in both.
func TestCardinality(t *testing.T) {
	db := mustOpen(t, "db", Options{FS: vfs.NewMem()})
	defer mustClose(t, db)
	write := func() {
		for i := range 40 {
			b := &model.Batch{}
			ls := model.FromStrings("host", fmt.Sprint("h", i%20), "zone", fmt.Sprint("z", i%3), "id", fmt.Sprint(i))
			b.AddSample("up", ls, 1e9, 1)
			if i%2 == 0 {
				b.AddSample("load", ls, 1e9, 1)
			}
			mustAppend(t, db, b)
		}
	}
	check := func() {
		t.Helper()
		v := mustView(t, db)
		defer v.Close()
		got, err := v.(model.CardinalityView).Cardinality(context.Background(), 3)
		if err != nil {
			t.Fatal(err)
		}
		got.Mint, got.Maxt = 0, 0
		sets, err := v.LabelSets(context.Background(), model.LabelSelection{Mint: 0, Maxt: 2e9})
		if err != nil {
			t.Fatal(err)
		}
		names, values, pairs := map[string]int64{}, map[string]map[string]bool{}, map[string]int64{}
		for _, ls := range sets {
			names[ls.Get(model.MetricName)]++
			for _, l := range ls {
				if l.Name == model.MetricName {
					continue
				}
				if values[l.Name] == nil {
					values[l.Name] = map[string]bool{}
				}
				values[l.Name][l.Value] = true
				pairs[l.Name+"="+l.Value]++
			}
		}
		want := &model.Cardinality{Series: int64(len(sets)), SeriesByName: largest(names, 3), SeriesByPair: largest(pairs, 3)}
		counts, bytes := map[string]int64{}, map[string]int64{}
		for name, vs := range values {
			counts[name] = int64(len(vs))
			want.LabelPairs += int64(len(vs))
			for v := range vs {
				bytes[name] += int64(len(v))
			}
		}
		want.ValuesByLabel, want.BytesByLabel = largest(counts, 3), largest(bytes, 3)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got\n%+v\nwant\n%+v", got, want)
		}
	}
	write()
	check()
	if err := db.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	check()
	write()
	check()
}
