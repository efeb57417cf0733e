package exec

import (
	"math"

	"tidemark/query/analysis"
)

// selectQuantile is quantile without sorting all values: it takes linear time
// ([analysis.Nth]) and reorders values.
func selectQuantile(q float64, values []float64) float64 {
	if len(values) < 32 || math.IsNaN(q) || q < 0 || q > 1 {
		return quantile(q, values)
	}
	nans := 0 // sorted first
	for i, v := range values {
		if v != v {
			values[i], values[nans] = values[nans], v
			nans++
		}
	}
	rank := q * float64(len(values)-1)
	lower := int(math.Floor(rank))
	upper := min(len(values)-1, lower+1)
	if upper < nans {
		return math.NaN()
	}
	if lower >= nans {
		analysis.Nth(values[nans:], lower-nans)
	}
	if upper > lower {
		// The next value is the least of those behind.
		at := max(nans, lower+1)
		least := at
		for i := at + 1; i < len(values); i++ {
			if values[i] < values[least] {
				least = i
			}
		}
		values[upper], values[least] = values[least], values[upper]
	}
	weight := rank - math.Floor(rank)
	return values[lower]*(1-weight) + values[upper]*weight
}
