package exec

import (
	"context"
	"slices"

	"tidemark/query/ast"
	"tidemark/query/plan"
)

// eachSet evaluates and, or and unless. They pair series by signature as
// other operators do and then only look at which steps the other side has.
func (ev *evaluator) eachSet(ctx context.Context, n *plan.Binary, g Grid, emit func(*Column) error) error {
	m := n.Matching
	if m == nil {
		m = &ast.Matching{Card: ast.ManyToMany}
	}
	if n.Op == "or" {
		return ev.merged(n.Pos, func(emit func(*Column) error) error {
			return ev.eachOr(ctx, n, m, g, emit)
		}, emit)
	}
	var key []byte
	other := map[string]Bitmap{}
	err := ev.each(ctx, n.RHS, g, func(c *Column) error {
		key = signature(m, c.Labels, key[:0])
		if b := other[string(key)]; b != nil {
			b.Or(c.Present)
		} else {
			other[string(key)] = slices.Clone(c.Present)
		}
		ev.recycle(c)
		return nil
	})
	if err != nil {
		return err
	}
	if n.Op == "and" && len(other) == 0 {
		return nil
	}
	return ev.each(ctx, n.LHS, g, func(c *Column) error {
		key = signature(m, c.Labels, key[:0])
		b := other[string(key)]
		switch {
		case n.Op == "and" && b == nil:
			clear(c.Present)
		case n.Op == "and":
			c.Present.And(b)
		case b != nil:
			c.Present.AndNot(b)
		}
		if c.Present.Empty() {
			ev.recycle(c)
			return nil
		}
		return emit(c)
	})
}

// eachOr emits the left side, then what the right side has at steps at which
// the left side has nothing of the same signature.
func (ev *evaluator) eachOr(ctx context.Context, n *plan.Binary, m *ast.Matching, g Grid, emit func(*Column) error) error {
	var key []byte
	taken := map[string]Bitmap{}
	err := ev.each(ctx, n.LHS, g, func(c *Column) error {
		key = signature(m, c.Labels, key[:0])
		if b := taken[string(key)]; b != nil {
			b.Or(c.Present)
		} else {
			taken[string(key)] = slices.Clone(c.Present)
		}
		return emit(c)
	})
	if err != nil {
		return err
	}
	return ev.each(ctx, n.RHS, g, func(c *Column) error {
		key = signature(m, c.Labels, key[:0])
		if b := taken[string(key)]; b != nil {
			c.Present.AndNot(b)
		}
		if c.Present.Empty() {
			ev.recycle(c)
			return nil
		}
		return emit(c)
	})
}
