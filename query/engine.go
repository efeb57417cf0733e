// Package query is the query engine: text in, series or log rows out. It
// parses (query/parse), plans (query/plan) and executes (query/exec) under
// limits and a deadline. It knows nothing of HTTP and stores nothing.
package query

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"tidemark/query/ast"
	"tidemark/query/exec"
	"tidemark/query/funcs"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// Engine answers queries from one source. It is safe for concurrent use.
type Engine struct {
	src    exec.Source
	opts   Options
	slots  chan struct{}
	models *exec.Models
	memory *exec.Memory
	// active has its own lock.
	active active
}

// NewEngine returns an engine that reads from src. Options that Validate
// refuses are replaced by their defaults.
func NewEngine(src exec.Source, opts Options) *Engine {
	if opts.Validate() != nil {
		opts = Options{Now: opts.Now}
	}
	opts = opts.withDefaults()
	return &Engine{src: src, opts: opts, slots: make(chan struct{}, opts.MaxConcurrent), models: exec.NewModels(opts.MaxModelBytes), memory: exec.NewMemory(opts.MaxTotalMemory)}
}

// Memory returns the bytes that running queries hold now, by the reckoning of
// exec.SampleBytes.
func (e *Engine) Memory() int64 { return e.memory.Used() }

// Query answers one request. The errors are those listed in errors.go.
func (e *Engine) Query(ctx context.Context, req Request) (*Result, error) {
	node, err := compile(req.Text, req.Dialect, span(req))
	if err != nil {
		return nil, err
	}
	p, err := e.params(req, node)
	if err != nil {
		return nil, err
	}
	ctx, run, end := e.active.begin(ctx, &req, e.opts.Now())
	defer end()
	res, err := e.run(ctx, req, node, p, run)
	if e.opts.OnFinish != nil {
		f := Finished{Text: req.Text, Dialect: req.Dialect, Started: run.Started, Took: e.opts.Now().Sub(run.Started), Memory: run.peak.Load() * exec.SampleBytes, Err: err}
		if res != nil {
			f.Stats = res.Stats
		}
		e.opts.OnFinish(f)
	}
	return res, err
}

// run runs a plan once there is a slot for it.
func (e *Engine) run(ctx context.Context, req Request, node plan.Node, p exec.Params, run *running) (*Result, error) {
	ctx, done, err := e.enter(ctx, req.Timeout)
	if err != nil {
		return nil, err
	}
	defer done()
	run.waiting.Store(false)
	p.Held, p.Peak = &run.held, &run.peak
	ans, err := read(ctx, e, func(view model.View) (*exec.Answer, error) { return exec.Run(ctx, view, node, p) })
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, contextError(err, "execution")
	}
	res := result(ans)
	res.Stats.PeakSamples = run.peak.Load()
	if ans.Measured != nil {
		res.Plan = operators(node, func(n plan.Node, o *Operator) { o.Measured = ans.Measured[n] })
	}
	return res, nil
}

// maxMends bounds how often a query is asked anew because it met damage.
const maxMends = 5

// read calls ask with a view, and again where it met damage that the source has cut
// out since.
func read[T any](ctx context.Context, e *Engine, ask func(model.View) (T, error)) (out T, err error) {
	for tries := 0; ; tries++ {
		view, verr := e.src.View()
		if verr == nil {
			out, err = ask(view)
			verr = view.Close()
			if err == nil {
				return out, verr
			}
		} else {
			err = verr
		}
		m, ok := e.src.(exec.Mender)
		if !ok || tries == maxMends || ctx.Err() != nil || !m.Mend(ctx, err) {
			return out, err
		}
	}
}

// span is what the durations of a query may ask of it.
func span(req Request) ast.Span {
	if req.Instant {
		return ast.Span{}
	}
	return ast.Span{Step: req.Step, Range: req.End.Sub(req.Start)}
}

// enter applies the deadline and waits for a free slot.
func (e *Engine) enter(ctx context.Context, timeout time.Duration) (context.Context, func(), error) {
	if timeout <= 0 {
		timeout = e.opts.Timeout
	}
	ctx, cancel := context.WithTimeout(ctx, min(timeout, e.opts.MaxTimeout))
	select {
	case e.slots <- struct{}{}:
		if err := ctx.Err(); err != nil { // select takes either
			<-e.slots
			cancel()
			return nil, nil, contextError(err, "queue")
		}
		return ctx, func() { <-e.slots; cancel() }, nil
	case <-ctx.Done():
		err := ctx.Err()
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, nil, ErrBusy
		}
		return nil, nil, contextError(err, "queue")
	}
}

