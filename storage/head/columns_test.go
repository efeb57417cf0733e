package head

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"tidemark/storage/model"
)

// TestMetricRowsAreSamples compares with reading each column by itself, for
// streams whose schemas share columns, repeat them, and have equal times.
func TestMetricRowsAreSamples(t *testing.T) {
	ctx := context.Background()
	rng := rand.New(rand.NewPCG(5, 6))
	types := []model.Type{model.TypeFloat, model.TypeInt, model.TypeText, model.TypeBool}
	for round := range 100 {
		h := New(wholeTime)
		var schemas []*model.Schema
		for range 1 + rng.IntN(5) {
			sc := &model.Schema{Kind: model.MetricRow}
			for range 1 + rng.IntN(4) {
				sc.Columns = append(sc.Columns, model.Column{Name: fmt.Sprint("m", rng.IntN(4)), Type: types[rng.IntN(4)]})
			}
			if rng.IntN(3) == 0 {
				sc.Columns = append(sc.Columns, model.Column{Type: model.TypeStart})
			}
			schemas = append(schemas, sc)
		}
		logs := &model.Schema{Kind: model.LogRow, Columns: []model.Column{{Field: model.LineField, Type: model.TypeText}, {Name: "m0", Field: "f", Type: model.TypeInt}}}
		streams := []*model.Stream{model.NewStream(model.FromStrings("a", "1")), model.NewStream(model.FromStrings("a", "2"))}
		for range 1 + rng.IntN(4) {
			var b model.Batch
			for range rng.IntN(40) {
				sc := schemas[rng.IntN(len(schemas))]
				if rng.IntN(8) == 0 {
					sc = logs
				}
				b.Begin(streams[rng.IntN(2)], sc, rng.Int64N(30))
				for _, c := range sc.Columns {
					if c.Type == model.TypeText {
						b.TextString(fmt.Sprint(rng.IntN(100)))
					} else {
						b.Int(rng.Int64N(1000))
					}
				}
			}
			insert(t, h, &b)
		}
		s := h.Snapshot()
		var rows MetricRows
		for st := range uint32(s.Len()) {
			if err := rows.Load(ctx, s, st); err != nil {
				t.Fatal(err)
			}
			for _, c := range []Class{Metrics, States} {
				for i := range 5 {
					name := fmt.Sprint("m", i)
					want, err := s.Samples(ctx, st, c, name, -1<<63, 1<<63-1, nil)
					if err != nil {
						t.Fatal(err)
					}
					if got := rows.Samples(c, name, nil); !slices.Equal(got, want) {
						t.Fatalf("round %d, stream %d, class %d, %s: got %v, want %v", round, st, c, name, got, want)
					}
				}
			}
		}
	}
}
