package exec

import (
	"context"
	"math"

	"tidemark/query/plan"
)

// scalarFunc evaluates a call whose result is a scalar.
type scalarFunc func(ev *evaluator, ctx context.Context, call *plan.Call, g Grid) ([]float64, error)

// scalarFuncs are the functions whose result is a scalar; filled by init, as
// their arguments may lead back to it.
var scalarFuncs map[string]scalarFunc

func init() {
	scalarFuncs = map[string]scalarFunc{
		"time": func(_ *evaluator, _ context.Context, _ *plan.Call, g Grid) ([]float64, error) {
			out := make([]float64, g.Len())
			for i := range out {
				out[i] = float64(g.At(i)) / 1000
			}
			return out, nil
		},
		"pi": func(_ *evaluator, _ context.Context, _ *plan.Call, g Grid) ([]float64, error) {
			return constant(math.Pi, g.Len()), nil
		},
		"scalar": scalarOfVector,
		"min_of": ofTwo(math.Min),
		"max_of": ofTwo(math.Max),
		"start":  ofQuery(func(g Grid) int64 { return g.Start }),
		"end":    ofQuery(func(g Grid) int64 { return g.End }),
		"range":  ofQuery(func(g Grid) int64 { return g.End - g.Start }),
		"step":   ofQuery(func(g Grid) int64 { return g.Step }),
	}
}

// ofTwo is a scalar function of two scalars.
func ofTwo(f func(a, b float64) float64) scalarFunc {
	return func(ev *evaluator, ctx context.Context, call *plan.Call, g Grid) ([]float64, error) {
		a, err := ev.scalar(ctx, call.Args[0], g)
		if err != nil {
			return nil, err
		}
		b, err := ev.scalar(ctx, call.Args[1], g)
		if err != nil {
			return nil, err
		}
		for i := range a {
			a[i] = f(a[i], b[i])
		}
		return a, nil
	}
}

// ofQuery is a property of the query's own grid in seconds, the same within
// subqueries. The step of a query at one time is zero.
func ofQuery(millis func(Grid) int64) scalarFunc {
	return func(ev *evaluator, _ context.Context, _ *plan.Call, g Grid) ([]float64, error) {
		outer := ev.Grid
		if ev.Instant || outer.Start == outer.End {
			outer.Step = 0
		}
		return constant(float64(millis(outer))/1000, g.Len()), nil
	}
}

// constant returns n times v.
func constant(v float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = v
	}
	return out
}

// scalar evaluates an expression of type Scalar, one value per step.
func (ev *evaluator) scalar(ctx context.Context, n plan.Node, g Grid) ([]float64, error) {
	switch n := n.(type) {
	case *plan.Const:
		return constant(n.Value, g.Len()), nil
	case *plan.Text:
		v, err := ev.numberArg(n, 0)
		return constant(v, g.Len()), err
	case *plan.Unary:
		vs, err := ev.scalar(ctx, n.Expr, g)
		if n.Op == "-" {
			for i := range vs {
				vs[i] = -vs[i]
			}
		}
		return vs, err
	case *plan.Binary:
		l, err := ev.scalar(ctx, n.LHS, g)
		if err != nil {
			return nil, err
		}
		r, err := ev.scalar(ctx, n.RHS, g)
		if err != nil {
			return nil, err
		}
		if f := arithmetic(n.Op); f != nil {
			for i := range l {
				l[i] = f(l[i], r[i])
			}
			return l, nil
		}
		f := comparison(n.Op)
		if f == nil {
			return nil, errorAt(n.Pos, "set operator %q not allowed in binary scalar expression", n.Op)
		}
		for i := range l {
			l[i] = truth(f(l[i], r[i]))
		}
		return l, nil
	case *plan.Call:
		if f := scalarFuncs[n.Func.Name]; f != nil {
			return f(ev, ctx, n, g)
		}
	}
	return nil, errorAt(n.Position(), "want a scalar, got %s", n.Type())
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// scalarOfVector is scalar(v): the value of the only series, else NaN.
func scalarOfVector(ev *evaluator, ctx context.Context, call *plan.Call, g Grid) ([]float64, error) {
	out := constant(math.NaN(), g.Len())
	seen, many := NewBitmap(len(out)), NewBitmap(len(out))
	err := ev.each(ctx, call.Args[0], g, func(c *Column) error {
		c.dropHists()
		c.Present.forEach(func(i int) {
			if seen.Has(i) {
				many.Set(i)
				return
			}
			seen.Set(i)
			out[i] = c.Values[i]
		})
		ev.recycle(c)
		return nil
	})
	many.forEach(func(i int) { out[i] = math.NaN() })
	return out, err
}
