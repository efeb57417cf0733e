package exec

import (
	"math"
	"slices"
)

// variance returns the population variance by Welford's algorithm ("Note on a
// method for calculating corrected sums of squares and products", 1962) with
// compensated sums.
func variance(values []float64) float64 {
	var n, mean, meanC, aux, auxC float64
	for _, v := range values {
		n++
		delta := v - (mean + meanC)
		mean, meanC = kahanAdd(delta/n, mean, meanC)
		aux, auxC = kahanAdd(delta*(v-(mean+meanC)), aux, auxC)
	}
	return (aux + auxC) / n
}

// quantile returns the q-quantile of values, interpolated between the closest
// ranks; values are sorted in place, NaN first. Outside [0, 1] it is
// infinite.
func quantile(q float64, values []float64) float64 {
	if q >= 0 && q <= 1 {
		slices.Sort(values)
	}
	return quantileOf(q, values)
}

// quantileOf is quantile of sorted values.
func quantileOf(q float64, sorted []float64) float64 {
	switch {
	case len(sorted) == 0 || math.IsNaN(q):
		return math.NaN()
	case q < 0:
		return math.Inf(-1)
	case q > 1:
		return math.Inf(1)
	}
	return sortedQuantile(q, sorted)
}

func sortedQuantile(q float64, values []float64) float64 {
	rank := q * float64(len(values)-1)
	lower := max(0, math.Floor(rank))
	upper := min(float64(len(values)-1), lower+1)
	weight := rank - math.Floor(rank)
	return values[int(lower)]*(1-weight) + values[int(upper)]*weight
}

// medianDeviation returns the median of the distances from the median; with
// a NaN among the values there is none.
func medianDeviation(values []float64) float64 {
	for _, v := range values {
		if math.IsNaN(v) {
			return v
		}
	}
	vs := slices.Clone(values)
	median := quantile(0.5, vs)
	for i, v := range vs {
		vs[i] = math.Abs(v - median)
	}
	return quantile(0.5, vs)
}

// regression fits a line by least squares; the intercept is the line's value
// at the time origin. unit converts differences of times to seconds.
func regression(times []int64, values []float64, origin int64, since func(a, b int64) float64) (slope, intercept float64) {
	var n, sx, sxc, sy, syc, sxy, sxyc, sxx, sxxc float64
	constant := true
	for i, v := range values {
		if v != values[0] {
			constant = false
		}
		n++
		x := since(origin, times[i])
		sx, sxc = kahanAdd(x, sx, sxc)
		sy, syc = kahanAdd(v, sy, syc)
		sxy, sxyc = kahanAdd(x*v, sxy, sxyc)
		sxx, sxxc = kahanAdd(x*x, sxx, sxxc)
	}
	if constant {
		if math.IsInf(values[0], 0) {
			return math.NaN(), math.NaN()
		}
		return 0, values[0]
	}
	sx, sy, sxy, sxx = sx+sxc, sy+syc, sxy+sxyc, sxx+sxxc
	covariance := sxy - sx*sy/n
	spread := sxx - sx*sx/n
	slope = covariance / spread
	return slope, sy/n - slope*sx/n
}

// smooth applies double exponential smoothing (Holt's linear method, 1957)
// with a level factor and a trend factor and returns the last level.
func smooth(values []float64, level, trend float64) float64 {
	s := values[0]
	b := values[1] - values[0]
	prev := 0.0
	for i := 1; i < len(values); i++ {
		if i > 1 {
			b = trend*(s-prev) + (1-trend)*b
		}
		prev, s = s, level*values[i]+(1-level)*(s+b)
	}
	return s
}
