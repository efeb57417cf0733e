package exec

import (
	"errors"
	"fmt"

	"tidemark/query/ast"
)

// ErrLimit marks a query that met one of the engine's limits; it is always a
// *LimitError.
var ErrLimit = errors.New("query limit")

// ErrExecution marks a query that is well formed and cannot be executed on
// the data it met, such as a many-to-many match; it is always an *Error.
var ErrExecution = errors.New("query execution")

// LimitError names the limit that a query met.
type LimitError struct {
	Limit string // the option's name
	Max   int64
	What  string // what there would have been too many of
	// Operator is what met it, as plan.Describe names it, and Pos its place in the
	// text; both are empty where it is not known.
	Operator string
	Pos      ast.Pos
}

// Error states the limit, its name and its value, and the operator that met it.
func (e *LimitError) Error() string {
	s := fmt.Sprintf("query needs more than %d %s (limit %s)", e.Max, e.What, e.Limit)
	if e.Operator != "" {
		s = fmt.Sprintf("%s in `%s`%s", s, e.Operator, where(e.Pos))
	}
	return s
}

// Is makes errors.Is(err, ErrLimit) true.
func (e *LimitError) Is(target error) bool { return target == ErrLimit }

// Error is a fault of executing a query, with the place in its text.
type Error struct {
	Pos     ast.Pos
	Message string
}

// Error prints line:column, where known, and the message.
func (e *Error) Error() string { return place(e.Pos) + e.Message }

// Is makes errors.Is(err, ErrExecution) true.
func (e *Error) Is(target error) bool { return target == ErrExecution }

// errorAt returns an execution error at a place.
func errorAt(pos ast.Pos, format string, args ...any) error {
	return &Error{Pos: pos, Message: fmt.Sprintf(format, args...)}
}
