package exec

import (
	"context"

	"tidemark/query/funcs"
	"tidemark/query/plan"
)

// eachBinary evaluates a binary operation with at least one vector.
func (ev *evaluator) eachBinary(ctx context.Context, n *plan.Binary, g Grid, emit func(*Column) error) error {
	left, right := n.LHS.Type() == funcs.Scalar, n.RHS.Type() == funcs.Scalar
	switch {
	case left && right:
		return ev.emitScalar(ctx, n, g, emit)
	case left:
		return ev.eachWithScalar(ctx, n, n.RHS, n.LHS, true, g, emit)
	case right:
		return ev.eachWithScalar(ctx, n, n.LHS, n.RHS, false, g, emit)
	}
	switch n.Op {
	case "and", "or", "unless":
		return ev.eachSet(ctx, n, g, emit)
	}
	return ev.eachMatch(ctx, n, g, emit)
}

// eachWithScalar evaluates an operation of a vector and a scalar, which is the
// left side where swapped. A comparison without bool filters the vector.
func (ev *evaluator) eachWithScalar(ctx context.Context, n *plan.Binary, vector, scalar plan.Node, swapped bool, g Grid, emit func(*Column) error) error {
	s, err := ev.scalar(ctx, scalar, g)
	if err != nil {
		return err
	}
	if f := arithmetic(n.Op); f != nil {
		return ev.each(ctx, vector, g, func(c *Column) error {
			if swapped {
				for i, v := range c.Values {
					c.Values[i] = f(s[i], v)
				}
			} else {
				for i, v := range c.Values {
					c.Values[i] = f(v, s[i])
				}
			}
			c.Nameless = true
			return ev.emitWithScalarHists(n, c, s, swapped, emit)
		})
	}
	if isTrim(n.Op) {
		return ev.each(ctx, vector, g, func(c *Column) error {
			return ev.emitWithScalarHists(n, c, s, swapped, emit)
		})
	}
	f := comparison(n.Op)
	if f == nil {
		return errorAt(n.Pos, "set operator %q not allowed in binary scalar expression", n.Op)
	}
	holds := func(i int, v float64) bool {
		if swapped {
			return f(s[i], v)
		}
		return f(v, s[i])
	}
	if n.Bool {
		return ev.each(ctx, vector, g, func(c *Column) error {
			for i, v := range c.Values {
				c.Values[i] = truth(holds(i, v))
			}
			c.Nameless = true
			return ev.emitWithScalarHists(n, c, s, swapped, emit)
		})
	}
	return ev.each(ctx, vector, g, func(c *Column) error {
		if c.Hists != nil {
			ev.incompatibleScalar(n, c, swapped)
		}
		c.Present.forEach(func(i int) {
			if !holds(i, c.Values[i]) {
				c.Present.Unset(i)
			}
		})
		if c.Present.Empty() {
			ev.recycle(c)
			return nil
		}
		return emit(c)
	})
}
