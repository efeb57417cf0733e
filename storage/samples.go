package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/chunk"
	"tidemark/storage/head"
	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/postings"
)

// Samples implements model.View.
func (v *view) Samples(ctx context.Context, sel model.SampleSelection, visit func(*model.Series) error) error {
	if err := v.enter(); err != nil {
		return err
	}
	defer v.leave()
	sel.Mint = max(sel.Mint, v.minTime)
	if sel.Mint > sel.Maxt {
		return nil
	}
	s := &sampleScan{v: v, ctx: ctx, mint: sel.Mint, maxt: sel.Maxt, context: sel.Context}
	err := s.run(sel.Matchers, visit)
	return v.finish("samples", errors.Join(err, s.close()))
}

// sampleScan is one call of Samples.
type sampleScan struct {
	v          *view
	ctx        context.Context
	mint, maxt int64
	context    int64 // how far before mint histograms are read
	iter       *pebble.Iterator
	groups     *groupReader
	parts      []*partSelection
	heads      []*headSelection

	samples    []head.Sample
	histograms []*model.Histogram // what the samples of that type refer to
	column     chunk.Column
}

// partSelection is the label sets of a partition that satisfy the label
// matchers: as metrics, and as log rows whose fields are metrics.
type partSelection struct {
	diskIndex
	metrics, logs *postings.Set
}

// headSelection is the same for a head.
type headSelection struct {
	*head.Snapshot
	metrics, logs *postings.Set
	order         uint64 // added to the order of its samples
}

// The order of a sample is its position on disk or its address in a head, with
// above it the number of the head and above that whether it is of a metric
// row. Such a sample overrules a log row's field of the same series and time
// whichever came first: a flush keeps the rows of one kind in order of arrival,
// but not those of both.
const (
	headShift   = 61 // a view has at most two heads
	metricOrder = 1 << 63
)

// source is a place that holds samples of a series.
type source struct {
	part   *partSelection
	set    uint32
	metric uint32
	field  string // of log rows; chunks where empty
	isLog  bool
	head   *headSelection
	stream uint32
}

// seriesPlan is a series and its sources, in order of writing.
type seriesPlan struct {
	labels  model.Labels
	sources []source
}

func (s *sampleScan) close() error {
	if s.iter != nil {
		return s.iter.Close()
	}
	return nil
}

func (s *sampleScan) run(ms []*model.Matcher, visit func(*model.Series) error) (err error) {
	nameMs, labelMs := splitName(ms)
	logMs, logsOK := withoutMeasurement(labelMs)
	if s.iter, err = s.v.snap.NewIter(nil); err != nil {
		return err
	}
	s.groups = newGroupReader(s.v, s.iter)
	named, err := s.v.metricNames(s.ctx, nameMs)
	if err != nil {
		return err
	}
	parts, err := s.v.partitions(s.mint, s.maxt)
	if err != nil {
		return err
	}
	for _, p := range parts {
		ps := &partSelection{diskIndex: diskIndex{s.v.snap, p}}
		if len(named) > 0 {
			if ps.metrics, err = postings.Select(s.ctx, ps.diskIndex, labelMs); err != nil {
				return err
			}
			if logsOK {
				if ps.logs, err = postings.Select(s.ctx, ps.diskIndex, logMs); err != nil {
					return err
				}
			}
		}
		s.parts = append(s.parts, ps)
	}
	names := make(map[string]*keys.NameInfo, len(named))
	order := make([]string, 0, len(named))
	for i := range named {
		names[named[i].name] = &named[i].info
		order = append(order, named[i].name)
	}
	for i, h := range s.v.heads {
		if h.Empty() {
			continue
		}
		hs := &headSelection{Snapshot: h, order: uint64(i+1) << headShift}
		if hs.metrics, err = h.Select(s.ctx, labelMs); err != nil {
			return err
		}
		if logsOK {
			if hs.logs, err = h.Select(s.ctx, logMs); err != nil {
				return err
			}
		}
		s.heads = append(s.heads, hs)
		add := func(name string) {
			if _, ok := names[name]; !ok && matchesAll(nameMs, name) {
				names[name] = nil
				order = append(order, name)
			}
		}
		if eq := equalName(nameMs); eq != nil {
			add(*eq)
		} else {
			h.Names(head.Metrics, add)
			h.Names(head.LogMetrics, add)
		}
	}
	slices.Sort(order)
	for _, name := range order {
		if err := s.name(name, names[name], visit); err != nil {
			return err
		}
	}
	return nil
}

