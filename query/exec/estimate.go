package exec

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"

	"tidemark/query/plan"
	"tidemark/storage/model"
)

// Estimate is what a selection will read, as far as can be told without reading
// it all: Series is counted in the index; samples, chunks and bytes are those of a few
// series, times their number.
type Estimate struct {
	Steps  int   // at which the operator is evaluated
	Series int64 // or streams; some may turn out to have no sample in range
	// Of metrics alone.
	Samples int64
	Chunks  int64
	Bytes   int64
	// Summaries says that the window functions above may take summaries of chunks
	// in the place of samples.
	Summaries bool
	// Fixed says that the operator is evaluated once and not at each step.
	Fixed bool
	// Shared numbers expressions that occur more than once and are evaluated once; 0
	// is for others.
	Shared int
}

// probes is how many series of a selection an estimate looks at.
const probes = 8

// Estimates returns an estimate for each operator of a plan: selections with
// what they will read, others with their steps.
func Estimates(ctx context.Context, view model.View, root plan.Node, p Params) (map[plan.Node]Estimate, error) {
	if p.Held == nil {
		p.Held = new(atomic.Int64)
	}
	ev := &evaluator{Params: p, view: view, root: root, held: p.Held, fixed: map[plan.Node]bool{}}
	defer ev.settle()
	e := estimator{ev: ev, ctx: ctx, shared: plan.Shared(root), out: map[plan.Node]Estimate{}}
	if err := e.visit(root, nil, p.Grid, false); err != nil {
		return nil, err
	}
	return e.out, nil
}

type estimator struct {
	ev     *evaluator
	ctx    context.Context
	shared map[plan.Node]int
	out    map[plan.Node]Estimate
}

func (e *estimator) visit(n plan.Node, call *plan.Call, g Grid, fixed bool) (err error) {
	fixed = fixed || g.Len() > 1 && e.ev.independent(n)
	if fixed {
		g = Instant(g.Start)
	}
	est := Estimate{Steps: g.Len(), Fixed: fixed, Shared: e.shared[n]}
	inner := g
	switch n := n.(type) {
	case *plan.Select:
		err = e.metrics(n, call, g, &est)
	case *plan.SelectLogs:
		err = e.logs(n, g, &est)
	case *plan.Subquery:
		if g.Len() > 0 {
			var win Windows
			if win, err = e.ev.rangeWindows(n, g); err == nil {
				inner, err = e.ev.subGrid(n, win)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("estimate %s: %w", plan.Describe(n), err)
	}
	e.out[n] = est
	c, _ := n.(*plan.Call)
	for _, child := range plan.Children(n) {
		if err := e.visit(child, c, inner, fixed); err != nil {
			return err
		}
	}
	return nil
}

// metrics estimates a selection of metrics below a call, which may be nil.
func (e *estimator) metrics(n *plan.Select, call *plan.Call, g Grid, est *Estimate) (err error) {
	if g.Len() == 0 {
		return nil
	}
	rng := n.Range.Milliseconds()
	var windows *model.Windows
	if rng == 0 {
		rng = max(e.ev.Lookback.Milliseconds(), 1)
		if win := e.ev.shifted(n.When, g, rng); sparse(win) {
			windows = askFor(win, model.WantLatest)
		}
	} else if call != nil {
		windows = windowsFor(partsFuncs[call.Func.Name], e.ev.shifted(n.When, g, rng))
	}
	est.Summaries = windows != nil
	lo, hi := e.ev.shifted(n.When, g, rng).Span()
	sel := model.SampleSelection{Matchers: e.ev.matchers(n.Matchers), Context: int64(e.ev.Lookback), Windows: windows}
	if sel.Mint, sel.Maxt = nanoRange(lo, hi); sel.Mint > sel.Maxt {
		return nil
	}
	set, err := model.SelectSeries(e.ctx, e.ev.view, sel)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, set.Close()) }()
	r, err := set.Reader()
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, r.Close()) }()
	est.Series = int64(set.Len())
	looked, samples := 0, 0
	var s model.Series
	for k := range min(probes, set.Len()) {
		if err := e.ev.tick(e.ctx); err != nil {
			return err
		}
		if _, err := r.Read(e.ctx, k*set.Len()/min(probes, set.Len()), &s); err != nil {
			return err
		}
		looked++
		samples += len(s.Times)
		if samples > maxProbed {
			break
		}
	}
	if looked > 0 {
		scale := func(v int64) int64 { return int64(math.Round(float64(v) * float64(set.Len()) / float64(looked))) }
		read := r.Stats()
		est.Samples, est.Chunks, est.Bytes = scale(int64(samples)), scale(read.Chunks), scale(read.Bytes)
	}
	return nil
}

// maxProbed ends probing of series that are very long.
const maxProbed = 1 << 20

// logs counts the streams of a selection of log rows.
func (e *estimator) logs(n *plan.SelectLogs, g Grid, est *Estimate) error {
	rows := e.ev.Rows
	if n.Range > 0 && g.Len() > 0 {
		lo, hi := e.ev.shifted(n.When, g, n.Range.Milliseconds()).Span()
		rows.Mint, rows.Maxt = nanoRange(lo, hi)
	}
	sets, err := e.ev.view.LabelSets(e.ctx, model.LabelSelection{
		Selectors: [][]*model.Matcher{e.ev.matchers(n.Matchers)}, Mint: rows.Mint, Maxt: rows.Maxt, Scope: model.ScopeLogs})
	est.Series = int64(len(sets))
	return err
}
