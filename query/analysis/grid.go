package analysis

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"time"
)

// Milliseconds of the calendar's shorter units.
const (
	Second = int64(1000)
	Minute = 60 * Second
	Hour   = 60 * Minute
	Day    = 24 * Hour
	Week   = 7 * Day
	Year   = 365*Day + 6*Hour
)

// DefaultRes is the finest resolution chosen without being asked for.
const DefaultRes = 5 * Minute

// MinPoints is the least number of filled buckets any model is fitted on.
const MinPoints = 32

// ladder lists the resolutions and refit distances that are chosen by
// default: all of them divide a day.
var ladder = []int64{
	1, 10, 100, Second, 2 * Second, 5 * Second, 10 * Second, 15 * Second, 20 * Second, 30 * Second,
	Minute, 2 * Minute, 5 * Minute, 10 * Minute, 15 * Minute, 20 * Minute, 30 * Minute,
	Hour, 2 * Hour, 3 * Hour, 4 * Hour, 6 * Hour, 8 * Hour, 12 * Hour, Day,
}

// RoundUp returns the smallest customary duration (a divisor of a day, or
// whole days) that is at least d; d may exceed it by one per cent, because
// clocks jitter.
func RoundUp(d int64) int64 {
	for _, l := range ladder {
		if d <= l+l/100 {
			return l
		}
	}
	return ((d-d/100)/Day + min(1, (d-d/100)%Day)) * Day
}

// RoundDown returns the largest customary duration that is at most d, or one
// millisecond.
func RoundDown(d int64) int64 {
	if d >= Day {
		return d / Day * Day
	}
	best := ladder[0]
	for _, l := range ladder {
		if l <= d {
			best = l
		}
	}
	return best
}

// Interval returns the usual distance of neighbouring samples in (from, to]:
// the median of their differences, zero where there are fewer than two.
// O(n).
func Interval(ts []int64, from, to int64) int64 {
	lo, hi := bounds(ts, from, to)
	if hi-lo < 2 {
		return 0
	}
	d := make([]float64, 0, hi-lo-1)
	for i := lo + 1; i < hi; i++ {
		if x := ts[i] - ts[i-1]; x > 0 {
			d = append(d, float64(x))
		}
	}
	if len(d) == 0 {
		return 0
	}
	return int64(Median(d))
}

// Resolution returns the default resolution for the samples in (from, to]:
// the larger of five minutes and the data's own interval, rounded up to a
// divisor of a day.
func Resolution(ts []int64, from, to int64) int64 {
	return RoundUp(max(DefaultRes, Interval(ts, from, to)))
}

// bounds returns the half-open index range of the samples in (from, to].
func bounds(ts []int64, from, to int64) (lo, hi int) {
	lo = sort.Search(len(ts), func(i int) bool { return ts[i] > from })
	hi = lo + sort.Search(len(ts)-lo, func(i int) bool { return ts[lo+i] > to })
	return lo, hi
}

// floorDiv is division rounding towards minus infinity.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// Floor returns the largest multiple of d at or before t.
func Floor(t, d int64) int64 { return floorDiv(t, d) * d }

// Mean returns the mean of the finite samples in (from, to] and their number;
// the mean of none is NaN. It is the judged value of every function here.
func Mean(ts []int64, vs []float64, from, to int64) (float64, int) {
	lo, hi := bounds(ts, from, to)
	return meanOf(vs[lo:hi])
}

