package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidemark/storage/model"
)

// lineExport writes line protocol, one line a sample.
type lineExport struct {
	w    io.Writer
	buf  []byte
	key  []byte // of the series that key was made of
	of   *model.Series
	nans int
}

func (l *lineExport) sample(s *model.Series, i int, v model.Value) error {
	if f := model.BitsToFloat(v.Type, v.Bits); math.IsNaN(f) || math.IsInf(f, 0) {
		l.nans++
		return nil
	}
	if l.of != s {
		l.of, l.key = s, appendTags(appendEscaped(l.key[:0], s.Name, ", "), s.Labels)
	}
	l.buf = append(append(l.buf[:0], l.key...), " value="...)
	return l.end(appendLineValue(l.buf, v), s.Times[i])
}

func (l *lineExport) row(b *model.RowBlock, i int) error {
	measurement := b.Labels.Get(model.MeasurementLabel)
	if measurement == "" {
		measurement = "logs"
	}
	l.of = nil
	l.buf = appendTags(appendEscaped(l.buf[:0], measurement, ", "), b.Labels.Without(model.MeasurementLabel))
	l.buf = appendLineValue(append(l.buf, " message="...), model.Text(b.Lines[i]))
	for c := range b.Columns {
		col := &b.Columns[c]
		v := col.Values[i]
		if v.Type == model.TypeNone || col.Name == model.MetadataField {
			continue
		}
		if f := model.BitsToFloat(v.Type, v.Bits); v.Type == model.TypeFloat && (math.IsNaN(f) || math.IsInf(f, 0)) {
			l.nans++
			continue
		}
		l.buf = appendLineValue(append(appendEscaped(append(l.buf, ','), col.Name, ",= "), '='), v)
	}
	return l.end(l.buf, b.Times[i])
}

func (l *lineExport) end(line []byte, t int64) error {
	l.buf = append(strconv.AppendInt(append(line, ' '), t, 10), '\n')
	_, err := l.w.Write(l.buf)
	return err
}

func (l *lineExport) flush() error { return nil }

func (l *lineExport) left() string {
	if l.nans == 0 {
		return ""
	}
	return fmt.Sprintf("%d values that are no finite number", l.nans)
}

// appendTags appends labels as line protocol has them.
func appendTags(dst []byte, ls model.Labels) []byte {
	for _, l := range ls {
		dst = appendEscaped(append(dst, ','), l.Name, ",= ")
		dst = appendEscaped(append(dst, '='), l.Value, ",= ")
	}
	return dst
}

// appendLineValue appends a field's value as line protocol has it.
func appendLineValue(dst []byte, v model.Value) []byte {
	switch v.Type {
	case model.TypeText:
		dst = append(dst, '"')
		for i := range len(v.Text) {
			if v.Text[i] == '"' || v.Text[i] == '\\' {
				dst = append(dst, '\\')
			}
			dst = append(dst, v.Text[i])
		}
		return append(dst, '"')
	case model.TypeInt:
		return append(strconv.AppendInt(dst, int64(v.Bits), 10), 'i')
	case model.TypeBool:
		return strconv.AppendBool(dst, v.Bits&1 == 1)
	}
	return strconv.AppendFloat(dst, model.BitsToFloat(v.Type, v.Bits), 'g', -1, 64)
}

// jsonLine is a line of an export as JSON lines: samples of a series, a log
// row, or the end with what it counted.
type jsonLine struct {
	Metric map[string]string `json:"metric,omitempty"`
	Times  []int64           `json:"times,omitempty"`
	Values []jsonValue       `json:"values,omitempty"`

	Stream map[string]string    `json:"stream,omitempty"`
	Time   int64                `json:"time,omitempty"`
	Line   *string              `json:"line,omitempty"`
	Fields map[string]jsonValue `json:"fields,omitempty"`

	End        bool   `json:"end,omitempty"`
	Samples    int64  `json:"samples,omitempty"`
	Rows       int64  `json:"rows,omitempty"`
	Histograms int64  `json:"histograms,omitempty"`
	Error      string `json:"error,omitempty"`
}

// jsonValue is a value whose form tells its type: a number without a point or
// an exponent is an integer, with one a float; text among samples is one of the
// floats that JSON lacks.
type jsonValue model.Value

// MarshalJSON writes the value.
func (v jsonValue) MarshalJSON() ([]byte, error) {
	switch v.Type {
	case model.TypeInt:
		return strconv.AppendInt(nil, int64(v.Bits), 10), nil
	case model.TypeBool:
		return strconv.AppendBool(nil, v.Bits&1 == 1), nil
	case model.TypeText:
		return json.Marshal(v.Text)
	}
	f := math.Float64frombits(v.Bits)
	switch {
	case model.IsStale(f):
		return []byte(`"stale"`), nil
	case math.IsInf(f, 1):
		return []byte(`"+Inf"`), nil
	case math.IsNaN(f) || math.IsInf(f, 0):
		return strconv.AppendQuote(nil, strconv.FormatFloat(f, 'g', -1, 64)), nil
	}
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return []byte(s), nil
}

