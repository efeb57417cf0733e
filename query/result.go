package query

import "tidemark/storage/model"

// Kind is the shape of an answer.
type Kind uint8

// Kinds of answers.
const (
	KindScalar  Kind = iota // one number (Result.Points[0])
	KindString              // Result.Text
	KindVector              // one point per series, all at the evaluation time
	KindMatrix              // many points per series
	KindStreams             // log rows
)

// Point is a number at a time in Unix milliseconds.
type Point struct {
	T int64
	V float64
}

// Series is one series of a vector or a matrix. Labels include __name__
// where the series has a name.
type Series struct {
	Labels model.Labels
	Points []Point
	// Histograms are the points that are native histograms. In a vector a
	// series has one of either.
	Histograms []HistogramPoint
}

// HistogramPoint is a native histogram at a time in Unix milliseconds. It is
// shared and must not be changed.
type HistogramPoint struct {
	T int64
	H *model.Histogram
}

// Entry is one log row. T is in Unix nanoseconds.
type Entry struct {
	T    int64
	Line string
	// Fields are the row's typed fields, for the native API.
	Fields []Field
	// Meta and Parsed are labels beyond the stream's; see Request.Categorize.
	Meta, Parsed model.Labels
}

// Field is one typed field of a log row.
type Field struct {
	Name  string
	Value model.Value
}

// Stream is log rows of one label set, in the direction asked for.
type Stream struct {
	Labels  model.Labels
	Entries []Entry
}

// Stats says what a query read.
type Stats struct {
	Series  int64 // series or streams matched
	Samples int64 // samples decoded
	Rows    int64 // log rows decoded
	// Of metrics: chunks decoded (spans of one count each), summaries taken in
	// the place of samples, chunks looked at and left out, and the bytes of
	// those decoded.
	Chunks, Summaries, ChunksSkipped, Bytes int64
	// PeakSamples is how many samples were held at once at most.
	PeakSamples int64
}

// Result is the answer to a query.
type Result struct {
	Kind    Kind
	Points  []Point  // KindScalar: one; a scalar over a range: many
	Text    string   // KindString
	Series  []Series // KindVector, KindMatrix; sorted by labels unless the query sorts
	Streams []Stream // KindStreams
	// Warnings and Infos are for the person who asked, each with its place in
	// the query's text where it has one.
	Warnings, Infos []string
	Stats           Stats
	// Plan is the measured plan, where Request.Measure asks for it.
	Plan *Operator
}
