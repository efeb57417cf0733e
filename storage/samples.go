package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/chunk"
	"tidemark/storage/head"
	"tidemark/storage/keys"
	"tidemark/storage/model"
)

// Samples implements model.View.
func (v *view) Samples(ctx context.Context, sel model.SampleSelection, visit func(*model.Series) error) error {
	if err := v.enter(); err != nil {
		return err
	}
	defer v.leave()
	return v.finish("samples", v.samples(ctx, sel, visit))
}

func (v *view) samples(ctx context.Context, sel model.SampleSelection, visit func(*model.Series) error) (err error) {
	set, err := v.selectSeries(ctx, sel)
	if err != nil {
		return err
	}
	r := newSeriesReader(set, true)
	defer func() { err = errors.Join(err, r.Close()) }()
	for i := range set.list {
		out := &model.Series{}
		ok, err := r.read(ctx, i, out)
		if err != nil {
			return err
		}
		if ok {
			if err := visit(out); err != nil {
				return err
			}
		}
	}
	return nil
}

// Reader implements model.SeriesSet.
func (s *seriesSet) Reader() (model.SeriesReader, error) { return newSeriesReader(s, false), nil }

// seriesReaders are readers at rest: their decoders hold some 40 KiB of tables.
var seriesReaders = sync.Pool{New: func() any { return new(seriesReader) }}

// maxReaderSamples bounds the memory of readers at rest.
const maxReaderSamples = 1 << 16

func newSeriesReader(set *seriesSet, exact bool) *seriesReader {
	r := seriesReaders.Get().(*seriesReader)
	r.set, r.exact, r.stats = set, exact, model.ReadStats{}
	return r
}

// seriesReader reads the series of a set.
//
// What a series has in its places comes as runs: the part of a chunk, or of a
// head, that is in range, ascending in time, of one type. Runs that do not overlap, which
// is nearly all of them, are put one behind the other; those that do are
// merged, and of equal times the run that was written last counts.
type seriesReader struct {
	set   *seriesSet
	exact bool // wants types and bits
	mint  int64
	// labels are those of the series at hand, deleted what hides samples of
	// its chunks.
	labels  model.Labels
	deleted deletions

	iter   *pebble.Iterator
	groups *groupReader
	stats  model.ReadStats
	key    []byte
	col    chunk.Column // times and bits of all runs; its type means nothing
	whole  chunk.Column // of a chunk that has more than those
	// histograms are what the bits of such samples count; starts are start
	// times of the samples in the column as far as it reaches.
	histograms []*model.Histogram
	starts     []int64
	runs       []run
	samples    []head.Sample
	merge      runHeap

	// Of selections with windows; see putParts.
	buf     []byte
	held    []heldChunk
	pieces  []piece
	cluster []run
	chunk   chunk.Reader
	windows []chunk.Window
	times   []int64
	values  []float64
	ints    []int64
}

// run is samples [lo, hi) of the reader's column.
type run struct {
	lo, hi int
	typ    model.Type
	// order is greater for a run that was written later: see the orders below.
	order uint64
}

// The order of a run: log rows first, because a metric row overrules a
// log row's field of the same series and time whichever came first (a flush
// keeps the rows of one kind in order of arrival, but not those of both).
// Then chunks by their position, then heads by number.
const (
	orderLogs  = 0
	headShift  = 61 // a view has at most two heads
	orderFirst = 1  // of the first position
)

func (r *seriesReader) Stats() model.ReadStats { return r.stats }

// Close ends the use of the reader.
func (r *seriesReader) Close() error {
	if r.set == nil {
		return nil // closed before
	}
	err := r.closeIter()
	r.set, r.groups = nil, nil
	clear(r.histograms[:cap(r.histograms)])
	if cap(r.col.Times) <= maxReaderSamples && cap(r.samples) <= maxReaderSamples && cap(r.buf) <= 16*maxReaderSamples {
		seriesReaders.Put(r)
	}
	return err
}

func (r *seriesReader) closeIter() error {
	if r.iter == nil {
		return nil
	}
	it := r.iter
	r.iter = nil
	return it.Close()
}

// Read implements model.SeriesReader.
func (r *seriesReader) Read(ctx context.Context, i int, into *model.Series) (bool, error) {
	ok, err := r.read(ctx, i, into)
	return ok, r.set.v.finish("samples", err)
}

