package head

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"tidemark/storage/model"
	"tidemark/storage/postings"
)

// Snapshot reads a head as of the moment it was taken. It needs no closing and
// is safe for concurrent use.
type Snapshot struct {
	h     *Head
	limit uint64
	rows  wordView
	text  textView
}

// Snapshot returns what is visible now.
func (h *Head) Snapshot() *Snapshot {
	s := &Snapshot{h: h, limit: h.visible.Load()}
	// The blocks are loaded after the limit: they cover what it admits.
	if b := h.rows.blocks.Load(); b != nil {
		s.rows = *b
	}
	if b := h.text.blocks.Load(); b != nil {
		s.text = *b
	}
	return s
}

// Empty reports whether nothing is visible.
func (s *Snapshot) Empty() bool { return s.limit <= 1 }

// Days returns the partitions that rows lie in.
func (s *Snapshot) Days() []model.TimeRange {
	s.h.mu.RLock()
	defer s.h.mu.RUnlock()
	out := make([]model.TimeRange, 0, len(s.h.mu.days))
	for _, d := range s.h.mu.days {
		out = append(out, d)
	}
	return out
}

// Class is a kind of data that a stream has.
type Class uint8

// Classes.
const (
	Metrics    Class = iota // columns of metric rows
	LogMetrics              // numeric fields of log rows that are read as metrics
	Logs                    // log rows
	States                  // text columns of metric rows
)

// Select returns the streams that satisfy the matchers.
func (s *Snapshot) Select(ctx context.Context, ms []*model.Matcher) (*postings.Set, error) {
	s.h.mu.RLock()
	defer s.h.mu.RUnlock()
	return postings.Select(ctx, s.h.mu.index, ms)
}

// All returns the streams that have data of a class.
func (s *Snapshot) All(c Class) *postings.Set {
	s.h.mu.RLock()
	defer s.h.mu.RUnlock()
	switch c {
	case Metrics:
		return s.h.mu.metrics.Clone()
	case LogMetrics:
		return s.h.mu.logNums.Clone()
	case Logs:
		return s.h.mu.logs.Clone()
	}
	return s.h.mu.states.Clone()
}

// NameSets returns the streams that have data of a class under a metric name,
// or nil where there are none.
func (s *Snapshot) NameSets(name string, c Class) *postings.Set {
	s.h.mu.RLock()
	defer s.h.mu.RUnlock()
	ns := s.h.mu.names[name]
	if ns == nil {
		return nil
	}
	set := ns.of(c)
	if set.Empty() {
		return nil
	}
	return set.Clone()
}

func (ns *nameSets) of(c Class) *postings.Set {
	switch c {
	case Metrics:
		return &ns.metrics
	case LogMetrics:
		return &ns.logs
	}
	return &ns.states
}

// Names calls f for each metric name of a class, under a lock: f must be quick
// and must not come back.
func (s *Snapshot) Names(c Class, f func(name string)) {
	s.h.mu.RLock()
	defer s.h.mu.RUnlock()
	for n, ns := range s.h.mu.names {
		if !ns.of(c).Empty() {
			f(n)
		}
	}
}

// Labels returns the labels of a stream.
func (s *Snapshot) Labels(stream uint32) model.Labels {
	s.h.mu.RLock()
	defer s.h.mu.RUnlock()
	return s.h.mu.streams.at(stream).labels
}

// Len returns the number of streams.
func (s *Snapshot) Len() int {
	s.h.mu.RLock()
	defer s.h.mu.RUnlock()
	return s.h.mu.streams.len()
}

func (s *Snapshot) slots(stream uint32) iter.Seq[*slot] {
	s.h.mu.RLock()
	defer s.h.mu.RUnlock()
	return s.h.mu.streams.at(stream).slots()
}

