package storage

import (
	"fmt"
	"slices"

	"tidemark/storage/chunk"
	"tidemark/storage/model"
)

// heldChunk is a chunk that was found but not decoded: bytes [lo, hi) of the
// reader's buffer, and up to end its key.
type heldChunk struct {
	header      chunk.Header
	order       uint64
	lo, hi, end int
}

// piece is a run, or a chunk that is not decoded yet, with its times.
type piece struct {
	mint, maxt int64
	run        run
	chunk      *heldChunk
}

// hold keeps the chunk at the iterator for putParts.
func (r *seriesReader) hold(val []byte, h chunk.Header, order uint64) {
	lo := len(r.buf)
	r.buf = append(append(r.buf, val...), r.iter.Key()...)
	r.held = append(r.held, heldChunk{header: h, order: order, lo: lo, hi: lo + len(val), end: len(r.buf)})
}

// decodeHeld makes runs of the chunks that were kept.
func (r *seriesReader) decodeHeld() error {
	for i := range r.held {
		c := &r.held[i]
		rn, err := r.decode(r.buf[c.lo:c.hi], c.header, c.order)
		if err != nil {
			return corrupt(fmt.Sprintf("chunk %x", r.buf[c.hi:c.end]), err)
		}
		if rn.lo < rn.hi {
			r.runs = append(r.runs, rn)
		}
	}
	return nil
}

// putParts writes what was gathered into a series, with aggregates in the
// place of samples where they are known to be exact: for a chunk that overlaps nothing
// else of its series, for those of its windows that lie wholly within
// the same windows of the query. The rest is decoded, and put together here.
func (r *seriesReader) putParts(into *model.Series) error {
	w := r.set.windows
	p := into.Parts
	if p == nil {
		p = &model.Parts{}
	}
	p.Counts, p.FirstValues, p.FirstTimes = p.Counts[:0], p.FirstValues[:0], p.FirstTimes[:0]
	*into = model.Series{Name: into.Name, Labels: into.Labels, Times: into.Times[:0], Values: into.Values[:0], Parts: p}

	pieces := r.gathered()
	for i := 0; i < len(pieces); {
		j := clusterEnd(pieces, i, w.Floor)
		if c := pieces[i].chunk; c != nil && j == i+1 {
			if err := r.summarise(c, into); err != nil {
				return corrupt(fmt.Sprintf("chunk %x", r.buf[c.hi:c.end]), err)
			}
		} else if err := r.mergeCluster(pieces[i:j], func(times []int64, bits []uint64, typ model.Type) {
			r.values = appendFloats(r.values[:0], bits, typ)
			if j == i+1 {
				putSpans(into, w, times, r.values)
			} else { // neighbours of other pieces may share a unit of time
				putSamples(into, w.Want, times, r.values)
			}
		}); err != nil {
			return err
		}
		i = j
	}
	return nil
}

// gathered returns what was found of a series, sorted by its first times.
func (r *seriesReader) gathered() []piece {
	pieces := r.pieces[:0]
	for _, rn := range r.runs {
		pieces = append(pieces, piece{mint: r.col.Times[rn.lo], maxt: r.col.Times[rn.hi-1], run: rn})
	}
	for i := range r.held {
		c := &r.held[i]
		pieces = append(pieces, piece{mint: c.header.Mint, maxt: c.header.Maxt, chunk: c})
	}
	r.pieces = pieces
	byStart := func(a, b piece) int {
		switch {
		case a.mint < b.mint:
			return -1
		case a.mint > b.mint:
			return 1
		}
		return 0
	}
	if !slices.IsSortedFunc(pieces, byStart) {
		slices.SortStableFunc(pieces, byStart)
	}
	return pieces
}

// clusterEnd returns where the pieces that overlap the one at i end. A sample
// that is floored to the time of the one before overrules it, so that floored
// times must not overlap either.
func clusterEnd(pieces []piece, i int, floor int64) int {
	last := pieces[i].maxt
	j := i + 1
	for ; j < len(pieces) && floorTo(pieces[j].mint, floor) <= last; j++ {
		last = max(last, pieces[j].maxt)
	}
	return j
}

// floorTo floors a time to a multiple of unit.
func floorTo(t, unit int64) int64 {
	if m := t % unit; m < 0 {
		return t - m - unit
	} else {
		return t - m
	}
}

// mergeCluster calls f with the samples of pieces that overlap.
func (r *seriesReader) mergeCluster(pieces []piece, f func(times []int64, bits []uint64, typ model.Type)) error {
	runs := r.cluster[:0]
	for i := range pieces {
		c := pieces[i].chunk
		if c == nil {
			runs = append(runs, pieces[i].run)
			continue
		}
		rn, err := r.decode(r.buf[c.lo:c.hi], c.header, c.order)
		if err != nil {
			return corrupt(fmt.Sprintf("chunk %x", r.buf[c.hi:c.end]), err)
		}
		if rn.lo < rn.hi {
			runs = append(runs, rn)
		}
	}
	r.cluster = runs
	r.eachPiece(r.sorted(runs), func(p run) {
		f(r.col.Times[p.lo:p.hi], r.col.Bits[p.lo:p.hi], p.typ)
	})
	return nil
}

