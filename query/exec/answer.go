package exec

import (
	"context"

	"tidemark/query/plan"
	"tidemark/storage/model"
)

// Shape is the shape of an answer.
type Shape uint8

// Shapes of answers.
const (
	Scalars Shape = iota // Values over the grid
	String               // Text
	Vector               // Columns over the grid
	Matrix               // Timed: samples at their own times
	Rows                 // Streams
)

// Answer is what a plan evaluates to.
type Answer struct {
	Shape   Shape
	Grid    Grid
	Instant bool
	Values  []float64
	Text    string
	Columns []*Column
	Timed   []Samples
	Streams []LogStream
	// Warnings and Infos are sorted and unique.
	Warnings, Infos []string
	Stats           Stats
}

// Run executes a plan on a view. Errors are *Error, *LimitError, the
// context's, or the view's.
func Run(ctx context.Context, view model.View, root plan.Node, p Params) (*Answer, error) {
	ev := &evaluator{Params: p, view: view, root: root,
		warnings: map[string]struct{}{}, infos: map[string]struct{}{}}
	return nil, errorAt(ev.root.Position(), "expression of type %s cannot be executed", root.Type())
}
