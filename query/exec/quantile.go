package exec

import (
	"cmp"
	"context"
	"slices"
)

// quantileKernel keeps the samples of the window sorted while it slides: a
// sample that comes or goes costs a binary search and moving those behind it,
// which for windows of up to some thousands is far less than sorting anew. A
// window that shares little with the one before is sorted.
func quantileKernel(ctx context.Context, sl *slider, values []float64, params [][]float64, out *Column) error {
	var sorted []float64
	from, to := 0, 0 // what sorted holds
	work := 0
	for i := range sl.steps {
		lo, hi := int(sl.lo[i]), int(sl.hi[i])
		if lo == hi {
			continue
		}
		if moved := (lo - from) + (hi - to); lo >= to || 8*moved > hi-lo {
			sorted = append(sorted[:0], values[lo:hi]...)
			slices.Sort(sorted)
			work += hi - lo
		} else {
			for _, v := range values[from:lo] {
				at, _ := slices.BinarySearchFunc(sorted, v, cmp.Compare[float64])
				sorted = slices.Delete(sorted, at, at+1)
			}
			for _, v := range values[to:hi] {
				at, _ := slices.BinarySearchFunc(sorted, v, cmp.Compare[float64])
				sorted = slices.Insert(sorted, at, v)
			}
			work += moved
		}
		from, to = lo, hi
		if work > 1<<16 {
			work = 0
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		out.Set(i, quantileOf(params[0][i], sorted))
	}
	return nil
}
