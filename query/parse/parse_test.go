package parse_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/datadriven"

	"tidemark/query/ast"
	"tidemark/query/parse"
)

var dialects = []ast.Dialect{ast.Native, ast.PromQL, ast.LogQL}

func dialect(t *testing.T, name string) ast.Dialect {
	for _, d := range dialects {
		if d.String() == name {
			return d
		}
	}
	t.Fatalf("no dialect %q", name)
	return 0
}

// parseBack parses, prints and parses again, and returns the tree.
func parseBack(t *testing.T, text string, d ast.Dialect) (ast.Expr, error) {
	e, err := parse.Parse(text, d)
	if err != nil {
		return nil, err
	}
	for _, other := range dialects {
		printed := ast.Print(e, other)
		again, err := parse.Parse(printed, other)
		if err != nil {
			t.Errorf("%q (%s) prints in %s as %q, which does not parse: %v", text, d, other, printed, err)
		} else if !ast.Equal(e, again) {
			t.Errorf("%q (%s) prints in %s as %q, which is another tree", text, d, other, printed)
		}
	}
	return e, nil
}

// The commands of the test files: each line of input is a query.
//
//	print   the normal form in the dialect (dialect=…, native by default);
//	        forms of other dialects follow where they differ
//	tree    the tree with every operation in brackets
//	errors  the error's text
func TestParse(t *testing.T) {
	datadriven.Walk(t, "testdata/parse", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, td *datadriven.TestData) string {
			d := ast.Native
			if td.HasArg("dialect") {
				var name string
				td.ScanArgs(t, "dialect", &name)
				d = dialect(t, name)
			}
			texts := strings.Split(td.Input, "\n")
			if td.HasArg("whole") {
				texts = []string{td.Input}
			}
			var out strings.Builder
			for _, text := range texts {
				e, err := parseBack(t, text, d)
				switch {
				case td.Cmd == "errors" && err == nil:
					fmt.Fprintf(&out, "no error: %s\n", ast.Print(e, d))
				case err != nil:
					if _, ok := err.(*ast.Error); !ok {
						t.Errorf("%q: error %T: want *ast.Error", text, err)
					}
					fmt.Fprintf(&out, "%v\n", err)
				case td.Cmd == "tree":
					fmt.Fprintln(&out, brackets(e))
				case td.Cmd == "print":
					printed := ast.Print(e, d)
					fmt.Fprintln(&out, printed)
					for _, other := range dialects {
						if p := ast.Print(e, other); p != printed {
							fmt.Fprintf(&out, "  %s: %s\n", other, p)
						}
					}
				}
			}
			return out.String()
		})
	})
}

// brackets prints a tree with the shape of its operations made plain.
func brackets(e ast.Expr) string {
	switch n := e.(type) {
	case *ast.Binary:
		return "(" + brackets(n.LHS) + " " + n.Op + " " + brackets(n.RHS) + ")"
	case *ast.Unary:
		return "(" + n.Op + brackets(n.Expr) + ")"
	case *ast.Paren:
		return brackets(n.Expr)
	case *ast.Subquery:
		c := *n
		c.Expr = &ast.Selector{Name: "x"}
		return brackets(n.Expr) + strings.TrimPrefix(ast.Print(&c, ast.Native), "x")
	}
	return ast.Print(e, ast.Native)
}

// The grammar's printed form is kept, so that a change of syntax shows in
// review. Run the test with -rewrite to renew it.
func TestGrammar(t *testing.T) {
	const path = "testdata/grammar.ebnf"
	got := parse.Grammar() + "\n"
	if f := flag.Lookup("rewrite"); f != nil && f.Value.String() == "true" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the grammar is no longer that of %s; run with -rewrite and review:\n%s", path, got)
	}
}