// equalName returns the name that an equality matcher asks for.
func equalName(ms []*model.Matcher) *string {
	for _, m := range ms {
		if m.Type == model.MatchEqual {
			return &m.Value
		}
	}
	return nil
}

// name streams the series of one metric name.
func (s *sampleScan) name(name string, info *keys.NameInfo, visit func(*model.Series) error) error {
	plans := make(map[string]int)
	var list []*seriesPlan
	n := 0
	add := func(ls model.Labels, key string, src source) error {
		if n++; n%1024 == 0 && s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		if src.isLog && ls.Has(model.MeasurementLabel) {
			ls = ls.Without(model.MeasurementLabel)
			key = ls.Key()
		}
		i, ok := plans[key]
		if !ok {
			i = len(list)
			plans[key] = i
			list = append(list, &seriesPlan{labels: ls})
		}
		list[i].sources = append(list[i].sources, src)
		return nil
	}
	if info != nil {
		for _, ps := range s.parts {
			if err := s.planPart(ps, info.ID, add); err != nil {
				return err
			}
		}
	}
	for _, hs := range s.heads {
		for _, log := range []bool{false, true} {
			class, sel := head.Metrics, hs.metrics
			if log {
				class, sel = head.LogMetrics, hs.logs
			}
			if sel.Empty() {
				continue
			}
			for _, st := range postings.And(sel, hs.NameSets(name, class)).IDs() {
				if !hs.HasRange(st, class, name, s.mint, s.maxt) {
					continue
				}
				ls := hs.Labels(st)
				if err := add(ls, ls.Key(), source{head: hs, stream: st, isLog: log}); err != nil {
					return err
				}
			}
		}
	}
	for _, p := range list {
		out, err := s.series(name, p)
		if err != nil {
			return err
		}
		if out == nil {
			continue
		}
		if err := visit(out); err != nil {
			return err
		}
	}
	return nil
}

// planPart adds the sources of a metric in a partition.
func (s *sampleScan) planPart(ps *partSelection, metric uint32, add func(model.Labels, string, source) error) error {
	each := func(set *postings.Set, src source) error {
		for _, id := range set.IDs() {
			ls, err := s.v.labelsOf(ps.p, id)
			if err != nil {
				return err
			}
			src.set = id
			if err := add(ls.labels, ls.key, src); err != nil {
				return err
			}
		}
		return nil
	}
	if !ps.metrics.Empty() {
		have, err := ps.set(ps.p.MetricSets(metric))
		if err != nil {
			return err
		}
		if err := each(postings.And(ps.metrics, have), source{part: ps, metric: metric}); err != nil {
			return err
		}
	}
	if ps.logs.Empty() {
		return nil
	}
	lo, hi := ps.p.LogFields(metric)
	return ps.scan(lo, hi, func(it *pebble.Iterator) error {
		_, field, err := ps.p.ReadLogField(it.Key())
		if err != nil {
			return corrupt("log field", err)
		}
		have, err := setAt(it, "log field")
		if err != nil {
			return err
		}
		return each(postings.And(ps.logs, have), source{part: ps, metric: metric, field: field, isLog: true})
	})
}

