package plan

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tidemark/query/ast"
	"tidemark/query/funcs"
)

// Build checks a tree's types and turns it into a plan: parentheses are gone,
// names are resolved against the registry, selectors are metrics or logs,
// matchers are compiled, arguments are bound to parameters. An error is an
// *ast.Error with a place, and names the nearest known function or argument
// where a name is unknown. Time is linear in the size of the tree.
//
// A function's argument arrives as follows, whatever spelling it had:
//
//	Duration  *Const, in seconds
//	Bool      *Const, 0 or 1
//	Tuple     *List, of one item where a single number was written
//	Str       *Text
//	others    a node of that type
func Build(e ast.Expr, d ast.Dialect) (Node, error) {
	b := &builder{dialect: d}
	n, err := b.node(e)
	if err != nil {
		return nil, err
	}
	if n.Type() == funcs.Tuple {
		return nil, fault(e, "a list of numbers is no query, only an argument such as q=%s", ast.Print(e, d))
	}
	if s, ok := n.(*SelectLogs); ok && s.Range > 0 {
		want := "count_over_time(…) or rate(…)"
		if s.Unwrap() != nil {
			want = "avg_over_time(…) or sum_over_time(…)"
		}
		return nil, fault(e, "a log range needs a function around it, such as %s", want)
	}
	markStats(n, false, false)
	return n, nil
}

type builder struct{ dialect ast.Dialect }

func faultAt(p ast.Pos, format string, args ...any) *ast.Error {
	return &ast.Error{Pos: p, Message: fmt.Sprintf(format, args...)}
}

func fault(e ast.Node, format string, args ...any) *ast.Error {
	return faultAt(e.Position(), format, args...)
}

// strip removes parentheses.
func strip(e ast.Expr) ast.Expr {
	for {
		p, ok := e.(*ast.Paren)
		if !ok {
			return e
		}
		e = p.Expr
	}
}

// node builds any expression.
func (b *builder) node(e ast.Expr) (Node, error) {
	switch n := e.(type) {
	case *ast.Number:
		return &Const{Pos: n.Pos, Value: n.Value}, nil
	case *ast.String:
		return &Text{Pos: n.Pos, Value: n.Value}, nil
	case *ast.Paren:
		return b.node(n.Expr)
	case *ast.Tuple:
		return b.list(n.Pos, n.Items)
	case *ast.Unary:
		return b.unary(n)
	case *ast.Selector:
		return b.selector(n)
	case *ast.Subquery:
		return b.subquery(n)
	case *ast.Binary:
		return b.binary(n)
	case *ast.Aggregate:
		return b.aggregate(n)
	case *ast.Call:
		return b.call(n)
	case nil:
		return nil, &ast.Error{Message: "the query is empty"}
	}
	return nil, fault(e, "unknown expression %T", e)
}

func (b *builder) list(p ast.Pos, items []ast.Expr) (Node, error) {
	l := &List{Pos: p}
	for _, it := range items {
		n, err := b.node(it)
		if err != nil {
			return nil, err
		}
		if n.Type() != funcs.Scalar {
			return nil, fault(it, "a list holds numbers, got %s", n.Type())
		}
		l.Items = append(l.Items, n)
	}
	return l, nil
}

// isVector reports whether values of the type can be calculated with series
// by series. A forecast's own times matter outermost only; within another
// expression it is evaluated at that expression's times.
func isVector(t funcs.Type) bool { return t == funcs.Vector || t == funcs.Grid }

