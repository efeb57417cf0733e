package logpipe

import (
	"regexp"
	"strings"

	"tidemark/query/ast"
)

// lineFilter keeps lines that contain, or match, any of its values; negated,
// lines that contain none.
type lineFilter struct {
	values []string
	res    []*regexp.Regexp
	negate bool
}

func compileLineFilter(st *ast.LineFilter) (stage, error) {
	f := &lineFilter{}
	switch st.Op {
	case "|=":
		f.values = st.Values
	case "!=":
		f.values, f.negate = st.Values, true
	case "|~", "!~":
		f.negate = st.Op == "!~"
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
	return false
}
