package parse

import (
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/participle/v2/lexer"

	"tidemark/query/ast"
)

// span is a range, a step or an offset: a duration, or an expression of one
// that asks for the query's own step or range.
type span struct {
	d time.Duration
	e ast.Expr
}

// durationExpr reads a range or a step: a literal, or arithmetic of durations,
// which is calculated here unless it needs the query.
func (l *lowering) durationExpr(g *durationG) (span, error) {
	if len(g.Rest) == 0 && len(g.First.Signs) <= 1 && present(g.First.Atom.Value) {
		sign := lexer.Token{}
		if len(g.First.Signs) == 1 {
			sign = g.First.Signs[0].Tok
		}
		d, err := l.positive(sign, g.First.Atom.Value)
		return span{d: d}, err
	}
	f := &durationFold{l: l, g: g}
	e, err := f.climb(&g.First, 0, 4)
	if err != nil {
		return span{}, err
	}
	return calculated(e, true)
}

// offsetExpr reads an offset: one signed duration, call or parenthesis.
func (l *lowering) offsetExpr(g *offsetG) (span, error) {
	if present(g.Atom.Value) {
		d, err := l.duration(g.Sign, g.Atom.Value)
		return span{d: d}, err
	}
	e, err := l.durationAtom(&g.Atom)
	if err != nil {
		return span{}, err
	}
	if present(g.Sign) {
		e = &ast.Unary{Pos: l.pos(g.Sign), Op: g.Sign.Value, Expr: e}
	}
	return calculated(e, false)
}

func calculated(e ast.Expr, positive bool) (span, error) {
	if ast.AsksQuery(e) {
		return span{e: e}, nil
	}
	d, err := ast.DurationOf(e, nil, positive)
	return span{d: d}, err
}

// durationFold is fold for the arithmetic of durations.
type durationFold struct {
	l    *lowering
	g    *durationG
	next int
}

func (f *durationFold) climb(t *durationTermG, sign, lowest int) (left ast.Expr, err error) {
	if sign < len(t.Signs) {
		tok := t.Signs[sign].Tok
		inner, err := f.climb(t, sign+1, signPrecedence+1)
		if err != nil {
			return nil, err
		}
		left = &ast.Unary{Pos: f.l.pos(tok), Op: tok.Value, Expr: inner}
	} else if left, err = f.l.durationAtom(&t.Atom); err != nil {
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
		if op.Op.Value == "^" {
			within = p
		}
		right, err := f.climb(&op.Operand, 0, within)
		if err != nil {
			return nil, err
		}
		left = &ast.Binary{Pos: f.l.pos(op.Op), Op: op.Op.Value, LHS: left, RHS: right}
	}
	return left, nil
}

// durationCalls are the functions of duration expressions and how many
// arguments they take.
var durationCalls = map[string]int{"step": 0, "range": 0, "min_of": 2, "max_of": 2}

func (l *lowering) durationAtom(g *durationAtomG) (ast.Expr, error) {
	switch {
	case present(g.Value):
		t := l.tok(g.Value)
		return &ast.Number{Pos: t.Pos, Value: l.lit(g.Value).Number, Duration: t.Kind == Duration}, nil
	case g.Inner != nil:
		f := &durationFold{l: l, g: g.Inner}
		e, err := f.climb(&g.Inner.First, 0, 4)
		if err != nil {
			return nil, err
		}
		return &ast.Paren{Pos: l.pos(g.Open), Expr: e}, nil
	}
	name := strings.ToLower(l.spelling(g.Call.Name))
	want, ok := durationCalls[name]
	if !ok {
		e := &ast.Error{Pos: l.pos(g.Call.Name), Token: l.spelling(g.Call.Name), Message: fmt.Sprintf("unknown function `%s` in a duration", l.spelling(g.Call.Name)),
			Expected: []string{"step()", "range()", "min_of(…)", "max_of(…)"}}
		return nil, e
	}
	if got := len(g.Call.Args); got != want {
		return nil, l.fault(g.Call.Name, "`%s` in a duration takes %d arguments, got %d", name, want, got)
	}
	c := &ast.Call{Pos: l.pos(g.Call.Name), Func: name}
	for i := range g.Call.Args {
		a := &g.Call.Args[i]
		f := &durationFold{l: l, g: a}
		e, err := f.climb(&a.First, 0, 4)
		if err != nil {
			return nil, err
		}
		c.Args = append(c.Args, e)
	}
	return c, nil
}

// extend lowers anchored and smoothed.
func (l *lowering) extend(e ast.Expr, t lexer.Token) error {
	s, ok := e.(*ast.Selector)
	switch {
	case !ok:
		return l.fault(t, "%s modifier must be preceded by a selector", t.Value)
	case t.Value == "anchored" && !s.HasRange():
		return l.fault(t, "anchored modifier must be preceded by a range, such as `[5m]`")
	case s.Extend != ast.NotExtended && s.Extend.String() != t.Value:
		return l.fault(t, "anchored and smoothed modifiers cannot be used together")
	}
	if s.Extend = ast.Smoothed; t.Value == "anchored" {
		s.Extend = ast.Anchored
	}
	return nil
}

// fills lowers fill(…), fill_left(…) and fill_right(…).
func (l *lowering) fills(b *ast.Binary, gs []fillG) error {
	for i := range gs {
		g := &gs[i]
		if b.Matching == nil {
			b.Matching = &ast.Matching{}
		}
		m := b.Matching
		v := signed(g.Sign, l.lit(g.Value).Number)
		left, right := g.How.Value != "fill_right", g.How.Value != "fill_left"
		if isSetOperator(b.Op) {
			return l.fault(g.How, "filling in missing series not allowed for set operators")
		}
		if left && m.FillLeft != nil || right && m.FillRight != nil {
			return l.fault(g.How, "a side is filled twice")
		}
		if left {
			m.FillLeft = &v
		}
		if right {
			m.FillRight = &v
		}
	}
	return nil
}
