package logpipe

import (
	"errors"
	"slices"

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
		steps, err := parsePath(e.Path)
		if err == nil && p.logfmt && (len(steps) != 1 || steps[0].name == "") {
			err = errors.New("want a key")
		}
		if err != nil {
			return nil, errorAt(e.Pos, "extraction path "+e.Path+": "+err.Error())
		}
		p.paths = append(p.paths, path{e.Label, steps})
	}
	return p, nil
}

// parsePath parses a path such as a.b["c d"][0].
func parsePath(s string) ([]step, error) {
	var steps []step
	for i := 0; i < len(s); {
		switch {
		case s[i] == '[' && i+1 < len(s) && s[i+1] == '"':
			var name []byte
			j := i + 2
			for ; j < len(s) && s[j] != '"'; j++ {
				if s[j] == '\\' && j+1 < len(s) {
					j++
				}
				name = append(name, s[j])
			}
			if j+1 >= len(s) || s[j+1] != ']' || len(name) == 0 {
				return nil, errors.New(`want "] after a quoted name`)
			}
			steps = append(steps, step{name: string(name)})
			i = j + 2
		case s[i] == '[':
			j, n := i+1, 0
			for ; j < len(s) && s[j] >= '0' && s[j] <= '9' && n < 1<<20; j++ {
				n = n*10 + int(s[j]-'0')
			}
			if j == i+1 || j >= len(s) || s[j] != ']' {
				return nil, errors.New("want an index and ]")
			}
			steps = append(steps, step{index: n})
			i = j + 1
		case s[i] == '.' && len(steps) > 0 && i+1 < len(s) && s[i+1] != '[' && s[i+1] != '.':
			i++
		default:
			j := i
			for j < len(s) && s[j] != '.' && s[j] != '[' {
				j++
			}
			if j == i || len(steps) > 0 && s[i-1] != '.' {
				return nil, errors.New("want names joined by dots")
			}
			steps = append(steps, step{name: s[i:j]})
			i = j
		}
	}
	if len(steps) == 0 {
		return nil, errors.New("want a name")
	}
	return steps, nil
}

func (p *parser) run(r *row) bool {
	switch {
	case p.logfmt:
		p.runLogfmt(r)
	case len(p.paths) > 0:
		p.runJSONPaths(r)
	default:
		p.runJSON(r)
	}
	return true
}

// assign gives the label of an extraction its value.
func (r *row) assign(label, value string) {
	if w := r.pipe.wanted; w != nil && !w[label] && !w[label+extracted] {
		return
	}
	if r.taken(label) {
		if label += extracted; r.overridden(label) {
			return
		}
	}
	r.set(label, value)
}

func (p *parser) runLogfmt(r *row) {
	sc := logfmtScanner{rest: r.line, strict: p.strict}
	for sc.next() {
		if len(p.paths) > 0 {
			if i := slices.IndexFunc(p.paths, func(q path) bool { return q.steps[0].name == sc.key }); i >= 0 {
				r.assign(p.paths[i].label, sc.value)
			}
			continue
		}
		if sc.value == "" && !p.keepEmpty {
			continue
		}
		r.path = appendName(r.path[:0], sc.key)
		r.extract(r.path, sc.value)
	}
	if sc.err != "" {
		r.fail(ErrLogfmt, sc.err)
	}
}

func (p *parser) runJSON(r *row) {
	sc := jsonScanner{s: r.line}
	r.path = r.path[:0]
	sc.object(r, 0)
	if sc.err != "" {
		r.fail(ErrJSON, sc.err)
	}
}

func (p *parser) runJSONPaths(r *row) {
	if r.line == "" { // has no value at any path, and is no broken object either
		return
	}
	for _, q := range p.paths {
		sc := jsonScanner{s: r.line}
		value, _ := sc.find(q.steps)
		if sc.err != "" {
			r.fail(ErrJSON, sc.err)
			return
		}
		if value != "" {
			r.assign(q.label, value)
		}
	}
}
