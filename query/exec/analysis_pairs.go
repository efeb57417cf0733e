package exec

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"time"

	"tidemark/query/analysis"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// paired reads both ranges of a function of pairs for the first step and calls
// visit with the buckets of every pair.
func (a *analysisCall) paired(ctx context.Context, first, second string, resOption string, visit func(p pair, x, y []float64, res int64) error) error {
	nodes := [2]plan.Node{a.arg(first), a.arg(second)}
	var wins [2]Windows
	res := a.span(resOption, 0, time.Millisecond)
	for k, n := range nodes {
		var err error
		wins[k], err = a.ev.rangeWindows(n, a.grid)
		a.keep(err)
	}
	if a.err == nil && wins[0].Range != wins[1].Range {
		a.keep(errorAt(nodes[1].Position(), "%s: want windows of equal length, got %s and %s",
			a.call.Func.Name, analysis.Span(wins[0].Range), analysis.Span(wins[1].Range)))
	}
	if a.err != nil {
		return a.err
	}
	var sides [2][]*Samples
	held := 0
	defer func() { a.ev.release(held) }()
	for k, n := range nodes {
		lo, hi := wins[k].Bounds(0)
		err := a.ev.eachSpan(ctx, n, lo, hi, func(s *Samples) error {
			sides[k] = append(sides[k], s)
			held += len(s.Times)
			return a.ev.hold(len(s.Times))
		})
		if err != nil {
			return err
		}
	}
	pairs, err := pairUp(a.call, sides[0], sides[1])
	if err != nil {
		return err
	}
	for _, p := range pairs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var b [2]analysis.Buckets
		res := res
		var iv [2]int64
		for k, s := range []*Samples{p.a, p.b} {
			lo, hi := wins[k].Bounds(0)
			iv[k] = analysis.Interval(s.Times, lo, hi)
		}
		if res == 0 {
			res = analysis.CorrelationResolution(iv[0], iv[1], wins[0].Range)
		}
		for k, s := range []*Samples{p.a, p.b} {
			lo, hi := wins[k].Bounds(0)
			if b[k], err = analysis.Bucketize(s.Times, s.Values, lo, hi, res); err != nil {
				return errorAt(a.call.Pos, "%s: %v", a.call.Func.Name, err)
			}
		}
		n := min(len(b[0].V), len(b[1].V))
		if err := visit(p, b[0].V[:n], b[1].V[:n], res); err != nil {
			var why error
			if why, err = a.short(err); err != nil {
				return err
			}
			a.missing.add(p.a.Labels, why)
			continue
		}
		a.missing.add(p.a.Labels, nil)
	}
	return nil
}

// evalLeadLag answers lead_lag(a[w], b[w], max_lag): a table of how b follows a.
func (ev *evaluator) evalLeadLag(ctx context.Context, a *analysisCall) (*Analysis, error) {
	most := a.span("max_lag", 0, time.Millisecond)
	ans := &Analysis{}
	err := a.paired(ctx, "a", "b", "res", func(p pair, x, y []float64, res int64) error {
		l, err := analysis.LeadLag(x, y, int(most/res))
		if err != nil || math.IsNaN(l.R) {
			return err
		}
		return a.row(ans, p.labels.With("lag", analysis.Span(int64(l.Lag)*res)).With("p", formatP(l.P)), l.R)
	})
	return ans, err
}

// evalKnee answers knee(load[w], latency[w]): a table of the load at which
// latency begins to rise.
func (ev *evaluator) evalKnee(ctx context.Context, a *analysisCall) (*Analysis, error) {
	ans := &Analysis{}
	err := a.paired(ctx, "load", "latency", "res", func(p pair, x, y []float64, _ int64) error {
		k, err := analysis.FindKnee(x, y)
		if err != nil || math.IsNaN(k.Load) {
			return err
		}
		return a.row(ans, p.labels.With("from", formatP(k.From)).With("to", formatP(k.To)), k.Load)
	})
	return ans, err
}

