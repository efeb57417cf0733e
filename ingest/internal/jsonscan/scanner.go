// Package jsonscan walks JSON (RFC 8259) in memory, value by value, for
// decoders that know what they look for. It builds no tree, uses no
// recursion, and allocates nothing but the bytes of strings with escapes.
//
// It is strict: what is no JSON is refused with its place. Three things are
// left as they are: bytes of strings that are not UTF-8 are passed on
// unchanged, names of an object may repeat, and half of a surrogate pair,
// which UTF-8 cannot hold, becomes U+FFFD.
package jsonscan

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth bounds the nesting of arrays and objects.
const MaxDepth = 128

// Scanner reads one text. Its methods take an offset and return the one
// behind what they read; where they return false, At and Reason say what was
// wrong and where. The zero value is ready for Reset.
type Scanner struct {
	// B is the text.
	B []byte
	// At is the offset of what was refused, Reason says why.
	At     int
	Reason string

	text []byte // strings that had escapes
}

// Reset begins another text. Strings of the one before are no longer valid.
func (s *Scanner) Reset(b []byte) {
	s.B, s.At, s.Reason, s.text = b, 0, "", s.text[:0]
}

// Forget drops the text, so that a pooled scanner does not keep it alive.
func (s *Scanner) Forget() {
	if cap(s.text) > 1<<20 {
		s.text = nil
	}
	s.Reset(nil)
}

// Fail notes why the text is refused, and returns false.
func (s *Scanner) Fail(at int, reason string) bool {
	s.At, s.Reason = at, reason
	return false
}

// Space returns the offset of the first byte from i on that is no blank.
func (s *Scanner) Space(i int) int {
	for i < len(s.B) && (s.B[i] == ' ' || s.B[i] == '\n' || s.B[i] == '\r' || s.B[i] == '\t') {
		i++
	}
	return i
}

// Byte returns the byte at i, or 0 at the end.
func (s *Scanner) Byte(i int) byte {
	if i < len(s.B) {
		return s.B[i]
	}
	return 0
}

// Want skips blanks and the byte c, which must follow.
func (s *Scanner) Want(i int, c byte) (next int, ok bool) {
	i = s.Space(i)
	if s.Byte(i) != c || i >= len(s.B) {
		return i, s.unexpected(i, fmt.Sprintf("want %q", c))
	}
	return i + 1, true
}

func (s *Scanner) unexpected(i int, want string) bool {
	if i >= len(s.B) {
		return s.Fail(i, "the text ends: "+want)
	}
	r, _ := utf8.DecodeRune(s.B[i:])
	return s.Fail(i, fmt.Sprintf("unexpected %q: %s", r, want))
}

// plain has the bytes that stand for themselves within a string.
var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return t
}()

// String reads the string whose opening quote is at i. v aliases the text, or
// where it had escapes the scanner's memory until Reset.
func (s *Scanner) String(i int) (v []byte, next int, ok bool) {
	b := s.B
	if i >= len(b) || b[i] != '"' {
		return nil, i, s.unexpected(i, "want a string")
	}
	start := i + 1
	for i = start; i < len(b) && plain[b[i]]; i++ {
	}
	if i < len(b) && b[i] == '"' {
		return b[start:i:i], i + 1, true
	}
	from := len(s.text)
	for {
		s.text = append(s.text, b[start:i]...)
		switch {
		case i >= len(b):
			return nil, i, s.Fail(i, "the text ends within a string: want a double quote")
		case b[i] == '"':
			return s.text[from:len(s.text):len(s.text)], i + 1, true
		case b[i] < ' ':
			return nil, i, s.Fail(i, fmt.Sprintf("control character %#02x within a string: want it escaped", b[i]))
		}
		if i, ok = s.escape(i); !ok {
			return nil, i, false
		}
		for start = i; i < len(b) && plain[b[i]]; i++ {
		}
	}
}

// escape reads the escape sequence at i and appends what it stands for.
func (s *Scanner) escape(i int) (next int, ok bool) {
	switch c := s.Byte(i + 1); c {
	case '"', '\\', '/':
		s.text = append(s.text, c)
	case 'b':
		s.text = append(s.text, '\b')
	case 'f':
		s.text = append(s.text, '\f')
	case 'n':
		s.text = append(s.text, '\n')
	case 'r':
		s.text = append(s.text, '\r')
	case 't':
		s.text = append(s.text, '\t')
	case 'u':
		r, ok := s.hex4(i + 2)
		if !ok {
			return i, s.Fail(i, `bad escape: want \u and four hexadecimal digits`)
		}
		n := 6
		if utf16.IsSurrogate(r) {
			pair := rune(utf8.RuneError)
			if s.Byte(i+6) == '\\' && s.Byte(i+7) == 'u' {
				if low, ok := s.hex4(i + 8); ok {
					pair = utf16.DecodeRune(r, low)
				}
			}
			if r = pair; pair != utf8.RuneError {
				n = 12
			}
		}
		s.text = utf8.AppendRune(s.text, r)
		return i + n, true
	default:
		return i, s.Fail(i, `bad escape: want one of \" \\ \/ \b \f \n \r \t \u`)
	}
	return i + 2, true
}

