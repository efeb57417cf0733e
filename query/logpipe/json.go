package logpipe

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep objects may be nested.
const maxDepth = 64

// jsonScanner walks one JSON value without building it. It never reads
// beyond the text and never recurses deeper than maxDepth.
type jsonScanner struct {
	s   string
	i   int
	err string
}

func (sc *jsonScanner) fail(want string) bool {
	if sc.err == "" {
		sc.err = "invalid JSON at byte " + strconv.Itoa(sc.i) + ": want " + want
	}
	return false
}

func (sc *jsonScanner) blanks() {
	for sc.i < len(sc.s) {
		switch sc.s[sc.i] {
		case ' ', '\t', '\n', '\r':
			sc.i++
			continue
		}
		return
	}
}

// at reports whether the next character is c, and takes it.
func (sc *jsonScanner) at(c byte) bool {
	sc.blanks()
	if sc.i < len(sc.s) && sc.s[sc.i] == c {
		sc.i++
		return true
	}
	return false
}

// object reads an object and extracts its values into r, under the names in
// r.path joined by underscores. Arrays and nulls are skipped. It stops, without
// an error, once r has all that it wants.
func (sc *jsonScanner) object(r *row, depth int) bool {
	return sc.members(depth, func(raw string) bool {
		key, ok := unescape(raw)
		if !ok {
			return sc.fail("a key that is text")
		}
		prefix := len(r.path)
		if prefix > 0 {
			r.path = append(r.path, '_')
		}
		r.path = appendName(r.path, key)
		defer func() { r.path = r.path[:prefix] }()
		sc.blanks()
		if sc.i < len(sc.s) && sc.s[sc.i] == '{' {
			return sc.object(r, depth+1)
		}
		text, kind, ok := sc.value(depth + 1)
		if !ok {
			return false
		}
		switch kind {
		case 's':
			v, _ := unescape(text)
			return !r.extract(r.path, clean(v)) || !r.done()
		case 'n', 'b':
			return !r.extract(r.path, text) || !r.done()
		}
		return true
	})
}

// members reads an object, calling each with the raw text of every key when
// the scanner is before its value.
func (sc *jsonScanner) members(depth int, each func(rawKey string) bool) bool {
	if depth > maxDepth {
		return sc.fail("at most " + strconv.Itoa(maxDepth) + " levels")
	}
	if !sc.at('{') {
		return sc.fail("an object")
	}
	if sc.at('}') {
		return true
	}
	for {
		sc.blanks()
		key, ok := sc.text()
		if !ok {
			return sc.fail("a key")
		}
		if !sc.at(':') {
			return sc.fail("a colon")
		}
		if !each(key) {
			return false
		}
		if sc.at('}') {
			return true
		}
		if !sc.at(',') {
			return sc.fail("a comma or }")
		}
	}
}

// text reads a quoted string and returns what is between the quotes.
func (sc *jsonScanner) text() (string, bool) {
	if sc.i >= len(sc.s) || sc.s[sc.i] != '"' {
		return "", false
	}
	start := sc.i + 1
	for i := start; i < len(sc.s); i++ {
		switch sc.s[i] {
		case '\\':
			i++
		case '"':
			sc.i = i + 1
			return sc.s[start:i], true
		}
	}
	return "", false
}