// HasRange reports whether the stream may have rows of the class in range. A
// name, where not empty, restricts it to the slots that have that column.
func (s *Snapshot) HasRange(stream uint32, c Class, name string, mint, maxt int64) bool {
	for sl := range s.slots(stream) {
		if uint64(sl.first) >= s.limit || sl.mint.Load() > maxt || sl.maxt.Load() < mint {
			continue
		}
		if (sl.sc.Kind == model.LogRow) != (c == Logs || c == LogMetrics) {
			continue
		}
		if c == Logs && name == "" {
			return true
		}
		for i := range sl.sc.Columns {
			if col := &sl.sc.Columns[i]; col.Name != "" && (name == "" || col.Name == name) && (col.Type == model.TypeText) == (c == States) {
				return true
			}
		}
	}
	return false
}

// Sample is one value of a stream. Order is its place in arrival: of two
// samples of one time the one with the greater Order counts.
type Sample struct {
	Time  int64
	Bits  uint64 // for text, what Text takes; for a histogram, what Histogram takes
	Order uint64
	Start int64 // since when it counts, 0 where unknown
	Type  model.Type
}

// Address is the place of the sample's row in arrival; End says which there
// were at some time.
func (s *Sample) Address() uint64 { return s.Order >> 16 }

// Samples appends the stream's visible samples of a class under a metric name
// in range, ascending by time, times unique: the last written one each.
func (s *Snapshot) Samples(ctx context.Context, stream uint32, c Class, name string, mint, maxt int64, dst []Sample) ([]Sample, error) {
	begin := len(dst)
	for sl := range s.slots(stream) {
		if uint64(sl.first) >= s.limit || sl.mint.Load() > maxt || sl.maxt.Load() < mint {
			continue
		}
		if (sl.sc.Kind == model.LogRow) != (c == LogMetrics) {
			continue
		}
		for i := range sl.sc.Columns {
			col := &sl.sc.Columns[i]
			if col.Name != name || (col.Type == model.TypeText) != (c == States) {
				continue
			}
			n := 0
			start := sl.startColumn()
			for addr := sl.last.Load(); addr != 0; {
				row := s.row(addr)
				if t := int64(row[1]); uint64(addr) < s.limit && t >= mint && t <= maxt {
					sm := Sample{Time: t, Bits: row[2+i], Order: uint64(addr)<<16 | uint64(i), Type: col.Type}
					if start >= 0 {
						sm.Start = int64(row[2+start])
					}
					dst = append(dst, sm)
				}
				addr = uint32(row[0])
				if n++; n&0xffff == 0 && ctx.Err() != nil {
					return dst, ctx.Err()
				}
			}
		}
	}
	out := dst[begin:]
	slices.Reverse(out) // one source is in order of arrival now
	return dst[:begin+len(LastWritten(out))], nil
}

// LastWritten sorts samples by time, in place, and keeps of equal times the
// one with the greatest Order, or the last of those. It takes linear time
// where they are in order of (time, Order) already.
func LastWritten(ss []Sample) []Sample {
	sorted, unique := true, true
	for i := 1; i < len(ss) && sorted; i++ {
		switch prev := &ss[i-1]; {
		case prev.Time == ss[i].Time:
			unique = false
			sorted = prev.Order <= ss[i].Order
		case prev.Time > ss[i].Time:
			sorted = false
		}
	}
	if sorted && unique {
		return ss
	}
	if !sorted {
		slices.SortStableFunc(ss, func(a, b Sample) int {
			if a.Time != b.Time {
				return cmp.Compare(a.Time, b.Time)
			}
			return cmp.Compare(a.Order, b.Order)
		})
	}
	n := 0
	for i := range ss {
		if n > 0 && ss[n-1].Time == ss[i].Time {
			ss[n-1] = ss[i]
		} else {
			ss[n] = ss[i]
			n++
		}
	}
	return ss[:n]
}

// row returns the words of the row at an address, and more behind it. A row
// linked after the snapshot may lie in a block that it does not have.
func (s *Snapshot) row(addr uint32) []uint64 {
	if b := int(addr >> wordBits); b >= len(s.rows) {
		return wordView(*s.h.rows.blocks.Load()).at(addr)
	}
	return s.rows.at(addr)
}

// startColumn returns the column of start times, or -1.
func (sl *slot) startColumn() int {
	return slices.IndexFunc(sl.sc.Columns, func(c model.Column) bool { return c.Type == model.TypeStart })
}

