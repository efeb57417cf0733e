package storage

import (
	"cmp"
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
	out    groupOutput
	span   model.TimeRange // of all rows
	fields []rowgroup.Field
}

func newGroupWriter(f *flush, fp *flushPartition) *groupWriter {
	w := &groupWriter{f: f, fp: fp, span: model.TimeRange{Mint: maxInt64, Maxt: minInt64}}
	w.out = groupOutput{b: rowgroup.NewBuilder(), encoder: &f.encoder, put: w.put}
	return w
}

func (w *groupWriter) write() error {
	rows := w.fp.rows
	slices.SortFunc(rows, func(a, b setRows) int { return cmp.Compare(a.set, b.set) })
	w.out.begin(w.f.pos, 0)
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
		if err := w.out.flush(); err != nil {
			return err
		}
	}
	return nil
}

// sampledRows is how many rows are one whose size is looked at.
const sampledRows = 64

// sliceEnds returns the last time of each slice. Slices have no more rows than
// fill a group.
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
	return sliceEnds(times, count)
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

// row writes a row.
func (w *groupWriter) row(sr *setRows, i int) error {
	row := &sr.rows[i]
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
	return w.out.row(sr.set, row.Time, w.f.head.Line(row), w.fields)
}

func (w *groupWriter) put(k keys.RowGroup, encoded []byte) error {
	f := w.f
	if err := setRowGroup(f.batch, w.fp.p, k, encoded); err != nil {
		return err
	}
	f.groups++
	f.groupBytes += int64(len(encoded))
	w.span.Mint, w.span.Maxt = min(w.span.Mint, k.Mint), max(w.span.Maxt, k.Maxt)
	return f.commit(pebble.NoSync, flushBatch)
}
