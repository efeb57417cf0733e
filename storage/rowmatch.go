package storage

import (
	"cmp"
	"slices"

	"tidemark/storage/internal/textmatch"
	"tidemark/storage/model"
	"tidemark/storage/rowgroup"
)

// groupMatch is what of a row group a call wants.
type groupMatch struct {
	g    *rowgroup.Group
	runs []matchedRun
	mask rowMask // of the rows wanted among those of runs; nil means all
	// undecided is set where a filter could not decide on a row, which is then
	// among those wanted.
	undecided bool
}

// matchedRun is the rows [from, to) of a label set.
type matchedRun struct {
	set      uint32
	from, to int
}

// match finds the rows of a group that a call wants: those of the selected
// label sets, within its range of time, that satisfy its filter. Whatever can be
// decided for a label set, a value of a dictionary or a shape is decided once.
func (s *rowScan) match(c *rowCluster, ref *groupRef) (*groupMatch, error) {
	g, err := s.groups.open(ref)
	if err != nil {
		return nil, err
	}
	m := &groupMatch{g: g}
	var times []int64
	for _, r := range g.Sets() {
		if r.Maxt < s.sel.Mint || r.Mint > s.sel.Maxt || !c.sets.Has(r.ID) {
			continue
		}
		run := matchedRun{r.ID, r.First, r.First + r.Count}
		if r.Mint < s.sel.Mint || r.Maxt > s.sel.Maxt {
			if times == nil {
				if times, err = g.Times(0, g.Rows(), nil); err != nil {
					return nil, corrupt(ref.String(), err)
				}
			}
			ts := times[r.First : r.First+r.Count]
			run.from, _ = slices.BinarySearch(ts, s.sel.Mint)
			run.to = len(ts)
			if s.sel.Maxt < maxInt64 {
				run.to, _ = slices.BinarySearch(ts, s.sel.Maxt+1)
			}
			run.from, run.to = run.from+r.First, run.to+r.First
			if run.from >= run.to {
				continue
			}
		}
		m.runs = append(m.runs, run)
	}
	if err := s.dropDeleted(c, ref, m); err != nil {
		return nil, err
	}
	if s.filter.keepsAll() || len(m.runs) == 0 {
		return m, nil
	}
	m.all()
	for i := range s.filter.fields {
		if err := s.matchField(c, m, &s.filter.fields[i]); err != nil {
			return nil, corrupt(ref.String(), err)
		}
		if m.mask.empty() {
			m.runs = nil
			return m, nil
		}
	}
	for i := range s.filter.lines {
		if err := s.matchLines(ref, m, &s.filter.lines[i]); err != nil {
			return nil, corrupt(ref.String(), err)
		}
	}
	m.runs = slices.DeleteFunc(m.runs, func(r matchedRun) bool { return m.mask.count(r.from, r.to) == 0 })
	return m, nil
}

// all makes the mask of a match that has none: all rows of its runs.
func (m *groupMatch) all() {
	if m.mask != nil {
		return
	}
	m.mask = newRowMask(m.g.Rows())
	for _, r := range m.runs {
		m.mask.setRange(r.from, r.to)
	}
}

// dropDeleted takes out the rows that deletes hide.
func (s *rowScan) dropDeleted(c *rowCluster, ref *groupRef, m *groupMatch) error {
	if len(s.v.tombstones) == 0 {
		return nil
	}
	for _, r := range m.runs {
		ls, err := s.labelsOf(c.p, r.set)
		if err != nil {
			return err
		}
		ds := logDeletions(s.v.tombstones, ls.labels)
		if !ds.touch(ref.Mint, ref.Maxt, ref.Position) {
			continue
		}
		times, err := m.g.Times(r.from, r.to-r.from, nil)
		if err != nil {
			return corrupt(ref.String(), err)
		}
		m.all()
		for i, t := range times {
			if ds.hide(t, ref.Position) {
				m.mask.clear(r.from + i)
			}
		}
	}
	if m.mask != nil {
		m.runs = slices.DeleteFunc(m.runs, func(r matchedRun) bool { return m.mask.count(r.from, r.to) == 0 })
	}
	return nil
}

