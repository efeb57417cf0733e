package storage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"

	"tidemark/storage/head"
	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/postings"
)

// Rows implements model.View. See the package documentation for state columns.
// Rows come in clusters of time that do not overlap: one row group each where
// rows were written in order. A stream's rows of a cluster are one block.
func (v *view) Rows(ctx context.Context, sel model.RowSelection, visit func(*model.RowBlock) error) error {
	if err := v.enter(); err != nil {
		return err
	}
	defer v.leave()
	s := &rowScan{v: v, ctx: ctx, sel: sel}
	err := s.clusters(func(c *rowCluster) error {
		err := s.blocks(c, visit)
		s.groups.done(c)
		return err
	})
	return v.finish("rows", err)
}

// rowScan is one call of Rows.
type rowScan struct {
	v   *view
	ctx context.Context
	sel model.RowSelection

	groups     *groupReader
	labels     []*labelSet // of the partition labelled, by id
	labelled   keys.Partition
	filter     *rowFilter
	undecided  bool // a row was kept because the filter could not decide on it
	wantsState bool
	stateMs    []*model.Matcher // of measurement
	setMs      []*model.Matcher // of the label sets of state columns
}

// labelsOf returns the labels of a label set: the same few are asked for by
// every group of a partition.
func (s *rowScan) labelsOf(p keys.Partition, id uint32) (*labelSet, error) {
	if s.labelled != p {
		s.labels, s.labelled = s.labels[:0], p
	}
	if int(id) < len(s.labels) && s.labels[id] != nil {
		return s.labels[id], nil
	}
	ls, err := s.v.labelsOf(p, id)
	if err == nil && id < maxLabelled {
		if n := int(id) + 1 - len(s.labels); n > 0 {
			s.labels = append(s.labels, make([]*labelSet, n)...)
		}
		s.labels[id] = ls
	}
	return ls, err
}

// maxLabelled bounds the label sets that a scan remembers.
const maxLabelled = 1 << 17

// clusters calls f with every cluster in the direction asked for.
func (s *rowScan) clusters(f func(*rowCluster) error) error {
	s.sel.Mint = max(s.sel.Mint, s.v.minTime)
	if s.sel.Mint > s.sel.Maxt {
		return nil
	}
	// A log row has no metric name.
	names, labels := splitName(s.sel.Matchers)
	if !matchesAll(names, "") {
		return nil
	}
	s.sel.Matchers = labels
	s.wantsState, s.stateMs, s.setMs = stateMatchers(labels)
	s.v.noteLosses(s.sel.Mint, s.sel.Maxt, s.wantsState, true, nil)
	s.groups = newGroupReader(s.v)
	s.filter = newRowFilter(&s.sel.Filter)

	// Every partition that has rows on disk or in a head.
	times := make(map[model.TimeRange]keys.Partition)
	parts, err := s.v.partitions(s.sel.Mint, s.sel.Maxt)
	if err != nil {
		return err
	}
	onDisk := make(map[keys.Partition]bool, len(parts))
	for _, p := range parts {
		times[p.Range()] = p
		onDisk[p] = true
	}
	for _, h := range s.v.heads {
		if h.Empty() {
			continue
		}
		for _, d := range h.Days() {
			if d.Mint <= s.sel.Maxt && d.Maxt >= s.sel.Mint {
				times[d] = keys.Day(d.Mint)
			}
		}
	}
	order := make([]model.TimeRange, 0, len(times))
	for r := range times {
		order = append(order, r)
	}
	slices.SortFunc(order, func(a, b model.TimeRange) int { return cmp.Compare(a.Mint, b.Mint) })
	if s.sel.Direction == model.Backward {
		slices.Reverse(order)
	}
	for _, r := range order {
		p := times[r]
		if err := s.partition(p, r, onDisk[p], f); err != nil {
			return err
		}
	}
	return nil
}

