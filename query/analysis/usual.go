package analysis

import (
	"math"
	"time"
)

// Unusual returns for each bucket how far its value is from the mean of those
// in the same hour of the week among the most buckets before it; NaN where there
// is none. It is the forecast of a seasonal mean and its error, for windows too
// short for a fitted baseline. O(n).
func Unusual(b *Buckets, most int, loc *time.Location) []float64 {
	c := newClock(Week, max(Hour, b.Res), loc)
	idx := c.indexes(b)
	out := make([]float64, len(b.V))
	sum, count := make([]float64, c.phases), make([]int, c.phases)
	for i, v := range b.V {
		p := idx[i]
		out[i] = math.NaN()
		if count[p] > 0 && finite(v) {
			out[i] = math.Abs(v - sum[p]/float64(count[p]))
		}
		if finite(v) {
			sum[p] += v
			count[p]++
		}
		if k := i - most; k >= 0 && finite(b.V[k]) {
			q := idx[k]
			sum[q] -= b.V[k]
			if count[q]--; count[q] == 0 {
				sum[q] = 0 // no rounding is carried on
			}
		}
	}
	return out
}
