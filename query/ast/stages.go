package ast

import "tidemark/storage/model"

// Stage is one step of a log pipeline.
type Stage interface {
	Node
	stage()
}

// LineFilter keeps rows by their line: Op is |=, !=, |~ or !~. Several
// values were chained with or.
type LineFilter struct {
	Pos
	Op     string
	Values []string
}

// Extraction is one parameter of json or logfmt: label="path".
type Extraction struct {
	Pos
	Label, Path string
}

// Parser extracts labels from the line: Name is json or logfmt.
type Parser struct {
	Pos
	Name        string
	Flags       []string // --strict, --keep-empty
	Extractions []Extraction
}

// LabelFilter keeps rows by labels or fields.
type LabelFilter struct {
	Pos
	Cond Cond
}

// Unwrap makes a label or field the sample value; Conv is "", duration,
// duration_seconds or bytes.
type Unwrap struct {
	Pos
	Label, Conv string
}

// DropKeep removes or keeps labels; Keep says which.
type DropKeep struct {
	Pos
	Keep   bool
	Labels []LabelPick
}

// LabelPick names a label and, where Matcher is not nil, the values meant.
type LabelPick struct {
	Name    string
	Matcher *Matcher
}

func (*LineFilter) stage()  {}
func (*Parser) stage()      {}
func (*LabelFilter) stage() {}
func (*Unwrap) stage()      {}
func (*DropKeep) stage()    {}

// Cond is the condition of a label filter.
type Cond interface {
	Node
	cond()
}

// CondBinary joins two conditions; Op is "and" (also written , or juxtaposed)
// or "or".
type CondBinary struct {
	Pos
	Op       string
	LHS, RHS Cond
}

// CondMatch compares a label's text.
type CondMatch struct {
	Pos
	Type        model.MatchType
	Name, Value string
}

// CondKind is the unit in which a CondNumber compares.
type CondKind uint8

// Kinds.
const (
	CondPlain    CondKind = iota // a number
	CondDuration                 // a duration; Value is in seconds
	CondBytes                    // a size such as 20MB; Value is in bytes
)

// CondNumber compares a label's number; Op is == != > >= < <=. Text is the
// literal as written.
type CondNumber struct {
	Pos
	Name  string
	Op    string
	Kind  CondKind
	Value float64
	Text  string
}

func (*CondBinary) cond() {}
func (*CondMatch) cond()  {}
func (*CondNumber) cond() {}
