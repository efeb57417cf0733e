package parse

import (
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"tidemark/query/ast"
)

// stage lowers one step of a log pipeline.
func (l *lowering) stage(g *postfixG) (ast.Stage, error) {
	if f := g.Filter; f != nil {
		return l.lineFilter(f)
	}
	pos := l.pos(g.Stage.Pipe)
	switch s := g.Stage; {
	case s.Parser != nil:
		return l.parser(pos, s.Parser)
	case s.Expression != nil:
		return &ast.Parser{Pos: pos, Name: s.Expression.Name.Value, Text: l.text(s.Expression.Text)}, nil
	case s.Format != nil:
		return &ast.LineFormat{Pos: pos, Template: l.text(s.Format.Template)}, nil
	case s.Labels != nil:
		st := &ast.LabelFormat{Pos: pos}
		for i := range s.Labels.Items {
			g := &s.Labels.Items[i]
			it := ast.LabelAssign{Pos: l.pos(g.Label), Label: l.spelling(g.Label)}
			if present(g.From) {
				it.From = l.spelling(g.From)
			} else {
				it.Template = l.text(g.Template)
			}
			st.Items = append(st.Items, it)
		}
		return st, nil
	case s.Whole != nil:
		return l.whole(pos, s.Whole)
	case present(s.Decolorize):
		return &ast.Decolorize{Pos: pos}, nil
	case s.Pick != nil:
		st := &ast.DropKeep{Pos: pos, Keep: s.Pick.How.Value == "keep"}
		for i := range s.Pick.Labels {
			p := &s.Pick.Labels[i]
			pick := ast.LabelPick{Name: l.spelling(p.Label)}
			if present(p.Op) {
				m := l.matcher(p.Label, p.Op, p.Value)
				pick.Matcher = &m
			}
			st.Labels = append(st.Labels, pick)
		}
		return st, nil
	case s.Unwrap != nil:
		if !present(s.Unwrap.Conv) {
			return &ast.Unwrap{Pos: pos, Label: l.spelling(s.Unwrap.Label)}, nil
		}
		conv := l.spelling(s.Unwrap.Conv)
		switch conv {
		case "duration", "duration_seconds", "bytes":
			return &ast.Unwrap{Pos: pos, Label: l.spelling(s.Unwrap.Inner), Conv: conv}, nil
		}
		return nil, &ast.Error{
			Pos: l.pos(s.Unwrap.Conv), Token: conv, Message: "unknown conversion `" + conv + "`",
			Expected: []string{"duration", "duration_seconds", "bytes"},
			Suggest:  ast.Nearest(conv, []string{"duration", "duration_seconds", "bytes"}),
		}
	default:
		c, err := l.cond(s.Cond)
		if err != nil {
			return nil, err
		}
		return &ast.LabelFilter{Pos: pos, Cond: c}, nil
	}
}

// lineFilter lowers a line filter; ip("…") goes with the comparisons of text
// only.
func (l *lowering) lineFilter(g *filterG) (ast.Stage, error) {
	st := &ast.LineFilter{Pos: l.pos(g.Op), Op: g.Op.Value}
	add := func(t *textG) error {
		switch {
		case present(t.Text):
			st.Values = append(st.Values, l.text(t.Text))
		case st.Op != "|=" && st.Op != "!=":
			return l.fault(t.IP, "ip: invalid operation `%s`, it goes with `|=` and `!=`", st.Op)
		default:
			st.IPs = append(st.IPs, l.text(t.IP))
		}
		return nil
	}
	if err := add(&g.Text); err != nil {
		return nil, err
	}
	for i := range g.Or {
		if err := add(&g.Or[i]); err != nil {
			return nil, err
		}
	}
	return st, nil
}

var parserFlags = []string{"--strict", "--keep-empty"}

