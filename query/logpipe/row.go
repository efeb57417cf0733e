package logpipe

import (
	"unicode/utf8"

	"tidemark/storage/model"
)

// extracted is appended to a name that a row has already.
const extracted = "_extracted"

// slot is what a row has under one name beyond its stream's labels. A label
// whose value is empty is there all the same; one that was removed is gone.
type slot struct {
	name, value string
	// meta says that the value is the row's own, not a parser's.
	meta bool
	gone bool
	// parsed says that a stage has given the name a value, even if a later
	// one took it away: parsers then do not give it another.
	parsed bool
}

// row is the row being worked on.
type row struct {
	pipe *Pipeline
	own  *Stream
	base model.Labels
	time int64
	line string
	// over are labels beyond base, or in place of those of base.
	over   []slot
	fields []model.Value
	// err and details are the row's error.
	err, details string
	// unread says that a parser could not read the line.
	unread bool
	value  float64
	// found counts the names of Pipeline.wanted that stages have set.
	found int
	// dropped says that an early filter has dropped the row.
	dropped bool
	// path is the parser's memory for nested names.
	path []byte
}

func (r *row) reset(in *Input) {
	r.time, r.line, r.fields = in.Time, in.Line, in.Fields
	r.over, r.found = r.over[:0], 0
	r.err, r.details, r.value, r.dropped, r.unread = "", "", 0, false, false
	for _, m := range in.Meta {
		r.join(m.Name, m.Value)
	}
	for i, name := range r.pipe.fields {
		if i >= len(in.Fields) {
			break
		}
		if in.Fields[i].Type == model.TypeNone || r.pipe.silent[name] {
			continue
		}
		if r.base.Has(name) {
			name = r.own.suffixed(name)
			if _, ok := r.pipe.fieldIndex(name); !ok { // nobody asks for it
				continue
			}
		}
		if r.slot(name) != nil {
			continue
		}
		if v := in.Fields[i].String(); v != "" {
			r.over = append(r.over, slot{name: name, value: v, meta: true})
		}
	}
	if r.pipe.level && r.base.Get(LevelLabel) == "" && r.slot(LevelLabel) == nil {
		r.over = append(r.over, slot{name: LevelLabel, value: r.detectLevel(), meta: true})
	}
}

// join adds structured metadata to the row's labels.
func (r *row) join(name, value string) {
	switch name {
	case ErrorLabel:
		r.err = value
		return
	case ErrorDetailsLabel:
		r.details = value
		return
	}
	if r.base.Has(name) {
		name = r.own.suffixed(name)
	}
	if s := r.slot(name); s != nil {
		s.value = value
		return
	}
	r.over = append(r.over, slot{name: name, value: value, meta: true})
}

// slot returns the slot of a name, or nil.
func (r *row) slot(name string) *slot {
	for i := range r.over {
		if r.over[i].name == name {
			return &r.over[i]
		}
	}
	return nil
}

// get returns a label's value as it is now.
func (r *row) get(name string) (string, bool) {
	switch name {
	case ErrorLabel:
		return r.err, r.err != ""
	case ErrorDetailsLabel:
		return r.details, r.details != ""
	}
	if s := r.slot(name); s != nil {
		return s.value, !s.gone
	}
	v := r.base.Get(name)
	return v, v != ""
}

// field returns the row's typed field of that name, if it is one that the
// pipeline reads.
func (r *row) field(name string) (model.Value, bool) {
	i, ok := r.pipe.fieldIndex(name)
	if !ok || i >= len(r.fields) || r.fields[i].Type == model.TypeNone {
		return model.Value{}, false
	}
	return r.fields[i], true
}

// valueOf returns what the row has under a name now, with its type where it is
// a field that no stage has changed.
func (r *row) valueOf(name string) model.Value {
	if s := r.slot(name); s != nil && (s.gone || !s.meta) {
		if s.gone {
			return model.Value{}
		}
		return model.Text(s.value)
	}
	if !r.base.Has(name) {
		if v, ok := r.field(name); ok {
			return v
		}
	}
	if v, ok := r.get(name); ok {
		return model.Text(v)
	}
	return model.Value{}
}

// set gives a label a value.
func (r *row) set(name, value string) {
	s := r.slot(name)
	if s == nil {
		r.over = append(r.over, slot{name: name})
		s = &r.over[len(r.over)-1]
	}
	if !s.parsed && r.pipe.wanted[name] {
		r.found++
	}
	*s = slot{name: name, value: value, parsed: true}
}

// remove takes a label away.
func (r *row) remove(name string) {
	s := r.slot(name)
	if s == nil {
		r.over = append(r.over, slot{name: name})
		s = &r.over[len(r.over)-1]
	}
	s.value, s.meta, s.gone = "", false, true
}

// taken reports whether the row had the name before any parser.
func (r *row) taken(name string) bool {
	if r.base.Has(name) {
		return true
	}
	s := r.slot(name)
	return s != nil && s.meta
}

// done reports whether parsers have found everything that matters.
func (r *row) done() bool { return len(r.pipe.wanted) > 0 && r.found == len(r.pipe.wanted) }

// wants reports whether a parser should extract a name.
func (r *row) wants(name string) bool { return r.pipe.wanted == nil || r.pipe.wanted[name] }

// extract gives a name that a parser found a value: the first one counts. It
// reports whether that was of use.
func (r *row) extract(name []byte, value string) bool {
	if len(name) == 0 {
		return false
	}
	n, ok := r.claim(r.own.intern(name))
	if ok {
		r.set(n, value)
		r.looked(n)
	}
	return ok
}

// claim returns the name under which a parser may put what it found as name.
func (r *row) claim(name string) (string, bool) {
	if r.taken(name) {
		name = r.own.suffixed(name)
	}
	if !r.wants(name) {
		return "", false
	}
	s := r.slot(name)
	return name, s == nil || !s.parsed
}

// fail marks the row with an error in place of an earlier one.
func (r *row) fail(err, details string) {
	r.err = err
	if err == ErrJSON || err == ErrLogfmt {
		r.unread = true
	}
	if details != "" {
		r.details = details
	}
}

// each calls visit for every label as it is now, errors included.
func (r *row) each(visit func(name, value string)) {
	for _, l := range r.base {
		if r.slot(l.Name) == nil {
			visit(l.Name, l.Value)
		}
	}
	for i := range r.over {
		if s := &r.over[i]; !s.gone {
			visit(s.name, s.value)
		}
	}
	if r.err != "" {
		visit(ErrorLabel, r.err)
	}
	if r.details != "" {
		visit(ErrorDetailsLabel, r.details)
	}
}

// appendName appends a name with what does not belong into a label name
// replaced by underscores; one that would begin with a digit gets one in
// front.
func appendName(dst []byte, name string) []byte {
	name = trimSpace(name)
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

func trimSpace(s string) string {
	for len(s) > 0 && (s[0] == ' ' || s[0] >= '\t' && s[0] <= '\r') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] >= '\t' && s[len(s)-1] <= '\r') {
		s = s[:len(s)-1]
	}
	return s
}

// clean replaces what is no UTF-8, and the replacement character itself, by
// blanks.
func clean(s string) string {
	bad := false
	for _, c := range s {
		if c == utf8.RuneError {
			bad = true
			break
		}
	}
	if !bad {
		return s
	}
	b := make([]byte, 0, len(s))
	for _, c := range s {
		if c == utf8.RuneError {
			c = ' '
		}
		b = utf8.AppendRune(b, c)
	}
	return string(b)
}
