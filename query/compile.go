package query

import (
	"tidemark/query/ast"
	"tidemark/query/parse"
	"tidemark/query/plan"
)

// compile turns text into a plan; its errors are *ast.Error.
func compile(text string, d ast.Dialect) (plan.Node, error) {
	expr, err := parse.Parse(text, d)
	if err != nil {
		return nil, err
	}
	return plan.Build(expr, d)
}
