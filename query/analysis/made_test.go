package analysis

import (
	"math"
	"math/rand"
	"testing"
	_ "time/tzdata" // the tests' zones, whatever the machine has
)

// t0 is a Monday, 2026-01-05 00:00 UTC.
const t0 = int64(1767571200000)

// made returns samples of f every step in (from, to].
func made(from, to, step int64, f func(t int64) float64) (ts []int64, vs []float64) {
	for t := from + step; t <= to; t += step {
		ts = append(ts, t)
		vs = append(vs, f(t))
	}
	return ts, vs
}

// daily is a sine of a day's period around 50.
func daily(t int64) float64 {
	return 50 + 20*math.Sin(2*math.Pi*float64(t%Day)/float64(Day))
}

// noise returns reproducible normal noise.
func noise(seed int64) func() float64 {
	r := rand.New(rand.NewSource(seed))
	return r.NormFloat64
}

var auto = BaselineOptions{Seasons: Seasons{Auto: true}}

// fitBaseline fits or fails the test.
func fitBaseline(t testing.TB, ts []int64, vs []float64, from, to, res int64, o BaselineOptions) *Baseline {
	t.Helper()
	m, err := FitBaseline(ts, vs, from, to, res, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func within(t testing.TB, what string, got, want, share float64) {
	t.Helper()
	if !(math.Abs(got-want) <= share*math.Abs(want)) {
		t.Errorf("%s: got %g, want %g within %g %%", what, got, want, share*100)
	}
}
