package model

import (
	"fmt"
	"math"
	"sync/atomic"
)

// RowKind says how a row is stored and what an equal (stream, time) means.
type RowKind uint8

// Row kinds. The numbers are part of the write-ahead log's format.
const (
	// MetricRow has one value per (series, time): a later write replaces an
	// earlier one, column by column. Text columns are state columns.
	MetricRow RowKind = 1
	// LogRow keeps equal times, repetition and arrival order.
	LogRow RowKind = 2
)

// Column is one typed column of a schema.
type Column struct {
	// Name is the full metric name of a column of a metric row, and of a
	// numeric column of a log row that is also read as a metric. It is empty
	// for text columns of log rows.
	Name string
	// Measurement and Field say how the name was split at the source, for
	// display. Field is the name of the column in a log row.
	Measurement, Field string
	Type               Type
}

// LineField is the Field of the column that holds a log row's line.
const LineField = "_line"

// MetadataField is the Field of a column that marks, by any value, the rows
// whose other fields are structured metadata: they belong to the row's labels
// in every query, as in Loki, while fields of other rows do so only where a
// query names them. It is of TypeBool and no metric.
const MetadataField = "_metadata"

// Stream is an interned label set. It is immutable and may be shared by any
// number of batches and goroutines: a decoder keeps it in its cache, and the
// store remembers in it where the label set lives, so that a known stream
// costs no look-up.
type Stream struct {
	Labels Labels
	key    string
	// Ref is the store's own note: whose and which reference the stream has.
	// Zero means none. Only the store reads or writes it.
	Ref atomic.Uint64
}

// NewStream interns a label set.
func NewStream(ls Labels) *Stream { return &Stream{Labels: ls, key: ls.Key()} }

// Key returns the canonical encoding of the labels.
func (s *Stream) Key() string { return s.key }

// Schema is the kind and the columns of a row, immutable and shareable like
// Stream. For a log row, column 0 is the line: Field LineField, TypeText.
type Schema struct {
	Kind    RowKind
	Columns []Column
	// Ref is the store's own note, as in Stream.
	Ref atomic.Uint64
}

// Row is one row of a batch. Values are found in the batch's arenas.
type Row struct {
	Stream *Stream
	Schema *Schema
	Time   int64
	first  uint32 // index of the first value in Batch.bits
}

// Batch is the unit of atomic writing: either all of its rows survive a crash
// or none. The zero value is ready for use; Reset allows reuse.
//
// A row is added by Begin and then one call per schema column, in order.
type Batch struct {
	// RequestKey, where not empty, makes a retry harmless: a batch with a key
	// that the store accepted within the last hour is acknowledged without
	// being written again.
	RequestKey string

	rows []Row
	// bits holds one word per value: the value's bits, or for text, and the
	// encoding of a histogram, the offset (high 32) and length (low 32) in
	// text.
	bits []uint64
	text []byte
}

// Begin starts a row. The caller then adds exactly len(schema.Columns) values.
func (b *Batch) Begin(st *Stream, sc *Schema, t int64) {
	b.rows = append(b.rows, Row{Stream: st, Schema: sc, Time: t, first: uint32(len(b.bits))})
}

// Rollback removes the row started last and whatever was added since.
func (b *Batch) Rollback() {
	r := b.rows[len(b.rows)-1]
	b.rows = b.rows[:len(b.rows)-1]
	b.bits = b.bits[:r.first]
}

// Widen gives the row started last another schema, of which the first columns
// are those that it had. The caller then adds the values of the others.
func (b *Batch) Widen(sc *Schema) { b.rows[len(b.rows)-1].Schema = sc }

// Float adds a float value to the row being built.
func (b *Batch) Float(f float64) { b.bits = append(b.bits, math.Float64bits(f)) }

// Int adds an integer value to the row being built.
func (b *Batch) Int(i int64) { b.bits = append(b.bits, uint64(i)) }

// Bool adds a boolean value to the row being built.
func (b *Batch) Bool(v bool) {
	if v {
		b.bits = append(b.bits, 1)
	} else {
		b.bits = append(b.bits, 0)
	}
}

// Text adds a text value, which is copied, to the row being built.
func (b *Batch) Text(s []byte) {
	b.bits = append(b.bits, uint64(len(b.text))<<32|uint64(len(s)))
	b.text = append(b.text, s...)
}

// TextString is Text for a string.
func (b *Batch) TextString(s string) {
	b.bits = append(b.bits, uint64(len(b.text))<<32|uint64(len(s)))
	b.text = append(b.text, s...)
}

