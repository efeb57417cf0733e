package storage

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"tidemark/storage/keys"
	"tidemark/storage/rowgroup"
)

// groupMerge rewrites row groups as fewer, cut by time as a flush cuts them. Rows
// keep their order: by label set, time, and when they were written.
type groupMerge struct {
	c       *compaction
	sources []groupSource // in the order of writing
	runs    []sourceRun   // by label set and source
	times   []int64       // of all rows kept, ascending
	fill    float64       // of all sources
	removed int64
	out     groupOutput
	results []groupResult
	rows    []mergedRow
}

// groupSource is a row group that goes into a merge.
type groupSource struct {
	key    keys.RowGroup
	input  int // its index among the inputs
	g      *rowgroup.Group
	times  []int64
	hidden map[uint32]deletions // of label sets that may have deleted rows
}

// sourceRun is the rows of one label set in one source.
type sourceRun struct {
	rowgroup.Run
	source int
}

// groupResult is a group that has been made.
type groupResult struct {
	key     keys.RowGroup
	encoded []byte
}

// mergedRow is a row of a label set that several sources have.
type mergedRow struct {
	t      int64
	line   []byte
	fields []rowgroup.Field
}

// groupSourceError is damage to an input.
type groupSourceError struct {
	input int
	err   error
}

func (e *groupSourceError) Error() string { return fmt.Sprintf("input %d: %v", e.input, e.err) }
func (e *groupSourceError) Unwrap() error { return e.err }

// run merges the inputs and adds what becomes of them to the batch. With
// onlyDeleted it does nothing where no row was deleted.
func (m *groupMerge) run(inputs []groupChunk, onlyDeleted bool, seqs map[uint64]uint32) error {
	deleted := false
	for i := range inputs {
		s, err := m.c.openSource(inputs[i].key)
		if err != nil {
			return &groupSourceError{i, err}
		}
		s.input = i
		deleted = deleted || len(s.hidden) > 0
		m.fill += inputs[i].fill
		m.sources = append(m.sources, s)
	}
	if onlyDeleted && !deleted {
		return nil
	}
	slices.SortFunc(m.sources, func(a, b groupSource) int {
		return cmp.Or(cmp.Compare(a.key.Position, b.key.Position), cmp.Compare(a.key.Seq, b.key.Seq))
	})
	for i := range m.sources {
		if err := m.addRuns(i); err != nil {
			return err
		}
	}
	if onlyDeleted && m.removed == 0 {
		return nil
	}
	slices.SortFunc(m.runs, func(a, b sourceRun) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.source, b.source)) })
	slices.Sort(m.times)
	if err := m.write(seqs); err != nil {
		return err
	}
	return m.batch()
}

// openSource opens a group and finds what of it may have been deleted.
func (c *compaction) openSource(k keys.RowGroup) (s groupSource, err error) {
	s.key = k
	head, err := getCopy(c.snap, c.p.RowGroup(k))
	if err != nil {
		return s, err
	}
	s.g, err = openGroup(c.snap, c.p, k, head)
	if err != nil || len(c.tombstones) == 0 {
		return s, err
	}
	s.hidden = make(map[uint32]deletions)
	for _, run := range s.g.Sets() {
		ls, err := c.labelsOf(run.ID)
		if err != nil {
			return s, err
		}
		if ds := logDeletions(c.tombstones, ls); ds.touch(run.Mint, run.Maxt, k.Position) {
			s.hidden[run.ID] = ds
		}
	}
	return s, nil
}

// addRuns adds the runs of a source and the times of its rows.
func (m *groupMerge) addRuns(source int) (err error) {
	s := &m.sources[source]
	if s.times, err = s.g.Times(0, s.g.Rows(), nil); err != nil {
		return &groupSourceError{s.input, err}
	}
	for _, r := range s.g.Sets() {
		m.runs = append(m.runs, sourceRun{r, source})
		ds := s.hidden[r.ID]
		for _, t := range s.times[r.First : r.First+r.Count] {
			if len(ds) > 0 && ds.hide(t, s.key.Position) {
				m.removed++
			} else {
				m.times = append(m.times, t)
			}
		}
	}
	return nil
}

