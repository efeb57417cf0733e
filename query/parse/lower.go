package parse

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/participle/v2/lexer"

	"tidemark/query/ast"
	"tidemark/query/funcs"
	"tidemark/storage/model"
)

// lowering makes a syntax tree of what the grammar yields.
type lowering struct {
	ts      *Tokens
	dialect ast.Dialect
	// wrapped is true directly within metrics(…) or logs(…), where a selector
	// keeps the domain Bare until the wrapper has been applied.
	wrapped bool
}

func (l *lowering) tok(t lexer.Token) *Token      { return &l.ts.List[t.Pos.Offset] }
func (l *lowering) lit(t lexer.Token) *Literal    { return &l.ts.Literals[l.tok(t).Slot] }
func (l *lowering) pos(t lexer.Token) ast.Pos     { return l.tok(t).Pos }
func present(t lexer.Token) bool                  { return t.Type != 0 }
func (l *lowering) text(t lexer.Token) string     { return l.lit(t).Text }
func (l *lowering) spelling(t lexer.Token) string { return l.tok(t).Text }

// between returns the text between a bracket and the one that closes it.
func (l *lowering) between(open lexer.Token) string {
	var b strings.Builder
	depth := 0
	for i := open.Pos.Offset + 1; i < len(l.ts.List); i++ {
		t := l.ts.List[i].Text
		if closing[t] != "" {
			depth++
		}
		if t == "]" && depth == 0 {
			break
		}
		if t == ")" {
			depth--
		}
		b.WriteString(t)
	}
	return b.String()
}

func (l *lowering) fault(t lexer.Token, format string, args ...any) error {
	return &ast.Error{Pos: l.pos(t), Token: l.spelling(t), Message: fmt.Sprintf(format, args...)}
}

// signed applies a sign token to a number.
func signed(sign lexer.Token, f float64) float64 {
	if sign.Value == "-" {
		return -f
	}
	return f
}

// Precedences of binary operators, the loosest first. A sign binds as tight
// as multiplication: -2^2 is -(2^2).
var precedence = map[string]int{
	"or":  1,
	"and": 2, "unless": 2,
	"==": 3, "!=": 3, "<": 3, ">": 3, "<=": 3, ">=": 3, "</": 3, ">/": 3,
	"+": 4, "-": 4,
	"*": 5, "/": 5, "%": 5, "atan2": 5,
	"^": 6,
}

const signPrecedence = 5

func isSetOperator(op string) bool {
	return op == "and" || op == "or" || op == "unless"
}

// fold builds the tree of a flat list by precedence climbing.
type fold struct {
	l    *lowering
	g    *exprG
	next int // index of the next operator
}

func (l *lowering) expr(g *exprG) (ast.Expr, error) {
	f := &fold{l: l, g: g}
	if len(g.Rest) > 0 {
		l.wrapped = false
	}
	return f.climb(&g.First, 0, 1)
}

// climb reads the operand's signs from the one numbered sign on, the operand,
// and the operators that bind at least as tight as lowest.
func (f *fold) climb(o *operandG, sign, lowest int) (ast.Expr, error) {
	var left ast.Expr
	var err error
	if sign < len(o.Signs) {
		t := o.Signs[sign].Tok
		f.l.wrapped = false
		inner, err := f.climb(o, sign+1, signPrecedence+1)
		if err != nil {
			return nil, err
		}
		left = &ast.Unary{Pos: f.l.pos(t), Op: t.Value, Expr: inner}
	} else if left, err = f.l.operand(o); err != nil {
		return nil, err
	}
	for f.next < len(f.g.Rest) {
		op := &f.g.Rest[f.next]
		p := precedence[op.Op.Value]
		if p < lowest {
			break
		}
		f.next++
		within := p + 1
		if op.Op.Value == "^" { // binds to the right
			within = p
		}
		right, err := f.climb(&op.Operand, 0, within)
		if err != nil {
			return nil, err
		}
		b := &ast.Binary{Pos: f.l.pos(op.Op), Op: op.Op.Value, Bool: present(op.Bool), LHS: left, RHS: right}
		if op.Matching != nil {
			b.Matching = f.l.matching(op.Matching)
			if isSetOperator(b.Op) && b.Matching.Card == ast.OneToOne {
				b.Matching.Card = ast.ManyToMany
			}
		}
		if err := f.l.fills(b, op.Fill); err != nil {
			return nil, err
		}
		left = b
	}
	return left, nil
}

func (l *lowering) matching(g *matchingG) *ast.Matching {
	m := &ast.Matching{Explicit: true, On: g.How.Value == "on", Labels: l.labels(&g.On)}
	switch g.Group.Value {
	case "group_left":
		m.Card = ast.ManyToOne
	case "group_right":
		m.Card = ast.OneToMany
	}
	if g.With != nil {
		m.Include = l.labels(g.With)
	}
	return m
}

