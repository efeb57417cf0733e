package exec

import (
	"context"
	"errors"
	"time"

	"tidemark/query/plan"
	"tidemark/storage/model"
)

// Measured is what one operator of a plan did, without the operators it works on
// or hands on to. A function of the range of a selection runs in the workers that
// read it: its time is that of the selection.
type Measured struct {
	Calls  int64 // more than once within a subquery, or where steps are shared
	Series int64 // handed on
	Values int64
	Reused int64 // series taken from an equal expression that was there before
	Time   time.Duration
	Stats  Stats // what it read
}

// tracer charges time and reading to the operator at work. It belongs to the
// query's goroutine.
type tracer struct {
	nodes map[plan.Node]*Measured
	now   *Measured // at work
	since time.Time
	seen  Stats
}

func newTracer() *tracer { return &tracer{nodes: map[plan.Node]*Measured{}, since: time.Now()} }

func (t *tracer) of(n plan.Node) *Measured {
	m := t.nodes[n]
	if m == nil {
		m = &Measured{}
		t.nodes[n] = m
	}
	return m
}

// turn ends the work of one operator and begins that of another, which may be
// none; it returns the one before.
func (t *tracer) turn(to *Measured, stats Stats) *Measured {
	now, before := time.Now(), t.now
	if before != nil {
		before.Time += now.Sub(t.since)
		before.Stats.add(stats.minus(t.seen))
	}
	t.now, t.since, t.seen = to, now, stats
	return before
}

func (s *Stats) add(o Stats) {
	s.Series += o.Series
	s.Samples += o.Samples
	s.Rows += o.Rows
	s.Read.Add(o.Read)
}

func (s Stats) minus(o Stats) Stats {
	return Stats{Series: s.Series - o.Series, Samples: s.Samples - o.Samples, Rows: s.Rows - o.Rows,
		Read: model.ReadStats{Chunks: s.Read.Chunks - o.Read.Chunks, Summaries: s.Read.Summaries - o.Read.Summaries,
			Skipped: s.Read.Skipped - o.Read.Skipped, Bytes: s.Read.Bytes - o.Read.Bytes}}
}

// operator is one operator at work: what happens between begin and end is its
// own, but for what happens between out and in, where it hands on a part of its
// result. An error of a limit that it causes names it.
type operator struct {
	ev     *evaluator
	node   plan.Node
	m      *Measured // nil where nothing is measured
	before *Measured
	outer  bool // an error came from whoever got the result
}

func (ev *evaluator) begin(n plan.Node) operator {
	o := operator{ev: ev, node: n}
	if ev.trace != nil {
		o.m = ev.trace.of(n)
		o.m.Calls++
		o.before = ev.trace.turn(o.m, ev.stats)
	}
	return o
}

// out is called before a series of so many values is handed on.
func (o *operator) out(values int) {
	if o.m != nil {
		o.m.Series++
		o.m.Values += int64(values)
		o.ev.trace.turn(o.before, o.ev.stats)
	}
}

// in is called with what came of it.
func (o *operator) in(err error) error {
	if o.m != nil {
		o.ev.trace.turn(o.m, o.ev.stats)
	}
	o.outer = o.outer || err != nil
	return err
}

func (o *operator) end(err error) error {
	if o.m != nil {
		o.ev.trace.turn(o.before, o.ev.stats)
	}
	var limit *LimitError
	if err != nil && !o.outer && errors.As(err, &limit) && limit.Operator == "" {
		limit.Operator, limit.Pos = plan.Describe(o.node), o.node.Position()
	}
	return err
}

// each streams the series of an instant vector expression over a grid, each
// label set once. The column that emit receives is emit's.
func (ev *evaluator) each(ctx context.Context, n plan.Node, g Grid, emit func(*Column) error) error {
	if g.Len() == 0 {
		return nil
	}
	op := ev.begin(n)
	return op.end(ev.eachOnce(ctx, n, g, func(c *Column) error {
		op.outColumn(c)
		return op.in(emit(c))
	}))
}

// outColumn is out for a column.
func (o *operator) outColumn(c *Column) {
	if o.m != nil {
		o.out(c.Present.Count())
	}
}

// eachRange streams the series of a range argument. The slider knows the
// windows; its window positions are those of the series that visit is called
// with. What visit wants to keep of the series it may keep.
func (ev *evaluator) eachRange(ctx context.Context, n plan.Node, g Grid, visit func(*slider, *rangeSeries) error) error {
	if g.Len() == 0 {
		return nil
	}
	op := ev.begin(n)
	return op.end(ev.streamRange(ctx, n, g, func(sl *slider, s *rangeSeries) error {
		op.out(len(s.times))
		return op.in(visit(sl, s))
	}))
}
