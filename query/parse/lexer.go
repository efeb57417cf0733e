package parse

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"tidemark/query/ast"
	"tidemark/query/funcs"
)

// Kind is the kind of a token.
type Kind uint8

// Kinds of tokens.
const (
	EOF          Kind = iota
	Ident             // a name
	Keyword           // by, on, offset …: a word that modifies an expression
	Func              // a name before ( or before by (…) and without (…)
	Number            // a literal: 1, 0x1F, 1e3, Inf
	Duration          // a literal: 5m, 1h30m, 1.5s
	Bytes             // a literal: 20MB, 1.5KiB
	String            // a literal: "…", '…', `…`
	Flag              // --strict after logfmt
	Punct             // brackets and other signs
	Operator          // + - * / % ^ == != < > <= >=
	WordOperator      // and, or, unless, atan2
)

var kindNames = [...]string{"EOF", "Ident", "Keyword", "Func", "Number", "Duration", "Bytes", "String", "Flag", "Punct", "Operator", "WordOperator"}

// String returns the kind's name in the grammar.
func (k Kind) String() string { return kindNames[k] }

// Token is one token. The value of a literal is not in the token but in a
// slot of Tokens.Literals.
type Token struct {
	Kind Kind
	Text string // as written
	// Value is what the grammar matches: the text, a keyword in lower case,
	// or nothing for a literal.
	Value string
	Pos   ast.Pos
	Slot  int // index of the literal, -1 for other tokens
}

// Literal is the value of a literal token.
type Literal struct {
	Number float64 // of Number; of Duration in seconds; of Bytes in bytes
	Nanos  int64   // of Duration
	Text   string  // of String, unquoted
}

// Tokens is a query as tokens, the last one being EOF. Literals are lifted
// into slots: two queries that differ in literals only have the same shape,
// and what the grammar makes of a shape holds for both, because the grammar
// refers to tokens by index. So a cache of syntax trees may be keyed by
// dialect and shape.
type Tokens struct {
	List     []Token
	Literals []Literal
}

// Shape returns the token sequence without the values of literals: kinds and
// values, each token separated by a byte that no token contains.
func (ts *Tokens) Shape() string {
	var b strings.Builder
	for i := range ts.List {
		b.WriteByte(byte(ts.List[i].Kind))
		b.WriteString(ts.List[i].Value)
		b.WriteByte(0xff)
	}
	return b.String()
}

// wordOperators are operators, keywords modify an expression. Both are written
// in any case; within braces, and as labels, they are ordinary names.
var wordOperators = map[string]bool{"and": true, "or": true, "unless": true, "atan2": true}

var keywords = map[string]bool{
	"bool": true, "on": true, "ignoring": true, "group_left": true, "group_right": true,
	"by": true, "without": true, "offset": true,
}

// scanner turns text into tokens.
type scanner struct {
	text  string
	pos   ast.Pos // of the next byte
	out   Tokens
	open  []Token // brackets not yet closed
	chain int     // signs in a row, see count
	posts []int   // per bracket depth: modifiers since the last operand
}

// Lex turns text into tokens. It enforces the limits, checks that brackets
// pair and that literals are well formed; an error is an *ast.Error.
func Lex(text string) (*Tokens, error) {
	if len(text) > MaxLength {
		return nil, errTooLong(len(text))
	}
	l := &scanner{text: text, pos: ast.Pos{Line: 1, Column: 1}}
	l.out.List = make([]Token, 0, len(text)/4+2)
	for {
		l.space()
		if l.pos.Offset == len(l.text) {
			break
		}
		if err := l.token(); err != nil {
			return nil, err
		}
	}
	if n := len(l.open); n > 0 {
		o := l.open[n-1]
		return nil, &ast.Error{
			Pos:      l.pos,
			Message:  "unexpected end of the query",
			Expected: []string{fmt.Sprintf("`%s` to close the `%s` at %s", closing[o.Value], o.Value, o.Pos)},
		}
	}
	l.out.List = append(l.out.List, Token{Kind: EOF, Pos: l.pos, Slot: -1})
	for i := range l.out.List {
		classify(l.out.List, i)
	}
	return &l.out, nil
}

