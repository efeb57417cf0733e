package exec

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"tidemark/query/analysis"
	"tidemark/query/ast"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// pair is two series to be compared, and the labels of the answer.
type pair struct {
	a, b   *Samples
	labels model.Labels
}

// evalCorrelation answers corr_over_time(a[w], b[w], …) on (…).
//
// Series are paired by equal labels but for the metric's name, or as on(…) or
// ignoring(…) says. Where one side of a match has one series and the other
// several, it is compared with each of them; a side that has one series
// altogether is, unless on or ignoring is written, compared with all of the
// other side. Several on both sides is an error. The answer has the labels of
// the side with several series, otherwise those of the match under on(…) and
// those of a without it.
//
// Every step compares the buckets of its own windows anew, so that no sum
// carries the error of what has left the window: a step costs as many
// operations as a window has buckets, by default at most about 2,048.
func (ev *evaluator) evalCorrelation(ctx context.Context, a *analysisCall) (*Analysis, error) {
	opts := analysis.CorrelationOptions{Method: a.text("method", "pearson", analysis.CorrelationMethods...), Diff: a.flag("diff")}
	res := a.span("res", 0, time.Millisecond)
	lag := a.span("lag", 0, math.MinInt64)
	nodes := [2]plan.Node{a.arg("a"), a.arg("b")}
	var wins [2]Windows
	var back [2]int64 // how much earlier than its window's end a side is read
	if lag > 0 {
		back[0] = lag
	} else {
		back[1] = -lag
	}
	for k, n := range nodes {
		var err error
		wins[k], err = ev.rangeWindows(n, a.grid)
		a.keep(err)
	}
	if a.err == nil && wins[0].Range != wins[1].Range {
		a.keep(errorAt(nodes[1].Position(), "corr_over_time: want windows of equal length, got %s and %s",
			analysis.Span(wins[0].Range), analysis.Span(wins[1].Range)))
	}
	if a.err != nil {
		return nil, a.err
	}
	sched := analysis.NewSchedule(wins[0].Range, 0)
	var sides [2][]*Samples
	for k, n := range nodes {
		lo, hi := wins[k].Span()
		err := ev.eachSpan(ctx, n, lo-back[k]-sched.Refit, hi-back[k], func(s *Samples) error {
			sides[k] = append(sides[k], s)
			return ev.hold(len(s.Times))
		})
		if err != nil {
			return nil, err
		}
	}
	defer func() {
		for _, side := range sides {
			for _, s := range side {
				ev.release(len(s.Times))
			}
		}
	}()
	pairs, err := pairUp(a.call, sides[0], sides[1])
	if err != nil {
		return nil, err
	}

	cols := make([]*Column, len(pairs))
	whys := make([]error, len(pairs))
	errs := make([]error, len(pairs))
	next := make(chan int, len(pairs))
	for i := range pairs {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(pairs)) {
		wg.Go(func() {
			for i := range next {
				c := correlator{p: pairs[i], wins: wins, back: back, sched: sched, res: res, opts: opts}
				cols[i], whys[i], errs[i] = c.run(ctx)
				if errs[i] != nil && ctx.Err() == nil {
					_, errs[i] = a.short(errs[i])
				}
			}
		})
	}
	wg.Wait()
	ans := &Analysis{}
	for i, p := range pairs {
		if errs[i] != nil {
			return nil, errs[i]
		}
		a.missing.add(p.a.Labels, whys[i])
		if cols[i] == nil {
			continue
		}
		if err := a.emit(ans, Windows{}, cols[i]); err != nil {
			return nil, err
		}
	}
	return ans, nil
}

// correlator compares one pair over a grid.
type correlator struct {
	p     pair
	wins  [2]Windows
	back  [2]int64
	sched analysis.Schedule
	res   int64
	opts  analysis.CorrelationOptions
	// boundary and interval are the intervals found last, by side.
	boundary, interval [2]int64
	known              [2]bool
	// res and shift are what the buckets were made with; b's times are
	// shifted onto a's.
	madeRes, madeShift int64
	made               bool
	buckets            [2]analysis.Buckets
}

