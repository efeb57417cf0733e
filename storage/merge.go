package storage

// eachPiece calls f with pieces of the runs, which are sorted by their start,
// so that together they are ascending and unique in time. Of samples of one
// time that of the greatest order counts, or the one read last. Runs
// that overlap nothing come whole; a cluster of k runs that overlap costs
// O(pieces · log k), and has no more pieces than samples.
func (r *seriesReader) eachPiece(runs []run, f func(run)) {
	times := r.col.Times
	for i := 0; i < len(runs); {
		last := times[runs[i].hi-1]
		j := i + 1
		for ; j < len(runs) && times[runs[j].lo] <= last; j++ {
			last = max(last, times[runs[j].hi-1])
		}
		if j == i+1 {
			f(runs[i])
		} else {
			r.merge.merge(times, runs[i:j], f)
		}
		i = j
	}
}

// runHeap is runs by the time they have come to, at one time the one that
// counts first.
type runHeap struct {
	times []int64
	runs  []run
}

func (h *runHeap) less(a, b *run) bool {
	if x, y := h.times[a.lo], h.times[b.lo]; x != y {
		return x < y
	}
	if a.order != b.order {
		return a.order > b.order
	}
	return a.lo > b.lo // read later
}

func (h *runHeap) sink(i int) {
	for {
		c := 2*i + 1
		if c >= len(h.runs) {
			return
		}
		if c+1 < len(h.runs) && h.less(&h.runs[c+1], &h.runs[c]) {
			c++
		}
		if !h.less(&h.runs[c], &h.runs[i]) {
			return
		}
		h.runs[i], h.runs[c] = h.runs[c], h.runs[i]
		i = c
	}
}

// advance moves the first run on to its sample at, and drops it at its end.
func (h *runHeap) advance(at int) {
	top := &h.runs[0]
	if top.lo = at; at == top.hi {
		h.runs[0] = h.runs[len(h.runs)-1]
		h.runs = h.runs[:len(h.runs)-1]
	}
	h.sink(0)
}

// merge calls f with the pieces of runs that overlap.
func (h *runHeap) merge(times []int64, runs []run, f func(run)) {
	h.times, h.runs = times, append(h.runs[:0], runs...)
	for i := len(h.runs)/2 - 1; i >= 0; i-- {
		h.sink(i)
	}
	for len(h.runs) > 0 {
		top := h.runs[0]
		if len(h.runs) == 1 {
			f(top)
			return
		}
		// All before the next run's time, and this sample at least.
		next := times[h.runs[1].lo]
		if len(h.runs) > 2 {
			next = min(next, times[h.runs[2].lo])
		}
		t := times[top.lo]
		end := top.lo + 1
		for end < top.hi && times[end] < next {
			end++
		}
		f(run{top.lo, end, top.typ, top.order})
		h.advance(end)
		for len(h.runs) > 0 && times[h.runs[0].lo] == t {
			h.advance(h.runs[0].lo + 1)
		}
	}
}
