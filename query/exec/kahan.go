package exec

import (
	"math"

	"tidemark/query/internal/kahan"
)

// kahanAdd adds x to the compensated sum (sum, c); see package kahan.
func kahanAdd(x, sum, c float64) (float64, float64) { return kahan.Add(x, sum, c) }

// kahanValue is the value of a compensated sum.
func kahanValue(sum, c float64) float64 {
	if math.IsInf(sum, 0) {
		return sum
	}
	return sum + c
}

// directMean returns the compensated mean of values. It divides the sum while
// that does not overflow and continues with an incremental mean from there.
func directMean(values []float64) float64 {
	var sum, c float64
	for i, v := range values {
		s, k := kahanAdd(v, sum, c)
		if math.IsInf(s, 0) && i > 0 {
			return incrementalMean(values, i, sum, c)
		}
		sum, c = s, k
	}
	n := float64(len(values))
	return sum/n + c/n
}

// incrementalMean continues a mean at values[i], where sum and c are of what
// came before.
func incrementalMean(values []float64, i int, sum, c float64) float64 {
	mean, c := sum/float64(i), c/float64(i)
	for ; i < len(values); i++ {
		n := float64(i + 1)
		q := float64(i) / n
		mean, c = kahanAdd(values[i]/n, q*mean, q*c)
	}
	return mean + c
}