// Positions are byte offset, line, and column in characters.
func TestPositions(t *testing.T) {
	e, err := parse.Parse("sum(\n  foo{ä=\"b\"} +\n  bar)", ast.Native)
	if err == nil {
		t.Fatalf("%v: want an error at the ä", ast.Print(e, ast.Native))
	}
	if p := err.(*ast.Error).Pos; p != (ast.Pos{Offset: 11, Line: 2, Column: 7}) {
		t.Errorf("got %+v", p)
	}
	e, err = parse.Parse("sum(\n  foo{a=\"ä\"} +\n  bar)", ast.Native)
	if err != nil {
		t.Fatal(err)
	}
	b := e.(*ast.Aggregate).Expr.(*ast.Binary)
	if b.Pos != (ast.Pos{Offset: 19, Line: 2, Column: 14}) {
		t.Errorf("operator: got %+v", b.Pos)
	}
	if p := b.RHS.Position(); p != (ast.Pos{Offset: 23, Line: 3, Column: 3}) {
		t.Errorf("right side: got %+v", p)
	}
}

func TestParseSelector(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`up`, `[__name__="up"]`},
		{`{job="a"}`, `[job="a"]`},
		{`up{job!="a",x=~"b|c"}`, `[__name__="up" job!="a" x=~"b|c"]`},
		{`{"my.metric", "a.b"="c"}`, `[__name__="my.metric" a.b="c"]`},
		{`{__name__=~"u.*"}`, `[__name__=~"u.*"]`},
		{`on`, "1:1: unexpected keyword `on`, expected an expression"},
		{`up[5m]`, "1:1: not a series selector, expected a metric name or matchers in braces, such as `up{job=\"api\"}`"},
		{`up offset 5m`, "1:1: not a series selector, expected a metric name or matchers in braces, such as `up{job=\"api\"}`"},
		{`{job="a"} |= "x"`, "1:1: not a series selector, expected a metric name or matchers in braces, such as `up{job=\"api\"}`"},
		{`1`, "1:1: not a series selector, expected a metric name or matchers in braces, such as `up{job=\"api\"}`"},
		{`{job=~".*"}`, "1:1: selector must contain at least one matcher that does not match the empty value, expected one such as `job=\"api\"` rather than `job=~\".*\"`"},
		{`{job=~"("}`, "1:2: matcher of `job`: error parsing regexp: missing closing ): `(`"},
	} {
		ms, err := parse.ParseSelector(c.text)
		got := fmt.Sprint(ms)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.text, got, c.want)
		}
	}
}

// Queries that differ in literals only have one shape; others have not.
func TestShape(t *testing.T) {
	shape := func(text string) string {
		ts, err := parse.Lex(text)
		if err != nil {
			t.Fatal(err)
		}
		return ts.Shape()
	}
	a := shape(`sum by (x) (rate(foo{a="b"}[5m])) > 1`)
	if b := shape("sum  BY (x) (rate(foo{a='c'}[10m])) # more\n > 2e3"); a != b {
		t.Errorf("shapes differ: %q, %q", a, b)
	}
	for _, other := range []string{
		`sum by (y) (rate(foo{a="b"}[5m])) > 1`,
		`sum by (x) (rate(foo{a!="b"}[5m])) > 1`,
		`sum by (x) (rate(foo{a="b"}[300])) > 1`,
		`sum by (x) (rate(foo{a="b"}[5m])) >= 1`,
	} {
		if shape(other) == a {
			t.Errorf("%s has the shape of another query", other)
		}
	}
}

// One grammar serves any number of goroutines.
func TestParallel(t *testing.T) {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				q := fmt.Sprintf("sum by (x) (rate(m%d[%dm])) + %d", i, j+1, j)
				e, err := parse.Parse(q, ast.Native)
				if err != nil {
					t.Errorf("%s: %v", q, err)
				} else if got, want := ast.Print(e, ast.Native), e.(*ast.Binary).LHS.(*ast.Aggregate).Expr.(*ast.Call).Args[0].(*ast.Selector).Name; !strings.Contains(got, want) || want != fmt.Sprintf("m%d", i) {
					t.Errorf("%s: got %s", q, got)
				}
			}
		})
	}
	wg.Wait()
}
