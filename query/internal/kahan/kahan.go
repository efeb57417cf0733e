// Package kahan is compensated summation.
package kahan

import "math"

// Add adds x to the compensated sum (sum, c); the sum's best value is sum+c.
// It is Neumaier's variant of Kahan's summation ("Rundungsfehleranalyse
// einiger Verfahren zur Summation endlicher Summen", 1974), which also keeps
// what a large addend pushes out. A sum that overflows drops its compensation.
// The conversions keep the compiler from fusing operations across the call.
func Add(x, sum, c float64) (float64, float64) {
	x, sum, c = float64(x), float64(sum), float64(c)
	t := sum + x
	switch {
	case t > math.MaxFloat64 || t < -math.MaxFloat64:
		c = 0
	case math.Abs(sum) >= math.Abs(x):
		c += (sum - t) + x
	default:
		c += (x - t) + sum
	}
	return float64(t), float64(c)
}