// Histogram adds a native histogram to the row being built. It must be valid;
// the batch keeps a copy.
func (b *Batch) Histogram(h *Histogram) {
	off := len(b.text)
	b.text = AppendHistogram(b.text, h)
	b.bits = append(b.bits, uint64(off)<<32|uint64(len(b.text)-off))
}

// Start adds the start time of the row's samples to the row being built, for
// its column of TypeStart.
func (b *Batch) Start(t int64) { b.Int(t) }

// Add adds a whole row from values; it is the convenient form for programs.
// The values' types must be those of the schema's columns.
func (b *Batch) Add(st *Stream, sc *Schema, t int64, vals ...Value) {
	b.Begin(st, sc, t)
	for _, v := range vals {
		if v.Type == TypeText || v.Type == TypeHistogram {
			b.TextString(v.Text)
		} else {
			b.bits = append(b.bits, v.Bits)
		}
	}
}

// AddSample adds one float sample of a metric. For many rows of one series,
// keep the stream and the schema and use Begin.
func (b *Batch) AddSample(name string, ls Labels, t int64, f float64) {
	b.Begin(NewStream(ls), &Schema{Kind: MetricRow, Columns: []Column{{Name: name, Measurement: name, Field: "value", Type: TypeFloat}}}, t)
	b.Float(f)
}

// AddLine adds one log row with a line and no fields.
func (b *Batch) AddLine(ls Labels, t int64, line string) {
	b.Begin(NewStream(ls), lineSchema, t)
	b.TextString(line)
}

var lineSchema = &Schema{Kind: LogRow, Columns: []Column{{Field: LineField, Type: TypeText}}}

// Len returns the number of rows.
func (b *Batch) Len() int { return len(b.rows) }

// Size returns the bytes of values and text held.
func (b *Batch) Size() int { return len(b.rows)*16 + len(b.bits)*8 + len(b.text) }

// Rows returns the rows; they are valid until Reset.
func (b *Batch) Rows() []Row { return b.rows }

// Words returns the value words of a row, one per column.
func (b *Batch) Words(r *Row) []uint64 {
	return b.bits[r.first : int(r.first)+len(r.Schema.Columns)]
}

// TextOf returns the bytes of a text value, or the encoding of a histogram,
// from its word.
func (b *Batch) TextOf(word uint64) []byte {
	off := word >> 32
	return b.text[off : off+(word&0xffffffff)]
}

// CheckHistograms decodes the histograms of a row and returns what is wrong with
// one of them; columns are those of TypeHistogram.
func (b *Batch) CheckHistograms(r *Row, columns []int) error {
	words := b.Words(r)
	for _, c := range columns {
		off, n := words[c]>>32, words[c]&0xffffffff
		if off+n > uint64(len(b.text)) {
			return fmt.Errorf("%w: column %s of row %s: a number was given", ErrBadHistogram, r.Schema.Columns[c].Name, r.Stream.Labels)
		}
		if _, err := DecodeHistogram(b.text[off : off+n]); err != nil {
			return fmt.Errorf("column %s of row %s: %w", r.Schema.Columns[c].Name, r.Stream.Labels, err)
		}
	}
	return nil
}

// Valid reports whether every row has one value per column: the last row's
// values end where the arena ends and each row's begin where the previous
// one's end.
func (b *Batch) Valid() bool {
	next := uint32(0)
	for i := range b.rows {
		if b.rows[i].first != next {
			return false
		}
		next += uint32(len(b.rows[i].Schema.Columns))
	}
	return int(next) == len(b.bits)
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	clear(b.rows)
	b.rows, b.bits, b.text, b.RequestKey = b.rows[:0], b.bits[:0], b.text[:0], ""
}

// Remove takes out the rows for which f is true, and returns how many. The
// order of the others stays.
func (b *Batch) Remove(f func(*Row) bool) int {
	kept, next := b.rows[:0], uint32(0)
	for i := range b.rows {
		r := b.rows[i]
		if f(&r) {
			continue
		}
		words := b.Words(&r)
		r.first = next
		next += uint32(copy(b.bits[next:], words))
		kept = append(kept, r)
	}
	n := len(b.rows) - len(kept)
	clear(b.rows[len(kept):])
	b.rows, b.bits = kept, b.bits[:next]
	return n
}

// AppendResult says what became of a batch.
type AppendResult struct {
	// Position is the batch's place in the write-ahead log.
	Position uint64
	// Duplicate is true where RequestKey had been accepted before and nothing
	// was written now.
	Duplicate bool
	// Refused counts the rows that were not written, and are no longer in the
	// batch, because their label sets are beyond a limit; Reason names it.
	Refused int
	Reason  string
}
