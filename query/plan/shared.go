package plan

import (
	"fmt"
	"strconv"
	"strings"

	"tidemark/query/ast"
)

// Shared finds the expressions that occur more than once in a plan and give the
// same series wherever they stand: those of metrics alone, without functions of
// analysis, that read something. Of one within another only the outer is listed,
// unless the inner occurs elsewhere too. Nodes of equal number are one expression.
func Shared(root Node) map[Node]int {
	f := finder{ids: map[string]int{}, count: map[int]int{}, number: map[Node]int{}}
	f.visit(root)
	out := map[Node]int{}
	var mark func(n Node, covered int)
	mark = func(n Node, covered int) {
		if id := f.number[n]; id != 0 && f.count[id] > covered && worthSharing(n) {
			out[n] = id
			covered = f.count[id]
		}
		for _, c := range Children(n) {
			mark(c, covered)
		}
	}
	mark(root, 1)
	if len(out) == 0 {
		return nil
	}
	return out
}

// finder numbers expressions by what they say: the operator and the numbers of
// what it works on.
type finder struct {
	ids    map[string]int
	count  map[int]int
	number map[Node]int
}

// visit numbers a tree; ok is false where something cannot be shared.
func (f *finder) visit(n Node) (id int, ok bool) {
	var b strings.Builder
	ok = true
	fmt.Fprintf(&b, "%T", n)
	switch n := n.(type) {
	case *Const:
		b.WriteString(strconv.FormatFloat(n.Value, 'g', -1, 64))
	case *Text:
		b.WriteString(strconv.Quote(n.Value))
	case *List, *Unary:
	case *Select:
		for _, m := range n.Matchers {
			b.WriteString(strconv.Quote(m.Name) + m.Type.String() + strconv.Quote(m.Value))
		}
		fmt.Fprint(&b, int64(n.Range), n.Extend, n.StatsOnly, n.When)
	case *Subquery:
		fmt.Fprint(&b, int64(n.Range), int64(n.Step), n.When)
	case *Binary:
		b.WriteString(n.Op + strconv.FormatBool(n.Bool))
		if m := n.Matching; m != nil {
			fmt.Fprintf(&b, "%v%v%q%q%v%v", m.Card, m.On, m.Labels, m.Include, number(m.FillLeft), number(m.FillRight))
		}
	case *Aggregate:
		fmt.Fprintf(&b, "%s%v%q%v", n.Op, n.Grouping.Without, n.Grouping.Labels, n.Param != nil)
	case *Call:
		b.WriteString(n.Func.Name)
		for _, a := range n.Args {
			b.WriteString(strconv.FormatBool(a != nil))
		}
		ok = n.Func.Family != "analysis" && n.Matching == nil && n.Grouping == nil
	default:
		ok = false
	}
	if u, isUnary := n.(*Unary); isUnary {
		b.WriteString(u.Op)
	}
	b.WriteByte('(')
	for _, c := range Children(n) {
		inner, can := f.visit(c)
		ok = ok && can
		b.WriteString(strconv.Itoa(inner))
		b.WriteByte(',')
	}
	key := b.String()
	if id = f.ids[key]; id == 0 {
		id = len(f.ids) + 1
		f.ids[key] = id
	}
	if ok {
		f.count[id]++
		f.number[n] = id
	}
	return id, ok
}

func number(f *float64) string {
	if f == nil {
		return "none"
	}
	return strconv.FormatFloat(*f, 'g', -1, 64)
}

// worthSharing reports whether an expression is a vector that reads series. A
// selection at one time is read as fast as it is copied.
func worthSharing(n Node) bool {
	switch n := n.(type) {
	case *Select:
		return n.Range == 0 && n.At.Kind == ast.AtNone
	case *Aggregate, *Binary, *Unary, *Call:
		return isVector(n.Type()) && reads(n)
	}
	return false
}

func reads(n Node) bool {
	if _, ok := n.(*Select); ok {
		return true
	}
	for _, c := range Children(n) {
		if reads(c) {
			return true
		}
	}
	return false
}
