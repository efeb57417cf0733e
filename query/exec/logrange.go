package exec

import (
	"context"
	"slices"

	"tidemark/query/ast"
	"tidemark/query/logpipe"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// rowFunc is a function of log rows.
type rowFunc struct {
	bytes     bool // adds up lengths of lines rather than rows
	perSecond bool
	absent    bool
}

var rowFuncs = map[string]*rowFunc{
	"count_over_time":  {},
	"rate":             {perSecond: true},
	"bytes_over_time":  {bytes: true},
	"bytes_rate":       {bytes: true, perSecond: true},
	"absent_over_time": {absent: true},
}

// eachLogRange evaluates a function of a window of log rows.
func (ev *evaluator) eachLogRange(ctx context.Context, call *plan.Call, sel *plan.SelectLogs, g Grid, emit func(*Column) error) error {
	win := ev.shifted(sel.When, g, sel.Range.Milliseconds())
	if win.Range <= 0 {
		return errorAt(sel.Pos, "want a range of at least 1ms, got %s", sel.Range)
	}
	rf := rowFuncs[call.Func.Name]
	if rf != nil && rf.absent {
		return ev.absentRows(ctx, sel, win, emit)
	}
	if sel.Unwrap() != nil {
		return ev.eachUnwrapFunc(ctx, call, sel, win, emit)
	}
	if rf == nil {
		return errorAt(call.Pos, "function %s needs numbers: add an unwrap stage", call.Func.Name)
	}
	groups, err := ev.countRows(ctx, sel, call.Grouping, rf.bytes, win)
	if err != nil {
		return err
	}
	steps := g.Len()
	for _, gr := range groups {
		out, err := ev.newColumn(gr.labels, steps)
		if err != nil {
			return err
		}
		var rows, weight float64
		for i := range steps {
			rows += gr.rows[i]
			weight += gr.weight[i]
			if rows > 0 {
				v := weight
				if rf.perSecond {
					v /= float64(win.Range) / 1000
				}
				out.Set(i, v)
			}
		}
		ev.release(2 * steps)
		if err := emit(out); err != nil {
			return err
		}
	}
	return nil
}

// rowCount counts the rows of one label set by differences: rows[i] is what
// the count of step i has more than that of step i-1. Counts are integers, so
// that adding differences up is exact.
type rowCount struct {
	labels       model.Labels
	rows, weight []float64
}

// countRows adds every row to the steps whose window it lies in, O(1) a row
// however long the windows; no row is held.
func (ev *evaluator) countRows(ctx context.Context, sel *plan.SelectLogs, gr *ast.Grouping, bytes bool, win Windows) ([]*rowCount, error) {
	rr, err := ev.newRowReader(sel)
	if err != nil {
		return nil, err
	}
	if counts, ok, err := ev.countStored(ctx, rr, gr, bytes, win); ok || err != nil {
		return counts, err
	}
	steps := win.Grid.Len()
	rs, ok := rowRange(win)
	if !ok {
		return nil, nil
	}
	rs.NoLine = !bytes && !rr.pipe.ReadsLine()
	bySet := map[*logpipe.Set]*rowCount{}
	byKey := map[string]*rowCount{}
	var order []*rowCount
	find := func(set *logpipe.Set) (*rowCount, error) {
		if c := bySet[set]; c != nil {
			return c, nil
		}
		if err := rr.check(set); err != nil {
			return nil, err
		}
		ls := grouped(gr, set.Labels)
		key := ls.Key()
		c := byKey[key]
		if c == nil {
			if err := ev.hold(2 * steps); err != nil {
				return nil, err
			}
			c = &rowCount{labels: ls, rows: make([]float64, steps), weight: make([]float64, steps)}
			byKey[key] = c
			order = append(order, c)
		}
		bySet[set] = c
		return c, nil
	}
	err = rr.read(ctx, rs, func(st *logpipe.Stream, b *model.RowBlock) error {
		var last *logpipe.Set
		var c *rowCount
		for i, t := range b.Times {
			if i&4095 == 4095 {
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			from, to := win.stepsOf(t)
			if from > to {
				continue
			}
			row, ok := rr.run(st, b, i)
			if !ok {
				continue
			}
			if row.Set != last {
				var err error
				if c, err = find(row.Set); err != nil {
					return err
				}
				last = row.Set
			}
			w := 1.0
			if bytes {
				w = float64(len(row.Line))
			}
			c.rows[from]++
			c.weight[from] += w
			if to+1 < steps {
				c.rows[to+1]--
				c.weight[to+1] -= w
			}
		}
		return nil
	})
	return order, err
}

// rowRange returns the range of rows that windows read, in nanoseconds; ok is
// false where it is empty. Log windows are exact to the nanosecond: the one
// of step time T reads (T - range, T].
func rowRange(win Windows) (rs model.RowSelection, ok bool) {
	lo, hi := win.Span()
	rs.Mint, _ = nanoRange(lo-1, lo)
	_, rs.Maxt = nanoRange(hi-1, hi)
	rs.Mint++
	rs.Maxt -= nanosPerMilli - 1
	return rs, rs.Mint <= rs.Maxt
}

// stepsOf returns the first and the last step whose window has a time in
// nanoseconds; from > to where none has.
func (w Windows) stepsOf(t int64) (from, to int) {
	n := w.Grid.Len()
	_, end := w.Bounds(0)
	end *= nanosPerMilli
	width := w.Range * nanosPerMilli
	if w.Fixed || n == 1 {
		if t > end-width && t <= end {
			return 0, n - 1
		}
		return 1, 0
	}
	step := w.Grid.Step * nanosPerMilli
	first := -floorDiv(end-t, step) // the first step not before t
	last := floorDiv(t-end+width-1, step)
	return int(max(first, 0)), int(min(last, int64(n-1)))
}

// eachUnwrapFunc evaluates a function of the values of log rows.
func (ev *evaluator) eachUnwrapFunc(ctx context.Context, call *plan.Call, sel *plan.SelectLogs, win Windows, emit func(*Column) error) error {
	g := win.Grid
	f := rangeFuncs[call.Func.Name]
	perSecond := call.Func.Name == "rate" // of values, not of a counter
	if perSecond {
		f = rangeFuncs["sum_over_time"]
	}
	if f == nil {
		return errorAt(call.Pos, "function %s cannot be applied to unwrapped log rows", call.Func.Name)
	}
	_, params, err := ev.splitArgs(ctx, call, g)
	if err != nil {
		return err
	}
	if f.check != nil {
		if err := f.check(ev, call, params); err != nil {
			return err
		}
	}
	if ok, err := ev.unwrapStored(ctx, call, sel, params, win, emit); ok || err != nil {
		return err
	}
	return ev.eachUnwrapped(ctx, sel, call.Grouping, win, func(sl *slider, s *rangeSeries) error {
		out, err := ev.newColumn(s.labels, g.Len())
		if err != nil {
			return err
		}
		if err := f.kernel(ctx, sl, s.values, params, out); err != nil {
			return err
		}
		if ev.LogQL && call.Func.Name == "rate_counter" {
			// Loki says 0 where one value makes no rate.
			for i := range sl.steps {
				if sl.hi[i]-sl.lo[i] == 1 {
					out.Set(i, 0)
				}
			}
		}
		if perSecond {
			for i := range out.Values {
				out.Values[i] /= sl.seconds()
			}
		}
		if out.Present.Empty() {
			ev.recycle(out)
			return nil
		}
		return emit(out)
	})
}

// eachUnwrapped streams the values of log rows, by label set, with times in
// nanoseconds.
func (ev *evaluator) eachUnwrapped(ctx context.Context, sel *plan.SelectLogs, gr *ast.Grouping, win Windows, visit func(*slider, *rangeSeries) error) error {
	rr, err := ev.newRowReader(sel)
	if err != nil {
		return err
	}
	rs, ok := rowRange(win)
	if !ok {
		return nil
	}
	rs.NoLine = !rr.pipe.ReadsLine()
	type group struct {
		rangeSeries
		unsorted bool
	}
	byKey := map[string]*group{}
	var order []*group
	held := 0
	err = rr.read(ctx, rs, func(st *logpipe.Stream, b *model.RowBlock) error {
		var last *logpipe.Set
		var c *group
		before := held
		for i, t := range b.Times {
			if i&4095 == 4095 {
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			if from, to := win.stepsOf(t); from > to {
				continue
			}
			row, ok := rr.run(st, b, i)
			if !ok {
				continue
			}
			if row.Set != last {
				if err := rr.check(row.Set); err != nil {
					return err
				}
				last = row.Set
				ls := grouped(gr, row.Set.Labels)
				key := ls.Key()
				if c = byKey[key]; c == nil {
					c = &group{}
					c.labels = ls
					byKey[key] = c
					order = append(order, c)
				}
			}
			if n := len(c.times); n > 0 && c.times[n-1] > t {
				c.unsorted = true
			}
			c.times = append(c.times, t)
			c.values = append(c.values, row.Value)
			held++
		}
		return ev.hold(held - before)
	})
	if err != nil {
		return err
	}
	sl := newSlider(win, nanosPerMilli)
	for _, c := range order {
		if c.unsorted {
			sortByTime(c.times, c.values)
		}
		sl.seek(c.times)
		if err := visit(sl, &c.rangeSeries); err != nil {
			return err
		}
	}
	ev.release(held)
	return nil
}

// sortByTime sorts samples by time and keeps the order of equal ones.
func sortByTime(times []int64, values []float64) {
	type pair struct {
		t int64
		v float64
	}
	ps := make([]pair, len(times))
	for i := range times {
		ps[i] = pair{times[i], values[i]}
	}
	slices.SortStableFunc(ps, func(a, b pair) int {
		switch {
		case a.t < b.t:
			return -1
		case a.t > b.t:
			return 1
		}
		return 0
	})
	for i, p := range ps {
		times[i], values[i] = p.t, p.v
	}
}

// absentRows is absent_over_time of log rows.
func (ev *evaluator) absentRows(ctx context.Context, sel *plan.SelectLogs, win Windows, emit func(*Column) error) error {
	rr, err := ev.newRowReader(sel)
	if err != nil {
		return err
	}
	steps := win.Grid.Len()
	rows := make([]int, steps+1) // differences, as in rowCount
	if rs, ok := rowRange(win); ok {
		rs.NoLine = !rr.pipe.ReadsLine()
		err = rr.read(ctx, rs, func(st *logpipe.Stream, b *model.RowBlock) error {
			for i, t := range b.Times {
				from, to := win.stepsOf(t)
				if from > to {
					continue
				}
				row, ok := rr.run(st, b, i)
				if !ok {
					continue
				}
				if err := rr.check(row.Set); err != nil {
					return err
				}
				rows[from]++
				rows[to+1]--
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	present, n := NewBitmap(steps), 0
	for i := range steps {
		if n += rows[i]; n > 0 {
			present.Set(i)
		}
	}
	return ev.emitAbsent(absentLabels(sel), present, win.Grid, emit)
}
