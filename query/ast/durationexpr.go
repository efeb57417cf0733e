package ast

import (
	"math"
	"time"
)

// Span is what a duration expression may ask of its query.
type Span struct {
	Step  time.Duration // step(): 0 in an instant query
	Range time.Duration // range(): from start to end
}

// DurationSeconds evaluates a duration expression: numbers, durations and
// signs, arithmetic, min_of and max_of, step() and range(). q is nil where the
// query is not known yet. An error is an *Error.
func DurationSeconds(e Expr, q *Span) (float64, error) {
	switch n := e.(type) {
	case *Number:
		return n.Value, nil
	case *Paren:
		return DurationSeconds(n.Expr, q)
	case *Unary:
		v, err := DurationSeconds(n.Expr, q)
		if n.Op == "-" {
			v = -v
		}
		return v, err
	case *Binary:
		l, err := DurationSeconds(n.LHS, q)
		if err != nil {
			return 0, err
		}
		r, err := DurationSeconds(n.RHS, q)
		if err != nil {
			return 0, err
		}
		switch n.Op {
		case "+":
			return l + r, nil
		case "-":
			return l - r, nil
		case "*":
			return l * r, nil
		case "/", "%":
			if r == 0 {
				return 0, &Error{Pos: n.Pos, Token: n.Op, Message: "division by zero in a duration"}
			}
			if n.Op == "/" {
				return l / r, nil
			}
			return math.Mod(l, r), nil
		case "^":
			return math.Pow(l, r), nil
		}
	case *Call:
		switch {
		case len(n.Args) == 2:
			a, err := DurationSeconds(n.Args[0], q)
			if err != nil {
				return 0, err
			}
			b, err := DurationSeconds(n.Args[1], q)
			if err != nil {
				return 0, err
			}
			if n.Func == "min_of" {
				return math.Min(a, b), nil
			}
			return math.Max(a, b), nil
		case q == nil:
			return 0, &Error{Pos: n.Pos, Token: n.Func, Message: "`" + n.Func + "()` is not known before the query runs"}
		case n.Func == "step":
			return q.Step.Seconds(), nil
		}
		return q.Range.Seconds(), nil
	}
	return 0, &Error{Pos: e.Position(), Message: "not a duration"}
}

// AsksQuery reports whether a duration expression contains step() or range().
func AsksQuery(e Expr) bool {
	asks := false
	Walk(e, func(e Expr) bool {
		if c, ok := e.(*Call); ok && len(c.Args) == 0 {
			asks = true
		}
		return true
	})
	return asks
}

// DurationOf evaluates a duration expression to whole milliseconds, the rest
// cut off. A range or step must be positive, an offset need not.
func DurationOf(e Expr, q *Span, positive bool) (time.Duration, error) {
	s, err := DurationSeconds(e, q)
	fault := func(message string) (time.Duration, error) {
		return 0, &Error{Pos: e.Position(), Message: message}
	}
	switch {
	case err != nil:
		return 0, err
	case math.IsNaN(s) || math.IsInf(s, 0):
		return fault("duration is NaN or infinite")
	case positive && s <= 0:
		return fault("duration must be greater than 0")
	case math.Abs(s) >= math.MaxInt64/1e9:
		return fault("duration out of range, the longest is about 292y")
	}
	d := time.Duration(s*1000) * time.Millisecond
	if positive && d <= 0 {
		return fault("duration must be at least 1ms")
	}
	return d, nil
}

// Resolve gives the ranges, steps and offsets of a tree that ask for the
// query's own step or range their values, in place.
func Resolve(e Expr, q Span) error {
	var failed error
	set := func(d *time.Duration, e Expr, positive bool) {
		if e == nil || failed != nil {
			return
		}
		v, err := DurationOf(e, &q, positive)
		if err != nil {
			failed = err
			return
		}
		*d = v
	}
	Walk(e, func(e Expr) bool {
		switch n := e.(type) {
		case *Selector:
			set(&n.Range, n.RangeExpr, true)
			set(&n.Offset, n.OffsetExpr, false)
		case *Subquery:
			set(&n.Range, n.RangeExpr, true)
			set(&n.Step, n.StepExpr, true)
			set(&n.Offset, n.OffsetExpr, false)
		}
		return failed == nil
	})
	return failed
}

// HasRange reports whether the selector has a range, known or not yet.
func (s *Selector) HasRange() bool { return s.Range != 0 || s.RangeExpr != nil }

// HasOffset reports whether the selector has an offset, known or not yet.
func (s *Selector) HasOffset() bool { return s.Offset != 0 || s.OffsetExpr != nil }
