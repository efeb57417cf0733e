package analysis

import (
	"math"
	"math/rand"
	"slices"
	"testing"
	"time"
)

func TestParseSeasons(t *testing.T) {
	f := func(s string, auto bool, periods ...int64) {
		t.Helper()
		got, err := ParseSeasons(s)
		if err != nil || got.Auto != auto || !slices.Equal(got.Periods, periods) {
			t.Errorf("%q: got %+v, %v", s, got, err)
		}
	}
	f("auto", true)
	f("", true)
	f("none", false)
	f("1d", false, Day)
	f("1w, 1d", false, Day, Week)
	f("hod,dow", false, Day, Week)
	f("6h", false, 6*Hour)
	f("1h30m", false, 90*Minute)
	for _, bad := range []string{"daily", "1", "d", "1d,", "0s", "-1d", "1d,2d,3d,4d", "99999999999w", "1x"} {
		if _, err := ParseSeasons(bad); err == nil {
			t.Errorf("%q: want an error", bad)
		}
	}
}

// weekend takes ten off on Saturdays and Sundays.
func weekend(t int64) float64 {
	if (t-1-t0)/Day%7 >= 5 {
		return -10
	}
	return 0
}

// Seasons are found where they are, and not where they are not.
func TestSeasonsAreFoundWhereTheyAre(t *testing.T) {
	e := noise(1)
	walk := 0.0
	f := func(what string, span int64, want []string, fn func(t int64) float64) {
		t.Helper()
		ts, vs := made(t0, t0+span, 5*Minute, fn)
		m := fitBaseline(t, ts, vs, t0, t0+span, 5*Minute, auto)
		if !slices.Contains(want, m.Season) {
			t.Errorf("%s: season %s, want one of %s", what, m.Season, want)
		}
	}
	f("white noise", 4*Week, []string{"none"}, func(int64) float64 { return e() })
	f("flat", 4*Week, []string{"none"}, func(int64) float64 { return 5 })
	f("ramp", 4*Week, []string{"none"}, func(t int64) float64 { return float64(t-t0) / float64(Day) })
	f("random walk", 4*Week, []string{"none"}, func(int64) float64 { walk += e(); return walk })
	f("day", 4*Week, []string{"1d"}, func(t int64) float64 { return daily(t) + 5*e() })
	f("day on a ramp", 4*Week, []string{"1d"}, func(t int64) float64 { return daily(t) + e() + float64(t-t0)/float64(Day) })
	f("weekend", 4*Week, []string{"1w"}, func(t int64) float64 { return weekend(t) + e() })
	f("day and weekend", 4*Week, []string{"1w", "1d,1w"}, func(t int64) float64 { return daily(t) + weekend(t) + e() })
	f("three days", 3*Day, []string{"1d"}, func(t int64) float64 { return daily(t) + e() })
	f("two days are too few", 2*Day, []string{"none"}, func(t int64) float64 { return daily(t) + e() })
	f("two weeks are too few for a week", 2*Week, []string{"1d"}, func(t int64) float64 { return daily(t) + weekend(t) + e() })
}

// False seasons are rare over many null series.
func TestNullSeriesHaveNoSeason(t *testing.T) {
	r := rand.New(rand.NewSource(5))
	wrong := 0
	const n = 60
	for k := range n {
		phi := float64(k%3) * 0.45 // none, some and strong autocorrelation
		x := 0.0
		ts, vs := made(t0, t0+2*Week, Hour, func(int64) float64 { x = phi*x + r.NormFloat64(); return x })
		if m := fitBaseline(t, ts, vs, t0, t0+2*Week, Hour, auto); m.Season != "none" {
			wrong++
		}
	}
	if wrong > n/20 {
		t.Errorf("%d of %d null series have a season", wrong, n)
	}
}

func TestDeclaredSeasonFallsBackOpenly(t *testing.T) {
	ts, vs := made(t0, t0+4*Day, 5*Minute, daily)
	m := fitBaseline(t, ts, vs, t0, t0+4*Day, 5*Minute, BaselineOptions{Seasons: Seasons{Periods: []int64{Day, Week}}})
	if m.Season != "1d" {
		t.Errorf("four days: season %s, want 1d", m.Season)
	}
	m = fitBaseline(t, ts, vs, t0, t0+4*Day, 5*Minute, BaselineOptions{Seasons: Seasons{Periods: []int64{6 * Hour}}})
	if m.Season != "6h" {
		t.Errorf("declared: season %s, want 6h", m.Season)
	}
}

// Phases are those of the local clock on the days on which it is moved: each
// local time of day has its own phase, skipped or met twice.
func TestPhasesFollowTheLocalClock(t *testing.T) {
	berlin, err := Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, zone := range []*time.Location{time.UTC, berlin} {
		for _, day := range []time.Time{
			time.Date(2026, 3, 27, 0, 0, 0, 0, zone),  // 23 hours on the 29th
			time.Date(2026, 10, 23, 0, 0, 0, 0, zone), // 25 hours on the 25th
		} {
			from := day.UnixMilli()
			ts, vs := made(from, from+4*Day, Hour/2, func(int64) float64 { return 1 })
			b, err := Bucketize(ts, vs, from, from+4*Day, Hour/2)
			if err != nil {
				t.Fatal(err)
			}
			for _, period := range []int64{Day, Week} {
				c := newClock(period, b.Res, zone)
				for i, p := range c.indexes(&b) {
					at := time.UnixMilli(b.Time(i) - b.Res/2).In(zone)
					want := at.Hour()*2 + at.Minute()/30
					if period == Week {
						want += 48 * ((int(at.Weekday()) + 6) % 7)
					}
					if int(p) != want || c.phase(at.UnixMilli()) != want {
						t.Fatalf("%s: phase %d of %d, want %d", at, p, period/Day, want)
					}
					if j, _, f := c.between(at.UnixMilli()); j != want || f != 0 {
						t.Fatalf("%s: between %d, %g, want %d, 0", at, j, f, want)
					}
				}
			}
		}
	}
}

// A sharp nightly peak survives the drawing of phases towards each other.
func TestSharpPeaksStaySharp(t *testing.T) {
	e := noise(7)
	ts, vs := made(t0, t0+4*Week, 5*Minute, func(t int64) float64 {
		v := 10 + e()
		if t%Day == 3*Hour {
			v += 100
		}
		return v
	})
	m := fitBaseline(t, ts, vs, t0, t0+4*Week, 5*Minute, auto)
	b := m.At(t0 + 4*Week + 3*Hour)
	within(t, "expected at the peak", b.Expected, 110, 0.02)
	within(t, "expected beside it", m.At(t0+4*Week+3*Hour+5*Minute).Expected, 10, 0.1)
	if s := b.Score(10); s > -1 {
		t.Errorf("a missing peak scores %g, want below -1", s)
	}
	if math.Abs(b.Score(110)) > 1 {
		t.Errorf("the peak itself scores %g", b.Score(110))
	}
}
