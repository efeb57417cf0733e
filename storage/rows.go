package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/head"
	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/postings"
)

// Rows implements model.View. See the package documentation for state columns.
// A stream with much data in a partition comes in several blocks, which then
// follow each other in the direction asked for and do not overlap in time,
// except where rows were written out of order.
func (v *view) Rows(ctx context.Context, sel model.RowSelection, visit func(*model.RowBlock) error) error {
	if err := v.enter(); err != nil {
		return err
	}
	defer v.leave()
	sel.Mint = max(sel.Mint, v.minTime)
	if sel.Mint > sel.Maxt {
		return nil
	}
	s := &rowScan{v: v, ctx: ctx, sel: sel, visit: visit}
	err := s.run()
	return v.finish("rows", errors.Join(err, s.close()))
}

// rowScan is one call of Rows.
type rowScan struct {
	v     *view
	ctx   context.Context
	sel   model.RowSelection
	visit func(*model.RowBlock) error

	iter       *pebble.Iterator
	groups     *groupReader
	wantsState bool
	stateMs    []*model.Matcher // of measurement
	setMs      []*model.Matcher // of the label sets of state columns
}

func (s *rowScan) close() error {
	if s.iter != nil {
		return s.iter.Close()
	}
	return nil
}

func (s *rowScan) run() (err error) {
	// A log row has no metric name.
	names, labels := splitName(s.sel.Matchers)
	if !matchesAll(names, "") {
		return nil
	}
	s.sel.Matchers = labels
	s.wantsState, s.stateMs, s.setMs = stateMatchers(labels)
	if s.iter, err = s.v.snap.NewIter(nil); err != nil {
		return err
	}
	s.groups = newGroupReader(s.v, s.iter)

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
		if err := s.partition(p, r, onDisk[p]); err != nil {
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

// rowStream is a stream's pieces within a partition, in order of writing.
type rowStream struct {
	labels model.Labels
	pieces []rowPiece
}

// rowPiece is rows of a stream, ascending by (time, arrival), that are read
// when they are wanted. Pieces of lower rank were written earlier.
type rowPiece struct {
	mint, maxt int64
	rank       int
	read       func() (*rowData, error)
}

// rowData is decoded rows; columns have one value per row.
type rowData struct {
	times   []int64
	lines   []string
	columns map[string][]model.Value
}

// partition streams the blocks of one partition.
func (s *rowScan) partition(p keys.Partition, r model.TimeRange, onDisk bool) error {
	mint, maxt := max(s.sel.Mint, r.Mint), min(s.sel.Maxt, r.Maxt)
	streams := make(map[string]int)
	var list []*rowStream
	add := func(ls model.Labels, key string, ps ...rowPiece) {
		i, ok := streams[key]
		if !ok {
			i = len(list)
			streams[key] = i
			list = append(list, &rowStream{labels: ls})
		}
		for _, pc := range ps {
			pc.rank = len(list[i].pieces)
			list[i].pieces = append(list[i].pieces, pc)
		}
	}
	if onDisk {
		if err := s.diskRows(p, mint, maxt, add); err != nil {
			return err
		}
	}
	for _, h := range s.v.heads {
		if err := s.headRows(h, mint, maxt, add); err != nil {
			return err
		}
	}
	if s.wantsState {
		if err := s.stateRows(p, onDisk, mint, maxt, add); err != nil {
			return err
		}
	}
	for _, st := range list {
		if err := s.stream(st, r, mint, maxt); err != nil {
			return err
		}
	}
	return nil
}

type addPieces func(ls model.Labels, key string, ps ...rowPiece)

// diskRows adds the pieces of row groups.
func (s *rowScan) diskRows(p keys.Partition, mint, maxt int64, add addPieces) error {
	x := diskIndex{s.v.snap, p}
	logs, err := x.classes(keys.ClassLogs)
	if err != nil || logs.Empty() {
		return err
	}
	sel, err := postings.Select(s.ctx, x, s.sel.Matchers)
	if err != nil {
		return err
	}
	for _, id := range postings.And(sel, logs).IDs() {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		found, err := s.groups.find(s.ctx, p, id, mint, maxt)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			continue
		}
		ls, err := s.v.labelsOf(p, id)
		if err != nil {
			return err
		}
		ds := logDeletions(s.v.tombstones, ls.labels)
		for _, pc := range found {
			add(ls.labels, ls.key, rowPiece{mint: pc.run.Mint, maxt: pc.run.Maxt, read: func() (*rowData, error) {
				d, err := s.readGroup(pc)
				if err == nil && ds.touch(pc.run.Mint, pc.run.Maxt, pc.pos) {
					d.drop(ds, pc.pos)
				}
				return d, err
			}})
		}
	}
	return nil
}

func (s *rowScan) readGroup(pc groupPiece) (*rowData, error) {
	g, err := s.groups.open(pc.key)
	if err != nil {
		return nil, err
	}
	d := &rowData{columns: make(map[string][]model.Value)}
	wrap := func(err error) error { return corrupt(fmt.Sprintf("row group %x", pc.key), err) }
	if d.times, err = g.Times(pc.run.First, pc.run.Count, nil); err != nil {
		return nil, wrap(err)
	}
	if !s.sel.NoLine {
		if d.lines, err = g.Lines(pc.run.First, pc.run.Count, nil); err != nil {
			return nil, wrap(err)
		}
	}
	want := func(name string) error {
		if _, ok := d.columns[name]; ok || !g.Has(name, pc.run.First, pc.run.Count) {
			return nil
		}
		vals, err := g.Column(name, pc.run.First, pc.run.Count, nil)
		if err != nil {
			return wrap(err)
		}
		d.columns[name] = vals
		return nil
	}
	if s.sel.AllFields || s.sel.Metadata && g.Has(model.MetadataField, pc.run.First, pc.run.Count) {
		for _, c := range g.Columns() {
			if err := want(c.Name); err != nil {
				return nil, err
			}
		}
	} else {
		for _, name := range s.sel.Fields {
			if err := want(name); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

// drop takes out the rows that are hidden at a position.
func (d *rowData) drop(ds deletions, pos uint64) {
	n := 0
	for i, t := range d.times {
		if ds.hide(t, pos) {
			continue
		}
		d.times[n] = t
		if d.lines != nil {
			d.lines[n] = d.lines[i]
		}
		for _, vals := range d.columns {
			vals[n] = vals[i]
		}
		n++
	}
	d.times = d.times[:n]
	if d.lines != nil {
		d.lines = d.lines[:n]
	}
	for name, vals := range d.columns {
		d.columns[name] = vals[:n]
	}
}

// headRows adds the pieces of a head.
func (s *rowScan) headRows(h *head.Snapshot, mint, maxt int64, add addPieces) error {
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
			add(ls, key, rowPiece{mint: part[0].Time, maxt: part[n-1].Time, read: func() (*rowData, error) { return s.readHead(h, part), nil }})
		}
	}
	return nil
}

// headPiece is the number of rows of a head that make a block.
const headPiece = 8192

func (s *rowScan) readHead(h *head.Snapshot, rows []head.LogRow) *rowData {
	d := &rowData{times: make([]int64, len(rows)), columns: make(map[string][]model.Value)}
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
			if cols[c].Type == model.TypeText {
				vals[i] = model.Text(h.Text(words[c]))
			} else {
				vals[i] = model.Value{Type: cols[c].Type, Bits: words[c]}
			}
		}
	}
	return d
}

