package parse

import (
	"math"

	"github.com/alecthomas/participle/v2/lexer"

	"tidemark/query/ast"
)

// whole lowers one of the stages that LogQL does not have.
func (l *lowering) whole(pos ast.Pos, g *wholeG) (ast.Stage, error) {
	switch {
	case g.Patterns.Value == "shape":
		return &ast.Shape{Pos: pos}, nil
	case present(g.Patterns):
		return &ast.Patterns{Pos: pos}, nil
	case g.Context != nil:
		return l.context(pos, g.Context)
	case g.Sort != nil:
		st := &ast.Sort{Pos: pos}
		for i := range g.Sort.Keys {
			k := &g.Sort.Keys[i]
			st.Keys = append(st.Keys, ast.SortKey{Pos: l.pos(k.Name.Tok), Name: l.name(k.Name.Tok), Desc: k.Order.Value == "desc"})
		}
		return st, nil
	case g.Limit != nil:
		n, err := l.count(g.Limit.N, 1)
		return &ast.Limit{Pos: pos, N: n}, err
	case g.Stats != nil:
		return l.stats(pos, g.Stats)
	case g.Uniq != nil:
		return &ast.Uniq{Pos: pos, By: l.labels(&g.Uniq.By.Labels)}, nil
	}
	n, err := l.count(g.Top.N, 1)
	return &ast.Top{Pos: pos, N: n, By: l.labels(&g.Top.By.Labels)}, err
}

// count reads a whole number that is not below least.
func (l *lowering) count(t lexer.Token, least float64) (int, error) {
	f := l.lit(t).Number
	if f < least || f > math.MaxInt32 || f != math.Trunc(f) {
		return 0, l.fault(t, "want a whole number from %g to %d, got `%s`", least, math.MaxInt32, l.spelling(t))
	}
	return int(f), nil
}

func (l *lowering) context(pos ast.Pos, g *contextG) (ast.Stage, error) {
	st := &ast.Context{Pos: pos}
	given := map[string]bool{}
	for i := range g.Sides {
		s := &g.Sides[i]
		n, err := l.count(s.N, 0)
		if err != nil {
			return nil, err
		}
		if given[s.Side.Value] {
			return nil, l.fault(s.Side, "`%s` is given twice", s.Side.Value)
		}
		given[s.Side.Value] = true
		if s.Side.Value == "before" {
			st.Before = n
		} else {
			st.After = n
		}
	}
	return st, nil
}

func (l *lowering) stats(pos ast.Pos, g *statsG) (ast.Stage, error) {
	st := &ast.Stats{Pos: pos}
	by := g.First
	for i := range g.Funcs {
		f := &g.Funcs[i]
		out := ast.StatsFunc{Pos: l.pos(f.Name), Func: l.spelling(f.Name)}
		out.Param = math.NaN()
		if present(f.Param) {
			out.Param = l.lit(f.Param).Number
		}
		switch {
		case f.Inner != nil:
			out.Conv, out.Field = l.spelling(f.Conv), l.name(f.Inner.Tok)
		case f.Field != nil:
			out.Field = l.name(f.Field.Tok)
		}
		if present(f.As) {
			out.As = l.spelling(f.As)
		}
		st.Funcs = append(st.Funcs, out)
		if f.By == nil {
			continue
		}
		if by != nil {
			return nil, l.fault(f.By.Labels.Open, "the labels of `by` are given twice")
		}
		by = f.By
	}
	if by != nil {
		st.By = l.labels(&by.Labels)
	}
	return st, nil
}