func (s *Scanner) hex4(i int) (r rune, ok bool) {
	if len(s.B)-i < 4 {
		return 0, false
	}
	for _, c := range s.B[i : i+4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// Number reads the number at i; integer says that it has neither fraction nor
// exponent.
func (s *Scanner) Number(i int) (next int, integer, ok bool) {
	b := s.B
	if s.Byte(i) == '-' {
		i++
	}
	switch c := s.Byte(i); {
	case c == '0':
		i++
	case '1' <= c && c <= '9':
		i = digits(b, i)
	default:
		return i, false, s.unexpected(i, "want a digit")
	}
	integer = true
	if s.Byte(i) == '.' {
		integer = false
		from := i + 1
		if i = digits(b, from); i == from {
			return i, false, s.unexpected(i, "want a digit after the point")
		}
	}
	if c := s.Byte(i); c == 'e' || c == 'E' {
		integer = false
		i++
		if c := s.Byte(i); c == '+' || c == '-' {
			i++
		}
		from := i
		if i = digits(b, from); i == from {
			return i, false, s.unexpected(i, "want a digit of the exponent")
		}
	}
	return i, integer, true
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// Literal reads true, false or null at i.
func (s *Scanner) Literal(i int) (next int, ok bool) {
	for _, w := range [3]string{"true", "false", "null"} {
		if len(s.B)-i >= len(w) && string(s.B[i:i+len(w)]) == w {
			return i + len(w), true
		}
	}
	return i, s.unexpected(i, "want a value")
}

// Skip reads any value at i, behind blanks.
func (s *Scanner) Skip(i int) (next int, ok bool) {
	var stack [MaxDepth]byte
	depth := 0
	mark := len(s.text) // what strings leave here is not wanted
	defer func() { s.text = s.text[:mark] }()
	for {
		// A value.
		i = s.Space(i)
		switch c := s.Byte(i); {
		case c == '"':
			if _, i, ok = s.String(i); !ok {
				return i, false
			}
		case c == '{' || c == '[':
			if depth == MaxDepth {
				return i, s.Fail(i, fmt.Sprintf("nesting is deeper than %d (MaxDepth)", MaxDepth))
			}
			end := s.Space(i + 1)
			if s.Byte(end) == c+2 {
				i = end + 1
				break
			}
			stack[depth] = c
			depth++
			i = end
			if c == '{' {
				if i, ok = s.name(i); !ok {
					return i, false
				}
			}
			continue
		case c == '-' || c-'0' <= 9:
			if i, _, ok = s.Number(i); !ok {
				return i, false
			}
		default:
			if i, ok = s.Literal(i); !ok {
				return i, false
			}
		}
		// What follows it.
		for {
			if depth == 0 {
				return i, true
			}
			i = s.Space(i)
			top := stack[depth-1]
			c := s.Byte(i)
			if c == top+2 { // the closing brace or bracket
				depth--
				i++
				continue
			}
			if c != ',' {
				return i, s.unexpected(i, fmt.Sprintf("want a comma or %q", top+2))
			}
			i++
			if top == '{' {
				if i, ok = s.name(s.Space(i)); !ok {
					return i, false
				}
			}
			break
		}
	}
}

// name skips a name of an object and its colon.
func (s *Scanner) name(i int) (next int, ok bool) {
	if _, i, ok = s.String(i); !ok {
		return i, false
	}
	return s.Want(i, ':')
}

// Name reads a name of an object, behind blanks, and its colon, and returns
// the offset of the value.
func (s *Scanner) Name(i int) (name []byte, next int, ok bool) {
	if name, i, ok = s.String(s.Space(i)); !ok {
		return nil, i, false
	}
	if i, ok = s.Want(i, ':'); !ok {
		return nil, i, false
	}
	return name, s.Space(i), true
}

// More reads what follows an element: a comma, then more is true, or the
// closing brace or bracket.
func (s *Scanner) More(i int, closing byte) (next int, more, ok bool) {
	i = s.Space(i)
	switch c := s.Byte(i); {
	case i >= len(s.B):
	case c == ',':
		return i + 1, true, true
	case c == closing:
		return i + 1, false, true
	}
	return i, false, s.unexpected(i, fmt.Sprintf("want a comma or %q", closing))
}

// End checks that only blanks follow.
func (s *Scanner) End(i int) bool {
	if i = s.Space(i); i < len(s.B) {
		return s.unexpected(i, "want the end of the text")
	}
	return true
}
