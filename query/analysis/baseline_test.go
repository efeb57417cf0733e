package analysis

import (
	"errors"
	"math"
	"math/rand"
	"testing"
	"time"
)

// About the declared share of ordinary values lies within the band, whatever
// their distribution.
func TestBandHoldsTheDeclaredShare(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	shapes := map[string]func(t int64) float64{
		"normal":      func(int64) float64 { return 100 + r.NormFloat64() },
		"uniform":     func(int64) float64 { return r.Float64() },
		"skewed":      func(int64) float64 { return r.ExpFloat64() },
		"daily":       func(t int64) float64 { return daily(t) + 2*r.NormFloat64() },
		"loud by day": func(t int64) float64 { return daily(t) + daily(t)/20*r.NormFloat64() },
		"counts":      func(int64) float64 { return poisson(r, 3) },
		"rare counts": func(int64) float64 { return poisson(r, 0.02) },
	}
	for what, f := range shapes {
		for _, q := range []float64{0.9, 0.99} {
			o := auto
			o.Q = q
			ts, vs := made(t0, t0+8*Week, 5*Minute, f)
			m := fitBaseline(t, ts, vs, t0, t0+4*Week, 5*Minute, o)
			out, n := 0, 0
			for at := t0 + 4*Week + 5*Minute; at <= t0+8*Week; at += 5 * Minute {
				v, _ := Mean(ts, vs, at-5*Minute, at)
				n++
				if s := m.At(at).Score(v); math.Abs(s) > 1 {
					out++
				}
			}
			share := 1 - float64(out)/float64(n)
			// Counts are discrete and uniform values end abruptly: their band
			// may hold more.
			more := what == "counts" || what == "rare counts" || what == "uniform"
			if share < q-0.4*(1-q)-0.003 || share > q+0.95*(1-q) && !more {
				t.Errorf("%s: the band of %g holds %.4f", what, q, share)
			}
		}
	}
}

func poisson(r *rand.Rand, mean float64) float64 {
	l, k, p := math.Exp(-mean), 0.0, 1.0
	for {
		if p *= r.Float64(); p <= l {
			return k
		}
		k++
	}
}

// The worked example of the documentation: a spike in a season is outside,
// although its value is ordinary at another time of day.
func TestSpikeIsJudgedByItsTimeOfDay(t *testing.T) {
	e := noise(1)
	ts, vs := made(t0, t0+4*Week, Minute, func(t int64) float64 { return daily(t) + e() })
	m := fitBaseline(t, ts, vs, t0, t0+4*Week, 5*Minute, auto)
	noon, midnight := t0+4*Week+6*Hour, t0+4*Week+18*Hour
	if s := m.At(noon).Score(70); math.Abs(s) > 1 {
		t.Errorf("70 at the day's peak scores %g", s)
	}
	if s := m.At(midnight).Score(70); s < 5 {
		t.Errorf("70 at the day's low scores %g, want far above 1", s)
	}
	if s := m.At(noon).Score(30); s > -5 {
		t.Errorf("30 at the day's peak scores %g, want far below -1", s)
	}
}

// Incidents in the training window neither move nor widen the band.
func TestIncidentsDoNotTrain(t *testing.T) {
	build := func(incident bool) *Baseline {
		e := noise(2)
		ts, vs := made(t0, t0+4*Week, 5*Minute, func(t int64) float64 {
			v := daily(t) + e()
			if at := t - t0; incident && (at > 10*Day && at < 10*Day+8*Hour || at > 20*Day && at < 20*Day+3*Hour) {
				v += 500
			}
			return v
		})
		return fitBaseline(t, ts, vs, t0, t0+4*Week, 5*Minute, auto)
	}
	clean, marred := build(false), build(true)
	for at := t0 + 4*Week; at < t0+4*Week+Day; at += 35 * Minute {
		a, b := clean.At(at), marred.At(at)
		if math.Abs(a.Expected-b.Expected) > 0.5 {
			t.Fatalf("expected %g without and %g with an incident", a.Expected, b.Expected)
		}
		if w := (b.Upper - b.Lower) / (a.Upper - a.Lower); w < 0.8 || w > 1.3 {
			t.Fatalf("the band is %g times as wide with an incident", w)
		}
	}
}