func (r *seriesReader) read(ctx context.Context, i int, into *model.Series) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	e := &r.set.list[i]
	into.Name, into.Labels = r.set.names[e.name], e.labels
	if err := r.readInto(ctx, e, into); err != nil {
		return false, fmt.Errorf("series %s%s: %w", into.Name, into.Labels, err)
	}
	return len(into.Times) > 0, nil
}

func (r *seriesReader) readInto(ctx context.Context, e *seriesEntry, into *model.Series) error {
	r.mint, r.labels = r.set.mint, e.labels
	sources := r.set.sources[e.first:e.end]
	if err := r.gather(ctx, sources, into.Name); err != nil {
		return err
	}
	switch {
	case len(r.histograms) > 0:
		return r.withContext(ctx, sources, into)
	case r.set.windows == nil || r.exact:
	case len(r.starts) > 0: // no parts have those
		if err := r.decodeHeld(); err != nil {
			return err
		}
	case r.set.windows.Want == model.WantLatest:
		return r.putLatest(into)
	default:
		return r.putParts(into)
	}
	r.put(into)
	return nil
}

// gather reads the runs of a series.
func (r *seriesReader) gather(ctx context.Context, sources []source, name string) error {
	r.col.Reset()
	clear(r.histograms)
	r.histograms, r.starts = r.histograms[:0], r.starts[:0]
	r.runs, r.samples, r.buf, r.held = r.runs[:0], r.samples[:0], r.buf[:0], r.held[:0]
	r.deleted = metricDeletions(r.set.v.tombstones, name, r.labels)
	for i := range sources {
		src := &sources[i]
		var err error
		switch {
		case src.place < 0 && src.field == fieldNone:
			err = r.fromHead(ctx, int(^src.place), src, name)
		case src.place < 0:
			err = r.fromHeadLogs(ctx, int(^src.place), src, name)
		case src.field == fieldNone:
			err = r.fromChunks(ctx, r.set.parts[src.place].p, src)
		default:
			err = r.fromLog(ctx, r.set.parts[src.place].p, src)
		}
		if err != nil {
			return err
		}
	}
	if len(r.samples) > 0 {
		return r.addSamples(head.LastWritten(r.samples), orderLogs, nil)
	}
	return nil
}

func (r *seriesReader) open() (err error) {
	if r.iter == nil {
		r.iter, err = r.set.v.snap.NewIter(nil)
	}
	return err
}

// addSamples makes runs of samples of ascending times; from is the head that
// has their histograms.
func (r *seriesReader) addSamples(ss []head.Sample, order uint64, from *head.Snapshot) error {
	for i := range ss {
		s := &ss[i]
		if i == 0 || s.Type != ss[i-1].Type {
			n := len(r.col.Times)
			r.runs = append(r.runs, run{lo: n, hi: n, typ: s.Type, order: order})
		}
		bits := s.Bits
		if s.Type == model.TypeHistogram {
			h, err := from.Histogram(s.Bits)
			if err != nil {
				return err
			}
			bits = r.keepHistogram(h)
		}
		r.col.Times, r.col.Bits = append(r.col.Times, s.Time), append(r.col.Bits, bits)
		r.keepStart(s.Start)
		r.runs[len(r.runs)-1].hi++
	}
	return nil
}

func (r *seriesReader) keepHistogram(h *model.Histogram) (bits uint64) {
	r.histograms = append(r.histograms, h)
	return uint64(len(r.histograms) - 1)
}

// keepStart notes the start time of the last sample of the column.
func (r *seriesReader) keepStart(start int64) {
	if start == chunk.NoStart {
		return
	}
	n := len(r.col.Times)
	r.starts = append(r.starts, make([]int64, n-len(r.starts))...)
	r.starts[n-1] = start
}

func (r *seriesReader) fromHead(ctx context.Context, h int, src *source, name string) error {
	n := len(r.samples) // those of logs are in front
	all, err := r.set.heads[h].Samples(ctx, src.id, head.Metrics, name, r.mint, r.set.maxt, r.samples)
	if err != nil {
		return err
	}
	r.samples = all[:n]
	if ts := r.set.v.headTombstones[r.set.heads[h].Snapshot]; len(ts) > 0 {
		all = all[:n+len(headMetricDeletions(ts, name, r.labels).keepSamples(all[n:]))]
	}
	return r.addSamples(all[n:], uint64(h+1)<<headShift, r.set.heads[h].Snapshot)
}

