package storage

import (
	"context"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/head"
	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/postings"
)

var _ model.SeriesView = (*view)(nil)

// Series implements model.SeriesView.
func (v *view) Series(ctx context.Context, sel model.SampleSelection) (model.SeriesSet, error) {
	if err := v.enter(); err != nil {
		return nil, err
	}
	set, err := v.selectSeries(ctx, sel)
	if err != nil {
		v.leave()
		return nil, v.finish("series", err)
	}
	return set, nil
}

// seriesSet implements model.SeriesSet. While it is open the view is entered.
type seriesSet struct {
	v          *view
	mint, maxt int64
	context    int64 // how far before mint histograms are looked at
	windows    *model.Windows
	parts      []*partSelection
	heads      []*headSelection
	names      []string
	fields     []string // of log rows that are read as metrics
	list       []seriesEntry
	sources    []source
}

// seriesEntry is a series; its sources are sources[first:end].
type seriesEntry struct {
	labels     model.Labels
	name       uint32
	first, end uint32
}

// source is a place that holds samples of a series.
type source struct {
	place  int32  // a partition, or ^i for head i
	id     uint32 // of the label set there
	metric uint32
	field  int32 // of log rows; fieldNone for metric rows
}

const fieldNone = -1

// partSelection is the label sets of a partition that satisfy the label
// matchers: as metrics, and as log rows whose fields are metrics.
type partSelection struct {
	diskIndex
	metrics, logs *postings.Set
	all           bool // every label set with chunks is one of metrics
	numbers       numbering
}

// headSelection is the same for a head.
type headSelection struct {
	*head.Snapshot
	metrics, logs *postings.Set
	numbers       numbering
}

func (s *seriesSet) Len() int { return len(s.list) }

func (s *seriesSet) At(i int) (string, model.Labels) {
	e := &s.list[i]
	return s.names[e.name], e.labels
}

func (s *seriesSet) Close() error {
	s.v.leave()
	return nil
}

// selectSeries finds the series of a selection and where their samples are.
func (v *view) selectSeries(ctx context.Context, sel model.SampleSelection) (*seriesSet, error) {
	s := &seriesSet{v: v, mint: max(sel.Mint, v.minTime), maxt: sel.Maxt, context: sel.Context, windows: sel.Windows}
	if s.mint > s.maxt {
		return s, nil
	}
	names, _ := splitName(sel.Matchers)
	v.noteLosses(s.mint, s.maxt, true, true, names)
	b := &setBuilder{seriesSet: s, ctx: ctx}
	return s, b.run(sel.Matchers)
}

// setBuilder fills a seriesSet.
type setBuilder struct {
	*seriesSet
	ctx context.Context
	// byKey numbers the label sets met, by their canonical key, where series
	// of several places may have to be joined; labels has them by number.
	byKey   map[string]uint32
	labels  []model.Labels
	pending []pendingSource
	looked  int
}

// pendingSource is a source of the metric at hand.
type pendingSource struct {
	number uint32
	source
}

// numbering remembers the numbers of a place's label sets.
type numbering struct{ dense []uint32 }

func (n *numbering) get(id uint32) (uint32, bool) {
	if int(id) < len(n.dense) && n.dense[id] != 0 {
		return n.dense[id] - 1, true
	}
	return 0, false
}

// maxDense bounds the ids that are remembered: 16 MiB.
const maxDense = 1 << 22

func (n *numbering) set(id, number uint32) {
	if id >= maxDense {
		return
	}
	if int(id) >= len(n.dense) {
		n.dense = slices.Grow(n.dense, int(id)+1-len(n.dense))[:id+1]
	}
	n.dense[id] = number + 1
}

