package rowgroup

import (
	"cmp"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strings"
	"unsafe"

	"tidemark/storage/internal/colenc"
	"tidemark/storage/model"
)

// Builder collects the rows of one group. Rows come sorted: label sets by
// ascending id, rows of a label set by time, rows of equal time in the order of
// arrival. A violation is an error of the program, and the Builder panics.
// A Builder is not safe for concurrent use.
type Builder struct {
	runs  []Run
	set   uint32 // current label set
	isSet bool
	times []int64
	lines arena
	size  int
	count int // values of all fields

	columns []*column // in order of appearance
	names   map[string]*name
	guess   []*column // the columns of the last row, in the order of its fields
	row     []*column // the same of the row being added
	spare   []*column // columns of earlier groups, for their memory

	// What an append needs, kept for its memory.
	shapes   shaped
	payloads []byte
	order    []int32 // rows by time
}

// column collects the values of one field of one type.
type column struct {
	entry
	name *name
	rows []int64 // that have a value, ascending
	bits []uint64
	text arena
}

// name is a field's name and its columns by type. A row has at most one value
// in them: last is the column of row lastRow's.
type name struct {
	text    string
	byType  [model.TypeText + 1]*column
	last    *column
	lastRow int
}

// arena holds texts one after another.
type arena struct {
	bytes []byte
	ends  []int
}

func (a *arena) add(s []byte) {
	a.bytes = append(a.bytes, s...)
	a.ends = append(a.ends, len(a.bytes))
}

// start returns where text i starts.
func (a *arena) start(i int) int {
	if i == 0 {
		return 0
	}
	return a.ends[i-1]
}

func (a *arena) pop() {
	last := len(a.ends) - 1
	a.bytes = a.bytes[:a.start(last)]
	a.ends = a.ends[:last]
}

func (a *arena) reset() { a.bytes, a.ends = a.bytes[:0], a.ends[:0] }

// text returns all texts, one after another; it is valid until the arena changes.
func (a *arena) text() string { return unsafe.String(unsafe.SliceData(a.bytes), len(a.bytes)) }

// strings returns the texts, which are valid until the arena changes.
func (a *arena) strings() []string {
	all := a.text()
	out := make([]string, len(a.ends))
	for i, end := range a.ends {
		out[i] = all[a.start(i):end]
	}
	return out
}

// NewBuilder returns an empty builder.
func NewBuilder() *Builder { return &Builder{names: make(map[string]*name)} }

// StartSet says that the rows that follow belong to the label set id. To name
// the current set again changes nothing; a smaller id than the current one
// panics. A set without rows leaves no trace.
func (b *Builder) StartSet(id uint32) {
	if b.isSet && id < b.set {
		panic(fmt.Sprintf("rowgroup: start set: want at least %d, got %d", b.set, id))
	}
	b.set, b.isSet = id, true
}

// Row adds a row of the current label set. Line, names and texts are copied.
// Where fields name a field twice, the last counts. Fields of TypeNone are
// absent; other types than float, int, bool and text panic.
func (b *Builder) Row(t int64, line []byte, fields []Field) {
	row := len(b.times)
	if !b.isSet || row == MaxRows {
		panic(fmt.Sprintf("rowgroup: row: want a label set and at most %d rows", MaxRows))
	}
	if last := len(b.runs) - 1; last < 0 || b.runs[last].ID != b.set {
		b.runs = append(b.runs, Run{ID: b.set, First: row, Count: 1, Mint: t, Maxt: t})
	} else {
		r := &b.runs[last]
		if t < r.Maxt {
			panic(fmt.Sprintf("rowgroup: row %d: want a time of at least %d, got %d", row, r.Maxt, t))
		}
		r.Count++
		r.Maxt = t
	}
	b.times = append(b.times, t)
	b.lines.add(line)
	b.size += 8 + len(line)
	b.row = b.row[:0]
	for i := range fields {
		if fields[i].Type != model.TypeNone {
			b.field(row, &fields[i])
		}
	}
	b.guess, b.row = b.row, b.guess
}

// field adds the value of a field of the row.
func (b *Builder) field(row int, f *Field) {
	if b.count == MaxValues {
		panic(fmt.Sprintf("rowgroup: field %q: want at most %d values", f.Name, MaxValues))
	}
	b.count++
	c := b.column(f)
	b.row = append(b.row, c)
	if c.name.last != nil && c.name.lastRow == row {
		c.name.last.pop()
	}
	c.name.last, c.name.lastRow = c, row
	c.rows = append(c.rows, int64(row))
	if f.Type == model.TypeText {
		c.text.add(f.Text)
		b.size += 4 + len(f.Text)
		return
	}
	c.bits = append(c.bits, f.Bits)
	b.size += 8
}

