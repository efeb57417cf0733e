package model

import (
	"context"
	"errors"
	"regexp"
	"strings"
)

// RowFilter is what rows must satisfy beside the matchers of their labels. Its
// filters are joined by "and"; the zero value admits every row.
//
// A view says by SelectsRows that it heeds filters. It then answers with exactly
// the rows that satisfy all of them, and with rows on which a field filter
// cannot decide.
type RowFilter struct {
	Lines  []LineFilter
	Fields []FieldFilter
}

// Empty reports whether the filter admits every row.
func (f *RowFilter) Empty() bool { return len(f.Lines) == 0 && len(f.Fields) == 0 }

// LineFilter keeps lines that contain any of some texts or match any of some
// expressions; negated, lines that do neither.
type LineFilter struct {
	Contains []string
	Regexps  []*regexp.Regexp
	Negate   bool
}

// Keep reports whether the filter keeps a line.
func (f *LineFilter) Keep(line string) bool {
	for _, s := range f.Contains {
		if strings.Contains(line, s) {
			return !f.Negate
		}
	}
	for _, re := range f.Regexps {
		if re.MatchString(line) {
			return !f.Negate
		}
	}
	return f.Negate
}

// Decision is what a field filter says of a row.
type Decision uint8

// Decisions.
const (
	Drop Decision = iota
	Keep
	// Undecided is a row that the asker has to look at itself, such as one whose
	// text is no number where a number was asked for.
	Undecided
)

// FieldFilter looks at a label or, where the stream lacks it, at a field. An
// empty text is as if it were not there.
type FieldFilter struct {
	Name string
	// Test decides by the value, of TypeNone where the row has none. It must be
	// a pure function.
	Test func(v Value) Decision
	// Equal, where not empty, is the only text that Test keeps: a hint by which
	// a store finds the rows sooner.
	Equal string
}

// Decide is the decision on a value, an empty text taken for none.
func (f *FieldFilter) Decide(v Value) Decision {
	if v.Type == TypeText && v.Text == "" {
		v = Value{}
	}
	return f.Test(v)
}

// RowCounting is a question about log rows that needs no rows for an answer.
type RowCounting struct {
	// Edges, ascending and at least two, part time into intervals: interval i is
	// after Edges[i] and up to Edges[i+1], inclusive.
	Edges []int64
	// By are names of labels and, where a stream lacks one, of fields: rows that
	// agree in their values are counted together. With ByStream they must agree
	// in all labels, too.
	By       []string
	ByStream bool
	// Without are fields that no row may have: where one has, the answer is
	// ErrUndecided.
	Without []string
	// Shapes counts rows of different shapes apart.
	Shapes bool
	// Number, where not empty, is a label or field whose values are added up. A
	// row without a number there is not counted at all.
	Number string
	// Numbers asks for the values themselves beside their sum.
	Numbers bool
	// Bytes adds up the lengths of lines.
	Bytes bool
	// Distinct asks for one answer, without labels: its Rows are the numbers of
	// groups that have rows in each interval. By has one name then, and nothing
	// else is asked for.
	Distinct bool
	// MaxCounters bounds the groups times the intervals, and the values asked
	// for by Numbers; beyond it the answer is ErrUndecided. 0 means no bound.
	MaxCounters int64
}

// RowCount is the answer for one group of rows. The receiver owns the slices.
type RowCount struct {
	// Labels are the values of By that the rows have, with ByStream beside all
	// labels of their stream.
	Labels Labels
	// Shape is the template of the rows' lines, for Shapes.
	Shape []byte
	// Rows has the number of rows in each interval.
	Rows []int64
	// Bytes has the lengths of their lines in each interval, for Bytes.
	Bytes []int64
	// Sums, Mins and Maxs are of Number; where an interval has no rows they mean
	// nothing. Sums are exact but for the last bit, whatever the order of rows.
	Sums, Mins, Maxs []float64
	// Numbers are the values in each interval, in no order.
	Numbers [][]float64
}

// ErrUndecided is answered by CountRows where a filter, or the number asked
// for, cannot be decided for some row by the store: the asker reads the rows.
var ErrUndecided = errors.New("rows cannot be counted without being read")

// RowSelector is a View that takes filters on rows and counts them without
// handing them out.
type RowSelector interface {
	View
	// SelectsRows reports whether Rows heeds RowSelection.Filter and Limit.
	SelectsRows() bool
	// CountRows counts the rows of a selection (its fields, lines, limit and
	// direction do not matter) and calls visit for each group of rows that
	// occurs, in no particular order; an error from visit is handled as by Rows.
	// It answers ErrUndecided where only reading the rows can tell.
	CountRows(ctx context.Context, sel RowSelection, c RowCounting, visit func(*RowCount) error) error
}
