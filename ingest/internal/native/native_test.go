package native

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"tidemark/storage/model"
)

// TestCoarser: whatever schema the buckets come in, the stored ones hold the
// same observations between the same bounds.
func TestCoarser(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		schema := rng.Int64N(Finest - int64(model.MinSchema) + 1)
		schema += int64(model.MinSchema)
		b := Builder{Schema: schema}
		fine := map[int64]float64{}
		index, total := rng.Int64N(4000)-2000, uint64(0)
		for range rng.IntN(200) {
			n := rng.Uint64N(4)
			b.Add(false, index, n)
			fine[index] += float64(n)
			total += n
			index += 1 + rng.Int64N(1<<max(0, schema-8)+1)
		}
		var h model.Histogram
		if err := b.Integer(&h, total+3, 3); err != nil {
			t.Fatal(err)
		}
		shift := max(0, schema-int64(model.MaxSchema))
		want := map[int32]float64{}
		for i, n := range fine {
			if n > 0 { // bucket i ends at 2^(i/2^schema): the stored one is the first to end there or later
				want[int32(math.Ceil(math.Ldexp(float64(i), -int(shift))))] += n
			}
		}
		for k, i := range h.Positive.Index {
			if h.Positive.Count[k] != want[i] {
				t.Fatalf("schema %d: bucket %d has %g, want %g", schema, i, h.Positive.Count[k], want[i])
			}
		}
		if len(want) != h.Positive.Len() || !slices.IsSorted(h.Positive.Index) || h.Count != float64(total+3) || !h.Integer {
			t.Fatalf("schema %d: %+v, want %v", schema, h, want)
		}
	}
}

func TestCounts(t *testing.T) {
	for _, tc := range []struct {
		buckets     []uint64
		count, zero uint64
		sum         float64
		ok, integer bool
	}{
		{nil, 0, 0, 0, true, true},
		{[]uint64{1, 2}, 3, 0, 1, true, true},
		{[]uint64{1, 2}, 4, 0, 1, false, false},
		{[]uint64{1, 2}, 4, 0, math.NaN(), true, true}, // one observation is no number
		{[]uint64{1, 2}, 2, 0, math.NaN(), false, false},
		{[]uint64{1 << 53, 1}, 1<<53 + 1, 0, 1, true, false},
		{[]uint64{math.MaxUint64, 1}, 0, 0, 1, false, false},
		{[]uint64{math.MaxUint64}, 0, 1, 1, false, false},
	} {
		var b Builder
		for i, n := range tc.buckets {
			b.Add(true, int64(i), n)
		}
		h := model.Histogram{Sum: tc.sum}
		err := b.Integer(&h, tc.count, tc.zero)
		if (err == nil) != tc.ok || h.Integer != tc.integer {
			t.Errorf("%+v: %v, %+v", tc, err, h)
		}
	}
}
