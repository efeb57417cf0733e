package parse_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tidemark/query/ast"
	"tidemark/query/parse"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// trees draws trees such as parsing makes, but for parentheses: they are
// where a draw puts them and missing where shape needs them.
type trees struct {
	t       *rapid.T
	dialect ast.Dialect
}

func (g trees) pick(label string, of ...string) string {
	return rapid.SampledFrom(of).Draw(g.t, label)
}
func (g trees) flip(label string) bool      { return rapid.Bool().Draw(g.t, label) }
func (g trees) n(label string, max int) int { return rapid.IntRange(0, max).Draw(g.t, label) }

func (g trees) name() string {
	return g.pick("name", "up", "foo_bar", "ns:rule:sum5m", "sum", "by", "and", "offset", "or", "on", "bool", "inf", "NaN", "my.metric", "ä b", "a\"b", "rate", "logs", "start", "x9", "json", "")
}

func (g trees) label() string {
	return g.pick("label", "a", "job", "le", "on", "by", "sum", "and", "inf", "nan", "a.b", "ä", "x_1", "__name__x", "bool", "without")
}

// ident is a label name as pipelines take them, never quoted.
func (g trees) ident() string { return g.pick("ident", "level", "status", "x_1", "took", "msg") }

func (g trees) text() string {
	return rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "a", `a\d`, "`", "\"", "'", "a`\\\"", "\x80\xff", "\n", "error", ".*"})).Draw(g.t, "text")
}

func (g trees) texts() []string {
	var out []string
	for range 1 + g.n("texts", 2) {
		out = append(out, g.text())
	}
	return out
}

func (g trees) labels() []string {
	var out []string
	for range g.n("labels", 3) {
		out = append(out, g.label())
	}
	return out
}

func (g trees) duration() time.Duration {
	return rapid.OneOf(
		rapid.SampledFrom([]time.Duration{time.Millisecond, 5 * time.Minute, 90 * time.Minute, 28 * 24 * time.Hour, 365 * 24 * time.Hour, 1500 * time.Microsecond, 1, math.MaxInt64}),
		rapid.Map(rapid.Int64Range(1, math.MaxInt64), func(n int64) time.Duration { return time.Duration(n) }),
	).Draw(g.t, "duration")
}

func (g trees) number() *ast.Number {
	if g.flip("is duration") {
		return &ast.Number{Value: time.Duration(rapid.Int64Range(0, 1e15).Draw(g.t, "ms") * 1e6 % math.MaxInt64).Abs().Seconds(), Duration: true}
	}
	v := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, 1, 0.5, 1e300, 5e-324, math.Inf(1), math.NaN(), 1 << 60})).Draw(g.t, "number")
	return &ast.Number{Value: math.Abs(v)}
}

func (g trees) at() ast.At {
	switch g.n("at", 5) {
	case 0:
		return ast.At{Kind: ast.AtStart}
	case 1:
		return ast.At{Kind: ast.AtEnd}
	case 2:
		return ast.At{Kind: ast.AtTime, Time: rapid.Int64Range(-1e13, 1e13).Draw(g.t, "ms")}
	}
	return ast.At{}
}

func (g trees) offset() time.Duration {
	switch g.n("offset", 3) {
	case 0:
		return g.duration()
	case 1:
		return -g.duration()
	}
	return 0
}

func (g trees) matcher() ast.Matcher {
	return ast.Matcher{Type: model.MatchType(g.n("match", 3)), Name: g.label(), Value: g.text()}
}

func (g trees) selector() *ast.Selector {
	s := &ast.Selector{Name: g.name(), Offset: g.offset(), At: g.at()}
	for range g.n("matchers", 2) {
		s.Matchers = append(s.Matchers, g.matcher())
	}
	if g.flip("range") {
		s.Range = g.duration()
	}
	for range max(0, g.n("stages", 5)-2) {
		st := g.stage()
		if n := len(s.Stages); n > 0 {
			// After drop x, a != would be read as a matcher of x, and after shape
			// as a comparison.
			_, drop := s.Stages[n-1].(*ast.DropKeep)
			_, shape := s.Stages[n-1].(*ast.Shape)
			if f, ok := st.(*ast.LineFilter); ok && (drop || shape) {
				f.Op = "|="
			}
		}
		s.Stages = append(s.Stages, st)
	}
	s.Domain = ast.Domain(g.n("domain", 2))
	s.Domain = s.Meaning(g.dialect)
	return s
}