func (b *builder) unary(n *ast.Unary) (Node, error) {
	if p, ok := signedBase(n); ok && b.dialect == ast.LogQL {
		return b.binary(p)
	}
	x, err := b.node(n.Expr)
	if err != nil {
		return nil, err
	}
	t := x.Type()
	if b.dialect == ast.LogQL && t != funcs.Scalar {
		return nil, fault(n, "syntax error: unexpected %s; LogQL has signs before numbers only (expecting NUMBER), write 0 - …", n.Op)
	}
	if t != funcs.Scalar && !isVector(t) {
		return nil, fault(n, "unary expression only allowed on expressions of type scalar or instant vector, got %s", t)
	}
	if c, ok := x.(*Const); ok {
		if n.Op == "-" {
			return &Const{Pos: n.Pos, Value: -c.Value}, nil
		}
		return &Const{Pos: n.Pos, Value: c.Value}, nil
	}
	return &Unary{Pos: n.Pos, Op: n.Op, Expr: x}, nil
}

func (b *builder) selector(s *ast.Selector) (Node, error) {
	when := When{Offset: s.Offset, At: s.At}
	if s.Meaning(b.dialect) == ast.Metrics {
		if len(s.Stages) > 0 {
			return nil, fault(s.Stages[0], "a log pipeline on metrics; only log rows have lines and fields to filter")
		}
		ms, err := s.Compile()
		if err != nil {
			return nil, err
		}
		return &Select{Pos: s.Pos, Matchers: ms, Range: s.Range, Extend: s.Extend, When: when}, nil
	}
	if s.Extend != ast.NotExtended {
		return nil, fault(s, "%s modifier on log rows; only metrics have values between their samples", s.Extend)
	}
	if s.NamesMetric() {
		e := fault(s, "a log selector names no metric")
		e.Expected = []string{"matchers of labels in braces, such as `{app=\"api\"}`"}
		return nil, e
	}
	ms, err := s.Compile()
	if err != nil {
		return nil, err
	}
	if err := checkStages(s, b.dialect); err != nil {
		return nil, err
	}
	sel := &SelectLogs{Pos: s.Pos, Matchers: ms, Stages: s.Stages, Range: s.Range, When: when}
	stages, ends := splitEnds(s.Stages)
	if len(ends) == 0 {
		return sel, nil
	}
	sel.Stages = stages
	return buildEnds(sel, ends), nil
}

func (b *builder) subquery(n *ast.Subquery) (Node, error) {
	x, err := b.node(n.Expr)
	if err != nil {
		return nil, err
	}
	if !isVector(x.Type()) {
		e := fault(n, "subquery is only allowed on instant vector, got %s instead", x.Type())
		if t := x.Type(); t == funcs.Rows || t == funcs.LogRange {
			e.Message += "; count the rows first, as in `count_over_time(…[5m])[1h:5m]`"
		}
		return nil, e
	}
	return &Subquery{Pos: n.Pos, Expr: x, Range: n.Range, Step: n.Step, When: When{Offset: n.Offset, At: n.At}}, nil
}

func isComparison(op string) bool {
	return slices.Contains([]string{"==", "!=", "<", ">", "<=", ">="}, op)
}

// isTrim reports whether an operator cuts native histograms.
func isTrim(op string) bool { return op == "</" || op == ">/" }

func isSetOperator(op string) bool { return op == "and" || op == "or" || op == "unless" }

