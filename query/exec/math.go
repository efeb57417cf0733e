package exec

import (
	"context"
	"math"

	"tidemark/query/plan"
)

// mathFuncs are functions of one number.
var mathFuncs = map[string]func(float64) float64{
	"abs": math.Abs, "ceil": math.Ceil, "floor": math.Floor, "exp": math.Exp,
	"sqrt": math.Sqrt, "ln": math.Log, "log2": math.Log2, "log10": math.Log10,
	"sin": math.Sin, "cos": math.Cos, "tan": math.Tan,
	"asin": math.Asin, "acos": math.Acos, "atan": math.Atan,
	"sinh": math.Sinh, "cosh": math.Cosh, "tanh": math.Tanh,
	"asinh": math.Asinh, "acosh": math.Acosh, "atanh": math.Atanh,
	"rad": func(v float64) float64 { return v * math.Pi / 180 },
	"deg": func(v float64) float64 { return v * 180 / math.Pi },
	"sgn": func(v float64) float64 {
		switch {
		case v < 0:
			return -1
		case v > 0:
			return 1
		}
		return v
	},
}

func applyMath(f func(float64) float64) vectorFunc {
	return func(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
		return ev.mapped(ctx, call.Args[0], g, func(c *Column) {
			for i, v := range c.Values {
				c.Values[i] = f(v)
			}
		}, emit)
	}
}

// optional evaluates the scalar argument k, or the fallback where it was not
// given.
func (ev *evaluator) optional(ctx context.Context, call *plan.Call, k int, fallback float64, g Grid) ([]float64, error) {
	if k >= len(call.Args) || call.Args[k] == nil {
		return constant(fallback, g.Len()), nil
	}
	return ev.scalar(ctx, call.Args[k], g)
}

// roundTo is round(v, to): to the nearest multiple, ties upwards.
func roundTo(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
	to, err := ev.optional(ctx, call, 1, 1, g)
	if err != nil {
		return err
	}
	return ev.mapped(ctx, call.Args[0], g, func(c *Column) {
		for i, v := range c.Values {
			// The inverse is exact for the usual fractions of ten.
			inverse := 1 / to[i]
			c.Values[i] = math.Floor(v*inverse+0.5) / inverse
		}
	}, emit)
}

func clampBetween(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
	return ev.clamp(ctx, call, 1, 2, g, emit)
}

func clampFrom(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
	return ev.clamp(ctx, call, 1, -1, g, emit)
}

func clampTo(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
	return ev.clamp(ctx, call, -1, 1, g, emit)
}

// clamp bounds values by the arguments of those places, where not negative.
// There is no answer at steps at which the lower bound exceeds the upper.
func (ev *evaluator) clamp(ctx context.Context, call *plan.Call, lower, upper int, g Grid, emit func(*Column) error) error {
	lo, hi := constant(math.Inf(-1), g.Len()), constant(math.Inf(1), g.Len())
	var err error
	if lower >= 0 {
		if lo, err = ev.scalar(ctx, call.Args[lower], g); err != nil {
			return err
		}
	}
	if upper >= 0 {
		if hi, err = ev.scalar(ctx, call.Args[upper], g); err != nil {
			return err
		}
	}
	return ev.mapped(ctx, call.Args[0], g, func(c *Column) {
		c.Present.forEach(func(i int) {
			if lo[i] > hi[i] {
				c.Present.Unset(i)
				return
			}
			c.Values[i] = math.Max(lo[i], math.Min(hi[i], c.Values[i]))
		})
	}, emit)
}