// stateMatchers says whether a selector asks for state columns, and parts its
// matchers.
func stateMatchers(ms []*model.Matcher) (wants bool, measurement, rest []*model.Matcher) {
	for _, m := range ms {
		if m.Name == model.MeasurementLabel {
			measurement = append(measurement, m)
			wants = wants || !m.MatchesEmpty()
		} else {
			rest = append(rest, m)
		}
	}
	return wants, measurement, rest
}

// rowCluster is what of a partition lies in a span of time that nothing else
// overlaps: row groups and rows in memory, in order of writing.
type rowCluster struct {
	p      keys.Partition
	span   model.TimeRange
	sets   *postings.Set // selected label sets of the partition
	every  bool          // they are all that have log rows
	groups []*groupRef
	memory []memoryRows
}

// memoryRows is rows of one stream, ascending by (time, arrival), that are not
// in a row group. They are read when they are wanted.
type memoryRows struct {
	labels     model.Labels
	key        string
	mint, maxt int64
	read       func() (*rowData, error)
}

// rowData is decoded rows; columns have one value per row.
type rowData struct {
	times   []int64
	lines   []string
	columns map[string][]model.Value
}

// partition calls f with the clusters of a partition.
func (s *rowScan) partition(p keys.Partition, r model.TimeRange, onDisk bool, f func(*rowCluster) error) error {
	span := model.TimeRange{Mint: max(s.sel.Mint, r.Mint), Maxt: min(s.sel.Maxt, r.Maxt)}
	type unit struct {
		model.TimeRange
		group  *groupRef
		memory *memoryRows
	}
	var units []unit
	var sets *postings.Set
	every := false
	if onDisk {
		x := diskIndex{s.v.snap, p}
		logs, err := x.classes(keys.ClassLogs)
		if err != nil {
			return err
		}
		if !logs.Empty() {
			sel, err := postings.Select(s.ctx, x, s.sel.Matchers)
			if err != nil {
				return err
			}
			sets = postings.And(sel, logs)
			every = sets.Len() == logs.Len()
		}
		if !sets.Empty() {
			refs, err := s.groups.in(p)
			if err != nil {
				return err
			}
			for i := range refs {
				if refs[i].overlaps(span) {
					units = append(units, unit{model.TimeRange{Mint: refs[i].Mint, Maxt: refs[i].Maxt}, &refs[i], nil})
				}
			}
		}
	}
	add := func(m memoryRows) { units = append(units, unit{model.TimeRange{Mint: m.mint, Maxt: m.maxt}, nil, &m}) }
	for _, h := range s.v.heads {
		if err := s.headRows(h, span.Mint, span.Maxt, add); err != nil {
			return err
		}
	}
	if s.wantsState {
		if err := s.stateRows(p, onDisk, span.Mint, span.Maxt, add); err != nil {
			return err
		}
	}
	written := make([]int, len(units)) // order of writing
	for i := range written {
		written[i] = i
	}
	slices.SortStableFunc(written, func(a, b int) int { return cmp.Compare(units[a].Mint, units[b].Mint) })
	var clusters [][]int
	for i := 0; i < len(written); {
		j, end := i+1, units[written[i]].Maxt
		for j < len(written) && units[written[j]].Mint <= end {
			end = max(end, units[written[j]].Maxt)
			j++
		}
		clusters = append(clusters, written[i:j])
		i = j
	}
	if s.sel.Direction == model.Backward {
		slices.Reverse(clusters)
	}
	for _, members := range clusters {
		slices.Sort(members)
		c := &rowCluster{p: p, span: model.TimeRange{Mint: maxInt64, Maxt: minInt64}, sets: sets, every: every}
		for _, i := range members {
			u := &units[i]
			c.span.Mint, c.span.Maxt = min(c.span.Mint, u.Mint), max(c.span.Maxt, u.Maxt)
			if u.group != nil {
				c.groups = append(c.groups, u.group)
			} else {
				c.memory = append(c.memory, *u.memory)
			}
		}
		c.span.Mint, c.span.Maxt = max(c.span.Mint, span.Mint), min(c.span.Maxt, span.Maxt)
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if err := f(c); err != nil {
			return err
		}
	}
	return nil
}