func (l *lowering) parser(pos ast.Pos, g *parserG) (ast.Stage, error) {
	st := &ast.Parser{Pos: pos, Name: g.Name.Value}
	for i := range g.Flags {
		f := l.spelling(g.Flags[i].Tok)
		if f != parserFlags[0] && f != parserFlags[1] {
			return nil, &ast.Error{
				Pos: l.pos(g.Flags[i].Tok), Token: f, Message: "unknown flag `" + f + "`",
				Expected: parserFlags, Suggest: ast.Nearest(f, parserFlags),
			}
		}
		st.Flags = append(st.Flags, f)
	}
	if st.Name == "unpack" && len(g.Take) > 0 {
		return nil, l.fault(g.Take[0].Label, "`unpack` takes no labels to extract")
	}
	for i := range g.Take {
		e := ast.Extraction{Pos: l.pos(g.Take[i].Label), Label: l.spelling(g.Take[i].Label)}
		e.Path = e.Label
		if present(g.Take[i].Path) {
			e.Path = l.text(g.Take[i].Path)
		}
		st.Extractions = append(st.Extractions, e)
	}
	return st, nil
}

// Conditions follow LogQL: `or` binds looser than `and`, while a comma, or
// nothing at all, joins what stands to its left with everything to its right:
// a, b or c is a and (b or c).
func (l *lowering) cond(g *condG) (ast.Cond, error) {
	f := &condFold{l: l, g: g}
	return f.climb(&g.First, 0)
}

type condFold struct {
	l    *lowering
	g    *condG
	next int
}

func (f *condFold) climb(t *condTermG, lowest int) (ast.Cond, error) {
	left, err := f.l.condTerm(t)
	if err != nil {
		return nil, err
	}
	for f.next < len(f.g.Rest) {
		r := &f.g.Rest[f.next]
		op, binds, within := "and", 3, 0 // comma and juxtaposition
		pos := left.Position()
		switch r.Op.Value {
		case "or":
			op, binds, within = "or", 1, 2
		case "and":
			binds, within = 2, 3
		}
		if present(r.Op) {
			pos = f.l.pos(r.Op)
		}
		if binds < lowest {
			break
		}
		f.next++
		right, err := f.climb(&r.Term, within)
		if err != nil {
			return nil, err
		}
		left = &ast.CondBinary{Pos: pos, Op: op, LHS: left, RHS: right}
	}
	return left, nil
}

func (l *lowering) condTerm(g *condTermG) (ast.Cond, error) {
	if g.Inner != nil {
		return l.cond(g.Inner)
	}
	pos, name, op := l.pos(g.Label), l.spelling(g.Label), g.Op.Value
	if present(g.IP) {
		if op != "=" && op != "!=" {
			return nil, l.fault(g.IP, "syntax error: unexpected ip behind `%s`, it goes with `=` and `!=`", op)
		}
		return &ast.CondIP{Pos: pos, Name: name, Op: op, Value: l.text(g.IP)}, nil
	}
	if present(g.Text) {
		if op == "==" && l.dialect != ast.LogQL {
			op = "="
		}
		mt, ok := matchTypes[op]
		if !ok {
			return nil, l.fault(g.Text, "syntax error: `%s` compares numbers, durations and sizes, got a string", op)
		}
		return &ast.CondMatch{Pos: pos, Type: mt, Name: name, Value: l.text(g.Text)}, nil
	}
	switch op {
	case "=":
		op = "=="
	case "=~", "!~":
		return nil, l.fault(g.Value, "`%s` takes a string, got %s", op, l.spelling(g.Value))
	}
	c := &ast.CondNumber{
		Pos: pos, Name: name, Op: op,
		Value: signed(g.Sign, l.lit(g.Value).Number),
		Text:  l.number(g.Sign, g.Value),
	}
	switch l.tok(g.Value).Kind {
	case Duration:
		c.Kind = ast.CondDuration
	case Bytes:
		c.Kind = ast.CondBytes
	}
	return c, nil
}

// number returns a number as written, without a plus.
func (l *lowering) number(sign, value lexer.Token) string {
	return strings.TrimPrefix(sign.Value, "+") + l.spelling(value)
}
