package logpipe

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"tidemark/query/ast"
	"tidemark/storage/model"
)

// What Loki does and its documentation does not say. Queries that speak to its
// protocol get the same answers (Options.Loki); the native dialect has label
// filters that mean what they say.
//
//   - A label filter looks at a label as soon as a parser finds it: a row is
//     dropped even where a later stage would have changed the label, and a label
//     that is no number marks its row before any filter of errors. That holds
//     for filters of one condition, of which the first for a label counts.
//   - An expression of a label filter is replaced by comparisons where it has the
//     form of some: .* and the empty one keep everything, and text with .* on a
//     side of it, or with alternatives behind it, may be anywhere in the value.
//   - A filter of __error_details__ sees an empty value.
//   - Where line filters are joined by or, those that keep everything do not
//     count, nor do such alternatives of an expression.

// early returns the filters that a parser applies to labels that it finds.
func (c *compiler) early(stages []ast.Stage) (map[string]stage, error) {
	out := map[string]stage{}
	for _, st := range stages {
		f, ok := st.(*ast.LabelFilter)
		if !ok {
			continue
		}
		name := ""
		switch cond := f.Cond.(type) {
		case *ast.CondMatch:
			name = cond.Name
		case *ast.CondNumber:
			name = cond.Name
		case *ast.CondIP:
			name = cond.Name
		default:
			continue
		}
		if out[name] != nil {
			continue
		}
		s, err := c.cond(f.Cond)
		if err != nil {
			return nil, err
		}
		out[name] = s
	}
	return out, nil
}

// looked applies the early filter of a label that a parser has found.
func (r *row) looked(name string) {
	if f := r.pipe.early[name]; f != nil && !f.run(r) {
		r.dropped = true
	}
}

// TextTest returns the test of a label filter of text.
func TextTest(t model.MatchType, value string, loki bool) (func(string) bool, error) {
	if loki && (t == model.MatchRegexp || t == model.MatchNotRegexp) {
		re, err := syntax.Parse(value, syntax.Perl)
		if err != nil {
			return nil, err
		}
		test := simpler(re.Simplify(), equals)
		if test == nil {
			compiled, err := regexp.Compile("^(?:" + value + ")$")
			if err != nil {
				return nil, err
			}
			test = &textTest{keeps: compiled.MatchString}
		}
		if t == model.MatchNotRegexp {
			return func(s string) bool { return !test.keeps(s) }, nil
		}
		return test.keeps, nil
	}
	m, err := model.NewMatcher(t, "", value)
	if err != nil {
		return nil, err
	}
	return m.Matches, nil
}

// textTest is a test of a text.
type textTest struct {
	keeps func(string) bool
	all   bool // keeps everything
}

var everything = &textTest{keeps: func(string) bool { return true }, all: true}

// either joins two tests, of which a may be nil; one that keeps everything does
// not count.
func either(a, b *textTest) *textTest {
	switch {
	case a == nil || a.all:
		return b
	case b.all:
		return a
	}
	return &textTest{keeps: func(s string) bool { return a.keeps(s) || b.keeps(s) }}
}

// contains and equals compare, without regard to case where fold is set.
func contains(text string, fold bool) *textTest {
	if text == "" {
		return everything
	}
	if fold {
		low := strings.ToLower(text)
		return &textTest{keeps: func(s string) bool { return strings.Contains(strings.ToLower(s), low) }}
	}
	return &textTest{keeps: func(s string) bool { return strings.Contains(s, text) }}
}

func equals(text string, fold bool) *textTest {
	if fold {
		return &textTest{keeps: func(s string) bool { return strings.EqualFold(s, text) }}
	}
	return &textTest{keeps: func(s string) bool { return s == text }}
}

func folds(re *syntax.Regexp) bool { return re.Flags&syntax.FoldCase != 0 }

// anything reports whether an expression is .*.
func anything(re *syntax.Regexp) bool {
	return re.Op == syntax.OpStar && re.Sub[0].Op == syntax.OpAnyCharNotNL
}

