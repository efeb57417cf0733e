package exec

import (
	"context"
	"math"
)

// slider finds, for one series after the other, which samples lie in the
// window of each step: those with index lo[i] <= k < hi[i].
type slider struct {
	win    Windows
	steps  int
	lo, hi []int32
	// ends[i] and width are the windows in the series' own unit of time, of
	// which perMilli make a millisecond.
	ends            []int64
	width, perMilli int64
	times           []int64
	// starts are the start times of the samples, nil where none has one.
	starts  []int64
	scratch scratch
}

// scratch is memory that kernels reuse from series to series.
type scratch struct {
	a, b   []float64
	idx    []int32
	counts []int32
}

func newSlider(w Windows, perMilli int64) *slider {
	n := w.Grid.Len()
	sl := &slider{win: w, steps: n, lo: make([]int32, n), hi: make([]int32, n),
		ends: make([]int64, n), width: w.Range * perMilli, perMilli: perMilli}
	for i := range n {
		_, hi := w.Bounds(i)
		sl.ends[i] = hi * perMilli
	}
	return sl
}

// seek positions the windows on a series' times; O(samples + steps).
func (sl *slider) seek(times []int64) {
	sl.times = times
	var lo, hi int
	for i, end := range sl.ends {
		for hi < len(times) && times[hi] <= end {
			hi++
		}
		start := end - sl.width
		for lo < hi && times[lo] <= start {
			lo++
		}
		sl.lo[i], sl.hi[i] = int32(lo), int32(hi)
	}
}

// seconds is the length of the windows.
func (sl *slider) seconds() float64 { return float64(sl.win.Range) / 1000 }

// since returns the seconds from a to b.
func (sl *slider) since(a, b int64) float64 {
	return float64(b-a) / (1000 * float64(sl.perMilli))
}

// overlapping reports whether summing up every window anew would cost much
// more than one pass.
func (sl *slider) overlapping() bool {
	total := 0
	for i := range sl.lo {
		total += int(sl.hi[i] - sl.lo[i])
	}
	return total > 4*(len(sl.times)+sl.steps)
}

// kernel computes a range function for one series: from the samples of each
// window, one value per step into out. params has one value per step for each
// scalar argument.
type kernel func(ctx context.Context, sl *slider, values []float64, params [][]float64, out *Column) error