func (l *lowering) labels(g *labelsG) []string {
	var names []string
	for i := range g.Names {
		names = append(names, l.name(g.Names[i].Tok))
	}
	return names
}

// name returns a name written as a word or as a string.
func (l *lowering) name(t lexer.Token) string {
	if l.tok(t).Kind == String {
		return l.text(t)
	}
	return l.spelling(t)
}

func (l *lowering) grouping(g *groupingG) *ast.Grouping {
	if g == nil {
		return nil
	}
	return &ast.Grouping{Without: g.How.Value == "without", Labels: l.labels(&g.Labels)}
}

func (l *lowering) operand(g *operandG) (ast.Expr, error) {
	wrapped := l.wrapped
	e, err := l.primary(&g.Primary)
	if err != nil {
		return nil, err
	}
	m := modifiers{}
	for i := range g.Post {
		if e, err = l.postfix(e, &g.Post[i], &m); err != nil {
			return nil, err
		}
	}
	if s, ok := e.(*ast.Selector); ok && !wrapped {
		s.Domain = s.Meaning(l.dialect)
	}
	return e, nil
}

func (l *lowering) primary(g *primaryG) (ast.Expr, error) {
	switch {
	case g.Selector != nil:
		return l.selector(g.Selector)
	case g.Call != nil:
		return l.call(g.Call)
	case g.Paren != nil:
		return l.paren(g.Paren)
	case present(g.String):
		return &ast.String{Pos: l.pos(g.String), Value: l.text(g.String)}, nil
	}
	t := l.tok(g.Number)
	if l.dialect == ast.LogQL && t.Kind == Number {
		if _, err := strconv.ParseFloat(t.Text, 64); err != nil {
			return nil, l.fault(g.Number, "unable to parse literal as a float: `%s`; LogQL has decimal numbers only", t.Text)
		}
	}
	return &ast.Number{Pos: t.Pos, Value: l.lit(g.Number).Number, Duration: t.Kind == Duration}, nil
}

func (l *lowering) paren(g *parenG) (ast.Expr, error) {
	first, err := l.expr(g.First)
	if err != nil {
		return nil, err
	}
	pos := l.pos(g.Open)
	if !present(g.Comma) && len(g.Rest) == 0 {
		return &ast.Paren{Pos: pos, Expr: first}, nil
	}
	items := []ast.Expr{first}
	for _, r := range g.Rest {
		e, err := l.expr(r)
		if err != nil {
			return nil, err
		}
		items = append(items, e)
	}
	return &ast.Tuple{Pos: pos, Items: items}, nil
}

func (l *lowering) selector(g *selectorG) (*ast.Selector, error) {
	s := &ast.Selector{}
	braces := g.Bare
	if present(g.Name) {
		s.Name, s.Pos = l.spelling(g.Name), l.pos(g.Name)
		braces = g.Braces
	}
	if braces == nil {
		return s, nil
	}
	if !present(g.Name) {
		s.Pos = l.pos(braces.Open)
	}
	for i := range braces.Matchers {
		m := &braces.Matchers[i]
		switch {
		case present(m.Label):
			s.Matchers = append(s.Matchers, l.matcher(m.Label, m.Op, m.Value))
		case present(m.QOp):
			if l.text(m.Name) == "" {
				return nil, l.fault(m.Name, "a label name must not be empty")
			}
			s.Matchers = append(s.Matchers, l.matcher(m.Name, m.QOp, m.QVal))
		case l.text(m.Name) == "":
			return nil, l.fault(m.Name, "a metric name must not be empty")
		case s.Name != "":
			return nil, l.fault(m.Name, "metric name must not be set twice: `%s` and `%s`", s.Name, l.text(m.Name))
		default:
			s.Name = l.text(m.Name)
		}
	}
	if !present(g.Name) && s.Name != "" && slices.ContainsFunc(s.Matchers, func(m ast.Matcher) bool { return m.Name == model.MetricName }) {
		// A quoted name is a matcher among others, as in Prometheus, where a
		// name before the braces is set once and for all.
		s.Matchers = slices.Insert(s.Matchers, 0, ast.Matcher{Pos: s.Pos, Name: model.MetricName, Value: s.Name})
		s.Name = ""
	}
	return s, nil
}

var matchTypes = map[string]model.MatchType{
	"=": model.MatchEqual, "!=": model.MatchNotEqual, "=~": model.MatchRegexp, "!~": model.MatchNotRegexp,
}

func (l *lowering) matcher(label, op, value lexer.Token) ast.Matcher {
	return ast.Matcher{Pos: l.pos(label), Type: matchTypes[op.Value], Name: l.name(label), Value: l.text(value)}
}