// uncaptured returns an expression without the captures around it.
func uncaptured(re *syntax.Regexp) *syntax.Regexp {
	for re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	return re
}

// simpler returns comparisons in the place of an expression, or nil. literal is
// the comparison with text that stands alone.
func simpler(re *syntax.Regexp, literal func(text string, fold bool) *textTest) *textTest {
	re = uncaptured(re)
	switch re.Op {
	case syntax.OpEmptyMatch:
		return everything
	case syntax.OpLiteral:
		return literal(string(re.Rune), folds(re))
	case syntax.OpConcat:
		return simplerConcat(re, "", false)
	case syntax.OpStar:
		if anything(re) {
			return everything
		}
	case syntax.OpPlus:
		if re.Sub[0].Op == syntax.OpAnyCharNotNL {
			return &textTest{keeps: func(s string) bool { return s != "" }}
		}
	case syntax.OpAlternate:
		var all *textTest
		for _, sub := range re.Sub {
			one := simpler(sub, literal)
			if one == nil {
				return nil
			}
			all = either(all, one)
		}
		return all
	}
	return nil
}

// simplerConcat is simpler for a sequence of at most three expressions: a
// literal, which comes behind text, with .* and alternatives around it.
func simplerConcat(re *syntax.Regexp, text string, some bool) *textTest {
	var parts []*syntax.Regexp
	for _, sub := range re.Sub {
		if sub = uncaptured(sub); sub.Op != syntax.OpEmptyMatch {
			parts = append(parts, sub)
		}
	}
	if len(parts) > 3 {
		return nil
	}
	var out *textTest
	literal, fold := false, false
	for _, p := range parts {
		switch {
		case p.Op == syntax.OpLiteral && !literal:
			literal, some = true, true
			text += string(p.Rune)
			fold = folds(p)
		case p.Op == syntax.OpAlternate && some:
			for _, alt := range p.Sub {
				alt := uncaptured(alt)
				if !fold && folds(alt) {
					return nil
				}
				var one *textTest
				switch {
				case alt.Op == syntax.OpEmptyMatch, anything(alt):
					one = contains(text, fold)
				case alt.Op == syntax.OpLiteral:
					one = contains(text+string(alt.Rune), fold)
				case alt.Op == syntax.OpConcat:
					one = simplerConcat(alt, text, true)
				}
				if one == nil {
					return nil
				}
				out = either(out, one)
			}
		case anything(p):
		default:
			return nil
		}
	}
	switch {
	case out != nil:
		return out
	case some:
		return contains(text, fold)
	}
	return nil
}

// LokiFilters returns stages whose line filters leave out alternatives that keep
// everything; those without any other stay.
func LokiFilters(stages []ast.Stage) []ast.Stage {
	out := stages
	for i, st := range stages {
		f, ok := st.(*ast.LineFilter)
		if !ok || strings.HasPrefix(f.Op, "!") || f.Op == "|>" {
			continue
		}
		var kept []string
		for _, v := range f.Values {
			if f.Op == "|~" {
				v = narrowed(v)
			}
			if v != "" {
				kept = append(kept, v)
			}
		}
		if len(kept)+len(f.IPs) == 0 || slices.Equal(kept, f.Values) {
			continue
		}
		g := *f
		g.Values = kept
		if len(out) > 0 && &out[0] == &stages[0] {
			out = slices.Clone(stages)
		}
		out[i] = &g
	}
	return out
}

// narrowed returns an expression without alternatives that keep every line, or
// nothing where the whole expression does.
func narrowed(expr string) string {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return expr // compiling it says what is wrong
	}
	re = uncaptured(re.Simplify())
	test := simpler(re, contains)
	switch {
	case test != nil && test.all:
		return ""
	case test == nil || re.Op != syntax.OpAlternate:
		return expr
	}
	var kept []string
	for _, sub := range re.Sub {
		if !simpler(sub, contains).all {
			kept = append(kept, sub.String())
		}
	}
	if len(kept) == len(re.Sub) {
		return expr
	}
	return strings.Join(kept, "|")
}
