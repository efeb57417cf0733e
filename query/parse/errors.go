package parse

import (
	"fmt"
	"strings"

	"tidemark/query/ast"
	"tidemark/query/funcs"
)

// A candidate is a kind of thing that might have been right at some place:
// its name in the user's words and a token that begins it.
type candidate struct {
	words string
	tok   Token
}

func punct(s string) Token { return Token{Kind: Punct, Text: s, Value: s, Slot: -1} }

func operator(s string) Token { return Token{Kind: Operator, Text: s, Value: s, Slot: -1} }

func word(k Kind, s string) Token { return Token{Kind: k, Text: s, Value: s, Slot: -1} }

var (
	numberToken = Token{Kind: Number, Text: "1", Slot: -1}
	nameToken   = Token{Kind: Ident, Text: "x", Value: "x", Slot: -1}
	stringToken = Token{Kind: String, Text: `""`, Slot: -1}
	eofToken    = Token{Kind: EOF, Slot: -1}
)

// candidates in the order in which an error lists them. An expression and an
// operator stand for all the tokens that may begin one.
var candidates = []candidate{
	{"`)`", punct(")")},
	{"`]`", punct("]")},
	{"`}`", punct("}")},
	{"`,`", punct(",")},
	{"`(`", punct("(")},
	{"`=`", punct("=")},
	{"`==`", operator("==")},
	{"`>`", operator(">")},
	{"`:`", punct(":")},
	{"a number", numberToken},
	{"a duration", Token{Kind: Duration, Text: "1s", Slot: -1}},
	{"a string", stringToken},
	{"a name", nameToken},
	{"`{`", punct("{")},
	{"an operator", operator("*")},
	{"a range in `[ ]`", punct("[")},
	{"a pipeline stage", punct("|")},
	{"`by`", word(Keyword, "by")},
	{"`on`", word(Keyword, "on")},
	{"`offset`", word(Keyword, "offset")},
}

// suggestible words that a misspelt name may have meant, where the grammar has
// them.
var suggestible = []Token{
	word(WordOperator, "and"), word(WordOperator, "or"), word(WordOperator, "unless"), word(WordOperator, "atan2"),
	word(Keyword, "bool"), word(Keyword, "on"), word(Keyword, "ignoring"), word(Keyword, "group_left"), word(Keyword, "group_right"),
	word(Keyword, "by"), word(Keyword, "without"), word(Keyword, "offset"),
	word(Ident, "json"), word(Ident, "logfmt"), word(Ident, "regexp"), word(Ident, "pattern"), word(Ident, "unpack"),
	word(Ident, "line_format"), word(Ident, "label_format"), word(Ident, "decolorize"), word(Ident, "drop"), word(Ident, "keep"), word(Ident, "unwrap"), word(Ident, "patterns"),
	word(Ident, "shape"), word(Ident, "stats"), word(Ident, "uniq"), word(Ident, "top"), word(Ident, "sort"), word(Ident, "limit"), word(Ident, "stream_context"),
	word(Ident, "start"), word(Ident, "end"),
}

// stages are the words that begin a step of a pipeline.
var stages = []string{"json", "logfmt", "regexp", "pattern", "unpack", "line_format", "label_format", "decolorize", "drop", "keep", "unwrap", "patterns",
	"shape", "stats", "uniq", "top", "sort", "limit", "stream_context"}