// stream emits the blocks of a stream: pieces that overlap in time are merged.
func (s *rowScan) stream(st *rowStream, part model.TimeRange, mint, maxt int64) error {
	sort.SliceStable(st.pieces, func(i, j int) bool { return st.pieces[i].mint < st.pieces[j].mint })
	var clusters [][]rowPiece
	for i := 0; i < len(st.pieces); {
		j, end := i+1, st.pieces[i].maxt
		for j < len(st.pieces) && st.pieces[j].mint <= end {
			end = max(end, st.pieces[j].maxt)
			j++
		}
		clusters = append(clusters, st.pieces[i:j])
		i = j
	}
	if s.sel.Direction == model.Backward {
		slices.Reverse(clusters)
	}
	for _, c := range clusters {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		b, err := s.block(c, mint, maxt)
		if err != nil {
			return fmt.Errorf("stream %s: %w", st.labels, err)
		}
		if b == nil {
			continue
		}
		b.Labels, b.Partition = st.labels, part
		if err := s.visit(b); err != nil {
			return err
		}
	}
	return nil
}

// block reads and merges pieces; nil where no row is in range.
func (s *rowScan) block(pieces []rowPiece, mint, maxt int64) (*model.RowBlock, error) {
	slices.SortFunc(pieces, func(a, b rowPiece) int { return cmp.Compare(a.rank, b.rank) })
	type ref struct {
		t          int64
		piece, row int
	}
	var (
		refs  []ref
		datas []*rowData
		names = make(map[string]bool)
	)
	sorted := true
	for i := range pieces {
		d, err := pieces[i].read()
		if err != nil {
			return nil, err
		}
		datas = append(datas, d)
		for n := range d.columns {
			names[n] = true
		}
		for j, t := range d.times {
			if t >= mint && t <= maxt {
				sorted = sorted && (len(refs) == 0 || refs[len(refs)-1].t <= t)
				refs = append(refs, ref{t, i, j})
			}
		}
	}
	if len(refs) == 0 {
		return nil, nil
	}
	if !sorted {
		slices.SortStableFunc(refs, func(a, b ref) int { return cmp.Compare(a.t, b.t) })
	}
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
	return b, nil
}
