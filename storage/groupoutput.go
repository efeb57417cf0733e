package storage

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/keys"
	"tidemark/storage/rowgroup"
)

// groupOutput makes row groups of rows that come sorted by (label set, time), a
// group after the other.
type groupOutput struct {
	b       *rowgroup.Builder
	encoder *encoder
	key     keys.RowGroup // of the group that is being built
	// put takes an encoded group; its bytes are valid until put returns.
	put func(k keys.RowGroup, encoded []byte) error
}

// begin starts with an empty group of a position and running number.
func (o *groupOutput) begin(pos uint64, seq uint32) {
	o.b.Reset()
	o.key = keys.RowGroup{Position: pos, Seq: seq, Mint: maxInt64, Maxt: minInt64}
}

// row adds a row; a group that is full is written first.
func (o *groupOutput) row(set uint32, t int64, line []byte, fields []rowgroup.Field) error {
	if o.b.Full() {
		if err := o.flush(); err != nil {
			return err
		}
	}
	if o.b.Rows() == 0 {
		o.key.FirstSet = set
	}
	o.key.LastSet = set
	o.key.Mint, o.key.Maxt = min(o.key.Mint, t), max(o.key.Maxt, t)
	o.b.StartSet(set)
	o.b.Row(t, line, fields)
	return nil
}

// flush writes the group, if it has rows, and starts the next one.
func (o *groupOutput) flush() error {
	if o.b.Rows() == 0 {
		return nil
	}
	o.key.Rows = uint32(o.b.Rows())
	if err := o.encoder.encodeGroup(o.b); err != nil {
		return err
	}
	if err := o.put(o.key, o.encoder.buf); err != nil {
		return err
	}
	o.begin(o.key.Position, o.key.Seq+1)
	return nil
}

// sliceEnds parts sorted times into count slices of about equally many; it
// returns the last time of each. No time lies in two.
func sliceEnds(times []int64, count int) []int64 {
	var ends []int64
	for i := 1; i < count; i++ {
		if end := times[len(times)*i/count]; len(ends) == 0 || end > ends[len(ends)-1] {
			ends = append(ends, end)
		}
	}
	return append(ends, maxInt64)
}

// setRowGroup adds an encoded row group to a batch: its head under the key, its
// parts beside it. Errors of a batch in memory come back from its commit.
func setRowGroup(b *pebble.Batch, p keys.Partition, k keys.RowGroup, encoded []byte) error {
	head, parts, err := rowgroup.Split(encoded)
	if err != nil {
		return fmt.Errorf("row group %d of position %d: %w", k.Seq, k.Position, err)
	}
	_ = b.Set(p.RowGroup(k), head, nil)
	for i, part := range parts {
		_ = b.Set(p.RowGroupPart(k.Position, k.Seq, uint16(i)), part, nil)
	}
	return nil
}

// deleteRowGroup adds the deletion of a row group and its parts to a batch.
func deleteRowGroup(b *pebble.Batch, p keys.Partition, k keys.RowGroup, parts int) {
	_ = b.Delete(p.RowGroup(k), nil)
	for i := range parts {
		_ = b.Delete(p.RowGroupPart(k.Position, k.Seq, uint16(i)), nil)
	}
}
