package model

import "math"

// Windows are stretches of time over which samples are to be aggregated: the
// ranges (End_i-Range, End_i] for End_i = End + i·Step, i < Count, of times floored to
// multiples of Floor; all in nanoseconds. They say that nothing else is asked
// for, so that a reader may answer with parts in the place of samples.
//
// A part stands for one sample or for several neighbours of which no bound of a window
// separates any two. Series.Times and Values then have an entry for each
// part, the time being one that lies in the same windows as the part's
// samples, and ascending:
//
//	Want      Values       Times     Series.Parts
//	Counts    –            –         Counts
//	Sums      sum          –         Counts
//	Minima    minimum      –         –
//	Maxima    maximum      –         –
//	Lasts     last value   its time  –
//	Firsts    first value  its time  –
//	Ends      last value   its time  Counts, FirstValues, FirstTimes
//
// With Latest, only the last sample of each window needs to be there, a
// staleness marker or not; Series.Parts is nil.
//
// A NaN, a staleness marker or an infinity is always a part of its own, and
// with Ends a part of several samples never descends, so that a counter has no
// reset within it. Samples in no window may be missing. Everything is exact,
// but that a sum of several samples is within 2^-52 of the sum of their magnitudes.
type Windows struct {
	End, Step, Range, Floor int64
	Count                   int
	Want                    Aggregate
}

// Aggregate says what is wanted of windows.
type Aggregate uint8

// Aggregates. The zero value wants samples.
const (
	WantSamples Aggregate = iota
	WantCounts
	WantSums
	WantMinima
	WantMaxima
	WantLasts
	WantFirsts
	WantEnds
	WantLatest
)

// Parts is what more than a time and a value is known of the parts of a
// series; see Windows.
type Parts struct {
	Counts      []int32
	FirstValues []float64
	FirstTimes  []int64
}

// Splits reports whether a bound of a window lies in (lo, hi), both excluded.
func (w *Windows) Splits(lo, hi int64) bool {
	return w.bound(w.End, lo, hi) || w.bound(w.End-w.Range, lo, hi)
}

// bound reports whether one of base + i·Step lies in (lo, hi).
func (w *Windows) bound(base, lo, hi int64) bool {
	k := int64(0)
	if lo >= base {
		k = (lo-base)/w.Step + 1
	}
	return k < int64(w.Count) && base+k*w.Step < hi
}

// Until returns the last time that no bound of a window separates from t.
func (w *Windows) Until(t int64) int64 {
	return min(w.boundFrom(w.End, t), w.boundFrom(w.End-w.Range, t))
}

// boundFrom returns the first of base + i·Step that is not before t, or the
// last time there is.
func (w *Windows) boundFrom(base, t int64) int64 {
	k := int64(0)
	if t > base {
		k = (t-base-1)/w.Step + 1
	}
	if k >= int64(w.Count) {
		return math.MaxInt64
	}
	return base + k*w.Step
}

// Cover reports whether a time lies in any of the windows.
func (w *Windows) Cover(t int64) bool {
	k := int64(0)
	if t > w.End {
		k = (t - w.End + w.Step - 1) / w.Step
	}
	return k < int64(w.Count) && w.End+k*w.Step-w.Range < t
}
