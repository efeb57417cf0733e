package exec

import (
	"context"
	"slices"
	"sort"

	"tidemark/query/ast"
	"tidemark/query/histogram"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// An extended range looks beyond its bounds instead of extrapolating to them.
// An anchored one begins with the last sample at or before its start, within
// the lookback. A smoothed one has values at both bounds that are interpolated
// between the samples around them, again within the lookback on either side.
//
// Windows are small and few functions take them, so that each window is
// computed by itself: O(samples of the window) per step.

// extendedFunc computes a function of one extended window.
type extendedFunc func(w *extendedWindow)

// extendedFuncs are the functions that take an extended range. plan knows their
// names.
var extendedFuncs = map[string]extendedFunc{
	"rate":     func(w *extendedWindow) { w.rate(true, true) },
	"increase": func(w *extendedWindow) { w.rate(true, false) },
	"delta":    func(w *extendedWindow) { w.rate(false, false) },
	"changes":  func(w *extendedWindow) { w.pairs(differ) },
	"resets":   func(w *extendedWindow) { w.pairs(resetBetween) },
}

// extendedWindow is the samples of one step: those in range and, within the
// lookback, those around it.
type extendedWindow struct {
	histWindow
	start, end int64
	smoothed   bool
}

// extended streams the series of an extended selection and calls each for
// every step that has samples in its widened window.
func (ev *evaluator) extended(ctx context.Context, n *plan.Select, g Grid, width int64, begin func(s *rangeSeries) error, each func(w *extendedWindow), done func(s *rangeSeries) error) error {
	win := ev.shifted(n.When, g, width)
	lookback := ev.Lookback.Milliseconds()
	lo, hi := win.Span()
	after := int64(0)
	if n.Extend == ast.Smoothed {
		after = lookback
	}
	sl := newSlider(win, 1)
	return ev.samples(ctx, n.Matchers, lo-lookback, hi+after, func(s *model.Series) error {
		rs := &rangeSeries{name: s.Name, labels: s.Labels}
		if s.Histograms != nil {
			rs.hist = splitHistograms(s)
		}
		sl.starts = s.Starts
		rs.times, rs.values = sl.withoutStale(s.Times, s.Values)
		if len(rs.times) == 0 && rs.hist == nil {
			return nil
		}
		if err := begin(rs); err != nil {
			return err
		}
		hist := rs.hist
		if hist == nil {
			hist = &histSamples{}
		}
		for i := range g.Len() {
			from, to := win.Bounds(i)
			w := extendedWindow{histWindow: histWindow{ev: ev, pos: n.Pos, name: s.Name, step: i, sl: sl}, start: from, end: to, smoothed: n.Extend == ast.Smoothed}
			a, b := within(rs.times, from-lookback, to+after)
			w.times, w.values = rs.times[a:b], rs.values[a:b]
			if sl.starts != nil {
				w.starts = sl.starts[a:b]
			}
			c, d := within(hist.times, from-lookback, to+after)
			w.htimes, w.hists = hist.times[c:d], hist.values[c:d]
			if hist.starts != nil {
				w.hstarts = hist.starts[c:d]
			}
			if len(w.times)+len(w.htimes) > 0 {
				each(&w)
			}
		}
		return done(rs)
	})
}

// within returns the indexes of the times in (lo, hi].
func within(times []int64, lo, hi int64) (a, b int) {
	a = sort.Search(len(times), func(i int) bool { return times[i] > lo })
	return a, a + sort.Search(len(times)-a, func(i int) bool { return times[a+i] > hi })
}

// eachExtendedFunc evaluates a function of an extended range.
func (ev *evaluator) eachExtendedFunc(ctx context.Context, call *plan.Call, f *rangeFunc, n *plan.Select, g Grid, emit func(*Column) error) error {
	compute := extendedFuncs[call.Func.Name]
	if compute == nil {
		return errorAt(call.Pos, "function %s cannot be applied to an %s range", call.Func.Name, n.Extend)
	}
	var col *Column
	var err error
	return ev.extended(ctx, n, g, n.Range.Milliseconds(), func(s *rangeSeries) error {
		if col, err = ev.newColumn(s.full(), g.Len()); err == nil {
			col.Nameless = true
		}
		return err
	}, func(w *extendedWindow) {
		w.call, w.f, w.out = call, f, col
		compute(w)
	}, func(s *rangeSeries) error {
		if col.Present.Empty() {
			ev.recycle(col)
			return nil
		}
		if f.counter && slices.ContainsFunc(seen(col), func(h *model.Histogram) bool { return h == nil }) {
			ev.hintCounter(call, s.name)
		}
		return emit(col)
	})
}

// seen returns the histograms of the steps that a column has, nil for numbers.
func seen(c *Column) []*model.Histogram {
	var out []*model.Histogram
	c.Present.forEach(func(i int) { out = append(out, c.hist(i)) })
	return out
}

// bounds returns the indexes of the samples at the bounds of the window: the
// last one at or before its start or else the first, and the last one, or the
// first at or after its end where that is smoothed. ok is false where there is
// nothing in range.
func (w *extendedWindow) bounds(times []int64) (first, last int, ok bool) {
	last = len(times) - 1
	first = max(0, sort.Search(last, func(i int) bool { return times[i] > w.start })-1)
	if w.smoothed {
		last = sort.Search(last, func(i int) bool { return times[i] >= w.end })
	}
	return first, last, times[last] > w.start && !(w.smoothed && times[first] > w.end)
}

// interpolate returns the value at a time between samples i and i+1. Of a
// counter that began anew between them it counts from zero.
func interpolate(times []int64, values []float64, i int, t int64, counter bool) float64 {
	a, b := values[i], values[i+1]
	if counter && b < a {
		a = 0
	}
	return a + (b-a)*float64(t-times[i])/float64(times[i+1]-times[i])
}

// edges returns the values at the bounds of a window of numbers.
func (w *extendedWindow) edges(first, last int, counter bool) (left, right float64) {
	left, right = w.values[first], w.values[last]
	if w.smoothed && w.times[first] < w.start {
		left = interpolate(w.times, w.values, first, w.start, counter)
	}
	if w.smoothed && last > 0 && w.times[last] > w.end {
		right = interpolate(w.times, w.values, last-1, w.end, counter)
	}
	return left, right
}

// rate is rate (perSecond), increase (counter) and delta.
func (w *extendedWindow) rate(counter, perSecond bool) {
	switch {
	case len(w.times) > 0 && len(w.hists) > 0:
		w.mixed()
		return
	case len(w.hists) > 0:
		w.histRate(counter, perSecond)
		return
	}
	first, last, ok := w.bounds(w.times)
	if !ok {
		return
	}
	left, right := w.edges(first, last, counter)
	diff := right - left
	if counter {
		// Resets at the bounds are in their values.
		if w.times[first] <= w.start {
			first++
		}
		if w.times[last] >= w.end {
			last--
		}
		prev, lost := left, 0.0
		for _, v := range w.values[first : last+1] {
			if v < prev {
				lost += prev
			}
			prev = v
		}
		if right < prev {
			lost += prev
		}
		diff += lost
	}
	if perSecond {
		diff /= w.sl.seconds()
	}
	w.out.Set(w.step, diff)
}

// histAt returns the histogram at a time between samples i and i+1.
func (w *extendedWindow) histAt(i int, t int64, counter bool) (*model.Histogram, bool) {
	fraction := float64(t-w.htimes[i]) / float64(w.htimes[i+1]-w.htimes[i])
	h, sub, add, err := histogram.Interpolate(w.hists[i], w.hists[i+1], fraction, counter)
	if w.unlike(err) {
		return nil, false
	}
	w.reconciled(sub, subtraction)
	w.reconciled(add, addition)
	return h, true
}

// histRate is rate for native histograms.
func (w *extendedWindow) histRate(counter, perSecond bool) {
	first, last, ok := w.bounds(w.htimes)
	if !ok {
		return
	}
	for _, h := range w.hists[first : last+1] {
		if histogram.IsCustom(h) != histogram.IsCustom(w.hists[first]) {
			w.unlike(histogram.ErrIncompatible)
			return
		}
		if counter && h.Hint == model.Gauge {
			w.notCounter()
		}
	}
	left, right := w.hists[first], w.hists[last]
	if w.smoothed && w.htimes[first] < w.start {
		if left, ok = w.histAt(first, w.start, counter); !ok {
			return
		}
	}
	if w.smoothed && last > 0 && w.htimes[last] > w.end {
		if right, ok = w.histAt(last-1, w.end, counter); !ok {
			return
		}
	}
	if !counter && (left.Hint != model.Gauge || right.Hint != model.Gauge) {
		w.notGauge()
	}
	out := right.Clone()
	notes, err := histogram.Sub(out, left)
	if w.unlike(err) {
		return
	}
	w.reconciled(notes, subtraction)
	if counter && !w.addResets(out, first, last, left, right) {
		return
	}
	if perSecond {
		histogram.Div(out, w.sl.seconds())
	}
	out.Hint = model.Gauge
	w.set(out)
}

// addResets adds to out what was counted before each reset between the bounds.
func (w *extendedWindow) addResets(out *model.Histogram, first, last int, left, right *model.Histogram) bool {
	prev, next := left, first+1
	if w.smoothed && w.htimes[first] < w.start && histogram.IsReset(w.hists[first+1], w.hists[first]) {
		// The value at the start was interpolated across this reset.
		prev, next = w.hists[first+1], first+2
	}
	if next > last {
		return true
	}
	lost := func() bool {
		notes, err := histogram.Add(out, prev)
		if w.unlike(err) {
			return false
		}
		w.reconciled(notes, addition)
		return true
	}
	for _, h := range w.hists[next:last] {
		if histogram.IsReset(h, prev) && !lost() {
			return false
		}
		prev = h
	}
	return !histogram.IsReset(right, prev) || lost()
}

// pairs is changes and resets: it counts the neighbours for which event holds,
// from the anchor on.
func (w *extendedWindow) pairs(event func(a, b sampleAt) bool) {
	i := sort.Search(len(w.times), func(i int) bool { return w.times[i] > w.start }) - 1
	k := sort.Search(len(w.htimes), func(k int) bool { return w.htimes[k] > w.start }) - 1
	if i+1 >= len(w.times) && k+1 >= len(w.htimes) {
		return
	}
	switch {
	case i < 0 && k < 0:
		i, k = 0, 0
	case k < 0 || i >= 0 && w.times[i] >= w.htimes[k]:
		k++
	default:
		i++
	}
	w.times, w.values, w.htimes, w.hists = w.times[i:], w.values[i:], w.htimes[k:], w.hists[k:]
	if w.starts != nil {
		w.starts = w.starts[i:]
	}
	if w.hstarts != nil {
		w.hstarts = w.hstarts[k:]
	}
	histPairs(event)(&w.histWindow)
}

// extendedRange answers an extended range in an instant query: the samples in
// range with the values at its bounds.
func (ev *evaluator) extendedRange(ctx context.Context, n *plan.Select) ([]Samples, error) {
	var out []Samples
	var failed error
	var cur Samples
	err := ev.extended(ctx, n, ev.Grid, n.Range.Milliseconds(), func(s *rangeSeries) error {
		cur = Samples{Labels: s.full()}
		return nil
	}, func(w *extendedWindow) {
		if len(w.hists) > 0 {
			failed = errorAt(n.Pos, "%s modifier is not supported with histograms", n.Extend)
			return
		}
		first, last, _ := w.bounds(w.times)
		if w.times[last] <= w.start {
			return
		}
		left, right := w.edges(first, last, false)
		if w.times[first] <= w.start {
			first++
		}
		if w.times[last] >= w.end {
			last--
		}
		cur.Times, cur.Values = append(cur.Times, w.start), append(cur.Values, left)
		if first <= last {
			cur.Times, cur.Values = append(cur.Times, w.times[first:last+1]...), append(cur.Values, w.values[first:last+1]...)
		}
		cur.Times, cur.Values = append(cur.Times, w.end), append(cur.Values, right)
	}, func(*rangeSeries) error {
		if failed != nil {
			return failed
		}
		if len(cur.Times) > 0 {
			out = append(out, cur)
			return ev.hold(len(cur.Times))
		}
		return nil
	})
	return out, err
}

// eachSmoothed evaluates a smoothed instant selection: at each step the value
// interpolated between the samples around it, within the lookback, or the last
// one where none follows.
func (ev *evaluator) eachSmoothed(ctx context.Context, n *plan.Select, g Grid, emit func(*Column) error) error {
	var col *Column
	var err error
	return ev.extended(ctx, n, g, 0, func(s *rangeSeries) error {
		col, err = ev.newColumn(s.full(), g.Len())
		return err
	}, func(w *extendedWindow) {
		w.out = col
		switch {
		case len(w.times) > 0 && len(w.hists) > 0:
			w.mixed()
		case len(w.hists) > 0:
			w.smoothHist()
		default:
			w.smooth()
		}
	}, func(*rangeSeries) error {
		if col.Present.Empty() {
			ev.recycle(col)
			return nil
		}
		return emit(col)
	})
}

func (w *extendedWindow) smooth() {
	i := sort.Search(len(w.times), func(i int) bool { return w.times[i] >= w.end })
	switch {
	case i < len(w.times) && w.times[i] == w.end:
		w.out.Set(w.step, w.values[i])
	case i == 0:
	case i < len(w.times):
		w.out.Set(w.step, interpolate(w.times, w.values, i-1, w.end, false))
	default:
		w.out.Set(w.step, w.values[i-1])
	}
}

func (w *extendedWindow) smoothHist() {
	i := sort.Search(len(w.htimes), func(i int) bool { return w.htimes[i] >= w.end })
	switch {
	case i < len(w.htimes) && w.htimes[i] == w.end:
		w.set(w.hists[i])
	case i == 0:
	case i < len(w.htimes):
		a, b := w.hists[i-1], w.hists[i]
		if histogram.IsCustom(a) != histogram.IsCustom(b) {
			w.unlike(histogram.ErrIncompatible)
			return
		}
		if h, ok := w.histAt(i-1, w.end, a.Hint != model.Gauge || b.Hint != model.Gauge); ok {
			w.set(h)
		}
	default:
		// A hint tells of the sample before, which this one follows no more.
		h := *w.hists[i-1]
		h.Hint = model.ResetUnknown
		w.set(&h)
	}
}
