package query

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tidemark/query/ast"
	"tidemark/query/exec"
)

// Active is a query that is running or waits for its turn.
type Active struct {
	ID      uint64
	Text    string
	Dialect ast.Dialect
	Started time.Time
	// Waiting says that it has no slot yet (Options.MaxConcurrent).
	Waiting bool
	// Samples is how many samples it holds in memory now, Memory their bytes by the
	// reckoning of exec.SampleBytes.
	Samples, Memory int64
}

// active is the queries of an engine.
type active struct {
	last atomic.Uint64
	mu   sync.Mutex
	runs map[uint64]*running
}

// running is one of them.
type running struct {
	Active
	cancel  context.CancelCauseFunc
	waiting atomic.Bool
	held    atomic.Int64
	peak    atomic.Int64
}

// begin registers a query; end forgets it.
func (a *active) begin(ctx context.Context, req *Request, now time.Time) (_ context.Context, r *running, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	r = &running{Active: Active{ID: a.last.Add(1), Text: req.Text, Dialect: req.Dialect, Started: now}, cancel: cancel}
	r.waiting.Store(true)
	a.mu.Lock()
	if a.runs == nil {
		a.runs = make(map[uint64]*running)
	}
	a.runs[r.ID] = r
	a.mu.Unlock()
	return ctx, r, func() {
		a.mu.Lock()
		delete(a.runs, r.ID)
		a.mu.Unlock()
		cancel(nil)
	}
}

// Active returns the queries that are running or wait for their turn, the
// oldest first.
func (e *Engine) Active() []Active {
	e.active.mu.Lock()
	out := make([]Active, 0, len(e.active.runs))
	for _, r := range e.active.runs {
		q := r.Active
		q.Waiting, q.Samples = r.waiting.Load(), r.held.Load()
		q.Memory = q.Samples * exec.SampleBytes
		out = append(out, q)
	}
	e.active.mu.Unlock()
	slices.SortFunc(out, func(a, b Active) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Cancel ends a query with ErrCanceled, and reports whether there was one of
// that id. It does not wait for the end.
func (e *Engine) Cancel(id uint64) bool {
	e.active.mu.Lock()
	r := e.active.runs[id]
	e.active.mu.Unlock()
	if r == nil {
		return false
	}
	r.cancel(ErrCanceled)
	return true
}
