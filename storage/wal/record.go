package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sort"

	"tidemark/storage/model"
)

// A record is a decoded batch. It is self-contained within its segment: a
// label set or a schema is spelled out in the first record of the segment that
// uses it, and referred to by number afterwards. Numbers count from 0 in order
// of definition.
//
//	version      u8      3
//	received     i64LE   nanoseconds since the epoch
//	request key  uvarint length, bytes
//	streams      uvarint count; if it is not 0, uvarint number of the first, then for
//	             each: uvarint length, canonical labels
//	schemas      uvarint count; if it is not 0, uvarint number of the first, then for
//	             each: kind u8, uvarint count of columns, then for each:
//	             name, measurement, field (uvarint length, bytes), type u8
//	rows         uvarint count, then for each:
//	             stream uvarint, schema uvarint, time zigzag varint (difference
//	             to the row before, wrapping), then a value per column:
//	             float 8 bytes LE · int and start time zigzag varint · bool u8 ·
//	             text and histogram (model.AppendHistogram) uvarint length, bytes
//
// The numbers tell a reader that comes from behind damage which definitions it has
// not seen: what refers to those is lost, and nothing is taken for another.
//
// Version 1 had no numbers; version 2 is a tombstone. A new version may follow
// version 3 in the same segment.
const recordVersion = 3

// Limits that a decoder enforces beside the bytes at hand.
const (
	// MaxColumns is the largest number of columns of a schema.
	MaxColumns = 1 << 14
	// MaxRequestKey is the largest length of a request key.
	MaxRequestKey = 256
)

// ErrBadRecord marks a record whose bytes are not what an encoder writes.
var ErrBadRecord = errors.New("bad log record")

// Record is what AppendRecord encodes.
type Record struct {
	Received   int64
	RequestKey string
	// Streams and Schemas are those that the segment has not had before, in
	// the order of their numbers.
	Streams []*model.Stream
	Schemas []*model.Schema
	// FirstStream and FirstSchema are the numbers of the first of them.
	FirstStream, FirstSchema uint32
	// Batch has the rows; StreamRefs and SchemaRefs the numbers of each row.
	Batch      *model.Batch
	StreamRefs []uint32
	SchemaRefs []uint32
}

// AppendRecord appends the encoded record to dst.
func AppendRecord(dst []byte, r *Record) []byte {
	dst = append(dst, recordVersion)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.Received))
	dst = appendString(dst, r.RequestKey)
	dst = binary.AppendUvarint(dst, uint64(len(r.Streams)))
	if len(r.Streams) > 0 {
		dst = binary.AppendUvarint(dst, uint64(r.FirstStream))
	}
	for _, s := range r.Streams {
		dst = appendString(dst, s.Key())
	}
	dst = binary.AppendUvarint(dst, uint64(len(r.Schemas)))
	if len(r.Schemas) > 0 {
		dst = binary.AppendUvarint(dst, uint64(r.FirstSchema))
	}
	for _, sc := range r.Schemas {
		dst = AppendSchema(dst, sc)
	}
	rows := r.Batch.Rows()
	dst = binary.AppendUvarint(dst, uint64(len(rows)))
	last := int64(0)
	for i := range rows {
		row := &rows[i]
		dst = binary.AppendUvarint(dst, uint64(r.StreamRefs[i]))
		dst = binary.AppendUvarint(dst, uint64(r.SchemaRefs[i]))
		dst = binary.AppendVarint(dst, row.Time-last)
		last = row.Time
		words := r.Batch.Words(row)
		for c := range row.Schema.Columns {
			switch row.Schema.Columns[c].Type {
			case model.TypeFloat:
				dst = binary.LittleEndian.AppendUint64(dst, words[c])
			case model.TypeInt, model.TypeStart:
				dst = binary.AppendVarint(dst, int64(words[c]))
			case model.TypeBool:
				dst = append(dst, byte(words[c]&1))
			case model.TypeText, model.TypeHistogram:
				text := r.Batch.TextOf(words[c])
				dst = binary.AppendUvarint(dst, uint64(len(text)))
				dst = append(dst, text...)
			}
		}
	}
	return dst
}

