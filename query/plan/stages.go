package plan

import (
	"regexp"
	"strings"

	"tidemark/query/ast"
)

// checkStages checks regular expressions and the order of a pipeline: unwrap
// needs a range, comes once, and only label filters may follow it.
func checkStages(s *ast.Selector, d ast.Dialect) error {
	var unwrap *ast.Unwrap
	stages, ends := splitEnds(s.Stages)
	if err := checkEnds(s, ends); err != nil {
		return err
	}
	for _, st := range stages {
		if unwrap != nil {
			if _, ok := st.(*ast.LabelFilter); !ok {
				return fault(st, "only label filters may follow `unwrap`")
			}
		}
		switch st := st.(type) {
		case *ast.Unwrap:
			if !s.HasRange() {
				return fault(st, "`unwrap` makes samples and needs a range, such as `[5m]`")
			}
			unwrap = st
		case *ast.LineFilter:
			if st.Op == "|~" || st.Op == "!~" {
				for _, v := range st.Values {
					if _, err := regexp.Compile(v); err != nil {
						return fault(st, "line filter: %v", err)
					}
				}
			}
		case *ast.LabelFilter:
			if err := checkCond(st.Cond, d); err != nil {
				return err
			}
		case *ast.DropKeep:
			for _, p := range st.Labels {
				if p.Matcher == nil {
					continue
				}
				if err := checkRegexp(p.Matcher.Pos, p.Matcher.Type.String(), p.Matcher.Value); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func checkCond(c ast.Cond, d ast.Dialect) error {
	switch c := c.(type) {
	case *ast.CondBinary:
		if err := checkCond(c.LHS, d); err != nil {
			return err
		}
		return checkCond(c.RHS, d)
	case *ast.CondMatch:
		return checkRegexp(c.Pos, c.Type.String(), c.Value)
	case *ast.CondNumber:
		if d == ast.LogQL && !lokiNumber(strings.TrimLeft(c.Text, "+-"), c.Kind) {
			return faultAt(c.Pos, "syntax error: unable to parse literal as a float: %s; LogQL has decimal numbers and sizes such as 10MB", c.Text)
		}
	}
	return nil
}

func checkRegexp(p ast.Pos, op, value string) error {
	if strings.HasSuffix(op, "~") {
		if _, err := regexp.Compile(value); err != nil {
			return faultAt(p, "label filter: %v", err)
		}
	}
	return nil
}
