package parse

import (
	"io"

	"github.com/alecthomas/participle/v2/lexer"
)

// tokenType returns a kind's type in participle: its own EOF is -1, and a zero
// type is no token at all.
func tokenType(k Kind) lexer.TokenType {
	if k == EOF {
		return lexer.EOF
	}
	return -lexer.TokenType(k) - 1
}

// definition presents the lexer to participle, which asks it for the symbols
// when the grammar is built. Parsing hands over ready tokens instead.
type definition struct{}

// Symbols returns the token types by name.
func (definition) Symbols() map[string]lexer.TokenType {
	m := map[string]lexer.TokenType{"EOF": lexer.EOF}
	for k := Ident; int(k) < len(kindNames); k++ {
		m[k.String()] = tokenType(k)
	}
	return m
}

// Lex reads all of r, at most the length limit.
func (definition) Lex(_ string, r io.Reader) (lexer.Lexer, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxLength+1))
	if err != nil {
		return nil, err
	}
	ts, err := Lex(string(text))
	if err != nil {
		return nil, err
	}
	return &feed{list: ts.List}, nil
}

// feed hands tokens to participle. The offset of a position is the index of
// the token, not a place in the text: the tree that participle makes depends
// on the shape of a query alone.
type feed struct {
	list []Token
	next int
}

// Next returns the next token; after the last one it returns EOF for ever.
func (f *feed) Next() (lexer.Token, error) {
	if f.next >= len(f.list) {
		return lexer.EOFToken(lexer.Position{Offset: len(f.list)}), nil
	}
	t := &f.list[f.next]
	f.next++
	return lexer.Token{Type: tokenType(t.Kind), Value: t.Value, Pos: lexer.Position{Offset: f.next - 1}}, nil
}
