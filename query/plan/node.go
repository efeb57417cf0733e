// Package plan turns a syntax tree into a typed plan: names resolved against
// the registry, types checked, bare selectors decided by dialect, matchers
// compiled, arguments bound to parameters. Executing a plan needs no more
// knowledge of text than the positions kept for messages.
package plan

import (
	"time"

	"tidemark/query/ast"
	"tidemark/query/funcs"
	"tidemark/storage/model"
)

// Node is one operator of a plan.
type Node interface {
	Type() funcs.Type
	Position() ast.Pos
}

// Const is a number (Type Scalar).
type Const struct {
	ast.Pos
	Value float64
}

// Text is a string literal (Type Str).
type Text struct {
	ast.Pos
	Value string
}

// List is a tuple of scalars (Type Tuple).
type List struct {
	ast.Pos
	Items []Node
}

// When shifts the times at which a selector or subquery reads.
type When struct {
	Offset time.Duration
	At     ast.At
}

// Select reads metrics: an instant selection where Range is zero (Vector),
// otherwise a window (Range). Matchers include the one on __name__.
type Select struct {
	ast.Pos
	Matchers []*model.Matcher
	Range    time.Duration
	Extend   ast.Extend
	// StatsOnly says that nobody asks for the buckets of native histograms.
	StatsOnly bool
	When
}

// SelectLogs reads log rows and runs them through a pipeline: type Rows where
// Range is zero, otherwise LogRange; with an unwrap stage, Range.
type SelectLogs struct {
	ast.Pos
	Matchers []*model.Matcher
	Stages   []ast.Stage
	Range    time.Duration
	When
}

// Patterns counts the rows of a log query by pattern (Type Vector).
type Patterns struct {
	ast.Pos
	Logs *SelectLogs
}

// Table makes a table of the rows of a log query (Type Vector): a row for each
// set of values of By, and a column for each of Funcs, whose name is the series'
// name. Its rows are those of the window of Logs or, where that has no range, as
// with Patterns. After are the stages that work on the table: Sort, Limit and
// LabelFilter. Top, where not 0, keeps the rows with the greatest values of
// the only column; Present says that rows without any of By do not count.
type Table struct {
	ast.Pos
	Logs    *SelectLogs
	By      []string
	Funcs   []ast.StatsFunc
	Top     int
	Present bool
	After   []ast.Stage
}

// Arranged puts the rows of a log query in another order or keeps the first of
// them (Type Rows). Stages are Sort and Limit.
type Arranged struct {
	ast.Pos
	Logs   *SelectLogs
	Stages []ast.Stage
}

// Context adds the neighbours of a log query's rows in their streams (Type
// Rows).
type Context struct {
	ast.Pos
	Logs          *SelectLogs
	Before, After int
}

// Unwrap returns the unwrap stage, or nil.
func (s *SelectLogs) Unwrap() *ast.Unwrap {
	for _, st := range s.Stages {
		if u, ok := st.(*ast.Unwrap); ok {
			return u
		}
	}
	return nil
}

// Subquery evaluates Expr at multiples of Step within a window (Type Range).
// Step zero means the engine's default.
type Subquery struct {
	ast.Pos
	Expr        Node
	Range, Step time.Duration
	When
}

// Matchers are the matchers of a selector that selects nothing by itself (Type
// Matchers).
type Matchers struct {
	ast.Pos
	List []*model.Matcher
}

// Unary is a sign (Type of Expr).
type Unary struct {
	ast.Pos
	Op   string
	Expr Node
}

// Binary is a binary operation: Scalar where both sides are, else Vector.
// Matching is never nil where both sides are vectors.
type Binary struct {
	ast.Pos
	Op       string
	Bool     bool
	LHS, RHS Node
	Matching *ast.Matching
}

// Aggregate is a vector aggregation (Type Vector). Param is nil where the
// operator takes none.
type Aggregate struct {
	ast.Pos
	Op       string
	Param    Node
	Expr     Node
	Grouping ast.Grouping
}

// Call is a function call. Args has one entry per parameter of Func, in the
// registry's order, nil where an optional argument was not given; a variadic
// function's further arguments follow.
type Call struct {
	ast.Pos
	Func     *funcs.Func
	Args     []Node
	Matching *ast.Matching // Pairs functions; nil where none was written
	Grouping *ast.Grouping // nil where none was written
}

// Type returns Scalar.
func (*Const) Type() funcs.Type { return funcs.Scalar }

// Type returns Str.
func (*Text) Type() funcs.Type { return funcs.Str }

// Type returns Tuple.
func (*List) Type() funcs.Type { return funcs.Tuple }

// Type returns Vector or Range.
func (s *Select) Type() funcs.Type {
	if s.Range > 0 {
		return funcs.Range
	}
	return funcs.Vector
}

// Type returns Rows, LogRange or Range.
func (s *SelectLogs) Type() funcs.Type {
	switch {
	case s.Range == 0:
		return funcs.Rows
	case s.Unwrap() != nil:
		return funcs.Range
	}
	return funcs.LogRange
}

// Type returns Vector.
func (*Patterns) Type() funcs.Type { return funcs.Vector }

// Type returns Vector.
func (*Table) Type() funcs.Type { return funcs.Vector }

// Type returns Rows.
func (*Arranged) Type() funcs.Type { return funcs.Rows }

// Type returns Rows.
func (*Context) Type() funcs.Type { return funcs.Rows }

// Type returns Range.
func (*Subquery) Type() funcs.Type { return funcs.Range }

// Type returns Matchers.
func (*Matchers) Type() funcs.Type { return funcs.Matchers }

// Type returns the operand's type.
func (u *Unary) Type() funcs.Type { return u.Expr.Type() }

// Type returns Scalar or Vector.
func (b *Binary) Type() funcs.Type {
	if b.LHS.Type() == funcs.Scalar && b.RHS.Type() == funcs.Scalar {
		return funcs.Scalar
	}
	return funcs.Vector
}

// Type returns Vector.
func (*Aggregate) Type() funcs.Type { return funcs.Vector }

// Type returns the function's result type.
func (c *Call) Type() funcs.Type { return c.Func.Returns }
