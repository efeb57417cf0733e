package storage

import (
	"math"

	"tidemark/storage/chunk"
	"tidemark/storage/model"
)

// A regular span of a chunk is one whose times are on a line, in whole units of
// Windows.Floor, and whose values are all numbers. Where windows bound it is
// then a matter of arithmetic: its times are never written out, and
// what lies between two bounds is aggregated where it was decoded, decimals as
// the integers they are stored as.
type regular struct {
	w          *model.Windows
	mint, unit int64 // time of sample k is mint + k*unit
	nextStart  int64 // the first bounds of windows that are not before the
	nextEnd    int64 // sample at hand
	begun      int64 // how many starts, and how many ends, there are before
	ended      int64
}

// regularSpan returns how the windows bound an open chunk; ok is false where it
// is not regular.
func (r *seriesReader) regularSpan(c *heldChunk) (_ regular, ok bool, err error) {
	w := r.set.windows
	unit, linear, err := r.chunk.TimeUnit()
	if err != nil || !linear || c.header.Mint%w.Floor != 0 || unit%w.Floor != 0 && c.header.Count > 1 ||
		c.header.Flags&(chunk.HasStale|chunk.HasNaN|chunk.HasInf) != 0 {
		return regular{}, false, err
	}
	return regular{w: w, mint: c.header.Mint, unit: unit}, true, nil
}

// at is the time of a sample.
func (g *regular) at(k int) int64 { return g.mint + int64(k)*g.unit }

// count returns how many samples are at most at t, which is not before the
// first of them.
func (g *regular) count(t int64) int {
	return int((uint64(t)-uint64(g.mint))/uint64(g.unit)) + 1
}

// within returns which of samples [i, j) lie in a range, inclusive.
func (g *regular) within(i, j int, mint, maxt int64) (int, int) {
	switch {
	case mint > g.at(j-1) || maxt < g.mint:
		return i, i
	case mint > g.mint:
		i = max(i, g.count(mint-1))
	}
	if g.at(j-1) > maxt {
		j = g.count(maxt)
	}
	return i, max(i, j)
}

// seek makes ready for spans from a sample on.
func (g *regular) seek(k int) {
	t := g.at(k)
	before := func(base int64) int64 { // bounds before t
		if t <= base {
			return 0
		}
		return min((t-base-1)/g.w.Step+1, int64(g.w.Count))
	}
	g.begun, g.ended = before(g.w.End-g.w.Range), before(g.w.End)
	g.setNext()
}

func (g *regular) setNext() {
	bound := func(base, k int64) int64 {
		if k == int64(g.w.Count) {
			return math.MaxInt64
		}
		return base + k*g.w.Step
	}
	g.nextStart, g.nextEnd = bound(g.w.End-g.w.Range, g.begun), bound(g.w.End, g.ended)
}

// span returns where the span that begins with sample i ends, at most at j, and
// whether it lies in any window. Samples must be asked for in order.
func (g *regular) span(i, j int) (end int, covered bool) {
	t := g.at(i)
	for g.nextStart < t {
		g.begun++
		g.setNext()
	}
	for g.nextEnd < t {
		g.ended++
		g.setNext()
	}
	if until := min(g.nextStart, g.nextEnd); until < g.at(j-1) {
		j = g.count(until)
	}
	return j, g.begun > g.ended
}

// putRegular puts samples [i, j) of an open chunk as parts, one for all those
// between two bounds of windows.
func (r *seriesReader) putRegular(g *regular, i, j int, into *model.Series) (err error) {
	if i, j = g.within(i, j, r.mint, r.set.maxt); i == j {
		return nil
	}
	g.seek(i)
	want := g.w.Want
	if want == model.WantCounts {
		for k := i; k < j; {
			end, covered := g.span(k, j)
			if covered {
				into.Times, into.Values = append(into.Times, g.at(end-1)), append(into.Values, 0)
				into.Parts.Counts = append(into.Parts.Counts, int32(end-k))
			}
			k = end
		}
		return nil
	}
	ints, exponent, ok, err := r.chunk.AppendDecimals(r.ints[:0], i, j)
	if r.ints = ints; err != nil {
		return err
	}
	if ok {
		for k := i; k < j; {
			end, covered := g.span(k, j)
			if covered {
				putDecimals(into, g, k, ints[k-i:end-i], exponent)
			}
			k = end
		}
		return nil
	}
	if r.values, err = r.chunk.AppendFloats(r.values[:0], i, j); err != nil {
		return err
	}
	for k := i; k < j; {
		end, covered := g.span(k, j)
		if covered {
			r.times = r.times[:0]
			for n := k; n < end; n++ {
				r.times = append(r.times, g.at(n))
			}
			putSpan(into, want, r.times, r.values[k-i:end-i])
		}
		k = end
	}
	return nil
}

// maxDecimal bounds the magnitude of what is summed up as integers: no chunk has
// so many samples that a sum overflows.
const maxDecimal = 1 << 48

// putDecimals is putSpan for samples from number first on, as integers over a
// power of ten.
func putDecimals(into *model.Series, g *regular, first int, ints []int64, exponent int) {
	n := len(ints)
	v, t := ints[n-1], g.at(first+n-1)
	switch g.w.Want {
	case model.WantEnds:
		putDecimalClimbs(into, g, first, ints, exponent)
		return
	case model.WantSums:
		sum, magnitudes := int64(0), int64(0)
		for _, x := range ints {
			sum += x
			magnitudes |= x ^ x>>63
		}
		if v = sum; magnitudes >= maxDecimal {
			for k, x := range ints {
				into.Times, into.Values = append(into.Times, g.at(first+k)), append(into.Values, chunk.FromDecimal(x, exponent))
				into.Parts.Counts = append(into.Parts.Counts, 1)
			}
			return
		}
		into.Parts.Counts = append(into.Parts.Counts, int32(n))
	case model.WantMinima:
		for _, x := range ints {
			v = min(v, x)
		}
	case model.WantMaxima:
		for _, x := range ints {
			v = max(v, x)
		}
	case model.WantFirsts:
		v, t = ints[0], g.at(first)
	}
	into.Times, into.Values = append(into.Times, t), append(into.Values, chunk.FromDecimal(v, exponent))
}

// putDecimalClimbs is putClimbs for the samples of putDecimals.
func putDecimalClimbs(into *model.Series, g *regular, first int, ints []int64, exponent int) {
	p := into.Parts
	for i := 0; i < len(ints); {
		j := i + 1
		for j < len(ints) && ints[j] >= ints[j-1] {
			j++
		}
		into.Times, into.Values = append(into.Times, g.at(first+j-1)), append(into.Values, chunk.FromDecimal(ints[j-1], exponent))
		p.FirstTimes, p.FirstValues = append(p.FirstTimes, g.at(first+i)), append(p.FirstValues, chunk.FromDecimal(ints[i], exponent))
		p.Counts = append(p.Counts, int32(j-i))
		i = j
	}
}
