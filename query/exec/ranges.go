package exec

import (
	"context"
	"math"

	"tidemark/query/funcs"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// rangeSeries is one series of a range argument as it is streamed. Unlike
// Samples it keeps the name apart and may count time in nanoseconds.
type rangeSeries struct {
	name   string
	labels model.Labels // without __name__
	// nameless says that the values are no longer the metric's: see Column.
	nameless bool
	times    []int64
	values   []float64
	// hist are the samples that are native histograms, nil where there are
	// none.
	hist *histSamples
}

// full returns the labels with the name among them.
func (s *rangeSeries) full() model.Labels { return withName(s.name, s.labels) }

// final returns the labels as an answer has them.
func (s *rangeSeries) final() model.Labels {
	if s.nameless {
		return dropName(s.labels)
	}
	return s.full()
}

// rangeWindows returns the windows of a range argument in milliseconds.
func (ev *evaluator) rangeWindows(n plan.Node, g Grid) (Windows, error) {
	switch n := n.(type) {
	case *plan.Select:
		return ev.shifted(n.When, g, n.Range.Milliseconds()), nil
	case *plan.SelectLogs:
		return ev.shifted(n.When, g, n.Range.Milliseconds()), nil
	case *plan.Subquery:
		return ev.shifted(n.When, g, n.Range.Milliseconds()), nil
	}
	return Windows{}, errorAt(n.Position(), "want a range, got %s", n.Type())
}

// streamRange is eachRange without the account.
func (ev *evaluator) streamRange(ctx context.Context, n plan.Node, g Grid, visit func(*slider, *rangeSeries) error) error {
	win, err := ev.rangeWindows(n, g)
	if err != nil {
		return err
	}
	switch n := n.(type) {
	case *plan.Select:
		sl := newSlider(win, 1)
		lo, hi := win.Span()
		return ev.samples(ctx, n.Matchers, lo, hi, func(s *model.Series) error {
			rs := sl.position(s, n.StatsOnly)
			if len(rs.times) == 0 && rs.hist == nil {
				return nil
			}
			return visit(sl, &rs)
		})
	case *plan.Subquery:
		return ev.eachSubquery(ctx, n, win, visit)
	case *plan.SelectLogs:
		if n.Type() == funcs.Range {
			return ev.eachUnwrapped(ctx, n, nil, win, visit)
		}
	}
	return errorAt(n.Position(), "want a range, got %s", n.Type())
}

// position parts a series into numbers and histograms, takes staleness markers
// out, and seeks the windows in the numbers.
func (sl *slider) position(s *model.Series, countsOnly bool) rangeSeries {
	rs := rangeSeries{name: s.Name, labels: s.Labels}
	if s.Histograms != nil {
		if countsOnly {
			statsOnly(s.Histograms)
		}
		rs.hist = splitHistograms(s)
	}
	sl.starts = s.Starts
	rs.times, rs.values = sl.withoutStale(s.Times, s.Values)
	sl.seek(rs.times)
	return rs
}

// withoutStale removes staleness markers in place, and their start times.
func (sl *slider) withoutStale(times []int64, values []float64) ([]int64, []float64) {
	n := 0
	for i, v := range values {
		if v != v && model.IsStale(v) {
			continue
		}
		if n != i {
			times[n], values[n] = times[i], v
			if sl.starts != nil {
				sl.starts[n] = sl.starts[i]
			}
		}
		n++
	}
	return times[:n], values[:n]
}

// eachSubquery evaluates the inner expression at the multiples of the step
// that lie in any window.
func (ev *evaluator) eachSubquery(ctx context.Context, n *plan.Subquery, win Windows, visit func(*slider, *rangeSeries) error) error {
	inner, err := ev.subGrid(n, win)
	if err != nil || inner.Len() == 0 {
		return err
	}
	sl := newSlider(win, 1)
	return ev.each(ctx, n.Expr, inner, func(c *Column) error {
		count := c.Present.Count()
		if count == 0 {
			ev.recycle(c)
			return nil
		}
		if err := ev.hold(count); err != nil {
			return err
		}
		s := &rangeSeries{name: c.Labels.Get(model.MetricName), labels: nameless(c.Labels), nameless: c.Nameless,
			times: make([]int64, 0, count), values: make([]float64, 0, count)}
		if c.Hists != nil {
			s.hist = c.takeHists(inner)
		}
		c.Present.forEach(func(i int) {
			s.times = append(s.times, inner.At(i))
			s.values = append(s.values, c.Values[i])
		})
		ev.recycle(c)
		sl.seek(s.times)
		err := visit(sl, s)
		ev.release(count)
		return err
	})
}

// subGrid returns the grid of a subquery's inner expression: the absolute
// multiples of its step within the union of the windows.
func (ev *evaluator) subGrid(n *plan.Subquery, win Windows) (Grid, error) {
	step := n.Step.Milliseconds()
	if n.Step == 0 {
		step = ev.SubqueryStep.Milliseconds()
	}
	if step <= 0 {
		return Grid{}, errorAt(n.Pos, "subquery step: want at least 1ms, got %s", n.Step)
	}
	lo, hi := win.Span()
	g := Grid{Start: (floorDiv(lo, step) + 1) * step, End: hi, Step: step}
	if g.End >= g.Start && (g.End-g.Start)/step >= min(ev.MaxSamples, math.MaxInt32) {
		return g, &LimitError{Limit: "max-samples", Max: ev.MaxSamples, What: "steps of a subquery"}
	}
	return g, nil
}

// floorDiv divides and rounds towards minus infinity; b is positive.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
