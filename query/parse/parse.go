// Package parse turns query text into a syntax tree: a hand-written lexer, a
// grammar for participle, and a lowering of what the grammar yields to
// query/ast. It checks form alone; names and types are the planner's.
//
//	text  --Lex-->  tokens, literals in slots   limits are enforced here
//	      --grammar-->  productions             flat lists, tokens by index
//	      --lower-->  ast                       precedence, modifiers, domains
//
// The lexer is written by hand because words change meaning by context (a
// name is a function before a bracket, a label within braces), because limits
// must hold before anything recurses, and because errors need places. The
// grammar is the same for PromQL, LogQL and the native dialect: the dialect
// decides what a selector means that names no metric, nothing else.
package parse

import (
	"github.com/alecthomas/participle/v2/lexer"

	"tidemark/query/ast"
	"tidemark/storage/model"
)

// Parse parses a query. The domain of every selector in the tree is resolved
// by the dialect: none is ast.Bare. An error is an *ast.Error with the place,
// the token met, what was expected, and the nearest known word. Time and
// memory are linear in the length of the text, which the package's limits
// bound.
func Parse(text string, d ast.Dialect) (ast.Expr, error) {
	ts, err := Lex(text)
	if err != nil {
		return nil, err
	}
	g, at := shapes.match(ts)
	if at >= 0 {
		e := syntaxError(ts.List, at)
		if d == ast.LogQL {
			inLokisWords(e)
		}
		return nil, e
	}
	l := &lowering{ts: ts, dialect: d}
	return l.expr(g)
}

// match runs the grammar over tokens that end with EOF. at is the index of
// the token that cannot be right, or -1.
func match(list []Token) (g *exprG, at int) {
	lex, err := lexer.Upgrade(&feed{list: list})
	if err != nil {
		return nil, 0 // feed returns no error
	}
	g, err = grammar.ParseFromLexer(lex)
	if err == nil {
		return g, -1
	}
	at = len(list) - 1
	if p, ok := err.(interface{ Position() lexer.Position }); ok {
		at = min(max(p.Position().Offset, 0), at)
	}
	return nil, at
}

// ParseSelector parses a series selector, as in a match[] parameter of the
// HTTP API: a PromQL selector without range, modifiers or pipeline. The
// matchers include the one on __name__ where the selector has a name. At
// least one matcher must reject the empty value.
func ParseSelector(text string) ([]*model.Matcher, error) {
	e, err := Parse(text, ast.PromQL)
	if err != nil {
		return nil, err
	}
	s, ok := e.(*ast.Selector)
	if !ok || s.HasRange() || s.HasOffset() || s.Extend != ast.NotExtended || s.At.Kind != ast.AtNone || s.Domain != ast.Metrics {
		return nil, &ast.Error{
			Pos: e.Position(), Message: "not a series selector",
			Expected: []string{"a metric name or matchers in braces, such as `up{job=\"api\"}`"},
		}
	}
	return s.Compile()
}
