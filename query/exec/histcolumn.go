package exec

import (
	"math"

	"tidemark/query/histogram"
	"tidemark/storage/model"
)

// hist returns the histogram of step i, or nil where the value is a number.
func (c *Column) hist(i int) *model.Histogram {
	if c.Hists == nil {
		return nil
	}
	return c.Hists[i]
}

// setHist gives step i a histogram.
func (c *Column) setHist(i int, h *model.Histogram) {
	if c.Hists == nil {
		c.Hists = make([]*model.Histogram, len(c.Values))
	}
	c.Hists[i], c.Values[i] = h, math.NaN()
	c.Present.Set(i)
}

// setNumber is Set for a column that may have a histogram there.
func (c *Column) setNumber(i int, v float64) {
	c.Set(i, v)
	if c.Hists != nil {
		c.Hists[i] = nil
	}
}

// fillHist gives every step the histogram.
func (c *Column) fillHist(h *model.Histogram) {
	for i := range c.Values {
		c.setHist(i, h)
	}
}

// mergeHists takes over the histograms of the other column's steps.
func (c *Column) mergeHists(o *Column) {
	if o.Hists == nil {
		return
	}
	o.Present.forEach(func(i int) {
		if h := o.Hists[i]; h != nil {
			c.setHist(i, h)
		}
	})
}

// dropHists removes the steps that have a histogram and reports whether there
// were any.
func (c *Column) dropHists() bool {
	if c.Hists == nil {
		return false
	}
	some := false
	for i, h := range c.Hists {
		if h != nil && c.Present.Has(i) {
			c.Present.Unset(i)
			some = true
		}
	}
	c.Hists = nil
	return some
}

// takeHists removes the steps that have a histogram and returns them as
// samples. What the hints say of the sample before does not hold among the
// samples of a subquery, which may repeat or leave out some: it is forgotten.
func (c *Column) takeHists(g Grid) *histSamples {
	var out histSamples
	c.Present.forEach(func(i int) {
		h := c.Hists[i]
		if h == nil {
			return
		}
		if h.Hint == model.ResetYes || h.Hint == model.ResetNo {
			shared := *h
			shared.Hint = model.ResetUnknown
			h = &shared
		}
		out.times, out.values = append(out.times, g.At(i)), append(out.values, h)
	})
	c.dropHists()
	if len(out.times) == 0 {
		return nil
	}
	return &out
}

// statsOnly leaves of histograms what histogram_count, histogram_sum and
// histogram_avg ask for. Resets, which only the buckets may show, are found
// first, so that the hints of all but the first are exact.
func statsOnly(hs []*model.Histogram) {
	var prev *model.Histogram
	for i, h := range hs {
		if h == nil || h.Stale() {
			continue
		}
		out := &model.Histogram{Schema: h.Schema, Hint: h.Hint, Count: h.Count, Sum: h.Sum}
		if h.Hint == model.ResetUnknown && prev != nil {
			if out.Hint = model.ResetNo; histogram.IsReset(h, prev) {
				out.Hint = model.ResetYes
			}
		}
		hs[i], prev = out, h
	}
}

// sampleBytes is what a number counts for in the account of samples held; a
// histogram counts for its size in these.
const sampleBytes = 16

// extrasToMillis does for a series's histograms and start times what toMillis
// does for its values, and returns for how many samples the histograms count
// beyond one each.
func extrasToMillis(s *model.Series) (extra int) {
	n, last := 0, int64(0)
	for i, t := range s.Times {
		ms := floorDiv(t, nanosPerMilli)
		if n > 0 && last == ms {
			n--
		}
		last = ms
		if s.Histograms != nil {
			h := s.Histograms[i]
			s.Histograms[n] = h
			if h != nil {
				extra += h.Size() / sampleBytes
			}
		}
		if s.Starts != nil {
			s.Starts[n] = floorDiv(s.Starts[i], nanosPerMilli)
		}
		n++
	}
	if s.Histograms != nil {
		s.Histograms = s.Histograms[:n]
	}
	if s.Starts != nil {
		s.Starts = s.Starts[:n]
	}
	return extra
}

// histSamples are the samples of a range that are native histograms.
type histSamples struct {
	times  []int64
	values []*model.Histogram
	starts []int64 // nil where none has a start time
	// Those with index lo[i] <= k < hi[i] lie in the window of step i, once
	// seek was called.
	lo, hi []int32
}

// splitHistograms takes the histograms out of a series, staleness markers
// left out; nil where there are none.
func splitHistograms(s *model.Series) *histSamples {
	var out histSamples
	n := 0
	for i, h := range s.Histograms {
		switch {
		case h == nil:
			s.Times[n], s.Values[n] = s.Times[i], s.Values[i]
			if s.Starts != nil {
				s.Starts[n] = s.Starts[i]
			}
			n++
		case !h.Stale():
			out.times, out.values = append(out.times, s.Times[i]), append(out.values, h)
			if s.Starts != nil {
				out.starts = append(out.starts, s.Starts[i])
			}
		}
	}
	s.Times, s.Values = s.Times[:n], s.Values[:n]
	if s.Starts != nil {
		s.Starts = s.Starts[:n]
	}
	if len(out.times) == 0 {
		return nil
	}
	return &out
}

// seek positions the windows of the slider on the histograms.
func (hs *histSamples) seek(sl *slider) {
	hs.lo, hs.hi = make([]int32, sl.steps), make([]int32, sl.steps)
	var lo, hi int
	for i, end := range sl.ends {
		for hi < len(hs.times) && hs.times[hi] <= end {
			hi++
		}
		for lo < hi && hs.times[lo] <= end-sl.width {
			lo++
		}
		hs.lo[i], hs.hi[i] = int32(lo), int32(hi)
	}
}

// window returns the histograms of step i.
func (hs *histSamples) window(i int) TimedHistograms {
	lo, hi := hs.lo[i], hs.hi[i]
	return TimedHistograms{Times: hs.times[lo:hi], Values: hs.values[lo:hi]}
}

// anyNumber reports whether the column has a number at any step.
func (c *Column) anyNumber() bool {
	if c.Hists == nil {
		return !c.Present.Empty()
	}
	any := false
	c.Present.forEach(func(i int) { any = any || c.Hists[i] == nil })
	return any
}