func (r *seriesReader) fromHeadLogs(ctx context.Context, h int, src *source, name string) (err error) {
	n := len(r.samples)
	r.samples, err = r.set.heads[h].Samples(ctx, src.id, head.LogMetrics, name, r.mint, r.set.maxt, r.samples)
	if ts := r.set.v.headTombstones[r.set.heads[h].Snapshot]; len(ts) > 0 {
		ds := headLogDeletions(ts, r.set.heads[h].Labels(src.id))
		r.samples = r.samples[:n+len(ds.keepSamples(r.samples[n:]))]
	}
	for i := n; i < len(r.samples); i++ {
		r.samples[i].Order += uint64(h+1) << headShift
	}
	return err
}

// fromChunks reads the chunks of a label set.
func (r *seriesReader) fromChunks(ctx context.Context, p keys.Partition, src *source) error {
	if err := r.open(); err != nil {
		return err
	}
	r.key = p.AppendChunks(r.key[:0], src.metric, src.id)
	it := r.iter
	// The series before has left the iterator at its end, which mostly is here.
	ok := it.Valid()
	if !ok || !bytes.HasPrefix(it.Key(), r.key) {
		ok = it.SeekGE(r.key)
	}
	for ; ok && bytes.HasPrefix(it.Key(), r.key); ok = it.Next() {
		if err := r.fromChunk(p); err != nil {
			return r.stopped(err)
		}
	}
	return it.Error()
}

// stopped makes sure that a later read does not go on in the middle.
func (r *seriesReader) stopped(err error) error {
	return errors.Join(err, r.closeIter())
}

// fromChunk reads the chunk at the iterator.
func (r *seriesReader) fromChunk(p keys.Partition) error {
	k, err := p.ReadChunk(r.iter.Key())
	if err != nil {
		return corrupt("chunk", err)
	}
	if k.Position > r.set.v.applied {
		return nil
	}
	if k.Start > r.set.maxt || k.Type == model.TypeText {
		r.stats.Skipped++
		return nil
	}
	val, err := r.iter.ValueAndErr()
	if err != nil {
		return err
	}
	h, err := chunk.ReadHeader(val)
	if err != nil {
		return corrupt(fmt.Sprintf("chunk %x", r.iter.Key()), err)
	}
	if h.Maxt < r.mint {
		r.stats.Skipped++
		return nil
	}
	touched := r.deleted.touch(h.Mint, h.Maxt, k.Position)
	if r.set.windows != nil && !r.exact && !touched && h.Type != model.TypeHistogram && h.Flags&chunk.HasStarts == 0 {
		r.hold(val, h, orderFirst+k.Position)
		return nil
	}
	rn, err := r.decode(val, h, orderFirst+k.Position)
	if err != nil {
		return corrupt(fmt.Sprintf("chunk %x", r.iter.Key()), err)
	}
	if touched {
		r.addVisible(rn, k.Position)
	} else if rn.lo < rn.hi {
		r.runs = append(r.runs, rn)
	}
	return nil
}

// addVisible adds what is left of a run after deletions.
func (r *seriesReader) addVisible(rn run, position uint64) {
	lo := rn.lo
	for i := rn.lo; i < rn.hi; i++ {
		if !r.deleted.hide(r.col.Times[i], position) {
			continue
		}
		if lo < i {
			r.runs = append(r.runs, run{lo, i, rn.typ, rn.order})
		}
		lo = i + 1
	}
	if lo < rn.hi {
		r.runs = append(r.runs, run{lo, rn.hi, rn.typ, rn.order})
	}
}

