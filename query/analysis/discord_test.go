package analysis

import (
	"math"
	"math/rand/v2"
	"testing"
)

// nearest is the obvious twin of Discords for values without gaps.
func nearest(v []float64, m, most int, later bool) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		out[i] = math.NaN()
		if i+1 < m {
			continue
		}
		best := math.Inf(1)
		for j := m - 1; j < len(v); j++ {
			lag := i - j
			if later && lag < 0 {
				lag = -lag
			}
			if lag < m || lag > most {
				continue
			}
			sum := 0.0
			for k := range m {
				sum += (v[i-k] - v[j-k]) * (v[i-k] - v[j-k])
			}
			best = min(best, math.Sqrt(sum))
		}
		if !math.IsInf(best, 1) {
			out[i] = best
		}
	}
	return out
}

func TestDiscordsAsTheObvious(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 40 {
		v := make([]float64, 20+rng.IntN(60))
		for i := range v {
			v[i] = rng.NormFloat64()
		}
		m, most, later := 1+rng.IntN(9), 5+rng.IntN(60), rng.IntN(2) == 0
		got, want := Discords(v, m, most, later), nearest(v, m, most, later)
		for i := range v {
			if math.IsNaN(got[i]) != math.IsNaN(want[i]) || math.Abs(got[i]-want[i]) > 1e-6 {
				t.Fatalf("m %d most %d later %t: [%d] is %g, want %g", m, most, later, i, got[i], want[i])
			}
		}
	}
}

// Without gaps, and within a span that holds all, filled courses are courses;
// empty buckets between filled ones change nothing; the span keeps older courses
// out.
func TestFilledDiscordsSkipEmptyBuckets(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for range 40 {
		v := make([]float64, 20+rng.IntN(60))
		for i := range v {
			v[i] = rng.NormFloat64()
		}
		m, most := 1+rng.IntN(9), 5+rng.IntN(60)
		want := nearest(v, m, most, false)
		spread, at := []float64{}, []int{}
		for _, f := range v {
			for range rng.IntN(3) {
				spread = append(spread, math.NaN())
			}
			at = append(at, len(spread))
			spread = append(spread, f)
		}
		got := FilledDiscords(spread, m, most, len(spread))
		for i := range v {
			if math.IsNaN(got[at[i]]) != math.IsNaN(want[i]) || math.Abs(got[at[i]]-want[i]) > 1e-6 {
				t.Fatalf("m %d most %d: [%d] is %g, want %g", m, most, i, got[at[i]], want[i])
			}
		}
		// What lies before the span makes no difference.
		span := 2*m + rng.IntN(20)
		got = FilledDiscords(spread, m, most, span)
		last := len(spread) - 1
		cut := max(len(spread)-span, 0)
		if alone := FilledDiscords(spread[cut:], m, most, span); math.IsNaN(alone[len(alone)-1]) != math.IsNaN(got[last]) || math.Abs(alone[len(alone)-1]-got[last]) > 1e-6 {
			t.Fatalf("m %d span %d: %g from all, %g from the span", m, span, got[last], alone[len(alone)-1])
		}
	}
}

func TestDiscordsOfAwkwardSeries(t *testing.T) {
	for name, v := range map[string][]float64{
		"empty": nil, "gaps": {math.NaN(), math.NaN(), math.NaN()}, "flat": make([]float64, 40),
		"huge": {1e300, -1e300, 1e300, 1e300, -1e300, 1e300, 0, 0, 0}, "one": {3},
		"infinite": {1, math.Inf(1), 2, 1, math.Inf(-1), 2, 1, 2, 1, 2},
	} {
		for i, d := range Discords(v, 3, 100, true) {
			if math.IsInf(d, 0) || d < 0 {
				t.Errorf("%s: [%d] is %g", name, i, d)
			}
		}
	}
}

func TestCoveringByHand(t *testing.T) {
	got := Covering([]float64{math.NaN(), 1, 2, 6, math.NaN()}, 3)
	want := []float64{1.5, 3, 4, 6, math.NaN()}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-12 && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
			t.Errorf("[%d] is %g, want %g", i, got[i], want[i])
		}
	}
}

// A rarity is what share of the past was at least as large.
func TestRarityOfQuantiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	v := make([]float64, 20_000)
	for i := range v {
		v[i] = rng.ExpFloat64()
	}
	r, err := NewRarity(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []float64{0.2, 0.05, 0.01, 0.001} {
		if got, want := r.Of(-math.Log(p)), -math.Log10(2*p); math.Abs(got-want) > 0.15 {
			t.Errorf("the quantile %g has %g, want %g", p, got, want)
		}
	}
	if r.Of(0) != 0 || r.Of(math.NaN()) != 0 {
		t.Error("what is small or missing is rare")
	}
	if _, err := NewRarity(v[:31]); err == nil {
		t.Error("31 values: want an error")
	}
}