// UnmarshalJSON reads the value.
func (v *jsonValue) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) > 0 && b[0] == '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*v = jsonValue(model.Text(s))
	case string(b) == "true" || string(b) == "false":
		*v = jsonValue(model.Bool(b[0] == 't'))
	case strings.ContainsAny(string(b), ".eE"):
		f, err := strconv.ParseFloat(string(b), 64)
		if err != nil {
			return err
		}
		*v = jsonValue(model.Float(f))
	default:
		n, err := strconv.ParseInt(string(b), 10, 64)
		if err != nil {
			return fmt.Errorf("value %s: want a number, text, true or false", clip(string(b), 60))
		}
		*v = jsonValue(model.Int(n))
	}
	return nil
}

// sample is the value as one of a series: text is a float that JSON lacks.
func (v jsonValue) sample() (model.Value, error) {
	if v.Type != model.TypeText {
		return model.Value(v), nil
	}
	switch v.Text {
	case "stale":
		return model.Float(math.Float64frombits(model.StaleNaNBits)), nil
	case "NaN", "+Inf", "-Inf":
		f, err := strconv.ParseFloat(v.Text, 64)
		return model.Float(f), err
	}
	return model.Value{}, fmt.Errorf("sample %q: want a number, NaN, +Inf, -Inf or stale", clip(v.Text, 60))
}

// jsonPart is how many samples a line has at most.
const jsonPart = 4096

// jsonExport writes JSON lines.
type jsonExport struct {
	w    io.Writer
	of   *model.Series
	open jsonLine
}

func (j *jsonExport) put(l *jsonLine) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = j.w.Write(append(b, '\n'))
	return err
}

func (j *jsonExport) sample(s *model.Series, i int, v model.Value) error {
	if j.of != s || len(j.open.Times) >= jsonPart {
		if err := j.flush(); err != nil {
			return err
		}
		j.of, j.open = s, jsonLine{Metric: s.Labels.With(model.MetricName, s.Name).Map()}
	}
	j.open.Times, j.open.Values = append(j.open.Times, s.Times[i]), append(j.open.Values, jsonValue(v))
	return nil
}

func (j *jsonExport) row(b *model.RowBlock, i int) error {
	if err := j.flush(); err != nil {
		return err
	}
	l := jsonLine{Stream: b.Labels.Map(), Time: b.Times[i], Line: &b.Lines[i]}
	for c := range b.Columns {
		col := &b.Columns[c]
		if v := col.Values[i]; v.Type != model.TypeNone && col.Name != model.MetadataField {
			if l.Fields == nil {
				l.Fields = map[string]jsonValue{}
			}
			l.Fields[col.Name] = jsonValue(v)
		}
	}
	return j.put(&l)
}

func (j *jsonExport) flush() error {
	if len(j.open.Times) == 0 {
		return nil
	}
	l := j.open
	j.of, j.open = nil, jsonLine{}
	return j.put(&l)
}

func (j *jsonExport) left() string { return "" }

// csvExport writes CSV: a column per label. Fields of log rows are one column
// of logfmt, as they are not known ahead.
type csvExport struct {
	w      *csv.Writer
	names  []string
	headed bool
}

func newCSVExport(w io.Writer, labels []string) *csvExport {
	names := slices.DeleteFunc(slices.Clone(labels), func(n string) bool { return n == model.MetricName })
	return &csvExport{w: csv.NewWriter(w), names: names}
}

func (x *csvExport) head(columns ...string) error {
	if x.headed {
		return nil
	}
	x.headed = true
	return x.w.Write(columns)
}

func (x *csvExport) sample(s *model.Series, i int, v model.Value) error {
	if err := x.head(slices.Concat([]string{"time", "metric"}, x.names, []string{"value"})...); err != nil {
		return err
	}
	rec := []string{stampOf(s.Times[i]), s.Name}
	for _, n := range x.names {
		rec = append(rec, s.Labels.Get(n))
	}
	return x.w.Write(append(rec, v.String()))
}

func (x *csvExport) row(b *model.RowBlock, i int) error {
	if err := x.head(slices.Concat([]string{"time"}, x.names, []string{"line", "fields"})...); err != nil {
		return err
	}
	rec := []string{stampOf(b.Times[i])}
	for _, n := range x.names {
		rec = append(rec, b.Labels.Get(n))
	}
	var fields []string
	for c := range b.Columns {
		col := &b.Columns[c]
		if v := col.Values[i]; v.Type != model.TypeNone && col.Name != model.MetadataField {
			text := v.String()
			if strings.ContainsAny(text, " \"=\n") {
				text = strconv.Quote(text)
			}
			fields = append(fields, col.Name+"="+text)
		}
	}
	return x.w.Write(append(rec, b.Lines[i], strings.Join(fields, " ")))
}

func (x *csvExport) flush() error {
	x.w.Flush()
	return x.w.Error()
}

func (x *csvExport) left() string { return "" }

// stampOf prints Unix nanoseconds as RFC 3339 in UTC.
func stampOf(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }
