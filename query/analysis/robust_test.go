package analysis

import (
	"math"
	"math/rand"
	"slices"
	"testing"
)

// Selection finds what sorting finds, on random, sorted, equal and
// organ-pipe inputs.
func TestMedianAgainstSorting(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for n := 1; n < 300; n += 1 + n/20 {
		for kind := range 5 {
			v := make([]float64, n)
			for i := range v {
				switch kind {
				case 0:
					v[i] = r.NormFloat64()
				case 1:
					v[i] = float64(i)
				case 2:
					v[i] = float64(r.Intn(3))
				case 3:
					v[i] = float64(min(i, n-i))
				case 4:
					v[i] = 7
				}
			}
			sorted := slices.Clone(v)
			slices.Sort(sorted)
			want := sorted[n/2]
			if n%2 == 0 {
				want = (sorted[n/2-1] + sorted[n/2]) / 2
			}
			if got := Median(slices.Clone(v)); got != want {
				t.Fatalf("kind %d, %d values: got %g, want %g", kind, n, got, want)
			}
			for _, q := range []float64{0, 0.05, 0.5, 0.75, 0.995, 1} {
				if got, want := Select(slices.Clone(v), q), Quantile(sorted, q); got != want {
					t.Fatalf("kind %d: quantile %g of %d: got %g, want %g", kind, q, n, got, want)
				}
			}
			for _, k := range []int{0, n / 3, n - 1} {
				if got := Nth(slices.Clone(v), k); got != sorted[k] {
					t.Fatalf("kind %d: %d-th of %d: got %g, want %g", kind, k, n, got, sorted[k])
				}
			}
		}
	}
	if !math.IsNaN(Median(nil)) {
		t.Error("the median of nothing is not NaN")
	}
}

func TestQuantile(t *testing.T) {
	v := []float64{1, 2, 3, 4}
	for q, want := range map[float64]float64{0: 1, 1: 4, 0.5: 2.5, 0.25: 1.75, -1: 1, 2: 4} {
		if got := Quantile(v, q); got != want {
			t.Errorf("quantile %g: got %g, want %g", q, got, want)
		}
	}
}

// A quarter of wild points does not move the slope; pairs at multiples of a
// period do not see what repeats in it.
func TestTheilSen(t *testing.T) {
	var x []int64
	var y []float64
	for i := range 40 {
		x = append(x, int64(i))
		v := 3 + 0.5*float64(i)
		if i%4 == 1 {
			v = 1e6
		}
		y = append(y, v)
	}
	within(t, "slope", TheilSen(x, y, 0), 0.5, 1e-9)
	for i := range y {
		y[i] = 0.5*float64(i) + 100*float64(i%7)
	}
	within(t, "slope of pairs seven apart", TheilSen(x, y, 7), 0.5, 1e-9)
	if !math.IsNaN(TheilSen(x[:1], y[:1], 0)) {
		t.Error("the slope of one point is not NaN")
	}
}

func TestRises(t *testing.T) {
	f := func(want bool, y ...float64) {
		t.Helper()
		if got := rises(y); got != want {
			t.Errorf("rises(%v) = %v, want %v", y, got, want)
		}
	}
	f(true, 1, 2, 3, 4, 5)
	f(true, 9, 7, 5, 4, 2, 1)
	f(false, 1, 2, 3, 4)
	f(false, 1, 3, 2, 5, 1, 4, 2)
	f(false, 1, 1, 1, 1, 1, 1)
}

func TestMedianWithout(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	for range 300 {
		v := make([]float64, 1+r.Intn(9))
		for i := range v {
			v[i] = float64(r.Intn(5))
		}
		slices.Sort(v)
		k := r.Intn(len(v))
		want := Median(append(slices.Clone(v[:k]), v[k+1:]...))
		if got := medianWithout(v, v[k]); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Fatalf("median of %v without %g: got %g, want %g", v, v[k], got, want)
		}
	}
}