// summarise puts a chunk that overlaps nothing.
func (r *seriesReader) summarise(c *heldChunk, into *model.Series) error {
	rd := &r.chunk
	if err := rd.Open(r.buf[c.lo:c.hi]); err != nil {
		return err
	}
	w := r.set.windows
	unit, linear, err := rd.TimeUnit()
	if err != nil {
		return err
	}
	width, err := rd.WindowWidth()
	if err != nil {
		return err
	}
	if width == 0 || c.header.Mint%w.Floor != 0 || unit%w.Floor != 0 && c.header.Count > 1 ||
		w.Count > 1 && width > w.Step || w.Count == 1 && width > w.Range {
		return r.putRest(c, into)
	}
	if r.windows, err = rd.AppendWindows(r.windows[:0]); err != nil {
		return err
	}
	timeOf := func(i int) (int64, error) {
		if linear {
			return c.header.Mint + int64(i)*unit, nil
		}
		r.times, err = rd.AppendTimes(r.times[:0], i, i+1)
		if err != nil {
			return 0, err
		}
		return r.times[0], nil
	}
	raw, rawEnd := -1, 0 // samples to decode
	maxt := floorTo(r.set.maxt, w.Floor)
	flush := func() error {
		if raw < 0 {
			return nil
		}
		i := raw
		raw = -1
		return r.putRange(c, i, rawEnd, into)
	}
	for i := range r.windows {
		cw := &r.windows[i]
		// All samples lie in (lo, hi].
		lo, hi := max(cw.End-width, c.header.Mint-1), min(cw.End, c.header.Maxt)
		if cw.End-width > cw.End { // below the first time there is
			lo = c.header.Mint - 1
		}
		if hi < r.mint {
			continue
		}
		if lo >= maxt {
			break
		}
		// The first sample that may lie in it is a unit of time above lo.
		split := w.Splits(lo, hi) || floorTo(lo, w.Floor)+w.Floor < r.mint || hi > maxt
		if !split && !w.Cover(hi) {
			continue
		}
		if split || cw.Flags&chunk.Opaque != 0 || w.Want == model.WantEnds && cw.Flags&chunk.WindowReset != 0 {
			if raw >= 0 && rawEnd != cw.First {
				if err := flush(); err != nil {
					return err
				}
			}
			if raw < 0 {
				raw = cw.First
			}
			rawEnd = cw.First + cw.Count
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		p := into.Parts
		v, t := 0.0, hi
		switch w.Want {
		case model.WantSums:
			v = cw.Sum
		case model.WantMinima:
			v = cw.Min
		case model.WantMaxima:
			v = cw.Max
		case model.WantFirsts:
			v = cw.FirstValue
			t, err = timeOf(cw.First)
		case model.WantLasts:
			v = cw.LastValue
			t, err = timeOf(cw.First + cw.Count - 1)
		case model.WantEnds:
			v = cw.LastValue
			var first int64
			if first, err = timeOf(cw.First); err == nil {
				t, err = timeOf(cw.First + cw.Count - 1)
			}
			p.FirstTimes, p.FirstValues = append(p.FirstTimes, first), append(p.FirstValues, cw.FirstValue)
		}
		if err != nil {
			return err
		}
		r.stats.Summaries++
		into.Times, into.Values = append(into.Times, t), append(into.Values, v)
		switch w.Want {
		case model.WantCounts, model.WantSums, model.WantEnds:
			p.Counts = append(p.Counts, int32(cw.Count))
		}
	}
	return flush()
}

// putRest puts the samples of an open chunk that are in range.
func (r *seriesReader) putRest(c *heldChunk, into *model.Series) error {
	i, j := 0, c.header.Count
	var err error
	if c.header.Mint < r.mint {
		if i, err = r.chunk.Search(r.mint - 1); err != nil {
			return err
		}
	}
	if c.header.Maxt > r.set.maxt {
		if j, err = r.chunk.Search(r.set.maxt); err != nil {
			return err
		}
	}
	if i >= j {
		return nil
	}
	return r.putRange(c, i, j, into)
}

// putRange puts samples [i, j) of an open chunk, as far as they are in range.
func (r *seriesReader) putRange(c *heldChunk, i, j int, into *model.Series) (err error) {
	r.stats.Chunks++
	r.stats.Bytes += int64(c.hi - c.lo)
	if g, ok, err := r.regularSpan(c); err != nil {
		return err
	} else if ok {
		return r.putRegular(&g, i, j, into)
	}
	if r.times, err = r.chunk.AppendTimes(r.times[:0], i, j); err != nil {
		return err
	}
	if r.values, err = r.chunk.AppendFloats(r.values[:0], i, j); err != nil {
		return err
	}
	lo, hi := within(r.times, r.mint, r.set.maxt)
	putSpans(into, r.set.windows, r.times[lo:hi], r.values[lo:hi])
	return nil
}
