package query

import (
	"tidemark/query/ast"
	"tidemark/query/funcs"
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

// Check parses a query and checks its types without running it, with durations
// of the query itself (step(), range()) taken as those of an instant query. It returns
// the static type of the answer; errors are *ast.Error, with their place.
func Check(text string, d ast.Dialect) (funcs.Type, error) {
	node, err := compile(text, d, ast.Span{})
	if err != nil {
		return funcs.None, err
	}
	return node.Type(), nil
}