// pop removes the last value.
func (c *column) pop() {
	c.rows = c.rows[:len(c.rows)-1]
	if c.Type == model.TypeText {
		c.text.pop()
	} else {
		c.bits = c.bits[:len(c.bits)-1]
	}
}

// column finds the column of a field: most rows have the fields of the row
// before, in the same order, and need no look-up.
func (b *Builder) column(f *Field) *column {
	if i := len(b.row); i < len(b.guess) {
		if c := b.guess[i]; c.Type == f.Type && c.Name == f.Name {
			return c
		}
	}
	if !encodable(f.Type) {
		panic(fmt.Sprintf("rowgroup: field %q: unsupported type %s", f.Name, f.Type))
	}
	nm := b.names[f.Name]
	if nm == nil {
		nm = &name{text: strings.Clone(f.Name)} // the caller's bytes may not last
		b.names[nm.text] = nm
	}
	c := nm.byType[f.Type]
	if c == nil {
		if k := len(b.spare) - 1; k >= 0 {
			c, b.spare = b.spare[k], b.spare[:k]
		} else {
			c = new(column)
		}
		c.name = nm
		c.entry = entry{kind: kindField, encoding: encodingPlain, ColumnInfo: ColumnInfo{Name: nm.text, Type: f.Type}}
		nm.byType[f.Type] = c
		b.columns = append(b.columns, c)
		b.size += len(f.Name)
	}
	return c
}

// Rows returns the number of rows added.
func (b *Builder) Rows() int { return len(b.times) }

// Size returns the bytes of times, lines and fields added, before encoding.
func (b *Builder) Size() int { return b.size }

// Full reports whether the group has reached a target size and should be
// appended and reset before the next row. A builder that is not full takes
// at least one more row.
func (b *Builder) Full() bool {
	return len(b.times) >= TargetRows || b.size >= TargetBytes || len(b.columns) >= TargetColumns
}

// Fill returns how much of a full group has been added: Full is true from 1 on.
func (b *Builder) Fill() float64 {
	return max(float64(len(b.times))/TargetRows, float64(b.size)/TargetBytes, float64(len(b.columns))/TargetColumns)
}

// Append appends the encoded group to dst; the builder must not be empty. The
// builder is unchanged and may be reset and used again. An equal sequence of
// calls gives equal bytes.
func (b *Builder) Append(dst []byte) []byte { return b.appendGroup(dst, colenc.Smallest) }

// AppendBest is Append with the slow level of compression, for a group that is
// expected to be kept, such as the result of compaction.
func (b *Builder) AppendBest(dst []byte) []byte { return b.appendGroup(dst, colenc.Best) }

// AppendPlain is Append in encodings that are too simple to go wrong, and
// large: for a group that Verify says Append got wrong.
func (b *Builder) AppendPlain(dst []byte) []byte { return b.appendGroup(dst, colenc.Plain) }