func (g trees) stage() ast.Stage {
	switch g.n("stage", 11) {
	case 10, 11:
		return g.pipe()
	case 0, 1:
		f := &ast.LineFilter{Op: g.pick("filter", "|=", "!=", "|~", "!~", "|>", "!>"), Values: g.texts()}
		if (f.Op == "|=" || f.Op == "!=") && g.flip("ip") {
			f.IPs = g.texts()
			if g.flip("ip alone") {
				f.Values = nil
			}
		}
		return f
	case 6:
		return &ast.Parser{Name: g.pick("expression", "regexp", "pattern"), Text: g.text()}
	case 7:
		return &ast.LineFormat{Template: g.text()}
	case 8:
		f := &ast.LabelFormat{}
		for range 1 + g.n("assignments", 2) {
			it := ast.LabelAssign{Label: g.ident()}
			if g.flip("rename") {
				it.From = g.ident()
			} else {
				it.Template = g.text()
			}
			f.Items = append(f.Items, it)
		}
		return f
	case 9:
		if g.flip("unpack") {
			return &ast.Parser{Name: "unpack"}
		}
		return &ast.Decolorize{}
	case 2:
		p := &ast.Parser{Name: g.pick("parser", "json", "logfmt")}
		if p.Name == "logfmt" && g.flip("flags") {
			p.Flags = []string{"--strict", "--keep-empty"}
		}
		for range g.n("extractions", 2) {
			l := g.ident()
			p.Extractions = append(p.Extractions, ast.Extraction{Label: l, Path: g.pick("path", l, "a.b", `x["y z"]`)})
		}
		return p
	case 3:
		return &ast.LabelFilter{Cond: g.cond(3)}
	case 4:
		return &ast.Unwrap{Label: g.ident(), Conv: g.pick("conv", "", "duration", "duration_seconds", "bytes")}
	}
	d := &ast.DropKeep{Keep: g.flip("keep")}
	for range 1 + g.n("picks", 2) {
		p := ast.LabelPick{Name: g.ident()}
		if g.flip("pick matcher") {
			p.Matcher = &ast.Matcher{Type: model.MatchType(g.n("match", 3)), Name: p.Name, Value: g.text()}
		}
		d.Labels = append(d.Labels, p)
	}
	return d
}

// pipe is one of the stages that LogQL does not have.
func (g trees) pipe() ast.Stage {
	switch g.n("pipe", 6) {
	case 0:
		return &ast.Shape{}
	case 1:
		return &ast.Context{Before: g.n("before", 9), After: g.n("after", 9)}
	case 2:
		s := &ast.Sort{}
		for range 1 + g.n("keys", 2) {
			s.Keys = append(s.Keys, ast.SortKey{Name: g.label(), Desc: g.flip("desc")})
		}
		return s
	case 3:
		return &ast.Limit{N: 1 + g.n("limit", 9)}
	case 4:
		return &ast.Uniq{By: g.labels()}
	case 5:
		return &ast.Top{N: 1 + g.n("top", 9), By: g.labels()}
	}
	s := &ast.Stats{By: g.labels()}
	for range 1 + g.n("functions", 2) {
		f := ast.StatsFunc{Func: g.pick("stats", "count", "avg", "quantile"), Param: math.NaN()}
		if f.Func == "quantile" {
			f.Param = 0.95
		}
		if f.Func != "count" {
			f.Field, f.Conv = g.label(), g.pick("conv", "", "duration", "bytes")
		}
		if g.flip("as") {
			f.As = g.ident()
		}
		s.Funcs = append(s.Funcs, f)
	}
	return s
}