// classify makes a name a Func where it is called: before ( or before a
// grouping. An aggregation before by is meant as one even without a bracket.
func classify(ts []Token, i int) {
	if ts[i].Kind != Ident || i+1 >= len(ts) {
		return
	}
	next := ts[i+1]
	grouped := next.Kind == Keyword && (next.Value == "by" || next.Value == "without") &&
		(i+2 < len(ts) && ts[i+2].Value == "(" || funcs.IsAggregation(strings.ToLower(ts[i].Text)))
	if next.Value == "(" || grouped {
		ts[i].Kind = Func
	}
}

var closing = map[string]string{"(": ")", "[": "]", "{": "}"}

func (l *scanner) rest() string { return l.text[l.pos.Offset:] }

// advance moves the position past the next n bytes.
func (l *scanner) advance(n int) {
	s := l.text[l.pos.Offset : l.pos.Offset+n]
	l.pos.Offset += n
	if i := strings.LastIndexByte(s, '\n'); i >= 0 {
		l.pos.Line += strings.Count(s, "\n")
		l.pos.Column = 1
		s = s[i+1:]
	}
	l.pos.Column += utf8.RuneCountInString(s)
}

// space skips white space and comments.
func (l *scanner) space() {
	s, n := l.rest(), 0
	for n < len(s) {
		switch s[n] {
		case ' ', '\t', '\n', '\r':
			n++
			continue
		case '#':
			if end := strings.IndexByte(s[n:], '\n'); end >= 0 {
				n += end
				continue
			}
			n = len(s)
		}
		break
	}
	l.advance(n)
}

// within returns the innermost open bracket, or "".
func (l *scanner) within() string {
	if len(l.open) == 0 {
		return ""
	}
	return l.open[len(l.open)-1].Value
}

// emit adds a token of n bytes and moves past it.
func (l *scanner) emit(k Kind, n int, value string, lit *Literal) error {
	t := Token{Kind: k, Text: l.rest()[:n], Value: value, Pos: l.pos, Slot: -1}
	if len(l.out.List) >= MaxTokens {
		return errTooMany(l.pos, t.Text)
	}
	if lit != nil {
		t.Slot = len(l.out.Literals)
		l.out.Literals = append(l.out.Literals, *lit)
	}
	l.out.List = append(l.out.List, t)
	l.advance(n)
	return l.count(t)
}

// count bounds what would make a deep tree without brackets: chains of signs,
// and chains of ranges and modifiers after one operand.
func (l *scanner) count(t Token) error {
	if t.Value == "+" || t.Value == "-" {
		l.chain++
	} else {
		l.chain = 0
	}
	depth := len(l.open)
	for len(l.posts) <= depth {
		l.posts = append(l.posts, 0)
	}
	l.posts = l.posts[:depth+1]
	switch t.Value {
	case "]", "offset", "@":
		l.posts[depth]++
	case ",", "+", "-", "*", "/", "%", "^", "==", "<", ">", "<=", ">=", "and", "or", "unless", "atan2":
		l.posts[depth] = 0
	}
	if l.chain > MaxNesting || l.posts[depth] > MaxNesting {
		return errTooDeep(t.Pos, t.Text)
	}
	return nil
}

// operators and other signs, those of two characters first.
var operators = [...]struct {
	text string
	kind Kind
}{
	{"</", Operator}, {">/", Operator},
	{"=~", Punct}, {"==", Operator}, {"!=", Operator}, {"!~", Punct}, {"<=", Operator}, {">=", Operator}, {"|=", Punct}, {"|~", Punct}, {"|>", Punct}, {"!>", Punct},
	{"+", Operator}, {"-", Operator}, {"*", Operator}, {"/", Operator}, {"%", Operator}, {"^", Operator}, {"<", Operator}, {">", Operator},
	{"=", Punct}, {"|", Punct}, {",", Punct}, {":", Punct}, {"@", Punct},
}

