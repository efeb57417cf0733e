package exec

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"tidemark/query/ast"
	"tidemark/query/logpipe"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// A table is what stats, uniq and top make of log rows: a row for each set of
// values of some labels and fields, and a column for each function. As a vector
// it is one series for each cell, whose name is that of the column. A table is
// made for each step from the rows of its window, in one pass over all of them.
type table struct {
	ev     *evaluator
	n      *plan.Table
	win    Windows
	byKey  map[string]*tableGroup
	groups []*tableGroup
	// strange counts, by function, values that are no numbers, and has one of
	// them; failed counts rows that carry an error.
	strange []int64
	example []string
	failed  int64
	failure string
}

// tableGroup is the rows that agree in their labels; cells[f][step] is nil
// where no row was there for a function.
type tableGroup struct {
	labels model.Labels
	cells  [][]statsCell
}

// eachTable evaluates a table and emits its cells.
func (ev *evaluator) eachTable(ctx context.Context, n *plan.Table, g Grid, emit func(*Column) error) error {
	width := n.Logs.Range.Milliseconds()
	if width == 0 { // as patterns: all rows of an instant query, and those of a step otherwise
		width = g.Step
		if ev.Instant {
			width = (ev.Rows.Maxt - ev.Rows.Mint + 1) / nanosPerMilli
		}
	}
	t := &table{ev: ev, n: n, win: ev.shifted(n.Logs.When, g, max(width, 1)), byKey: map[string]*tableGroup{},
		strange: make([]int64, len(n.Funcs)), example: make([]string, len(n.Funcs))}
	if err := t.fill(ctx); err != nil {
		return err
	}
	for f, count := range t.strange {
		if count > 0 {
			ev.warn(n.Funcs[f].Pos, "%s: %d values of `%s` are no numbers and do not count, such as %q", n.Funcs[f].Func, count, n.Funcs[f].Field, t.example[f])
		}
	}
	if t.failed > 0 {
		ev.warn(n.Logs.Pos, "%d rows carry an error such as %s and lack what could not be read; add | __error__=\"\" to leave them out", t.failed, t.failure)
	}
	return t.emit(ctx, emit)
}

