package analysis

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// sawtooth is a series that rises and is set back again and again, such as a
// disk that is cleaned up, log rotation, or a leak with restarts. Times are
// milliseconds; a falling series is described upside down.
type sawtooth struct {
	// peaks are the levels at which it was set back, oldest first, floors the
	// levels after it, slopes the rises between, per millisecond.
	peaks, floors, slopes []float64
	// last is when the newest rise began (the end of its first bucket).
	last int64
	// top is the expected next peak, climb its change by cycle, spread its
	// standard deviation.
	top, climb, spread float64
	// cycle is the usual time from one setting back to the next.
	cycle float64
	// size is the usual drop.
	size float64
}

// findResets returns the indexes of the first bucket after each drop of a
// rising series: where the median of the three values before is above that of
// the three from it on by more than a fifth of the whole range and six times the
// usual change from bucket to bucket, at the steepest point of the drop. A
// spike that goes back by itself is none.
func findResets(b *Buckets, v []float64) []int {
	var at []int
	var val []float64
	for i, f := range v {
		if !math.IsNaN(f) {
			at = append(at, i)
			val = append(val, f)
		}
	}
	if len(val) < MinPoints {
		return nil
	}
	diff := make([]float64, len(val)-1)
	for i := range diff {
		diff[i] = val[i+1] - val[i]
	}
	m := Median(slices.Clone(diff))
	for i := range diff {
		diff[i] = math.Abs(diff[i] - m)
	}
	sorted := slices.Clone(val)
	slices.Sort(sorted)
	need := max(6*madToSigma*Median(diff), 0.2*(Quantile(sorted, 0.98)-Quantile(sorted, 0.02)))
	if !(need > 0) {
		return nil
	}
	drop := make([]float64, len(val))
	for i := 3; i+2 < len(val); i++ {
		drop[i] = med3(val[i-3], val[i-2], val[i-1]) - med3(val[i], val[i+1], val[i+2])
	}
	var out []int
	for i := 0; i < len(drop); i++ {
		if drop[i] <= need {
			continue
		}
		// The whole stretch of large drops is one; its steepest step is the reset.
		best, j := i, i
		for ; j < len(drop) && drop[j] > need; j++ {
			if val[j-1]-val[j] > val[best-1]-val[best] {
				best = j
			}
		}
		out = append(out, at[best])
		i = j
	}
	return out
}

// findSawtooth describes the buckets as a sawtooth, or returns nil: it takes
// two resets, and two thirds of the rises between them must rise, together by
// at least half of what the drops take away (a square wave does not).
func findSawtooth(b *Buckets, v []float64) *sawtooth {
	resets := findResets(b, v)
	if len(resets) < 2 {
		return nil
	}
	s := &sawtooth{last: b.Time(resets[len(resets)-1])}
	edges := append([]int{0}, resets...)
	edges = append(edges, len(v))
	rising, risen, dropped := 0, 0.0, 0.0
	n := 0
	for k := 0; k+1 < len(edges); k++ {
		lo, hi := edges[k], edges[k+1]
		seg := Buckets{End: b.Time(lo), Res: b.Res, V: v[lo:hi]}
		x, y := blockMedians(&seg, seg.V, b.Res*int64(max((hi-lo)/32, 1)))
		if len(x) >= 4 {
			slope := TheilSen(x, y, 0)
			n++
			if slope > 0 && !jumps(v[lo:hi], slices.Max(y)-slices.Min(y)) {
				rising++
				risen += slope * float64(int64(hi-lo)*b.Res)
				s.slopes = append(s.slopes, slope)
			}
		}
		if k+2 < len(edges) { // ends in a reset
			top, floor := extreme(v, hi-1, -1, math.Max), extreme(v, hi, +1, math.Min)
			s.peaks = append(s.peaks, top)
			s.floors = append(s.floors, floor)
			dropped += top - floor
		}
	}
	if 3*rising < 2*n || risen < dropped/2 || len(s.slopes) == 0 {
		return nil
	}
	gaps := make([]float64, 0, len(resets))
	for k := 1; k < len(resets); k++ {
		gaps = append(gaps, float64(int64(resets[k]-resets[k-1])*b.Res))
	}
	s.cycle = Median(gaps)
	s.size = dropped / float64(len(s.peaks))
	slices.Sort(s.slopes)

	// The envelope of the peaks.
	k := len(s.peaks)
	idx := make([]int64, k)
	for i := range idx {
		idx[i] = int64(i)
	}
	if k >= 7 && trending(s.peaks, 2.58) || k >= 4 && k < 7 && steadily(s.peaks) {
		s.climb = TheilSen(idx, s.peaks, 0)
	}
	r := make([]float64, k)
	for i := range r {
		r[i] = s.peaks[i] + s.climb*float64(k-i)
	}
	s.top = Median(slices.Clone(r))
	sq := 0.0
	for i := range r {
		r[i] = math.Abs(r[i] - s.top)
		sq += r[i] * r[i]
	}
	s.spread = math.Sqrt(sq / float64(max(k-1, 1)))
	if k >= 5 {
		s.spread = min(s.spread, 2*madToSigma*Median(r))
	}
	// Few peaks say little about the next one.
	s.spread = max(s.spread*(1+1/float64(k)), 0.02*s.size)
	return s
}

