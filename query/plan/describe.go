package plan

import (
	"strconv"
	"strings"
	"time"

	"tidemark/query/ast"
	"tidemark/storage/model"
)

// Describe names an operator in a line, without what it works on: sum by (job),
// rate, up{job="api"}[5m].
func Describe(n Node) string {
	switch n := n.(type) {
	case *Const:
		return strconv.FormatFloat(n.Value, 'g', -1, 64)
	case *Text:
		return strconv.Quote(n.Value)
	case *List:
		return "list"
	case *Select:
		return braces(n.Matchers) + window(n.Range, 0, false) + n.When.describe()
	case *SelectLogs:
		s := braces(n.Matchers)
		if k := len(n.Stages); k > 0 {
			s += " | " + strconv.Itoa(k) + " stages"
		}
		return s + window(n.Range, 0, false) + n.When.describe()
	case *Patterns:
		return "patterns"
	case *Subquery:
		return "subquery " + window(n.Range, n.Step, true) + n.When.describe()
	case *Matchers:
		return braces(n.List)
	case *Unary:
		return n.Op
	case *Binary:
		s := n.Op
		if n.Bool {
			s += " bool"
		}
		if m := n.Matching; m != nil && (m.On || len(m.Labels) > 0) {
			how := " ignoring ("
			if m.On {
				how = " on ("
			}
			s += how + strings.Join(m.Labels, ", ") + ")"
		}
		return s
	case *Aggregate:
		return n.Op + grouping(&n.Grouping)
	case *Call:
		return n.Func.Name + grouping(n.Grouping)
	}
	return "expression"
}

func grouping(g *ast.Grouping) string {
	switch {
	case g == nil || !g.Without && len(g.Labels) == 0:
		return ""
	case g.Without:
		return " without (" + strings.Join(g.Labels, ", ") + ")"
	}
	return " by (" + strings.Join(g.Labels, ", ") + ")"
}

func braces(ms []*model.Matcher) string {
	name, rest := "", make([]string, 0, len(ms))
	for _, m := range ms {
		if m.Name == model.MetricName && m.Type == model.MatchEqual && name == "" {
			name = m.Value
			continue
		}
		rest = append(rest, m.String())
	}
	if name != "" && len(rest) == 0 {
		return name
	}
	return name + "{" + strings.Join(rest, ", ") + "}"
}

func window(rng, step time.Duration, sub bool) string {
	switch {
	case sub && step > 0:
		return "[" + ast.FormatDuration(rng) + ":" + ast.FormatDuration(step) + "]"
	case sub:
		return "[" + ast.FormatDuration(rng) + ":]"
	case rng > 0:
		return "[" + ast.FormatDuration(rng) + "]"
	}
	return ""
}

func (w When) describe() string {
	s := ""
	switch w.At.Kind {
	case ast.AtTime:
		s = " @ " + strconv.FormatFloat(float64(w.At.Time)/1000, 'f', -1, 64)
	case ast.AtStart:
		s = " @ start()"
	case ast.AtEnd:
		s = " @ end()"
	}
	if w.Offset != 0 {
		s += " offset " + ast.FormatDuration(w.Offset)
	}
	return s
}

// Children returns the operators that a node works on, in the order of the text.
func Children(n Node) []Node {
	var all []Node
	switch n := n.(type) {
	case *List:
		all = n.Items
	case *Patterns:
		all = []Node{n.Logs}
	case *Subquery:
		all = []Node{n.Expr}
	case *Unary:
		all = []Node{n.Expr}
	case *Binary:
		all = []Node{n.LHS, n.RHS}
	case *Aggregate:
		if n.Param != nil {
			all = append(all, n.Param)
		}
		all = append(all, n.Expr)
	case *Call:
		for _, a := range n.Args {
			if a != nil {
				all = append(all, a)
			}
		}
	}
	return all
}
