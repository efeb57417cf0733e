package parse

import (
	"fmt"

	"tidemark/query/ast"
)

// Limits of a query's text. They are checked while tokens are made, before
// the recursive parser sees any of them. The error of each names the limit.
const (
	// MaxLength is the length of a query in bytes. Dashboards and rule files
	// stay below a tenth of it; a URL of this length is refused by most
	// proxies.
	MaxLength = 64 << 10
	// MaxNesting is the depth of brackets, and the length of a chain of signs
	// or of ranges and modifiers after one expression. The parser recurses per
	// bracket, some twenty stack frames each; hand-written queries nest up to
	// a dozen deep, generated ones some dozens.
	MaxNesting = 200
	// MaxTokens bounds the size and, by chains such as 1+1+1, the depth of
	// the tree: recursion over it needs some megabytes of stack at most.
	MaxTokens = 16384
)

func errTooLong(n int) *ast.Error {
	return &ast.Error{
		Pos:     ast.Pos{Offset: 0, Line: 1, Column: 1},
		Message: fmt.Sprintf("the query is %d bytes long, the limit (MaxLength) is %d", n, MaxLength),
	}
}

func errTooDeep(p ast.Pos, token string) *ast.Error {
	return &ast.Error{
		Pos: p, Token: token,
		Message: fmt.Sprintf("the query nests more than %d levels deep, the limit (MaxNesting)", MaxNesting),
	}
}

func errTooMany(p ast.Pos, token string) *ast.Error {
	return &ast.Error{
		Pos: p, Token: token,
		Message: fmt.Sprintf("the query has more than %d tokens, the limit (MaxTokens)", MaxTokens),
	}
}
