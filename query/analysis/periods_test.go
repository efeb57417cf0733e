package analysis

import (
	"math"
	"math/rand/v2"
	"testing"
)

// correlationAt is the obvious autocorrelation, by its sum.
func correlationAt(v []float64, lag int) float64 {
	m, _ := meanOf(v)
	num, den := 0.0, 0.0
	for i := range v {
		den += (v[i] - m) * (v[i] - m)
		if i >= lag {
			num += (v[i] - m) * (v[i-lag] - m)
		}
	}
	return num / den * float64(len(v)) / float64(len(v)-lag)
}

func TestAutocorrelationsAsTheObvious(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	v := make([]float64, 77)
	for i := range v {
		v[i] = rng.NormFloat64() + 3
	}
	for lag, got := range autocorrelations(v) {
		if want := correlationAt(v, lag); math.Abs(got-want) > 1e-9 {
			t.Fatalf("lag %d: %g, want %g", lag, got, want)
		}
	}
}

func TestPeriodsOfMadeSeries(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, c := range []struct {
		name string
		f    func(i int) float64
		want []int64 // minutes
	}{
		{"sine", func(i int) float64 { return math.Sin(2*math.Pi*float64(i)/50) + rng.NormFloat64()/3 }, []int64{50}},
		{"spikes", func(i int) float64 { return 9*float64((i%60)/57) + rng.NormFloat64()/2 }, []int64{60}},
		{"trend too", func(i int) float64 { return float64(i)/10 + 5*math.Sin(2*math.Pi*float64(i)/40) }, []int64{40}},
		{"noise", func(i int) float64 { return rng.NormFloat64() }, nil},
		{"ramp", func(i int) float64 { return float64(i) }, nil},
		{"flat", func(i int) float64 { return 3 }, nil},
	} {
		b := Buckets{End: Minute, Res: Minute, V: make([]float64, 1000), Filled: 1000}
		for i := range b.V {
			b.V[i] = c.f(i)
		}
		b.V[17], b.V[500] = math.NaN(), 1e6
		got := Periods(&b, 0, 0, 1)
		if len(got) != len(c.want) || len(got) > 0 && (got[0].Length/Minute < c.want[0]-1 || got[0].Length/Minute > c.want[0]+1) {
			t.Errorf("%s: %+v, want %v", c.name, got, c.want)
		}
	}
}

// A smoother's closed form of the future is what running it on would give.
func TestSmoothersAhead(t *testing.T) {
	s := smoother{0.3, 0.05, 0.9}
	v := []float64{1, 2, 4, 3, 5, 6, 7, 6, 8, 9, 11}
	at := make([]state, len(v))
	s.run(v, math.Inf(1), at)
	st := at[len(at)-1]
	level, trend := st.level, st.trend
	for k := 1.0; k < 20; k++ {
		trend *= s.phi
		level += trend
		if got := s.ahead(st, k); math.Abs(got-level) > 1e-9 {
			t.Fatalf("%g ahead: %g, want %g", k, got, level)
		}
	}
}

func TestAutoregressionFindsItsCoefficients(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	v := []float64{0}
	d1, d2 := 0.0, 0.0
	for range 5000 {
		d := 0.6*d1 - 0.3*d2 + rng.NormFloat64()
		d1, d2 = d, d1
		v = append(v, v[len(v)-1]+d)
	}
	a := fitAutoregression(v, math.Inf(1))
	if len(a.coef) < 2 || math.Abs(a.coef[0]-0.6) > 0.05 || math.Abs(a.coef[1]+0.3) > 0.05 {
		t.Errorf("coefficients %v, want .6 and -.3", a.coef)
	}
}