// matchField applies a field filter to the rows wanted so far.
func (s *rowScan) matchField(c *rowCluster, m *groupMatch, f *model.FieldFilter) error {
	var open []matchedRun // runs whose labels do not decide
	for _, r := range m.runs {
		ls, err := s.labelsOf(c.p, r.set)
		if err != nil {
			return err
		}
		v := ls.labels.Get(f.Name)
		if v == "" {
			open = append(open, r)
			continue
		}
		switch f.Decide(model.Text(v)) {
		case model.Drop:
			m.mask.clearRange(r.from, r.to)
		case model.Undecided:
			m.undecided = true
		}
	}
	if len(open) == 0 {
		return nil
	}
	if f.Equal != "" {
		ok, err := m.g.MayHave(f.Name, f.Equal)
		if err != nil {
			return err
		}
		if !ok {
			for _, r := range open {
				m.mask.clearRange(r.from, r.to)
			}
			return nil
		}
	}
	keep := newRowMask(m.g.Rows())
	absent := f.Decide(model.Value{})
	if absent != model.Drop {
		keep.setRange(0, m.g.Rows())
		m.undecided = m.undecided || absent == model.Undecided
	}
	cols, err := m.g.Fields(f.Name)
	if err != nil {
		return err
	}
	for i := range cols {
		if err := matchColumn(m, &cols[i], f, absent, keep); err != nil {
			return err
		}
	}
	for _, r := range open {
		m.mask.andRange(keep, r.from, r.to)
	}
	return nil
}

// matchColumn adds the rows whose values are kept to keep and removes the
// others; absent is what was decided for rows without a value.
func matchColumn(m *groupMatch, col *rowgroup.FieldColumn, f *model.FieldFilter, absent model.Decision, keep rowMask) error {
	if absent != model.Drop {
		for i := range col.Len() {
			keep.clear(col.Row(i))
		}
	}
	if col.Type != model.TypeText {
		var last uint64
		var d model.Decision
		for i, b := range col.Bits {
			if i == 0 || b != last {
				last, d = b, f.Decide(model.Value{Type: col.Type, Bits: b})
			}
			if d != model.Drop {
				row := col.Row(i)
				keep.set(row)
				m.undecided = m.undecided || d == model.Undecided && m.mask.has(row)
			}
		}
		return nil
	}
	if f.Equal != "" {
		return col.Texts.Find(f.Equal, func(i int) { keep.set(col.Row(i)) })
	}
	open := false
	err := col.Texts.Test(0, col.Len(), func(text []byte) bool {
		d := f.Decide(model.Text(byteString(text)))
		open = open || d == model.Undecided
		return d != model.Drop
	}, func(i int) { keep.set(col.Row(i)) })
	if err != nil || !open {
		return err
	}
	return col.Texts.Test(0, col.Len(), func(text []byte) bool { return f.Decide(model.Text(byteString(text))) == model.Undecided },
		func(i int) { m.undecided = m.undecided || m.mask.has(col.Row(i)) })
}

