package logpipe

import (
	"slices"

	"tidemark/storage/model"
)

// extracted is appended to a name that a row has already.
const extracted = "_extracted"

// row is the row being worked on.
type row struct {
	pipe *Pipeline
	base model.Labels
	line string
	// over are labels that differ from base; an empty value means none. The
	// first joined ones come from fields.
	over   []model.Label
	joined int
	fields []model.Value
	// err and details are the row's error.
	err, details string
	value        float64
	// path is the parser's memory for nested names.
	path []byte
}

func (r *row) reset(line string, fields []model.Value) {
	r.line, r.fields = line, fields
	r.over, r.joined = r.over[:0], 0
	r.err, r.details, r.value = "", "", 0
	for i, name := range r.pipe.fields {
		if i >= len(fields) {
			break
		}
		if fields[i].Type == model.TypeNone || r.pipe.silent[name] || r.base.Has(name) {
			continue
		}
		if v := fields[i].String(); v != "" {
			r.over = append(r.over, model.Label{Name: name, Value: v})
		}
	}
	r.joined = len(r.over)
}

// get returns a label's value as it is now.
func (r *row) get(name string) (string, bool) {
	switch name {
	case ErrorLabel:
		return r.err, r.err != ""
	case ErrorDetailsLabel:
		return r.details, r.details != ""
	}
	for i := range r.over {
		if r.over[i].Name == name {
			return r.over[i].Value, r.over[i].Value != ""
		}
	}
	v := r.base.Get(name)
	return v, v != ""
}

// field returns the row's typed field of that name, if it is one that the
// pipeline reads.
func (r *row) field(name string) (model.Value, bool) {
	i, ok := slices.BinarySearch(r.pipe.fields, name)
	if !ok || i >= len(r.fields) || r.fields[i].Type == model.TypeNone {
		return model.Value{}, false
	}
	return r.fields[i], true
}

// set gives a label a value; the empty value removes it.
func (r *row) set(name, value string) {
	for i := range r.over {
		if r.over[i].Name == name {
			r.over[i].Value = value
			return
		}
	}
	r.over = append(r.over, model.Label{Name: name, Value: value})
}

func (r *row) overridden(name string) bool {
	for i := range r.over {
		if r.over[i].Name == name {
			return true
		}
	}
	return false
}

// taken reports whether the row had the name before any parser.
func (r *row) taken(name string) bool {
	for _, l := range r.over[:min(r.joined, len(r.over))] {
		if l.Name == name {
			return true
		}
	}
	return r.base.Has(name)
}

// extract gives a name that a parser found a value. Of several values of a
// name the first counts.
func (r *row) extract(name []byte, value string) {
	if len(name) == 0 {
		return
	}
	wanted := r.pipe.wanted
	if wanted != nil && !wanted[string(name)] && !wanted[string(name)+extracted] {
		return
	}
	n := string(name)
	if r.taken(n) {
		n += extracted
	}
	if !r.overridden(n) {
		r.set(n, value)
	}
}

// fail marks the row with an error in place of an earlier one.
func (r *row) fail(err, details string) { r.err, r.details = err, details }

// appendName appends a name with what does not belong into a label name
// replaced by underscores; one that would begin with a digit gets one in
// front.
func appendName(dst []byte, name string) []byte {
	for len(name) > 0 && (name[0] == ' ' || name[0] == '\t') {
		name = name[1:]
	}
	for len(name) > 0 && (name[len(name)-1] == ' ' || name[len(name)-1] == '\t') {
		name = name[:len(name)-1]
	}
	if name == "" {
		return dst
	}
	if len(dst) == 0 && name[0] >= '0' && name[0] <= '9' {
		dst = append(dst, '_')
	}
	for _, c := range name {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_':
			dst = append(dst, byte(c))
		default:
			dst = append(dst, '_')
		}
	}
	return dst
}
