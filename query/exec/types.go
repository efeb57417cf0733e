package exec

import (
	"math/bits"

	"tidemark/storage/model"
)

// Grid is the times at which an expression is evaluated: Start, Start+Step …
// up to and including End, in Unix milliseconds. An instant query is a grid
// of one step (Start == End; Step is then without meaning but positive).
type Grid struct{ Start, End, Step int64 }

// Instant returns the grid of one step at t.
func Instant(t int64) Grid { return Grid{Start: t, End: t, Step: 1} }

// Len returns the number of steps.
func (g Grid) Len() int {
	if g.End < g.Start || g.Step <= 0 {
		return 0
	}
	return int((g.End-g.Start)/g.Step) + 1
}

// At returns the time of step i.
func (g Grid) At(i int) int64 { return g.Start + int64(i)*g.Step }

// Last returns the time of the last step.
func (g Grid) Last() int64 { return g.At(g.Len() - 1) }

// Bitmap is a set of steps.
type Bitmap []uint64

// NewBitmap returns an empty set of n possible steps.
func NewBitmap(n int) Bitmap { return make(Bitmap, (n+63)/64) }

// Has reports whether step i is in the set.
func (b Bitmap) Has(i int) bool { return b[i>>6]&(1<<(i&63)) != 0 }

// Set adds step i.
func (b Bitmap) Set(i int) { b[i>>6] |= 1 << (i & 63) }

// Unset removes step i.
func (b Bitmap) Unset(i int) { b[i>>6] &^= 1 << (i & 63) }

// SetAll adds the steps below n.
func (b Bitmap) SetAll(n int) {
	for i := range b {
		b[i] = ^uint64(0)
	}
	if n&63 != 0 {
		b[len(b)-1] = 1<<(n&63) - 1
	}
}

// Count returns the number of steps in the set.
func (b Bitmap) Count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// Empty reports whether the set has no step.
func (b Bitmap) Empty() bool {
	for _, w := range b {
		if w != 0 {
			return false
		}
	}
	return true
}

// Intersects reports whether the sets share a step.
func (b Bitmap) Intersects(o Bitmap) bool {
	for i, w := range b {
		if w&o[i] != 0 {
			return true
		}
	}
	return false
}

// Or adds the steps of o.
func (b Bitmap) Or(o Bitmap) {
	for i, w := range o {
		b[i] |= w
	}
}

// And keeps the steps that o has too.
func (b Bitmap) And(o Bitmap) {
	for i, w := range o {
		b[i] &= w
	}
}

// AndNot removes the steps of o.
func (b Bitmap) AndNot(o Bitmap) {
	for i, w := range o {
		b[i] &^= w
	}
}

// Column is one output series over a grid: Values has an entry per step, of
// which those in Present count; NaN is a value like any other. Labels carry
// __name__ where the series has a name.
type Column struct {
	Labels  model.Labels
	Values  []float64
	Present Bitmap
	// Hists is nil where all values are numbers. Otherwise it has an entry per
	// step: a native histogram where the value is one (Values has NaN), nil
	// where it is a number. Histograms are shared and never changed.
	Hists []*model.Histogram
	// Nameless says that the values are no longer those of the metric that
	// Labels name. The name, type and unit stay until the end of the
	// evaluation, so that label functions and by (__name__) can read them; the
	// answer is without them.
	Nameless bool
}

// NewColumn returns a column of n steps, none of them present.
func NewColumn(ls model.Labels, n int) *Column {
	return &Column{Labels: ls, Values: make([]float64, n), Present: NewBitmap(n)}
}

// Set gives step i a value.
func (c *Column) Set(i int, v float64) {
	c.Values[i] = v
	c.Present.Set(i)
}

// Samples is one series's samples of a range argument, ascending in time:
// every sample that belongs to the window of any step, without staleness
// markers, and possibly some between windows. Times are in Unix milliseconds
// and unique for metrics and subqueries; samples unwrapped from log rows keep
// equal times, in arrival order. Labels carry __name__ where the series has
// a name.
type Samples struct {
	Labels model.Labels
	Times  []int64
	Values []float64
	// Histograms are the samples that are native histograms, with times of
	// their own. Analysis functions leave them out.
	Histograms TimedHistograms
}

// TimedHistograms are native histograms ascending in time.
type TimedHistograms struct {
	Times  []int64
	Values []*model.Histogram
}

// Windows says which samples belong to which step of a grid: those of step i
// have a time t with lo < t <= hi, where lo, hi = Bounds(i). It includes what
// offset and @ do.
type Windows struct {
	// Grid is the grid of the outputs.
	Grid Grid
	// Range is the length of a window in milliseconds, positive.
	Range int64
	// Offset is subtracted from a step's time to get the window's end.
	Offset int64
	// Fixed windows all end at End (an @ modifier; Offset is included in it).
	Fixed bool
	End   int64
}

// Bounds returns the window of step i, exclusive at lo and inclusive at hi.
func (w Windows) Bounds(i int) (lo, hi int64) {
	hi = w.End
	if !w.Fixed {
		hi = w.Grid.At(i) - w.Offset
	}
	return hi - w.Range, hi
}

// Span returns the union of all windows, exclusive at lo, inclusive at hi.
func (w Windows) Span() (lo, hi int64) {
	lo, _ = w.Bounds(0)
	_, hi = w.Bounds(w.Grid.Len() - 1)
	return lo, hi
}

// Analysis is the answer of an analysis function: columns over the grid it
// was asked for, or series with times of their own (Timed is then not nil),
// which only the outermost expression of an instant query may answer with.
type Analysis struct {
	Columns []*Column
	Timed   []Samples
}

// LogEntry is one row of a log query's answer. Time is in Unix nanoseconds.
type LogEntry struct {
	Time   int64
	Line   string
	Fields []LogField
	// Meta and Parsed are labels of the row beyond its stream's, where
	// Params.Categorize asks for them apart.
	Meta, Parsed model.Labels
}

// LogField is one typed field of a log row.
type LogField struct {
	Name  string
	Value model.Value
}

// LogStream is rows of one label set, in the direction asked for.
type LogStream struct {
	Labels  model.Labels
	Entries []LogEntry
}

// Stats counts what a query read.
type Stats struct {
	Series  int64 // series and streams matched
	Samples int64 // samples decoded
	Rows    int64 // log rows decoded
	// Read is what was read from disk for metrics.
	Read model.ReadStats
}
