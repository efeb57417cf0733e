package analysis

import (
	"fmt"
	"math"
	"slices"
)

// MinPairs is the least number of common buckets a correlation is computed
// from.
const MinPairs = 10

// CorrelationMethods names the values of CorrelationOptions.Method.
var CorrelationMethods = []string{"pearson", "spearman"}

// CorrelationOptions declare how two series are compared.
type CorrelationOptions struct {
	// Method is "pearson" (also ""), for straight relations, or "spearman",
	// for any that only rises or only falls.
	Method string
	// Diff compares the changes between neighbouring buckets, not the levels:
	// two trends alone then do not correlate.
	Diff bool
}

// CorrelationResolution returns the default resolution for comparing two
// series of the given intervals over a window: the largest of the intervals,
// a second and a 2048th of the window, rounded up to a divisor of a day.
func CorrelationResolution(a, b, window int64) int64 {
	return RoundUp(max(a, b, window/2048, Second))
}

// Correlate returns the correlation of two equally long bucket columns, −1 to
// 1, over the pairs in which both have a value. NaN where one side is constant.
// The error is a *ShortHistory for fewer than ten pairs (its Res and Window
// are the caller's to fill in) or names an unknown method.
//
// Pearson's coefficient is computed in two passes over differences from the
// mean, of values scaled by their largest difference, so that neither a large
// common level nor extreme magnitudes cost precision. Spearman's is Pearson's
// of the ranks, ties having their mean rank. O(n), O(n log n) for ranks.
//
// It says nothing about significance: smooth series correlate by chance.
func Correlate(a, b []float64, o CorrelationOptions) (float64, error) {
	if len(a) != len(b) {
		return 0, fmt.Errorf("correlate columns of %d and %d buckets: want equally many", len(a), len(b))
	}
	x := make([]float64, 0, len(a))
	y := make([]float64, 0, len(a))
	for i := range a {
		p, q := a[i], b[i]
		if o.Diff {
			if i == 0 {
				continue
			}
			p, q = p-a[i-1], q-b[i-1]
		}
		if finite(p) && finite(q) {
			x = append(x, p)
			y = append(y, q)
		}
	}
	if len(x) < MinPairs {
		return 0, &ShortHistory{Have: len(x), Want: MinPairs, Unit: "common points"}
	}
	switch o.Method {
	case "", "pearson":
	case "spearman":
		x, y = ranks(x), ranks(y)
	default:
		return 0, fmt.Errorf("method %q: want one of %q", o.Method, CorrelationMethods)
	}
	if !center(x) || !center(y) {
		return math.NaN(), nil
	}
	var xx, yy, xy float64
	for i := range x {
		xx += x[i] * x[i]
		yy += y[i] * y[i]
		xy += x[i] * y[i]
	}
	return min(max(xy/math.Sqrt(xx)/math.Sqrt(yy), -1), 1), nil
}

// center takes the mean off and scales the largest difference to one; it
// reports false where all values are equal but for rounding.
func center(v []float64) bool {
	lo, hi := slices.Min(v), slices.Max(v)
	// Halves keep the differences of huge values finite; eight units in the
	// last place are rounding.
	if hi/2-lo/2 <= 0x1p-50*max(math.Abs(lo), math.Abs(hi)) {
		return false
	}
	// Differences from one of the values first: the mean of values with a
	// large common level would be too coarse.
	pivot := v[0] / 2
	far := 0.0
	for i := range v {
		v[i] = v[i]/2 - pivot
		far = max(far, math.Abs(v[i]))
	}
	m := 0.0
	for i := range v {
		v[i] /= far
		m += v[i] / float64(len(v))
	}
	for i := range v {
		v[i] -= m
	}
	return true
}

// ranks returns the ranks of the values from 1, ties having their mean rank.
func ranks(v []float64) []float64 {
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		switch {
		case v[i] < v[j]:
			return -1
		case v[i] > v[j]:
			return 1
		}
		return 0
	})
	out := make([]float64, len(v))
	for lo := 0; lo < len(order); {
		hi := lo + 1
		for hi < len(order) && v[order[hi]] == v[order[lo]] {
			hi++
		}
		for _, i := range order[lo:hi] {
			out[i] = float64(lo+hi+1) / 2
		}
		lo = hi
	}
	return out
}
