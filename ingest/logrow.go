package ingest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"tidemark/storage/model"
)

// NoLine says that no field of a log record is its line.
const NoLine = -1

// NewLogLayout says how the fields of one record of a log protocol, in the
// order of the source, become a log row. line is the index of the text that is
// its line; with NoLine the line is made of the texts as NewLayout makes it:
// the only one, or all of them as logfmt. Fields of TypeNone are left out, and
// of equal names the last counts. Names must have passed CheckLogField.
//
// Such records have no measurement. A number is therefore also read as the
// metric of its field's name; metric, where not nil, says for which names.
// Columns are sorted by name, so that the order of fields in a record does
// not make a schema of its own.
func (o *Options) NewLogLayout(fields []Field, line int, metric func(name string) bool) *Layout {
	last := make(map[string]int, len(fields))
	for i, f := range fields {
		last[f.Name] = i
	}
	var columns, texts []int
	for i, f := range fields {
		if f.Type == model.TypeNone || i != line && last[f.Name] != i {
			continue
		}
		columns = append(columns, i)
		if f.Type == model.TypeText {
			texts = append(texts, i)
		}
	}
	slices.SortStableFunc(columns, func(a, b int) int { return strings.Compare(fields[a].Name, fields[b].Name) })
	l := &Layout{Schema: &model.Schema{Kind: model.LogRow}}
	source := line
	if line == NoLine {
		source = lineFromText
		if len(texts) == 1 {
			line, source = texts[0], texts[0]
		} else {
			for _, i := range texts {
				l.logfmt = append(l.logfmt, logfmtField{logfmtKey(fields[i].Name), i})
			}
		}
	}
	l.add(model.Column{Field: model.LineField, Type: model.TypeText}, source)
	for _, i := range columns {
		if i == line {
			continue
		}
		c := model.Column{Field: fields[i].Name, Type: fields[i].Type}
		if c.Type.Numeric() && (metric == nil || metric(c.Field)) {
			c.Name = c.Field
		}
		l.add(c, i)
	}
	return l
}

// NewLogStream makes the stream of a record of a log protocol, which has no
// measurement, from its own labels. It is NewStream but for the label
// measurement.
func (o *Options) NewLogStream(db, tenant string, own model.Labels) *model.Stream {
	return o.NewStream(model.MetricRow, "", db, tenant, own)
}

// CheckLogField returns why the name of a field of a log record is refused,
// or "". Unlike in line protocol, time is a name like any other.
func (l *Limits) CheckLogField(name string) string {
	if s := l.checkName("field name", name); s != "" {
		return s
	}
	if name == model.LineField || name == model.MetadataField {
		return fmt.Sprintf("field name %q is reserved: want another name", name)
	}
	return ""
}

// CheckLogLabel returns why a label of a log stream is refused, or "".
func (l *Limits) CheckLogLabel(name, value string) string {
	if s := l.checkName("label name", name); s != "" {
		return s
	}
	switch {
	case name == model.MetricName:
		return fmt.Sprintf("label name %q is reserved: want another name", name)
	case len(value) > l.MaxLabelValueBytes:
		return fmt.Sprintf("value of label %q has %d bytes: want at most %d (MaxLabelValueBytes)", excerpt(name), len(value), l.MaxLabelValueBytes)
	case !utf8.ValidString(value):
		return fmt.Sprintf("value of label %q is not UTF-8: %q", excerpt(name), excerpt(value))
	}
	return ""
}

// LabelName makes a label name of any name: what does not belong becomes an
// underscore, and a leading digit gets one in front.
func LabelName(name string) string {
	b := make([]byte, 0, len(name)+1)
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= '0' && c <= '9':
			if len(b) == 0 {
				b = append(b, '_')
			}
			b = append(b, c)
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
			b = append(b, c)
		default:
			b = append(b, '_')
		}
	}
	return string(b)
}
