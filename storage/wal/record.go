package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"tidemark/storage/model"
)

// A record is a decoded batch. It is self-contained within its segment: a
// label set or a schema is spelled out in the first record of the segment that
// uses it, and referred to by number afterwards. Numbers count from 0 in order
// of definition.
//
//	version      u8      1
//	received     i64LE   nanoseconds since the epoch
//	request key  uvarint length, bytes
//	streams      uvarint count, then for each: uvarint length, canonical labels
//	schemas      uvarint count, then for each:
//	             kind u8, uvarint count of columns, then for each:
//	             name, measurement, field (uvarint length, bytes), type u8
//	rows         uvarint count, then for each:
//	             stream uvarint, schema uvarint, time zigzag varint (difference
//	             to the row before, wrapping), then a value per column:
//	             float 8 bytes LE · int and start time zigzag varint · bool u8 ·
//	             text and histogram (model.AppendHistogram) uvarint length, bytes
//
// A new version may follow version 1 in the same segment.
const recordVersion = 1

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
	for _, s := range r.Streams {
		dst = appendString(dst, s.Key())
	}
	dst = binary.AppendUvarint(dst, uint64(len(r.Schemas)))
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
	streams []*model.Stream
	schemas []*model.Schema
}

// Meta is what a record holds beside its rows.
type Meta struct {
	Received int64
	// Streams and Schemas are the definitions new in the record.
	Streams []*model.Stream
	Schemas []*model.Schema
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
	for n := r.count("streams", 1); n > 0 && r.err == nil; n-- {
		ls, err := model.DecodeLabels(r.bytes("labels"))
		if err != nil {
			r.fail("%v", err)
			break
		}
		d.streams = append(d.streams, model.NewStream(ls))
		m.Streams = append(m.Streams, d.streams[len(d.streams)-1])
	}
	for n := r.count("schemas", 2); n > 0 && r.err == nil; n-- {
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
		d.schemas = append(d.schemas, sc)
		m.Schemas = append(m.Schemas, sc)
	}
	t := int64(0)
	for n := r.count("rows", 4); n > 0 && r.err == nil; n-- {
		stream, schema := r.uvarint("stream"), r.uvarint("schema")
		t += r.varint("time")
		if r.err != nil {
			break
		}
		if stream >= uint64(len(d.streams)) || schema >= uint64(len(d.schemas)) {
			r.fail("row of stream %d and schema %d: want below %d and %d", stream, schema, len(d.streams), len(d.schemas))
			break
		}
		sc := d.schemas[schema]
		b.Begin(d.streams[stream], sc, t)
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
	return m, r.err
}

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