func (g trees) cond(depth int) ast.Cond {
	if depth > 0 && g.flip("both") {
		return &ast.CondBinary{Op: g.pick("op", "and", "or"), LHS: g.cond(depth - 1), RHS: g.cond(depth - 1)}
	}
	if g.n("ip", 9) == 0 {
		return &ast.CondIP{Name: g.ident(), Op: g.pick("op", "=", "!="), Value: g.text()}
	}
	if g.flip("text") {
		return &ast.CondMatch{Type: model.MatchType(g.n("match", 3)), Name: g.ident(), Value: g.text()}
	}
	c := &ast.CondNumber{Name: g.ident(), Op: g.pick("op", "==", "!=", ">", ">=", "<", "<=")}
	switch g.n("kind", 3) {
	case 0:
		c.Kind, c.Value, c.Text = ast.CondDuration, 1.5, "1.5s"
	case 1:
		c.Kind, c.Value, c.Text = ast.CondBytes, 20e6, "20MB"
	case 2:
		c.Value, c.Text = -5, "-5"
	default:
		c.Value, c.Text = 0.25, ".25"
	}
	return c
}

func (g trees) grouping() *ast.Grouping {
	return &ast.Grouping{Without: g.flip("without"), Labels: g.labels()}
}

func (g trees) matching(groups bool) *ast.Matching {
	m := &ast.Matching{Explicit: true, On: g.flip("on"), Labels: g.labels()}
	if groups {
		if m.Card = ast.Card(g.n("card", 2)); m.Card != ast.OneToOne {
			m.Include = g.labels()
		}
	}
	return m
}

func (g trees) expr(depth int) ast.Expr {
	if depth <= 0 {
		switch g.n("leaf", 4) {
		case 0:
			return g.number()
		case 1:
			return &ast.String{Value: g.text()}
		}
		return g.selector()
	}
	switch g.n("node", 8) {
	case 0:
		return &ast.Unary{Op: g.pick("sign", "+", "-"), Expr: g.expr(depth - 1)}
	case 1:
		return &ast.Paren{Expr: g.expr(depth - 1)}
	case 2:
		t := &ast.Tuple{}
		for range 1 + g.n("items", 2) {
			t.Items = append(t.Items, g.expr(depth-1))
		}
		return t
	case 3:
		s := &ast.Subquery{Expr: g.expr(depth - 1), Range: g.duration(), Offset: g.offset(), At: g.at()}
		if g.flip("step") {
			s.Step = g.duration()
		}
		return s
	case 4:
		a := &ast.Aggregate{Op: g.pick("aggregation", "sum", "avg", "topk", "quantile"), Expr: g.expr(depth - 1)}
		if a.Op == "topk" || a.Op == "quantile" {
			a.Param = g.expr(depth - 1)
		}
		if g.flip("grouped") {
			a.Grouping = g.grouping()
		}
		return a
	case 5:
		c := &ast.Call{Func: g.pick("function", "rate", "f", "json", "start", "anomaly_score")}
		for range g.n("args", 2) {
			c.Args = append(c.Args, g.expr(depth-1))
		}
		for _, name := range []string{"max", "q"}[:g.n("named", 2)] {
			c.Named = append(c.Named, ast.NamedArg{Name: name, Value: g.expr(depth - 1)})
		}
		switch g.n("after", 3) {
		case 0:
			c.Matching = g.matching(true)
		case 1:
			c.Grouping = g.grouping()
		}
		return c
	}
	op := g.pick("op", "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<", ">", "<=", ">=", "and", "or", "unless")
	b := &ast.Binary{Op: op, LHS: g.expr(depth - 1), RHS: g.expr(depth - 1), Bool: g.flip("bool")}
	if g.flip("matched") {
		b.Matching = g.matching(true)
		if (op == "and" || op == "or" || op == "unless") && b.Matching.Card == ast.OneToOne {
			b.Matching.Card = ast.ManyToMany
		}
	}
	return b
}