func (b *Builder) appendGroup(dst []byte, mode colenc.Mode) []byte {
	if len(b.times) == 0 {
		panic("rowgroup: append: want at least 1 row, got none")
	}
	c := counts{rows: len(b.times), runs: len(b.runs), mint: math.MaxInt64, maxt: math.MinInt64}
	for _, r := range b.runs {
		c.mint, c.maxt = min(c.mint, r.Mint), max(c.maxt, r.Maxt)
	}
	var entries []*entry
	payloads := b.payloads[:0]
	sizes := []int{0}
	add := func(e *entry) {
		entries = append(entries, e)
		sizes = append(sizes, len(payloads))
	}
	payloads = mode.IntsFrom(payloads, c.mint, b.times)
	add(&entry{kind: kindTimes, encoding: encodingPlain, ColumnInfo: ColumnInfo{Type: model.TypeInt}})
	if mode == colenc.Plain {
		payloads = mode.Texts(payloads, b.lines.strings())
		add(&entry{kind: kindLines, encoding: encodingPlain, ColumnInfo: ColumnInfo{Type: model.TypeText}})
	} else {
		b.shapes.parse(&b.lines)
		payloads = b.shapes.appendShapes(payloads, mode)
		add(&entry{kind: kindShapes, encoding: encodingPlain, ColumnInfo: ColumnInfo{Type: model.TypeText}})
		payloads = b.shapes.appendVars(payloads, &b.lines, mode)
		add(&entry{kind: kindVars, encoding: encodingPlain, ColumnInfo: ColumnInfo{Type: model.TypeText}})
		payloads = b.shapes.appendGrams(payloads, &b.lines)
		add(&entry{kind: kindGrams, encoding: encodingPlain, ColumnInfo: ColumnInfo{Type: model.TypeText}})
	}

	fields := slices.Clone(b.columns)
	slices.SortFunc(fields, func(x, y *column) int {
		if x.before(&y.entry) {
			return -1
		}
		return 1
	})
	for _, f := range fields {
		if len(f.rows) == 0 {
			continue // its only values were replaced within their rows
		}
		f.First, f.Last, f.Present = int(f.rows[0]), int(f.rows[len(f.rows)-1]), len(f.rows)
		payloads = f.append(payloads, mode, b.byTime)
		add(&f.entry)
	}
	for i, e := range slices.Clone(entries) {
		if e.kind != kindField || e.Type != model.TypeText || e.Present < manyValues || mode == colenc.Plain {
			continue
		}
		texts := payloads[sizes[i]:sizes[i+1]]
		if span := e.Last - e.First + 1; e.Present < span {
			_, rest, err := colenc.DecodeBools(texts, span, nil)
			if err != nil {
				continue // Verify will say so
			}
			texts = rest
		}
		var ok bool
		if payloads, ok = appendValues(payloads, e.Name, texts, e.Present); ok {
			add(&entry{kind: kindValues, encoding: encodingPlain, ColumnInfo: ColumnInfo{Type: model.TypeText}})
		}
	}
	payloads = b.appendExtras(payloads, fields, mode, func(p []byte, kind uint8) {
		payloads = p
		add(&entry{kind: kind, encoding: encodingPlain, ColumnInfo: ColumnInfo{Type: model.TypeInt}})
	})
	b.payloads = payloads
	c.columns = len(entries)

	start := len(dst)
	dst = append(dst, make([]byte, fixedLen)...)
	dst[start+offVersion] = Version
	if mode != colenc.Smallest { // what is plain is so because nothing else would do
		dst[start+offLevel] = levelBest
	}
	dst[start+offFill] = byte(math.Ceil(min(b.Fill(), 1) * math.MaxUint8))
	dst = c.append(dst)
	dst = appendRuns(dst, b.runs, c.mint, mode)
	for i, e := range entries {
		p := payloads[sizes[i]:sizes[i+1]]
		dst = appendEntry(dst, e, len(p), crc32.Checksum(p, castagnoli))
	}
	seal(dst[start:])
	return append(dst, payloads...)
}

// byTime returns the rows in order of time: an order in which values that are
// shared across label sets, such as ids of traces, come close together.
func (b *Builder) byTime() []int32 {
	if len(b.runs) == 1 {
		return nil // they are in that order
	}
	if len(b.order) == len(b.times) {
		return b.order
	}
	b.order = slices.Grow(b.order[:0], len(b.times))[:len(b.times)]
	for i := range b.order {
		b.order[i] = int32(i)
	}
	slices.SortFunc(b.order, func(x, y int32) int {
		if c := cmp.Compare(b.times[x], b.times[y]); c != 0 {
			return c
		}
		return cmp.Compare(x, y)
	})
	return b.order
}

// orderedRows is the number of rows from which on distinct values are numbered
// by time.
const orderedRows = 1 << 12

// append appends the payload of the column: presence, then values.
func (c *column) append(dst []byte, mode colenc.Mode, byTime func() []int32) []byte {
	if span := c.Last - c.First + 1; c.Present < span {
		present := make([]uint64, span)
		for _, row := range c.rows {
			present[int(row)-c.First] = 1
		}
		dst = mode.Bools(dst, present)
	}
	switch c.Type {
	case model.TypeFloat:
		return mode.Floats(dst, c.bits)
	case model.TypeInt:
		return mode.Words(dst, c.bits)
	case model.TypeBool:
		return mode.Bools(dst, c.bits)
	}
	var order []int32
	if c.Present > orderedRows && c.First == 0 {
		if order = byTime(); len(order) != c.Present {
			order = nil
		}
	}
	return mode.AppendTypedTexts(dst, c.text.strings(), order)
}

// Reset empties the builder and keeps its memory.
func (b *Builder) Reset() {
	for _, c := range b.columns {
		c.rows, c.bits = c.rows[:0], c.bits[:0]
		c.text.reset()
		c.name = nil
	}
	b.spare = append(b.spare, b.columns...)
	clear(b.columns)
	clear(b.names)
	clear(b.guess)
	clear(b.row)
	b.columns, b.guess, b.row = b.columns[:0], b.guess[:0], b.row[:0]
	b.runs, b.times = b.runs[:0], b.times[:0]
	b.lines.reset()
	b.set, b.isSet, b.size, b.count = 0, false, 0, 0
	b.order = b.order[:0]
}