// value reads any value and returns its text (of a string what is between
// the quotes) and its kind: s(tring), n(umber), b(oolean), 0 (null), o(bject)
// or a(rray).
func (sc *jsonScanner) value(depth int) (text string, kind byte, ok bool) {
	sc.blanks()
	if sc.i >= len(sc.s) {
		return "", 0, sc.fail("a value")
	}
	start := sc.i
	switch c := sc.s[sc.i]; {
	case c == '"':
		t, ok := sc.text()
		if !ok {
			return "", 0, sc.fail("the end of the text")
		}
		return t, 's', true
	case c == '{':
		ok := sc.members(depth, func(string) bool {
			_, _, ok := sc.value(depth + 1)
			return ok
		})
		return sc.s[start:sc.i], 'o', ok
	case c == '[':
		ok := sc.elements(depth, func(int) bool {
			_, _, ok := sc.value(depth + 1)
			return ok
		})
		return sc.s[start:sc.i], 'a', ok
	case c == '-' || c >= '0' && c <= '9':
		for sc.i < len(sc.s) && strings.IndexByte("+-.eE0123456789", sc.s[sc.i]) >= 0 {
			sc.i++
		}
		return sc.s[start:sc.i], 'n', true
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(sc.s[sc.i:], word) {
			sc.i += len(word)
			if word == "null" {
				return word, 0, true
			}
			return word, 'b', true
		}
	}
	return "", 0, sc.fail("a value")
}

// elements reads an array, calling each with every index when the scanner is
// before that element.
func (sc *jsonScanner) elements(depth int, each func(i int) bool) bool {
	if depth > maxDepth {
		return sc.fail("at most " + strconv.Itoa(maxDepth) + " levels")
	}
	if !sc.at('[') {
		return sc.fail("an array")
	}
	if sc.at(']') {
		return true
	}
	for n := 0; ; n++ {
		if !each(n) {
			return false
		}
		if sc.at(']') {
			return true
		}
		if !sc.at(',') {
			return sc.fail("a comma or ]")
		}
	}
}

// find returns the text of the first value at a path; found is false where
// there is none. Objects and arrays are returned as written.
func (sc *jsonScanner) find(steps []step) (text string, found bool) {
	return sc.findAt(steps, 0)
}

func (sc *jsonScanner) findAt(steps []step, depth int) (text string, found bool) {
	if len(steps) == 0 {
		text, kind, ok := sc.value(depth)
		switch {
		case !ok || kind == 0:
			return "", false
		case kind == 's':
			return unescape(text)
		}
		return text, true
	}
	sc.blanks()
	first := byte(0)
	if sc.i < len(sc.s) {
		first = sc.s[sc.i]
	}
	descend := func(here bool) bool {
		if !here || found {
			_, _, ok := sc.value(depth + 1)
			return ok
		}
		if t, ok := sc.findAt(steps[1:], depth+1); ok {
			text, found = t, true
		}
		return sc.err == ""
	}
	switch {
	case first == '{' && steps[0].name != "":
		sc.members(depth, func(raw string) bool {
			key, _ := unescape(raw)
			return descend(key == steps[0].name)
		})
	case first == '[' && steps[0].name == "":
		sc.elements(depth, func(i int) bool { return descend(i == steps[0].index) })
	case depth == 0 && first != '{' && first != '[' && first != '"':
		sc.fail("an object")
	default:
		sc.value(depth)
	}
	return text, found
}

// unescape resolves the escapes of a JSON string; ok is false for a broken
// one.
func unescape(s string) (out string, ok bool) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b = append(b, s[i])
			continue
		}
		i++
		if i >= len(s) {
			return "", false
		}
		switch s[i] {
		case '"', '\\', '/':
			b = append(b, s[i])
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			c, ok := hex4(s, i+1)
			if !ok {
				return "", false
			}
			i += 4
			if utf16.IsSurrogate(c) {
				low, ok := rune(0), false
				if i+2 < len(s) && s[i+1] == '\\' && s[i+2] == 'u' {
					low, ok = hex4(s, i+3)
				}
				if c = utf16.DecodeRune(c, low); ok && c != utf8.RuneError {
					i += 6
				}
			}
			b = utf8.AppendRune(b, c)
		default:
			return "", false
		}
	}
	return string(b), true
}

// hex4 reads four hexadecimal digits.
func hex4(s string, i int) (rune, bool) {
	if i+4 > len(s) {
		return 0, false
	}
	v, err := strconv.ParseUint(s[i:i+4], 16, 16)
	return rune(v), err == nil
}