// perWindow makes a kernel of a function of one window's samples, which are
// never empty; it costs O(samples) for every window. f may report that the
// window has no value.
func perWindow(f func(w window) (float64, bool)) kernel {
	return func(ctx context.Context, sl *slider, values []float64, params [][]float64, out *Column) error {
		work := 0
		var p [4]float64
		for i := range sl.steps {
			lo, hi := sl.lo[i], sl.hi[i]
			if lo == hi {
				continue
			}
			if work += int(hi - lo); work > 1<<16 {
				work = 0
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			for k := range params {
				p[k&3] = params[k][i]
			}
			if v, ok := f(window{sl: sl, step: i, times: sl.times[lo:hi], values: values[lo:hi], params: p}); ok {
				out.Set(i, v)
			}
		}
		return nil
	}
}

// window is the samples of one step.
type window struct {
	sl     *slider
	step   int
	times  []int64
	values []float64
	params [4]float64
}

// at is the time of the step itself, before offset and @.
func (w window) at() int64 { return w.sl.win.Grid.At(w.step) * w.sl.perMilli }

// countKernel counts the samples of each window; O(steps).
func countKernel(_ context.Context, sl *slider, _ []float64, _ [][]float64, out *Column) error {
	for i := range sl.steps {
		if n := sl.hi[i] - sl.lo[i]; n > 0 {
			out.Set(i, float64(n))
		}
	}
	return nil
}

// sumKernel and avgKernel sum up windows with compensation. Where windows
// overlap they use the two-stack scheme: suffix sums of an older part, which
// are rebuilt when it is used up, and a running sum of the newer part. No sample is
// ever subtracted, so a large value leaves no trace when it leaves the window;
// amortised O(samples + steps).
func sumKernel(ctx context.Context, sl *slider, values []float64, _ [][]float64, out *Column) error {
	return sumWindows(sl, values, func(i int, sum, c float64) {
		out.Set(i, kahanValue(sum, c))
	})
}

func avgKernel(ctx context.Context, sl *slider, values []float64, _ [][]float64, out *Column) error {
	return sumWindows(sl, values, func(i int, sum, c float64) {
		if math.IsInf(sum, 0) {
			out.Set(i, directMean(values[sl.lo[i]:sl.hi[i]]))
			return
		}
		n := float64(sl.hi[i] - sl.lo[i])
		out.Set(i, sum/n+c/n)
	})
}

func sumWindows(sl *slider, values []float64, put func(i int, sum, c float64)) error {
	if !sl.overlapping() {
		for i := range sl.steps {
			if sl.lo[i] == sl.hi[i] {
				continue
			}
			var sum, c float64
			for _, v := range values[sl.lo[i]:sl.hi[i]] {
				sum, c = kahanAdd(v, sum, c)
			}
			put(i, sum, c)
		}
		return nil
	}
	// older[k] and olderC[k] sum up values[k:mid]; newer those from mid on.
	older, olderC := sl.scratch.floats(len(values))
	var mid, next int
	var newer, newerC float64
	for i := range sl.steps {
		lo, hi := int(sl.lo[i]), int(sl.hi[i])
		if lo == hi {
			continue
		}
		if lo >= mid {
			mid, next, newer, newerC = hi, hi, 0, 0
			var s, c float64
			for k := hi - 1; k >= lo; k-- {
				s, c = kahanAdd(values[k], s, c)
				older[k], olderC[k] = s, c
			}
		}
		for ; next < hi; next++ {
			newer, newerC = kahanAdd(values[next], newer, newerC)
		}
		s, c := kahanAdd(newer, older[lo], olderC[lo])
		if !math.IsInf(s, 0) {
			c += newerC
		}
		put(i, s, c)
	}
	return nil
}

func (s *scratch) floats(n int) (a, b []float64) {
	if cap(s.a) < n {
		s.a, s.b = make([]float64, n), make([]float64, n)
	}
	return s.a[:n], s.b[:n]
}

func (s *scratch) ints() []int32 { return s.idx[:0] }

// extremeKernel returns the kernel of the minimum or the maximum, by a
// monotonic queue: O(samples + steps). NaN counts only where there is
// nothing else.
func extremeKernel(better func(a, b float64) bool) kernel {
	return func(_ context.Context, sl *slider, values []float64, _ [][]float64, out *Column) error {
		queue := sl.scratch.ints() // indexes; the best value first
		head, next := 0, 0
		for i := range sl.steps {
			lo, hi := sl.lo[i], sl.hi[i]
			if lo == hi {
				continue
			}
			for next = max(next, int(lo)); next < int(hi); next++ {
				v := values[next]
				if v != v {
					continue
				}
				for len(queue) > head && !better(values[queue[len(queue)-1]], v) {
					queue = queue[:len(queue)-1]
				}
				queue = append(queue, int32(next))
			}
			for head < len(queue) && queue[head] < lo {
				head++
			}
			if head == len(queue) {
				out.Set(i, math.NaN())
				continue
			}
			out.Set(i, values[queue[head]])
		}
		sl.scratch.idx = queue
		return nil
	}
}

// pairsKernel counts the neighbouring samples of each window for which event
// holds; O(samples + steps).
func pairsKernel(event func(prev, cur float64) bool) kernel {
	return func(_ context.Context, sl *slider, values []float64, _ [][]float64, out *Column) error {
		seen, _ := sl.scratch.floats(len(values)) // events up to and including k
		n := 0.0
		for k := range values {
			if k > 0 && event(values[k-1], values[k]) {
				n++
			}
			seen[k] = n
		}
		for i := range sl.steps {
			if lo, hi := sl.lo[i], sl.hi[i]; lo < hi {
				out.Set(i, seen[hi-1]-seen[lo])
			}
		}
		return nil
	}
}
