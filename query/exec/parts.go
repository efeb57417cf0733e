package exec

import (
	"context"
	"math"

	"tidemark/query/plan"
	"tidemark/storage/model"
)

// partsFunc is how a function of a range is computed from parts (see
// model.Windows) rather than from samples. It gives the same answers: sums
// within their rounding, everything else exactly.
type partsFunc struct {
	want   model.Aggregate
	kernel func(sl *slider, s *model.Series, out *Column)
}

var partsFuncs = map[string]*partsFunc{
	"count_over_time":   {model.WantCounts, countParts},
	"present_over_time": {model.WantCounts, presentParts},
	"sum_over_time":     {model.WantSums, sumParts},
	"avg_over_time":     {model.WantSums, avgParts},
	"min_over_time":     {model.WantMinima, extremeParts(func(a, b float64) bool { return a < b })},
	"max_over_time":     {model.WantMaxima, extremeParts(func(a, b float64) bool { return a > b })},
	"last_over_time":    {model.WantLasts, lastParts},
	"first_over_time":   {model.WantFirsts, firstParts},
	"rate":              {model.WantEnds, counterParts(true, true)},
	"rate_counter":      {model.WantEnds, counterParts(true, true)},
	"increase":          {model.WantEnds, counterParts(true, false)},
	"delta":             {model.WantEnds, counterParts(false, false)},
}

// partWidth is the least width of the windows that a store summarises, in
// milliseconds.
const partWidth = 5 * 60 * 1000

// windowsFor returns what to ask a reader for, or nil where samples are wanted.
// Of finer grids than a store summarises a reader still aggregates what it decodes,
// which is less work there; but where a value descends parts of WantEnds end, which
// of a fine grid leaves hardly more than single samples.
func windowsFor(f *partsFunc, win Windows) *model.Windows {
	if f == nil || !bounded(win) || f.want == model.WantEnds && !sparse(win) {
		return nil
	}
	return askFor(win, f.want)
}

// sparse reports whether there are windows that a reader can do less for than
// read every sample.
func sparse(win Windows) bool {
	return bounded(win) && (win.Grid.Len() == 1 || win.Grid.Step >= partWidth)
}

// bounded reports whether windows can be put in a reader's terms.
func bounded(win Windows) bool {
	const far = math.MaxInt64 / nanosPerMilli / 4
	lo, hi := win.Span()
	return !(win.Fixed && win.Grid.Len() > 1) && lo >= -far && hi <= far
}

// askFor puts windows in a reader's terms.
func askFor(win Windows, want model.Aggregate) *model.Windows {
	_, end := win.Bounds(0)
	return &model.Windows{
		End: end * nanosPerMilli, Step: max(win.Grid.Step, 1) * nanosPerMilli, Range: win.Range * nanosPerMilli,
		Floor: nanosPerMilli, Count: win.Grid.Len(), Want: want,
	}
}

// partsWork computes a function of a selection's windows from parts.
func (ev *evaluator) partsWork(call *plan.Call, f *rangeFunc, p *partsFunc, win Windows) seriesWork {
	sl := newSlider(win, 1)
	return func(_ context.Context, s *model.Series) (*Column, error) {
		cleanParts(s)
		if len(s.Times) == 0 {
			return nil, nil
		}
		sl.seek(s.Times)
		col, err := ev.newColumn(withName(s.Name, s.Labels), sl.steps)
		if err != nil {
			return nil, err
		}
		col.Nameless = !f.keepName
		p.kernel(sl, s, col)
		if col.Present.Empty() {
			ev.recycle(col)
			return nil, nil
		}
		if f.counter {
			ev.hintCounter(call, s.Name)
		}
		return col, nil
	}
}

// cleanParts removes staleness markers and floors times to milliseconds, the
// last sample of a millisecond counting, in place. A part of several samples
// shares its milliseconds with no other.
func cleanParts(s *model.Series) {
	p := s.Parts
	counts, ends := len(p.Counts) > 0, len(p.FirstTimes) > 0
	n := 0
	for i, t := range s.Times {
		ms := floorDiv(t, nanosPerMilli)
		if n > 0 && s.Times[n-1] == ms {
			n--
		}
		s.Times[n], s.Values[n] = ms, s.Values[i]
		if counts {
			p.Counts[n] = p.Counts[i]
		}
		if ends {
			p.FirstTimes[n], p.FirstValues[n] = floorDiv(p.FirstTimes[i], nanosPerMilli), p.FirstValues[i]
		}
		n++
	}
	// Only now: a marker overrules what it shares a millisecond with.
	m := 0
	for i := range n {
		if v := s.Values[i]; v != v && model.IsStale(v) {
			continue
		}
		if m != i {
			s.Times[m], s.Values[m] = s.Times[i], s.Values[i]
			if counts {
				p.Counts[m] = p.Counts[i]
			}
			if ends {
				p.FirstTimes[m], p.FirstValues[m] = p.FirstTimes[i], p.FirstValues[i]
			}
		}
		m++
	}
	s.Times, s.Values = s.Times[:m], s.Values[:m]
	if counts {
		p.Counts = p.Counts[:m]
	}
	if ends {
		p.FirstTimes, p.FirstValues = p.FirstTimes[:m], p.FirstValues[:m]
	}
}

