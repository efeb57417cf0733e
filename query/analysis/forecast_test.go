package analysis

import (
	"errors"
	"math"
	"math/rand"
	"testing"
)

var autoForecast = ForecastOptions{Seasons: Seasons{Auto: true}}

func fitForecast(t testing.TB, ts []int64, vs []float64, from, to, res int64, o ForecastOptions) *Forecast {
	t.Helper()
	f, err := FitForecast(ts, vs, from, to, res, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A ramp goes on, with noise and without, up and down, far beyond the window.
func TestForecastFollowsARamp(t *testing.T) {
	f := func(what string, slope, sd float64, seed int64) {
		t.Helper()
		e := noise(seed)
		ramp := func(t int64) float64 { return 1000 + slope*float64(t-t0)/float64(Day) }
		ts, vs := made(t0, t0+4*Week, 5*Minute, func(t int64) float64 { return ramp(t) + sd*e() })
		m := fitForecast(t, ts, vs, t0, t0+4*Week, Hour, autoForecast)
		for at := t0 + 4*Week + Hour; at <= t0+8*Week; at += 11 * Hour {
			within(t, what, m.At(at, 0.5), ramp(at), 0.05)
			if t.Failed() {
				return
			}
		}
	}
	f("rising", 10, 0, 1)
	f("rising with noise", 10, 20, 2)
	f("falling", -10, 0, 3)
	f("falling with noise", -10, 5, 4)
}

// A season goes on, in local time too, and the interval is as wide as the
// noise.
func TestForecastRepeatsSeasons(t *testing.T) {
	e := noise(1)
	f := func(t int64) float64 { return daily(t) + weekend(t) }
	ts, vs := made(t0, t0+8*Week, 5*Minute, func(t int64) float64 { return f(t) + 2*e() })
	m := fitForecast(t, ts, vs, t0, t0+4*Week, Hour, autoForecast)
	var worst, width, rms float64
	n := 0
	for at := t0 + 4*Week + Hour; at <= t0+6*Week; at += Hour {
		want := 0.0
		for x := at - Hour + 5*Minute; x <= at; x += 5 * Minute {
			want += f(x) / 12
		}
		d := m.At(at, 0.5) - want
		worst = max(worst, math.Abs(d))
		rms += d * d
		width += m.At(at, 0.9) - m.At(at, 0.1)
		n++
	}
	if rms = math.Sqrt(rms / float64(n)); rms > 1 || worst > 6 {
		t.Errorf("off by %g in the mean and %g at most", rms, worst)
	}
	// The noise of an hour's mean is 2/√12; 80 % of a normal distribution lie
	// within 2.56 of it.
	if w := width / float64(n); w < 1 || w > 4.5 {
		t.Errorf("the 80 %% interval is %g wide", w)
	}
}

// About eight of ten later values lie in the 80 % interval, over many series
// of kinds that no member fits exactly.
func TestForecastIntervalsAreCalibrated(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	in, n := 0, 0
	for k := range 60 {
		walk, ar := 0.0, 0.0
		ts, vs := made(t0, t0+3*Week, Hour, func(t int64) float64 {
			walk += r.NormFloat64()
			ar = 0.9*ar + r.NormFloat64()
			switch k % 3 {
			case 0:
				return walk
			case 1:
				return ar + daily(t)/10
			}
			return ar + float64(t-t0)/float64(Day)
		})
		origin := t0 + 2*Week
		m := fitForecast(t, ts, vs, t0, origin, Hour, autoForecast)
		for at := origin + Hour; at <= origin+3*Day; at += Hour {
			v, _ := Mean(ts, vs, at-Hour, at)
			n++
			if v >= m.At(at, 0.1) && v <= m.At(at, 0.9) {
				in++
			}
		}
	}
	if share := float64(in) / float64(n); share < 0.65 || share > 0.95 {
		t.Errorf("the 80 %% interval holds %.3f", share)
	}
}

func TestForecastQuantilesAreOrderedAndWiden(t *testing.T) {
	r := rand.New(rand.NewSource(4))
	walk := 100.0
	ts, vs := made(t0, t0+2*Week, Hour, func(int64) float64 { walk += r.NormFloat64(); return walk })
	m := fitForecast(t, ts, vs, t0, t0+2*Week, Hour, autoForecast)
	before := 0.0
	for h := Hour; h < 60*Day; h += 7 * Hour {
		at := t0 + 2*Week + h
		lo, mid, hi := m.At(at, 0.1), m.At(at, 0.5), m.At(at, 0.9)
		if !(lo <= mid && mid <= hi) {
			t.Fatalf("after %s: quantiles %g, %g, %g", Span(h), lo, mid, hi)
		}
		_, s := m.Expected(at)
		if s < before-1e-9 {
			t.Fatalf("after %s: the scale falls from %g to %g", Span(h), before, s)
		}
		before = s
	}
}

func TestForecastOfNonNegativeValuesIsNone(t *testing.T) {
	e := noise(5)
	ts, vs := made(t0, t0+4*Week, Hour, func(t int64) float64 {
		return max(0, 100-4*float64(t-t0)/float64(Day)+e())
	})
	m := fitForecast(t, ts, vs, t0, t0+3*Week, Hour, autoForecast)
	if v := m.At(t0+12*Week, 0.5); v != 0 {
		t.Errorf("an emptying tank holds %g at last", v)
	}
}

func TestForecastModels(t *testing.T) {
	ts, vs := made(t0, t0+2*Week, Hour, func(t int64) float64 { return daily(t) + float64(t-t0)/float64(Day) })
	for _, model := range ForecastModels {
		o := autoForecast
		o.Model = model
		m := fitForecast(t, ts, vs, t0, t0+2*Week, Hour, o)
		if v := m.At(t0+2*Week+5*Hour, 0.5); !finite(v) || v < 0 || v > 120 {
			t.Errorf("%s: %g", model, v)
		}
	}
	o := autoForecast
	o.Model = "arima"
	if _, err := FitForecast(ts, vs, t0, t0+2*Week, Hour, o); err == nil {
		t.Error("want an error for an unknown model")
	}
	o.Model = "mean"
	o.Seasons = Seasons{}
	flat := fitForecast(t, ts, vs, t0, t0+2*Week, Hour, o)
	within(t, "mean", flat.At(t0+3*Week, 0.5), 57, 0.02)
}

func TestForecastNeedsHistory(t *testing.T) {
	ts, vs := made(t0, t0+31*Hour, Hour, daily)
	_, err := FitForecast(ts, vs, t0, t0+31*Hour, Hour, autoForecast)
	var s *ShortHistory
	if !errors.As(err, &s) || s.Have != 31 || s.Want != MinPoints {
		t.Errorf("got %v", err)
	}
}

// The forecast does not see what comes after its origin.
func TestForecastKnowsNoFuture(t *testing.T) {
	e := noise(6)
	ts, vs := made(t0, t0+4*Week, Hour, func(t int64) float64 { return daily(t) + e() })
	origin := t0 + 2*Week
	a := fitForecast(t, ts, vs, t0, origin, Hour, autoForecast)
	for i := range ts {
		if ts[i] > origin {
			vs[i] = 1e6
		}
	}
	b := fitForecast(t, ts, vs, t0, origin, Hour, autoForecast)
	for at := origin + Hour; at < origin+Week; at += 5 * Hour {
		for _, q := range []float64{0.1, 0.5, 0.9} {
			if a.At(at, q) != b.At(at, q) {
				t.Fatalf("%g at %d changed with the future", q, at)
			}
		}
	}
}

func FuzzFitForecast(f *testing.F) {
	f.Add(int64(1), uint16(100), uint8(0))
	f.Add(int64(9), uint16(3000), uint8(2))
	f.Fuzz(func(t *testing.T, seed int64, n uint16, kind uint8) {
		r := rand.New(rand.NewSource(seed))
		at := t0 - r.Int63n(1<<40)
		var ts []int64
		var vs []float64
		for range n % 3000 {
			at += 1 + r.Int63n(2*Hour)
			ts = append(ts, at)
			v := r.NormFloat64()
			switch kind % 4 {
			case 1:
				v = float64(r.Intn(2))
			case 2:
				v = math.Float64frombits(r.Uint64())
			case 3:
				v = math.MaxFloat64 * float64(r.Intn(3)-1)
			}
			vs = append(vs, v)
		}
		m, err := FitForecast(ts, vs, at-8*Week, at, Hour, autoForecast)
		if err == nil {
			for h := int64(1); h < Week; h += 5*Hour + 7 {
				if math.IsInf(m.At(at+h, 0.5), 0) {
					t.Fatal("an infinite forecast")
				}
			}
		}
		o := TimeToOptions{Forecast: autoForecast, Threshold: r.NormFloat64() * 10, Max: 365 * Day, Q: []float64{0.1, 0.5, 0.9}}
		if tt, err := FitTimeTo(ts, vs, at-8*Week, at, Hour, Day, o); err == nil {
			for _, s := range tt.At(at, ts, vs) {
				if math.IsNaN(s) || s < 0 {
					t.Fatalf("time to threshold %g", s)
				}
			}
		}
	})
}

func BenchmarkFitForecast(b *testing.B) {
	e := noise(1)
	ts, vs := made(t0, t0+8*Week, 5*Minute, func(t int64) float64 { return daily(t) + e() })
	b.ReportAllocs()
	for b.Loop() {
		fitForecast(b, ts, vs, t0, t0+8*Week, Hour, autoForecast)
	}
}
