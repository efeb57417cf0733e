package ingest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"tidemark/storage/model"
)

// MetricName is the full metric name of a field: measurement_field, and for a
// field called value the measurement alone. Equal names from different splits
// (a_b with field c, a with field b_c) are the same metric.
func MetricName(measurement, field string) string {
	if field == "value" {
		return measurement
	}
	return measurement + "_" + field
}

// Field is the name and the type of one field of a record.
type Field struct {
	Name string
	Type model.Type
}

// Layout says how the fields of records of one measurement become a row. It
// is immutable and shareable; decoders keep one for each sequence of field
// names and types.
type Layout struct {
	Schema *model.Schema
	// source has the field index of each column, or lineFromText; nil where
	// columns are the fields in their order.
	source []int
	// logfmt has the fields that make up the line, where no single one does.
	logfmt []logfmtField
}

type logfmtField struct {
	key   string
	index int
}

const lineFromText = -1

// NewLayout applies the record model to the fields of one record, in the
// order of the source. Names must have passed CheckField. Of equal names the
// last counts. o must have its defaults filled in.
func (o *Options) NewLayout(measurement string, fields []Field) *Layout {
	last := make(map[string]int, len(fields))
	for i, f := range fields {
		last[f.Name] = i
	}
	l := &Layout{Schema: &model.Schema{Kind: model.MetricRow}}
	var texts []int
	numbers := 0
	for i, f := range fields {
		switch {
		case last[f.Name] != i:
		case f.Type.Numeric():
			numbers++
		default:
			texts = append(texts, i)
		}
	}
	line := lineFromText
	for _, m := range o.MessageFields {
		if i, ok := last[m]; ok && fields[i].Type == model.TypeText {
			line, l.Schema.Kind = i, model.LogRow
			break
		}
	}
	if numbers == 0 && l.Schema.Kind != model.LogRow {
		l.Schema.Kind = model.LogRow
		if len(texts) == 1 {
			line = texts[0]
		} else {
			for _, i := range texts {
				l.logfmt = append(l.logfmt, logfmtField{logfmtKey(fields[i].Name), i})
			}
		}
	}
	if l.Schema.Kind == model.LogRow {
		l.add(model.Column{Field: model.LineField, Type: model.TypeText}, line)
	}
	for i, f := range fields {
		if last[f.Name] != i || l.Schema.Kind == model.LogRow && i == line {
			continue
		}
		c := model.Column{Name: MetricName(measurement, f.Name), Measurement: measurement, Field: f.Name, Type: f.Type}
		if l.Schema.Kind == model.LogRow && f.Type == model.TypeText {
			c.Name, c.Measurement = "", ""
		}
		l.add(c, i)
	}
	if len(l.source) == len(fields) && slices.IsSorted(l.source) && l.source[0] == 0 {
		l.source = nil
	}
	return l
}

func (l *Layout) add(c model.Column, source int) {
	l.Schema.Columns = append(l.Schema.Columns, c)
	l.source = append(l.source, source)
}

// Values holds the values of one record's fields, in the order of the source.
// The zero value is ready; Reset keeps the memory.
type Values struct {
	bits  []uint64 // a text's index in texts
	texts [][]byte
	line  []byte // scratch for a line made of fields
}

// Reset empties the values.
func (v *Values) Reset() { v.bits, v.texts = v.bits[:0], v.texts[:0] }

// Forget drops what earlier records left in the scratch memory, so that it
// does not keep a request's body alive.
func (v *Values) Forget() {
	clear(v.texts[:cap(v.texts)])
	v.Reset()
}

// Len returns the number of values.
func (v *Values) Len() int { return len(v.bits) }

// Bits adds a number by its bits, as in model.Value.
func (v *Values) Bits(bits uint64) { v.bits = append(v.bits, bits) }

// Text adds a text, which is not copied before Append.
func (v *Values) Text(s []byte) {
	v.bits = append(v.bits, uint64(len(v.texts)))
	v.texts = append(v.texts, s)
}