func (b *setBuilder) run(ms []*model.Matcher) error {
	nameMs, labelMs := splitName(ms)
	logMs, logsOK := withoutMeasurement(labelMs)
	named, err := b.v.metricNames(b.ctx, nameMs)
	if err != nil {
		return err
	}
	if len(named) > 0 {
		if err := b.selectParts(labelMs, logMs, logsOK); err != nil {
			return err
		}
	}
	names := make(map[string]*keys.NameInfo, len(named))
	order := make([]string, 0, len(named))
	for i := range named {
		names[named[i].name] = &named[i].info
		order = append(order, named[i].name)
	}
	for _, h := range b.v.heads {
		if h.Empty() {
			continue
		}
		hs := &headSelection{Snapshot: h}
		if hs.metrics, err = h.Select(b.ctx, labelMs); err != nil {
			return err
		}
		if logsOK {
			if hs.logs, err = h.Select(b.ctx, logMs); err != nil {
				return err
			}
		}
		b.heads = append(b.heads, hs)
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
		if err := b.name(name, names[name]); err != nil {
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

// selectParts runs the label matchers in the partitions in range.
func (b *setBuilder) selectParts(labelMs, logMs []*model.Matcher, logsOK bool) error {
	parts, err := b.v.partitions(b.mint, b.maxt)
	if err != nil {
		return err
	}
	for _, p := range parts {
		ps := &partSelection{diskIndex: diskIndex{b.v.snap, p}}
		if ps.all = len(labelMs) == 0; !ps.all {
			if ps.metrics, err = postings.Select(b.ctx, ps.diskIndex, labelMs); err != nil {
				return err
			}
		}
		if logsOK {
			if ps.logs, err = ps.within(b.ctx, keys.ClassLogMetrics, logMs); err != nil {
				return err
			}
		}
		b.parts = append(b.parts, ps)
	}
	return nil
}

// within returns the label sets with data of a class that satisfy the matchers.
func (x diskIndex) within(ctx context.Context, class keys.Class, ms []*model.Matcher) (*postings.Set, error) {
	have, err := x.classes(class)
	if err != nil || have.Empty() || len(ms) == 0 {
		return have, err
	}
	sel, err := postings.Select(ctx, x, ms)
	if err != nil {
		return nil, err
	}
	return postings.And(sel, have), nil
}

// name adds the series of one metric name.
func (b *setBuilder) name(name string, info *keys.NameInfo) error {
	nameRef := uint32(len(b.names))
	b.names = append(b.names, name)
	b.pending = b.pending[:0]
	if info != nil {
		for i, ps := range b.parts {
			if err := b.fromPart(int32(i), ps, info.ID); err != nil {
				return err
			}
		}
	}
	for i, hs := range b.heads {
		if err := b.fromHead(^int32(i), hs, name); err != nil {
			return err
		}
	}
	// A series's sources side by side, in the order of places.
	slices.SortStableFunc(b.pending, func(x, y pendingSource) int { return int(x.number) - int(y.number) })
	for i := range b.pending {
		p := &b.pending[i]
		at := uint32(len(b.sources))
		b.sources = append(b.sources, p.source)
		if i > 0 && b.pending[i-1].number == p.number {
			b.list[len(b.list)-1].end++
			continue
		}
		b.list = append(b.list, seriesEntry{labels: b.labels[p.number], name: nameRef, first: at, end: at + 1})
	}
	return nil
}

// add adds a source of the metric at hand. load returns the label set and its
// canonical key, if that is known.
func (b *setBuilder) add(n *numbering, src source, load func(id uint32) (model.Labels, string, error)) error {
	if b.looked++; b.looked%1024 == 0 && b.ctx.Err() != nil {
		return b.ctx.Err()
	}
	number, ok := n.get(src.id)
	if !ok {
		ls, key, err := load(src.id)
		if err != nil {
			return err
		}
		if src.field != fieldNone && ls.Has(model.MeasurementLabel) {
			ls = ls.Without(model.MeasurementLabel)
			key = ls.Key()
		}
		if number, ok = b.byKey[key]; !ok {
			number = uint32(len(b.labels))
			b.labels = append(b.labels, ls)
			if b.byKey == nil {
				b.byKey = make(map[string]uint32)
			}
			b.byKey[key] = number
		}
		if src.field == fieldNone { // the labels differ for log rows
			n.set(src.id, number)
		}
	}
	b.pending = append(b.pending, pendingSource{number, src})
	return nil
}

// fromPart adds the sources of a metric in a partition.
func (b *setBuilder) fromPart(place int32, ps *partSelection, metric uint32) error {
	load := func(id uint32) (model.Labels, string, error) {
		ls, err := b.v.labelsOf(ps.p, id)
		if err != nil {
			return nil, "", err
		}
		return ls.labels, ls.key, nil
	}
	each := func(set *postings.Set, src source) (err error) {
		n := &ps.numbers
		if src.field != fieldNone {
			n = &numbering{}
		}
		set.Each(func(id uint32) bool {
			src.id = id
			err = b.add(n, src, load)
			return err == nil
		})
		return err
	}
	if ps.all || !ps.metrics.Empty() {
		have, err := ps.set(ps.p.MetricSets(metric))
		if err != nil {
			return err
		}
		if !ps.all {
			have = postings.And(ps.metrics, have)
		}
		if err := each(have, source{place: place, metric: metric, field: fieldNone}); err != nil {
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
		b.fields = append(b.fields, field)
		return each(postings.And(ps.logs, have), source{place: place, metric: metric, field: int32(len(b.fields) - 1)})
	})
}

// fromHead adds the sources of a metric in a head.
func (b *setBuilder) fromHead(place int32, hs *headSelection, name string) error {
	load := func(id uint32) (model.Labels, string, error) {
		ls := hs.Labels(id)
		return ls, ls.Key(), nil
	}
	for _, log := range []bool{false, true} {
		class, sel, field, n := head.Metrics, hs.metrics, int32(fieldNone), &hs.numbers
		if log {
			class, sel, field, n = head.LogMetrics, hs.logs, 0, &numbering{}
		}
		if sel.Empty() {
			continue
		}
		var err error
		postings.And(sel, hs.NameSets(name, class)).Each(func(id uint32) bool {
			if hs.HasRange(id, class, name, b.mint, b.maxt) {
				err = b.add(n, source{place: place, id: id, field: field}, load)
			}
			return err == nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
