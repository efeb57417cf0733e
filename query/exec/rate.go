package exec

import "context"

// counterKernel returns the kernel of rate (perSecond), increase (counter)
// and delta (neither). The difference between a window's last and first sample
// is corrected for counter resets and extrapolated to the window's bounds:
// all the way where the first or last sample is within 1.1 average distances
// of the bound, otherwise by half an average distance, and for counters never
// below zero. The rules are Prometheus's. O(samples + steps + resets within
// windows).
func counterKernel(counter, perSecond bool) kernel {
	return func(_ context.Context, sl *slider, values []float64, _ [][]float64, out *Column) error {
		// resets are the indexes of samples smaller than the one before.
		resets := sl.scratch.ints()
		if counter {
			for k := 1; k < len(values); k++ {
				if values[k] < values[k-1] {
					resets = append(resets, int32(k))
				}
			}
			sl.scratch.idx = resets
		}
		first := 0 // resets[first:] are after the window's first sample
		for i := range sl.steps {
			lo, hi := sl.lo[i], sl.hi[i]
			if hi-lo < 2 {
				continue
			}
			last := hi - 1
			diff := values[last] - values[lo]
			for first < len(resets) && resets[first] <= lo {
				first++
			}
			for k := first; k < len(resets) && resets[k] <= last; k++ {
				diff += values[resets[k]-1]
			}
			out.Set(i, sl.extrapolate(i, diff, values[lo], sl.times[lo], sl.times[last], int(hi-lo), counter, perSecond))
		}
		return nil
	}
}

// extrapolate returns what a difference between the first and the last of n
// samples says of the whole window of step i.
func (sl *slider) extrapolate(i int, diff, firstValue float64, first, last int64, n int, counter, perSecond bool) float64 {
	end := sl.ends[i]
	sampled := sl.since(first, last)
	toStart := sl.since(end-sl.width, first)
	toEnd := sl.since(last, end)
	distance := sampled / float64(n-1)
	threshold := distance * 1.1
	if toStart >= threshold {
		toStart = distance / 2
	}
	if counter && diff > 0 && firstValue >= 0 {
		if toZero := sampled * (firstValue / diff); toZero < toStart {
			toStart = toZero
		}
	}
	if toEnd >= threshold {
		toEnd = distance / 2
	}
	factor := 1.0
	if sampled != 0 {
		factor = (sampled + toStart + toEnd) / sampled
	}
	if perSecond {
		factor /= sl.seconds()
	}
	return diff * factor
}

// lastTwoKernel returns the kernel of irate (counter) and idelta: what
// happened between the last two samples.
func lastTwoKernel(counter bool) kernel {
	return func(_ context.Context, sl *slider, values []float64, _ [][]float64, out *Column) error {
		for i := range sl.steps {
			lo, hi := sl.lo[i], sl.hi[i]
			if hi-lo < 2 {
				continue
			}
			prev, cur := values[hi-2], values[hi-1]
			span := sl.since(sl.times[hi-2], sl.times[hi-1])
			if span == 0 {
				continue
			}
			v := cur
			if !counter || !(cur < prev) {
				v = cur - prev
			}
			if counter {
				v /= span
			}
			out.Set(i, v)
		}
		return nil
	}
}