func (l *scanner) token() error {
	s := l.rest()
	c := s[0]
	switch {
	case c == '"' || c == '\'' || c == '`':
		return l.quoted()
	case isDigit(c), c == '.' && len(s) > 1 && isDigit(s[1]):
		return l.number()
	case isLetter(c), c == ':' && l.within() != "[" && len(s) > 1 && isLetter(s[1]):
		return l.word()
	case c == '(' || c == '[' || c == '{':
		if len(l.open) >= MaxNesting {
			return errTooDeep(l.pos, s[:1])
		}
		l.open = append(l.open, Token{Value: s[:1], Pos: l.pos})
		return l.emit(Punct, 1, s[:1], nil)
	case c == ')' || c == ']' || c == '}':
		n := len(l.open)
		if n == 0 {
			return &ast.Error{Pos: l.pos, Token: s[:1], Message: "unexpected `" + s[:1] + "`, nothing is open here"}
		}
		if o := l.open[n-1]; closing[o.Value] != s[:1] {
			return &ast.Error{
				Pos: l.pos, Token: s[:1], Message: "unexpected `" + s[:1] + "`",
				Expected: []string{fmt.Sprintf("`%s` to close the `%s` at %s", closing[o.Value], o.Value, o.Pos)},
			}
		}
		l.open = l.open[:n-1]
		return l.emit(Punct, 1, s[:1], nil)
	case strings.HasPrefix(s, "--") && l.flagsFollow():
		if n := flagLen(s); n > 0 {
			return l.emit(Flag, n, s[:n], nil)
		}
	}
	for _, op := range operators {
		if strings.HasPrefix(s, op.text) {
			return l.emit(op.kind, len(op.text), op.text, nil)
		}
	}
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n <= 1 {
		return &ast.Error{Pos: l.pos, Message: fmt.Sprintf("invalid UTF-8 byte 0x%02x", c)}
	}
	e := &ast.Error{Pos: l.pos, Token: s[:n], Message: fmt.Sprintf("unexpected character %q", r)}
	switch {
	case c == '!':
		e.Expected = []string{"`!=`", "`!~`", "`!>`"}
	case strings.ContainsRune("“”„«»", r):
		e.Expected = []string{"a straight quote such as \""}
	case strings.ContainsRune("‘’‚", r):
		e.Expected = []string{"a straight quote such as '"}
	}
	return e
}

// flagsFollow reports whether a flag may come: after | logfmt or a flag.
func (l *scanner) flagsFollow() bool {
	n := len(l.out.List)
	if n == 0 {
		return false
	}
	last := l.out.List[n-1]
	return last.Kind == Flag || last.Value == "logfmt" && n > 1 && l.out.List[n-2].Value == "|"
}

// flagLen returns the length of --word-word at the start of s, or 0.
func flagLen(s string) int {
	n := 2
	for n < len(s) && (isLetter(s[n]) || s[n] == '-') {
		n++
	}
	if n == 2 {
		return 0
	}
	return n
}

func (l *scanner) word() error {
	s := l.rest()
	in := l.within()
	n := 1
	for n < len(s) && (isLetter(s[n]) || isDigit(s[n]) || s[n] == ':' && in != "[" && in != "{") {
		n++
	}
	text := s[:n]
	if in == "{" {
		return l.emit(Ident, n, text, nil)
	}
	low := strings.ToLower(text)
	if f, ok := namedNumbers[low]; ok {
		return l.emit(Number, n, "", &Literal{Number: f})
	}
	if wordOperators[low] {
		return l.emit(WordOperator, n, low, nil)
	}
	if keywords[low] {
		return l.emit(Keyword, n, low, nil)
	}
	return l.emit(Ident, n, text, nil)
}

func (l *scanner) number() error {
	s := l.rest()
	n := numberLen(s)
	kind, lit, err := parseNumeric(s[:n])
	if err != nil {
		return &ast.Error{Pos: l.pos, Token: s[:n], Message: err.Error()}
	}
	return l.emit(kind, n, "", &lit)
}

func (l *scanner) quoted() error {
	s := l.rest()
	text, n, err := unquote(s)
	if err != nil {
		p := *l
		p.advance(n)
		return &ast.Error{Pos: p.pos, Message: err.Error()}
	}
	return l.emit(String, n, "", &Literal{Text: text})
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
}