// headRows adds the rows of a head.
func (s *rowScan) headRows(h *head.Snapshot, mint, maxt int64, add func(memoryRows)) error {
	if h.Empty() {
		return nil
	}
	sel, err := h.Select(s.ctx, s.sel.Matchers)
	if err != nil {
		return err
	}
	for _, st := range postings.And(sel, h.All(head.Logs)).IDs() {
		if !h.HasRange(st, head.Logs, "", mint, maxt) {
			continue
		}
		rows, err := h.LogRows(s.ctx, st, mint, maxt, nil)
		if err != nil {
			return err
		}
		ls := h.Labels(st)
		rows = headLogDeletions(s.v.headTombstones[h], ls).keepRows(rows)
		if len(rows) == 0 {
			continue
		}
		key := ls.Key()
		for len(rows) > 0 {
			n := min(len(rows), headPiece)
			part := rows[:n]
			rows = rows[n:]
			add(memoryRows{labels: ls, key: key, mint: part[0].Time, maxt: part[n-1].Time, read: func() (*rowData, error) { return s.readHead(h, ls, part), nil }})
		}
	}
	return nil
}

// headPiece is the number of rows of a head that are read at once.
const headPiece = 8192

// readHead reads the rows of a head that satisfy the filter.
func (s *rowScan) readHead(h *head.Snapshot, ls model.Labels, rows []head.LogRow) *rowData {
	d := &rowData{columns: make(map[string][]model.Value)}
	if !s.filter.keepsAll() {
		var kept []head.LogRow
		fs := s.filter.of(ls)
		for i := range rows {
			if fs.keep(byteString(h.Line(&rows[i])), func(name string) model.Value { return headField(h, &rows[i], name) }) {
				kept = append(kept, rows[i])
			}
		}
		rows = kept
		s.undecided = s.undecided || fs.undecided
	}
	d.times = make([]int64, len(rows))
	if !s.sel.NoLine {
		d.lines = make([]string, len(rows))
	}
	for i := range rows {
		d.times[i] = rows[i].Time
		if !s.sel.NoLine {
			d.lines[i] = string(h.Line(&rows[i]))
		}
		if !s.sel.AllFields && !s.sel.Metadata && len(s.sel.Fields) == 0 {
			continue
		}
		cols, words := h.Fields(&rows[i])
		all := s.sel.AllFields || s.sel.Metadata && slices.ContainsFunc(cols, func(c model.Column) bool { return c.Field == model.MetadataField })
		for c := range cols {
			name := cols[c].Field
			if !all && !slices.Contains(s.sel.Fields, name) {
				continue
			}
			vals := d.columns[name]
			if vals == nil {
				vals = make([]model.Value, len(rows))
				d.columns[name] = vals
			}
			vals[i] = headValue(h, &cols[c], words[c])
		}
	}
	return d
}

func headValue(h *head.Snapshot, c *model.Column, word uint64) model.Value {
	if c.Type == model.TypeText {
		return model.Text(h.Text(word))
	}
	return model.Value{Type: c.Type, Bits: word}
}

// headField returns the last value that a row of a head has for a field.
func headField(h *head.Snapshot, row *head.LogRow, name string) (v model.Value) {
	cols, words := h.Fields(row)
	for c := range cols {
		if cols[c].Field == name {
			v = headValue(h, &cols[c], words[c])
		}
	}
	return v
}

// clusterStream is a stream's rows within a cluster.
type clusterStream struct {
	labels model.Labels
	reads  []func() (*rowData, error) // in order of writing
}