// bare removes parentheses, in place, and joins chained conditions to the
// left, which printing does.
func bare(e ast.Expr) ast.Expr {
	switch n := e.(type) {
	case *ast.Paren:
		return bare(n.Expr)
	case *ast.Tuple:
		for i := range n.Items {
			n.Items[i] = bare(n.Items[i])
		}
	case *ast.Unary:
		n.Expr = bare(n.Expr)
	case *ast.Subquery:
		n.Expr = bare(n.Expr)
	case *ast.Binary:
		n.LHS, n.RHS = bare(n.LHS), bare(n.RHS)
	case *ast.Aggregate:
		if n.Param != nil {
			n.Param = bare(n.Param)
		}
		n.Expr = bare(n.Expr)
	case *ast.Call:
		for i := range n.Args {
			n.Args[i] = bare(n.Args[i])
		}
		for i := range n.Named {
			n.Named[i].Value = bare(n.Named[i].Value)
		}
	}
	return e
}

// Any tree, printed in any dialect, parses back to the same operations on the
// same operands, and what was parsed prints the same.
func TestRoundTripOfTrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SampledFrom(dialects).Draw(t, "dialect")
		e := trees{t, d}.expr(rapid.IntRange(0, 4).Draw(t, "depth"))
		text := ast.Print(e, d)
		first, err := parse.Parse(text, d)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		printed := ast.Print(first, d)
		second, err := parse.Parse(printed, d)
		if err != nil || !ast.Equal(first, second) {
			t.Fatalf("%s\nprints as %s\nwhich is another tree (%v)", text, printed, err)
		}
		pretty := ast.Pretty(second, d, rapid.IntRange(1, 80).Draw(t, "width"))
		third, err := parse.Parse(pretty, d)
		if err != nil || !ast.Equal(second, third) {
			t.Fatalf("%s\nis broken into\n%s\nwhich is another tree (%v)", text, pretty, err)
		}
		if !ast.Equal(bare(e), bare(first)) {
			t.Fatalf("%s\nis not the tree it was printed from; it prints as\n%s", text, printed)
		}
	})
}

// FuzzParse: no text makes the parser or the planner panic, and what parses
// prints to something that parses to an equal tree.
func FuzzParse(f *testing.F) {
	for _, q := range []string{
		"", "up", `sum by (x) (rate(foo{a="b"}[5m] offset -1h @ start())) > bool 2`, "-1 ^ -2 ^ 3", "a or b and on (x) c",
		`{app="api"} |= "a" or "b" != "c" | json x="y" | logfmt --strict | a=1 and b>5s, c<=2MB or d="e" | drop x, y="z" | unwrap duration(t) [5m]`,
		`corr_over_time(a[1d:1m], logs({x="y"}[5m]), q=(0.1,), diff=true) on (host)`, `{"a.b", "c d"=~"e"}`, "1h30m + 0x1F", "(1,2)", "#", "\xff", "'\\xff'",
		`f({a="b"}[5m] | (x=1, y=2), 3)`, `sum without () (x[1h:5m] @ 1.5)`, "metrics({a=`b`})", "a != \"b\"", "1 offset 5m",
	} {
		f.Add(q, uint8(0))
		f.Add(q, uint8(1))
	}
	f.Fuzz(func(t *testing.T, text string, which uint8) {
		d := dialects[int(which)%len(dialects)]
		e, err := parse.Parse(text, d)
		if err != nil {
			if pe, ok := err.(*ast.Error); !ok || pe.Message == "" || pe.Pos.Line < 1 || pe.Pos.Offset > len(text) {
				t.Fatalf("%q: %#v: want an *ast.Error with a place", text, err)
			}
			return
		}
		if _, err := plan.Build(e, d); err != nil {
			if _, ok := err.(*ast.Error); !ok {
				t.Fatalf("%q: %#v: want an *ast.Error", text, err)
			}
		}
		printed := ast.Print(e, d)
		if len(printed) > parse.MaxLength {
			return // the normal form may be longer than a query may be
		}
		again, err := parse.Parse(printed, d)
		if err != nil {
			if pe := err.(*ast.Error); pe.Message != "" && len(text) > 100 {
				return // brackets that the normal form adds may nest too deep
			}
			t.Fatalf("%q prints as %q: %v", text, printed, err)
		}
		if !ast.Equal(e, again) {
			t.Fatalf("%q prints as %q, which is another tree", text, printed)
		}
	})
}
