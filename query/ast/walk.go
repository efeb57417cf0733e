package ast

// Walk calls visit for the expression and everything beneath it, parents
// before children, in the order of the text. Where visit returns false, the
// children are left out.
func Walk(e Expr, visit func(Expr) bool) {
	if e == nil || !visit(e) {
		return
	}
	switch n := e.(type) {
	case *Paren:
		Walk(n.Expr, visit)
	case *Tuple:
		for _, it := range n.Items {
			Walk(it, visit)
		}
	case *Unary:
		Walk(n.Expr, visit)
	case *Subquery:
		Walk(n.Expr, visit)
	case *Binary:
		Walk(n.LHS, visit)
		Walk(n.RHS, visit)
	case *Aggregate:
		Walk(n.Param, visit)
		Walk(n.Expr, visit)
	case *Call:
		for _, a := range n.Args {
			Walk(a, visit)
		}
		for i := range n.Named {
			Walk(n.Named[i].Value, visit)
		}
	}
}

// Selectors returns every selector of a tree, in the order of the text.
func Selectors(e Expr) []*Selector {
	var out []*Selector
	Walk(e, func(e Expr) bool {
		if s, ok := e.(*Selector); ok {
			out = append(out, s)
		}
		return true
	})
	return out
}
