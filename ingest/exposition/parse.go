package exposition

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"tidemark/ingest"
	"tidemark/ingest/internal/series"
	"tidemark/storage/model"
)

// state is what one body's decoding needs.
type state struct {
	d      *Decoder
	p      Params
	b      *model.Batch
	origin *series.Origin
	now    int64
	rep    ingest.Report

	hits, misses uint64

	family ingest.Metadata // what is known of the family at hand
}

// fault says where in a line an error is.
type fault struct {
	offset int
	reason string
	tooOld bool
}

func (s *state) run(body []byte) error {
	for line := 1; len(body) > 0; line++ {
		text := body
		if n := bytes.IndexByte(body, '\n'); n >= 0 {
			text, body = body[:n], body[n+1:]
		} else {
			body = nil
		}
		if n := len(text); n > 0 && text[n-1] == '\r' {
			text = text[:n-1]
		}
		at := blanks(text, 0)
		if at == len(text) {
			continue
		}
		if text[at] == '#' {
			if s.p.Describe != nil {
				s.comment(text[at+1:])
			}
			continue
		}
		if s.rep.Accepted+s.rep.Rejected >= s.d.opts.MaxSamples {
			return fmt.Errorf("%w: more than %d samples (MaxSamples); send fewer at a time", ErrTooLarge, s.d.opts.MaxSamples)
		}
		f := s.sample(text, at)
		if f == nil {
			s.rep.Accepted++
			continue
		}
		s.rep.Rejected++
		if f.tooOld {
			s.rep.TooOld++
		}
		if len(s.rep.Errors) < s.d.opts.MaxErrors {
			s.rep.Errors = append(s.rep.Errors, ingest.LineError{Line: line, Column: f.offset + 1,
				Text: string(text[:min(len(text), s.d.opts.MaxErrorText)]), Reason: f.reason})
		}
	}
	return nil
}

// sample decodes a line whose series starts at an offset, and adds it.
func (s *state) sample(line []byte, at int) *fault {
	if len(line) > s.d.opts.MaxLineBytes {
		return &fault{offset: 0, reason: fmt.Sprintf("line has %d bytes: want at most %d (MaxLineBytes)", len(line), s.d.opts.MaxLineBytes)}
	}
	end := seriesEnd(line, at)
	if end < 0 {
		return &fault{offset: at, reason: "labels have no end: want a closing brace, and every quote closed"}
	}
	key := line[at:end]
	se := s.d.cache.Find(s.origin, key)
	known := se != nil
	if !known {
		text := string(key)
		pairs, f := parseSeries(text)
		if f != nil {
			f.offset += at
			return f
		}
		name, own, reason := s.d.opts.SeriesLabels(pairs)
		if reason != "" {
			return &fault{offset: at, reason: reason}
		}
		se = s.d.cache.Add(s.origin, text, name, own)
	}
	pos := blanks(line, end)
	from, pos := pos, word(line, pos)
	v, ok := number(line[from:pos])
	if !ok {
		return &fault{offset: from, reason: fmt.Sprintf("value %q: want a number such as 1.5, NaN or +Inf", clip(line[from:pos]))}
	}
	t := s.now
	from = blanks(line, pos)
	if pos = from; pos < len(line) && line[pos] != '#' {
		pos = word(line, pos)
		if t, ok = s.time(line[from:pos]); !ok {
			want := "milliseconds since 1970 as an integer"
			if s.p.OpenMetrics {
				want = "seconds since 1970"
			}
			return &fault{offset: from, reason: fmt.Sprintf("time %q: want %s, within the years 1678 to 2262", clip(line[from:pos]), want)}
		}
		if pos = blanks(line, pos); pos < len(line) && line[pos] != '#' {
			return &fault{offset: pos, reason: fmt.Sprintf("text after the time: %q", clip(line[pos:]))}
		}
	}
	if s.p.MinTime != 0 && t < s.p.MinTime {
		return &fault{offset: from, tooOld: true, reason: fmt.Sprintf("time %s is older than retention keeps: want one from %s on",
			time.Unix(0, t).UTC().Format(time.RFC3339Nano), time.Unix(0, s.p.MinTime).UTC().Format(time.RFC3339Nano))}
	}
	s.b.Begin(se.Stream, se.Schema, t)
	s.b.Float(v)
	if known {
		s.hits++
	} else {
		s.misses++
	}
	return nil
}

// blanks returns the offset of the first byte from pos on that is no blank.
func blanks(line []byte, pos int) int {
	for pos < len(line) && (line[pos] == ' ' || line[pos] == '\t') {
		pos++
	}
	return pos
}

// word returns the offset of the first blank from pos on, or the end.
func word(line []byte, pos int) int {
	for pos < len(line) && line[pos] != ' ' && line[pos] != '\t' {
		pos++
	}
	return pos
}

// seriesEnd returns the end of the series that starts at pos: behind its
// closing brace, or where its bare name ends. It is -1 where a brace or a
// quote is not closed.
func seriesEnd(line []byte, pos int) int {
	for pos < len(line) && line[pos] != '{' && line[pos] != ' ' && line[pos] != '\t' {
		pos++
	}
	if brace := blanks(line, pos); brace == len(line) || line[brace] != '{' {
		return pos
	} else {
		pos = brace + 1
	}
	for pos < len(line) {
		switch line[pos] {
		case '}':
			return pos + 1
		case '"':
			for pos++; pos < len(line) && line[pos] != '"'; pos++ {
				if line[pos] == '\\' {
					pos++
				}
			}
		}
		pos++
	}
	return -1
}

