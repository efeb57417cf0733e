package parse

import "github.com/alecthomas/participle/v2/lexer"

// The stages that LogQL does not have. Their words are names of labels, too,
// where a comparison follows: | limit > 5 is a label filter.

type wholeG struct {
	Not      struct{}    `parser:"(?! Ident ('=' | '==' | '!=' | '=~' | '!~' | '<' | '<=' | '>' | '>='))"`
	Patterns lexer.Token `parser:"( @('patterns' | 'shape')"`
	Context  *contextG   `parser:"| @@"`
	Sort     *sortG      `parser:"| @@"`
	Limit    *limitG     `parser:"| @@"`
	Stats    *statsG     `parser:"| @@"`
	Uniq     *uniqG      `parser:"| @@"`
	Top      *topG       `parser:"| @@ )"`
}

type contextG struct {
	Word  lexer.Token `parser:"@'stream_context'"`
	Sides []sideG     `parser:"@@+"`
}

type sideG struct {
	Side lexer.Token `parser:"@('before' | 'after')"`
	N    lexer.Token `parser:"@Number"`
}

type sortG struct {
	Word lexer.Token `parser:"@'sort' 'by' '('"`
	Keys []sortKeyG  `parser:"@@ ( ',' @@ )* ')'"`
}

type sortKeyG struct {
	Name  nameG       `parser:"@@"`
	Order lexer.Token `parser:"@('asc' | 'desc')?"`
}

type limitG struct {
	Word lexer.Token `parser:"@'limit'"`
	N    lexer.Token `parser:"@Number"`
}

// The labels of by may stand before or behind the functions.
type statsG struct {
	Word  lexer.Token `parser:"@'stats'"`
	First *byG        `parser:"@@?"`
	Funcs []statsFnG  `parser:"@@ ( (?= ',' Func) ',' @@ )*"`
}

type byG struct {
	Labels labelsG `parser:"'by' @@"`
}

type statsFnG struct {
	Name  lexer.Token `parser:"@Func '('"`
	Param lexer.Token `parser:"( @Number ',' )?"`
	Conv  lexer.Token `parser:"( @Func '('"`
	Inner *nameG      `parser:"  @@ ')'"`
	Field *nameG      `parser:"| @@ )? ')'"`
	As    lexer.Token `parser:"( 'as' @(Ident | Func) )?"`
	By    *byG        `parser:"@@?"`
}

type uniqG struct {
	Word lexer.Token `parser:"@'uniq'"`
	By   byG         `parser:"@@"`
}

type topG struct {
	Word lexer.Token `parser:"@'top'"`
	N    lexer.Token `parser:"@Number"`
	By   byG         `parser:"@@"`
}