// call lowers what is written like a call: an aggregation, metrics(…) and
// logs(…), or a function.
func (l *lowering) call(g *callG) (ast.Expr, error) {
	name, pos := l.spelling(g.Name), l.pos(g.Name)
	if op := strings.ToLower(name); funcs.IsAggregation(op) {
		return l.aggregate(g, op)
	}
	if g.Before != nil {
		return nil, &ast.Error{
			Pos: pos, Token: name, Message: fmt.Sprintf("unknown aggregation `%s`", name),
			Suggest: ast.Nearest(name, funcs.Aggregations),
		}
	}
	if name == "metrics" || name == "logs" {
		return l.wrapper(g, name)
	}
	c := &ast.Call{Pos: pos, Func: name, Grouping: l.grouping(g.After)}
	if g.Matching != nil {
		c.Matching = l.matching(g.Matching)
	}
	for i := range g.Args {
		a := &g.Args[i]
		v, err := l.argument(a.Value, false)
		if err != nil {
			return nil, err
		}
		switch {
		case present(a.Name):
			n := l.spelling(a.Name)
			if slices.ContainsFunc(c.Named, func(o ast.NamedArg) bool { return o.Name == n }) {
				return nil, l.fault(a.Name, "argument `%s` is given twice", n)
			}
			c.Named = append(c.Named, ast.NamedArg{Pos: l.pos(a.Name), Name: n, Value: v})
		case len(c.Named) > 0:
			return nil, &ast.Error{Pos: v.Position(), Message: "an argument without a name must come before those with one"}
		default:
			c.Args = append(c.Args, v)
		}
	}
	return c, nil
}

// argument lowers an expression that begins anew, within metrics(…) and
// logs(…) or not.
func (l *lowering) argument(g *exprG, wrapped bool) (ast.Expr, error) {
	outer := l.wrapped
	l.wrapped = wrapped
	e, err := l.expr(g)
	l.wrapped = outer
	return e, err
}

func (l *lowering) wrapper(g *callG, name string) (ast.Expr, error) {
	var inner ast.Expr
	var err error
	if len(g.Args) == 1 && !present(g.Args[0].Name) {
		if inner, err = l.argument(g.Args[0].Value, true); err != nil {
			return nil, err
		}
	}
	for p, ok := inner.(*ast.Paren); ok; p, ok = inner.(*ast.Paren) {
		inner = p.Expr
	}
	s, ok := inner.(*ast.Selector)
	if !ok || g.After != nil || g.Matching != nil {
		return nil, l.fault(g.Name, "`%s(…)` takes one selector, with or without a range", name)
	}
	want := ast.Metrics
	if name == "logs" {
		want = ast.Logs
	}
	if s.Domain != ast.Bare && s.Domain != want {
		return nil, l.fault(g.Name, "`metrics(…)` and `logs(…)` exclude each other")
	}
	s.Domain = want
	return s, nil
}

func (l *lowering) aggregate(g *callG, op string) (ast.Expr, error) {
	a := &ast.Aggregate{Pos: l.pos(g.Name), Op: op, Grouping: l.grouping(g.Before)}
	switch {
	case g.Before != nil && g.After != nil:
		return nil, l.fault(g.After.How, "`%s` is grouped twice", op)
	case g.After != nil:
		a.Grouping = l.grouping(g.After)
	case g.Matching != nil:
		return nil, l.fault(g.Matching.How, "an aggregation is grouped with by or without, not with %s", g.Matching.How.Value)
	}
	want := 1
	if slices.Contains(funcs.ParamAggregations, op) {
		want = 2
	}
	if len(g.Args) == 0 {
		return nil, l.fault(g.Name, "no arguments for aggregate expression `%s` provided", op)
	}
	if len(g.Args) != want && !(l.dialect == ast.LogQL && want == 2 && len(g.Args) == 1) { // LogQL words that one itself
		return nil, l.fault(g.Name, "wrong number of arguments for aggregate expression `%s` provided, expected %d, got %d", op, want, len(g.Args))
	}
	args := make([]ast.Expr, len(g.Args))
	for i := range g.Args {
		if n := g.Args[i].Name; present(n) {
			return nil, l.fault(n, "an aggregation has no named arguments")
		}
		var err error
		if args[i], err = l.argument(g.Args[i].Value, false); err != nil {
			return nil, err
		}
	}
	if len(args) == 2 {
		a.Param = args[0]
	}
	a.Expr = args[len(args)-1]
	return a, nil
}

// modifiers remembers which modifiers the current operand has had.
type modifiers struct{ offset, at bool }

