package query

import (
	"tidemark/query/ast"
	"tidemark/query/plan"
)

// compile turns text into a plan; its errors are *ast.Error.
func compile(text string, _ ast.Dialect) (plan.Node, error) {
	return nil, &ast.Error{Pos: ast.Pos{Line: 1, Column: 1}, Message: "this build has no parser", Token: text}
}
