package exec

import (
	"context"

	"tidemark/query/plan"
)

// eachUnary evaluates +v and -v; the latter is no longer the metric.
func (ev *evaluator) eachUnary(ctx context.Context, n *plan.Unary, g Grid, emit func(*Column) error) error {
	if n.Op != "-" {
		return ev.each(ctx, n.Expr, g, emit)
	}
	return ev.mapped(ctx, n.Expr, g, func(c *Column) {
		for i, v := range c.Values {
			c.Values[i] = -v
		}
	}, emit)
}

// mapped applies a change to every series of a vector, which is then no longer
// the metric.
func (ev *evaluator) mapped(ctx context.Context, arg plan.Node, g Grid, change func(*Column), emit func(*Column) error) error {
	return ev.each(ctx, arg, g, func(c *Column) error {
		change(c)
		c.Nameless = true
		return emit(c)
	})
}
