package query

import (
	"time"

	"tidemark/query/ast"
	"tidemark/storage/model"
)

// Request is one query.
type Request struct {
	// Text is the query, Dialect how to read it.
	Text    string
	Dialect ast.Dialect
	// Instant asks for one time, End (Start and Step are ignored); otherwise
	// the query is evaluated at Start, Start+Step … up to and including End.
	// Numbers are evaluated in milliseconds (times are floored); log rows are
	// taken from Start inclusive to End exclusive, in nanoseconds. An instant
	// log query reads the Options.LogLookback before End, End included.
	Instant    bool
	Start, End time.Time
	Step       time.Duration
	// AlignSteps moves the times of a query of numbers to multiples of Step, Start
	// down and End up, as Loki does.
	AlignSteps bool
	// Timeout bounds the query's time, waiting for a free slot included; zero
	// means Options.Timeout, more than Options.MaxTimeout means that.
	Timeout time.Duration
	// Limit is the number of log rows of a log query's answer; zero means
	// Options.DefaultLimit. It does not bound numbers.
	Limit int
	// Direction is the order of log rows; the rows within the limit are the
	// newest ones for Backward and the oldest for Forward.
	Direction model.Direction
	// Categorize asks for log rows by the labels of their streams alone; what
	// structured metadata and parsers add is then in each Entry.
	Categorize bool
	// Lookback is how far instant selectors look back; zero means
	// Options.Lookback.
	Lookback time.Duration
	// Enforce is added to the matchers of every selector of the query.
	Enforce []*model.Matcher
	// Measure asks for Result.Plan: what each operator read and how long it took.
	Measure bool
}

// MetaRequest is a question about labels.
type MetaRequest struct {
	// Match are selectors, of which any may match; without one everything
	// counts.
	Match   []string
	Dialect ast.Dialect
	// Start and End bound the time, both inclusive; zero means unbounded.
	Start, End time.Time
	Scope      model.Scope
	// Limit bounds the number of answers; 0 means no bound.
	Limit   int
	Timeout time.Duration
	// Enforce is added to the matchers of every selector.
	Enforce []*model.Matcher
	// Warnings, where not nil, is set to what the answer may lack, sorted.
	Warnings *[]string
}
