package exec

import (
	"math"
	"math/bits"
	"slices"
)

// selectQuantile is quantile without sorting all values: it takes linear time
// (quickselect; Hoare 1961) and reorders values. The pivot is the median of three;
// where partitions shrink badly, what is left is sorted, as introselect does
// (Musser 1997).
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
		nth(values[nans:], lower-nans)
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

// nth puts the value that sorting would put at k there, smaller ones before it
// and greater ones behind; there is no NaN among them.
func nth(v []float64, k int) {
	for turns := 2 * bits.Len(uint(len(v))); len(v) > 16; turns-- {
		if turns == 0 {
			break
		}
		a, b, c := v[0], v[len(v)/2], v[len(v)-1]
		pivot := max(min(a, b), min(max(a, b), c))
		i, j := 0, len(v)-1
		for i <= j {
			for v[i] < pivot {
				i++
			}
			for v[j] > pivot {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			v = v[:j+1]
		case k >= i:
			v, k = v[i:], k-i
		default:
			return
		}
	}
	slices.Sort(v)
}