// decode appends the samples of a chunk that are in range to the column. A
// chunk that lies in the range whole is decoded in place, of another only
// what is needed.
func (r *seriesReader) decode(val []byte, h chunk.Header, order uint64) (run, error) {
	r.stats.Chunks++
	r.stats.Bytes += int64(len(val))
	if h.Type == model.TypeHistogram || h.Flags&chunk.HasStarts != 0 {
		return r.decodeWhole(val, h, order)
	}
	n := len(r.col.Times)
	if h.Mint >= r.mint && h.Maxt <= r.set.maxt {
		r.col.Type = h.Type // runs have types of their own
		err := chunk.Decode(val, &r.col)
		return run{n, len(r.col.Times), h.Type, order}, err
	}
	rd := &r.chunk
	if err := rd.Open(val); err != nil {
		return run{}, err
	}
	i, err := rd.Search(max(r.mint, minInt64+1) - 1)
	if err != nil {
		return run{}, err
	}
	j, err := rd.Search(r.set.maxt)
	if err != nil || i >= j {
		return run{}, err
	}
	if r.col.Times, err = rd.AppendTimes(r.col.Times, i, j); err == nil {
		r.col.Bits, err = rd.AppendBits(r.col.Bits, i, j)
	}
	return run{n, n + j - i, h.Type, order}, err
}

// decodeWhole is decode for a chunk that has more than times and bits.
func (r *seriesReader) decodeWhole(val []byte, h chunk.Header, order uint64) (run, error) {
	c := &r.whole
	c.Reset()
	if err := chunk.Decode(val, c); err != nil {
		return run{}, err
	}
	lo, hi := within(c.Times, r.mint, r.set.maxt)
	n := len(r.col.Times)
	for i := lo; i < hi; i++ {
		bits := uint64(0)
		if h.Type == model.TypeHistogram {
			bits = r.keepHistogram(c.Histograms[i])
		} else {
			bits = c.Bits[i]
		}
		r.col.Times, r.col.Bits = append(r.col.Times, c.Times[i]), append(r.col.Bits, bits)
		if len(c.Starts) > 0 {
			r.keepStart(c.Starts[i])
		}
	}
	return run{n, n + hi - lo, h.Type, order}, nil
}

// within returns which of ascending times lie in a range, inclusive.
func within(times []int64, mint, maxt int64) (lo, hi int) {
	hi = len(times)
	if hi == 0 {
		return 0, 0
	}
	if times[0] < mint {
		lo = sort.Search(hi, func(i int) bool { return times[i] >= mint })
	}
	if times[hi-1] > maxt {
		hi = lo + sort.Search(hi-lo, func(i int) bool { return times[lo+i] > maxt })
	}
	return lo, hi
}

// put writes the runs into a series, merged.
func (r *seriesReader) put(into *model.Series) {
	n := 0
	for i := range r.runs {
		n += r.runs[i].hi - r.runs[i].lo
	}
	into.Times, into.Values = slices.Grow(into.Times[:0], n), slices.Grow(into.Values[:0], n)
	into.Types, into.Exact, into.Histograms, into.Starts, into.Parts = nil, nil, nil, nil, nil
	r.runs = r.sorted(r.runs)
	if r.exact {
		r.putTypes(into)
	}
	if len(r.histograms) > 0 || len(r.starts) > 0 {
		r.putMore(into)
	}
	times := r.col.Times
	r.eachPiece(r.runs, func(p run) {
		into.Times = append(into.Times, times[p.lo:p.hi]...)
		into.Values = appendFloats(into.Values, r.col.Bits[p.lo:p.hi], p.typ)
	})
}

// sorted sorts runs by their start, in place.
func (r *seriesReader) sorted(runs []run) []run {
	times := r.col.Times
	byStart := func(a, b run) int {
		switch {
		case times[a.lo] != times[b.lo]:
			if times[a.lo] < times[b.lo] {
				return -1
			}
			return 1
		case a.order < b.order:
			return -1
		case a.order > b.order:
			return 1
		}
		return 0
	}
	if !slices.IsSortedFunc(runs, byStart) {
		slices.SortStableFunc(runs, byStart)
	}
	return runs
}

// putMore fills in histograms and start times.
func (r *seriesReader) putMore(into *model.Series) {
	n, starts := 0, false
	r.eachPiece(r.runs, func(p run) {
		if p.typ == model.TypeHistogram {
			if into.Histograms == nil {
				into.Histograms = make([]*model.Histogram, cap(into.Times))
			}
			for i := p.lo; i < p.hi; i++ {
				into.Histograms[n+i-p.lo] = r.histograms[r.col.Bits[i]]
			}
		}
		for i := p.lo; i < min(p.hi, len(r.starts)); i++ {
			if r.starts[i] == chunk.NoStart {
				continue
			}
			if !starts {
				starts, into.Starts = true, make([]int64, cap(into.Times))
			}
			into.Starts[n+i-p.lo] = r.starts[i]
		}
		n += p.hi - p.lo
	})
	if into.Histograms != nil {
		into.Histograms = into.Histograms[:n]
	}
	if starts {
		into.Starts = into.Starts[:n]
	}
}

