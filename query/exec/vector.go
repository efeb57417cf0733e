package exec

import (
	"context"
	"slices"

	"tidemark/query/ast"
	"tidemark/query/funcs"
	"tidemark/query/plan"
)

// isRange reports whether a node is a range of numbers or of log rows.
func isRange(n plan.Node) bool {
	t := n.Type()
	return t == funcs.Range || t == funcs.LogRange
}

// eachNode evaluates an instant vector expression, whatever was before.
func (ev *evaluator) eachNode(ctx context.Context, n plan.Node, g Grid, emit func(*Column) error) error {
	steps := g.Len()
	if steps > 1 && ev.independent(n) {
		return ev.eachNode(ctx, n, Instant(g.Start), func(c *Column) error {
			if !c.Present.Has(0) {
				ev.recycle(c)
				return nil
			}
			out, err := ev.newColumn(c.Labels, steps)
			if err != nil {
				return err
			}
			out.Nameless = c.Nameless
			out.fill(c.Values[0])
			if h := c.hist(0); h != nil {
				out.fillHist(h)
			}
			ev.release(1)
			return emit(out)
		})
	}
	switch n := n.(type) {
	case *plan.Select:
		if n.Range == 0 {
			return ev.eachInstant(ctx, n, g, sampleValue, emit)
		}
	case *plan.Unary:
		return ev.eachUnary(ctx, n, g, emit)
	case *plan.Binary:
		return ev.eachBinary(ctx, n, g, emit)
	case *plan.Aggregate:
		return ev.eachAggregate(ctx, n, g, emit)
	case *plan.Call:
		return ev.eachCall(ctx, n, g, emit)
	case *plan.Patterns:
		return ev.eachPatterns(ctx, n, g, emit)
	case *plan.Table:
		return ev.eachTable(ctx, n, g, emit)
	}
	if n.Type() == funcs.Scalar {
		return ev.emitScalar(ctx, n, g, emit)
	}
	return errorAt(n.Position(), "want an instant vector, got %s", n.Type())
}

// emitScalar turns a scalar into a vector of one series without labels.
func (ev *evaluator) emitScalar(ctx context.Context, n plan.Node, g Grid, emit func(*Column) error) error {
	vs, err := ev.scalar(ctx, n, g)
	if err != nil {
		return err
	}
	col, err := ev.newColumn(nil, g.Len())
	if err != nil {
		return err
	}
	copy(col.Values, vs)
	col.Present.SetAll(len(vs))
	return emit(col)
}

// collect gathers the columns of a vector expression.
func (ev *evaluator) collect(ctx context.Context, n plan.Node, g Grid) ([]*Column, error) {
	var out []*Column
	err := ev.each(ctx, n, g, func(c *Column) error {
		out = append(out, c)
		return nil
	})
	return out, err
}

// collectSorted gathers the columns of a vector expression in the order of
// their labels, for operators whose answer depends on an order.
func (ev *evaluator) collectSorted(ctx context.Context, n plan.Node, g Grid) ([]*Column, error) {
	out, err := ev.collect(ctx, n, g)
	slices.SortFunc(out, func(a, b *Column) int { return a.Labels.Compare(b.Labels) })
	return out, err
}

// merged lets through what produce emits, with series of equal labels made
// one: functions of labels can make two of them equal. It is an error if they
// have a value at the same step. Series that lose their name at the end stay
// apart from those that keep it.
func (ev *evaluator) merged(pos ast.Pos, produce func(emit func(*Column) error) error, emit func(*Column) error) error {
	var order []*Column
	byKey := map[string]*Column{}
	var key []byte
	err := produce(func(c *Column) error {
		key = append(key[:0], 0)
		if c.Nameless {
			key[0] = 1
		}
		key = c.Labels.AppendKey(key)
		first := byKey[string(key)]
		if first == nil {
			byKey[string(key)] = c
			order = append(order, c)
			return nil
		}
		if first.Present.Intersects(c.Present) {
			return sameLabels(pos)
		}
		first.merge(c)
		ev.recycle(c)
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range order {
		if err := emit(c); err != nil {
			return err
		}
	}
	return nil
}

// sameLabels is the error of an answer that is ambiguous.
func sameLabels(pos ast.Pos) error {
	return errorAt(pos, "vector cannot contain metrics with the same labelset")
}

// stepFuncs are the functions whose value depends on the step even where
// their arguments do not.
var stepFuncs = map[string]bool{
	"time": true, "timestamp": true, "start_timestamp": true, "predict_linear": true,
	"minute": true, "hour": true, "day_of_week": true, "day_of_month": true,
	"day_of_year": true, "days_in_month": true, "month": true, "year": true,
}

// independent reports whether a node has the same value at every step.
func (ev *evaluator) independent(n plan.Node) bool {
	if v, ok := ev.fixed[n]; ok {
		return v
	}
	v := ev.isIndependent(n)
	ev.fixed[n] = v
	return v
}

func (ev *evaluator) isIndependent(n plan.Node) bool {
	switch n := n.(type) {
	case *plan.Const, *plan.Text, *plan.Matchers:
		return true
	case *plan.List:
		for _, it := range n.Items {
			if !ev.independent(it) {
				return false
			}
		}
		return true
	case *plan.Select:
		return n.At.Kind != ast.AtNone
	case *plan.SelectLogs:
		return n.At.Kind != ast.AtNone
	case *plan.Subquery:
		return n.At.Kind != ast.AtNone
	case *plan.Unary:
		return ev.independent(n.Expr)
	case *plan.Binary:
		return ev.independent(n.LHS) && ev.independent(n.RHS)
	case *plan.Aggregate:
		return ev.independent(n.Expr) && (n.Param == nil || ev.independent(n.Param))
	case *plan.Call:
		if stepFuncs[n.Func.Name] || n.Func.Family == "analysis" {
			return false
		}
		if n.Func.Name == "info" { // reads info metrics at a time of its own
			if (&infoCall{ev: ev}).when(n.Args[0]).At.Kind == ast.AtNone {
				return false
			}
		}
		for _, a := range n.Args {
			if a != nil && !ev.independent(a) {
				return false
			}
		}
		return true
	}
	return false
}