func (l *lowering) postfix(e ast.Expr, g *postfixG, m *modifiers) (ast.Expr, error) {
	if p, ok := e.(*ast.Paren); ok {
		// LogQL allows parentheses around a log selector before its range.
		in := p.Expr
		for q, ok := in.(*ast.Paren); ok; q, ok = in.(*ast.Paren) {
			in = q.Expr
		}
		if s, ok := in.(*ast.Selector); ok && s.Meaning(l.dialect) == ast.Logs {
			e = s
		}
	}
	switch {
	case g.Range != nil:
		return l.rangeOf(e, g.Range, m)
	case g.Offset != nil:
		return e, l.offset(e, g.Offset, m)
	case g.At != nil:
		return e, l.at(e, g.At, m)
	case g.Extend != nil:
		return e, l.extend(e, g.Extend.Word)
	}
	s, ok := e.(*ast.Selector)
	if !ok {
		t := lexer.Token{}
		if g.Filter != nil {
			t = g.Filter.Op
		} else {
			t = g.Stage.Pipe
		}
		return nil, l.fault(t, "`%s` must follow a log selector", l.spelling(t))
	}
	st, err := l.stage(g)
	if err != nil {
		return nil, err
	}
	s.Stages = append(s.Stages, st)
	return s, nil
}

// duration reads a range, a step or an offset.
func (l *lowering) duration(sign, t lexer.Token) (time.Duration, error) {
	lit := l.lit(t)
	if l.tok(t).Kind == Duration {
		return time.Duration(signed(sign, 1)) * time.Duration(lit.Nanos), nil
	}
	ns := math.Round(signed(sign, lit.Number) * float64(time.Second))
	if !(math.Abs(ns) < math.MaxInt64) {
		return 0, l.fault(t, "duration out of range, the longest is about 292y")
	}
	return time.Duration(ns), nil
}

func (l *lowering) positive(sign, t lexer.Token) (time.Duration, error) {
	d, err := l.duration(sign, t)
	if err == nil && d <= 0 {
		if present(sign) {
			t = sign
		}
		err = l.fault(t, "duration must be greater than 0")
	}
	return d, err
}

func (l *lowering) rangeOf(e ast.Expr, g *rangeG, m *modifiers) (ast.Expr, error) {
	width, err := l.durationExpr(&g.Range)
	if err != nil {
		return nil, err
	}
	if present(g.Colon) {
		sub := &ast.Subquery{Pos: e.Position(), Expr: e, Range: width.d, RangeExpr: width.e}
		if g.Step != nil {
			step, err := l.durationExpr(g.Step)
			if err != nil {
				return nil, err
			}
			sub.Step, sub.StepExpr = step.d, step.e
		}
		if s, ok := e.(*ast.Selector); ok && !l.wrapped {
			s.Domain = s.Meaning(l.dialect)
		}
		*m = modifiers{}
		return sub, nil
	}
	s, ok := e.(*ast.Selector)
	switch {
	case !ok:
		return nil, l.fault(g.Open, "ranges only allowed for vector selectors; write `[%s:]` for a subquery", l.between(g.Open))
	case s.HasRange():
		return nil, l.fault(g.Open, "a range may not be set multiple times")
	case m.offset || s.HasOffset():
		return nil, l.fault(g.Open, "no offset modifiers allowed before range")
	case m.at || s.At.Kind != ast.AtNone:
		return nil, l.fault(g.Open, "no @ modifiers allowed before range")
	}
	s.Range, s.RangeExpr = width.d, width.e
	return s, nil
}

func (l *lowering) offset(e ast.Expr, g *offsetG, m *modifiers) error {
	d, err := l.offsetExpr(g)
	if err != nil {
		return err
	}
	var at *time.Duration
	var expr *ast.Expr
	switch n := e.(type) {
	case *ast.Selector:
		at, expr = &n.Offset, &n.OffsetExpr
	case *ast.Subquery:
		at, expr = &n.Offset, &n.OffsetExpr
	default:
		return l.fault(g.Word, "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery")
	}
	if m.offset || *at != 0 || *expr != nil {
		return l.fault(g.Word, "offset may not be set multiple times")
	}
	m.offset = true
	*at, *expr = d.d, d.e
	return nil
}

func (l *lowering) at(e ast.Expr, g *atG, m *modifiers) error {
	var at *ast.At
	switch n := e.(type) {
	case *ast.Selector:
		at = &n.At
	case *ast.Subquery:
		at = &n.At
	default:
		return l.fault(g.At, "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery")
	}
	if m.at || at.Kind != ast.AtNone {
		return l.fault(g.At, "@ <timestamp> may not be set multiple times")
	}
	m.at = true
	switch g.Edge.Value {
	case "start":
		at.Kind = ast.AtStart
		return nil
	case "end":
		at.Kind = ast.AtEnd
		return nil
	}
	ms := math.Round(signed(g.Sign, l.lit(g.Value).Number) * 1000)
	if !(math.Abs(ms) < math.MaxInt64) {
		return l.fault(g.Value, "timestamp out of bounds for @ modifier: %s", l.spelling(g.Value))
	}
	*at = ast.At{Kind: ast.AtTime, Time: int64(ms)}
	return nil
}