// Append adds the row of a record to b. v must have one value for each field
// of the layout, of its type.
func (l *Layout) Append(b *model.Batch, st *model.Stream, t int64, v *Values) {
	b.Begin(st, l.Schema, t)
	if l.source == nil {
		for i, w := range v.bits {
			if l.Schema.Columns[i].Type == model.TypeText {
				b.Text(v.texts[w])
			} else {
				b.Int(int64(w))
			}
		}
		return
	}
	for i, src := range l.source {
		switch {
		case src == lineFromText:
			v.line = v.line[:0]
			for j, f := range l.logfmt {
				if j > 0 {
					v.line = append(v.line, ' ')
				}
				v.line = append(v.line, f.key...)
				v.line = append(v.line, '=')
				v.line = appendLogfmtValue(v.line, v.texts[v.bits[f.index]])
			}
			b.Text(v.line)
		case l.Schema.Columns[i].Type == model.TypeText:
			b.Text(v.texts[v.bits[src]])
		default:
			b.Int(int64(v.bits[src]))
		}
	}
}

// NewStream makes the stream of a record from its own labels, which must be
// sorted, unique and checked by CheckLabel. Log rows get the label
// measurement; db and tenant are added where not empty. A label whose name is
// taken that way gets the prefix exported_, as often as it takes.
func (o *Options) NewStream(kind model.RowKind, measurement, db, tenant string, own model.Labels) *model.Stream {
	added := make([]model.Label, 0, 3)
	if kind == model.LogRow {
		added = append(added, model.Label{Name: model.MeasurementLabel, Value: measurement})
	}
	if db != "" && !o.NoDatabaseLabel {
		added = append(added, model.Label{Name: model.DatabaseLabel, Value: db})
	}
	if tenant != "" {
		added = append(added, model.Label{Name: model.TenantLabel, Value: tenant})
	}
	all := slices.Grow(slices.Clone(own), len(added))
	for _, a := range added {
		for i := range all {
			if all[i].Name != a.Name {
				continue
			}
			name := "exported_" + a.Name
			for all.Has(name) {
				name = "exported_" + name
			}
			all[i].Name = name
			break
		}
		all = append(all, a)
	}
	slices.SortFunc(all, func(x, y model.Label) int { return strings.Compare(x.Name, y.Name) })
	return model.NewStream(all)
}

// Reserved names of fields and labels.
const (
	timeName = "time" // InfluxDB's name of a record's time
)

// CheckMeasurement returns why a measurement is refused, or "".
func (l *Limits) CheckMeasurement(name string) string {
	return l.checkName("measurement", name)
}

// CheckLabel returns why a label is refused, or "".
func (l *Limits) CheckLabel(name, value string) string {
	if s := l.checkName("tag key", name); s != "" {
		return s
	}
	switch {
	case name == timeName || name == model.MetricName:
		return fmt.Sprintf("tag key %q is reserved: want another name", name)
	case value == "":
		return fmt.Sprintf("missing tag value: tag %q has none", excerpt(name))
	case len(value) > l.MaxLabelValueBytes:
		return fmt.Sprintf("value of tag %q has %d bytes: want at most %d (MaxLabelValueBytes)", excerpt(name), len(value), l.MaxLabelValueBytes)
	case !utf8.ValidString(value):
		return fmt.Sprintf("value of tag %q is not UTF-8: %q", excerpt(name), excerpt(value))
	}
	return ""
}

// CheckField returns why a field's name is refused, or "".
func (l *Limits) CheckField(name string) string {
	if s := l.checkName("field key", name); s != "" {
		return s
	}
	if name == timeName || name == model.LineField {
		return fmt.Sprintf("field key %q is reserved: want another name", name)
	}
	return ""
}

// CheckOrigin returns why the database or the tenant of a request is refused,
// or "".
func (l *Limits) CheckOrigin(db, tenant string) string {
	for _, c := range [2]struct{ what, s string }{{"database", db}, {"tenant", tenant}} {
		switch {
		case len(c.s) > l.MaxLabelValueBytes:
			return fmt.Sprintf("%s has %d bytes: want at most %d (MaxLabelValueBytes)", c.what, len(c.s), l.MaxLabelValueBytes)
		case !utf8.ValidString(c.s):
			return fmt.Sprintf("%s is not UTF-8: %q", c.what, excerpt(c.s))
		}
	}
	return ""
}

func (l *Limits) checkName(what, name string) string {
	switch {
	case name == "":
		return "missing " + what + ": want a name that is not empty"
	case len(name) > l.MaxNameBytes:
		return fmt.Sprintf("%s has %d bytes: want at most %d (MaxNameBytes)", what, len(name), l.MaxNameBytes)
	case !utf8.ValidString(name):
		return fmt.Sprintf("%s is not UTF-8: %q", what, excerpt(name))
	}
	return ""
}

// excerpt bounds what a reason quotes.
func excerpt(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