// matchLines applies a line filter to the rows wanted so far.
func (s *rowScan) matchLines(ref *groupRef, m *groupMatch, f *lineFilter) error {
	if !m.g.Shaped() {
		return matchPlain(m, f, m.mask.rows(nil, 0, m.g.Rows()))
	}
	shapes, err := s.groups.shapes(ref, m.g)
	if err != nil {
		return err
	}
	templates, ids := shapes.Templates, shapes.IDs
	// The templates are decided first: where none can be kept, no row is looked at.
	keep := make([]uint8, len(templates)) // 1 where a template is not dropped
	open := make(map[int32]textmatch.Verdict)
	kept := 0
	for t := range templates {
		v := f.verdict(templates[t])
		if v.Outcome == textmatch.Some && v.Ways != nil {
			if v.Ways, err = mayOccur(m.g, &v, templates[t]); err != nil {
				return err
			}
			if len(v.Ways) == 0 { // found in no line
				v.Outcome = textmatch.None
				if f.Negated() {
					v.Outcome = textmatch.All
				}
			}
		}
		if v.Outcome == textmatch.None {
			continue
		}
		keep[t] = 1
		kept++
		if v.Outcome == textmatch.Some {
			open[int32(t)] = v
		}
	}
	switch {
	case kept == 0:
		clear(m.mask)
		return nil
	case kept < len(templates):
		m.mask.keep(ids, keep)
	}
	if len(open) == 0 || m.mask.empty() {
		return nil
	}
	openRows := make(map[int32][]int32, len(open)) // of templates that are not decided, all their rows
	for t := range keep {
		keep[t] = 0
	}
	for t := range open {
		keep[t] = 1
		openRows[t] = make([]int32, 0, shapes.Count(int(t)))
	}
	for row, t := range ids {
		if keep[t] != 0 {
			openRows[int32(t)] = append(openRows[int32(t)], int32(row))
		}
	}
	for t, v := range open {
		rows := openRows[t]
		if v.Ways == nil {
			if err := matchPlain(m, f, slices.DeleteFunc(rows, func(r int32) bool { return !m.mask.has(int(r)) })); err != nil {
				return err
			}
			continue
		}
		found, err := matchWays(m.g, int(t), v.Ways, len(rows))
		if err != nil {
			return err
		}
		for i, r := range rows {
			if found.has(i) == f.Negated() {
				m.mask.clear(int(r))
			}
		}
	}
	return nil
}

// mayOccur leaves out the ways that the group's grams exclude.
func mayOccur(g *rowgroup.Group, v *textmatch.Verdict, t *rowgroup.Template) (out [][]textmatch.Condition, err error) {
	for _, way := range v.Ways {
		ok := true
		for i := 0; i < len(way) && ok; i++ {
			if textmatch.Open(t.Kinds[way[i].Slot]) {
				if ok, err = g.MayContain(way[i].Text); err != nil {
					return nil, err
				}
			}
		}
		if ok {
			out = append(out, way)
		}
	}
	return out, nil
}

// matchWays returns which of a template's n rows satisfy one of the ways.
func matchWays(g *rowgroup.Group, t int, ways [][]textmatch.Condition, n int) (rowMask, error) {
	found := newRowMask(n)
	for _, way := range ways {
		var all rowMask
		for i := range way {
			cond := &way[i]
			texts, base, err := g.Slot(t, cond.Slot)
			if err != nil {
				return nil, err
			}
			hits := newRowMask(n)
			hit := func(i int) { hits.set(i - base) }
			if cond.Op == textmatch.Equal && base == 0 && texts.Len() == n {
				err = texts.Find(cond.Text, hit)
			} else {
				err = texts.Test(base, n, cond.Holds, hit)
			}
			if err != nil {
				return nil, err
			}
			if all == nil {
				all = hits
			} else {
				all.and(hits)
			}
			if all.empty() {
				break
			}
		}
		for w := range found {
			found[w] |= all[w]
		}
	}
	return found, nil
}

// matchPlain applies a line filter to rows by looking at their lines.
func matchPlain(m *groupMatch, f *lineFilter, rows []int32) error {
	const batch = 4096
	var lines []string
	for len(rows) > 0 {
		part := rows[:min(batch, len(rows))]
		rows = rows[len(part):]
		var err error
		if lines, err = m.g.LinesAt(part, lines[:0]); err != nil {
			return err
		}
		for i, r := range part {
			if !f.Keep(lines[i]) {
				m.mask.clear(int(r))
			}
		}
	}
	return nil
}

