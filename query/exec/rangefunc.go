package exec

import (
	"context"
	"math"
	"strings"

	"tidemark/query/ast"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// rangeFunc is a function of one range and scalars.
type rangeFunc struct {
	kernel kernel
	// keepName says that the result is still a value of the metric.
	keepName bool
	// check looks at the scalar arguments before anything is read.
	check func(ev *evaluator, call *plan.Call, params [][]float64) error
	// counter functions hint at metrics that do not look like counters.
	counter bool
	// hist computes the steps whose windows have native histograms, once the
	// kernel has computed numbers of numbers. Without it, histograms are left
	// out.
	hist histKernel
	// starts computes anew the steps of a series whose numbers have start
	// times, which tell resets that values do not.
	starts histKernel
}

var rangeFuncs = map[string]*rangeFunc{
	"rate":         {kernel: counterKernel(true, true), hist: histRate(true, true), starts: startRate(true), counter: true},
	"rate_counter": {kernel: counterKernel(true, true), hist: histRate(true, true), starts: startRate(true), counter: true},
	"increase":     {kernel: counterKernel(true, false), hist: histRate(true, false), starts: startRate(false), counter: true},
	"delta":        {kernel: counterKernel(false, false), hist: histRate(false, false)},
	"irate":        {kernel: lastTwoKernel(true), hist: histLastTwo(true), starts: histLastTwo(true)},
	"idelta":       {kernel: lastTwoKernel(false), hist: histLastTwo(false)},
	"resets":       {kernel: pairsKernel(func(prev, cur float64) bool { return cur < prev }), hist: histPairs(resetBetween), starts: histPairs(resetBetween)},
	"changes": {hist: histPairs(differ), kernel: pairsKernel(func(prev, cur float64) bool {
		return cur != prev && !(math.IsNaN(cur) && math.IsNaN(prev))
	})},
	"count_over_time": {kernel: countKernel, hist: histCount},
	"sum_over_time":   {kernel: sumKernel, hist: histSum},
	"avg_over_time":   {kernel: avgKernel, hist: histMean},
	"min_over_time":   {kernel: extremeKernel(func(a, b float64) bool { return a < b })},
	"max_over_time":   {kernel: extremeKernel(func(a, b float64) bool { return a > b })},
	"stddev_over_time": {kernel: perWindow(func(w window) (float64, bool) {
		return math.Sqrt(variance(w.values)), true
	})},
	"stdvar_over_time": {kernel: perWindow(func(w window) (float64, bool) {
		return variance(w.values), true
	})},
	"quantile_over_time": {check: checkQuantile, kernel: quantileKernel},
	"mad_over_time": {kernel: perWindow(func(w window) (float64, bool) {
		return medianDeviation(w.values), true
	})},
	"first_over_time": {keepName: true, hist: histFirst, kernel: perWindow(func(w window) (float64, bool) {
		return w.values[0], true
	})},
	"last_over_time": {keepName: true, hist: histLast, kernel: perWindow(func(w window) (float64, bool) {
		return w.values[len(w.values)-1], true
	})},
	"present_over_time": {hist: histPresent, kernel: perWindow(func(window) (float64, bool) { return 1, true })},
	"ts_of_first_over_time": {hist: histFirstTime, kernel: perWindow(func(w window) (float64, bool) {
		return w.sl.since(0, w.times[0]), true
	})},
	"ts_of_last_over_time": {hist: histLastTime, kernel: perWindow(func(w window) (float64, bool) {
		return w.sl.since(0, w.times[len(w.times)-1]), true
	})},
	"ts_of_min_over_time": {kernel: perWindow(timeOf(func(v, best float64) bool { return v <= best }))},
	"ts_of_max_over_time": {kernel: perWindow(timeOf(func(v, best float64) bool { return v >= best }))},
	"deriv": {kernel: perWindow(func(w window) (float64, bool) {
		if len(w.values) < 2 {
			return 0, false
		}
		slope, _ := regression(w.times, w.values, w.times[0], w.sl.since)
		return slope, true
	})},
	"predict_linear": {kernel: perWindow(func(w window) (float64, bool) {
		if len(w.values) < 2 {
			return 0, false
		}
		slope, level := regression(w.times, w.values, w.at(), w.sl.since)
		return slope*w.params[0] + level, true
	})},
	"double_exponential_smoothing": {check: checkSmoothing, kernel: perWindow(func(w window) (float64, bool) {
		if len(w.values) < 2 {
			return 0, false
		}
		return smooth(w.values, w.params[0], w.params[1]), true
	})},
}

// timeOf finds the time of the last of the best values.
func timeOf(better func(v, best float64) bool) func(w window) (float64, bool) {
	return func(w window) (float64, bool) {
		best := 0
		for i, v := range w.values {
			if better(v, w.values[best]) || math.IsNaN(w.values[best]) {
				best = i
			}
		}
		return w.sl.since(0, w.times[best]), true
	}
}

func checkQuantile(ev *evaluator, call *plan.Call, params [][]float64) error {
	ev.warnQuantile(call.Pos, params[0])
	return nil
}

// warnQuantile warns of quantiles that are none.
func (ev *evaluator) warnQuantile(pos ast.Pos, qs []float64) {
	for _, q := range qs {
		if math.IsNaN(q) || q < 0 || q > 1 {
			ev.warn(pos, "quantile value should be between 0 and 1, got %g", q)
			return
		}
	}
}

func checkSmoothing(_ *evaluator, call *plan.Call, params [][]float64) error {
	for k, name := range []string{"smoothing", "trend"} {
		for _, f := range params[k] {
			if !(f > 0 && f < 1) {
				return errorAt(call.Pos, "invalid %s factor: want a number between 0 and 1, both excluded, got %g", name, f)
			}
		}
	}
	return nil
}

// splitArgs finds a call's range argument and evaluates its scalar ones.
func (ev *evaluator) splitArgs(ctx context.Context, call *plan.Call, g Grid) (rng plan.Node, params [][]float64, err error) {
	for _, a := range call.Args {
		switch {
		case a == nil:
		case isRange(a):
			rng = a
		default:
			v, err := ev.scalar(ctx, a, g)
			if err != nil {
				return nil, nil, err
			}
			params = append(params, v)
		}
	}
	if rng == nil {
		return nil, nil, errorAt(call.Pos, "function %s needs a range", call.Func.Name)
	}
	return rng, params, nil
}

// eachRangeFunc evaluates a function of a range.
func (ev *evaluator) eachRangeFunc(ctx context.Context, call *plan.Call, f *rangeFunc, g Grid, emit func(*Column) error) error {
	rng, params, err := ev.splitArgs(ctx, call, g)
	if err != nil {
		return err
	}
	if f.check != nil {
		if err := f.check(ev, call, params); err != nil {
			return err
		}
	}
	if sel, ok := rng.(*plan.Select); ok && sel.Extend != ast.NotExtended {
		return ev.eachExtendedFunc(ctx, call, f, sel, g, emit)
	}
	steps := g.Len()
	apply := func(ctx context.Context, sl *slider, s *rangeSeries) (*Column, error) {
		col, err := ev.newColumn(s.full(), steps)
		if err != nil {
			return nil, err
		}
		col.Nameless = s.nameless || !f.keepName
		if err := f.kernel(ctx, sl, s.values, params, col); err != nil {
			return nil, err
		}
		if sl.starts != nil && f.starts != nil {
			ev.eachStartWindow(call, f, rng, sl, s, col)
		}
		if s.hist != nil {
			if err := ev.eachHistWindow(ctx, call, f, rng, sl, s, col); err != nil {
				return nil, err
			}
		}
		if col.Present.Empty() {
			ev.recycle(col)
			return nil, nil
		}
		if f.counter && col.anyNumber() {
			ev.hintCounter(call, s.name)
		}
		return col, nil
	}
	if sel, ok := rng.(*plan.Select); ok {
		return ev.eachWindowed(ctx, sel, g, call, f, apply, emit)
	}
	return ev.eachRange(ctx, rng, g, func(sl *slider, s *rangeSeries) error {
		col, err := apply(ctx, sl, s)
		if err != nil || col == nil {
			return err
		}
		return emit(col)
	})
}

// eachWindowed applies a function to the windows of a metric selection.
func (ev *evaluator) eachWindowed(ctx context.Context, sel *plan.Select, g Grid, call *plan.Call, f *rangeFunc, apply func(context.Context, *slider, *rangeSeries) (*Column, error), emit func(*Column) error) error {
	if g.Len() == 0 {
		return nil
	}
	win, err := ev.rangeWindows(sel, g)
	if err != nil {
		return err
	}
	lo, hi := win.Span()
	parts := partsFuncs[call.Func.Name]
	windows := windowsFor(parts, win)
	newWork := func() seriesWork {
		sl := newSlider(win, 1)
		var rs rangeSeries
		fromSamples := func(ctx context.Context, s *model.Series) (*Column, error) {
			rs = sl.position(s, sel.StatsOnly)
			if len(rs.times) == 0 && rs.hist == nil {
				return nil, nil
			}
			return apply(ctx, sl, &rs)
		}
		if windows == nil {
			return fromSamples
		}
		fromParts := ev.partsWork(call, f, parts, win)
		return func(ctx context.Context, s *model.Series) (*Column, error) {
			if s.Parts == nil {
				return fromSamples(ctx, s)
			}
			return fromParts(ctx, s)
		}
	}
	op := ev.begin(sel)
	return op.end(ev.eachSeries(ctx, sel.Matchers, lo, hi, windows, newWork, func(c *Column) error {
		op.outColumn(c)
		return op.in(emit(c))
	}))
}

// hintCounter notes a metric that does not look like a counter.
func (ev *evaluator) hintCounter(call *plan.Call, name string) {
	ev.notes.Lock()
	known := name == "" || name == ev.hinted
	ev.hinted = name
	ev.notes.Unlock()
	if known {
		return
	}
	for _, suffix := range []string{"_total", "_sum", "_count", "_bucket"} {
		if strings.HasSuffix(name, suffix) {
			return
		}
	}
	ev.info(call.Pos, "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: %q", name)
}