// putTypes fills in types and bits, where not all samples are floats.
func (r *seriesReader) putTypes(into *model.Series) {
	floats := true
	r.eachPiece(r.runs, func(p run) { floats = floats && p.typ == model.TypeFloat })
	if floats {
		return
	}
	r.eachPiece(r.runs, func(p run) {
		for i := p.lo; i < p.hi; i++ {
			bits := r.col.Bits[i]
			if p.typ == model.TypeHistogram {
				bits = 0
			}
			into.Types, into.Exact = append(into.Types, p.typ), append(into.Exact, bits)
		}
	})
}

// appendFloats appends numbers of a type as floats.
func appendFloats(dst []float64, bits []uint64, typ model.Type) []float64 {
	n := len(dst)
	dst = slices.Grow(dst, len(bits))[:n+len(bits)]
	out := dst[n:]
	switch typ {
	case model.TypeFloat:
		for i, b := range bits {
			out[i] = math.Float64frombits(b)
		}
	case model.TypeInt:
		for i, b := range bits {
			out[i] = float64(int64(b))
		}
	default:
		for i, b := range bits {
			out[i] = model.BitsToFloat(typ, b)
		}
	}
	return dst
}

// fromLog appends the values of a field of a label set's log rows.
func (r *seriesReader) fromLog(ctx context.Context, p keys.Partition, src *source) error {
	if err := r.open(); err != nil {
		return err
	}
	if r.groups == nil {
		r.groups = newGroupReader(r.set.v)
	}
	field := r.set.fields[src.field]
	pieces, err := r.groups.find(ctx, p, src.id, r.mint, r.set.maxt)
	if err != nil {
		return err
	}
	var ds deletions
	if len(pieces) > 0 && len(r.set.v.tombstones) > 0 {
		ls, err := r.set.v.labelsOf(p, src.id)
		if err != nil {
			return err
		}
		ds = logDeletions(r.set.v.tombstones, ls.labels)
	}
	for _, pc := range pieces {
		g, err := r.groups.open(pc.ref)
		if err != nil {
			return err
		}
		if !g.Has(field, pc.run.First, pc.run.Count) {
			continue
		}
		times, err := g.Times(pc.run.First, pc.run.Count, nil)
		if err != nil {
			return corrupt("row group", err)
		}
		vals, err := g.Column(field, pc.run.First, pc.run.Count, nil)
		if err != nil {
			return corrupt("row group", err)
		}
		for i, t := range times {
			if t >= r.mint && t <= r.set.maxt && vals[i].Type.Numeric() && !ds.hide(t, pc.ref.Position) {
				r.samples = append(r.samples, head.Sample{Time: t, Bits: vals[i].Bits, Order: pc.ref.Position, Type: vals[i].Type})
			}
		}
	}
	return nil
}

// chunks decodes the chunks of a metric of a label set that overlap a range
// and count in this view, in order of (type, start, position).
func (v *view) chunks(ctx context.Context, it *pebble.Iterator, p keys.Partition, metric, set uint32, mint, maxt int64, col *chunk.Column, f func(*chunk.Column, uint64)) error {
	lo, hi := p.Chunks(metric, set)
	for ok := it.SeekGE(lo); ok && string(it.Key()) < string(hi); ok = it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		k, err := p.ReadChunk(it.Key())
		if err != nil {
			return corrupt("chunk", err)
		}
		if k.Position > v.applied || k.Start > maxt {
			continue
		}
		val, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		h, err := chunk.ReadHeader(val)
		if err != nil {
			return corrupt(fmt.Sprintf("chunk %x", it.Key()), err)
		}
		if h.Maxt < mint {
			continue
		}
		col.Reset()
		if err := chunk.Decode(val, col); err != nil {
			return corrupt(fmt.Sprintf("chunk %x", it.Key()), err)
		}
		f(col, k.Position)
	}
	return it.Error()
}