// evalPeriods answers periods(v[w]): a table of the periods of each series.
func (ev *evaluator) evalPeriods(ctx context.Context, a *analysisCall) (*Analysis, error) {
	v := a.arg("v")
	win, err := ev.rangeWindows(v, a.grid)
	a.keep(err)
	res := a.span("res", 0, time.Millisecond)
	least, most := a.span("min", 0, 0), a.span("max", 0, 0)
	k := int(a.number("k", 3, 1, 100))
	if a.err != nil {
		return nil, a.err
	}
	from, to := win.Bounds(0)
	type found struct {
		periods []analysis.Period
		why     error
	}
	work := func(_ context.Context, s *Samples) (f found, err error) {
		res := res
		if res == 0 {
			res = analysis.ForecastResolution(s.Times, from, to)
		}
		b, err := analysis.Bucketize(s.Times, s.Values, from, to, res)
		if err != nil {
			return f, errorAt(a.call.Pos, "periods: %v", err)
		}
		if b.Filled < analysis.MinPoints {
			f.why = &analysis.ShortHistory{Have: b.Filled, Want: analysis.MinPoints, Res: res, Window: to - from}
			return f, nil
		}
		f.periods = analysis.Periods(&b, least, most, k)
		return f, nil
	}
	ans := &Analysis{}
	err = eachSeries(ctx, a, v, from, to, work, func(s *Samples, f found) error {
		a.missing.add(s.Labels, f.why)
		for _, p := range f.periods {
			if err := a.row(ans, dropName(s.Labels).With("period", analysis.Span(p.Length)), p.Strength); err != nil {
				return err
			}
		}
		return nil
	})
	return ans, err
}

// evalDiffAttrs answers diff_attrs(bad, good): a table of the label values
// that are more, or less, frequent among the bad, by G-test.
func (ev *evaluator) evalDiffAttrs(ctx context.Context, a *analysisCall) (*Analysis, error) {
	maxDims := int(a.number("max_dims", 2, 1, 5))
	k := int(a.number("k", 50, 1, 100_000))
	if a.err != nil {
		return nil, a.err
	}
	cells := map[string]*cell{}
	var order []*cell
	counts := map[*cell]*[2]float64{}
	for side, name := range []string{"bad", "good"} {
		err := ev.each(ctx, a.arg(name), a.grid, func(c *Column) error {
			defer ev.recycle(c)
			if !c.Present.Has(0) || math.IsNaN(c.Values[0]) || math.IsInf(c.Values[0], 0) || c.Values[0] <= 0 {
				return nil
			}
			ls := dropName(c.Labels)
			cl := cells[ls.Key()]
			if cl == nil {
				cl = &cell{labels: ls}
				cells[ls.Key()] = cl
				order = append(order, cl)
				counts[cl] = &[2]float64{}
			}
			counts[cl][side] += c.Values[0]
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(order, func(x, y *cell) int { return x.labels.Compare(y.labels) })
	dims, err := a.dimensions(order)
	if err != nil || len(dims) == 0 {
		return &Analysis{}, err
	}
	table, values := tabulate(order, dims)
	for i, cl := range order {
		table[i].Observed, table[i].Expected = counts[cl][0], counts[cl][1]
	}
	found := analysis.DiffAttributes(table, maxDims)
	ps := make([]float64, len(found))
	for i, f := range found {
		ps[i] = f.P
	}
	ps = analysis.FDR(ps, 0)
	idx := make([]int, len(found))
	for i := range idx {
		idx[i] = i
	}
	slices.SortStableFunc(idx, func(x, y int) int {
		return cmp.Or(cmp.Compare(ps[x], ps[y]), cmp.Compare(math.Abs(math.Log(found[y].Lift)), math.Abs(math.Log(found[x].Lift))))
	})
	ans := &Analysis{}
	ev.sorted = true
	for n, i := range idx[:min(k, len(idx))] {
		ls := model.Labels{}
		for d, x := range found[i].Values {
			if x >= 0 {
				ls = ls.With(dims[d], values[d][x])
			}
		}
		for _, s := range []struct {
			name string
			v    float64
		}{{"count_bad", found[i].Bad}, {"count_good", found[i].Good}, {"lift", found[i].Lift}, {"p_adj", ps[i]}} {
			if err := a.row(ans, ls.With("rank", strconv.Itoa(n+1)).With("stat", s.name), s.v); err != nil {
				return nil, err
			}
		}
	}
	return ans, nil
}