// rowsOf returns the rows wanted of a run.
func (m *groupMatch) rowsOf(r *matchedRun) []int32 {
	if m.mask != nil {
		return m.mask.rows(nil, r.from, r.to)
	}
	rows := make([]int32, r.to-r.from)
	for i := range rows {
		rows[i] = int32(r.from + i)
	}
	return rows
}

// limit drops rows that have as many as a call wants before them, where the
// group is a cluster of its own.
func (s *rowScan) limit(m *groupMatch) error {
	if s.sel.Limit <= 0 {
		return nil
	}
	type row struct {
		time int64
		row  int32
	}
	var rows []row
	n := 0
	for i := range m.runs {
		r := &m.runs[i]
		if m.mask == nil {
			n += r.to - r.from
		} else {
			n += m.mask.count(r.from, r.to)
		}
	}
	if n <= s.sel.Limit {
		return nil
	}
	times, err := m.g.Times(0, m.g.Rows(), nil)
	if err != nil {
		return err
	}
	// Of each run no more than the limit count.
	for i := range m.runs {
		mine := m.rowsOf(&m.runs[i])
		if s.sel.Direction == model.Backward {
			mine = mine[max(0, len(mine)-s.sel.Limit):]
		} else {
			mine = mine[:min(len(mine), s.sel.Limit)]
		}
		for _, r := range mine {
			rows = append(rows, row{times[r], r})
		}
	}
	slices.SortFunc(rows, func(a, b row) int {
		if s.sel.Direction == model.Backward {
			a, b = b, a
		}
		return cmp.Compare(a.time, b.time)
	})
	// Rows of equal time stay together: their order is not decided here.
	end := min(s.sel.Limit, len(rows))
	for end < len(rows) && rows[end].time == rows[end-1].time {
		end++
	}
	m.mask = newRowMask(m.g.Rows())
	for _, r := range rows[:end] {
		m.mask.set(int(r.row))
	}
	m.runs = slices.DeleteFunc(m.runs, func(r matchedRun) bool { return m.mask.count(r.from, r.to) == 0 })
	return nil
}

// readGroup reads the rows wanted of a run.
func (s *rowScan) readGroup(ref *groupRef, m *groupMatch, r *matchedRun) (*rowData, error) {
	d, err := s.readRows(m, r)
	if err != nil {
		return nil, corrupt(ref.String(), err)
	}
	return d, nil
}

func (s *rowScan) readRows(m *groupMatch, r *matchedRun) (*rowData, error) {
	n := r.to - r.from
	var rows []int32 // nil where all
	if m.mask != nil {
		if k := m.mask.count(r.from, r.to); k < n {
			rows, n = m.mask.rows(nil, r.from, r.to), k
		}
	}
	g := m.g
	d := &rowData{columns: make(map[string][]model.Value)}
	times, err := g.Times(r.from, r.to-r.from, nil)
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		times[i] = times[int(row)-r.from]
	}
	d.times = times[:n]
	if !s.sel.NoLine {
		if rows != nil {
			d.lines, err = g.LinesAt(rows, nil)
		} else {
			d.lines, err = g.Lines(r.from, n, nil)
		}
		if err != nil {
			return nil, err
		}
	}
	want := func(name string) (err error) {
		if _, ok := d.columns[name]; ok || !g.Has(name, r.from, r.to-r.from) {
			return nil
		}
		if rows != nil {
			d.columns[name], err = g.ColumnAt(name, rows, nil)
		} else {
			d.columns[name], err = g.Column(name, r.from, n, nil)
		}
		return err
	}
	if s.sel.AllFields || s.sel.Metadata && g.Has(model.MetadataField, r.from, r.to-r.from) {
		for _, c := range g.Columns() {
			if err := want(c.Name); err != nil {
				return nil, err
			}
		}
		return d, nil
	}
	for _, name := range s.sel.Fields {
		if err := want(name); err != nil {
			return nil, err
		}
	}
	return d, nil
}