// streams lists what a cluster has, stream by stream.
func (s *rowScan) streams(c *rowCluster) ([]*clusterStream, error) {
	index := make(map[string]int)
	var list []*clusterStream
	add := func(ls model.Labels, key string, read func() (*rowData, error)) {
		i, ok := index[key]
		if !ok {
			i = len(list)
			index[key] = i
			list = append(list, &clusterStream{labels: ls})
		}
		list[i].reads = append(list[i].reads, read)
	}
	for _, ref := range c.groups {
		m, err := s.match(c, ref)
		if err != nil {
			return nil, err
		}
		if len(c.groups) == 1 && len(c.memory) == 0 {
			if err := s.limit(m); err != nil {
				return nil, err
			}
		}
		for i := range m.runs {
			r := &m.runs[i]
			ls, err := s.labelsOf(c.p, r.set)
			if err != nil {
				return nil, err
			}
			add(ls.labels, ls.key, func() (*rowData, error) { return s.readGroup(ref, m, r) })
		}
	}
	for i := range c.memory {
		m := &c.memory[i]
		add(m.labels, m.key, m.read)
	}
	return list, nil
}

// blocks visits the blocks of a cluster.
func (s *rowScan) blocks(c *rowCluster, visit func(*model.RowBlock) error) error {
	list, err := s.streams(c)
	if err != nil {
		return err
	}
	for _, st := range list {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		b, err := s.block(st)
		if err != nil {
			return fmt.Errorf("stream %s: %w", st.labels, err)
		}
		if b == nil {
			continue
		}
		b.Labels, b.Partition = st.labels, c.span
		if err := visit(b); err != nil {
			return err
		}
	}
	return nil
}

// block reads and merges the rows of a stream; nil where there are none.
func (s *rowScan) block(st *clusterStream) (*model.RowBlock, error) {
	var datas []*rowData
	for _, read := range st.reads {
		d, err := read()
		if err != nil {
			return nil, err
		}
		if len(d.times) > 0 {
			datas = append(datas, d)
		}
	}
	switch len(datas) {
	case 0:
		return nil, nil
	case 1:
		d := datas[0]
		b := &model.RowBlock{Times: d.times, Lines: d.lines}
		for name, vals := range d.columns {
			if slices.ContainsFunc(vals, func(v model.Value) bool { return v.Type != model.TypeNone }) {
				b.Columns = append(b.Columns, model.RowColumn{Name: name, Values: vals})
			}
		}
		slices.SortFunc(b.Columns, func(a, b model.RowColumn) int { return cmp.Compare(a.Name, b.Name) })
		return b, nil
	}
	return s.merged(datas), nil
}

// merged merges rows, by time and then by order of writing.
func (s *rowScan) merged(datas []*rowData) *model.RowBlock {
	type ref struct {
		t          int64
		piece, row int
	}
	var refs []ref
	names := make(map[string]bool)
	for i, d := range datas {
		for n := range d.columns {
			names[n] = true
		}
		for j, t := range d.times {
			refs = append(refs, ref{t, i, j})
		}
	}
	sort.SliceStable(refs, func(i, j int) bool { return refs[i].t < refs[j].t })
	b := &model.RowBlock{Times: make([]int64, len(refs))}
	if !s.sel.NoLine {
		b.Lines = make([]string, len(refs))
	}
	for i, r := range refs {
		b.Times[i] = r.t
		if b.Lines != nil {
			b.Lines[i] = datas[r.piece].lines[r.row]
		}
	}
	order := make([]string, 0, len(names))
	for n := range names {
		order = append(order, n)
	}
	slices.Sort(order)
	for _, n := range order {
		vals := make([]model.Value, len(refs))
		some := false
		for i, r := range refs {
			if c := datas[r.piece].columns[n]; c != nil {
				vals[i] = c[r.row]
				some = some || vals[i].Type != model.TypeNone
			}
		}
		if some {
			b.Columns = append(b.Columns, model.RowColumn{Name: n, Values: vals})
		}
	}
	return b
}
