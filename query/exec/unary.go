package exec

import (
	"context"

	"tidemark/query/ast"
	"tidemark/query/plan"
)

// eachUnary evaluates +v and -v; the latter is no longer the metric.
func (ev *evaluator) eachUnary(ctx context.Context, n *plan.Unary, g Grid, emit func(*Column) error) error {
	if n.Op != "-" {
		return ev.each(ctx, n.Expr, g, emit)
	}
	return ev.mapped(ctx, n.Pos, n.Expr, g, func(c *Column) {
		for i, v := range c.Values {
			c.Values[i] = -v
		}
	}, emit)
}

// mapped applies a change to every series of a vector, whose metric name is
// dropped.
func (ev *evaluator) mapped(ctx context.Context, pos ast.Pos, arg plan.Node, g Grid, change func(*Column), emit func(*Column) error) error {
	produce := func(emit func(*Column) error) error {
		return ev.each(ctx, arg, g, func(c *Column) error {
			change(c)
			c.Labels = dropName(c.Labels)
			return emit(c)
		})
	}
	if ev.unique(arg) {
		return produce(emit)
	}
	return ev.merged(pos, false, produce, emit)
}
