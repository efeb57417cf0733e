package query

import (
	"tidemark/query/ast"
	"tidemark/query/parse"
	"tidemark/query/plan"
)

// compile turns text into a plan; its errors are *ast.Error. q is what the
// durations of the text may ask of the query.
func compile(text string, d ast.Dialect, q ast.Span) (plan.Node, error) {
	expr, err := parse.Parse(text, d)
	if err != nil {
		return nil, err
	}
	if err := ast.Resolve(expr, q); err != nil {
		return nil, err
	}
	return plan.Build(expr, d)
}
