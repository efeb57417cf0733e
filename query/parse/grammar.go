package parse

import (
	"regexp"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// The grammar. Each struct is a production; testdata/grammar.ebnf has it in
// print. It is predictive: one token decides, and where that is not enough an
// explicit lookahead (?= …) does, so that an error is always at the token that
// cannot be right. Operators come as flat lists, which lowering folds by
// precedence: a recursive rule per precedence would cost a dozen calls for
// every operand.
//
// Leaves are participle's tokens, whose Pos.Offset is the index of the token
// in Tokens.List. A token of type 0 is absent.

type exprG struct {
	First operandG    `parser:"@@"`
	Rest  []operatorG `parser:"@@*"`
}

type operatorG struct {
	Op       lexer.Token `parser:"@(Operator | WordOperator)"`
	Bool     lexer.Token `parser:"@'bool'?"`
	Matching *matchingG  `parser:"@@?"`
	Fill     []fillG     `parser:"@@*"`
	Operand  operandG    `parser:"@@"`
}

type fillG struct {
	How   lexer.Token `parser:"(?= ('fill' | 'fill_left' | 'fill_right') '(' ('+' | '-')? (Number | Duration) ')') @Func '('"`
	Sign  lexer.Token `parser:"@('+' | '-')?"`
	Value lexer.Token `parser:"@(Number | Duration) ')'"`
}

type matchingG struct {
	How   lexer.Token `parser:"@('on' | 'ignoring')"`
	On    labelsG     `parser:"@@"`
	Group lexer.Token `parser:"( @('group_left' | 'group_right')"`
	With  *labelsG    `parser:"  @@? )?"`
}

type labelsG struct {
	Open  lexer.Token `parser:"@'('"`
	Names []nameG     `parser:"( @@ ( (?! ',' ')') ',' @@ )* ','? )? ')'"`
}

type nameG struct {
	Tok lexer.Token `parser:"@(Ident | Keyword | WordOperator | String)"`
}

type operandG struct {
	Signs   []signG    `parser:"@@*"`
	Primary primaryG   `parser:"@@"`
	Post    []postfixG `parser:"@@*"`
}

type signG struct {
	Tok lexer.Token `parser:"@('+' | '-')"`
}

type primaryG struct {
	Call     *callG      `parser:"  @@"`
	Selector *selectorG  `parser:"| @@"`
	Number   lexer.Token `parser:"| @(Number | Duration)"`
	String   lexer.Token `parser:"| @String"`
	Paren    *parenG     `parser:"| @@"`
}

type parenG struct {
	Open  lexer.Token `parser:"@'('"`
	First *exprG      `parser:"@@"`
	Rest  []*exprG    `parser:"( (?! ',' ')') ',' @@ )*"`
	Comma lexer.Token `parser:"@','? ')'"`
}

type callG struct {
	Name     lexer.Token `parser:"@Func"`
	Before   *groupingG  `parser:"@@?"`
	Args     []argG      `parser:"'(' ( @@ ( ',' @@ )* )? ')'"`
	After    *groupingG  `parser:"( @@"`
	Matching *matchingG  `parser:"| @@ )?"`
}

type groupingG struct {
	How    lexer.Token `parser:"@('by' | 'without')"`
	Labels labelsG     `parser:"@@"`
}

type argG struct {
	Name  lexer.Token `parser:"( (?= (Ident | 'by') '=') @(Ident | 'by') '=' )?"`
	Value *exprG      `parser:"@@"`
}

type selectorG struct {
	Name   lexer.Token `parser:"  @(Ident | 'and' | 'or' | 'unless' | 'by' | 'without' | 'offset')"`
	Braces *bracesG    `parser:"  @@?"`
	Bare   *bracesG    `parser:"| @@"`
}

type bracesG struct {
	Open     lexer.Token `parser:"@'{'"`
	Matchers []matcherG  `parser:"( @@ ( (?! ',' '}') ',' @@ )* ','? )? '}'"`
}

type matcherG struct {
	Label lexer.Token `parser:"( @Ident"`
	Op    lexer.Token `parser:"  @('=' | '!=' | '=~' | '!~')"`
	Value lexer.Token `parser:"  @String )"`
	Name  lexer.Token `parser:"| ( @String"`
	QOp   lexer.Token `parser:"    ( @('=' | '!=' | '=~' | '!~')"`
	QVal  lexer.Token `parser:"      @String )? )"`
}

type postfixG struct {
	Range  *rangeG  `parser:"  @@"`
	Offset *offsetG `parser:"| @@"`
	At     *atG     `parser:"| @@"`
	Extend *extendG `parser:"| @@"`
	Filter *filterG `parser:"| @@"`
	Stage  *stageG  `parser:"| @@"`
}

type rangeG struct {
	Open  lexer.Token `parser:"@'['"`
	Range durationG   `parser:"@@"`
	Colon lexer.Token `parser:"( @':'"`
	Step  *durationG  `parser:"  @@? )? ']'"`
}

// Arithmetic of durations: step() + 1m, 2 * (5m - 30s), max_of(range(), 1h).
type durationG struct {
	First durationTermG `parser:"@@"`
	Rest  []durationOpG `parser:"@@*"`
}

type durationOpG struct {
	Op      lexer.Token   `parser:"@('+' | '-' | '*' | '/' | '%' | '^')"`
	Operand durationTermG `parser:"@@"`
}

type durationTermG struct {
	Signs []signG       `parser:"@@*"`
	Atom  durationAtomG `parser:"@@"`
}

type durationAtomG struct {
	Value lexer.Token    `parser:"  @(Number | Duration)"`
	Call  *durationCallG `parser:"| @@"`
	Open  lexer.Token    `parser:"| @'('"`
	Inner *durationG     `parser:"  @@ ')'"`
}

type durationCallG struct {
	Name lexer.Token `parser:"@Func '('"`
	Args []durationG `parser:"( @@ ( ',' @@ )* )? ')'"`
}

type offsetG struct {
	Word lexer.Token   `parser:"@'offset'"`
	Sign lexer.Token   `parser:"@('+' | '-')?"`
	Atom durationAtomG `parser:"@@"`
}

type extendG struct {
	Word lexer.Token `parser:"@('anchored' | 'smoothed')"`
}

type atG struct {
	At    lexer.Token `parser:"@'@'"`
	Edge  lexer.Token `parser:"( @('start' | 'end') '(' ')'"`
	Sign  lexer.Token `parser:"| @('+' | '-')?"`
	Value lexer.Token `parser:"  @(Number | Duration) )"`
}

// A != before a string filters lines; before anything else it compares.
type filterG struct {
	Op   lexer.Token `parser:"( @('|=' | '|~' | '!~' | '|>' | '!>') | (?= '!=' (String | 'ip' '(')) @'!=' )"`
	Text textG       `parser:"@@"`
	Or   []textG     `parser:"( (?= 'or' (String | 'ip' '(')) 'or' @@ )*"`
}

type textG struct {
	Text lexer.Token `parser:"  @String"`
	IP   lexer.Token `parser:"| 'ip' '(' @String ')'"`
}

type stageG struct {
	Pipe       lexer.Token `parser:"@'|'"`
	Parser     *parserG    `parser:"( @@"`
	Expression *captureG   `parser:"| @@"`
	Format     *formatG    `parser:"| @@"`
	Labels     *relabelG   `parser:"| @@"`
	Decolorize lexer.Token `parser:"| @'decolorize'"`
	Whole      *wholeG     `parser:"| @@"`
	Pick       *pickG      `parser:"| @@"`
	Unwrap     *unwrapG    `parser:"| @@"`
	Cond       *condG      `parser:"| @@ )"`
}

type captureG struct {
	Name lexer.Token `parser:"@('regexp' | 'pattern')"`
	Text lexer.Token `parser:"@String"`
}

type formatG struct {
	Word     lexer.Token `parser:"@'line_format'"`
	Template lexer.Token `parser:"@String"`
}

type relabelG struct {
	Word  lexer.Token `parser:"@'label_format'"`
	Items []assignG   `parser:"@@ ( (?= ',' Ident) ',' @@ )*"`
}

type assignG struct {
	Label    lexer.Token `parser:"@Ident '='"`
	From     lexer.Token `parser:"( @Ident"`
	Template lexer.Token `parser:"| @String )"`
}

type parserG struct {
	Name  lexer.Token   `parser:"@('json' | 'logfmt' | 'unpack')"`
	Flags []flagG       `parser:"@@*"`
	Take  []extractionG `parser:"( @@ ( (?= ',' Ident) ',' @@ )* )?"`
}

type flagG struct {
	Tok lexer.Token `parser:"@Flag"`
}

type extractionG struct {
	Label lexer.Token `parser:"@Ident"`
	Path  lexer.Token `parser:"( '=' @String )?"`
}

type pickG struct {
	How    lexer.Token  `parser:"@('drop' | 'keep')"`
	Labels []pickLabelG `parser:"@@ ( (?= ',' Ident) ',' @@ )*"`
}

type pickLabelG struct {
	Label lexer.Token `parser:"@Ident"`
	Op    lexer.Token `parser:"( @('=' | '!=' | '=~' | '!~')"`
	Value lexer.Token `parser:"  @String )?"`
}

type unwrapG struct {
	Word  lexer.Token `parser:"@'unwrap'"`
	Conv  lexer.Token `parser:"( @Func '('"`
	Inner lexer.Token `parser:"  @Ident ')'"`
	Label lexer.Token `parser:"| @Ident )"`
}

// A comma joins conditions where a condition follows it; otherwise it belongs
// to what surrounds the pipeline.
type condG struct {
	First condTermG `parser:"@@"`
	Rest  []condOpG `parser:"@@*"`
}

type condOpG struct {
	Op   lexer.Token `parser:"( @('and' | 'or') | (?= ',' '('* Ident ('=' | '==' | '!=' | '=~' | '!~' | '<' | '<=' | '>' | '>=')) @',' )?"`
	Term condTermG   `parser:"@@"`
}

type condTermG struct {
	Open  lexer.Token `parser:"  @'('"`
	Inner *condG      `parser:"  @@ ')'"`
	Label lexer.Token `parser:"| @Ident"`
	Op    lexer.Token `parser:"  @('=' | '==' | '!=' | '=~' | '!~' | '<=' | '>=' | '<' | '>')"`
	Text  lexer.Token `parser:"  ( @String"`
	IP    lexer.Token `parser:"  | 'ip' '(' @String ')'"`
	Sign  lexer.Token `parser:"  | @('+' | '-')?"`
	Value lexer.Token `parser:"    @(Number | Duration | Bytes) )"`
}

// grammar is the one parser; it is safe for concurrent use.
var grammar = participle.MustBuild[exprG](
	participle.Lexer(definition{}),
	participle.UseLookahead(0),
)

// Grammar returns the grammar in EBNF, made from the productions. Operator is
// any of + - * / % ^ == != < > <= >= </ >/, and WordOperator any of and, or, unless,
// atan2.
func Grammar() string { return production.ReplaceAllString(grammar.String(), "$1") }

// production matches the names of productions, whose types end with G.
var production = regexp.MustCompile(`\b([A-Z]\w*)G\b`)
