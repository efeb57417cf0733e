package storage

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/rowgroup"
)

// rowGroups removes deleted log rows from the partition's row groups: each
// group that has any is replaced by one without them, or by none.
func (c *compaction) rowGroups() (err error) {
	logs := false
	for _, t := range c.tombstones {
		logs = logs || t.Scope != model.ScopeMetrics
	}
	if !logs {
		return nil
	}
	lo, hi := c.p.RowGroups()
	it, err := c.snap.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		k, err := c.p.ReadRowGroup(it.Key())
		if err != nil {
			return corrupt("row group", err)
		}
		if k.Position > c.applied {
			break
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if err := c.rowGroup(k, v); err != nil {
			if !errors.Is(err, ErrCorrupt) {
				return err
			}
			c.unread++
			c.db.opts.EventListener(Event{Kind: EventCorruption, Detail: "compaction", Err: err})
		}
		if err := c.commit(flushBatch); err != nil {
			return err
		}
		if err := c.pace(); err != nil {
			return err
		}
	}
	return it.Error()
}

// rowGroup rewrites one group, if anything in it was deleted.
func (c *compaction) rowGroup(k keys.RowGroup, value []byte) error {
	damage := func(err error) error { return corrupt(fmt.Sprintf("row group %x", c.p.RowGroup(k)), err) }
	// The iterator's bytes are valid until it moves, and so is the group.
	g, err := rowgroup.OpenSplit(value, func(i int) ([]byte, error) {
		v, closer, err := c.snap.Get(c.p.RowGroupPart(k.Position, k.Seq, uint16(i)))
		if err != nil {
			return nil, err
		}
		return slices.Clone(v), closer.Close()
	})
	if err != nil {
		return damage(err)
	}
	hidden := make(map[uint32]deletions)
	for _, run := range g.Sets() {
		ls, err := c.labelsOf(run.ID)
		if err != nil {
			return damage(err)
		}
		if ds := logDeletions(c.tombstones, ls); ds.touch(run.Mint, run.Maxt, k.Position) {
			hidden[run.ID] = ds
		}
	}
	if len(hidden) == 0 {
		return nil
	}
	if c.rows == nil {
		c.rows = rowgroup.NewBuilder()
	}
	c.rows.Reset()
	out := keys.RowGroup{Position: k.Position, Seq: k.Seq, Mint: maxInt64, Maxt: minInt64}
	for _, run := range g.Sets() {
		ds := hidden[run.ID]
		err := eachRow(g, run, func(t int64, line string, fields []rowgroup.Field) {
			if ds.hide(t, k.Position) {
				c.stats.RowsRemoved++
				return
			}
			if c.rows.Rows() == 0 {
				out.FirstSet = run.ID
			}
			out.LastSet = run.ID
			out.Mint, out.Maxt = min(out.Mint, t), max(out.Maxt, t)
			c.rows.StartSet(run.ID)
			c.rows.Row(t, []byte(line), fields)
		})
		if err != nil {
			return damage(err)
		}
	}
	if c.rows.Rows() == g.Rows() {
		return nil
	}
	deleteRowGroup(c.batch, c.p, k, g.Parts())
	if c.rows.Rows() == 0 {
		return nil
	}
	out.Rows = uint32(c.rows.Rows())
	if err := c.encoder.encodeGroup(c.rows); err != nil {
		return err
	}
	return setRowGroup(c.batch, c.p, out, c.encoder.buf)
}

// eachRow decodes the rows of a run; fields are valid until f returns.
func eachRow(g *rowgroup.Group, run rowgroup.Run, f func(t int64, line string, fields []rowgroup.Field)) error {
	times, err := g.Times(run.First, run.Count, nil)
	if err != nil {
		return err
	}
	lines, err := g.Lines(run.First, run.Count, nil)
	if err != nil {
		return err
	}
	type column struct {
		name   string
		values []model.Value
	}
	var cols []column
	for _, info := range g.Columns() {
		if len(cols) > 0 && cols[len(cols)-1].name == info.Name || !g.Has(info.Name, run.First, run.Count) {
			continue // a name has an entry for each of its types
		}
		vals, err := g.Column(info.Name, run.First, run.Count, nil)
		if err != nil {
			return err
		}
		cols = append(cols, column{info.Name, vals})
	}
	var fields []rowgroup.Field
	for i, t := range times {
		fields = fields[:0]
		for _, c := range cols {
			if v := &c.values[i]; v.Type != model.TypeNone {
				fields = append(fields, rowgroup.Field{Name: c.name, Type: v.Type, Bits: v.Bits, Text: []byte(v.Text)})
			}
		}
		f(t, lines[i], fields)
	}
	return nil
}

// labelsOf returns the labels of a label set of the partition.
func (c *compaction) labelsOf(set uint32) (model.Labels, error) {
	k := labelKey{c.p, set}
	if ls := c.db.labels.get(k); ls != nil {
		return ls.labels, nil
	}
	v, closer, err := c.snap.Get(c.p.Labels(set))
	if err != nil {
		return nil, fmt.Errorf("label set %d: %w", set, err)
	}
	ls, err := model.DecodeLabels(v)
	return ls, errors.Join(err, closer.Close())
}

// nameOf returns the name of a metric.
func (c *compaction) nameOf(metric uint32) (string, error) {
	v, closer, err := c.snap.Get(keys.Metric(metric))
	if err != nil {
		return "", fmt.Errorf("metric %d: %w", metric, err)
	}
	return string(v), closer.Close()
}
