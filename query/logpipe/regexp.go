package logpipe

import (
	"regexp"

	"tidemark/query/ast"
)

// regexpParser is the stage `| regexp "…"`: named groups of the first match
// become labels, an empty one where its group took no part.
type regexpParser struct {
	re    *regexp.Regexp
	names []string
}

func (*regexpParser) readsLine() {}

func compileRegexp(st *ast.Parser) (stage, error) {
	re, err := regexp.Compile(st.Text)
	if err != nil {
		return nil, errorAt(st.Pos, "regexp: "+err.Error())
	}
	p := &regexpParser{re: re, names: re.SubexpNames()}
	seen := map[string]bool{}
	for _, n := range p.names {
		if n == "" {
			continue
		}
		if seen[n] {
			return nil, errorAt(st.Pos, "regexp: duplicate extracted label name '"+n+"'")
		}
		seen[n] = true
	}
	if len(seen) == 0 {
		return nil, errorAt(st.Pos, "regexp: at least one named capture must be supplied, such as (?P<status>\\d+)")
	}
	return p, nil
}

func (p *regexpParser) run(r *row) bool {
	if r.done() {
		return true
	}
	at := p.re.FindStringSubmatchIndex(r.line)
	if at == nil {
		return true
	}
	for i, n := range p.names {
		if n == "" {
			continue
		}
		value := ""
		if at[2*i] >= 0 {
			value = r.line[at[2*i]:at[2*i+1]]
		}
		r.path = appendName(r.path[:0], n)
		r.extract(r.path, value)
	}
	return true
}
