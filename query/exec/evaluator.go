package exec

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tidemark/query/ast"
	"tidemark/query/funcs"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// Params says how to run a plan.
type Params struct {
	// Grid is the times of evaluation.
	Grid Grid
	// Instant says that the query asks for one time. The outermost expression
	// may then answer with samples at their own times.
	Instant bool
	// Rows says where a log query reads: Mint inclusive, Maxt inclusive, in
	// nanoseconds.
	Rows model.TimeRange
	// Now is the clock, in Unix milliseconds.
	Now int64
	// Lookback is how far an instant selector looks back.
	Lookback time.Duration
	// SubqueryStep is the step of a subquery that states none.
	SubqueryStep time.Duration
	// Limit is the number of log rows of a log query's answer.
	Limit     int
	Direction model.Direction
	// RowFields asks for the typed fields of those rows.
	RowFields bool
	// Categorize asks for rows by the labels of their streams, with the labels
	// that metadata and parsers added in each row.
	Categorize bool
	// LogQL says that the query is one of Loki's protocol, whose clients look
	// for its words in errors and expect approx_topk in instant queries only.
	LogQL bool
	// Enforce is added to the matchers of every selector.
	Enforce []*model.Matcher
	// Models keeps fitted models between queries; nil keeps none.
	Models *Models
	// MaxSamples bounds the samples held at once, MaxRows and MaxRowBytes the
	// log rows.
	MaxSamples int64
	// MaxMemory bounds the bytes of what is held at once, by the engine's reckoning
	// (see Memory); 0 is no bound. Memory, where not nil, is shared by the queries of
	// an engine and bounds them all.
	MaxMemory int64
	Memory    *Memory
	// Held, where not nil, is kept at the number of samples held now, and Peak at the
	// most so far.
	Held, Peak *atomic.Int64
	// Measure asks for Answer.Measured.
	Measure     bool
	MaxRows     int64
	MaxRowBytes int64
}

// evaluator runs one plan. It belongs to one goroutine, but for hold, release,
// newColumn, recycle, warn and info, which workers call too.
type evaluator struct {
	Params
	view  model.View
	root  plan.Node
	held  *atomic.Int64 // samples held now
	stats Stats
	// named says for each log selection which labels the expression around it
	// asks for.
	named    map[*plan.SelectLogs]naming
	notes    sync.Mutex // of warnings and infos
	warnings map[string]struct{}
	infos    map[string]struct{}
	columns  columnPool
	// fixed remembers which nodes do not depend on the step.
	fixed map[plan.Node]bool
	// sorted is set where the outermost expression decides the order of an
	// instant query's series.
	sorted bool
	// hinted is the metric name looked at last for hints; under notes.
	hinted string
	// trace is nil where nobody asked for a measured plan, shared where no expression
	// occurs twice.
	trace  *tracer
	shared *sharing
}

// warn adds a warning for the person who asked; equal ones count once.
func (ev *evaluator) warn(pos ast.Pos, format string, args ...any) {
	ev.notes.Lock()
	defer ev.notes.Unlock()
	ev.warnings[fmt.Sprintf(format, args...)+where(pos)] = struct{}{}
}

// info adds a hint that needs no action.
func (ev *evaluator) info(pos ast.Pos, format string, args ...any) {
	ev.notes.Lock()
	defer ev.notes.Unlock()
	ev.infos[fmt.Sprintf(format, args...)+where(pos)] = struct{}{}
}

// where is the place that ends a warning.
func where(pos ast.Pos) string {
	if pos.Line == 0 {
		return ""
	}
	return " (" + pos.String() + ")"
}

// place is the place that begins an error.
func place(pos ast.Pos) string {
	if pos.Line == 0 {
		return ""
	}
	return pos.String() + ": "
}

func sortedKeys(m map[string]struct{}) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// outermost reports whether n is the whole query. In LogQL an order made by
// sort survives an operation with a number.
func (ev *evaluator) outermost(n plan.Node) bool {
	root := ev.root
	for ev.LogQL && root != n {
		b, ok := root.(*plan.Binary)
		switch {
		case ok && b.RHS.Type() == funcs.Scalar:
			root = b.LHS
		case ok && b.LHS.Type() == funcs.Scalar:
			root = b.RHS
		default:
			return false
		}
	}
	return root == n
}

// tick checks whether the query was cancelled; loops call it once per series.
func (ev *evaluator) tick(ctx context.Context) error { return ctx.Err() }