// params checks the request's parameters and fills in defaults.
func (e *Engine) params(req Request, node plan.Node) (exec.Params, error) {
	o := e.opts
	p := exec.Params{
		Instant:      req.Instant,
		Now:          floorMilli(o.Now()),
		Lookback:     req.Lookback,
		SubqueryStep: o.SubqueryStep,
		Limit:        req.Limit,
		Direction:    req.Direction,
		RowFields:    req.Dialect == ast.Native,
		Categorize:   req.Categorize,
		LogQL:        req.Dialect == ast.LogQL,
		Enforce:      req.Enforce,
		MaxSamples:   o.MaxSamples,
		MaxRows:      o.MaxRows,
		MaxRowBytes:  o.MaxRowBytes,
		MaxMemory:    o.MaxMemory,
		Memory:       e.memory,
		Measure:      req.Measure,
		Models:       e.models,
	}
	if p.Lookback == 0 {
		p.Lookback = o.Lookback
	}
	if p.Lookback < 0 {
		return p, badRequest("lookback: want a positive duration, got %s", req.Lookback)
	}
	if p.Limit == 0 {
		p.Limit = o.DefaultLimit
	}
	if p.Limit < 0 || p.Limit > o.MaxLimit {
		return p, badRequest("limit: want 1 to %d log rows (limit max-limit), got %d", o.MaxLimit, req.Limit)
	}
	if req.Instant {
		if req.Dialect == ast.LogQL && node.Type() == funcs.Rows {
			return p, &ast.Error{Pos: node.Position(), Message: "log queries are not supported as an instant query type, please change your query to a range query type"}
		}
		p.Grid = exec.Instant(floorMilli(req.End))
		end := nanos(req.End)
		p.Rows = model.TimeRange{Mint: satSub(end, int64(o.LogLookback)-1), Maxt: end}
		return p, nil
	}
	if req.End.Before(req.Start) {
		return p, badRequest("end: want a time not before start %s, got %s", req.Start.UTC().Format(time.RFC3339Nano), req.End.UTC().Format(time.RFC3339Nano))
	}
	switch t := node.Type(); t {
	case funcs.Range, funcs.LogRange, funcs.Str:
		return p, &ast.Error{Pos: node.Position(), Message: fmt.Sprintf("a range query cannot answer with a %s", t), Expected: []string{"a scalar", "an instant vector"}}
	}
	p.Rows = model.TimeRange{Mint: nanos(req.Start), Maxt: satSub(nanos(req.End), 1)}
	step := req.Step.Milliseconds()
	if node.Type() == funcs.Rows { // has no steps
		p.Grid = exec.Instant(floorMilli(req.End))
		return p, nil
	}
	if step <= 0 {
		return p, badRequest("step: want at least 1ms, got %s", req.Step)
	}
	p.Grid = exec.Grid{Start: floorMilli(req.Start), End: floorMilli(req.End), Step: step}
	if req.AlignSteps {
		p.Grid.Start = p.Grid.Start / step * step
		if late := p.Grid.End % step; late != 0 {
			p.Grid.End = min(p.Grid.End-late+step, maxMilli)
		}
	}
	if n := (p.Grid.End - p.Grid.Start) / step; n > int64(o.MaxPoints) {
		return p, badRequest("exceeded maximum resolution of %d points per timeseries (limit max-points): start, end and step ask for %d; use a larger step", o.MaxPoints, n)
	}
	return p, nil
}

// The range of times in milliseconds that nanoseconds can hold.
const (
	minMilli = math.MinInt64/1_000_000 + 1
	maxMilli = math.MaxInt64/1_000_000 - 1
)

// floorMilli returns the time in Unix milliseconds, floored and kept within
// what nanoseconds can hold.
func floorMilli(t time.Time) int64 {
	ms := t.Unix()
	if ms > maxMilli/1000 {
		return maxMilli
	}
	if ms < minMilli/1000 {
		return minMilli
	}
	return ms*1000 + int64(t.Nanosecond())/1_000_000
}

// nanos returns the time in Unix nanoseconds, kept within range.
func nanos(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// satSub returns a - b, b not negative, kept within range.
func satSub(a, b int64) int64 {
	if a < math.MinInt64+b {
		return math.MinInt64
	}
	return a - b
}
