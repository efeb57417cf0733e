package exec

import (
	"context"
	"errors"
	"math"

	"tidemark/query/ast"
	"tidemark/query/histogram"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// histKernel computes a range function at one step whose window has native
// histograms.
type histKernel func(w *histWindow)

// histWindow is the window of one step that has histograms, and maybe numbers.
type histWindow struct {
	ev   *evaluator
	call *plan.Call
	f    *rangeFunc
	pos  ast.Pos // of the range argument
	name string  // of the metric
	step int
	sl   *slider
	out  *Column
	// Numbers of the window; their result is in out.
	times  []int64
	values []float64
	starts []int64
	// Histograms of the window, at least one.
	htimes  []int64
	hists   []*model.Histogram
	hstarts []int64
}

// eachHistWindow computes the steps of a series whose windows have histograms.
func (ev *evaluator) eachHistWindow(ctx context.Context, call *plan.Call, f *rangeFunc, rng plan.Node, sl *slider, s *rangeSeries, out *Column) error {
	hs := s.hist
	hs.seek(sl)
	w := &histWindow{ev: ev, call: call, f: f, pos: rng.Position(), name: s.name, sl: sl, out: out}
	work := 0
	for i := range sl.steps {
		lo, hi := hs.lo[i], hs.hi[i]
		if lo == hi {
			continue
		}
		if work += int(hi - lo); work > 1<<10 {
			work = 0
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		w.step = i
		w.times, w.values = s.times[sl.lo[i]:sl.hi[i]], s.values[sl.lo[i]:sl.hi[i]]
		w.htimes, w.hists = hs.times[lo:hi], hs.values[lo:hi]
		w.starts, w.hstarts = nil, nil
		if sl.starts != nil {
			w.starts = sl.starts[sl.lo[i]:sl.hi[i]]
		}
		if hs.starts != nil {
			w.hstarts = hs.starts[lo:hi]
		}
		if f.hist != nil {
			f.hist(w)
		} else if len(w.values) > 0 {
			w.ignored()
		}
	}
	return nil
}

// set answers with a histogram.
func (w *histWindow) set(h *model.Histogram) { w.out.setHist(w.step, h) }

// number answers with a number.
func (w *histWindow) number(v float64) { w.out.setNumber(w.step, v) }

// none answers with nothing.
func (w *histWindow) none() { w.out.Present.Unset(w.step) }

// ignored notes that the histograms were left out beside numbers.
func (w *histWindow) ignored() {
	w.ev.info(w.pos, "ignored histograms in a range containing both floats and histograms for metric name %q", w.name)
}

// mixed reports whether the window has numbers, too; then there is no answer.
func (w *histWindow) mixed() bool {
	if len(w.values) == 0 {
		return false
	}
	w.none()
	w.ev.warn(w.pos, "encountered a mix of histograms and floats for metric name %q", w.name)
	return true
}

func (w *histWindow) notCounter() {
	w.ev.warn(w.pos, "this native histogram metric is not a counter: %q", w.name)
}

func (w *histWindow) notGauge() {
	w.ev.warn(w.pos, "this native histogram metric is not a gauge: %q", w.name)
}

// unlike reports whether err says that histograms do not meet, and warns.
func (w *histWindow) unlike(err error) bool {
	if err == nil {
		return false
	}
	if errors.Is(err, histogram.ErrIncompatible) {
		w.ev.warn(w.pos, "vector contains a mix of histograms with exponential and custom buckets schemas for metric name %q", w.name)
	}
	return true
}

func (w *histWindow) reconciled(n histogram.Notes, operation string) {
	if n.Reconciled {
		w.ev.info(w.pos, "mismatched custom buckets were reconciled during %s", operation)
	}
}

// startReset reports whether start times say that counters began anew between
// samples i-1 and i.
func startReset(times, starts []int64, i int) bool {
	return starts != nil && isStartReset(starts[i-1], times[i-1], starts[i], times[i])
}

// histCount is count_over_time.
func histCount(w *histWindow) { w.number(float64(len(w.values) + len(w.hists))) }

// histPresent is present_over_time.
func histPresent(w *histWindow) { w.number(1) }

// histFirst and histLast keep the first and the last sample.
func histFirst(w *histWindow) {
	if len(w.values) == 0 || w.htimes[0] <= w.times[0] {
		w.set(w.hists[0])
	}
}

func histLast(w *histWindow) {
	n := len(w.hists) - 1
	if len(w.values) == 0 || w.htimes[n] >= w.times[len(w.times)-1] {
		w.set(w.hists[n])
	}
}

// histFirstTime and histLastTime are the times of the first and last sample.
func histFirstTime(w *histWindow) {
	t := w.htimes[0]
	if len(w.times) > 0 {
		t = min(t, w.times[0])
	}
	w.number(w.sl.since(0, t))
}

func histLastTime(w *histWindow) {
	t := w.htimes[len(w.htimes)-1]
	if len(w.times) > 0 {
		t = max(t, w.times[len(w.times)-1])
	}
	w.number(w.sl.since(0, t))
}

// summing is what histogram.Sum and histogram.Mean share.
type summing interface {
	Add(*model.Histogram) error
	Value() *model.Histogram
	Conflict() bool
	Mismatched() bool
}

// histSum and histMean are sum_over_time and avg_over_time.
func histSum(w *histWindow)  { w.sumUp(&histogram.Sum{}) }
func histMean(w *histWindow) { w.sumUp(&histogram.Mean{}) }

func (w *histWindow) sumUp(s summing) {
	if w.mixed() {
		return
	}
	for _, h := range w.hists {
		if w.unlike(s.Add(h)) {
			return
		}
	}
	if s.Conflict() {
		w.ev.warn(w.pos, "conflicting counter resets during histogram %s", aggregation)
	}
	if s.Mismatched() {
		w.ev.info(w.pos, "mismatched custom buckets were reconciled during %s", aggregation)
	}
	w.set(s.Value())
}

// eachSample calls f for the samples of the window in order of time; h is nil
// for a number.
func (w *histWindow) eachSample(f func(t, start int64, v float64, h *model.Histogram)) {
	i, k := 0, 0
	for i < len(w.times) || k < len(w.htimes) {
		start := int64(0)
		if k == len(w.htimes) || i < len(w.times) && w.times[i] < w.htimes[k] {
			if w.starts != nil {
				start = w.starts[i]
			}
			f(w.times[i], start, w.values[i], nil)
			i++
			continue
		}
		if w.hstarts != nil {
			start = w.hstarts[k]
		}
		f(w.htimes[k], start, math.NaN(), w.hists[k])
		k++
	}
}

// histPairs counts the neighbours for which event holds; a number beside a
// histogram always counts.
func histPairs(event func(a, b sampleAt) bool) histKernel {
	return func(w *histWindow) {
		n, first := 0.0, true
		var prev sampleAt
		w.eachSample(func(t, start int64, v float64, h *model.Histogram) {
			cur := sampleAt{t, start, v, h}
			if !first && ((prev.h == nil) != (h == nil) || event(prev, cur)) {
				n++
			}
			prev, first = cur, false
		})
		w.number(n)
	}
}

// sampleAt is one sample of either kind.
type sampleAt struct {
	t, start int64
	v        float64
	h        *model.Histogram
}

// resetBetween reports whether a counter began anew between two samples of one
// kind.
func resetBetween(a, b sampleAt) bool {
	if isStartReset(a.start, a.t, b.start, b.t) {
		return true
	}
	if b.h != nil {
		return histogram.IsReset(b.h, a.h)
	}
	return b.v < a.v
}

// differ reports whether two samples of one kind differ.
func differ(a, b sampleAt) bool {
	if b.h != nil {
		return !b.h.Equal(a.h)
	}
	return a.v != b.v && !(math.IsNaN(a.v) && math.IsNaN(b.v))
}

// histLastTwo is irate (counter) and idelta: what happened between the last two
// samples of the window.
func histLastTwo(counter bool) histKernel {
	return func(w *histWindow) {
		var last, prev sampleAt
		n := 0
		w.eachSample(func(t, start int64, v float64, h *model.Histogram) {
			prev, last = last, sampleAt{t, start, v, h}
			n++
		})
		span := w.sl.since(prev.t, last.t)
		switch {
		case n < 2 || span == 0:
			w.none()
			return
		case last.h == nil && prev.h == nil:
			v := last.v
			if !counter || !resetBetween(prev, last) {
				v = last.v - prev.v
			}
			if counter {
				v /= span
			}
			w.number(v)
			return
		case last.h == nil || prev.h == nil:
			w.none()
			w.ev.warn(w.pos, "encountered a mix of histograms and floats for metric name %q", w.name)
			return
		}
		gauge := last.h.Hint == model.Gauge && prev.h.Hint == model.Gauge
		either := last.h.Hint == model.Gauge || prev.h.Hint == model.Gauge
		if counter && either {
			w.notCounter()
		}
		if !counter && !gauge {
			w.notGauge()
		}
		h := last.h.Clone()
		if !counter || !resetBetween(prev, last) {
			notes, err := histogram.Sub(h, prev.h)
			if w.unlike(err) {
				w.none()
				return
			}
			w.reconciled(notes, subtraction)
		}
		h.Hint = model.Gauge
		if counter {
			histogram.Div(h, span)
		}
		w.set(h)
	}
}

// histRate is rate (perSecond), increase (counter) and delta: see counterKernel
// for the extrapolation, which is the same.
func histRate(counter, perSecond bool) histKernel {
	return func(w *histWindow) {
		if w.mixed() {
			return
		}
		n := len(w.hists) - 1
		var result *model.Histogram
		if n > 0 {
			if result = w.difference(counter); result == nil {
				return
			}
		}
		end := w.sl.ends[w.step]
		start := end - w.sl.width
		first, last := w.htimes[0], w.htimes[n]
		sampled := w.sl.since(first, last)
		toStart, toEnd := w.sl.since(start, first), w.sl.since(last, end)
		distance := 0.0
		if n > 0 {
			distance = sampled / float64(n)
		}
		threshold := distance * 1.1
		switch {
		case counter && w.hstarts != nil && w.hstarts[0] != 0 && w.hstarts[0] > start && w.hstarts[0] < first:
			// The counters began within the window, at zero.
			toStart, sampled = 0, w.sl.since(w.hstarts[0], last)
			if result == nil {
				result = w.hists[0].Clone()
				break
			}
			notes, err := histogram.Add(result, w.hists[0])
			if w.unlike(err) {
				return
			}
			w.reconciled(notes, addition)
		case n == 0:
			return
		default:
			if toStart >= threshold {
				toStart = distance / 2
			}
			if c := w.hists[0].Count; counter && result.Count > 0 && c >= 0 {
				toStart = min(toStart, sampled*(c/result.Count))
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
		w.set(histogram.Mul(result, factor))
	}
}

// difference returns the difference of the last and the first of at least two
// histograms, with what was counted before each reset added for counters; nil
// where there is none.
func (w *histWindow) difference(counter bool) *model.Histogram {
	hs := w.hists
	last, prev := hs[len(hs)-1], hs[0]
	if counter && (prev.Hint == model.Gauge || last.Hint == model.Gauge) {
		w.notCounter()
	}
	if counter && (startReset(w.htimes, w.hstarts, 1) || histogram.IsReset(hs[1], prev)) {
		// The first sample was counted before a reset: its layout is nobody's
		// business.
		prev = &model.Histogram{Schema: hs[1].Schema, Custom: hs[1].Custom}
	}
	mixed := func() *model.Histogram {
		w.unlike(histogram.ErrIncompatible)
		return nil
	}
	custom := histogram.IsCustom(prev)
	if histogram.IsCustom(last) != custom {
		return mixed()
	}
	schema := min(last.Schema, prev.Schema)
	if counter {
		for _, h := range hs[1 : len(hs)-1] {
			if h.Hint == model.Gauge {
				w.notCounter()
			}
			schema = min(schema, h.Schema)
			if histogram.IsCustom(h) != custom {
				return mixed()
			}
		}
	}
	out := histogram.Coarsen(last, schema)
	notes, err := histogram.Sub(out, prev)
	if w.unlike(err) {
		return nil
	}
	w.reconciled(notes, subtraction)
	switch {
	case counter:
		for i := 1; i < len(hs); i++ {
			w.overlap(w.htimes, w.hstarts, i)
			if startReset(w.htimes, w.hstarts, i) || histogram.IsReset(hs[i], prev) {
				notes, err := histogram.Add(out, prev)
				if w.unlike(err) {
					return nil
				}
				w.reconciled(notes, addition)
			}
			prev = hs[i]
		}
	case hs[0].Hint != model.Gauge || last.Hint != model.Gauge:
		w.notGauge()
	}
	out.Hint = model.Gauge
	return out
}

// overlap warns of a start time before the sample before it.
func (w *histWindow) overlap(times, starts []int64, i int) {
	if starts != nil && startsOverlap(starts[i-1], times[i-1], starts[i]) {
		w.ev.warnOverlap(w.pos, w.name)
	}
}
