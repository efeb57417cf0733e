package logpipe

import (
	"regexp"
	"strings"

	"tidemark/query/ast"
)

// lineFilter keeps lines that contain, or match, any of its values; negated,
// lines that contain none.
type lineFilter struct {
	values   []string
	res      []*regexp.Regexp
	patterns []*linePattern
	ips      []addresses
	negate   bool
}

func (*lineFilter) readsLine() {}

func compileLineFilter(st *ast.LineFilter) (stage, error) {
	f := &lineFilter{negate: strings.HasPrefix(st.Op, "!")}
	switch st.Op {
	case "|=", "!=":
		f.values = st.Values
		for _, v := range st.IPs {
			a, err := parseIPs(v)
			if err != nil {
				return nil, errorAt(st.Pos, "line filter: "+err.Error())
			}
			f.ips = append(f.ips, a)
		}
	case "|~", "!~":
		for _, v := range st.Values {
			re, err := regexp.Compile(v)
			if err != nil {
				return nil, errorAt(st.Pos, "line filter: "+err.Error())
			}
			if s, whole := re.LiteralPrefix(); whole {
				f.values = append(f.values, s)
				continue
			}
			f.res = append(f.res, re)
		}
	case "|>", "!>":
		for _, v := range st.Values {
			p, err := parseLinePattern(v)
			if err != nil {
				return nil, errorAt(st.Pos, "line filter: "+err.Error())
			}
			f.patterns = append(f.patterns, p)
		}
	default:
		return nil, errorAt(st.Pos, "unknown line filter "+st.Op)
	}
	return f, nil
}

func (f *lineFilter) run(r *row) bool { return f.contained(r.line) != f.negate }

func (f *lineFilter) contained(line string) bool {
	for _, v := range f.values {
		if strings.Contains(line, v) {
			return true
		}
	}
	for _, re := range f.res {
		if re.MatchString(line) {
			return true
		}
	}
	for _, p := range f.patterns {
		if p.matches(line) {
			return true
		}
	}
	for _, a := range f.ips {
		if a.in(line) {
			return true
		}
	}
	return false
}