// AppendSchema appends the encoding of a schema, which is also its identity.
func AppendSchema(dst []byte, sc *model.Schema) []byte {
	dst = append(dst, byte(sc.Kind))
	dst = binary.AppendUvarint(dst, uint64(len(sc.Columns)))
	for i := range sc.Columns {
		c := &sc.Columns[i]
		dst = appendString(dst, c.Name)
		dst = appendString(dst, c.Measurement)
		dst = appendString(dst, c.Field)
		dst = append(dst, byte(c.Type))
	}
	return dst
}

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// CheckSchema reports why the store cannot take rows of a schema.
func CheckSchema(sc *model.Schema) error {
	switch {
	case sc.Kind != model.MetricRow && sc.Kind != model.LogRow:
		return fmt.Errorf("schema kind %d: want 1 (metric row) or 2 (log row)", sc.Kind)
	case len(sc.Columns) == 0 || len(sc.Columns) > MaxColumns:
		return fmt.Errorf("schema of %d columns: want 1 to %d", len(sc.Columns), MaxColumns)
	case sc.Kind == model.LogRow && (sc.Columns[0].Type != model.TypeText || sc.Columns[0].Field != model.LineField):
		return fmt.Errorf("log schema: column 0 is %s %q, want the line: text %q", sc.Columns[0].Type, sc.Columns[0].Field, model.LineField)
	}
	starts := 0
	for i := range sc.Columns {
		c := &sc.Columns[i]
		if c.Type == model.TypeStart {
			starts++
			if sc.Kind != model.MetricRow || starts > 1 || c.Name != "" {
				return fmt.Errorf("schema column %d (%s): want at most one start time, without a name, in a metric row", i, c.Name)
			}
			continue
		}
		switch {
		case !c.Type.Numeric() && c.Type != model.TypeText && (c.Type != model.TypeHistogram || sc.Kind != model.MetricRow):
			return fmt.Errorf("schema column %d (%s): type %s cannot be stored", i, c.Name, c.Type)
		case sc.Kind == model.MetricRow && c.Name == "":
			return fmt.Errorf("schema column %d: a column of a metric row needs a name", i)
		case sc.Kind == model.LogRow && c.Field == "":
			return fmt.Errorf("schema column %d: a column of a log row needs a field name", i)
		case len(c.Name) > MaxName || len(c.Field) > MaxName || len(c.Measurement) > MaxName:
			return fmt.Errorf("schema column %d: a name is longer than %d bytes", i, MaxName)
		}
	}
	return nil
}

// MaxName is the largest length of a metric, measurement or field name.
const MaxName = 1 << 16

// Decoder decodes the records of one segment, in order.
type Decoder struct {
	streams defined[*model.Stream]
	schemas defined[*model.Schema]
}

// defined are definitions by their numbers, some of which may have been lost with
// the records that they were in.
type defined[T any] struct {
	list []T
	// runs are the stretches of consecutive numbers, where any are missing.
	runs []numbered
	next uint64 // the number of the next one
	lost bool   // some may be missing
}

// numbered says that list[at] has a number, and those behind it the following ones.
type numbered struct {
	number uint64
	at     int
}

// begin says what number the next definition has; false where it cannot be.
func (d *defined[T]) begin(number uint64) bool {
	if number < d.next || number > d.next && !d.lost || number > math.MaxUint32 {
		return false
	}
	if number > d.next {
		d.runs = append(d.runs, numbered{number, len(d.list)})
		d.next = number
	}
	return true
}

func (d *defined[T]) add(v T) {
	d.list = append(d.list, v)
	d.next++
}

// get returns a definition. lost says that there may have been one.
func (d *defined[T]) get(number uint64) (v T, ok, lost bool) {
	if number >= d.next {
		return v, false, d.lost
	}
	at, end := number, uint64(len(d.list)) // of the run that would have it
	if len(d.runs) > 0 {
		i := sort.Search(len(d.runs), func(i int) bool { return d.runs[i].number > number })
		if i < len(d.runs) {
			end = uint64(d.runs[i].at)
		}
		if i > 0 {
			at = number - d.runs[i-1].number + uint64(d.runs[i-1].at)
		}
	}
	if at >= end {
		return v, false, true
	}
	return d.list[at], true, false
}

// Lost says that records before the next one are missing: what refers to
// definitions that the decoder has not seen is left out from here on.
func (d *Decoder) Lost() { d.streams.lost, d.schemas.lost = true, true }

// Meta is what a record holds beside its rows.
type Meta struct {
	Received int64
	// Streams and Schemas are the definitions new in the record.
	Streams []*model.Stream
	Schemas []*model.Schema
	// Rows is the number of rows, LostRows that of those that cannot be read
	// because what they refer to was in a record that is lost.
	Rows, LostRows int
}

