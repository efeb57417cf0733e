package analysis

import (
	"errors"
	"math"
	"math/rand"
	"slices"
	"testing"
)

func fitTimeTo(t testing.TB, ts []int64, vs []float64, from, to, res int64, threshold float64, dir string) *TimeTo {
	t.Helper()
	m, err := FitTimeTo(ts, vs, from, to, res, Day, TimeToOptions{Forecast: autoForecast, Threshold: threshold, Dir: dir, Max: 365 * Day, Q: []float64{0.1, 0.5, 0.9}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const daySeconds = 86400.0

// A ramp reaches a threshold when it must, from below and from above, at the
// boundary and later, with the quantiles in order.
func TestTimeToOfARamp(t *testing.T) {
	f := func(what string, start, slope, sd, threshold float64) {
		t.Helper()
		e := noise(1)
		ramp := func(t int64) float64 { return start + slope*float64(t-t0)/float64(Day) }
		ts, vs := made(t0, t0+3*Week, 5*Minute, func(t int64) float64 { return ramp(t) + sd*e() })
		m := fitTimeTo(t, ts, vs, t0, t0+2*Week, Hour, threshold, "auto")
		for _, at := range []int64{t0 + 2*Week, t0 + 2*Week + 7*Hour, t0 + 2*Week + 23*Hour} {
			got := m.At(at, ts, vs)
			want := (threshold - ramp(at)) / slope * daySeconds
			within(t, what, got[1], want, 0.1)
			if !slices.IsSorted(got) {
				t.Errorf("%s: quantiles %v", what, got)
			}
			if got[0] < want/2 {
				t.Errorf("%s: the early quantile is %g of %g", what, got[0], want)
			}
		}
	}
	f("up", 20, 2, 0, 90)
	f("up with noise", 20, 2, 1, 90)
	f("down", 90, -2, 0, 10)
	f("down with noise", 90, -2, 1, 10)
	f("soon", 20, 2, 0.01, 50)
	f("below zero", -50, -3, 0.5, -200)
}

// A season crosses at one of its peaks, not where the mean does.
func TestTimeToSeesTheSeason(t *testing.T) {
	f := func(t int64) float64 { return daily(t) + float64(t-t0)/float64(Day) }
	ts, vs := made(t0, t0+2*Week, 5*Minute, f)
	got := fitTimeTo(t, ts, vs, t0, t0+2*Week, Hour, 95, "auto").At(t0+2*Week, ts, vs)[1]
	var want float64
	for at := t0 + 2*Week; ; at += 5 * Minute {
		if f(at) >= 95 {
			want = float64(at-t0-2*Week) / 1000
			break
		}
	}
	if math.Abs(got-want) > 1.2*daySeconds {
		t.Errorf("got %.1f days, want %.1f", got/daySeconds, want/daySeconds)
	}
}

func TestTimeToIsZeroBeyondAndInfiniteNever(t *testing.T) {
	ts, vs := made(t0, t0+2*Week, 5*Minute, func(t int64) float64 { return 80 + float64(t-t0)/float64(Day) })
	if got := fitTimeTo(t, ts, vs, t0, t0+2*Week, Hour, 90, "auto").At(t0+2*Week, ts, vs); !slices.Equal(got, []float64{0, 0, 0}) {
		t.Errorf("beyond: got %v", got)
	}
	if got := fitTimeTo(t, ts, vs, t0, t0+2*Week, Hour, 10, "up").At(t0+2*Week, ts, vs); !slices.Equal(got, []float64{0, 0, 0}) {
		t.Errorf("always beyond, said to be approached from below: got %v", got)
	}
	inf := math.Inf(1)
	if got := fitTimeTo(t, ts, vs, t0, t0+2*Week, Hour, 10, "auto").At(t0+2*Week, ts, vs); !slices.Equal(got, []float64{inf, inf, inf}) {
		t.Errorf("moving away: got %v", got)
	}
	if got := fitTimeTo(t, ts, vs, t0, t0+2*Week, Hour, 1000, "auto").At(t0+2*Week, ts, vs); !slices.Equal(got, []float64{inf, inf, inf}) {
		t.Errorf("later than max: got %v", got)
	}
	e := noise(2)
	ts, vs = made(t0, t0+2*Week, 5*Minute, func(int64) float64 { return 50 + e() })
	if got := fitTimeTo(t, ts, vs, t0, t0+2*Week, Hour, 90, "auto").At(t0+2*Week, ts, vs); got[1] != inf || got[0] != inf {
		t.Errorf("standing still: got %v", got)
	}
}

// saw rises by rate a day and falls back by size whenever it comes to top(k)
// for the k-th time.
func saw(start, rate, size float64, top func(k int) float64, noise func() float64) func(int64) float64 {
	v, k, prev := start, 0, t0
	return func(t int64) float64 {
		v += rate * float64(t-prev) / float64(Day)
		prev = t
		if v >= top(k) {
			v -= size
			k++
		}
		return v + 0.2*noise()
	}
}

// Clean-ups do not cry wolf: a disk cleaned at 80 never comes to 95. A line
// through its last rise would say so in a few days.
func TestTimeToOfASawtooth(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	tops := make([]float64, 1000)
	for i := range tops {
		tops[i] = 80 + r.NormFloat64()
	}
	ts, vs := made(t0, t0+5*Week, 5*Minute, saw(40, 15, 40, func(k int) float64 { return tops[k] }, r.NormFloat64))
	for at := t0 + 2*Week; at <= t0+5*Week; at += Day {
		m := fitTimeTo(t, ts, vs, at-2*Week, at, Hour, 95, "auto")
		if m.saw == nil {
			t.Fatalf("day %d: no sawtooth seen", (at-t0)/Day)
		}
		if got := m.At(at, ts, vs); !math.IsInf(got[1], 1) || !math.IsInf(got[0], 1) {
			t.Fatalf("day %d at %g: got %v, want never", (at-t0)/Day, vs[(at-t0)/(5*Minute)-1], got)
		}
	}
	// A threshold below the peaks is reached within the current rise.
	at := t0 + 3*Week
	v, _ := Mean(ts, vs, at-Hour, at)
	got := fitTimeTo(t, ts, vs, at-2*Week, at, Hour, 75, "auto").At(at, ts, vs)
	want := (75 - v) / 15 * daySeconds
	if v > 75 {
		want = 0
	}
	if math.Abs(got[1]-want) > 0.1*want+0.1*daySeconds {
		t.Errorf("from %g to 75: got %.2f days, want %.2f", v, got[1]/daySeconds, want/daySeconds)
	}
}

// Peaks that climb reach the threshold, some cycles ahead.
func TestTimeToOfAClimbingSawtooth(t *testing.T) {
	e := noise(4)
	// The k-th clean-up happens at 50 + 3k and takes 30 away: 95 is met in the
	// cycle with k = 15.
	f := saw(20, 15, 30, func(k int) float64 { return 50 + 3*float64(k) }, e)
	ts, vs := made(t0, t0+8*Week, 5*Minute, f)
	var want float64
	for i, v := range vs {
		if v >= 95 {
			want = float64(ts[i] - t0 - 2*Week)
			break
		}
	}
	got := fitTimeTo(t, ts, vs, t0, t0+2*Week, Hour, 95, "auto").At(t0+2*Week, ts, vs)
	within(t, "time to 95", got[1], want/1000, 0.2)
}

// When the clean-up fails, the rise goes on and the alarm comes.
func TestTimeToOfAFailedCleanUp(t *testing.T) {
	e := noise(5)
	top := func(k int) float64 {
		if k >= 4 {
			return 1000
		}
		return 70
	}
	ts, vs := made(t0, t0+3*Week, 5*Minute, saw(40, 10, 30, top, e))
	// The fifth rise passes 70 on day 15; look two days later, at about 90.
	at := t0 + 17*Day
	got := fitTimeTo(t, ts, vs, at-2*Week, at, Hour, 120, "auto").At(at, ts, vs)
	v, _ := Mean(ts, vs, at-Hour, at)
	within(t, "time to 120", got[1], (120-v)/10*daySeconds, 0.1)
}

// Free space that is freed again and again is the same upside down.
func TestTimeToOfAFallingSawtooth(t *testing.T) {
	e := noise(6)
	up := saw(40, 15, 40, func(int) float64 { return 80 }, e)
	ts, vs := made(t0, t0+2*Week, 5*Minute, func(t int64) float64 { return 100 - up(t) })
	got := fitTimeTo(t, ts, vs, t0, t0+2*Week, Hour, 5, "auto").At(t0+2*Week, ts, vs)
	if !math.IsInf(got[0], 1) {
		t.Errorf("free space that is freed at 20 falls to 5 in %v", got)
	}
}

// Daily waves, square waves, spikes, noise and one clean-up are no sawtooth.
func TestWhatIsNoSawtooth(t *testing.T) {
	e := noise(7)
	shapes := map[string]func(t int64) float64{
		"sine":   daily,
		"noise":  func(int64) float64 { return e() },
		"square": func(t int64) float64 { return float64(t%Day/(12*Hour))*50 + e() },
		"spikes": func(t int64) float64 {
			if t/Hour%37 == 0 {
				return 100
			}
			return e()
		},
		"one clean-up": func(t int64) float64 {
			v := float64(t-t0) / float64(Day) * 5
			if t > t0+10*Day {
				v -= 40
			}
			return v
		},
	}
	for what, f := range shapes {
		ts, vs := made(t0, t0+2*Week, 5*Minute, f)
		b, err := Bucketize(ts, vs, t0, t0+2*Week, Hour)
		if err != nil {
			t.Fatal(err)
		}
		if s := findSawtooth(&b, b.V); s != nil {
			t.Errorf("%s: taken for a sawtooth with peaks %v", what, s.peaks)
		}
	}
}

// After a single clean-up the rise since then counts.
func TestTimeToAfterOneCleanUp(t *testing.T) {
	ramp := func(t int64) float64 {
		v := float64(t-t0) / float64(Day) * 5
		if t > t0+8*Day {
			v -= 40
		}
		return v
	}
	ts, vs := made(t0, t0+2*Week, 5*Minute, ramp)
	got := fitTimeTo(t, ts, vs, t0, t0+2*Week, Hour, 90, "auto").At(t0+2*Week, ts, vs)
	within(t, "time to 90", got[1], (90-30)/5*daySeconds, 0.1)
}

// On held-out ramps with wandering slopes about eight of ten true times lie
// between the 10 % and the 90 % quantile.
func TestTimeToQuantilesOnHeldOutDisks(t *testing.T) {
	r := rand.New(rand.NewSource(8))
	in, n := 0, 0
	for range 60 {
		rate, v := 1+2*r.Float64(), 20.0
		var hit int64
		ts, vs := made(t0, t0+26*Week, Hour, func(t int64) float64 {
			rate = max(0.2, rate+0.02*r.NormFloat64())
			v += rate/24 + 0.05*r.NormFloat64()
			if hit == 0 && v >= 90 && t > t0+2*Week {
				hit = t
			}
			return v
		})
		if hit == 0 {
			continue
		}
		at := t0 + 2*Week
		got := fitTimeTo(t, ts, vs, t0, at, Hour, 90, "auto").At(at, ts, vs)
		want := float64(hit-at) / 1000
		n++
		if want >= got[0] && want <= got[2] {
			in++
		}
	}
	if share := float64(in) / float64(n); n < 40 || share < 0.6 {
		t.Errorf("%d of %d lie between the quantiles", in, n)
	}
}

func TestTimeToErrors(t *testing.T) {
	ts, vs := made(t0, t0+2*Week, Hour, daily)
	for what, o := range map[string]TimeToOptions{
		"threshold": {Threshold: math.NaN(), Max: Day},
		"max":       {Threshold: 1},
		"dir":       {Threshold: 1, Max: Day, Dir: "sideways"},
	} {
		if _, err := FitTimeTo(ts, vs, t0, t0+2*Week, Hour, Day, o); err == nil {
			t.Errorf("%s: want an error", what)
		}
	}
	_, err := FitTimeTo(ts[:10], vs[:10], t0, t0+2*Week, Hour, Day, TimeToOptions{Threshold: 1, Max: Day})
	var s *ShortHistory
	if !errors.As(err, &s) || s.Have != 10 {
		t.Errorf("short: got %v", err)
	}
	m := fitTimeTo(t, ts, vs, t0, t0+2*Week, Hour, 90, "auto")
	if got := m.At(t0+3*Week, ts, vs); got != nil {
		t.Errorf("no samples: got %v", got)
	}
}
