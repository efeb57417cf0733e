package storage

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/compact"
	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/rowgroup"
)

// groupChunk is a row group that counts in a pass.
type groupChunk struct {
	key  keys.RowGroup
	best bool
	fill float64
}

// rowGroups merges the row groups of the partition, and removes deleted rows
// from those that are in no merge.
func (c *compaction) rowGroups() error {
	groups, err := c.listGroups()
	if err != nil || len(groups) == 0 {
		return err
	}
	pieces := make([]compact.Group, len(groups))
	seqs := make(map[uint64]uint32) // the first free one of a position
	for i := range groups {
		k := &groups[i].key
		pieces[i] = compact.Group{Position: k.Position, Seq: k.Seq, Mint: k.Mint, Maxt: k.Maxt, Fill: groups[i].fill, Best: groups[i].best}
		seqs[k.Position] = max(seqs[k.Position], k.Seq+1)
	}
	merges := compact.PlanGroups(pieces, c.settle)
	logs := slices.ContainsFunc(c.tombstones, func(t *tombstone) bool { return t.Scope != model.ScopeMetrics })
	if logs {
		taken := make([]bool, len(groups))
		for _, m := range merges {
			for _, i := range m {
				taken[i] = true
			}
		}
		for i := range groups {
			if !taken[i] {
				merges = append(merges, []int{i})
			}
		}
	}
	for _, m := range merges {
		inputs := make([]groupChunk, len(m))
		for k, i := range m {
			inputs[k] = groups[i]
		}
		if err := c.mergeGroups(inputs, seqs); err != nil {
			return err
		}
		if err := c.commit(flushBatch); err != nil {
			return err
		}
		if err := c.pace(); err != nil {
			return err
		}
	}
	return nil
}

// listGroups returns the row groups that count.
func (c *compaction) listGroups() (out []groupChunk, err error) {
	lo, hi := c.p.RowGroups()
	err = scan(c.snap, lo, hi, func(it *pebble.Iterator) error {
		if len(out)%256 == 255 && c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		k, err := c.p.ReadRowGroup(it.Key())
		if err != nil {
			return corrupt("row group", err)
		}
		if k.Position > c.applied {
			return nil
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		st, err := rowgroup.ReadState(v)
		if err != nil {
			c.damagedGroup(k, err)
			return nil
		}
		out = append(out, groupChunk{k, st.Best, max(st.Fill, float64(k.Rows)/rowgroup.TargetRows)})
		return nil
	})
	return out, err
}

// damagedGroup reports a row group that cannot be read, and leaves it to readers
// to say so where they meet it.
func (c *compaction) damagedGroup(k keys.RowGroup, err error) {
	c.unread++
	err = corrupt(fmt.Sprintf("row group %x", c.p.RowGroup(k)), err)
	c.db.opts.EventListener(Event{Kind: EventCorruption, Detail: "compaction", Err: err})
	c.db.wantMend(err)
}

// mergeGroups rewrites row groups as fewer, without what was deleted. What of
// them is damaged is left as it is, and so is a single one that gains nothing.
func (c *compaction) mergeGroups(inputs []groupChunk, seqs map[uint64]uint32) error {
	for len(inputs) > 0 {
		m := groupMerge{c: c}
		err := m.run(inputs, len(inputs) == 1 && (inputs[0].best || !c.settle), seqs)
		var bad *groupSourceError
		if !errors.As(err, &bad) {
			return err
		}
		c.damagedGroup(inputs[bad.input].key, bad.err)
		inputs = slices.Delete(inputs, bad.input, bad.input+1)
	}
	return nil
}

// eachRow decodes rows [first, first+count) of a group; the slice of fields is
// valid until f returns, what they hold for good.
func eachRow(g *rowgroup.Group, first, count int, f func(t int64, line []byte, fields []rowgroup.Field) error) error {
	return eachRowOf(g, first, count, func(string) bool { return true }, f)
}

// eachRowOf is eachRow with the columns that are wanted.
func eachRowOf(g *rowgroup.Group, first, count int, wanted func(name string) bool, f func(t int64, line []byte, fields []rowgroup.Field) error) error {
	times, err := g.Times(first, count, nil)
	if err != nil {
		return err
	}
	lines, err := g.Lines(first, count, nil)
	if err != nil {
		return err
	}
	type column struct {
		name   string
		values []model.Value
	}
	var cols []column
	for _, info := range g.Columns() {
		if len(cols) > 0 && cols[len(cols)-1].name == info.Name || !wanted(info.Name) || !g.Has(info.Name, first, count) {
			continue // a name has an entry for each of its types
		}
		vals, err := g.Column(info.Name, first, count, nil)
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
				fields = append(fields, rowgroup.Field{Name: c.name, Type: v.Type, Bits: v.Bits, Text: stringBytes(v.Text)})
			}
		}
		if err := f(t, stringBytes(lines[i]), fields); err != nil {
			return err
		}
	}
	return nil
}

// stringBytes is s as bytes, which must not be changed.
func stringBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

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
