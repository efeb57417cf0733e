package chunk

import (
	"math"

	"tidemark/storage/model"
)

// A Window summarises the samples of a chunk in one window of the clock, which
// is open to the left and closed to the right, as the ranges of PromQL are:
// (End-width, End], where End is a multiple of the width since the epoch.
// Windows without a sample are left out. A window knows only the samples of its
// own chunk: another chunk may have more within the same span of time.
//
// Windows compose. Over neighbouring windows, and over samples decoded at the
// edges of a range: counts and sums add up, minima and maxima are those of the
// parts; the increase of a counter is the last value less the first, with what
// was lost at resets added; a reset or a change between two parts is seen by
// comparing LastValue of the one with FirstValue of the other.
type Window struct {
	End   int64 // nanoseconds
	First int   // index in the chunk of the window's first sample
	Count int   // samples, at least 1
	Flags WindowFlags

	// The fields below are set unless Flags has Opaque, and are numbers:
	// neither infinite nor NaN. Integers beyond 2^53 are rounded as by
	// float64().

	FirstValue, LastValue float64
	Min, Max              float64
	// Sum is the sum of the samples within 2^-52 of the sum of their
	// magnitudes: what compensated summation gives, rounded once or twice.
	// Sums of integers below 2^53 are exact.
	Sum float64
	// Changes counts the samples that differ from the one before them, both
	// within the window; UnknownChanges where the chunk does not say.
	Changes int
}

// UnknownChanges stands in Window.Changes where a chunk does not count them,
// because the count would take more bytes than it is worth.
const UnknownChanges = -1

// WindowFlags say what the samples of a window contain.
type WindowFlags uint8

// Flags of windows. The numbers are part of the format.
const (
	// WindowReset: a sample is below the one before it, both within the
	// window. A counter's increase over the window is then not its last value
	// less its first: decode the samples.
	WindowReset WindowFlags = 1 << iota
	// WindowStale: a sample is the staleness marker.
	WindowStale
	// WindowNaN: a sample is a NaN other than the staleness marker.
	WindowNaN
	// WindowInf: a sample, or the sum, is infinite.
	WindowInf
	// WindowOther: a value does not fit the encoding of its summaries, as 1/3
	// does not among decimals.
	WindowOther

	// Opaque is the flags of which any means that only End, First, Count and
	// Flags are known: decode the samples.
	Opaque = WindowStale | WindowNaN | WindowInf | WindowOther
)

// windowEnd returns the end of the window that a time lies in. The end of the
// last windows there are is cut to the largest time.
func windowEnd(t, width int64) int64 {
	n := t / width
	if t%width > 0 {
		n++
	}
	if n > math.MaxInt64/width {
		return math.MaxInt64
	}
	return n * width
}

// AppendWindows appends the summaries of a numeric column in windows of a
// width, in nanoseconds: what a chunk's section of summaries holds, computed
// from the samples.
func (c *Column) AppendWindows(dst []Window, width int64) []Window {
	for i := 0; i < len(c.Times); {
		end := windowEnd(c.Times[i], width)
		j := i + 1
		for j < len(c.Times) && c.Times[j] <= end {
			j++
		}
		dst = append(dst, Window{End: end, First: i, Count: j - i})
		dst[len(dst)-1].summarise(c.Type, c.Bits[i:j])
		i = j
	}
	return dst
}

// summarise fills in what is to be known of the samples.
func (w *Window) summarise(t model.Type, bits []uint64) {
	first := model.BitsToFloat(t, bits[0])
	lo, hi, last := first, first, first
	var sum, comp float64
	changes := 0
	for _, b := range bits {
		v := math.Float64frombits(b)
		if t != model.TypeFloat {
			v = model.BitsToFloat(t, b)
		}
		if v-v != 0 { // infinite or NaN
			w.summariseOpaque(bits)
			return
		}
		if v < last {
			w.Flags |= WindowReset
		}
		if v != last {
			changes++
		}
		last = v
		lo, hi = min(lo, v), max(hi, v)
		// Neumaier's variant of Kahan's summation.
		s := sum + v
		if math.Abs(sum) >= math.Abs(v) {
			comp += (sum - s) + v
		} else {
			comp += (v - s) + sum
		}
		sum = s
	}
	if sum += comp; sum-sum != 0 {
		w.Flags |= WindowInf
		return
	}
	w.FirstValue, w.LastValue, w.Min, w.Max, w.Sum, w.Changes = first, last, lo, hi, sum, changes
}

// summariseOpaque sets the flags of a window of floats some of which are
// infinite or NaN.
func (w *Window) summariseOpaque(bits []uint64) {
	w.Flags = 0
	last := math.Inf(-1)
	for _, b := range bits {
		v := math.Float64frombits(b)
		switch {
		case b == model.StaleNaNBits:
			w.Flags |= WindowStale
		case v != v:
			w.Flags |= WindowNaN
		default:
			if v-v != 0 {
				w.Flags |= WindowInf
			}
			if v < last {
				w.Flags |= WindowReset
			}
			last = v
		}
	}
}
