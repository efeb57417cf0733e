// Package loglevel finds the level of a log line, as Loki's label
// detected_level has it. It is pure and used where rows come in as well as
// where queries ask for the level of rows that came without one.
package loglevel

import "strings"

// Levels.
const (
	Trace    = "trace"
	Debug    = "debug"
	Info     = "info"
	Warn     = "warn"
	Error    = "error"
	Critical = "critical"
	Fatal    = "fatal"
	Unknown  = "unknown"
)

// Names are the names of labels and fields that hold a level, in the order in
// which they count.
var Names = []string{
	"level", "LEVEL", "Level", "log.level", "severity", "SEVERITY", "Severity", "SeverityText",
	"lvl", "LVL", "Lvl", "severity_text", "Severity_Text", "SEVERITY_TEXT",
}

// Normalize returns the level that a value such as WARNING or err stands for,
// or the value itself where it stands for none.
func Normalize(v string) string {
	if l := known(v); l != "" {
		return l
	}
	return v
}

// known returns the level that a value stands for, or "".
func known(v string) string {
	if len(v) < 3 || len(v) > 11 {
		return ""
	}
	is := func(words ...string) bool {
		for _, w := range words {
			if strings.EqualFold(v, w) {
				return true
			}
		}
		return false
	}
	switch v[0] | 0x20 {
	case 't':
		if is("trace", "trc") {
			return Trace
		}
	case 'd':
		if is("debug", "dbg") {
			return Debug
		}
	case 'i':
		if is("info", "inf", "information") {
			return Info
		}
	case 'w':
		if is("warn", "wrn", "warning") {
			return Warn
		}
	case 'e':
		if is("error", "err") {
			return Error
		}
	case 'c':
		if is("critical") {
			return Critical
		}
	case 'f':
		if is("fatal") {
			return Fatal
		}
	}
	return ""
}

// OfSeverity returns the level of an OpenTelemetry severity number.
func OfSeverity(n int) string {
	switch {
	case n <= 0 || n > 24:
		return Unknown
	case n <= 4:
		return Trace
	case n <= 8:
		return Debug
	case n <= 12:
		return Info
	case n <= 16:
		return Warn
	case n <= 20:
		return Error
	}
	return Fatal
}

// Detect returns the level that a line tells: that of a field called like a
// level where the line is JSON (two levels deep) or logfmt, otherwise that of
// the first word that is the name of one, or Unknown. O(n) without
// allocations.
func Detect(line string) string {
	v := ""
	switch {
	case isJSON(line):
		s := json{s: line}
		s.object(0)
		v = s.found
	case strings.IndexByte(line, '=') >= 0:
		v = logfmt(line)
	}
	if l := known(v); l != "" {
		return l
	}
	return word(line)
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isJSON(s string) bool {
	i, j := 0, len(s)-1
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	for j > i && isSpace(s[j]) {
		j--
	}
	return i < j && s[i] == '{' && s[j] == '}'
}

// rank returns the place of a name among Names, or len(Names); fold ignores
// case.
func rank(name string, fold bool) int {
	switch len(name) { // of all the names
	case 3, 5, 8, 9, 12, 13:
	default:
		return len(Names)
	}
	for i, n := range Names {
		if n == name || fold && strings.EqualFold(n, name) {
			return i
		}
	}
	return len(Names)
}

// logfmt returns the value of the best key of a line of key=value pairs.
func logfmt(s string) string {
	best, value := len(Names), ""
	for s != "" {
		for s != "" && s[0] <= ' ' {
			s = s[1:]
		}
		n := 0
		for n < len(s) && s[n] > ' ' && s[n] != '=' && s[n] != '"' {
			n++
		}
		key := s[:n]
		if n < len(s) && s[n] == '"' || n == 0 && s != "" {
			return value // no pair, and what follows is no logfmt
		}
		if s = s[n:]; s == "" || s[0] != '=' {
			continue
		}
		s = s[1:]
		v := ""
		if strings.HasPrefix(s, `"`) {
			end := 1
			for end < len(s) && s[end] != '"' {
				if s[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(s) {
				return value
			}
			v, s = s[1:end], s[end+1:]
		} else {
			n = 0
			for n < len(s) && s[n] > ' ' && s[n] != '=' && s[n] != '"' {
				n++
			}
			if n < len(s) && s[n] > ' ' {
				return value
			}
			v, s = s[:n], s[n:]
		}
		if r := rank(key, true); r < best {
			if best, value = r, v; r == 0 {
				return value
			}
		}
	}
	return value
}

// jsonDepth is how deep objects are searched.
const jsonDepth = 2

// json looks for a text under the name of a level in an object.
type json struct {
	s     string
	i     int
	found string
}

func (j *json) blanks() {
	for j.i < len(j.s) && isSpace(j.s[j.i]) {
		j.i++
	}
}

func (j *json) take(c byte) bool {
	j.blanks()
	if j.i < len(j.s) && j.s[j.i] == c {
		j.i++
		return true
	}
	return false
}

// object reads an object; it reports false to stop: at what was looked for, or
// at what is no JSON.
func (j *json) object(depth int) bool {
	if !j.take('{') {
		return false
	}
	if j.take('}') {
		return true
	}
	for {
		j.blanks()
		key, ok := j.text()
		if !ok || !j.take(':') {
			return false
		}
		j.blanks()
		if j.i >= len(j.s) {
			return false
		}
		switch j.s[j.i] {
		case '"':
			v, ok := j.text()
			if !ok {
				return false
			}
			if rank(key, false) < len(Names) {
				j.found = v
				return false
			}
		case '{':
			if depth+1 < jsonDepth {
				if !j.object(depth + 1) {
					return false
				}
			} else if !j.skip() {
				return false
			}
		default:
			if !j.skip() {
				return false
			}
		}
		if j.take('}') {
			return true
		}
		if !j.take(',') {
			return false
		}
	}
}

func (j *json) text() (string, bool) {
	if j.i >= len(j.s) || j.s[j.i] != '"' {
		return "", false
	}
	for k := j.i + 1; k < len(j.s); k++ {
		switch j.s[k] {
		case '\\':
			k++
		case '"':
			v := j.s[j.i+1 : k]
			j.i = k + 1
			return v, true
		}
	}
	return "", false
}

// skip moves past a value: up to the comma or bracket that ends it.
func (j *json) skip() bool {
	depth := 0
	for j.i < len(j.s) {
		switch j.s[j.i] {
		case '"':
			if _, ok := j.text(); !ok {
				return false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return true
			}
			depth--
		case ',':
			if depth == 0 {
				return true
			}
		}
		j.i++
	}
	return false
}

// words are what the first word that names a level can be.
var words = [...]struct{ word, level string }{
	{"trace", Trace}, {"debug", Debug}, {"fatal", Fatal}, {"critical", Critical}, {"error", Error},
	{"err", Error}, {"warning", Warn}, {"warn", Warn}, {"info", Info},
}

// word returns the level of the first word of a line that names one.
func word(s string) string {
	for i := 0; i < len(s); i++ {
		switch s[i] | 0x20 {
		case 't', 'd', 'f', 'c', 'e', 'w', 'i':
		default:
			continue
		}
		if i > 0 && strings.IndexByte(" \t\n[({\"'=|", s[i-1]) < 0 {
			continue
		}
		for _, w := range words {
			end := i + len(w.word)
			if end <= len(s) && strings.EqualFold(s[i:end], w.word) && (end == len(s) || strings.IndexByte(" \t\n[](){}:,!\"'=|", s[end]) >= 0) {
				return w.level
			}
		}
	}
	return Unknown
}