func TestExcludedStretchesDoNotTrain(t *testing.T) {
	e := noise(3)
	// Half of the window is another level: only exclusion can help.
	ts, vs := made(t0, t0+4*Week, 5*Minute, func(t int64) float64 {
		if t > t0+Week && t <= t0+3*Week {
			return 900 + e()
		}
		return 10 + e()
	})
	o := auto
	o.Exclude = []Interlude{{t0 + Week, t0 + 3*Week}}
	m := fitBaseline(t, ts, vs, t0, t0+4*Week, 5*Minute, o)
	b := m.At(t0 + 4*Week)
	within(t, "expected", b.Expected, 10, 0.1)
	if b.Upper > 20 || m.Points != 4032 {
		t.Errorf("upper %g of %d points", b.Upper, m.Points)
	}
}

func TestFlatSeriesHaveFiniteScores(t *testing.T) {
	f := func(level, v, atLeast, atMost float64) {
		t.Helper()
		ts, vs := made(t0, t0+Week, 5*Minute, func(int64) float64 { return level })
		b := fitBaseline(t, ts, vs, t0, t0+Week, 5*Minute, auto).At(t0 + Week)
		if b.Lower >= b.Expected || b.Upper <= b.Expected {
			t.Errorf("flat %g: band %+v has no width", level, b)
		}
		if s := b.Score(v); !(s >= atLeast && s <= atMost) {
			t.Errorf("flat %g: %g scores %g, want %g to %g", level, v, s, atLeast, atMost)
		}
	}
	f(50, 50, 0, 0)
	f(50, 51, 1.1, 100)
	f(50, 49, -100, -1.1)
	f(0, 0, 0, 0)
	f(0, 1, 1.1, MaxScore)
	f(0, 1e300, MaxScore, MaxScore)
	f(-7.5, -7, 1.1, 100)
	f(1e15, 1.5e15, 1.1, MaxScore)
	f(math.MaxFloat64/2, -math.MaxFloat64, -MaxScore, -1.1)
	f(0.1, 0.1+1e-17, 0, 0)
}

func TestMinimumWidths(t *testing.T) {
	ts, vs := made(t0, t0+Week, 5*Minute, func(int64) float64 { return 50 })
	o := auto
	o.MinAbs = 3
	if b := fitBaseline(t, ts, vs, t0, t0+Week, 5*Minute, o).At(t0 + Week); b != (Band{47, 50, 53}) {
		t.Errorf("min_abs 3: band %+v", b)
	}
	o = auto
	o.MinRel = 0.1
	if b := fitBaseline(t, ts, vs, t0, t0+Week, 5*Minute, o).At(t0 + Week); b != (Band{45, 50, 55}) {
		t.Errorf("min_rel 0.1: band %+v", b)
	}
}

// A single event of a rare kind is no alarm; a burst of them is.
func TestSparseCounts(t *testing.T) {
	r := rand.New(rand.NewSource(4))
	ts, vs := made(t0, t0+4*Week, 5*Minute, func(int64) float64 { return poisson(r, 0.02) })
	b := fitBaseline(t, ts, vs, t0, t0+4*Week, 5*Minute, auto).At(t0 + 4*Week)
	if s := b.Score(1); s <= 0 || s > 1 {
		t.Errorf("one rare event scores %g, want within the band", s)
	}
	if s := b.Score(5); s < 2 {
		t.Errorf("five rare events at once score %g", s)
	}
	if s := b.Score(0); math.Abs(s) > 0.1 {
		t.Errorf("none scores %g", s)
	}
	// A whole number that hardly varies is no count: its band is its own.
	k := 0
	ts, vs = made(t0, t0+4*Week, 5*Minute, func(int64) float64 { k++; return 1000 + float64(k%3) })
	if b := fitBaseline(t, ts, vs, t0, t0+4*Week, 5*Minute, auto).At(t0 + 4*Week); b.Upper-b.Lower > 10 {
		t.Errorf("a whole number between 1000 and 1002 has the band %+v", b)
	}
}

