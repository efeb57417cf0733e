package logpipe

import (
	"strconv"

	"tidemark/query/ast"
)

// cond compiles a label filter and notes the labels that it names.
func (cc *compiler) cond(c ast.Cond) (stage, error) {
	switch c := c.(type) {
	case *ast.CondBinary:
		l, err := cc.cond(c.LHS)
		if err != nil {
			return nil, err
		}
		r, err := cc.cond(c.RHS)
		if err != nil {
			return nil, err
		}
		return &bothCond{l: l, r: r, or: c.Op == "or"}, nil
	case *ast.CondMatch:
		cc.reads(c.Name)
		test, err := TextTest(c.Type, c.Value, cc.pipe.opts.Loki)
		if err != nil {
			return nil, errorAt(c.Pos, "label filter: "+err.Error())
		}
		if cc.pipe.opts.Loki && c.Name == ErrorDetailsLabel {
			return constant(test("")), nil
		}
		return &textCond{c.Name, test}, nil
	case *ast.CondNumber:
		cc.reads(c.Name)
		test := compare(c.Op)
		if test == nil {
			return nil, errorAt(c.Pos, "unknown comparison "+c.Op)
		}
		return &numberCond{name: c.Name, kind: c.Kind, value: c.Value, test: test}, nil
	case *ast.CondIP:
		cc.reads(c.Name)
		ips, err := parseIPs(c.Value)
		if err != nil {
			return nil, errorAt(c.Pos, "label filter: "+err.Error())
		}
		return &ipCond{name: c.Name, ips: ips, negate: c.Op == "!="}, nil
	}
	return nil, errorAt(c.Position(), "this condition cannot be executed")
}

// bothCond joins two conditions; the right one is not looked at where the
// left one of an "or" holds.
type bothCond struct {
	l, r stage
	or   bool
}

func (c *bothCond) run(r *row) bool {
	left := c.l.run(r)
	if c.or {
		return left || c.r.run(r)
	}
	return c.r.run(r) && left
}

// constant keeps every row or none.
type constant bool

func (c constant) run(*row) bool { return bool(c) }

// textCond compares a label's text; a missing label is the empty text.
type textCond struct {
	name string
	test func(string) bool
}

func (c *textCond) run(r *row) bool {
	v, _ := r.get(c.name)
	return c.test(v)
}

// numberCond compares a label's number; a missing label never passes, one
// that is no number passes with an error.
type numberCond struct {
	name  string
	kind  ast.CondKind
	value float64
	test  func(a, b float64) bool
}

func (c *numberCond) run(r *row) bool {
	text, ok := r.get(c.name)
	if !ok || c.name == ErrorLabel || c.name == ErrorDetailsLabel {
		return false
	}
	v, err := convert(text, c.kind)
	if err != nil {
		if r.err == "" {
			r.fail(ErrFilter, err.Error())
		}
		return true
	}
	return c.test(v, c.value)
}

// convert reads a label's text as a number, a duration in seconds or a size
// in bytes.
func convert(text string, kind ast.CondKind) (float64, error) {
	switch kind {
	case ast.CondDuration:
		return parseSeconds(text)
	case ast.CondBytes:
		return parseBytes(text)
	}
	return strconv.ParseFloat(text, 64)
}

func compare(op string) func(a, b float64) bool {
	switch op {
	case "==", "=":
		return func(a, b float64) bool { return a == b }
	case "!=":
		return func(a, b float64) bool { return a != b }
	case ">":
		return func(a, b float64) bool { return a > b }
	case ">=":
		return func(a, b float64) bool { return a >= b }
	case "<":
		return func(a, b float64) bool { return a < b }
	case "<=":
		return func(a, b float64) bool { return a <= b }
	}
	return nil
}