func (b *builder) binary(n *ast.Binary) (Node, error) {
	l, err := b.node(n.LHS)
	if err != nil {
		return nil, err
	}
	r, err := b.node(n.RHS)
	if err != nil {
		return nil, err
	}
	for _, side := range []struct {
		e ast.Expr
		t funcs.Type
	}{{n.LHS, l.Type()}, {n.RHS, r.Type()}} {
		if side.t != funcs.Scalar && !isVector(side.t) {
			return nil, b.suggestInstant(side.e, side.t, fault(side.e, "binary expression must contain only scalar and instant vector types, got %s", side.t))
		}
	}
	scalars := l.Type() == funcs.Scalar && r.Type() == funcs.Scalar
	vectors := isVector(l.Type()) && isVector(r.Type())
	switch {
	case n.Bool && !isComparison(n.Op):
		return nil, fault(n, "bool modifier can only be used on comparison operators")
	case isComparison(n.Op) && !n.Bool && scalars && b.dialect != ast.LogQL:
		return nil, fault(n, "comparisons between scalars must use the bool modifier, `%s bool`", n.Op)
	case isSetOperator(n.Op) && !vectors && b.dialect == ast.LogQL:
		return nil, literalOfSet(n, l)
	case isSetOperator(n.Op) && !vectors:
		return nil, fault(n, "set operator `%s` not allowed in binary scalar expression", n.Op)
	case isTrim(n.Op) && scalars:
		return nil, fault(n, "operator `%s` not allowed for operations between scalars, it cuts native histograms", n.Op)
	case !vectors && n.Matching != nil && (n.Matching.FillLeft != nil || n.Matching.FillRight != nil):
		return nil, fault(n, "filling in missing series only allowed between instant vectors")
	case !vectors && n.Matching != nil && (len(n.Matching.Labels) > 0 || n.Matching.Card != ast.OneToOne):
		return nil, fault(n, "vector matching only allowed between instant vectors")
	}
	out := &Binary{Pos: n.Pos, Op: n.Op, Bool: n.Bool, LHS: l, RHS: r}
	if b.dialect == ast.LogQL {
		out.Op = guarded(n.Op)
	}
	if !vectors {
		return out, nil
	}
	m := ast.Matching{}
	if n.Matching != nil {
		m = *n.Matching
	}
	if isSetOperator(n.Op) {
		if m.Card == ast.ManyToOne || m.Card == ast.OneToMany {
			return nil, fault(n, "no grouping allowed for `%s` operation", n.Op)
		}
		m.Card = ast.ManyToMany
	}
	if m.On {
		for _, name := range m.Labels {
			if slices.Contains(m.Include, name) {
				return nil, fault(n, "label `%s` must not occur in on and group clause at once", name)
			}
		}
	}
	out.Matching = &m
	return out, nil
}

func (b *builder) aggregate(n *ast.Aggregate) (Node, error) {
	a := &Aggregate{Pos: n.Pos, Op: n.Op}
	if n.Grouping != nil {
		a.Grouping = *n.Grouping
	}
	var err error
	if b.dialect == ast.LogQL {
		if err := checkAggregate(n); err != nil {
			return nil, err
		}
	}
	if n.Param != nil {
		if a.Param, err = b.node(n.Param); err != nil {
			return nil, err
		}
		want := funcs.Scalar
		if n.Op == "count_values" {
			want = funcs.Str
		}
		if t := a.Param.Type(); t != want {
			return nil, fault(n.Param, "expected type %s in aggregation parameter of `%s`, got %s", want, n.Op, t)
		}
	}
	if a.Expr, err = b.node(n.Expr); err != nil {
		return nil, err
	}
	if t := a.Expr.Type(); !isVector(t) {
		return nil, b.suggestInstant(n.Expr, t, fault(n.Expr, "expected type instant vector in aggregation expression `%s`, got %s", n.Op, t))
	}
	return a, nil
}

// suggestInstant adds what probably was meant where an instant vector is
// wanted and something else was written.
func (b *builder) suggestInstant(e ast.Expr, got funcs.Type, err *ast.Error) *ast.Error {
	s, ok := strip(e).(*ast.Selector)
	if !ok {
		return err
	}
	c := *s
	switch {
	case got == funcs.Range && len(s.Stages) == 0 && s.Offset == 0 && s.At.Kind == ast.AtNone:
		err.Suggest = brief("rate(" + ast.Print(s, b.dialect) + ")")
	case got == funcs.LogRange:
		err.Suggest = brief("count_over_time(" + ast.Print(s, b.dialect) + ")")
	case got == funcs.Rows && len(s.Stages) == 0:
		c.Domain = ast.Metrics
		err.Suggest = brief(ast.Print(&c, b.dialect))
	}
	return err
}

