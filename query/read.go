package query

import (
	"context"
	"math"
	"strings"
	"time"

	"tidemark/query/ast"
	"tidemark/query/exec"
	"tidemark/storage/model"
)

// ReadRequest asks for stored samples of metrics, as remote read does.
type ReadRequest struct {
	Matchers []*model.Matcher
	// Start and End are in Unix milliseconds, both inclusive.
	Start, End int64
	// LabelsOnly asks for series without samples: those that may have some.
	LabelsOnly bool
	Timeout    time.Duration
	// Enforce is added to the matchers.
	Enforce []*model.Matcher
}

// Reading is the series that a ReadRequest selects. Until it is closed it takes
// the place of a running query, with its deadline, limits and entry in the list.
// It belongs to one goroutine.
type Reading struct {
	ctx   context.Context
	read  *exec.Read
	view  model.View
	leave func()
}

// Read selects series. The deadline is for everything until Close.
func (e *Engine) Read(ctx context.Context, req ReadRequest) (*Reading, error) {
	texts := make([]string, len(req.Matchers))
	for i, m := range req.Matchers {
		texts[i] = m.String()
	}
	ctx, run, end := e.active.begin(ctx, &Request{Text: "{" + strings.Join(texts, ", ") + "}", Dialect: ast.PromQL}, e.opts.Now())
	ctx, done, err := e.enter(ctx, req.Timeout)
	if err != nil {
		end()
		return nil, err
	}
	run.waiting.Store(false)
	r := &Reading{ctx: ctx, leave: func() { done(); end() }}
	if r.view, err = e.src.View(); err != nil {
		r.leave()
		return nil, err
	}
	lo := req.Start
	if lo > math.MinInt64 {
		lo--
	}
	r.read, err = exec.OpenRead(ctx, r.view, req.Matchers, lo, req.End, exec.Params{
		Lookback: e.opts.Lookback, Enforce: req.Enforce, MaxSamples: e.opts.MaxSamples, MaxMemory: e.opts.MaxMemory, Memory: e.memory, Held: &run.held})
	if err != nil {
		r.view.Close()
		r.leave()
		return nil, contextError(err, "execution")
	}
	r.read.LabelsOnly = req.LabelsOnly
	return r, nil
}

// Next returns the next series in the order of labels: all of its labels,
// __name__ included, and its samples, staleness markers included, times in Unix
// milliseconds. Both are valid until the next call; at the end the series is nil.
func (r *Reading) Next() (model.Labels, *model.Series, error) {
	ls, s, err := r.read.Next(r.ctx)
	if err != nil {
		if cause := r.ctx.Err(); cause != nil {
			err = cause
		}
		return nil, nil, contextError(err, "execution")
	}
	return ls, s, nil
}

// Close ends reading.
func (r *Reading) Close() error {
	err := r.read.Close()
	if cerr := r.view.Close(); err == nil {
		err = cerr
	}
	r.leave()
	return err
}