// eachWindow calls f for each window that has samples with its parts and
// the number of those.
func eachWindow(sl *slider, counts []int32, f func(i, lo, hi, n int)) {
	lo, hi, n := 0, 0, 0
	for i := range sl.steps {
		for hi < int(sl.hi[i]) {
			n += int(counts[hi])
			hi++
		}
		for lo < int(sl.lo[i]) {
			n -= int(counts[lo])
			lo++
		}
		if n > 0 {
			f(i, lo, hi, n)
		}
	}
}

func countParts(sl *slider, s *model.Series, out *Column) {
	eachWindow(sl, s.Parts.Counts, func(i, _, _, n int) { out.Set(i, float64(n)) })
}

func presentParts(sl *slider, s *model.Series, out *Column) {
	eachWindow(sl, s.Parts.Counts, func(i, _, _, _ int) { out.Set(i, 1) })
}

func sumParts(sl *slider, s *model.Series, out *Column) {
	sumWindows(sl, s.Values, func(i int, sum, c float64) { out.Set(i, kahanValue(sum, c)) })
}

func avgParts(sl *slider, s *model.Series, out *Column) {
	counts := sl.windowCounts(s.Parts.Counts)
	sumWindows(sl, s.Values, func(i int, sum, c float64) {
		n := float64(counts[i])
		if math.IsInf(sum, 0) {
			lo, hi := sl.lo[i], sl.hi[i]
			sum, c = 0, 0
			for _, v := range s.Values[lo:hi] { // no share of a mean overflows
				sum, c = kahanAdd(v/n, sum, c)
			}
			out.Set(i, kahanValue(sum, c))
			return
		}
		out.Set(i, sum/n+c/n)
	})
}

// windowCounts returns the number of samples of each window.
func (sl *slider) windowCounts(counts []int32) []int32 {
	if sl.scratch.counts == nil {
		sl.scratch.counts = make([]int32, sl.steps)
	}
	eachWindow(sl, counts, func(i, _, _, n int) { sl.scratch.counts[i] = int32(n) })
	return sl.scratch.counts
}

func extremeParts(better func(a, b float64) bool) func(*slider, *model.Series, *Column) {
	k := extremeKernel(better)
	return func(sl *slider, s *model.Series, out *Column) { _ = k(nil, sl, s.Values, nil, out) } // has no error
}

func lastParts(sl *slider, s *model.Series, out *Column) {
	for i := range sl.steps {
		if sl.lo[i] < sl.hi[i] {
			out.Set(i, s.Values[sl.hi[i]-1])
		}
	}
}

func firstParts(sl *slider, s *model.Series, out *Column) {
	for i := range sl.steps {
		if sl.lo[i] < sl.hi[i] {
			out.Set(i, s.Values[sl.lo[i]])
		}
	}
}

// counterParts is counterKernel over parts, within which nothing descends.
func counterParts(counter, perSecond bool) func(*slider, *model.Series, *Column) {
	return func(sl *slider, s *model.Series, out *Column) {
		resets := sl.scratch.ints()
		if counter {
			for k := 1; k < len(s.Values); k++ {
				if s.Parts.FirstValues[k] < s.Values[k-1] {
					resets = append(resets, int32(k))
				}
			}
			sl.scratch.idx = resets
		}
		first := 0
		eachWindow(sl, s.Parts.Counts, func(i, lo, hi, n int) {
			if n < 2 {
				return
			}
			last := hi - 1
			diff := s.Values[last] - s.Parts.FirstValues[lo]
			for first < len(resets) && int(resets[first]) <= lo {
				first++
			}
			for k := first; k < len(resets) && int(resets[k]) <= last; k++ {
				diff += s.Values[resets[k]-1]
			}
			out.Set(i, sl.extrapolate(i, diff, s.Parts.FirstValues[lo], s.Parts.FirstTimes[lo], s.Times[last], n, counter, perSecond))
		})
	}
}
