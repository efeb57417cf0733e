package logpipe

import (
	"errors"
	"fmt"

	"tidemark/query/ast"
)

// parser extracts labels from the line.
type parser struct {
	logfmt            bool
	strict, keepEmpty bool
	// paths, where there are any, are the only things extracted.
	paths []path
}

// path is one extraction.
type path struct {
	label string
	steps []step
}

// step is a name or an index on the way to a value.
type step struct {
	name  string
	index int // where name is empty
}

func compileParser(st *ast.Parser) (stage, error) {
	p := &parser{logfmt: st.Name == "logfmt"}
	if !p.logfmt && st.Name != "json" {
		return nil, errorAt(st.Pos, "unknown parser "+st.Name)
	}
	for _, f := range st.Flags {
		switch {
		case f == "--strict" && p.logfmt:
			p.strict = true
		case f == "--keep-empty" && p.logfmt:
			p.keepEmpty = true
		default:
			return nil, errorAt(st.Pos, "unknown flag "+f+" of parser "+st.Name)
		}
	}
	for _, e := range st.Extractions {
		var steps []step
		var err error
		if p.logfmt {
			steps, err = parseKey(e.Path)
		} else {
			steps, err = parsePath(e.Path)
		}
		if err != nil {
			return nil, errorAt(e.Pos, "cannot parse expression ["+e.Path+"]: "+err.Error())
		}
		p.paths = append(p.paths, path{e.Label, steps})
	}
	return p, nil
}

// parseKey parses the path of a logfmt value: a key, quoted or not.
func parseKey(s string) ([]step, error) {
	k := trimSpace(s)
	if n := len(k); n > 1 && k[0] == '"' && k[n-1] == '"' {
		k = k[1 : n-1]
	} else {
		for i := range len(k) {
			if !nameByte(k[i], i == 0) {
				return nil, fmt.Errorf("unexpected %q: want a key", k[i:])
			}
		}
	}
	if k == "" {
		return nil, errors.New("want a key")
	}
	return []step{{name: k}}, nil
}

// parsePath parses a path such as a.b["c d"][0]: names of letters, digits and
// underscores joined by dots, other names in brackets and quotes.
func parsePath(s string) ([]step, error) {
	var steps []step
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n':
			i++
		case c == '[':
			st, n, err := bracketed(s[i:])
			if err != nil {
				return nil, err
			}
			steps = append(steps, st)
			i += n
		case c == '.' && len(steps) > 0:
			if i++; i == len(s) || !nameByte(s[i], true) {
				return nil, errors.New("want a name after the dot")
			}
			fallthrough
		case nameByte(c, true) && len(steps) == 0:
			j := i
			for j < len(s) && nameByte(s[j], false) {
				j++
			}
			steps = append(steps, step{name: s[i:j]})
			i = j
		default:
			return nil, fmt.Errorf("unexpected %q: want names joined by dots, an index as [0] or a name as [\"a b\"]", s[i:])
		}
	}
	if len(steps) == 0 {
		return nil, errors.New("want a name")
	}
	return steps, nil
}

func nameByte(c byte, first bool) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || !first && '0' <= c && c <= '9'
}

// bracketed reads ["name"] or [index] at the start of s.
func bracketed(s string) (st step, n int, err error) {
	if len(s) > 1 && s[1] == '"' {
		var name []byte
		j := 2
		for ; j < len(s) && s[j] != '"'; j++ {
			if s[j] == '\\' && j+1 < len(s) {
				j++
			}
			name = append(name, s[j])
		}
		if j+1 >= len(s) || s[j+1] != ']' || len(name) == 0 {
			return st, 0, errors.New(`want "] after a quoted name`)
		}
		return step{name: string(name)}, j + 2, nil
	}
	j := 1
	for ; j < len(s) && s[j] >= '0' && s[j] <= '9' && st.index < 1<<20; j++ {
		st.index = st.index*10 + int(s[j]-'0')
	}
	if j == 1 || j >= len(s) || s[j] != ']' {
		return st, 0, errors.New("want an index and ]")
	}
	return st, j + 1, nil
}

func (*parser) readsLine() {}

func (p *parser) run(r *row) bool {
	if r.done() {
		return true
	}
	switch {
	case p.logfmt && len(p.paths) > 0:
		p.runLogfmtPaths(r)
	case p.logfmt:
		p.runLogfmt(r)
	case len(p.paths) > 0:
		p.runJSONPaths(r)
	default:
		p.runJSON(r)
	}
	return true
}

func (p *parser) runLogfmt(r *row) {
	sc := logfmtScanner{rest: r.line, strict: p.strict}
	for sc.next() {
		value := clean(sc.value)
		if value == "" && !p.keepEmpty {
			continue
		}
		r.path = appendName(r.path[:0], sc.key)
		if r.extract(r.path, value) && r.done() {
			return
		}
	}
	if sc.err != "" {
		r.fail(ErrLogfmt, sc.err)
		r.looked(ErrorLabel)
	}
}

// runLogfmtPaths extracts named keys. Each label is there even where its key
// is not, with an empty value; of several values of a key the last counts.
func (p *parser) runLogfmtPaths(r *row) {
	for i := range p.paths {
		if l := p.paths[i].label; !r.taken(l) {
			r.set(l, "")
		}
	}
	sc := logfmtScanner{rest: r.line, strict: p.strict}
	for sc.next() {
		r.path = appendName(r.path[:0], sc.key)
		at := -1
		for i := range p.paths {
			switch string(r.path) {
			case p.paths[i].steps[0].name:
				at = i
			case p.paths[i].label:
				if at < 0 {
					at = i
				}
				continue
			default:
				continue
			}
			break
		}
		if at < 0 {
			continue
		}
		label, value := p.paths[at].label, sc.value
		if clean(value) != value {
			value = ""
		}
		if r.taken(label) {
			if label = r.own.suffixed(label); !r.wants(label) {
				continue
			}
		}
		r.set(label, value)
		if r.done() {
			break
		}
	}
	if sc.err != "" {
		r.fail(ErrLogfmt, sc.err)
	}
}

func (p *parser) runJSON(r *row) {
	sc := jsonScanner{s: r.line}
	r.path = r.path[:0]
	sc.object(r, 0)
	if sc.err != "" && !r.done() {
		r.fail(ErrJSON, sc.err)
	}
}

// runJSONPaths extracts the values at paths. A label whose path has no value
// is empty, also where the line breaks off before it.
func (p *parser) runJSONPaths(r *row) {
	if r.line == "" {
		return
	}
	if c := r.line[0]; c != '"' && c != '{' && c != '[' {
		r.fail(ErrJSON, "")
		return
	}
	missing := false
	for i := range p.paths {
		q := &p.paths[i]
		sc := jsonScanner{s: r.line}
		value, found := sc.find(q.steps)
		if !found {
			missing = true
			continue
		}
		label := q.label
		if r.taken(label) {
			label = r.own.suffixed(label)
		}
		r.set(label, clean(value))
	}
	if !missing {
		return
	}
	for i := range p.paths {
		if _, ok := r.get(p.paths[i].label); !ok {
			r.set(p.paths[i].label, "")
		}
	}
}
