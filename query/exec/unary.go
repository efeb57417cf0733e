package exec

import (
	"context"

	"tidemark/query/histogram"
	"tidemark/query/plan"
)

// eachUnary evaluates +v and -v; the latter is no longer the metric.
func (ev *evaluator) eachUnary(ctx context.Context, n *plan.Unary, g Grid, emit func(*Column) error) error {
	if n.Op != "-" {
		return ev.each(ctx, n.Expr, g, emit)
	}
	return ev.each(ctx, n.Expr, g, func(c *Column) error {
		for i, v := range c.Values {
			c.Values[i] = -v
		}
		for i, h := range c.Hists {
			if h != nil {
				c.Hists[i] = histogram.Mul(h.Clone(), -1)
			}
		}
		c.Nameless = true
		return emit(c)
	})
}

// mapped applies a change to the numbers of every series of a vector, which is
// then no longer the metric. Histograms are left out.
func (ev *evaluator) mapped(ctx context.Context, arg plan.Node, g Grid, change func(*Column), emit func(*Column) error) error {
	return ev.each(ctx, arg, g, func(c *Column) error {
		if c.Hists != nil {
			if c.dropHists(); c.Present.Empty() {
				ev.recycle(c)
				return nil
			}
		}
		change(c)
		c.Nameless = true
		return emit(c)
	})
}
