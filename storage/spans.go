package storage

import (
	"math"
	"slices"
	"sort"

	"tidemark/storage/model"
)

// putSamples appends samples as parts of one each.
func putSamples(into *model.Series, want model.Aggregate, times []int64, values []float64) {
	into.Times = append(into.Times, times...)
	into.Values = append(into.Values, values...)
	p := into.Parts
	switch want {
	case model.WantEnds:
		p.FirstTimes = append(p.FirstTimes, times...)
		p.FirstValues = append(p.FirstValues, values...)
		fallthrough
	case model.WantCounts, model.WantSums:
		n := len(p.Counts)
		p.Counts = slices.Grow(p.Counts, len(times))[:n+len(times)]
		for i := range times {
			p.Counts[n+i] = 1
		}
	}
}

// putSpans appends samples as parts: one for all those between two bounds of
// windows, where they are numbers. Nothing else of the series may lie in the
// units of time (Windows.Floor) of these samples; those that share one among
// themselves are left to the receiver.
func putSpans(into *model.Series, w *model.Windows, times []int64, values []float64) {
	for i := 1; i < len(times); i++ {
		if times[i]-times[i-1] < w.Floor {
			putSamples(into, w.Want, times, values)
			return
		}
	}
	for i := 0; i < len(times); {
		first := floorTo(times[i], w.Floor)
		j := len(times)
		if until := w.Until(first); until < times[j-1] {
			j = i + sort.Search(j-i, func(k int) bool { return floorTo(times[i+k], w.Floor) > until })
		}
		if w.Cover(first) {
			putSpan(into, w.Want, times[i:j], values[i:j])
		}
		i = j
	}
}

// putSpan appends samples that no bound of a window separates.
func putSpan(into *model.Series, want model.Aggregate, times []int64, values []float64) {
	n := len(values)
	if want == model.WantEnds {
		putClimbs(into, times, values)
		return
	}
	var v float64
	t, ok := times[n-1], true
	switch want {
	case model.WantSums:
		v = sumOf(values)
		ok = v-v == 0 // nor is any of them infinite or NaN then
	case model.WantMinima:
		v, ok = values[0], numbers(values)
		for _, x := range values {
			if x <= v { // of equals, which zeros of two signs are, the last
				v = x
			}
		}
	case model.WantMaxima:
		v, ok = values[0], numbers(values)
		for _, x := range values {
			if x >= v {
				v = x
			}
		}
	case model.WantFirsts:
		v, t, ok = values[0], times[0], numbers(values)
	case model.WantLasts:
		v, ok = values[n-1], numbers(values)
	case model.WantCounts:
		ok = numbers(values)
	default:
		ok = false
	}
	if !ok {
		putSamples(into, want, times, values)
		return
	}
	into.Times, into.Values = append(into.Times, t), append(into.Values, v)
	if want == model.WantSums || want == model.WantCounts {
		into.Parts.Counts = append(into.Parts.Counts, int32(n))
	}
}

// putClimbs appends a part for each stretch of samples that does not descend.
func putClimbs(into *model.Series, times []int64, values []float64) {
	p := into.Parts
	for i := 0; i < len(values); {
		j := i + 1
		if numbers(values[i:j]) {
			for j < len(values) && values[j] >= values[j-1] && values[j] <= math.MaxFloat64 {
				j++
			}
		}
		into.Times, into.Values = append(into.Times, times[j-1]), append(into.Values, values[j-1])
		p.FirstTimes, p.FirstValues = append(p.FirstTimes, times[i]), append(p.FirstValues, values[i])
		p.Counts = append(p.Counts, int32(j-i))
		i = j
	}
}

// numbers reports whether values are neither infinite nor NaN.
func numbers(values []float64) bool {
	for _, v := range values {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// sumOf returns the sum of values by Neumaier's variant of Kahan's summation;
// where a value or the sum is infinite or NaN, it is not a number.
func sumOf(values []float64) float64 {
	var sum, comp float64
	for _, v := range values {
		s := sum + v
		if math.Abs(sum) >= math.Abs(v) {
			comp += (sum - s) + v
		} else {
			comp += (v - s) + sum
		}
		sum = s
	}
	return sum + comp
}