// series reads and merges the samples of one series; nil where there are none.
func (s *sampleScan) series(name string, p *seriesPlan) (*model.Series, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.read(name, p); err != nil {
		return nil, err
	}
	if len(s.histograms) > 0 {
		if err := s.withContext(name, p); err != nil {
			return nil, err
		}
	} else {
		s.samples = head.LastWritten(s.samples)
	}
	if len(s.samples) == 0 {
		return nil, nil
	}
	out := &model.Series{Name: name, Labels: p.labels,
		Times: make([]int64, len(s.samples)), Values: make([]float64, len(s.samples))}
	floats := true
	for i := range s.samples {
		sm := &s.samples[i]
		out.Times[i] = sm.Time
		out.Values[i] = model.BitsToFloat(sm.Type, sm.Bits)
		floats = floats && sm.Type == model.TypeFloat
		if sm.Type == model.TypeHistogram {
			if out.Histograms == nil {
				out.Histograms = make([]*model.Histogram, len(s.samples))
			}
			out.Histograms[i] = s.histograms[sm.Bits]
		}
		if sm.Start != chunk.NoStart {
			if out.Starts == nil {
				out.Starts = make([]int64, len(s.samples))
			}
			out.Starts[i] = sm.Start
		}
	}
	if !floats {
		out.Types, out.Exact = make([]model.Type, len(s.samples)), make([]uint64, len(s.samples))
		for i := range s.samples {
			out.Types[i] = s.samples[i].Type
			if s.samples[i].Type != model.TypeHistogram {
				out.Exact[i] = s.samples[i].Bits
			}
		}
	}
	return out, nil
}

// read gathers the samples of one series from its sources.
func (s *sampleScan) read(name string, p *seriesPlan) error {
	s.samples = s.samples[:0]
	s.histograms = s.histograms[:0]
	for i := range p.sources {
		src := &p.sources[i]
		var err error
		switch {
		case src.head != nil:
			err = s.fromHead(src, name)
		case src.isLog:
			err = s.fromLog(src)
		default:
			err = s.fromChunks(src)
		}
		if err != nil {
			return fmt.Errorf("series %s%s: %w", name, p.labels, err)
		}
	}
	return nil
}

func (s *sampleScan) fromHead(src *source, name string) (err error) {
	class, order := head.Metrics, src.head.order|metricOrder
	if src.isLog {
		class, order = head.LogMetrics, src.head.order
	}
	n := len(s.samples)
	s.samples, err = src.head.Samples(s.ctx, src.stream, class, name, s.mint, s.maxt, s.samples)
	for i := n; i < len(s.samples); i++ {
		sm := &s.samples[i]
		sm.Order += order
		if sm.Type == model.TypeHistogram && err == nil {
			var h *model.Histogram
			h, err = src.head.Histogram(sm.Bits)
			sm.Bits = s.hold(h)
		}
	}
	return err
}

// hold keeps a histogram and returns what refers to it.
func (s *sampleScan) hold(h *model.Histogram) uint64 {
	s.histograms = append(s.histograms, h)
	return uint64(len(s.histograms) - 1)
}

// fromChunks appends the samples of a label set's chunks.
func (s *sampleScan) fromChunks(src *source) error {
	return s.v.chunks(s.ctx, s.iter, src.part.p, src.metric, src.set, s.mint, s.maxt, &s.column, func(c *chunk.Column, pos uint64) {
		if c.Type == model.TypeText {
			return
		}
		for i, t := range c.Times {
			if t < s.mint || t > s.maxt {
				continue
			}
			sm := head.Sample{Time: t, Order: pos | metricOrder, Type: c.Type}
			if c.Type == model.TypeHistogram {
				sm.Bits = s.hold(c.Histograms[i])
			} else {
				sm.Bits = c.Bits[i]
			}
			if len(c.Starts) > 0 {
				sm.Start = c.Starts[i]
			}
			s.samples = append(s.samples, sm)
		}
	})
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

// fromLog appends the values of a field of a label set's log rows.
func (s *sampleScan) fromLog(src *source) error {
	pieces, err := s.groups.find(s.ctx, src.part.p, src.set, s.mint, s.maxt)
	if err != nil {
		return err
	}
	for _, pc := range pieces {
		g, err := s.groups.open(pc.key)
		if err != nil {
			return err
		}
		if !g.Has(src.field, pc.run.First, pc.run.Count) {
			continue
		}
		times, err := g.Times(pc.run.First, pc.run.Count, nil)
		if err != nil {
			return corrupt("row group", err)
		}
		vals, err := g.Column(src.field, pc.run.First, pc.run.Count, nil)
		if err != nil {
			return corrupt("row group", err)
		}
		for i, t := range times {
			if t >= s.mint && t <= s.maxt && vals[i].Type.Numeric() {
				s.samples = append(s.samples, head.Sample{Time: t, Bits: vals[i].Bits, Order: pc.pos, Type: vals[i].Type})
			}
		}
	}
	return nil
}
