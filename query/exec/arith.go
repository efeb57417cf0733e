package exec

import (
	"math"

	"tidemark/query/plan"
)

// scalarOp applies an arithmetic or comparison operator to two numbers;
// comparisons are 0 or 1.
func scalarOp(op string, l, r float64) float64 {
	if f := arithmetic(op); f != nil {
		return f(l, r)
	}
	if f := comparison(op); f != nil && f(l, r) {
		return 1
	}
	return 0
}

// arithmetic returns the function of an arithmetic operator, or nil.
func arithmetic(op string) func(l, r float64) float64 {
	switch op {
	case "+":
		return func(l, r float64) float64 { return l + r }
	case "-":
		return func(l, r float64) float64 { return l - r }
	case "*":
		return func(l, r float64) float64 { return l * r }
	case "/":
		return func(l, r float64) float64 { return l / r }
	case "%":
		return math.Mod
	case plan.OpDivGuarded:
		return guarded(func(l, r float64) float64 { return l / r })
	case plan.OpModGuarded:
		return guarded(math.Mod)
	case "^":
		return math.Pow
	case "atan2":
		return math.Atan2
	}
	return nil
}

// guarded makes a division that gives NaN where the divisor is 0.
func guarded(f func(l, r float64) float64) func(l, r float64) float64 {
	return func(l, r float64) float64 {
		if r == 0 {
			return math.NaN()
		}
		return f(l, r)
	}
}

// comparison returns the function of a comparison operator, or nil.
func comparison(op string) func(l, r float64) bool {
	switch op {
	case "==":
		return func(l, r float64) bool { return l == r }
	case "!=":
		return func(l, r float64) bool { return l != r }
	case ">":
		return func(l, r float64) bool { return l > r }
	case "<":
		return func(l, r float64) bool { return l < r }
	case ">=":
		return func(l, r float64) bool { return l >= r }
	case "<=":
		return func(l, r float64) bool { return l <= r }
	}
	return nil
}
