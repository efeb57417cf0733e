package plan

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tidemark/query/ast"
	"tidemark/query/funcs"
)

// What holds in LogQL alone. Its own server refuses these queries with the
// same words, which people search for and tools compare; the native dialect
// takes them, because they mean something there.

// Division and remainder as LogQL has them: NaN where the divisor is 0.
const (
	OpDivGuarded = "/?"
	OpModGuarded = "%?"
)

func guarded(op string) string {
	switch op {
	case "/":
		return OpDivGuarded
	case "%":
		return OpModGuarded
	}
	return op
}

// signedBase reads -2 ^ 2 as LogQL does, where the sign belongs to the number:
// (-2) ^ 2.
func signedBase(n *ast.Unary) (*ast.Binary, bool) {
	p, ok := n.Expr.(*ast.Binary)
	if !ok || p.Op != "^" {
		return nil, false
	}
	if _, ok := p.LHS.(*ast.Number); !ok {
		return nil, false
	}
	q := *p
	q.LHS = &ast.Unary{Pos: n.Pos, Op: n.Op, Expr: p.LHS}
	return &q, true
}

// literalOfSet words the error of a number beside and, or and unless.
func literalOfSet(n *ast.Binary, left Node) error {
	side, value := "right", n.RHS
	if left.Type() == funcs.Scalar {
		side, value = "left", n.LHS
	}
	text := ast.Print(value, ast.LogQL)
	if f, ok := strip(value).(*ast.Number); ok {
		text = strconv.FormatFloat(f.Value, 'f', 6, 64)
	}
	return fault(n, "unexpected literal for %s leg of logical/set binary operation (%s): %s", side, n.Op, text)
}

// checkAggregate checks the parameter and the grouping of an aggregation.
func checkAggregate(n *ast.Aggregate) error {
	switch n.Op {
	case "topk", "bottomk", "approx_topk":
		if n.Param == nil {
			return fault(n, "parameter required for operation %s", n.Op)
		}
		p, ok := strip(n.Param).(*ast.Number)
		switch {
		case !ok:
			return fault(n.Param, "syntax error: unexpected %s, expecting NUMBER", ast.Print(n.Param, ast.LogQL))
		case p.Value != float64(int64(p.Value)):
			return fault(p, "invalid parameter %s(%s,", n.Op, ast.Print(p, ast.LogQL))
		case p.Value <= 0:
			return fault(p, "invalid parameter (must be greater than 0) %s(%s", n.Op, ast.Print(p, ast.LogQL))
		}
		if n.Op == "approx_topk" && n.Grouping != nil {
			return fault(n, "grouping not allowed for %s aggregation", n.Op)
		}
	}
	return nil
}

// Functions of log ranges: those that take values of an unwrap stage only,
// those that take lines only, and those that may be grouped.
var (
	ofValues = []string{"avg_over_time", "sum_over_time", "max_over_time", "min_over_time", "stddev_over_time", "stdvar_over_time",
		"quantile_over_time", "rate_counter", "first_over_time", "last_over_time"}
	ofLines = []string{"bytes_over_time", "bytes_rate", "count_over_time"}
	grouped = []string{"avg_over_time", "stddev_over_time", "stdvar_over_time", "quantile_over_time", "max_over_time", "min_over_time",
		"first_over_time", "last_over_time"}
)

// checkLogCall checks a function of a log range.
func checkLogCall(n *ast.Call, f *funcs.Func) error {
	if f.Name == "vector" && len(n.Args) == 1 {
		if _, ok := strip(n.Args[0]).(*ast.Number); !ok {
			return fault(n.Args[0], "syntax error: vector takes a number, expecting NUMBER")
		}
	}
	if f.Name == "label_replace" && len(n.Args) == 5 {
		if re, ok := strip(n.Args[4]).(*ast.String); ok {
			if _, err := regexp.Compile("^(?:" + re.Value + ")$"); err != nil {
				return fault(re, "invalid regex in label_replace: %v", err)
			}
		}
	}
	if len(n.Args) == 0 {
		return nil
	}
	s, ok := strip(n.Args[len(n.Args)-1]).(*ast.Selector)
	if !ok || s.Meaning(ast.LogQL) != ast.Logs || !s.HasRange() {
		return nil
	}
	unwraps := slices.ContainsFunc(s.Stages, func(st ast.Stage) bool { _, ok := st.(*ast.Unwrap); return ok })
	switch {
	case n.Grouping != nil && !slices.Contains(grouped, f.Name) && f.Family != "pattern":
		return fault(n, "grouping not allowed for %s aggregation", f.Name)
	case unwraps && slices.Contains(ofLines, f.Name):
		return fault(n, "invalid aggregation %s with unwrap", f.Name)
	case !unwraps && slices.Contains(ofValues, f.Name):
		return fault(n, "invalid aggregation %s without unwrap", f.Name)
	}
	if f.Name == "quantile_over_time" && len(n.Args) == 2 {
		// Loki's grammar has a bare number here, without a sign.
		if _, ok := n.Args[0].(*ast.Number); !ok {
			return fault(n.Args[0], "syntax error: unexpected %s, expecting NUMBER", ast.Print(n.Args[0], ast.LogQL))
		}
	}
	return nil
}

// lokiNumber reports whether a literal is a number, a duration or a size of
// LogQL: hexadecimal numbers want an exponent, and sizes a B and a prefix such
// as k, K or Mi.
func lokiNumber(text string, kind ast.CondKind) bool {
	switch kind {
	case ast.CondPlain:
		_, err := strconv.ParseFloat(text, 64)
		return err == nil
	case ast.CondBytes:
		unit := strings.TrimLeft(text, "0123456789.")
		return strings.Trim(unit, "BikKMGTP") == ""
	}
	return true
}

// withoutFormats leaves out line_format stages whose line nobody looks at, as
// Loki does: rows are counted or unwrapped whatever their line has become, and
// a template that fails then marks no row.
func withoutFormats(args []ast.Expr, f *funcs.Func) []ast.Expr {
	if f.Name == "bytes_over_time" || f.Name == "bytes_rate" {
		return args
	}
	out := slices.Clone(args)
	for i, a := range args {
		if a == nil {
			continue
		}
		s, ok := strip(a).(*ast.Selector)
		if !ok || !slices.ContainsFunc(s.Stages, isFormat) {
			continue
		}
		c := *s
		c.Stages = nil
		for k, st := range s.Stages {
			if !isFormat(st) || slices.ContainsFunc(s.Stages[k:], looksAtLine) {
				c.Stages = append(c.Stages, st)
			}
		}
		out[i] = &c
	}
	return out
}

func isFormat(st ast.Stage) bool {
	_, ok := st.(*ast.LineFormat)
	return ok
}

func looksAtLine(st ast.Stage) bool {
	switch st.(type) {
	case *ast.Parser, *ast.LineFilter, *ast.Shape:
		return true
	}
	return false
}
