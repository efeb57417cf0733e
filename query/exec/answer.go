package exec

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"

	"tidemark/query/ast"
	"tidemark/query/funcs"
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
	// Columns have a step each and are sorted by labels, unless the outermost
	// function of an instant query orders them.
	Columns []*Column
	Timed   []Samples
	Streams []LogStream
	// Warnings and Infos are sorted and unique.
	Warnings, Infos []string
	Stats           Stats
	// Measured has what each operator did, where Params.Measure asks for it.
	Measured map[plan.Node]*Measured
}

// Run executes a plan on a view. Errors are *Error, *LimitError, the
// context's, or the view's.
func Run(ctx context.Context, view model.View, root plan.Node, p Params) (*Answer, error) {
	if p.Held == nil {
		p.Held = new(atomic.Int64)
	}
	ev := &evaluator{Params: p, view: view, root: root, held: p.Held,
		named: map[*plan.SelectLogs]naming{}, fixed: map[plan.Node]bool{},
		warnings: map[string]struct{}{}, infos: map[string]struct{}{}}
	defer ev.settle()
	nameLabels(root, nil, ev.named)
	ev.shared = newSharing(root)
	if p.Measure {
		ev.trace = newTracer()
	}
	a := &Answer{Grid: p.Grid, Instant: p.Instant}
	if err := ev.answer(ctx, a); err != nil {
		return nil, err
	}
	if w, ok := view.(model.Warner); ok {
		for _, text := range w.Warnings() {
			ev.warnings[text] = struct{}{}
		}
	}
	if ev.trace != nil {
		ev.trace.turn(nil, ev.stats)
		a.Measured = ev.trace.nodes
	}
	a.Warnings, a.Infos, a.Stats = sortedKeys(ev.warnings), sortedKeys(ev.infos), ev.stats
	return a, nil
}

// answer evaluates the root by its type.
func (ev *evaluator) answer(ctx context.Context, a *Answer) (err error) {
	switch ev.root.Type() {
	case funcs.Scalar:
		a.Shape = Scalars
		a.Values, err = ev.scalar(ctx, ev.root, ev.Grid)
		return err
	case funcs.Str:
		a.Shape = String
		a.Text, err = ev.textArg(ev.root, "")
		return err
	case funcs.Rows:
		a.Shape = Rows
		switch n := ev.root.(type) {
		case *plan.SelectLogs:
			a.Streams, err = ev.rows(ctx, n)
		case *plan.Arranged:
			a.Streams, err = ev.arrangedRows(ctx, n)
		case *plan.Context:
			a.Streams, err = ev.contextRows(ctx, n)
		}
		return err
	case funcs.Range:
		a.Shape = Matrix
		a.Timed, err = ev.rawRange(ctx)
		return err
	}
	if call, ok := ev.root.(*plan.Call); ok && call.Func.Family == "analysis" {
		op := ev.begin(call)
		res, err := ev.evalAnalysis(ctx, call, ev.Grid)
		if op.end(err); err != nil {
			return err
		}
		if res.Timed != nil {
			a.Shape, a.Timed = Matrix, res.Timed
			sortTimed(a.Timed)
			return nil
		}
		a.Shape = Vector
		a.Columns, err = ev.arranged(res.Columns)
		return err
	}
	a.Shape = Vector
	cols, err := ev.collect(ctx, ev.root, ev.Grid)
	if err != nil {
		return err
	}
	a.Columns, err = ev.arranged(cols)
	return err
}

// arranged drops series without a step, takes away the names that are no
// longer true, orders the series and makes sure that no two have equal labels.
func (ev *evaluator) arranged(cols []*Column) ([]*Column, error) {
	cols = slices.DeleteFunc(cols, func(c *Column) bool { return c.Present.Empty() })
	for _, c := range cols {
		c.Labels, c.Nameless = c.final(), false
	}
	if ev.sorted {
		return cols, ev.distinct(cols)
	}
	sortByLabels(cols)
	n := 0
	for i, c := range cols {
		if i == 0 || !cols[n-1].Labels.Equal(c.Labels) {
			cols[n] = c
			n++
			continue
		}
		if cols[n-1].Present.Intersects(c.Present) {
			return nil, sameLabels(ev.root.Position())
		}
		cols[n-1].merge(c)
	}
	return cols[:n], nil
}

// sortByLabels sorts columns by their labels, equal ones keeping their order.
// Comparing is what costs, so that the order that a store often has is tried
// first, and otherwise the sort with the fewest comparisons is made stable.
func sortByLabels(cols []*Column) {
	byLabels := func(a, b *Column) int { return a.Labels.Compare(b.Labels) }
	if slices.IsSortedFunc(cols, byLabels) {
		return
	}
	type placed struct {
		*Column
		at int
	}
	all := make([]placed, len(cols))
	for i, c := range cols {
		all[i] = placed{c, i}
	}
	slices.SortFunc(all, func(a, b placed) int { return cmp.Or(byLabels(a.Column, b.Column), a.at-b.at) })
	for i := range all {
		cols[i] = all[i].Column
	}
}

// distinct fails where two columns of one step have equal labels.
func (ev *evaluator) distinct(cols []*Column) error {
	seen := make(map[string]struct{}, len(cols))
	var key []byte
	for _, c := range cols {
		key = c.Labels.AppendKey(key[:0])
		if _, ok := seen[string(key)]; ok {
			return sameLabels(ev.root.Position())
		}
		seen[string(key)] = struct{}{}
	}
	return nil
}

// rawRange answers a range in an instant query with its samples.
func (ev *evaluator) rawRange(ctx context.Context) (out []Samples, err error) {
	if sel, ok := ev.root.(*plan.Select); ok && sel.Extend != ast.NotExtended {
		out, err = ev.extendedRange(ctx, sel)
		sortTimed(out)
		return out, err
	}
	err = ev.eachRange(ctx, ev.root, ev.Grid, func(sl *slider, s *rangeSeries) error {
		lo, hi := sl.lo[0], sl.hi[0]
		var hists TimedHistograms
		if s.hist != nil {
			s.hist.seek(sl)
			hists = s.hist.window(0)
		}
		if lo == hi && len(hists.Times) == 0 {
			return nil
		}
		if err := ev.hold(int(hi - lo)); err != nil {
			return err
		}
		times := slices.Clone(s.times[lo:hi])
		for i := range times {
			times[i] = floorDiv(times[i], sl.perMilli)
		}
		out = append(out, Samples{Labels: s.final(), Times: times, Values: s.values[lo:hi], Histograms: hists})
		return nil
	})
	sortTimed(out)
	for i := range out {
		if i > 0 && out[i-1].Labels.Equal(out[i].Labels) {
			return nil, sameLabels(ev.root.Position())
		}
	}
	return out, err
}

func sortTimed(ss []Samples) {
	slices.SortStableFunc(ss, func(a, b Samples) int { return a.Labels.Compare(b.Labels) })
}