// brief drops suggestions that are too long to read.
func brief(s string) string {
	if len(s) > 80 {
		return ""
	}
	return s
}

// callable lists every name that may stand before a bracket.
func callable() []string {
	var names []string
	for _, f := range funcs.All() {
		names = append(names, f.Name)
	}
	names = append(names, funcs.Aggregations...)
	return append(names, "metrics", "logs")
}

func (b *builder) call(n *ast.Call) (Node, error) {
	f := funcs.Lookup(n.Func)
	if f == nil && b.dialect == ast.LogQL { // LogQL takes names in any case
		f = funcs.Lookup(strings.ToLower(n.Func))
	}
	if f == nil {
		return nil, &ast.Error{
			Pos: n.Pos, Token: n.Func, Message: fmt.Sprintf("unknown function `%s`", n.Func),
			Suggest: ast.Nearest(n.Func, callable()),
		}
	}
	if b.dialect == ast.LogQL {
		if err := checkLogCall(n, f); err != nil {
			return nil, err
		}
	}
	c := &Call{Pos: n.Pos, Func: f, Matching: n.Matching, Grouping: n.Grouping}
	args, err := bind(n, f)
	if err != nil {
		return nil, err
	}
	if b.dialect == ast.LogQL {
		args = withoutFormats(args, f)
	}
	c.Args = make([]Node, len(args))
	for i, a := range args {
		if a == nil {
			continue
		}
		p := &f.Params[min(i, len(f.Params)-1)]
		if i >= len(f.Params) { // the last one by place repeats
			for k := len(f.Params) - 1; f.Params[k].NamedOnly && k > 0; k-- {
				p = &f.Params[k-1]
			}
		}
		if c.Args[i], err = b.argument(a, p, f); err != nil {
			return nil, err
		}
	}
	for _, a := range c.Args {
		if s, ok := a.(*Select); ok && s.Range > 0 && !f.Extends(s.Extend.String()) {
			return nil, fault(n, "%s modifier can only be used with: %s - not with %s", s.Extend, strings.Join(funcs.Extended(s.Extend.String()), ", "), f.Name)
		}
	}
	if n.Matching != nil {
		switch {
		case !f.Pairs:
			return nil, fault(n, "`%s` takes no on(…) or ignoring(…)", f.Name)
		case n.Matching.Card != ast.OneToOne:
			return nil, fault(n, "no grouping allowed for `%s`, each series has one partner", f.Name)
		}
	}
	if n.Grouping != nil && !f.Groups && !slices.ContainsFunc(c.Args, func(a Node) bool { _, ok := a.(*SelectLogs); return ok }) {
		return nil, fault(n, "by(…) and without(…) after `%s` group log rows; for series write an aggregation around it, such as sum by (…) (…)", f.Name)
	}
	return c, nil
}

// bind gives every parameter its argument: one entry per parameter, nil where
// an optional one was not given; a variadic function's further arguments
// follow.
func bind(n *ast.Call, f *funcs.Func) ([]ast.Expr, error) {
	var places []int // parameters in order that may be given by place
	required := 0
	for i := range f.Params {
		if !f.Params[i].NamedOnly {
			places = append(places, i)
		}
		if !f.Params[i].Optional {
			required++
		}
	}
	args := make([]ast.Expr, len(f.Params))
	for i, a := range n.Args {
		switch {
		case i < len(places):
			args[places[i]] = a
		case f.Variadic:
			args = append(args, a)
		default:
			e := fault(n, "%s, got %d", arity(f, required, len(places)), len(n.Args))
			if len(places) < len(f.Params) {
				option := f.Params[slices.IndexFunc(f.Params, func(p funcs.Param) bool { return p.NamedOnly })]
				e.Message += fmt.Sprintf("; its options are given by name, as in %s=…", option.Name)
			}
			return nil, e
		}
	}
	for i := range n.Named {
		a := &n.Named[i]
		at := slices.IndexFunc(f.Params, func(p funcs.Param) bool { return p.Name == a.Name })
		if at < 0 {
			var names []string
			for j := range f.Params {
				names = append(names, f.Params[j].Name)
			}
			e := faultAt(a.Pos, "`%s` has no argument `%s`", f.Name, a.Name)
			e.Token, e.Suggest = a.Name, ast.Nearest(a.Name, names)
			if e.Suggest == "" && len(names) > 0 {
				e.Expected = []string{"one of " + strings.Join(names, ", ")}
			}
			return nil, e
		}
		if args[at] != nil {
			return nil, faultAt(a.Pos, "argument `%s` of `%s` is given twice", a.Name, f.Name)
		}
		args[at] = a.Value
	}
	for i := range f.Params {
		if args[i] != nil || f.Params[i].Optional {
			continue
		}
		given := len(n.Args) + len(n.Named)
		if given >= required {
			return nil, fault(n, "argument `%s` of `%s` is missing", f.Params[i].Name, f.Name)
		}
		return nil, fault(n, "%s, got %d", arity(f, required, len(places)), given)
	}
	return args, nil
}

