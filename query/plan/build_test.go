package plan_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"tidemark/query/ast"
	"tidemark/query/parse"
	"tidemark/query/plan"
)

// The commands of the test files: each line of input is a query.
//
//	plan    the plan as operator(operands): type
//	errors  the error's text; none may be missing
func TestBuild(t *testing.T) {
	dialects := map[string]ast.Dialect{"native": ast.Native, "promql": ast.PromQL, "logql": ast.LogQL}
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, td *datadriven.TestData) string {
			name := "native"
			td.MaybeScanArgs(t, "dialect", &name)
			d, ok := dialects[name]
			if !ok {
				t.Fatalf("no dialect %q", name)
			}
			var out strings.Builder
			for _, text := range strings.Split(td.Input, "\n") {
				e, err := parse.Parse(text, d)
				if err != nil {
					t.Errorf("%s: %s: want an error of planning, got one of parsing: %v", td.Pos, text, err)
					continue
				}
				n, err := plan.Build(e, d)
				switch {
				case err != nil:
					if _, ok := err.(*ast.Error); !ok {
						t.Errorf("%s: error %T: want *ast.Error", text, err)
					}
					fmt.Fprintf(&out, "%v\n", err)
				case td.Cmd == "plan":
					fmt.Fprintf(&out, "%s: %s\n", describe(n), n.Type())
				default:
					fmt.Fprintf(&out, "no error: %s\n", describe(n))
				}
			}
			return out.String()
		})
	})
}

// describe prints a plan.
func describe(n plan.Node) string {
	list := func(ns []plan.Node) string {
		s := make([]string, len(ns))
		for i, n := range ns {
			s[i] = describe(n)
		}
		return strings.Join(s, ", ")
	}
	when := func(w plan.When) string {
		s := ""
		if w.Offset != 0 {
			s += " offset " + ast.FormatDuration(w.Offset)
		}
		switch w.At.Kind {
		case ast.AtTime:
			s += fmt.Sprintf(" at %dms", w.At.Time)
		case ast.AtStart:
			s += " at start"
		case ast.AtEnd:
			s += " at end"
		}
		return s
	}
	grouping := func(g *ast.Grouping) string {
		if g == nil {
			return ""
		}
		if g.Without {
			return fmt.Sprintf(" without %v", g.Labels)
		}
		return fmt.Sprintf(" by %v", g.Labels)
	}
	matching := func(m *ast.Matching) string {
		if m == nil {
			return ""
		}
		how := " ignoring"
		if m.On {
			how = " on"
		}
		card := [...]string{"one to one", "many to one", "one to many", "many to many"}[m.Card]
		return fmt.Sprintf("%s %v %s %v", how, m.Labels, card, m.Include)
	}
	switch n := n.(type) {
	case nil:
		return "_"
	case *plan.Const:
		return strconv.FormatFloat(n.Value, 'g', -1, 64)
	case *plan.Text:
		return strconv.Quote(n.Value)
	case *plan.List:
		return "list(" + list(n.Items) + ")"
	case *plan.Select:
		s := fmt.Sprintf("select%v", n.Matchers)
		if n.Range > 0 {
			s += " for " + ast.FormatDuration(n.Range)
		}
		return s + when(n.When)
	case *plan.SelectLogs:
		s := fmt.Sprintf("logs%v", n.Matchers)
		if len(n.Stages) > 0 {
			s += fmt.Sprintf(" %d stages", len(n.Stages))
		}
		if u := n.Unwrap(); u != nil {
			s += " unwrap " + u.Label
		}
		if n.Range > 0 {
			s += " for " + ast.FormatDuration(n.Range)
		}
		return s + when(n.When)
	case *plan.Subquery:
		return fmt.Sprintf("subquery(%s for %s step %s)%s", describe(n.Expr), ast.FormatDuration(n.Range), ast.FormatDuration(n.Step), when(n.When))
	case *plan.Unary:
		return n.Op + "(" + describe(n.Expr) + ")"
	case *plan.Binary:
		op := n.Op
		if n.Bool {
			op += " bool"
		}
		return fmt.Sprintf("(%s %s%s %s)", describe(n.LHS), op, matching(n.Matching), describe(n.RHS))
	case *plan.Aggregate:
		param := ""
		if n.Param != nil {
			param = describe(n.Param) + ", "
		}
		return n.Op + grouping(&n.Grouping) + "(" + param + describe(n.Expr) + ")"
	case *plan.Call:
		var args []string
		for i, a := range n.Args { // options only where they are given
			switch {
			case i >= len(n.Func.Params) || !n.Func.Params[i].NamedOnly:
				args = append(args, describe(a))
			case a != nil:
				args = append(args, n.Func.Params[i].Name+"="+describe(a))
			}
		}
		return n.Func.Name + "(" + strings.Join(args, ", ") + ")" + matching(n.Matching) + grouping(n.Grouping)
	}
	return fmt.Sprintf("%T", n)
}

// A tree made by a program may hold what parsing never yields: it is an error,
// not a panic.
func TestBuildOfOddTrees(t *testing.T) {
	for _, e := range []ast.Expr{
		nil,
		&ast.Call{Func: "rate"},
		&ast.Call{},
		&ast.Aggregate{Op: "sum"},
		&ast.Binary{Op: "+", LHS: &ast.Number{}},
		&ast.Selector{},
		&ast.Subquery{},
		&ast.Paren{},
		&ast.Tuple{},
		&ast.Unary{Op: "-"},
	} {
		if n, err := plan.Build(e, ast.Native); err == nil {
			t.Errorf("%#v: got %s, want an error", e, describe(n))
		}
	}
}

// Selectors keep Bare where a program makes them; the dialect decides then.
func TestBareSelector(t *testing.T) {
	s := &ast.Selector{Matchers: []ast.Matcher{{Name: "job", Value: "a"}}}
	for d, want := range map[ast.Dialect]string{
		ast.Native: `logs[job="a"]`, ast.PromQL: `select[job="a"]`, ast.LogQL: `logs[job="a"]`,
	} {
		n, err := plan.Build(s, d)
		if err != nil || describe(n) != want {
			t.Errorf("%s: got %v (%v), want %s", d, n, err, want)
		}
	}
}
