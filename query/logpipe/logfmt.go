package logpipe

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// logfmtScanner reads key=value pairs that blanks separate. Values with
// blanks are quoted as in Go; a key alone has the empty value. What is not a
// pair is skipped, or, where strict, ends the line with an error.
type logfmtScanner struct {
	rest       string
	strict     bool
	key, value string
	err        string
	at         int
}

// next moves to the next pair.
func (s *logfmtScanner) next() bool {
	for s.err == "" {
		s.skip(blanks(s.rest))
		if s.rest == "" {
			return false
		}
		n := 0
		for n < len(s.rest) && s.rest[n] > ' ' && s.rest[n] != '=' && s.rest[n] != '"' {
			n++
		}
		if n == 0 || n < len(s.rest) && s.rest[n] == '"' {
			s.bad("unexpected " + strconv.QuoteRune(rune(s.rest[n])))
			s.skipWord()
			continue
		}
		s.key, s.value = s.rest[:n], ""
		s.skip(n)
		if !strings.HasPrefix(s.rest, "=") {
			return true
		}
		s.skip(1)
		if strings.HasPrefix(s.rest, `"`) {
			if why := s.quoted(); why != "" {
				s.bad(why)
				continue
			}
		} else {
			n = 0
			for n < len(s.rest) && s.rest[n] > ' ' && s.rest[n] != '"' && s.rest[n] != '=' {
				n++
			}
			if n < len(s.rest) && s.rest[n] > ' ' {
				s.bad("unexpected " + strconv.QuoteRune(rune(s.rest[n])))
				s.skipWord()
				continue
			}
			s.value = s.rest[:n]
			s.skip(n)
		}
		if strings.ContainsRune(s.value, utf8.RuneError) {
			s.value = ""
		}
		return true
	}
	return false
}

// quoted reads a quoted value and returns what is wrong with it, or "". A
// quote that never ends takes the rest of the line with it.
func (s *logfmtScanner) quoted() (why string) {
	escaped := false
	for i := 1; i < len(s.rest); i++ {
		switch s.rest[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			s.value = s.rest[1:i]
			s.skip(i + 1)
			if escaped {
				v, ok := unescape(strings.ReplaceAll(s.value, `\'`, `'`))
				if !ok {
					return "invalid quoted value"
				}
				s.value = v
			}
			return ""
		}
	}
	s.skip(len(s.rest))
	return "unterminated quoted value"
}

func (s *logfmtScanner) bad(msg string) {
	if s.strict {
		s.err = "logfmt syntax error at pos " + strconv.Itoa(s.at+1) + ": " + msg
	}
}

func (s *logfmtScanner) skip(n int) {
	s.rest = s.rest[n:]
	s.at += n
}

// skipWord moves to the next blank.
func (s *logfmtScanner) skipWord() {
	n := 0
	for n < len(s.rest) && s.rest[n] > ' ' {
		n++
	}
	s.skip(n)
}

func blanks(s string) int {
	n := 0
	for n < len(s) && s[n] <= ' ' {
		n++
	}
	return n
}
