package ast

import "tidemark/storage/model"

// Stage is one step of a log pipeline.
type Stage interface {
	Node
	stage()
}

// LineFilter keeps rows by their line: Op is |=, !=, |~, !~, |> or !> (the
// last two with a pattern such as <_> took <_>). Several values were chained
// with or. IPs are alternatives written as ip("…"): an address, a CIDR prefix
// or a range of addresses; they are there with |= and != only.
type LineFilter struct {
	Pos
	Op     string
	Values []string
	IPs    []string
}

// Extraction is one parameter of json or logfmt: label="path".
type Extraction struct {
	Pos
	Label, Path string
}

// Parser extracts labels from the line: Name is json, logfmt, unpack, regexp
// or pattern. The last two have a Text, the expression.
type Parser struct {
	Pos
	Name        string
	Flags       []string // --strict, --keep-empty
	Extractions []Extraction
	Text        string
}

// LineFormat replaces the line by what a Go text/template makes of the labels.
type LineFormat struct {
	Pos
	Template string
}

// LabelFormat gives labels new values, in order.
type LabelFormat struct {
	Pos
	Items []LabelAssign
}

// LabelAssign is one item of label_format: Label=From renames, and
// Label="Template" sets the label to what the template makes.
type LabelAssign struct {
	Pos
	Label    string
	From     string // empty where Template counts
	Template string
}

// Patterns ends a log query: its rows are counted by pattern.
type Patterns struct{ Pos }

// Decolorize removes ANSI escape sequences from the line.
type Decolorize struct{ Pos }

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
func (*LineFormat) stage()  {}
func (*LabelFormat) stage() {}
func (*Decolorize) stage()  {}
func (*Patterns) stage()    {}
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

// CondIP compares a label's text, an address, with an address, a CIDR prefix
// or a range of addresses; Op is = or !=.
type CondIP struct {
	Pos
	Name, Op, Value string
}

func (*CondIP) cond()     {}
func (*CondBinary) cond() {}
func (*CondMatch) cond()  {}
func (*CondNumber) cond() {}
