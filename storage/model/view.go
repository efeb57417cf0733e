package model

import (
	"context"
	"errors"
)

// View is one consistent cut of a store: whatever is written, flushed,
// compacted or dropped afterwards, a view keeps answering from the same data.
// It is safe for concurrent use and must be closed.
//
// Selection is by label matchers. For metrics the matcher named __name__
// applies to the full metric name. Streaming methods call visit for one
// series or block at a time, never concurrently; an error from visit ends the
// call and is returned, except ErrStop, which ends it without an error.
type View interface {
	// Samples streams every series that matches and has a sample in range, in
	// no particular order, each once and whole: partitions, head and disk
	// are merged, at most one sample per time, the last written one.
	Samples(ctx context.Context, sel SampleSelection, visit func(*Series) error) error
	// Rows streams log rows as blocks. Blocks come partition by partition in
	// the direction asked for; within a partition in no particular order of
	// streams. Every row of a block lies within the block's partition.
	Rows(ctx context.Context, sel RowSelection, visit func(*RowBlock) error) error
	// LabelNames returns, sorted, the label names of everything that matches
	// any of the selectors (of everything, where there is none) and may have
	// data in range. scope says whether metrics, log streams or both count.
	LabelNames(ctx context.Context, sel LabelSelection) ([]string, error)
	// LabelValues returns, sorted, the values of one label, in the same way.
	// The values of __name__ are the metric names.
	LabelValues(ctx context.Context, name string, sel LabelSelection) ([]string, error)
	// LabelSets returns the label sets themselves, sorted; those of metrics
	// carry __name__.
	LabelSets(ctx context.Context, sel LabelSelection) ([]Labels, error)
	// Close releases the view.
	Close() error
}

// ErrStop, returned by a visit function, ends streaming without an error.
var ErrStop = errors.New("stop")

// SampleSelection selects samples of metrics.
type SampleSelection struct {
	Matchers   []*Matcher
	Mint, Maxt int64 // inclusive
	// Context is how far before Mint histograms are looked at to tell the
	// counter resets of those in range, in nanoseconds.
	Context int64
	// Windows, where not nil, allow the readers of a SeriesSet to answer with
	// aggregates; see there. Samples does not look at it.
	Windows *Windows
}

// Series is a metric's samples, ascending in time, times unique. The receiver
// owns the slices.
type Series struct {
	Name   string
	Labels Labels // without __name__
	Times  []int64
	Values []float64
	// Types has the type of each sample, or is nil where all are floats;
	// Exact has the bits of each sample where Types is not nil, so that
	// integers can be read exactly.
	Types []Type
	Exact []uint64
	// Histograms has the native histogram of each sample that is one, nil for
	// the others, or is nil where all are numbers. Values are then NaN. Their
	// hints are those of ResolveResets.
	Histograms []*Histogram
	// Starts has the start time of each sample, 0 where it has none, or is nil
	// where no sample has one.
	Starts []int64
	// Parts is not nil where the entries stand for parts; see Windows.
	Parts *Parts
}

// Direction is the order in which log rows are wanted.
type Direction uint8

// Directions.
const (
	Forward  Direction = iota // oldest first
	Backward                  // newest first
)

// RowSelection selects log rows.
type RowSelection struct {
	Matchers   []*Matcher
	Mint, Maxt int64 // inclusive
	Direction  Direction
	// Fields are the columns to decode; AllFields asks for every one. The
	// line is decoded unless NoLine is set.
	Fields    []string
	AllFields bool
	NoLine    bool
	// Metadata asks for all fields of rows that carry structured metadata
	// (those with a value of MetadataField) beside Fields.
	Metadata bool

	// What follows is for views that are a RowSelector; others ignore it.

	// Filter is what rows must satisfy.
	Filter RowFilter
	// Limit, where not 0, says that the receiver wants no more than so many rows
	// in the direction asked for: the view may leave out rows that have as many
	// before them.
	Limit int
}

// RowBlock is rows of one stream, ascending by (time, arrival) whatever the
// direction. The receiver owns the slices.
type RowBlock struct {
	Labels Labels
	// Partition bounds the times of the block and of those that follow with
	// equal bounds (inclusive); blocks with other bounds lie wholly behind them
	// in the direction asked for: a reader that has enough rows may stop.
	Partition TimeRange
	Times     []int64
	Lines     []string // nil with NoLine
	Columns   []RowColumn
}

// RowColumn is one field of the rows of a block; Values has one entry per
// row, of TypeNone where the row lacks the field.
type RowColumn struct {
	Name   string
	Values []Value
}

// TimeRange is a range of times, inclusive at both ends.
type TimeRange struct{ Mint, Maxt int64 }

// Scope says which kinds of data a label question is about.
type Scope uint8

// Scopes.
const (
	ScopeAll Scope = iota
	ScopeMetrics
	ScopeLogs
)

// LabelSelection selects label sets.
type LabelSelection struct {
	// Selectors are alternatives: a label set counts if it satisfies all
	// matchers of any of them.
	Selectors  [][]*Matcher
	Mint, Maxt int64 // inclusive
	Scope      Scope
	// Limit bounds the number of answers; 0 means no bound.
	Limit int
}

// Warner is a view that knows of data that were lost to damage and cut out: its
// answers hold the rest.
type Warner interface {
	// Warnings returns, sorted, a sentence for each loss that an answer given by
	// the view so far may lack.
	Warnings() []string
}
