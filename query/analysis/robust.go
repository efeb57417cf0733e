package analysis

import (
	"math"
	"math/bits"
	"slices"
)

// madToSigma turns a median absolute deviation into the standard deviation of
// a normal distribution.
const madToSigma = 1.4826022185056018

// Median returns the median of v and reorders v; NaN for none. Values must not
// be NaN. O(n) on average.
func Median(v []float64) float64 {
	n := len(v)
	if n == 0 {
		return math.NaN()
	}
	hi := Nth(v, n/2)
	if n%2 == 1 {
		return hi
	}
	return mid(slices.Max(v[:n/2]), hi)
}

// mid is the mean of two values without overflow.
func mid(a, b float64) float64 {
	if m := (a + b) / 2; finite(m) {
		return m
	}
	return a/2 + b/2
}

// Nth returns the k-th smallest value, from 0, and leaves v partitioned around
// it: smaller ones before index k and greater ones behind. Values must not be
// NaN. It is Hoare's quickselect (1961) with the median of three as pivot; where
// partitions shrink badly, what is left is sorted, as introselect does (Musser 1997).
// O(n) on average, O(n log n) at worst.
func Nth(v []float64, k int) float64 {
	for turns := 2 * bits.Len(uint(len(v))); len(v) > 16 && turns > 0; turns-- {
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
			return v[k]
		}
	}
	slices.Sort(v)
	return v[k]
}

// Quantile returns the q-quantile of sorted values, interpolated linearly
// (Hyndman and Fan's type 7); NaN for none.
func Quantile(sorted []float64, q float64) float64 {
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	x := min(max(q, 0), 1) * float64(n-1)
	i := int(x)
	if i+1 >= n {
		return sorted[n-1]
	}
	f := x - float64(i)
	if f == 0 {
		return sorted[i]
	}
	return sorted[i]*(1-f) + sorted[i+1]*f
}

// Select returns the q-quantile of v, as Quantile does of sorted values, and
// reorders v; NaN for none. Values must not be NaN. O(n) on average.
func Select(v []float64, q float64) float64 {
	n := len(v)
	if n == 0 {
		return math.NaN()
	}
	x := min(max(q, 0), 1) * float64(n-1)
	k := int(x)
	f := x - float64(k)
	a := Nth(v, k)
	if f == 0 || k+1 >= n {
		return a
	}
	return a*(1-f) + slices.Min(v[k+1:])*f
}

// Line is a level at a time and a slope per millisecond.
type Line struct {
	Origin       int64
	Level, Slope float64
}

// At returns the line's value at t.
func (l Line) At(t int64) float64 { return l.Level + l.Slope*float64(t-l.Origin) }

// maxSlopePoints bounds the points whose pairs Theil–Sen looks at, and so its
// cost: 2,016 pairs.
const maxSlopePoints = 64

// TheilSen returns the median of the slopes of all pairs of points (Theil
// 1950, Sen 1968): up to 29 % of wild points do not move it. Pairs are used
// only where their distance is a multiple of every (in x), which frees the
// slope of a season of that length (Hirsch, Slack and Smith 1982); every zero
// uses all. More than 64 points must be reduced to block medians first. NaN
// where there is no pair. O(n²) for n ≤ 64.
func TheilSen(x []int64, y []float64, every int64) float64 {
	s := make([]float64, 0, len(x)*(len(x)-1)/2)
	for i := range x {
		for j := i + 1; j < len(x); j++ {
			d := x[j] - x[i]
			if d <= 0 || every > 0 && d%every != 0 {
				continue
			}
			s = append(s, (y[j]-y[i])/float64(d))
		}
	}
	return Median(s)
}

// blockMedians cuts the buckets into at most maxSlopePoints blocks of the
// given length (whole multiples of it where there would be more) and returns
// the median of each block that is at least a quarter filled, with its middle time.
func blockMedians(b *Buckets, v []float64, block int64) (x []int64, y []float64) {
	per := int(max(block/b.Res, 1))
	for len(v)/per > maxSlopePoints {
		per += int(max(block/b.Res, 1))
	}
	buf := make([]float64, 0, per)
	// Blocks end with the newest bucket, so that what is left over is old.
	for hi := len(v); hi > 0; hi -= per {
		lo := max(hi-per, 0)
		buf = buf[:0]
		for _, f := range v[lo:hi] {
			if !math.IsNaN(f) {
				buf = append(buf, f)
			}
		}
		if 4*len(buf) < per || len(buf) == 0 {
			continue
		}
		y = append(y, Median(buf))
		x = append(x, b.Time(hi-1)-int64(per)*b.Res/2)
	}
	slices.Reverse(x)
	slices.Reverse(y)
	return x, y
}

// values returns the values that are not NaN, in a new slice.
func values(v []float64) []float64 {
	out := make([]float64, 0, len(v))
	for _, f := range v {
		if !math.IsNaN(f) {
			out = append(out, f)
		}
	}
	return out
}