func TestPoissonEdges(t *testing.T) {
	for _, mean := range []float64{0, 0.01, 0.5, 3, 50, 199, 201, 5000} {
		lo, hi := poissonEdges(mean, 0.995)
		// By summing the distribution directly, in logarithms.
		below, upTo := 0.0, 0.0
		for k := 0.0; k <= hi; k++ {
			lg, _ := math.Lgamma(k + 1)
			p := math.Exp(k*math.Log(max(mean, 1e-300)) - mean - lg)
			if k < lo {
				below += p
			}
			upTo += p
		}
		if below > 0.0055 || upTo < 0.9945 || lo >= hi {
			t.Errorf("mean %g: edges %g, %g leave %g below and %g above", mean, lo, hi, below, 1-upTo)
		}
	}
}

// Gaps, NaN and infinities are left out and are no zeros.
func TestGapsAndOddValues(t *testing.T) {
	e := noise(5)
	ts, vs := made(t0, t0+4*Week, Minute, func(t int64) float64 {
		switch {
		case t/Minute%11 == 0:
			return math.NaN()
		case t/Minute%13 == 0:
			return math.Inf(1)
		case t/Minute%17 == 0:
			return math.Inf(-1)
		}
		return daily(t) + e()
	})
	// Two days are missing altogether.
	lo, hi := bounds(ts, t0+9*Day, t0+11*Day)
	ts = append(ts[:lo:lo], ts[hi:]...)
	vs = append(vs[:lo:lo], vs[hi:]...)
	m := fitBaseline(t, ts, vs, t0, t0+4*Week, 5*Minute, auto)
	if m.Season != "1d" {
		t.Errorf("season %s, want 1d", m.Season)
	}
	for at := t0 + 4*Week; at < t0+4*Week+Day; at += Hour {
		b := m.At(at)
		if math.Abs(b.Expected-daily(at-m.Res/2)) > 1.5 || !finite(b.Lower) || !finite(b.Upper) || b.Upper-b.Lower > 10 {
			t.Fatalf("band %+v, want around %g", b, daily(at-m.Res/2))
		}
		for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			if s := b.Score(v); !math.IsNaN(s) {
				t.Fatalf("%g scores %g", v, s)
			}
		}
	}
}

// The band knows that nine o'clock comes an hour earlier after the clocks
// change, on the day itself and in the week after.
func TestDaylightSaving(t *testing.T) {
	zone, err := Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	office := func(t int64) float64 {
		at := time.UnixMilli(t - 1).In(zone)
		if h := at.Hour(); h >= 9 && h < 17 {
			return 100
		}
		return 10
	}
	for _, change := range []time.Time{time.Date(2026, 3, 29, 0, 0, 0, 0, zone), time.Date(2026, 10, 25, 0, 0, 0, 0, zone)} {
		e := noise(6)
		start := change.UnixMilli() - 4*Week
		ts, vs := made(start, start+5*Week, 5*Minute, func(t int64) float64 { return office(t) + e() })
		s := NewSchedule(4*Week, 0)
		count := func(loc *time.Location) (out int) {
			o := auto
			o.Zone = loc
			for day := int64(0); day < 7; day++ {
				b := s.Boundary(change.UnixMilli()+day*Day+5*Minute, 5*Minute)
				from, to := s.Training(b)
				m := fitBaseline(t, ts, vs, from, to, 5*Minute, o)
				for at := b + 5*Minute; at < b+Day; at += 5 * Minute {
					v, n := Mean(ts, vs, at-5*Minute, at)
					if n > 0 && math.Abs(m.At(at).Score(v)) > 2 {
						out++
					}
				}
			}
			return out
		}
		if n := count(zone); n > 6 {
			t.Errorf("%s: %d values of the week after are outside on the local clock", change.Format(time.DateOnly), n)
		}
		if n := count(time.UTC); n < 100 {
			t.Errorf("%s: only %d values are outside on the wrong clock: the test shows nothing", change.Format(time.DateOnly), n)
		}
	}
}

