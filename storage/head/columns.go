package head

import (
	"cmp"
	"context"
	"slices"

	"tidemark/storage/model"
)

// MetricRows are the visible metric rows of one stream, in order of time, for
// reading one column after the other: the rows are followed and sorted once,
// not for each column. The zero value is ready; Load reuses its memory.
type MetricRows struct {
	snap  *Snapshot
	slots []sortedSlot
	merge []mergeRow
}

// sortedSlot is the rows of a slot, ascending by time, of equal times the last
// written one.
type sortedSlot struct {
	sl    *slot
	start int // column of start times, or -1
	rows  []rowAt
}

type rowAt struct {
	time int64
	addr uint32
}

// mergeRow is a row of one of several slots.
type mergeRow struct {
	rowAt
	slot, col int32
}

func compareRows(a, b rowAt) int {
	if a.time != b.time {
		return cmp.Compare(a.time, b.time)
	}
	return cmp.Compare(a.addr, b.addr)
}

// Load reads the rows of a stream.
func (m *MetricRows) Load(ctx context.Context, s *Snapshot, stream uint32) error {
	m.snap = s
	kept := m.slots[:cap(m.slots)]
	m.slots = m.slots[:0]
	for sl := range s.slots(stream) {
		if uint64(sl.first) >= s.limit || sl.sc.Kind != model.MetricRow {
			continue
		}
		var rows []rowAt
		if n := len(m.slots); n < len(kept) {
			rows = kept[n].rows[:0]
		}
		n := 0
		sorted := true // from the newest to the oldest
		for addr := sl.last.Load(); addr != 0; {
			row := s.row(addr)
			if uint64(addr) < s.limit {
				t := int64(row[1])
				if k := len(rows); k > 0 && t >= rows[k-1].time {
					sorted = false
				}
				rows = append(rows, rowAt{t, addr})
			}
			addr = uint32(row[0])
			if n++; n&0xffff == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
		}
		slices.Reverse(rows)
		if !sorted {
			slices.SortFunc(rows, compareRows)
			n := 0
			for i := range rows {
				if n > 0 && rows[n-1].time == rows[i].time {
					n--
				}
				rows[n] = rows[i]
				n++
			}
			rows = rows[:n]
		}
		m.slots = append(m.slots, sortedSlot{sl, sl.startColumn(), rows})
	}
	return nil
}

// Samples appends the samples of a class, Metrics or States, under a name: what
// Snapshot.Samples gives for all times.
func (m *MetricRows) Samples(c Class, name string, dst []Sample) []Sample {
	m.merge = m.merge[:0]
	only := -1 // the slot that has the column, where only one has
	col := 0
	for i := range m.slots {
		cl := lastColumn(m.slots[i].sl.sc, c, name)
		if cl < 0 {
			continue
		}
		switch {
		case only < 0 && len(m.merge) == 0:
			only, col = i, cl
			continue
		case only >= 0:
			m.mergeSlot(only, col)
			only = -1
		}
		m.mergeSlot(i, cl)
	}
	if only >= 0 {
		ss := &m.slots[only]
		for _, r := range ss.rows {
			dst = append(dst, m.sample(ss, r, col))
		}
		return dst
	}
	slices.SortFunc(m.merge, func(a, b mergeRow) int { return compareRows(a.rowAt, b.rowAt) })
	begin := len(dst)
	for _, r := range m.merge {
		sm := m.sample(&m.slots[r.slot], r.rowAt, int(r.col))
		if n := len(dst); n > begin && dst[n-1].Time == sm.Time {
			dst[n-1] = sm
		} else {
			dst = append(dst, sm)
		}
	}
	return dst
}

func (m *MetricRows) mergeSlot(i, col int) {
	for _, r := range m.slots[i].rows {
		m.merge = append(m.merge, mergeRow{r, int32(i), int32(col)})
	}
}

func (m *MetricRows) sample(ss *sortedSlot, r rowAt, col int) Sample {
	row := m.snap.row(r.addr)
	sm := Sample{Time: r.time, Bits: row[2+col], Order: uint64(r.addr)<<16 | uint64(col), Type: ss.sl.sc.Columns[col].Type}
	if ss.start >= 0 {
		sm.Start = int64(row[2+ss.start])
	}
	return sm
}

// lastColumn returns the last column of a class and name, which counts where
// there are several, or -1.
func lastColumn(sc *model.Schema, c Class, name string) int {
	for i := len(sc.Columns) - 1; i >= 0; i-- {
		if col := &sc.Columns[i]; col.Name == name && (col.Type == model.TypeText) == (c == States) {
			return i
		}
	}
	return -1
}
