package lineprotocol

import (
	"bytes"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// state is one walk over a body. It is pooled: its scratch memory is kept.
type state struct {
	d    *Decoder
	body []byte
	p    Params
	org  *origin
	now  int64
	rep  ingest.Report
	b    *model.Batch
	// whole is set where nothing follows the body: a last record then needs
	// no line end.
	whole bool

	vals   ingest.Values
	spans  []span // raw names of the record's fields, with equals signs
	types  []model.Type
	text   []byte // unescaped texts of the record
	sigKey []byte

	prev         *entry // of the record before
	hits, misses uint64

	// The timestamp read last, as written and in nanoseconds: neighbours
	// often have the same.
	lastRaw  []byte
	lastTime int64

	// What the record being read has to say beside its values.
	newlines int    // inside its strings
	failed   int    // offset in body of its error
	reason   string // of its error
	resume   int    // where to go on after its error, 0 for the next line
	old      bool   // refused only for its time
	quiet    bool   // the report's error list is full
}

type span struct{ start, end int }

// outcome of reading one record.
type outcome uint8

const (
	accepted   outcome = iota
	refused            // state has the reason
	incomplete         // more input is needed
)

// run decodes records from the body and returns how many bytes it consumed,
// all of them if whole, and how many newlines these hold.
func (s *state) run(firstLine int) (consumed, newlines int) {
	line := firstLine
	lim := &s.d.opts.Limits
	pos := 0
	for pos < len(s.body) {
		start := pos
		for pos < len(s.body) && (s.body[pos] == ' ' || s.body[pos] == '\t') {
			pos++
		}
		if pos == len(s.body) || s.body[pos] == '#' || endsLine(s.body, pos) {
			n := bytes.IndexByte(s.body[pos:], '\n')
			if n < 0 {
				if !s.whole {
					return start, line - firstLine
				}
				break
			}
			pos += n + 1
			line++
			continue
		}
		s.newlines, s.reason, s.resume, s.old = 0, "", 0, false
		end, what := s.record(start, pos)
		switch what {
		case incomplete:
			return start, line - firstLine
		case accepted:
			s.rep.Lines++
			s.rep.Accepted++
			line += s.newlines
			if end > 0 && s.body[end-1] == '\n' {
				line++
			}
		case refused:
			s.rep.Lines++
			s.rep.Rejected++
			if s.old {
				s.rep.TooOld++
			}
			if !s.quiet {
				text := bytes.TrimRight(s.body[start:end], "\r\n")
				s.rep.Errors = append(s.rep.Errors, ingest.LineError{
					Line:   line,
					Column: s.failed - start + 1,
					Text:   string(text[:min(len(text), lim.MaxErrorText)]),
					Reason: s.reason,
				})
				s.quiet = len(s.rep.Errors) >= lim.MaxErrors
			}
			line += bytes.Count(s.body[start:end], []byte{'\n'})
		}
		pos = end
	}
	return len(s.body), line - firstLine
}

// fail notes why the record is refused. value, where not nil, is quoted.
func (s *state) fail(pos int, what string, value []byte, want string) bool {
	s.failed = pos
	switch {
	case s.quiet:
	case value == nil:
		s.reason = what + want
	default:
		s.reason = fmt.Sprintf("%s %q: %s", what, clip(string(value[:min(len(value), 80)])), want)
	}
	return false
}

// afterFailure says where reading goes on: at the next line.
func (s *state) afterFailure() (int, outcome) {
	if s.resume > 0 {
		return s.resume, refused
	}
	n := bytes.IndexByte(s.body[s.failed:], '\n')
	switch {
	case n >= 0:
		return s.failed + n + 1, refused
	case s.whole:
		return len(s.body), refused
	}
	return 0, incomplete
}

// record reads the record of the line that begins at start and whose first
// byte that is no blank is at pos; it adds the row and returns the start of
// what follows.
func (s *state) record(start, pos int) (int, outcome) {
	body := s.body
	tab := s.d.cache.table.Load()

	// The key part: the one that followed last time, or look it up.
	var e *entry
	var slot uint32
	var hash uint64
	var key parsedKey
	if s.prev != nil {
		if next := s.prev.next.Load(); next != 0 {
			if c := tab.at(next - 1); c != nil && c.origin == s.org {
				n := len(c.key)
				if n < len(body)-pos && body[pos+n] == ' ' && string(body[pos:pos+n]) == c.key {
					e, slot, pos = c, next-1, pos+n
				}
			}
		}
	}
	var raw string // of a key that is new
	if e == nil {
		end := keyEnd(body, pos)
		if end < 0 {
			end = pos
			for !endsLine(body, end) {
				end++
			}
			s.fail(end, "missing fields: want a space and field=value after the measurement and tags", nil, "")
			return s.afterFailure()
		}
		k := body[pos:end]
		hash = xxhash.Sum64(k) ^ s.org.seed
		if e, slot = tab.find(hash, s.org, k); e == nil {
			raw = string(k)
			var err *keyError
			if key, err = parseKey(raw, &s.d.opts.Limits); err != nil {
				s.fail(pos+err.offset, err.reason, nil, "")
				return s.afterFailure()
			}
			if r := s.d.opts.CheckOrigin(s.org.db, s.org.tenant); r != "" {
				s.fail(pos, r, nil, "")
				return s.afterFailure()
			}
		}
		pos = end
	}

	// The fields.
	var hint *signature
	if e != nil {
		hint = e.sig.Load()
	}
	pos, sig, ok := s.fields(pos, hint)
	if !ok {
		if s.resume == needMore {
			return 0, incomplete
		}
		return s.afterFailure()
	}

	// The time, and the end of the line.
	pos, t, ok := s.time(pos, start)
	if !ok {
		return s.afterFailure()
	}
	size := pos - start
	if pos < len(body) && body[pos] == '\r' {
		pos++
	}
	if pos < len(body) {
		pos++ // the newline
	} else if !s.whole {
		return 0, incomplete
	}
	if n := s.d.opts.MaxLineBytes; size > n {
		s.resume = pos
		s.fail(start+n, fmt.Sprintf("record has %d bytes: want at most %d (MaxLineBytes)", size, n), nil, "")
		return s.afterFailure()
	}

	// Everything is known to be good: what is new is kept, and the row added.
	var m *measurement
	if e != nil {
		m = e.meas
		s.hits++
	} else {
		m = s.d.schemas.measurement(key.measurement)
		s.misses++
	}
	if sig == nil {
		if sig, ok = s.signature(m); !ok {
			s.resume = pos
			return s.afterFailure()
		}
		s.d.forgetIfFull()
	}
	kind := sig.layout.Schema.Kind
	if kind == model.LogRow {
		if reason := s.d.opts.CheckLogTime(t, s.p.Now); reason != "" {
			s.resume = pos
			s.fail(start+size-1, reason, nil, "")
			return s.afterFailure()
		}
	}
	switch {
	case e == nil:
		e, slot = s.d.insert(&entry{hash: hash, key: raw, origin: s.org, meas: m}, kind, key.tags)
	case e.stream(kind) == nil:
		key, _ := parseKey(e.key, &s.d.opts.Limits) // as when it was new
		e, slot = s.d.insert(e, kind, key.tags)
	}
	e.touch()
	if e.sig.Load() != sig {
		e.sig.Store(sig)
	}
	if s.prev != nil && s.prev.next.Load() != slot+1 {
		s.prev.next.Store(slot + 1)
	}
	s.prev = e
	sig.layout.Append(s.b, e.stream(kind), t, &s.vals)
	if kind == model.LogRow {
		s.rep.LogRows++
	} else {
		s.rep.MetricRows++
	}
	s.rep.Values += len(sig.layout.Schema.Columns)
	return pos, accepted
}

// needMore in state.resume means that a string does not end in the body.
const needMore = -1

// fields reads the field part, from the space before it to the byte after it.
// It returns the signature hint where the fields are just those.
func (s *state) fields(pos int, hint *signature) (next int, sig *signature, ok bool) {
	body := s.body
	s.vals.Reset()
	s.spans, s.types, s.text = s.spans[:0], s.types[:0], s.text[:0]
	for pos < len(body) && body[pos] == ' ' {
		pos++
	}
	if endsLine(body, pos) {
		return 0, nil, s.fail(pos, "missing fields: want field=value after the measurement and tags", nil, "")
	}
	var known []string
	if hint != nil {
		known = hint.names
	}
	same := hint != nil
	for i := 0; ; i++ {
		// The name: the one that was here last time, or look for its end.
		name := pos
		if i < len(known) && len(body)-pos > len(known[i]) && string(body[pos:pos+len(known[i])]) == known[i] {
			pos += len(known[i])
		} else {
			same = false
			if pos, ok = s.fieldName(pos); !ok {
				return 0, nil, false
			}
		}
		if i == s.d.opts.MaxColumns {
			return 0, nil, s.fail(name, fmt.Sprintf("more than %d fields: want at most that many (MaxColumns)", i), nil, "")
		}
		s.spans = append(s.spans, span{name, pos})

		var typ model.Type
		var c byte
		if pos < len(body) {
			c = body[pos]
		}
		switch {
		case c-'0' <= 9 || c == '-' || c == '.':
			w, ty, n, reason := parseNumber(body[pos:])
			if reason != "" {
				return 0, nil, s.failValue(name, pos, reason)
			}
			s.vals.Bits(w)
			typ, pos = ty, pos+n
		case c == '"':
			if pos, ok = s.string(pos); !ok {
				return 0, nil, false
			}
			typ = model.TypeText
		case c == 't' || c == 'T' || c == 'f' || c == 'F':
			v, n := parseBool(body[pos:])
			if n == 0 {
				return 0, nil, s.failValue(name, pos, "want t, true, True, TRUE, f, false, False or FALSE, and double quotes around text")
			}
			if v {
				s.vals.Bits(1)
			} else {
				s.vals.Bits(0)
			}
			typ, pos = model.TypeBool, pos+n
		default:
			return 0, nil, s.failValue(name, pos, notANumber(body[pos:min(len(body), pos+8)]))
		}
		s.types = append(s.types, typ)
		if same && hint.types[i] != typ {
			same = false
		}
		if pos < len(body) && body[pos] == ',' {
			pos++
			continue
		}
		if same && i+1 == len(known) {
			return pos, hint, true
		}
		return pos, nil, true
	}
}

// fieldName returns the place after the equals sign of the field that starts
// at pos.
func (s *state) fieldName(pos int) (next int, ok bool) {
	body := s.body
	i := pos
scan:
	for ; i < len(body); i++ {
		switch body[i] {
		case '\\':
			if i+1 < len(body) && (body[i+1] == ',' || body[i+1] == ' ' || body[i+1] == '=') {
				i++
			}
		case '=':
			if i == pos {
				return 0, s.fail(pos, "missing field key: want field=value", nil, "")
			}
			return i + 1, true
		case ' ', ',', '\n':
			break scan
		}
	}
	name := bytes.TrimRight(body[pos:i], "\r")
	if len(name) == 0 {
		return 0, s.fail(pos, "missing field key: want field=value", nil, "")
	}
	return 0, s.fail(i, "missing value of field", name, "want = and a value after the name")
}

// failValue notes that the value at pos of the field whose name starts at
// name is refused.
func (s *state) failValue(name, pos int, want string) bool {
	if s.quiet {
		return s.fail(pos, "", nil, "")
	}
	end := pos
	for !endsValue(s.body, end) {
		end++
	}
	field := clip(string(s.body[name : pos-1]))
	if end == pos {
		return s.fail(pos, fmt.Sprintf("missing value of field %q: ", field), nil, want)
	}
	return s.fail(pos, fmt.Sprintf("field %q has value", field), s.body[pos:end], want)
}

// string reads the string whose opening quote is at pos.
func (s *state) string(pos int) (next int, ok bool) {
	body := s.body
	end := pos + 1
	for {
		n := bytes.IndexByte(body[end:], '"')
		if n < 0 {
			return 0, s.unclosed(pos)
		}
		end += n
		back := end
		for body[back-1] == '\\' {
			back-- // stops at the opening quote at the latest
		}
		if (end-back)%2 == 0 {
			break
		}
		end++
	}
	text := body[pos+1 : end]
	if n := bytes.IndexByte(text, '\n'); n >= 0 {
		if !endsValue(body, end+1) {
			s.resume = pos + 1 + n + 1
			return 0, s.fail(pos, "string is not closed on its line: want a double quote and then a comma, a space or the line's end", nil, "")
		}
		s.newlines += bytes.Count(text[n:], []byte{'\n'})
	}
	if !endsValue(body, end+1) {
		return 0, s.fail(end+1, "text after a string: want a comma, a space or the line's end, and a backslash before a double quote inside a string", nil, "")
	}
	if n := bytes.IndexByte(text, '\\'); n >= 0 {
		start := len(s.text)
		for i := 0; i < len(text); i++ {
			if text[i] == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\') {
				i++
			}
			s.text = append(s.text, text[i])
		}
		text = s.text[start:]
	}
	s.vals.Text(text)
	return end + 1, true
}

