package selfmon

import (
	"math"
	"strings"

	"tidemark/storage/model"
)

// field is one number of a measurement.
type field struct {
	name  string
	value model.Value
}

func float(name string, v float64) field { return field{name, model.Float(v)} }

// integer keeps counters of the kernel whole; those beyond int64 wrap.
func integer(name string, v uint64) field { return field{name, model.Int(int64(v & math.MaxInt64))} }

// rows builds rows and keeps their streams and schemas, so that a store finds
// both at once. It is used by one goroutine.
type rows struct {
	base    []string // labels of every row, in pairs
	streams map[string]*model.Stream
	schemas map[string]*model.Schema
}

// maxKept bounds the streams and the schemas remembered: interfaces and mounts
// come and go.
const maxKept = 10_000

func newRows(base ...string) *rows {
	return &rows{base: base, streams: map[string]*model.Stream{}, schemas: map[string]*model.Schema{}}
}

func (r *rows) stream(labels []string) *model.Stream {
	key := strings.Join(labels, "\x00")
	st := r.streams[key]
	if st == nil {
		if len(r.streams) >= maxKept {
			clear(r.streams)
		}
		st = model.NewStream(model.FromStrings(append(append([]string(nil), r.base...), labels...)...))
		r.streams[key] = st
	}
	return st
}

// schema returns the schema of a measurement with such fields; a field named
// value adds nothing to the metric's name.
func (r *rows) schema(kind model.RowKind, measurement string, fields []field) *model.Schema {
	var b strings.Builder
	b.WriteString(measurement)
	for _, f := range fields {
		b.WriteByte(0)
		b.WriteByte(byte(kind)<<4 | byte(f.value.Type))
		b.WriteString(f.name)
	}
	key := b.String()
	sc := r.schemas[key]
	if sc == nil {
		if len(r.schemas) >= maxKept {
			clear(r.schemas)
		}
		sc = &model.Schema{Kind: kind}
		for _, f := range fields {
			col := model.Column{Measurement: measurement, Field: f.name, Type: f.value.Type}
			if kind == model.MetricRow {
				col.Name = measurement + "_" + f.name
				if f.name == "value" {
					col.Name = measurement
				}
			} else {
				col.Measurement = ""
			}
			sc.Columns = append(sc.Columns, col)
		}
		r.schemas[key] = sc
	}
	return sc
}

// metric adds a metric row.
func (r *rows) metric(b *model.Batch, at int64, measurement string, labels []string, fields []field) {
	if len(fields) == 0 {
		return
	}
	values := make([]model.Value, len(fields))
	for i, f := range fields {
		values[i] = f.value
	}
	b.Add(r.stream(labels), r.schema(model.MetricRow, measurement, fields), at, values...)
}