// arity tells how many arguments a function takes.
func arity(f *funcs.Func, required, places int) string {
	many := fmt.Sprintf("%d", required)
	switch {
	case f.Variadic:
		many = fmt.Sprintf("at least %d", required)
	case places > required:
		many = fmt.Sprintf("%d to %d", required, places)
	}
	return fmt.Sprintf("expected %s argument(s) in call to `%s`", many, f.Name)
}

// argument builds one argument as its parameter wants it.
func (b *builder) argument(a ast.Expr, p *funcs.Param, f *funcs.Func) (Node, error) {
	if slices.Contains(p.Types, funcs.Bool) {
		if n, ok := boolean(strip(a)); ok {
			return n, nil
		}
	}
	if slices.Contains(p.Types, funcs.Matchers) {
		return b.matchers(a, p, f)
	}
	if p.NamedOnly && slices.Contains(p.Types, funcs.Str) {
		if w := bareWord(strip(a)); w != "" { // by=session
			n := &Text{Pos: a.Position(), Value: w}
			return n, check(n, p, f)
		}
	}
	n, err := b.node(a)
	if err != nil {
		return nil, err
	}
	t := n.Type()
	for _, want := range p.Types {
		switch {
		case want == funcs.Duration:
			if c, ok, err := seconds(n, p, f); err != nil {
				return nil, err
			} else if ok {
				return c, nil
			}
		case want == funcs.Tuple && t == funcs.Scalar:
			return &List{Pos: n.Position(), Items: []Node{n}}, nil
		case want == funcs.Vector && isVector(t):
			return n, nil
		case want == funcs.Bool:
		case want == t:
			return n, check(n, p, f)
		}
	}
	return nil, b.mismatch(a, n, p, f)
}

// matchers builds an argument that is matchers in braces.
func (b *builder) matchers(a ast.Expr, p *funcs.Param, f *funcs.Func) (Node, error) {
	s, ok := a.(*ast.Selector)
	if !ok || len(s.Stages) > 0 || s.HasRange() || s.Extend != ast.NotExtended { // times do not matter, and are allowed
		e := fault(a, "expected label selectors as argument `%s` of `%s`", p.Name, f.Name)
		e.Expected = []string{"matchers in braces, such as `{version=~\".+\"}`"}
		return nil, e
	}
	ms, err := s.AllMatchers()
	if err != nil {
		return nil, err
	}
	return &Matchers{Pos: s.Pos, List: ms}, nil
}

// check compares a string with the values that its parameter accepts.
func check(n Node, p *funcs.Param, f *funcs.Func) error {
	t, ok := n.(*Text)
	if !ok || len(p.OneOf) == 0 || slices.Contains(p.OneOf, t.Value) {
		return nil
	}
	e := faultAt(t.Pos, "argument `%s` of `%s` is \"%s\"", p.Name, f.Name, t.Value)
	e.Token = t.Value
	e.Expected = make([]string, len(p.OneOf))
	for i, v := range p.OneOf {
		e.Expected[i] = `"` + v + `"`
	}
	e.Suggest = ast.Nearest(t.Value, p.OneOf)
	return e
}

