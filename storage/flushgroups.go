package storage

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/head"
	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/rowgroup"
)

// groupWriter writes the log rows of a partition in a flush. It cuts them by
// time into slices that fill a group each, and sorts a slice by (label set,
// time): the newest rows of all label sets are then in one group, values that
// streams share within a while are stored once, and a stream's rows lie together.
type groupWriter struct {
	f      *flush
	fp     *flushPartition
	b      *rowgroup.Builder
	key    keys.RowGroup
	span   model.TimeRange // of all rows
	fields []rowgroup.Field
}

func (w *groupWriter) write() error {
	rows := w.fp.rows
	slices.SortFunc(rows, func(a, b setRows) int { return cmp.Compare(a.set, b.set) })
	w.reset()
	next := make([]int, len(rows)) // of each label set, the first row not written
	for _, end := range w.sliceEnds(rows) {
		for i := range rows {
			for next[i] < len(rows[i].rows) && rows[i].rows[next[i]].Time <= end {
				if err := w.row(&rows[i], next[i]); err != nil {
					return err
				}
				next[i]++
			}
			if w.f.ctx.Err() != nil {
				return w.f.ctx.Err()
			}
		}
		if err := w.flush(); err != nil {
			return err
		}
	}
	return nil
}

// sampledRows is how many rows are one whose size is looked at.
const sampledRows = 64

// sliceEnds returns the last time of each slice. Slices have about equally many
// rows, no more than fill a group, and no time lies in two.
func (w *groupWriter) sliceEnds(rows []setRows) []int64 {
	n, sampled, size := 0, 0, 0
	for i := range rows {
		for k := n % sampledRows; k < len(rows[i].rows); k += sampledRows {
			sampled++
			size += w.size(&rows[i].rows[k])
		}
		n += len(rows[i].rows)
	}
	count := 1 + (n-1)/rowgroup.TargetRows
	if sampled > 0 {
		count = max(count, 1+n/sampled*size/(rowgroup.TargetBytes/4*3))
	}
	if count == 1 {
		return []int64{maxInt64}
	}
	times := make([]int64, 0, n)
	for i := range rows {
		for k := range rows[i].rows {
			times = append(times, rows[i].rows[k].Time)
		}
	}
	slices.Sort(times)
	var ends []int64
	for i := 1; i < count; i++ {
		if end := times[n*i/count]; len(ends) == 0 || end > ends[len(ends)-1] {
			ends = append(ends, end)
		}
	}
	return append(ends, maxInt64)
}

// size returns the bytes of a row's line and texts.
func (w *groupWriter) size(row *head.LogRow) int {
	n := 8 + len(w.f.head.Line(row))
	cols, words := w.f.head.Fields(row)
	for c := range cols {
		n += 8
		if cols[c].Type == model.TypeText {
			n += len(w.f.head.TextBytes(words[c]))
		}
	}
	return n
}

// row adds a row to the group that is being built.
func (w *groupWriter) row(sr *setRows, i int) error {
	if w.b.Full() {
		if err := w.flush(); err != nil {
			return err
		}
	}
	row := &sr.rows[i]
	if w.b.Rows() == 0 {
		w.key.FirstSet = sr.set
	}
	w.key.LastSet = sr.set
	w.key.Mint, w.key.Maxt = min(w.key.Mint, row.Time), max(w.key.Maxt, row.Time)
	w.b.StartSet(sr.set)
	cols, words := w.f.head.Fields(row)
	w.fields = w.fields[:0]
	for c := range cols {
		fd := rowgroup.Field{Name: cols[c].Field, Type: cols[c].Type}
		if fd.Type == model.TypeText {
			fd.Text = w.f.head.TextBytes(words[c])
		} else {
			fd.Bits = words[c]
		}
		w.fields = append(w.fields, fd)
	}
	w.b.Row(row.Time, w.f.head.Line(row), w.fields)
	return nil
}

// reset starts the next group.
func (w *groupWriter) reset() {
	w.b.Reset()
	w.key = keys.RowGroup{Position: w.f.pos, Seq: w.key.Seq, Mint: maxInt64, Maxt: minInt64}
}

// flush writes the group, if it has rows, and starts the next one.
func (w *groupWriter) flush() error {
	if w.b.Rows() == 0 {
		return nil
	}
	f := w.f
	w.key.Rows = uint32(w.b.Rows())
	if err := f.encoder.encodeGroup(w.b); err != nil {
		return err
	}
	if err := setRowGroup(f.batch, w.fp.p, w.key, f.encoder.buf); err != nil {
		return err
	}
	f.groups++
	f.groupBytes += int64(len(f.encoder.buf))
	w.span.Mint, w.span.Maxt = min(w.span.Mint, w.key.Mint), max(w.span.Maxt, w.key.Maxt)
	w.key.Seq++
	w.reset()
	return f.commit(pebble.NoSync, flushBatch)
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
