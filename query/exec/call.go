package exec

import (
	"context"

	"tidemark/query/funcs"
	"tidemark/query/plan"
)

// vectorFunc evaluates a call whose result is an instant vector.
type vectorFunc func(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error

// vectorFuncs are the functions of vectors that are neither a plain function
// of one number (mathFuncs, dateFuncs) nor of a range (rangeFuncs). It is
// filled by init: some of its entries come back to it.
var vectorFuncs map[string]vectorFunc

func init() {
	vectorFuncs = map[string]vectorFunc{
		"vector":              vectorOfScalar,
		"info":                info,
		"timestamp":           timestamps,
		"start_timestamp":     startTimestamps,
		"round":               roundTo,
		"clamp":               clampBetween,
		"clamp_min":           clampFrom,
		"clamp_max":           clampTo,
		"absent":              absent,
		"absent_over_time":    absentOverTime,
		"label_replace":       labelReplace,
		"label_join":          labelJoin,
		"sort":                sortByValue(false),
		"sort_desc":           sortByValue(true),
		"sort_by_label":       sortByLabel(false),
		"sort_by_label_desc":  sortByLabel(true),
		"histogram_quantile":  histogramQuantile,
		"histogram_quantiles": histogramQuantiles,
		"histogram_fraction":  histogramFraction,
	}
}

// Implemented reports whether the executor can run a function. It is true of
// every function of the registry.
func Implemented(f *funcs.Func) bool {
	if f.Family == "analysis" {
		return true
	}
	_, ok := lookup(f.Name)
	return ok
}

// names lists the functions that the executor runs itself.
func names() []string {
	var out []string
	for n := range vectorFuncs {
		out = append(out, n)
	}
	for n := range rangeFuncs {
		out = append(out, n)
	}
	for n := range mathFuncs {
		out = append(out, n)
	}
	for n := range dateFuncs {
		out = append(out, n)
	}
	for n := range nativeFuncs {
		out = append(out, n)
	}
	for n := range scalarFuncs {
		out = append(out, n)
	}
	for n := range patternFuncs {
		out = append(out, n)
	}
	for n := range rowFuncs {
		if rangeFuncs[n] == nil {
			out = append(out, n)
		}
	}
	return out
}

// lookup finds how a function is executed.
func lookup(name string) (vectorFunc, bool) {
	if f := vectorFuncs[name]; f != nil {
		return f, true
	}
	if f := rangeFuncs[name]; f != nil {
		return func(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
			return ev.eachRangeFunc(ctx, call, f, g, emit)
		}, true
	}
	if f := mathFuncs[name]; f != nil {
		return applyMath(f), true
	}
	if f := dateFuncs[name]; f != nil {
		return applyDate(f), true
	}
	if f := nativeFuncs[name]; f != nil {
		return applyNative(f), true
	}
	if f := patternFuncs[name]; f != nil {
		return f, true
	}
	if scalarFuncs[name] != nil {
		return func(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
			return ev.emitScalar(ctx, call, g, emit)
		}, true
	}
	return nil, rowFuncs[name] != nil
}

// eachCall evaluates a function call.
func (ev *evaluator) eachCall(ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
	if call.Func.Family == "analysis" {
		a, err := ev.evalAnalysis(ctx, call, g)
		if err != nil {
			return err
		}
		if len(a.Timed) > 0 {
			return errorAt(call.Pos, "function %s answers at times of its own and must be the outermost of an instant query", call.Func.Name)
		}
		for _, c := range a.Columns {
			if err := emit(c); err != nil {
				return err
			}
		}
		return nil
	}
	if sel := logArg(call); sel != nil {
		if rowFuncs[call.Func.Name] != nil || sel.Unwrap() != nil {
			return ev.eachLogRange(ctx, call, sel, g, emit)
		}
	}
	f, ok := lookup(call.Func.Name)
	if !ok || f == nil {
		return errorAt(call.Pos, "function %s cannot be applied to these arguments", call.Func.Name)
	}
	return f(ev, ctx, call, g, emit)
}

// logArg returns the log selection that a call ranges over, or nil.
func logArg(call *plan.Call) *plan.SelectLogs {
	for _, a := range call.Args {
		if s, ok := a.(*plan.SelectLogs); ok {
			return s
		}
	}
	return nil
}

// vectorOfScalar is vector(s).
func vectorOfScalar(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
	return ev.emitScalar(ctx, call.Args[0], g, emit)
}

// timestamps is timestamp(v): of a selection the samples' own times, of any
// other expression the time of the step.
func timestamps(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
	arg := call.Args[0]
	sel, ok := arg.(*plan.Select)
	if !ok {
		return ev.each(ctx, arg, g, func(c *Column) error {
			for i := range c.Values {
				c.Values[i] = float64(g.At(i)) / 1000
			}
			c.Hists, c.Nameless = nil, true
			return emit(c)
		})
	}
	return ev.eachInstant(ctx, sel, g, sampleTime, func(c *Column) error {
		c.Nameless = true
		return emit(c)
	})
}

// startTimestamps is start_timestamp(v): since when the samples of a selection
// count, 0 where that is unknown. Other expressions have no samples.
func startTimestamps(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
	sel, ok := call.Args[0].(*plan.Select)
	if !ok {
		return nil
	}
	return ev.eachInstant(ctx, sel, g, sampleStart, func(c *Column) error {
		c.Nameless = true
		return emit(c)
	})
}