// write makes the groups. One that replaces a single group has its place in the
// order of writing; what several become counts as written when the last was.
func (m *groupMerge) write(seqs map[uint64]uint32) error {
	if len(m.times) == 0 {
		return nil
	}
	c := m.c
	if c.rows == nil {
		c.rows = rowgroup.NewBuilder()
	}
	written := int64(0)
	m.out = groupOutput{b: c.rows, encoder: &c.encoder, put: func(k keys.RowGroup, encoded []byte) error {
		written += int64(k.Rows)
		m.results = append(m.results, groupResult{k, slices.Clone(encoded)})
		return c.ctx.Err()
	}}
	last := &m.sources[len(m.sources)-1].key
	seq := last.Seq
	if len(m.sources) > 1 {
		seq = seqs[last.Position]
	}
	m.out.begin(last.Position, seq)
	from := int64(math.MinInt64)
	for _, end := range sliceEnds(m.times, int(math.Ceil(m.fill))) {
		for i := 0; i < len(m.runs); {
			j := i + 1
			for j < len(m.runs) && m.runs[j].ID == m.runs[i].ID {
				j++
			}
			if err := m.set(m.runs[i:j], from, end); err != nil {
				return err
			}
			i = j
		}
		if err := m.out.flush(); err != nil {
			return err
		}
		if from = end; end == maxInt64 {
			break
		}
		from++
	}
	if len(m.sources) > 1 || len(m.results) > 1 {
		seqs[last.Position] = max(seqs[last.Position], m.out.key.Seq)
	}
	if written != int64(len(m.times)) {
		return fmt.Errorf("merge of row groups: want %d rows, got %d", len(m.times), written)
	}
	return nil
}

// set writes the rows of a label set, from all sources that have it, that lie
// between two times.
func (m *groupMerge) set(runs []sourceRun, mint, maxt int64) error {
	id := runs[0].ID
	rows, many := m.rows[:0], len(runs) > 1
	for i := range runs {
		r := &runs[i]
		if r.Maxt < mint || r.Mint > maxt {
			continue
		}
		s := &m.sources[r.source]
		ts := s.times[r.First : r.First+r.Count]
		from, _ := slices.BinarySearch(ts, mint)
		to := len(ts)
		if maxt < maxInt64 {
			to, _ = slices.BinarySearch(ts, maxt+1)
		}
		if from == to {
			continue
		}
		ds := s.hidden[id]
		var failed error // not the source's
		err := eachRow(s.g, r.First+from, to-from, func(t int64, line []byte, fields []rowgroup.Field) error {
			switch {
			case len(ds) > 0 && ds.hide(t, s.key.Position):
				return nil
			case many:
				rows = append(rows, mergedRow{t, line, slices.Clone(fields)})
				return nil
			}
			failed = m.out.row(id, t, line, fields)
			return failed
		})
		if failed != nil {
			return failed
		}
		if err != nil {
			return &groupSourceError{s.input, err}
		}
	}
	if !many {
		return nil
	}
	slices.SortStableFunc(rows, func(a, b mergedRow) int { return cmp.Compare(a.t, b.t) })
	for i := range rows {
		if err := m.out.row(id, rows[i].t, rows[i].line, rows[i].fields); err != nil {
			return err
		}
	}
	clear(rows)
	m.rows = rows[:0]
	return nil
}

// batch adds the merge to the pass's batch. A result may have the key of a
// source, so deletes are first.
func (m *groupMerge) batch() error {
	c := m.c
	for i := range m.sources {
		s := &m.sources[i]
		deleteRowGroup(c.batch, c.p, s.key, s.g.Parts())
	}
	for i := range m.results {
		r := &m.results[i]
		if err := setRowGroup(c.batch, c.p, r.key, r.encoded); err != nil {
			return err
		}
		c.stats.GroupBytesOut += int64(len(r.encoded))
	}
	c.stats.GroupsIn += int64(len(m.sources))
	c.stats.GroupsOut += int64(len(m.results))
	c.stats.RowsRemoved += m.removed
	return nil
}
