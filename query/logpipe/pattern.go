package logpipe

import (
	"fmt"
	"strings"

	"tidemark/query/ast"
)

// A pattern is literal text with captures such as <method> between, which
// stand for any text up to the first occurrence of what follows; <_> has no
// name. Everything else, a lone < included, is literal.

// capture is one <name>; text is the literal behind it, empty at the end.
type capture struct {
	name string // "_" has none
	text string
}

// pattern is a parsed pattern: literal text, then captures.
type pattern struct {
	head     string
	captures []capture
}

func parsePattern(s string) (*pattern, error) {
	p := &pattern{}
	text := func(lit string) {
		if n := len(p.captures); n > 0 {
			p.captures[n-1].text += lit
		} else {
			p.head += lit
		}
	}
	for s != "" {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			text(s)
			break
		}
		text(s[:i])
		s = s[i:]
		n := captureLen(s)
		if n == 0 {
			text("<")
			s = s[1:]
			continue
		}
		if k := len(p.captures); k > 0 && p.captures[k-1].text == "" {
			return nil, fmt.Errorf("captures <%s>%s follow each other without text between", p.captures[k-1].name, s[:n])
		}
		p.captures = append(p.captures, capture{name: s[1 : n-1]})
		s = s[n:]
	}
	return p, nil
}

// captureLen returns the length of <name> at the start of s, or 0.
func captureLen(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] == '>' {
			if i == 1 {
				return 0
			}
			return i + 1
		}
		if !nameByte(s[i], i == 1) {
			return 0
		}
	}
	return 0
}

// patternParser is the stage `| pattern "…"`. It extracts what it can: where
// a literal is missing, the capture before it gets the rest of the line.
type patternParser struct{ p *pattern }

func (*patternParser) readsLine() {}

func compilePattern(st *ast.Parser) (stage, error) {
	p, err := parsePattern(st.Text)
	if err != nil {
		return nil, errorAt(st.Pos, "pattern: "+err.Error())
	}
	names := map[string]bool{}
	for _, c := range p.captures {
		if c.name == "_" {
			continue
		}
		if names[c.name] {
			return nil, errorAt(st.Pos, "pattern: capture <"+c.name+"> is there twice")
		}
		names[c.name] = true
	}
	if len(names) == 0 {
		return nil, errorAt(st.Pos, "pattern: at least one capture is required, such as <method>")
	}
	return &patternParser{p}, nil
}

func (s *patternParser) run(r *row) bool {
	rest, ok := strings.CutPrefix(r.line, s.p.head)
	if !ok || r.line == "" || r.done() {
		return true
	}
	for i := range s.p.captures {
		c := &s.p.captures[i]
		at := len(rest)
		if c.text != "" {
			if at = strings.Index(rest, c.text); at < 0 {
				s.capture(r, c, rest)
				return true
			}
		}
		s.capture(r, c, rest[:at])
		rest = rest[at+len(c.text):]
	}
	return true
}

func (s *patternParser) capture(r *row, c *capture, value string) {
	if c.name == "_" {
		return
	}
	if n, ok := r.claim(c.name); ok {
		r.set(n, value)
		r.looked(n)
	}
}

// linePattern is the pattern of a line filter. As in Loki it may begin
// anywhere in the line where it begins with text, has to account for all that
// follows, and each <_> for at least one byte up to the first occurrence of
// the text behind it.
type linePattern struct{ p *pattern }

func parseLinePattern(s string) (*linePattern, error) {
	p, err := parsePattern(s)
	if err != nil {
		return nil, err
	}
	for _, c := range p.captures {
		if c.name != "_" {
			return nil, fmt.Errorf("named captures are not allowed in a line filter: found <%s>, want <_>", c.name)
		}
	}
	return &linePattern{p}, nil
}

func (l *linePattern) matches(line string) bool {
	p := l.p
	if line == "" || p.head == "" && len(p.captures) == 0 {
		return line == "" && p.head == "" && len(p.captures) == 0
	}
	at := strings.Index(line, p.head)
	if at < 0 {
		return false
	}
	rest := line[at+len(p.head):]
	for _, c := range p.captures {
		if c.text == "" {
			return rest != ""
		}
		if at = strings.Index(rest, c.text); at <= 0 {
			return false
		}
		rest = rest[at+len(c.text):]
	}
	return rest == ""
}