// unclosed notes that the string that opens at pos has no end in the body.
// No later string can open either: its quote would have closed this one. So
// reading on at the next line does not search in vain again.
func (s *state) unclosed(pos int) bool {
	if !s.whole {
		s.resume = needMore
		return false
	}
	if n := bytes.IndexByte(s.body[pos:], '\n'); n >= 0 {
		s.resume = pos + n + 1
	}
	return s.fail(pos, "string is not closed: want a double quote at its end", nil, "")
}

// time reads what follows the fields, up to the line's end.
func (s *state) time(pos, start int) (next int, t int64, ok bool) {
	body := s.body
	for pos < len(body) && body[pos] == ' ' {
		pos++
	}
	at := pos
	if endsLine(body, pos) {
		t, at = s.now, start
	} else if n := len(s.lastRaw); n > 0 && n < len(body)-pos && string(body[pos:pos+n]) == string(s.lastRaw) &&
		(body[pos+n] == '\n' || body[pos+n] == '\r' || body[pos+n] == ' ') {
		t = s.lastTime
		pos += n
	} else {
		end := pos
		for end < len(body) && body[end] != ' ' && !endsLine(body, end) {
			end++
		}
		var reason string
		if t, reason = parseTime(body[pos:end], s.p.Precision); reason != "" {
			return 0, 0, s.fail(pos, "timestamp", body[pos:end], reason)
		}
		s.lastRaw, s.lastTime = body[pos:end], t
		pos = end
	}
	for pos < len(body) && body[pos] == ' ' {
		pos++
	}
	if !endsLine(body, pos) {
		end := pos
		for !endsLine(body, end) {
			end++
		}
		return 0, 0, s.fail(pos, "text after the timestamp", body[pos:end], "want the line's end")
	}
	if s.p.MinTime != 0 && t < s.p.MinTime {
		s.old = true
		s.fail(at, "", nil, "")
		if !s.quiet {
			s.reason = fmt.Sprintf("time %s is too old: want one from %s on, which retention keeps",
				time.Unix(0, t).UTC().Format(time.RFC3339Nano), time.Unix(0, s.p.MinTime).UTC().Format(time.RFC3339Nano))
		}
		return 0, 0, false
	}
	return pos, t, true
}

// signature finds or makes the signature of the fields read last.
func (s *state) signature(m *measurement) (*signature, bool) {
	s.sigKey = s.sigKey[:0]
	for i, sp := range s.spans {
		s.sigKey = append(s.sigKey, s.body[sp.start:sp.end]...)
		s.sigKey = append(s.sigKey, byte(s.types[i]))
	}
	if sig := m.find(s.sigKey); sig != nil {
		return sig, true
	}
	sig := &signature{}
	fields := make([]ingest.Field, 0, len(s.spans))
	for i, sp := range s.spans {
		raw := string(s.body[sp.start:sp.end])
		name := unescape(raw[:len(raw)-1], ",= ")
		if r := s.d.opts.CheckField(name); r != "" {
			return nil, s.fail(sp.start, r, nil, "")
		}
		sig.names = append(sig.names, raw)
		sig.types = append(sig.types, s.types[i])
		fields = append(fields, ingest.Field{Name: name, Type: s.types[i]})
	}
	sig.layout = s.d.opts.NewLayout(m.name, fields)
	sig = s.d.schemas.add(m, s.sigKey, sig)
	return sig, true
}
