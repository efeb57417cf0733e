package exec

import (
	"tidemark/query/ast"
	"tidemark/query/plan"
)

// isStartReset reports whether start times say that a counter began anew
// between two samples: the later one counts since a time at or after the
// earlier one. Zero is an unknown start, as is one that is not before its
// sample. A start exactly at the earlier sample is a reset where that one has a
// start of its own: so delta samples look, one after another.
func isStartReset(prevStart, prevTime, start, time int64) bool {
	switch {
	case start == 0 || start == prevStart || start >= time || start < prevTime:
		return false
	case start > prevTime:
		return true
	}
	return prevStart != 0 && prevStart < prevTime
}

// startsOverlap reports whether a sample claims to count since before the
// sample before it, and not since when that one does.
func startsOverlap(prevStart, prevTime, start int64) bool {
	return start != 0 && start < prevTime && start != prevStart
}

func (ev *evaluator) warnOverlap(pos ast.Pos, name string) {
	ev.warn(pos, "sample has start time that overlaps with previous sample timestamp for metric %q", name)
}

// eachStartWindow computes anew the steps of a series of numbers some of which
// have start times.
func (ev *evaluator) eachStartWindow(call *plan.Call, f *rangeFunc, rng plan.Node, sl *slider, s *rangeSeries, out *Column) {
	w := &histWindow{ev: ev, call: call, f: f, pos: rng.Position(), name: s.name, sl: sl, out: out}
	for i := range sl.steps {
		lo, hi := sl.lo[i], sl.hi[i]
		if lo == hi {
			continue
		}
		w.step, w.times, w.values, w.starts = i, s.times[lo:hi], s.values[lo:hi], sl.starts[lo:hi]
		f.starts(w)
	}
}

// startRate is rate (perSecond) and increase of numbers with start times. It
// differs from counterKernel in two ways: a start time after the sample before
// is a reset, and one within the window is where the counter was zero, so that
// nothing is extrapolated to the window's start and one sample is enough.
func startRate(perSecond bool) histKernel {
	return func(w *histWindow) {
		n := len(w.values) - 1
		diff := w.values[n] - w.values[0]
		for i := 1; i <= n; i++ {
			w.overlap(w.times, w.starts, i)
			if w.values[i] < w.values[i-1] || startReset(w.times, w.starts, i) {
				diff += w.values[i-1]
			}
		}
		first, last := w.times[0], w.times[n]
		end := w.sl.ends[w.step]
		start := end - w.sl.width
		sampled := w.sl.since(first, last)
		toStart, toEnd := w.sl.since(start, first), w.sl.since(last, end)
		distance := 0.0
		if n > 0 {
			distance = sampled / float64(n)
		}
		threshold := distance * 1.1
		switch since := w.starts[0]; {
		case since != 0 && since > start && since < first:
			toStart, sampled = 0, w.sl.since(since, last)
			diff += w.values[0]
		case n == 0:
			w.none()
			return
		default:
			if toStart >= threshold {
				toStart = distance / 2
			}
			if diff > 0 && w.values[0] >= 0 {
				toStart = min(toStart, sampled*(w.values[0]/diff))
			}
		}
		if toEnd >= threshold {
			toEnd = distance / 2
		}
		factor := 1.0
		if sampled != 0 {
			factor = (sampled + toStart + toEnd) / sampled
		}
		if perSecond {
			factor /= w.sl.seconds()
		}
		w.number(diff * factor)
	}
}
