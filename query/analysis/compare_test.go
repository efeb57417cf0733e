package analysis

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// ksObvious compares the two distribution functions at every value.
func ksObvious(a, b []float64) float64 {
	share := func(v []float64, x float64) float64 {
		n := 0.0
		for _, f := range v {
			if f <= x {
				n++
			}
		}
		return n / float64(len(v))
	}
	d := 0.0
	for _, x := range slices.Concat(a, b) {
		d = max(d, math.Abs(share(a, x)-share(b, x)))
	}
	return d
}

func TestKSAsTheObvious(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		a, b := make([]float64, 1+rng.IntN(20)), make([]float64, 1+rng.IntN(20))
		for i := range a {
			a[i] = float64(rng.IntN(6))
		}
		for i := range b {
			b[i] = float64(rng.IntN(8))
		}
		slices.Sort(a)
		slices.Sort(b)
		if got, want := KS(a, b), ksObvious(a, b); math.Abs(got-want) > 1e-12 {
			t.Fatalf("%v %v: %g, want %g", a, b, got, want)
		}
	}
}

// The quantiles of Kolmogorov's distribution from its tables.
func TestKolmogorovByTable(t *testing.T) {
	for _, c := range [][2]float64{{1.2238, .10}, {1.3581, .05}, {1.6276, .01}, {0.8276, .5}} {
		if p := kolmogorov(c[0]); math.Abs(p-c[1]) > 2e-4 {
			t.Errorf("%g: %g, want %g", c[0], p, c[1])
		}
	}
	if kolmogorov(0) != 1 || kolmogorov(50) != 0 {
		t.Error("the ends are not 1 and 0")
	}
}

// P-values of comparisons where nothing changed are no smaller than they say,
// for noise and for series that depend on their past.
func TestComparisonsOfNoise(t *testing.T) {
	for _, rho := range []float64{0, 0.5, 0.8} {
		rng := rand.New(rand.NewPCG(3, uint64(100*rho)))
		low := 0
		const n = 1000
		for range n {
			v := make([]float64, 300)
			x := 0.0
			for i := range v {
				x = rho*x + rng.NormFloat64()
				v[i] = x
			}
			c, err := Compare(v[:240], v[240:], "ks")
			if err != nil {
				t.Fatal(err)
			}
			if c.P < 0.05 {
				low++
			}
		}
		if low > n*8/100 {
			t.Errorf("autocorrelation %g: %d of %d below 0.05", rho, low, n)
		}
	}
}

func TestCompareByHand(t *testing.T) {
	base := []float64{1, 2, 3, 4, 5, 4, 3, 2, 1, 2, 3, 4, 5}
	c, err := Compare(base, []float64{10, 11, 12, 11, 10}, "iqr")
	if err != nil {
		t.Fatal(err)
	}
	if c.Before != 3 || c.After != 11 || c.P > 0.1 || c.Effect < 5 {
		t.Errorf("a step up: %+v", c)
	}
	// Left its baseline earlier and stayed there: nothing since.
	if s := c.Since([]float64{10, 11, 12, 11}); math.Abs(s.Effect) > 1 {
		t.Errorf("since: %+v", s)
	}
	if s := c.Since(nil); s.Effect != c.Effect {
		t.Errorf("since nothing: %+v", s)
	}
	if c, _ = Compare([]float64{2, 2, 2, 2}, []float64{1, 1, 1}, "volume"); c.Effect != -0.5 {
		t.Errorf("volume: %+v", c)
	}
	if c, _ = Compare(make([]float64, 9), []float64{0, 5, 5, 5}, "ks"); !(c.Effect > 10) || !finite(c.Effect) {
		t.Errorf("new: %+v", c)
	}
	if c, _ = Compare(make([]float64, 9), make([]float64, 9), "ks"); c.Effect != 0 || c.P != 1 {
		t.Errorf("nothing: %+v", c)
	}
	var short *ShortHistory
	if _, err = Compare([]float64{1, math.NaN(), math.Inf(1)}, base, "ks"); !errors.As(err, &short) {
		t.Errorf("one value: %v", err)
	}
}

func TestFDRByHand(t *testing.T) {
	// Three tests: harmonic sum 11/6.
	got := FDR([]float64{0.001, math.NaN(), 0.5, 0.01}, 0)
	want := []float64{0.001 * 3 * 11 / 6, math.NaN(), 0.5 * 11 / 6, 0.01 * 3 / 2 * 11 / 6}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-12 && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
			t.Errorf("%d: %g, want %g", i, got[i], want[i])
		}
	}
	if p := FDR([]float64{0.9, 0.8}, 0); p[0] != 1 || p[1] != 1 {
		t.Errorf("large: %v", p)
	}
}

// Of 100,000 tests of nothing next to none survives.
func TestFDRKeepsNothingOfNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	p := make([]float64, 100_000)
	for i := range p {
		p[i] = rng.Float64()
	}
	kept := 0
	for _, v := range FDR(p, 0) {
		if v <= 0.05 {
			kept++
		}
	}
	if kept > 0 {
		t.Errorf("%d survive", kept)
	}
}
