// Package ast is the syntax tree of Tidemark's query language, its printer
// and its walker. It knows nothing of how text becomes a tree (query/parse)
// or what a tree means (query/plan).
package ast

import (
	"strconv"
	"time"

	"tidemark/storage/model"
)

// Dialect says how a selector that names no metric is read and which spelling
// the printer uses.
type Dialect uint8

// Dialects.
const (
	Native Dialect = iota // a bare selector without a metric name selects logs; see Selector.Meaning
	PromQL                // every bare selector selects metrics
	LogQL                 // as Native
)

// String returns the dialect's name.
func (d Dialect) String() string { return [...]string{"native", "promql", "logql"}[d] }

// Pos is a place in query text: a byte offset, and line and column from 1,
// the column counted in runes.
type Pos struct{ Offset, Line, Column int }

// String prints line:column.
func (p Pos) String() string { return strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column) }

// Position returns the position itself, so that embedding Pos makes a Node.
func (p Pos) Position() Pos { return p }

// Node is any part of a tree.
type Node interface{ Position() Pos }

// Expr is a node that has a value.
type Expr interface {
	Node
	expr()
}

// Number is a numeric literal; a duration literal where a number is expected
// counts in seconds, and Duration keeps that it was written as one.
type Number struct {
	Pos
	Value    float64
	Duration bool
}

// String is a string literal, unquoted.
type String struct {
	Pos
	Value string
}

// Paren is an expression in parentheses.
type Paren struct {
	Pos
	Expr Expr
}

// Tuple is a parenthesised list of expressions, as in q=(0.1, 0.5, 0.9).
type Tuple struct {
	Pos
	Items []Expr
}

// Unary is a signed expression; Op is "+" or "-".
type Unary struct {
	Pos
	Op   string
	Expr Expr
}

// Domain is what a selector selects.
type Domain uint8

// Domains. Parsing resolves Bare by Selector.Meaning, so that only trees made
// by programs hold it.
const (
	Bare    Domain = iota // without a wrapper, and not yet resolved
	Metrics               // metrics(…)
	Logs                  // logs(…)
)

// Matcher is one label matcher of a selector.
type Matcher struct {
	Pos
	Type  model.MatchType
	Name  string
	Value string
}

// AtKind is the kind of an @ modifier.
type AtKind uint8

// Kinds of @ modifier.
const (
	AtNone AtKind = iota
	AtTime
	AtStart
	AtEnd
)

// At is an @ modifier; Time is Unix milliseconds for AtTime.
type At struct {
	Kind AtKind
	Time int64
}

// Selector selects metrics or log rows; a log selector may carry a pipeline.
// Name is the metric name written before or as a quoted name within the
// braces, or empty. Range is positive in a range selector, [5m], and zero in
// an instant one. For logs the pipeline may be written before or after the
// range and means the same.
type Selector struct {
	Pos
	Domain   Domain
	Name     string
	Matchers []Matcher
	Stages   []Stage
	Range    time.Duration
	Offset   time.Duration
	At       At
	Extend   Extend
	// RangeExpr and OffsetExpr are set where range and offset ask for the
	// query's own step or range; see Resolve.
	RangeExpr, OffsetExpr Expr
}

// Extend says how a selector looks beyond its range.
type Extend uint8

// Ways to look beyond a range.
const (
	NotExtended Extend = iota
	// Anchored windows begin with the last sample before them.
	Anchored
	// Smoothed windows begin and end with values interpolated between the
	// samples around their bounds; a smoothed instant is such a value.
	Smoothed
)

// String returns the modifier, or "".
func (x Extend) String() string { return [...]string{"", "anchored", "smoothed"}[x] }

// Subquery evaluates an expression over a range: expr[range:step]. A zero
// step means the engine's default.
type Subquery struct {
	Pos
	Expr   Expr
	Range  time.Duration
	Step   time.Duration
	Offset time.Duration
	At     At
	// As in Selector.
	RangeExpr, StepExpr, OffsetExpr Expr
}

// Card is the cardinality of a binary operation's matching.
type Card uint8

// Cardinalities.
const (
	OneToOne Card = iota
	ManyToOne
	OneToMany
	ManyToMany // and, or, unless
)

// Matching says how the sides of a binary operation, or the two ranges of a
// correlation, are paired.
type Matching struct {
	Card    Card
	On      bool     // on(…) rather than ignoring(…)
	Labels  []string // of on or ignoring
	Include []string // of group_left or group_right
	// Explicit is true where on or ignoring was written.
	Explicit bool
	// FillLeft and FillRight are the values that stand in for a series that a
	// side lacks: fill(…), fill_left(…), fill_right(…).
	FillLeft, FillRight *float64
}

// Binary is a binary operation. Op is one of
// + - * / % ^ == != > < >= <= </ >/ and or unless atan2.
type Binary struct {
	Pos      // of the operator
	Op       string
	Bool     bool // comparison returns 0 or 1
	LHS, RHS Expr
	Matching *Matching // nil where a side is a scalar literal or none was written
}

// Grouping is by(…) or without(…).
type Grouping struct {
	Without bool
	Labels  []string
}

// Aggregate is an aggregation such as sum by (x) (expr); Param is the first
// argument of topk, bottomk, quantile, count_values, limitk, limit_ratio.
type Aggregate struct {
	Pos
	Op       string
	Param    Expr
	Expr     Expr
	Grouping *Grouping // nil where none was written
}

// NamedArg is an argument given by name.
type NamedArg struct {
	Pos
	Name  string
	Value Expr
}

// Call is a function call. Matching is set for functions of two ranges
// (corr_over_time(…) on(host)), Grouping for functions over groups
// (peer_outliers(…) by (role)) and LogQL's grouped range aggregations.
type Call struct {
	Pos
	Func     string
	Args     []Expr
	Named    []NamedArg
	Matching *Matching
	Grouping *Grouping
}

func (*Number) expr()    {}
func (*String) expr()    {}
func (*Paren) expr()     {}
func (*Tuple) expr()     {}
func (*Unary) expr()     {}
func (*Selector) expr()  {}
func (*Subquery) expr()  {}
func (*Binary) expr()    {}
func (*Aggregate) expr() {}
func (*Call) expr()      {}