// bareWord returns a word without quotes, which reads as the name of a metric,
// or "".
func bareWord(e ast.Expr) string {
	n, ok := e.(*ast.Selector)
	if ok && len(n.Matchers) == 0 && len(n.Stages) == 0 && !n.HasRange() && n.Offset == 0 && n.At.Kind == ast.AtNone {
		return n.Name
	}
	return ""
}

// boolean reads 0, 1, "true", "false", true and false.
func boolean(e ast.Expr) (*Const, bool) {
	value := func(b bool) *Const {
		if b {
			return &Const{Pos: e.Position(), Value: 1}
		}
		return &Const{Pos: e.Position()}
	}
	word := ""
	switch n := e.(type) {
	case *ast.Number:
		return value(n.Value == 1), n.Value == 0 || n.Value == 1
	case *ast.String:
		word = n.Value
	case *ast.Selector:
		word = bareWord(n)
	}
	return value(word == "true"), word == "true" || word == "false"
}

// seconds reads a duration: a literal or a number, in seconds, or a string of
// a duration.
func seconds(n Node, p *funcs.Param, f *funcs.Func) (*Const, bool, error) {
	switch n := n.(type) {
	case *Const:
		if math.IsNaN(n.Value) || math.IsInf(n.Value, 0) {
			return nil, false, faultAt(n.Pos, "argument `%s` of `%s` is no duration", p.Name, f.Name)
		}
		return n, true, nil
	case *Text:
		d, err := ast.ParseDuration(n.Value)
		if err != nil {
			e := faultAt(n.Pos, "argument `%s` of `%s` is \"%s\"", p.Name, f.Name, n.Value)
			e.Token, e.Expected = n.Value, []string{"a duration such as 30d or 1h30m"}
			return nil, false, e
		}
		return &Const{Pos: n.Pos, Value: d.Seconds()}, true, nil
	}
	return nil, false, nil
}

// mismatch words the error of an argument of the wrong type and suggests what
// probably was meant.
func (b *builder) mismatch(a ast.Expr, n Node, p *funcs.Param, f *funcs.Func) error {
	got := n.Type()
	want := make([]string, len(p.Types))
	for i, t := range p.Types {
		want[i] = t.String()
	}
	e := fault(a, "expected type %s in call to function `%s`, got %s", strings.Join(want, " or "), f.Name, got)
	takesRange := slices.Contains(p.Types, funcs.Range)
	takesRows := slices.Contains(p.Types, funcs.LogRange)
	s, isSelector := strip(a).(*ast.Selector)
	plain := isSelector && s.Offset == 0 && s.At.Kind == ast.AtNone
	switch {
	case (takesRange || takesRows) && plain && s.Range == 0 && (isVector(got) && takesRange || got == funcs.Rows && takesRows):
		ranged := *s
		ranged.Range = 5 * time.Minute
		e.Suggest = brief(ast.Print(&ranged, b.dialect))
	case takesRange && isVector(got):
		e.Suggest = brief(ast.Print(a, b.dialect) + "[1h:5m]")
	case takesRange && got == funcs.LogRange:
		e.Message += "; an unwrap stage such as `| unwrap duration(took)` makes samples of log rows"
	case takesRange && got == funcs.Rows:
		e.Message += "; an unwrap stage and a range such as `| unwrap duration(took) [5m]` make samples of log rows"
	case takesRows && got == funcs.Range:
		e.Message += "; log rows are selected by `logs({…}[5m])`"
	case slices.Contains(p.Types, funcs.Vector):
		return b.suggestInstant(a, got, e)
	}
	return e
}