// Histogram returns the native histogram of a visible sample.
func (s *Snapshot) Histogram(word uint64) (*model.Histogram, error) {
	return model.DecodeHistogram(s.text.get(word))
}

// Text returns the text of a visible sample or field of type text, as a copy.
func (s *Snapshot) Text(word uint64) string { return string(s.text.get(word)) }

// LogRow is one log row of a stream.
type LogRow struct {
	Time int64
	addr uint32
	slot *slot
}

// Address is the place of the row in arrival.
func (r *LogRow) Address() uint64 { return uint64(r.addr) }

// LogRows appends the stream's visible log rows in range, ascending by (time,
// arrival).
func (s *Snapshot) LogRows(ctx context.Context, stream uint32, mint, maxt int64, dst []LogRow) ([]LogRow, error) {
	begin := len(dst)
	for sl := range s.slots(stream) {
		if sl.sc.Kind != model.LogRow || uint64(sl.first) >= s.limit || sl.mint.Load() > maxt || sl.maxt.Load() < mint {
			continue
		}
		n := 0
		for addr := sl.last.Load(); addr != 0; {
			row := s.row(addr)
			if t := int64(row[1]); uint64(addr) < s.limit && t >= mint && t <= maxt {
				dst = append(dst, LogRow{t, addr, sl})
			}
			addr = uint32(row[0])
			if n++; n&0xffff == 0 && ctx.Err() != nil {
				return dst, ctx.Err()
			}
		}
	}
	out := dst[begin:]
	slices.Reverse(out)
	order := func(a, b LogRow) int {
		if a.Time != b.Time {
			return cmp.Compare(a.Time, b.Time)
		}
		return cmp.Compare(a.addr, b.addr)
	}
	if !slices.IsSortedFunc(out, order) {
		slices.SortFunc(out, order)
	}
	return dst, nil
}

// Line returns the row's line; the bytes must not be changed and are valid until
// the head is released.
func (s *Snapshot) Line(r *LogRow) []byte { return s.text.get(s.row(r.addr)[2]) }

// Fields returns the columns of the row behind the line; words has one value
// each, for Text where a column is text.
func (s *Snapshot) Fields(r *LogRow) (cols []model.Column, words []uint64) {
	cols = r.slot.sc.Columns[1:]
	return cols, s.row(r.addr)[3 : 3+len(cols)]
}

// TextBytes is Text without the copy; the bytes must not be changed and are valid
// until the head is released.
func (s *Snapshot) TextBytes(word uint64) []byte { return s.text.get(word) }

// Column describes one column of a stream's schemas.
type Column struct {
	model.Column
	Class Class
	Mint  int64 // times of the rows that have it
	Maxt  int64
}

// Columns calls f for each column, with a visible row, of metric rows, and each column of log rows
// that is read as a metric, of a stream; a name may come up several times.
func (s *Snapshot) Columns(stream uint32, f func(Column)) {
	for sl := range s.slots(stream) {
		if uint64(sl.first) >= s.limit {
			continue
		}
		for i := range sl.sc.Columns {
			c := sl.sc.Columns[i]
			if c.Name == "" || sl.sc.Kind == model.LogRow && c.Type == model.TypeText {
				continue
			}
			class := Metrics
			if sl.sc.Kind == model.LogRow {
				class = LogMetrics
			} else if c.Type == model.TypeText {
				class = States
			}
			f(Column{c, class, sl.mint.Load(), sl.maxt.Load()})
		}
	}
}

// LabelNames calls f for each label name, under a lock.
func (s *Snapshot) LabelNames(f func(name string)) {
	s.h.mu.RLock()
	defer s.h.mu.RUnlock()
	s.h.mu.index.Names(f)
}

// LabelValues calls f for each value of a label and its streams, under a lock.
func (s *Snapshot) LabelValues(name string, f func(value string, set *postings.Set)) {
	s.h.mu.RLock()
	defer s.h.mu.RUnlock()
	_ = s.h.mu.index.Values(name, "", func(v string, get func() (*postings.Set, error)) error {
		set, err := get()
		if err == nil {
			f(v, set)
		}
		return nil
	})
}