// meanOf is the mean of the finite values. It scales before it adds where a
// sum would overflow.
func meanOf(vs []float64) (float64, int) {
	n, sum := 0, 0.0
	for _, v := range vs {
		if finite(v) {
			sum += v
			n++
		}
	}
	if n == 0 {
		return math.NaN(), 0
	}
	if finite(sum) {
		return sum / float64(n), n
	}
	sum = 0
	for _, v := range vs {
		if finite(v) {
			sum += v / float64(n)
		}
	}
	return sum, n
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// Buckets is a window of samples brought to fixed distances.
type Buckets struct {
	// End is the end of the first bucket; bucket i covers
	// (End+(i−1)·Res, End+i·Res].
	End, Res int64
	// V has one mean per bucket, NaN where a bucket holds no finite sample.
	V []float64
	// Filled is the number of buckets with a value.
	Filled int
	// PerBucket is the mean number of finite samples of a filled bucket.
	PerBucket float64
	// Whole says that every finite sample is a non-negative integer, as
	// counts are.
	Whole bool
}

// MaxBuckets bounds the buckets of one window (64 MiB of values).
const MaxBuckets = 1 << 23

// Bucketize brings the samples in (from, to] to UTC-aligned buckets of res.
// Only buckets that lie wholly within the window are used. O(n + buckets).
func Bucketize(ts []int64, vs []float64, from, to, res int64) (Buckets, error) {
	if res <= 0 {
		return Buckets{}, fmt.Errorf("resolution %s: want more than zero", Span(res))
	}
	first := -floorDiv(-from, res) * res // the first boundary at or after from
	last := Floor(to, res)
	n := (last - first) / res
	if n > MaxBuckets {
		return Buckets{}, fmt.Errorf("window of %d buckets of %s: want at most %d, so a coarser res", n, Span(res), MaxBuckets)
	}
	b := Buckets{End: first + res, Res: res, Whole: true}
	if n <= 0 {
		return b, nil
	}
	b.V = make([]float64, n)
	lo, hi := bounds(ts, first, last)
	total, next := 0, lo
	for i := range b.V {
		end := b.End + int64(i)*res
		start := next
		for next < hi && ts[next] <= end {
			if v := vs[next]; finite(v) && (v < 0 || v != math.Trunc(v)) {
				b.Whole = false
			}
			next++
		}
		m, k := meanOf(vs[start:next])
		b.V[i] = m
		if k > 0 {
			b.Filled++
			total += k
		}
	}
	if b.Filled > 0 {
		b.PerBucket = float64(total) / float64(b.Filled)
	}
	return b, nil
}

// Time returns the end of bucket i.
func (b *Buckets) Time(i int) int64 { return b.End + int64(i)*b.Res }

// drop empties the buckets that overlap the given sorted spans.
func (b *Buckets) drop(ex []Interlude) {
	b.V = Without(b.V, b.End, b.Res, ex)
	b.Filled = 0
	for _, v := range b.V {
		if !math.IsNaN(v) {
			b.Filled++
		}
	}
}

// Without returns values by bucket, of which the first ends at end, with NaN
// where a bucket overlaps one of the sorted spans; v itself where there are none.
func Without(v []float64, end, res int64, ex []Interlude) []float64 {
	if len(ex) == 0 {
		return v
	}
	v = slices.Clone(v)
	for i := range v {
		at := end + int64(i)*res
		j := sort.Search(len(ex), func(j int) bool { return ex[j].To > at-res })
		if j < len(ex) && ex[j].From < at {
			v[i] = math.NaN()
		}
	}
	return v
}

// Interlude is a stretch (From, To] that is left out of training, such as a
// maintenance. Lists of them are sorted and do not overlap.
type Interlude struct{ From, To int64 }

// Interludes joins moments of a grid of the given step, each standing for the
// stretch (t−step, t], into a sorted list without overlaps.
func Interludes(times []int64, step int64) []Interlude {
	times = slices.Clone(times)
	slices.Sort(times)
	var out []Interlude
	for _, t := range times {
		if n := len(out); n > 0 && t-step <= out[n-1].To {
			out[n-1].To = t
			continue
		}
		out = append(out, Interlude{t - step, t})
	}
	return out
}

// Schedule says when models are refitted and on what.
type Schedule struct {
	// Window is the training window in milliseconds.
	Window int64
	// Refit is the distance of refit boundaries, which are its multiples
	// since the epoch.
	Refit int64
	// Hindsight centres the training window on the boundary, for reports on
	// the past; a score then depends on later samples too.
	Hindsight bool
}

// NewSchedule returns the schedule of a window; refit zero means a 28th of the
// window (a day for four weeks), rounded down to a customary duration.
func NewSchedule(window, refit int64) Schedule {
	if refit <= 0 {
		refit = RoundDown(max(window/28, 1))
	}
	return Schedule{Window: window, Refit: refit}
}

// Boundary returns the boundary whose model judges the value of (t−res, t]:
// the last one at or before t−res.
func (s Schedule) Boundary(t, res int64) int64 { return Floor(t-res, s.Refit) }

// Training returns the window (from, to] on which the model of a boundary is
// fitted.
func (s Schedule) Training(boundary int64) (from, to int64) {
	if s.Hindsight {
		return boundary - s.Window/2, boundary + s.Window - s.Window/2
	}
	return boundary - s.Window, boundary
}

// Needs returns the times of the samples that answers for [start, end] may
// depend on: (from, to]. Resolutions are at most maxRes.
func (s Schedule) Needs(start, end, maxRes int64) (from, to int64) {
	from, _ = s.Training(s.Boundary(start, maxRes))
	to = end
	if s.Hindsight {
		_, late := s.Training(s.Boundary(end, 0))
		to = max(to, late)
	}
	return from, to
}

// Span prints milliseconds as the language writes durations: 4w, 1d, 5m,
// 1h30m, 250ms.
func Span(ms int64) string {
	if ms == 0 {
		return "0s"
	}
	if ms < 0 {
		return "-" + Span(-ms)
	}
	units := []struct {
		n string
		d int64
	}{{"w", Week}, {"d", Day}, {"h", Hour}, {"m", Minute}, {"s", Second}, {"ms", 1}}
	out := ""
	for _, u := range units {
		if u.n == "w" && ms%Week != 0 {
			continue
		}
		if k := ms / u.d; k > 0 {
			out += fmt.Sprintf("%d%s", k, u.n)
			ms -= k * u.d
		}
	}
	return out
}

// ShortHistory says why there is no model: too little data.
type ShortHistory struct {
	Have, Want  int   // filled buckets or pairs
	Res, Window int64 // milliseconds
	// Unit is what is counted: "points" where empty.
	Unit string
}

// Error says what is missing.
func (e *ShortHistory) Error() string {
	unit := e.Unit
	if unit == "" {
		unit = "points"
	}
	if e.Res > 0 {
		return fmt.Sprintf("%d %s of %s in %s: want at least %d", e.Have, unit, Span(e.Res), Span(e.Window), e.Want)
	}
	return fmt.Sprintf("%d %s in %s: want at least %d", e.Have, unit, Span(e.Window), e.Want)
}

// Zone returns the time zone of a name from the IANA database; "" is UTC.
func Zone(name string) (*time.Location, error) {
	if name == "" || name == "UTC" {
		return time.UTC, nil
	}
	if name == "Local" {
		return nil, fmt.Errorf(`unknown time zone "Local": want a name such as "Europe/Berlin", because an answer may not depend on the machine`)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("unknown time zone %q: want an IANA name such as \"Europe/Berlin\"", name)
	}
	return loc, nil
}

// Within returns the buckets that lie wholly in (from, to].
func (b *Buckets) Within(from, to int64) []float64 {
	lo := -floorDiv(b.End-b.Res-from, b.Res) // the first whose start is not before from
	hi := floorDiv(to-b.End, b.Res) + 1
	lo, hi = max(lo, 0), min(hi, int64(len(b.V)))
	if lo >= hi {
		return nil
	}
	return b.V[lo:hi]
}
