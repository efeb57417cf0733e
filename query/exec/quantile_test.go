package exec

import (
	"context"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestQuantileKernel compares the sliding window with one that is sorted anew.
func TestQuantileKernel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times, values := drawSeries(t)
		w := drawWindows(t)
		sl := newSlider(w, 1)
		sl.seek(times)
		out := NewColumn(nil, w.Grid.Len())
		q := rapid.SampledFrom([]float64{0, 0.25, 0.5, 0.95, 1, -1, 2, math.NaN()}).Draw(t, "q")
		if err := quantileKernel(context.Background(), sl, values, [][]float64{constant(q, w.Grid.Len())}, out); err != nil {
			t.Fatal(err)
		}
		for i := range w.Grid.Len() {
			_, vs := naive(w, i, times, values)
			if len(vs) > 0 != out.Present.Has(i) {
				t.Fatalf("step %d of %v: present is %t", i, vs, out.Present.Has(i))
			}
			if len(vs) == 0 {
				continue
			}
			if want := quantile(q, slices.Clone(vs)); math.Float64bits(want) != math.Float64bits(out.Values[i]) && !(math.IsNaN(want) && math.IsNaN(out.Values[i])) {
				t.Fatalf("quantile %v of %v: got %v, want %v", q, vs, out.Values[i], want)
			}
		}
	})
}