// numberArg reads an argument that must not vary over the grid. An optional
// argument that was not given has the fallback's value.
func (ev *evaluator) numberArg(n plan.Node, fallback float64) (float64, error) {
	switch n := n.(type) {
	case nil:
		return fallback, nil
	case *plan.Const:
		return n.Value, nil
	case *plan.Unary:
		v, err := ev.numberArg(n.Expr, fallback)
		if n.Op == "-" {
			v = -v
		}
		return v, err
	case *plan.Text:
		v, err := strconv.ParseFloat(strings.TrimSpace(n.Value), 64)
		if err != nil {
			return 0, errorAt(n.Pos, "want a number, got %q", n.Value)
		}
		return v, nil
	case *plan.Binary:
		l, err := ev.numberArg(n.LHS, fallback)
		if err != nil {
			return 0, err
		}
		r, err := ev.numberArg(n.RHS, fallback)
		if err != nil {
			return 0, err
		}
		return scalarOp(n.Op, l, r), nil
	}
	return 0, errorAt(n.Position(), "want a number that does not depend on time")
}

// numbersArg reads a tuple of numbers; one number counts as a tuple of one.
func (ev *evaluator) numbersArg(n plan.Node, fallback ...float64) ([]float64, error) {
	if n == nil {
		return fallback, nil
	}
	l, ok := n.(*plan.List)
	if !ok {
		v, err := ev.numberArg(n, 0)
		return []float64{v}, err
	}
	out := make([]float64, 0, len(l.Items))
	for _, it := range l.Items {
		v, err := ev.numberArg(it, 0)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// textArg reads a string argument.
func (ev *evaluator) textArg(n plan.Node, fallback string) (string, error) {
	switch n := n.(type) {
	case nil:
		return fallback, nil
	case *plan.Text:
		return n.Value, nil
	}
	return "", errorAt(n.Position(), "want a string literal")
}

// boolArg reads a boolean argument, written 0, 1, "true" or "false".
func (ev *evaluator) boolArg(n plan.Node, fallback bool) (bool, error) {
	switch n := n.(type) {
	case nil:
		return fallback, nil
	case *plan.Const:
		return n.Value != 0, nil
	case *plan.Text:
		v, err := strconv.ParseBool(n.Value)
		if err != nil {
			return false, errorAt(n.Pos, "want true or false, got %q", n.Value)
		}
		return v, nil
	}
	return false, errorAt(n.Position(), "want true or false")
}

// durationArg reads a duration argument: a duration literal or a number of
// seconds, or a string of a duration.
func (ev *evaluator) durationArg(n plan.Node, fallback time.Duration) (time.Duration, error) {
	switch n := n.(type) {
	case nil:
		return fallback, nil
	case *plan.Text:
		d, err := parseDuration(n.Value)
		if err != nil {
			return 0, errorAt(n.Pos, "%v", err)
		}
		return d, nil
	}
	v, err := ev.numberArg(n, 0)
	if err != nil {
		return 0, err
	}
	if ns := v * 1e9; ns > -9.2e18 && ns < 9.2e18 {
		return time.Duration(ns), nil
	}
	return 0, errorAt(n.Position(), "duration %g s is out of range", v)
}

// durationUnits are the units of durations in the language, the longest name
// first where one is the beginning of another.
var durationUnits = []struct {
	name string
	unit time.Duration
}{
	{"ms", time.Millisecond}, {"us", time.Microsecond}, {"µs", time.Microsecond}, {"ns", time.Nanosecond},
	{"s", time.Second}, {"m", time.Minute}, {"h", time.Hour},
	{"d", 24 * time.Hour}, {"w", 7 * 24 * time.Hour}, {"y", 365 * 24 * time.Hour},
}

// parseDuration parses a duration such as 1h30m, 2d or 1.5h.
func parseDuration(s string) (time.Duration, error) {
	bad := func() (time.Duration, error) {
		return 0, fmt.Errorf("want a duration such as 5m or 1d12h, got %q", s)
	}
	rest, neg := strings.CutPrefix(strings.TrimSpace(s), "-")
	if rest == "" {
		return bad()
	}
	total := 0.0
	for rest != "" {
		i := 0
		for i < len(rest) && (rest[i] >= '0' && rest[i] <= '9' || rest[i] == '.') {
			i++
		}
		num, err := strconv.ParseFloat(rest[:i], 64)
		if err != nil {
			return bad()
		}
		rest = rest[i:]
		found := false
		for _, u := range durationUnits {
			if after, ok := strings.CutPrefix(rest, u.name); ok {
				total += num * float64(u.unit)
				rest, found = after, true
				break
			}
		}
		if !found {
			return bad()
		}
	}
	if neg {
		total = -total
	}
	if total <= -9.2e18 || total >= 9.2e18 {
		return bad()
	}
	return time.Duration(total), nil
}