func (c *correlator) run(ctx context.Context) (col *Column, why, err error) {
	g := c.wins[0].Grid
	width := c.wins[0].Range
	for i := range g.Len() {
		if i&15 == 0 && ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		var end [2]int64
		for k := range end {
			_, end[k] = c.wins[k].Bounds(i)
			end[k] -= c.back[k]
		}
		res := c.res
		if res == 0 {
			res = analysis.CorrelationResolution(c.usual(0, end[0]), c.usual(1, end[1]), width)
		}
		if err := c.prepare(res, end[0]-end[1]); err != nil {
			return nil, nil, err
		}
		// Both columns are on a's clock now.
		x := c.buckets[0].Within(end[0]-width, end[0])
		y := c.buckets[1].Within(end[0]-width, end[0])
		r, err := analysis.Correlate(x, y, c.opts)
		if err != nil {
			var s *analysis.ShortHistory
			if !errors.As(err, &s) {
				return nil, nil, err
			}
			s.Res, s.Window = res, width
			why = s
			continue
		}
		if math.IsNaN(r) {
			continue // one side does not move
		}
		if col == nil {
			col = NewColumn(c.p.labels, g.Len())
		}
		col.Set(i, r)
	}
	return col, why, nil
}

func (c *correlator) side(k int) *Samples {
	if k == 0 {
		return c.p.a
	}
	return c.p.b
}

// usual returns the interval of a side for a window that ends at end: that of
// the window of the boundary before, or, where that is empty, of the window
// itself.
func (c *correlator) usual(k int, end int64) int64 {
	ts, w := c.side(k).Times, c.sched.Window
	at := analysis.Floor(end, c.sched.Refit)
	if !c.known[k] || c.boundary[k] != at {
		c.boundary[k], c.known[k] = at, true
		c.interval[k] = analysis.Interval(ts, at-w, at)
	}
	if c.interval[k] > 0 {
		return c.interval[k]
	}
	return analysis.Interval(ts, end-w, end)
}

// prepare brings both sides to buckets, unless they are.
func (c *correlator) prepare(res, shift int64) error {
	if c.made && c.madeRes == res && c.madeShift == shift {
		return nil
	}
	c.made, c.madeRes, c.madeShift = true, res, shift
	a, b := c.p.a, c.p.b
	bt := b.Times
	if shift != 0 {
		bt = slices.Clone(bt)
		for i := range bt {
			bt[i] += shift
		}
	}
	if len(a.Times) == 0 || len(bt) == 0 {
		c.buckets = [2]analysis.Buckets{{End: res, Res: res}, {End: res, Res: res}}
		return nil
	}
	from := analysis.Floor(min(a.Times[0], bt[0])-1, res)
	to := analysis.Floor(max(a.Times[len(a.Times)-1], bt[len(bt)-1])-1, res) + res
	var err error
	if c.buckets[0], err = analysis.Bucketize(a.Times, a.Values, from, to, res); err == nil {
		c.buckets[1], err = analysis.Bucketize(bt, b.Values, from, to, res)
	}
	return err
}

// pairUp pairs the series of two sides.
func pairUp(call *plan.Call, as, bs []*Samples) ([]pair, error) {
	m := call.Matching
	if m == nil || !m.Explicit {
		m = &ast.Matching{}
		if len(as) == 1 || len(bs) == 1 {
			return pairAll(as, bs, nil), nil
		}
	}
	type group struct{ a, b []*Samples }
	groups := map[string]*group{}
	var order []*group
	var key []byte
	find := func(ls model.Labels) *group {
		key = signature(m, ls, key[:0])
		g := groups[string(key)]
		if g == nil {
			g = &group{}
			groups[string(key)] = g
			order = append(order, g)
		}
		return g
	}
	for _, s := range as {
		g := find(s.Labels)
		g.a = append(g.a, s)
	}
	for _, s := range bs {
		g := find(s.Labels)
		g.b = append(g.b, s)
	}
	var out []pair
	for _, g := range order {
		if len(g.a) > 1 && len(g.b) > 1 {
			return nil, errorAt(call.Pos, "%s: %d and %d series match by %s: want one on at least one side, so more labels in on(…)",
				call.Func.Name, len(g.a), len(g.b), matchLabels(m, g.a[0].Labels))
		}
		out = append(out, pairAll(g.a, g.b, m)...)
	}
	return out, nil
}

// pairAll pairs every series with every other; one side has at most one.
func pairAll(as, bs []*Samples, m *ast.Matching) []pair {
	var out []pair
	for _, a := range as {
		for _, b := range bs {
			p := pair{a: a, b: b, labels: dropName(a.Labels)}
			switch {
			case len(bs) > 1:
				p.labels = dropName(b.Labels)
			case len(as) == 1 && m != nil && m.On:
				p.labels = matchLabels(m, a.Labels)
			}
			out = append(out, p)
		}
	}
	return out
}