// syntaxError tells what is wrong with the token at the index. What would have
// been right is found by trying: a candidate is expected if the grammar gets
// past it. That costs a parse of the text before the token per candidate, so
// far into a long query it is left out.
func syntaxError(ts []Token, at int) *ast.Error {
	t := ts[at]
	e := &ast.Error{Pos: t.Pos, Token: t.Text, Message: "unexpected " + describe(t)}
	if len(ts) == 1 {
		e.Message = "the query is empty"
		e.Expected = []string{"an expression"}
		return e
	}
	const farthest = 250
	if at > farthest {
		return e
	}
	e.Expected = expected(ts[:at])
	if t.Kind == Ident || t.Kind == Func {
		var near []string
		for _, w := range suggestible {
			if accepts(ts[:at], w) {
				near = append(near, w.Text)
			}
		}
		e.Suggest = ast.Nearest(t.Text, near)
	}
	if t.Value == "=" && accepts(ts[:at], operator("==")) {
		e.Suggest = "=="
	}
	if t.Value == "==" && accepts(ts[:at], punct("=")) {
		e.Suggest = "="
	}
	if at >= 2 && ts[at-2].Value == "|" && (ts[at-1].Kind == Ident || ts[at-1].Kind == Func) {
		// What was read as a label may have been meant as a stage.
		if s := ast.Nearest(ts[at-1].Text, stages); s != ts[at-1].Text && s != "" {
			e.Suggest = s
		}
	}
	if prev := at - 1; t.Kind == Keyword && prev >= 0 && ts[prev].Kind == Ident && (t.Value == "by" || t.Value == "without") {
		if s := ast.Nearest(ts[prev].Text, funcs.Aggregations); s != "" {
			e.Suggest = s
		}
	}
	return e
}

// inLokisWords adds to an error what people who know Loki, and tools, look for:
// that it is a syntax error, and the names of Loki's tokens.
func inLokisWords(e *ast.Error) {
	e.Message = "syntax error: " + e.Message
	if t := strings.TrimPrefix(e.Message, "syntax error: unexpected keyword "); t != e.Message {
		e.Message = "syntax error: unexpected " + strings.Trim(t, "`")
	}
	for i, w := range e.Expected {
		switch w {
		case "a name":
			e.Expected[i] = "a name (expecting IDENTIFIER)"
		case "a string":
			e.Expected[i] = "a string (expecting STRING)"
		}
	}
}

func describe(t Token) string {
	switch t.Kind {
	case EOF:
		return "end of the query"
	case String:
		return "string " + t.Text
	case Number:
		return "number `" + t.Text + "`"
	case Duration:
		return "duration `" + t.Text + "`"
	case Bytes:
		return "size `" + t.Text + "`"
	case Ident, Func:
		return "name `" + t.Text + "`"
	case Keyword, WordOperator:
		return "keyword `" + t.Text + "`"
	}
	return fmt.Sprintf("`%s`", t.Text)
}

// expected lists what may follow a prefix, in the user's words.
func expected(prefix []Token) []string {
	ok := make(map[string]bool, len(candidates))
	for _, c := range candidates {
		if accepts(prefix, c.tok) {
			ok[c.words] = true
		}
	}
	var out []string
	if ok["a number"] && ok["`(`"] && ok["`{`"] {
		out = append(out, "an expression")
		for _, w := range []string{"a number", "a duration", "a string", "a name", "`(`", "`{`", "`by`", "`on`", "`offset`"} {
			delete(ok, w)
		}
	}
	if ok["an operator"] { // after an operand: leave out what is rarely meant
		for _, w := range []string{"`=`", "`==`", "`>`", "`(`", "`{`", "`by`", "`on`", "`offset`"} {
			delete(ok, w)
		}
	}
	if ok["a name"] && !ok["an expression"] { // keywords are names too
		for _, w := range []string{"`by`", "`on`", "`offset`"} {
			delete(ok, w)
		}
	}
	if ok["`==`"] && ok["`>`"] { // of a label filter
		delete(ok, "`==`")
		delete(ok, "`>`")
		delete(ok, "`=`")
		out = append(out, "a comparison")
	} else if ok["`=`"] { // of a matcher
		delete(ok, "`=`")
		out = append(out, "`=`, `!=`, `=~` or `!~`")
	}
	if ok["a number"] && ok["a duration"] {
		delete(ok, "a number")
		if !ok["a name"] { // arithmetic of durations is rarely meant
			delete(ok, "`(`")
		}
	}
	for _, c := range candidates {
		if ok[c.words] {
			out = append(out, c.words)
		}
	}
	return out
}

// accepts reports whether the grammar gets past the token after the prefix.
func accepts(prefix []Token, t Token) bool {
	list := make([]Token, 0, len(prefix)+2)
	list = append(append(append(list, prefix...), t), eofToken)
	if n := len(prefix); n > 0 {
		classify(list, n-1)
	}
	_, at := match(list)
	return at < 0 || at > len(prefix)
}
