package server

import (
	"encoding/json"
	"strconv"

	"tidemark/query/ast"
	"tidemark/query/funcs"
	"tidemark/query/parse"
	"tidemark/storage/model"
)

// handlePromParse answers a query's tree in the form that Prometheus's page
// draws.
func (s *Server) handlePromParse(c *call) error {
	text, err := c.params.query()
	if err != nil {
		return err
	}
	tree, err := parse.Parse(text, ast.PromQL)
	if err != nil {
		return inParam("query", s.queryError(err))
	}
	b, err := json.Marshal(object{"status": "success", "data": promTree(tree)})
	if err != nil {
		return err
	}
	answerBytes(c.ctx, 200, append(b, '\n'))
	return nil
}

type object = map[string]any

// promTree is a tree as Prometheus writes it.
func promTree(e ast.Expr) any {
	switch n := e.(type) {
	case *ast.Number:
		return object{"type": "numberLiteral", "val": strconv.FormatFloat(n.Value, 'f', -1, 64)}
	case *ast.String:
		return object{"type": "stringLiteral", "val": n.Value}
	case *ast.Paren:
		return object{"type": "parenExpr", "expr": promTree(n.Expr)}
	case *ast.Unary:
		return object{"type": "unaryExpr", "op": n.Op, "expr": promTree(n.Expr)}
	case *ast.Aggregate:
		g := n.Grouping
		if g == nil {
			g = &ast.Grouping{}
		}
		return object{"type": "aggregation", "op": n.Op, "expr": promTree(n.Expr), "param": promTree(n.Param), "grouping": list(g.Labels), "without": g.Without}
	case *ast.Binary:
		m := n.Matching
		if m == nil && !isNumber(n.LHS) && !isNumber(n.RHS) {
			m = &ast.Matching{}
			if n.Op == "and" || n.Op == "or" || n.Op == "unless" {
				m.Card = ast.ManyToMany
			}
		}
		return object{"type": "binaryExpr", "op": n.Op, "lhs": promTree(n.LHS), "rhs": promTree(n.RHS), "matching": promMatching(m), "bool": n.Bool}
	case *ast.Call:
		args := []any{}
		for _, a := range n.Args {
			args = append(args, promTree(a))
		}
		return object{"type": "call", "func": promFunc(n.Func), "args": args}
	case *ast.Subquery:
		return promTime(object{"type": "subquery", "expr": promTree(n.Expr), "range": n.Range.Milliseconds(), "rangeExpr": promTree(n.RangeExpr),
			"offset": n.Offset.Milliseconds(), "offsetExpr": promTree(n.OffsetExpr), "step": n.Step.Milliseconds(), "stepExpr": promTree(n.StepExpr)}, n.At)
	case *ast.Selector:
		matchers := []object{}
		for _, m := range n.Matchers {
			matchers = append(matchers, object{"name": m.Name, "value": m.Value, "type": m.Type.String()})
		}
		if n.Name != "" {
			matchers = append(matchers, object{"name": model.MetricName, "value": n.Name, "type": "="})
		}
		o := object{"type": "vectorSelector", "name": n.Name, "offset": n.Offset.Milliseconds(), "offsetExpr": promTree(n.OffsetExpr), "matchers": matchers,
			"anchored": n.Extend == ast.Anchored, "smoothed": n.Extend == ast.Smoothed}
		if n.HasRange() {
			o["type"], o["range"], o["rangeExpr"] = "matrixSelector", n.Range.Milliseconds(), promTree(n.RangeExpr)
		}
		return promTime(o, n.At)
	}
	return nil
}

// isNumber reports whether an expression is a scalar.
func isNumber(e ast.Expr) bool {
	switch n := e.(type) {
	case *ast.Number:
		return true
	case *ast.Paren:
		return isNumber(n.Expr)
	case *ast.Unary:
		return isNumber(n.Expr)
	case *ast.Binary:
		return isNumber(n.LHS) && isNumber(n.RHS)
	case *ast.Call:
		f := funcs.Lookup(n.Func)
		return f != nil && f.Returns == funcs.Scalar
	}
	return false
}

func list(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

// promTime adds the @ modifier.
func promTime(o object, at ast.At) object {
	o["timestamp"], o["startOrEnd"] = nil, nil
	switch at.Kind {
	case ast.AtTime:
		o["timestamp"] = at.Time
	case ast.AtStart:
		o["startOrEnd"] = "start"
	case ast.AtEnd:
		o["startOrEnd"] = "end"
	}
	return o
}

func promMatching(m *ast.Matching) any {
	if m == nil {
		return nil
	}
	card := map[ast.Card]string{ast.OneToOne: "one-to-one", ast.ManyToOne: "many-to-one", ast.OneToMany: "one-to-many", ast.ManyToMany: "many-to-many"}[m.Card]
	return object{"card": card, "labels": list(m.Labels), "on": m.On, "include": list(m.Include), "fillValues": object{"lhs": m.FillLeft, "rhs": m.FillRight}}
}

// promFunc describes a function; the names of types are Prometheus's.
func promFunc(name string) object {
	o := object{"name": name, "argTypes": []string{}, "variadic": 0, "returnType": "vector"}
	f := funcs.Lookup(name)
	if f == nil {
		return o
	}
	of := func(t funcs.Type) string {
		switch t {
		case funcs.Range:
			return "matrix"
		case funcs.Scalar:
			return "scalar"
		case funcs.Str:
			return "string"
		}
		return "vector"
	}
	types, optional := []string{}, 0
	for _, p := range f.Params {
		if len(p.Types) > 0 {
			types = append(types, of(p.Types[0]))
		}
		if p.Optional {
			optional++
		}
	}
	if f.Variadic {
		optional = -1
	}
	o["argTypes"], o["variadic"], o["returnType"] = types, optional, of(f.Returns)
	return o
}