// fill runs every row of the windows through the functions.
func (t *table) fill(ctx context.Context) error {
	rr, err := t.ev.newRowReader(t.n.Logs)
	if err != nil {
		return err
	}
	if ok, err := t.fillStored(ctx, rr); ok || err != nil {
		return err
	}
	rs, ok := rowRange(t.win)
	if !ok {
		return nil
	}
	rs.NoLine = !rr.pipe.ReadsLine()
	return rr.read(ctx, rs, func(st *logpipe.Stream, b *model.RowBlock) error {
		var last *logpipe.Set
		var group *tableGroup
		for i, at := range b.Times {
			if i&4095 == 4095 {
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			from, to := t.win.stepsOf(at)
			if from > to {
				continue
			}
			row, ok := rr.run(st, b, i)
			if !ok {
				continue
			}
			if row.Set.Err != "" {
				t.failed++
				t.failure = row.Set.Err
			}
			if row.Set != last {
				last = row.Set
				if group, err = t.group(row.Set.Labels); err != nil {
					return err
				}
			}
			if group == nil {
				continue
			}
			if err := t.add(group, &row, at, from, to); err != nil {
				return err
			}
		}
		return nil
	})
}

// group finds or makes the group of labels; it is nil where such rows do not
// count.
func (t *table) group(ls model.Labels) (*tableGroup, error) {
	ls = withoutEmpty(ls)
	if t.n.Present && len(ls) == 0 {
		return nil, nil
	}
	key := ls.Key()
	g := t.byKey[key]
	if g == nil {
		steps := t.win.Grid.Len()
		if err := t.ev.hold(len(t.n.Funcs)*steps + len(key)/4); err != nil {
			return nil, err
		}
		g = &tableGroup{labels: ls, cells: make([][]statsCell, len(t.n.Funcs))}
		for f := range g.cells {
			g.cells[f] = make([]statsCell, steps)
		}
		t.byKey[key] = g
		t.groups = append(t.groups, g)
	}
	return g, nil
}

// cellAt returns the cell of a function and a step, made where there is none.
func (g *tableGroup) cellAt(t *table, f, step int) statsCell {
	c := g.cells[f][step]
	if c == nil {
		c = newCell(&t.n.Funcs[f])
		g.cells[f][step] = c
	}
	return c
}

// add adds a row to the cells of the steps whose window it lies in.
func (t *table) add(g *tableGroup, row *logpipe.Row, at int64, from, to int) error {
	next := 0 // of row.Values, which has one for each function with a field
	for f := range t.n.Funcs {
		fn := &t.n.Funcs[f]
		v, number := model.Value{}, 0.0
		if fn.Field != "" {
			v = row.Values[next]
			next++
			if v.Type == model.TypeNone || v.Type == model.TypeText && v.Text == "" {
				continue
			}
			if numeric(fn) {
				var err error
				if number, err = logpipe.Number(v, fn.Conv); err != nil {
					t.strange[f]++
					t.example[f] = strings.Clone(clip(v.String()))
					continue
				}
			}
		}
		for step := from; step <= to; step++ {
			if grown := g.cellAt(t, f, step).add(at, v, number); grown > 0 {
				if err := t.ev.hold(grown); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// clip bounds what a warning quotes.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// tableRow is a row of the table of one step.
type tableRow struct {
	group  *tableGroup
	values []float64
	has    []bool
}

// value returns what a row has in a column, which may be a label.
func (t *table) value(r *tableRow, name string) model.Value {
	for f := range t.n.Funcs {
		if t.n.Funcs[f].Column() == name {
			if !r.has[f] {
				return model.Value{}
			}
			return model.Float(r.values[f])
		}
	}
	if v := r.group.labels.Get(name); v != "" {
		return model.Text(v)
	}
	return model.Value{}
}

// emit makes the table of each step, cuts it as the query says, and emits the
// cells that are left. An instant table that is sorted comes in its order.
func (t *table) emit(ctx context.Context, emit func(*Column) error) error {
	steps := t.win.Grid.Len()
	slices.SortFunc(t.groups, func(a, b *tableGroup) int { return a.labels.Compare(b.labels) })
	columns := map[*tableGroup][]*Column{}
	order := t.groups
	for step := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows := t.rows(step)
		rows, sorted, err := t.arrange(rows)
		if err != nil {
			return err
		}
		if sorted && steps == 1 && t.ev.outermost(t.n) {
			t.ev.sorted = true
			order = order[:0:0]
			for i := range rows {
				order = append(order, rows[i].group)
			}
		}
		for i := range rows {
			r := &rows[i]
			if columns[r.group] == nil {
				columns[r.group] = make([]*Column, len(t.n.Funcs))
			}
			for f := range t.n.Funcs {
				if !r.has[f] {
					continue
				}
				c := columns[r.group][f]
				if c == nil {
					if c, err = t.ev.newColumn(r.group.labels.With(model.MetricName, t.n.Funcs[f].Column()), steps); err != nil {
						return err
					}
					columns[r.group][f] = c
				}
				c.Set(step, r.values[f])
			}
		}
	}
	for _, g := range order {
		for _, c := range columns[g] {
			if c == nil {
				continue
			}
			if err := emit(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// rows are the rows of the table of a step, by labels.
func (t *table) rows(step int) []tableRow {
	var rows []tableRow
	for _, g := range t.groups {
		r := tableRow{group: g, values: make([]float64, len(t.n.Funcs)), has: make([]bool, len(t.n.Funcs))}
		some := false
		for f := range t.n.Funcs {
			if c := g.cells[f][step]; c != nil {
				r.values[f], r.has[f] = c.result(), true
				some = true
			}
		}
		if some {
			rows = append(rows, r)
		}
	}
	return rows
}

// arrange applies top and the stages behind the table.
func (t *table) arrange(rows []tableRow) (_ []tableRow, sorted bool, err error) {
	if t.n.Top > 0 {
		slices.SortStableFunc(rows, func(a, b tableRow) int { return cmp.Compare(b.values[0], a.values[0]) })
		rows = rows[:min(len(rows), t.n.Top)]
		sorted = true
	}
	for _, st := range t.n.After {
		switch st := st.(type) {
		case *ast.Sort:
			slices.SortStableFunc(rows, func(a, b tableRow) int {
				for _, k := range st.Keys {
					if d := compareValues(t.value(&a, k.Name), t.value(&b, k.Name), k.Desc); d != 0 {
						return d
					}
				}
				return 0
			})
			sorted = true
		case *ast.Limit:
			rows = rows[:min(len(rows), st.N)]
		case *ast.LabelFilter:
			if rows, err = t.filter(rows, st); err != nil {
				return nil, false, err
			}
		}
	}
	return rows, sorted, nil
}

// filter keeps the rows of a table that satisfy a condition.
func (t *table) filter(rows []tableRow, st *ast.LabelFilter) ([]tableRow, error) {
	pipe, err := logpipe.Compile([]ast.Stage{st}, logpipe.Options{Loki: t.ev.LogQL})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(rows, func(r tableRow) bool {
		ls := slices.Clone(r.group.labels)
		for f := range t.n.Funcs {
			if r.has[f] {
				ls = append(ls, model.Label{Name: t.n.Funcs[f].Column(), Value: strconv.FormatFloat(r.values[f], 'g', -1, 64)})
			}
		}
		_, ok := pipe.Stream(model.NewLabels(ls...)).Run(&logpipe.Input{})
		return !ok
	}), nil
}

// compareValues orders values: numbers, also those written as text with or
// without a unit, before other text, and those that are missing last whatever
// the direction.
func compareValues(a, b model.Value, desc bool) int {
	missing := func(v model.Value) bool {
		return v.Type == model.TypeNone || v.Type == model.TypeText && v.Text == ""
	}
	switch ma, mb := missing(a), missing(b); {
	case ma && mb:
		return 0
	case ma:
		return 1
	case mb:
		return -1
	}
	x, xok := quantityOf(a)
	y, yok := quantityOf(b)
	d := 0
	switch {
	case xok && yok:
		d = cmp.Compare(x, y)
	case xok:
		d = -1
	case yok:
		d = 1
	default:
		d = strings.Compare(a.String(), b.String())
	}
	if desc {
		return -d
	}
	return d
}

// quantityOf reads a value as a number, a duration in seconds or a size in
// bytes.
func quantityOf(v model.Value) (float64, bool) {
	if f, err := logpipe.Number(v, ""); err == nil {
		return f, true
	}
	return logpipe.Quantity(v.String())
}