func TestShortHistorySaysWhatIsMissing(t *testing.T) {
	ts, vs := made(t0, t0+20*5*Minute, 5*Minute, daily)
	_, err := FitBaseline(ts, vs, t0-4*Week, t0+20*5*Minute, 5*Minute, auto)
	var s *ShortHistory
	if !errors.As(err, &s) || s.Have != 20 || s.Want != MinPoints {
		t.Fatalf("got %v", err)
	}
	ts, vs = made(t0, t0+32*5*Minute, 5*Minute, daily)
	m := fitBaseline(t, ts, vs, t0-4*Week, t0+32*5*Minute, 5*Minute, auto)
	if m.Season != "none" || m.Points != 32 {
		t.Errorf("32 points: season %s of %d", m.Season, m.Points)
	}
}

// Values below and above the expected one are spread differently, and so is
// the band.
func TestSkewedBand(t *testing.T) {
	r := rand.New(rand.NewSource(8))
	ts, vs := made(t0, t0+4*Week, 5*Minute, func(int64) float64 { return 10 + 5*r.ExpFloat64() })
	b := fitBaseline(t, ts, vs, t0, t0+4*Week, 5*Minute, auto).At(t0 + 4*Week)
	up, down := b.Upper-b.Expected, b.Expected-b.Lower
	if up < 2*down {
		t.Errorf("band %+v is not skewed", b)
	}
}

// Shapes that break assumptions never break the arithmetic.
func FuzzFitBaseline(f *testing.F) {
	f.Add(int64(1), uint16(100), uint8(3))
	f.Add(int64(2), uint16(5000), uint8(0))
	f.Fuzz(func(t *testing.T, seed int64, n uint16, kind uint8) {
		r := rand.New(rand.NewSource(seed))
		at := t0 - r.Int63n(1<<40)
		var ts []int64
		var vs []float64
		scale := math.Pow(10, float64(r.Intn(600)-300))
		for range n % 6000 {
			at += 1 + r.Int63n(10*Minute)
			ts = append(ts, at)
			v := r.NormFloat64() * scale
			switch kind % 5 {
			case 1:
				v = float64(r.Intn(2))
			case 2:
				v = math.Float64frombits(r.Uint64())
			case 3:
				v = math.MaxFloat64 * float64(r.Intn(3)-1)
			case 4:
				v = math.SmallestNonzeroFloat64 * float64(r.Intn(9))
			}
			vs = append(vs, v)
		}
		m, err := FitBaseline(ts, vs, at-Week, at, 5*Minute, auto)
		if err != nil {
			return
		}
		for k := int64(0); k < 300; k++ {
			b := m.At(at + k*7*Minute)
			for _, v := range []float64{0, 1, -scale, math.MaxFloat64} {
				if s := b.Score(v); math.Abs(s) > MaxScore {
					t.Fatalf("%g scores %g in %+v", v, s, b)
				}
			}
		}
	})
}

func BenchmarkFitBaseline(b *testing.B) {
	e := noise(1)
	ts, vs := made(t0, t0+4*Week, Minute, func(t int64) float64 { return daily(t) + e() })
	b.ReportAllocs()
	for b.Loop() {
		fitBaseline(b, ts, vs, t0, t0+4*Week, 5*Minute, auto)
	}
}