// extreme returns the best of up to three values from index i on in the given
// direction: the bucket in which a series was set back is a mean of both sides.
func extreme(v []float64, i, dir int, better func(x, y float64) float64) float64 {
	out, n := math.NaN(), 0
	for ; i >= 0 && i < len(v) && n < 3; i += dir {
		if math.IsNaN(v[i]) {
			continue
		}
		if n++; n == 1 {
			out = v[i]
		}
		out = better(out, v[i])
	}
	return out
}

// jumps reports whether a rise is a single step up: more than half of it
// between the medians of neighbouring threes. Too short a rise is none.
func jumps(v []float64, rise float64) bool {
	v = values(v)
	if len(v) < 12 {
		return false
	}
	for i := 3; i+2 < len(v); i++ {
		if med3(v[i], v[i+1], v[i+2])-med3(v[i-3], v[i-2], v[i-1]) > rise/2 {
			return true
		}
	}
	return false
}

func med3(a, b, c float64) float64 { return max(min(a, b), min(max(a, b), c)) }

// steadily reports whether the values rise, or fall, each time by similar
// amounts (the largest at most twice the smallest).
func steadily(v []float64) bool {
	lo, hi := math.Inf(1), math.Inf(-1)
	for i := 1; i < len(v); i++ {
		d := v[i] - v[i-1]
		lo, hi = min(lo, d), max(hi, d)
	}
	return lo > 0 && hi < 2*lo || hi < 0 && lo > 2*hi
}

// until returns the time after now, at value v, until the threshold is
// reached with probability q; +Inf beyond limit (all in milliseconds).
func (s *sawtooth) until(v, threshold, q float64, limit float64) float64 {
	slope := Quantile(s.slopes, 1-q)
	if len(s.slopes) < 3 {
		slope = Quantile(s.slopes, 0.5)
	}
	rise := func(from float64) float64 { return max((threshold-from)/slope, 0) }
	within := func(d float64) float64 {
		if d > limit {
			return math.Inf(1)
		}
		return d
	}
	// Beyond every plausible peak the clean-up has failed: the rise goes on.
	if v > s.top+max(4*s.spread, 0.25*s.size) {
		return within(rise(v))
	}
	floor := Median(slices.Clone(s.floors))
	current := max(s.top-v, 0) / slope
	missed := 1.0
	for j := 0; ; j++ {
		start := 0.0
		if j > 0 {
			start = current + float64(j-1)*s.cycle
		}
		if start > limit || j > maxCycles {
			return math.Inf(1)
		}
		missed *= distuv.UnitNormal.CDF((threshold - s.top - s.climb*float64(j)) / s.spread)
		if 1-missed < q {
			if j > 0 && s.climb <= 0 && missed > 1-1e-9 {
				return math.Inf(1) // it will not get more likely
			}
			continue
		}
		if j == 0 {
			return within(rise(v))
		}
		return within(start + min(rise(floor+s.climb*float64(j)), s.cycle))
	}
}

// maxCycles bounds how many cycles ahead a sawtooth is followed.
const maxCycles = 20000