// number reads a value.
func number(b []byte) (float64, bool) {
	if len(b) == 0 || len(b) > 512 {
		return 0, false
	}
	for _, c := range b {
		if c == '_' || c == 'x' || c == 'X' { // of Go's numbers, but not of the format's
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(string(b), 64)
	return v, err == nil
}

// time reads a time into nanoseconds.
func (s *state) time(b []byte) (int64, bool) {
	if s.p.OpenMetrics {
		return seconds(b)
	}
	const ms, most = int64(time.Millisecond), math.MaxInt64 / int64(time.Millisecond)
	v, err := strconv.ParseInt(string(b), 10, 64)
	return v * ms, err == nil && v <= most && v >= -most
}

// seconds reads decimal seconds, with digits beyond nanoseconds cut off. Times
// written with an exponent are as exact as a float64.
func seconds(b []byte) (int64, bool) {
	const sec, most = int64(time.Second), math.MaxInt64/int64(time.Second) - 1
	if bytes.ContainsAny(b, "eE") {
		v, ok := number(b)
		if !ok || !(math.Abs(v) <= float64(most)) {
			return 0, false
		}
		whole, frac := math.Modf(v)
		return int64(whole)*sec + int64(math.Round(frac*1e9)), true
	}
	whole, frac, _ := bytes.Cut(b, []byte{'.'})
	v, err := strconv.ParseInt(string(whole), 10, 64)
	if err != nil || v > most || v < -most {
		return 0, false
	}
	ns, unit := int64(0), sec
	for _, c := range frac {
		if c < '0' || c > '9' {
			return 0, false
		}
		unit /= 10
		ns += int64(c-'0') * unit
	}
	if b[0] == '-' {
		ns = -ns
	}
	return v*sec + ns, true
}

// parseSeries takes a series apart, whose end seriesEnd found. Texts without
// escapes share key's memory.
func parseSeries(key string) ([]model.Label, *fault) {
	var pairs []model.Label
	pos := 0
	for pos < len(key) && nameByte(key[pos], pos == 0, true) {
		pos++
	}
	if pos > 0 {
		pairs = append(pairs, model.Label{Name: model.MetricName, Value: key[:pos]})
	}
	skip := func() {
		for pos < len(key) && (key[pos] == ' ' || key[pos] == '\t') {
			pos++
		}
	}
	if skip(); pos == len(key) {
		return pairs, nil
	}
	if key[pos] != '{' {
		return nil, &fault{offset: pos, reason: fmt.Sprintf("metric name has %q: want letters, digits, _ and :, no digit first, or the name quoted within braces", key[pos:min(len(key), pos+1)])}
	}
	pos++
	for {
		skip()
		if key[pos] == '}' {
			return pairs, nil
		}
		start := pos
		var l model.Label
		quoted := key[pos] == '"'
		if quoted {
			l.Name, pos = unquote(key, pos)
		} else {
			for nameByte(key[pos], pos == start, false) {
				pos++
			}
			if l.Name = key[start:pos]; pos == start {
				return nil, &fault{offset: pos, reason: fmt.Sprintf("%q: want the name of a label, or a closing brace", key[pos:pos+1])}
			}
		}
		skip()
		switch {
		case key[pos] == '=':
			pos++
			skip()
			if key[pos] != '"' {
				return nil, &fault{offset: pos, reason: fmt.Sprintf("value of label %q: want it quoted", clipString(l.Name))}
			}
			l.Value, pos = unquote(key, pos)
		case quoted && len(pairs) == 0:
			l = model.Label{Name: model.MetricName, Value: l.Name}
		default:
			return nil, &fault{offset: pos, reason: fmt.Sprintf("label %q has no value: want = after its name", clipString(l.Name))}
		}
		pairs = append(pairs, l)
		skip()
		switch key[pos] {
		case ',':
			pos++
		case '}':
		default:
			return nil, &fault{offset: pos, reason: fmt.Sprintf("%q: want a comma or a closing brace", key[pos:pos+1])}
		}
	}
}

// nameByte reports whether a byte may be in an unquoted name.
func nameByte(c byte, first, metric bool) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || '0' <= c && c <= '9' && !first || c == ':' && metric
}

// unquote reads the quoted text at pos, known to have its end within s, and
// returns the offset behind it.
func unquote(s string, pos int) (string, int) {
	start := pos + 1
	end := start
	escaped := false
	for ; s[end] != '"'; end++ {
		if s[end] == '\\' {
			escaped = true
			end++
		}
	}
	text := s[start:end]
	if !escaped {
		return text, end + 1
	}
	return unescaper.Replace(text), end + 1
}

var unescaper = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n")

// clip bounds what a reason quotes.
func clip(b []byte) []byte { return b[:min(len(b), 64)] }

func clipString(s string) string { return s[:min(len(s), 64)] }