// Decode decodes a record: its rows and request key into b, which it resets.
// The input is untrusted. After an error the decoder must not be used further.
func (d *Decoder) Decode(rec []byte, b *model.Batch) (Meta, error) {
	b.Reset()
	r := reader{b: rec}
	var m Meta
	if v := r.byte("version"); r.err == nil && v != recordVersion {
		return m, fmt.Errorf("%w: version %d, want %d", ErrBadRecord, v, recordVersion)
	}
	m.Received = int64(r.fixed64("receive time"))
	key := r.bytes("request key")
	if len(key) > MaxRequestKey {
		r.fail("request key of %d bytes", len(key))
	}
	b.RequestKey = string(key)
	n := r.count("streams", 1)
	if n > 0 {
		if first := r.uvarint("first stream"); !d.streams.begin(first) {
			r.fail("first stream %d: want %d", first, d.streams.next)
		}
	}
	for ; n > 0 && r.err == nil; n-- {
		ls, err := model.DecodeLabels(r.bytes("labels"))
		if err != nil {
			r.fail("%v", err)
			break
		}
		st := model.NewStream(ls)
		d.streams.add(st)
		m.Streams = append(m.Streams, st)
	}
	n = r.count("schemas", 2)
	if n > 0 {
		if first := r.uvarint("first schema"); !d.schemas.begin(first) {
			r.fail("first schema %d: want %d", first, d.schemas.next)
		}
	}
	for ; n > 0 && r.err == nil; n-- {
		sc := &model.Schema{Kind: model.RowKind(r.byte("schema kind"))}
		cols := r.count("columns", 4)
		if cols > MaxColumns {
			r.fail("schema of %d columns", cols)
		}
		for ; cols > 0 && r.err == nil; cols-- {
			sc.Columns = append(sc.Columns, model.Column{
				Name:        string(r.bytes("name")),
				Measurement: string(r.bytes("measurement")),
				Field:       string(r.bytes("field")),
				Type:        model.Type(r.byte("type")),
			})
		}
		if r.err == nil {
			if err := CheckSchema(sc); err != nil {
				r.fail("%v", err)
			}
		}
		d.schemas.add(sc)
		m.Schemas = append(m.Schemas, sc)
	}
	t := int64(0)
	n = r.count("rows", 4)
	m.Rows = int(n)
	for ; n > 0 && r.err == nil; n-- {
		stream, schema := r.uvarint("stream"), r.uvarint("schema")
		t += r.varint("time")
		if r.err != nil {
			break
		}
		sc, ok, lost := d.schemas.get(schema)
		if !ok && lost {
			// How long the row is cannot be told, so those behind it are lost, too.
			m.LostRows += int(n)
			r.b = nil
			break
		}
		st, known, lost := d.streams.get(stream)
		if !ok || !known && !lost {
			r.fail("row of stream %d and schema %d: want below %d and %d", stream, schema, d.streams.next, d.schemas.next)
			break
		}
		if !known {
			m.LostRows++
			st = lostStream
		}
		b.Begin(st, sc, t)
		for i := range sc.Columns {
			switch sc.Columns[i].Type {
			case model.TypeFloat:
				b.Float(math.Float64frombits(r.fixed64("float")))
			case model.TypeInt, model.TypeStart:
				b.Int(r.varint("int"))
			case model.TypeBool:
				b.Bool(r.byte("bool") == 1)
			case model.TypeText:
				b.Text(r.bytes("text"))
			case model.TypeHistogram:
				enc := r.bytes("histogram")
				if _, err := model.DecodeHistogram(enc); err != nil {
					r.fail("%v", err)
				}
				b.Text(enc)
			}
		}
	}
	if r.err == nil && len(r.b) > 0 {
		r.fail("%d bytes behind the last row", len(r.b))
	}
	if r.err == nil && m.LostRows > 0 {
		b.Remove(func(row *model.Row) bool { return row.Stream == lostStream })
	}
	return m, r.err
}

// lostStream stands for those whose labels are lost while a record is decoded.
var lostStream = model.NewStream(model.FromStrings("lost", "1"))

// reader takes fields from untrusted bytes; after an error it returns zeros.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: "+format, append([]any{ErrBadRecord}, args...)...)
		r.b = nil
	}
}

func (r *reader) byte(what string) byte {
	if len(r.b) < 1 {
		r.fail("%s: no bytes left", what)
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) fixed64(what string) uint64 {
	if len(r.b) < 8 {
		r.fail("%s: want 8 bytes, %d left", what, len(r.b))
		return 0
	}
	v := binary.LittleEndian.Uint64(r.b)
	r.b = r.b[8:]
	return v
}

func (r *reader) uvarint(what string) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail("%s: bad varint", what)
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint(what string) int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail("%s: bad varint", what)
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) bytes(what string) []byte {
	n := r.uvarint(what)
	if n > uint64(len(r.b)) {
		r.fail("%s: length %d, %d bytes left", what, n, len(r.b))
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

// count reads a number of items of at least size bytes each.
func (r *reader) count(what string, size uint64) uint64 {
	n := r.uvarint(what)
	if n > uint64(len(r.b))/size {
		r.fail("%s: count %d, %d bytes left", what, n, len(r.b))
		return 0
	}
	return n
}
