package exec

import (
	"context"
	"errors"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tidemark/query/ast"
	"tidemark/query/logpipe"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// pushed is what of a pipeline's stages a store can do before it hands out
// rows, or instead of that.
type pushed struct {
	filter model.RowFilter
	// rest are the stages that rows still have to go through. Label filters
	// stay among them, because they also say which fields join the labels.
	rest []ast.Stage
	// whole says that the filter does all that the stages do, but for unwrap.
	whole bool
	loki  bool // see logpipe.Options
	// shape says that one of the stages gives rows the labels of their shape.
	shape bool
	// names are labels that the stages name: fields of these names join.
	names  []string
	unwrap *ast.Unwrap
}

// pushStages parts stages. Line filters move to the store as long as no stage
// before them has changed the line, label filters as long as none has changed
// labels; both keep or drop a row by itself, so that their order does not matter.
func pushStages(stages []ast.Stage, loki bool) pushed {
	p := pushed{whole: true, loki: loki}
	line, labels := true, true // as they came
	for _, st := range stages {
		switch st := st.(type) {
		case *ast.LineFilter:
			if f, ok := pushLine(st); ok && line {
				p.filter.Lines = append(p.filter.Lines, f)
				continue
			}
			p.whole = false
		case *ast.LabelFilter:
			switch {
			case p.unwrap != nil && noError(st.Cond):
				// Numbers that a store adds up have no errors.
			case !labels || p.unwrap != nil || !p.pushCond(st.Cond):
				p.whole = false
			}
		case *ast.Unwrap:
			p.unwrap = st
			p.whole = p.whole && st.Conv == ""
		case *ast.Parser:
			labels, p.whole = false, false
			line = line && st.Name != "unpack"
		case *ast.LineFormat, *ast.Decolorize:
			line, p.whole = false, false
		case *ast.Shape:
			p.whole = p.whole && labels && !p.shape // of lines as they are stored
			labels, p.shape = false, true
		default:
			labels, p.whole = false, false
		}
		p.rest = append(p.rest, st)
	}
	return p
}

// noError reports whether a condition is __error__="".
func noError(c ast.Cond) bool {
	m, ok := c.(*ast.CondMatch)
	return ok && m.Name == logpipe.ErrorLabel && m.Type == model.MatchEqual && m.Value == ""
}

// pushLine is a line filter as a store takes it.
func pushLine(st *ast.LineFilter) (f model.LineFilter, ok bool) {
	if len(st.IPs) > 0 {
		return f, false
	}
	f.Negate = strings.HasPrefix(st.Op, "!")
	switch st.Op {
	case "|=", "!=":
		f.Contains = st.Values
		return f, true
	case "|~", "!~":
		for _, v := range st.Values {
			re, err := regexp.Compile(v)
			if err != nil {
				return f, false // the pipeline reports it
			}
			if s, whole := re.LiteralPrefix(); whole {
				f.Contains = append(f.Contains, s)
			} else {
				f.Regexps = append(f.Regexps, re)
			}
		}
		return f, true
	}
	return f, false
}

// pushCond adds the filters of a condition; it reports false where a part of it
// is not among them.
func (p *pushed) pushCond(c ast.Cond) bool {
	switch c := c.(type) {
	case *ast.CondBinary:
		if c.Op == "or" {
			return false
		}
		l := p.pushCond(c.LHS)
		return p.pushCond(c.RHS) && l
	case *ast.CondMatch:
		if reserved(c.Name) {
			return noError(c)
		}
		test, err := logpipe.TextTest(c.Type, c.Value, p.loki)
		if err != nil {
			return false
		}
		f := model.FieldFilter{Name: c.Name, Test: func(v model.Value) model.Decision {
			if test(v.String()) {
				return model.Keep
			}
			return model.Drop
		}}
		if c.Type == model.MatchEqual {
			f.Equal = c.Value
		}
		p.filter.Fields = append(p.filter.Fields, f)
		p.names = append(p.names, c.Name)
		return true
	case *ast.CondNumber:
		test := numberTest(c.Op, c.Value)
		if test == nil || c.Kind != ast.CondPlain || reserved(c.Name) {
			return false
		}
		p.filter.Fields = append(p.filter.Fields, model.FieldFilter{Name: c.Name, Test: func(v model.Value) model.Decision {
			x := 0.0
			switch v.Type {
			case model.TypeNone:
				return model.Drop
			case model.TypeFloat, model.TypeInt:
				x = model.BitsToFloat(v.Type, v.Bits)
			default:
				var err error
				if x, err = strconv.ParseFloat(v.String(), 64); err != nil {
					return model.Undecided // it stays, with an error
				}
			}
			if test(x) {
				return model.Keep
			}
			return model.Drop
		}})
		p.names = append(p.names, c.Name)
		return true
	}
	return false
}

// reserved reports whether a label is made by the pipeline itself.
func reserved(name string) bool {
	return name == logpipe.ErrorLabel || name == logpipe.ErrorDetailsLabel || name == logpipe.LevelLabel
}

// numberTest is x OP value.
func numberTest(op string, value float64) func(x float64) bool {
	switch op {
	case "==", "=":
		return func(x float64) bool { return x == value }
	case "!=":
		return func(x float64) bool { return x != value }
	case ">":
		return func(x float64) bool { return x > value }
	case ">=":
		return func(x float64) bool { return x >= value }
	case "<":
		return func(x float64) bool { return x < value }
	case "<=":
		return func(x float64) bool { return x <= value }
	}
	return nil
}

// counting is a question about rows put to a store, and its windows.
type counting struct {
	rr  *rowReader
	win Windows
	sel model.RowSelection
	c   model.RowCounting
	// first and last are the steps whose windows an interval lies in; first >
	// last where there is none.
	first, last []int
}

// counting prepares to have the rows of windows counted where they are; nil where
// the store cannot do that, or the stages need the rows.
func (ev *evaluator) counting(rr *rowReader, win Windows) *counting {
	if rr.store == nil || !rr.push.whole {
		return nil
	}
	rs, ok := rowRange(win)
	if !ok {
		return nil
	}
	n := ev.named[rr.sel]
	q := &counting{rr: rr, win: win, sel: rs}
	q.sel.Matchers, q.sel.Filter = ev.matchers(rr.sel.Matchers), rr.push.filter
	names := append(slices.Clone(rr.push.names), n.names...)
	if n.grouped {
		names = n.only
	} else {
		q.c.ByStream = true
		q.c.Without = []string{model.MetadataField}
	}
	if rr.push.shape {
		// A field or label of such a name would give the shape another one.
		if !n.grouped || slices.ContainsFunc(rr.push.names, isShapeLabel) || !slices.ContainsFunc(names, isShapeLabel) {
			return nil
		}
		q.c.Shapes = true
		q.c.Without = []string{logpipe.ShapeLabel, logpipe.ShapeIDLabel}
		names = slices.DeleteFunc(slices.Clone(names), isShapeLabel)
	}
	for _, name := range names {
		if reserved(name) || rr.push.unwrap != nil && name == rr.push.unwrap.Label {
			return nil
		}
		if !slices.Contains(q.c.By, name) {
			q.c.By = append(q.c.By, name)
		}
	}
	q.intervals(rs)
	// What is not counted here is not held either: the limit is that of samples.
	q.c.MaxCounters = ev.MaxSamples - ev.held.Load()
	return q
}

func isShapeLabel(name string) bool {
	return name == logpipe.ShapeLabel || name == logpipe.ShapeIDLabel
}

// labels are those of a count of rows, with the labels of their shape where the
// query groups by them.
func (q *counting) labels(rc *model.RowCount) model.Labels {
	if !q.c.Shapes || rc.Shape == nil {
		return rc.Labels
	}
	ls := slices.Clone(rc.Labels)
	text, id := logpipe.ShapeLabels(rc.Shape)
	for _, n := range q.rr.ev.named[q.rr.sel].only {
		switch n {
		case logpipe.ShapeLabel:
			ls = append(ls, model.Label{Name: n, Value: text})
		case logpipe.ShapeIDLabel:
			ls = append(ls, model.Label{Name: n, Value: id})
		}
	}
	return model.NewLabels(ls...)
}

// intervals parts time where any window begins or ends.
func (q *counting) intervals(rs model.RowSelection) {
	edges := q.win.edges(rs)
	slices.Sort(edges)
	q.c.Edges = slices.Compact(edges)
	if len(q.c.Edges) == 1 {
		q.c.Edges = append(q.c.Edges, q.c.Edges[0])
	}
	for _, end := range q.c.Edges[1:] {
		first, last := q.win.stepsOf(end)
		q.first, q.last = append(q.first, first), append(q.last, last)
	}
}

// run has the store count; ok is false where it gave up.
func (q *counting) run(ctx context.Context, visit func(*model.RowCount) error) (ok bool, err error) {
	ev := q.rr.ev
	err = q.rr.store.CountRows(ctx, q.sel, q.c, func(rc *model.RowCount) error {
		for k, n := range rc.Rows {
			ev.stats.Rows += n
			if rc.Sums != nil && math.IsInf(rc.Sums[k], 0) && n > 0 && !math.IsInf(rc.Mins[k], 0) && !math.IsInf(rc.Maxs[k], 0) {
				return model.ErrUndecided // too large for a sum
			}
		}
		ev.stats.Series++
		return visit(rc)
	})
	if errors.Is(err, model.ErrUndecided) {
		return false, nil
	}
	return err == nil, err
}

// countStored is countRows without rows; ok is false where the store cannot.
func (ev *evaluator) countStored(ctx context.Context, rr *rowReader, gr *ast.Grouping, bytes bool, win Windows) (out []*rowCount, ok bool, err error) {
	q := ev.counting(rr, win)
	if q == nil || rr.push.unwrap != nil {
		return nil, false, nil
	}
	q.c.Bytes = bytes
	steps := win.Grid.Len()
	byKey := map[string]*rowCount{}
	held := 0
	ok, err = q.run(ctx, func(rc *model.RowCount) error {
		ls := grouped(gr, q.labels(rc))
		key := ls.Key()
		c := byKey[key]
		if c == nil {
			if err := ev.hold(2 * steps); err != nil {
				return err
			}
			held += 2 * steps
			c = &rowCount{labels: ls, rows: make([]float64, steps), weight: make([]float64, steps)}
			byKey[key] = c
			out = append(out, c)
		}
		for k, n := range rc.Rows {
			if from, to := q.first[k], q.last[k]; n > 0 && from <= to {
				w := n
				if bytes {
					w = rc.Bytes[k]
				}
				c.rows[from] += float64(n)
				c.weight[from] += float64(w)
				if to+1 < steps {
					c.rows[to+1] -= float64(n)
					c.weight[to+1] -= float64(w)
				}
			}
		}
		return nil
	})
	if !ok {
		ev.release(held)
		return nil, false, err
	}
	return out, true, nil
}

// storedShapes has the store count the shapes of rows in every part of time that
// windows make, under the labels of a grouping: no line is read. times[k] is a
// time of part k. ok is false where the store cannot.
func (ev *evaluator) storedShapes(ctx context.Context, sel *plan.SelectLogs, gr *ast.Grouping, rs model.RowSelection, wins []Windows,
	visit func(ls model.Labels, template []byte, times, rows []int64) error) (ok bool, err error) {
	rr, err := ev.newRowReader(sel)
	if err != nil || rr.store == nil || !rr.push.whole || rr.push.unwrap != nil || rr.push.shape || gr != nil && gr.Without {
		return false, err
	}
	q := &counting{rr: rr, sel: rs}
	q.sel.Matchers, q.sel.Filter = ev.matchers(sel.Matchers), rr.push.filter
	if gr != nil {
		if slices.ContainsFunc(gr.Labels, reserved) {
			return false, nil
		}
		q.c.By = gr.Labels
	}
	q.c.Shapes = true
	q.c.MaxCounters = ev.MaxSamples - ev.held.Load()
	q.c.Edges = []int64{rs.Mint - 1, rs.Maxt}
	for _, w := range wins {
		q.c.Edges = append(q.c.Edges, w.edges(rs)...)
	}
	slices.Sort(q.c.Edges)
	q.c.Edges = slices.Compact(q.c.Edges)
	return q.run(ctx, func(rc *model.RowCount) error { return visit(rc.Labels, rc.Shape, q.c.Edges[1:], rc.Rows) })
}

// edges are the times, within a range, at which windows begin or end.
func (w Windows) edges(rs model.RowSelection) []int64 {
	n := w.Grid.Len()
	if w.Fixed {
		n = 1
	}
	width := w.Range * nanosPerMilli
	edges := make([]int64, 0, 2*n)
	for i := range n {
		_, end := w.Bounds(i)
		end *= nanosPerMilli
		edges = append(edges, max(end-width, rs.Mint-1), min(end, rs.Maxt))
	}
	return edges
}

// storedFuncs are the functions of unwrapped rows that can be computed from what
// a store adds up: from the count, sum, least and greatest of a window's values,
// or from the values in no order.
var storedFuncs = map[string]func(rows int64, sum, least, greatest float64, values []float64, param float64) float64{
	"sum_over_time": func(_ int64, sum, _, _ float64, _ []float64, _ float64) float64 { return sum },
	"rate":          func(_ int64, sum, _, _ float64, _ []float64, _ float64) float64 { return sum },
	"avg_over_time": func(rows int64, sum, _, _ float64, _ []float64, _ float64) float64 { return sum / float64(rows) },
	"min_over_time": func(_ int64, _, least, _ float64, _ []float64, _ float64) float64 { return least },
	"max_over_time": func(_ int64, _, _, greatest float64, _ []float64, _ float64) float64 { return greatest },
	"quantile_over_time": func(_ int64, _, _, _ float64, values []float64, q float64) float64 {
		return selectQuantile(q, values)
	},
}

// storedGroup is the unwrapped rows of one label set, interval by interval.
type storedGroup struct {
	labels model.Labels
	counts []*model.RowCount
}

// unwrapStored computes a function of unwrapped rows from what the store adds
// up; ok is false where it cannot.
func (ev *evaluator) unwrapStored(ctx context.Context, call *plan.Call, sel *plan.SelectLogs, params [][]float64, win Windows, emit func(*Column) error) (ok bool, err error) {
	f := storedFuncs[call.Func.Name]
	if f == nil {
		return false, nil
	}
	rr, err := ev.newRowReader(sel)
	if err != nil {
		return false, err
	}
	q := ev.counting(rr, win)
	if q == nil || rr.push.unwrap == nil || rr.push.shape {
		return false, nil
	}
	q.c.Number, q.c.Numbers = rr.push.unwrap.Label, call.Func.Name == "quantile_over_time"
	byKey := map[string]*storedGroup{}
	var order []*storedGroup
	ok, err = q.run(ctx, func(rc *model.RowCount) error {
		ls := grouped(call.Grouping, rc.Labels)
		key := ls.Key()
		g := byKey[key]
		if g == nil {
			g = &storedGroup{labels: ls}
			byKey[key] = g
			order = append(order, g)
		}
		g.counts = append(g.counts, rc)
		return nil
	})
	if !ok {
		return false, err
	}
	for _, g := range order {
		out, err := ev.newColumn(g.labels, win.Grid.Len())
		if err != nil {
			return false, err
		}
		q.steps(g, func(step int, rows int64, sum, least, greatest float64, values []float64) {
			param := 0.0
			if len(params) > 0 {
				param = params[0][step]
			}
			v := f(rows, sum, least, greatest, values, param)
			if call.Func.Name == "rate" {
				v /= float64(win.Range) / 1000
			}
			out.Set(step, v)
		})
		if out.Present.Empty() {
			ev.recycle(out)
			continue
		}
		if err := emit(out); err != nil {
			return false, err
		}
	}
	return true, nil
}

// steps puts the intervals of each step's window together.
func (q *counting) steps(g *storedGroup, visit func(step int, rows int64, sum, least, greatest float64, values []float64)) {
	n := q.win.Grid.Len()
	from := 0 // the first interval that the step may have
	for step := range n {
		for from < len(q.first) && q.last[from] < step {
			from++
		}
		var rows int64
		var sum, lost, least, greatest float64
		var values []float64
		for k := from; k < len(q.first) && (q.first[k] <= step || q.first[k] > q.last[k]); k++ {
			if q.last[k] < step || q.first[k] > q.last[k] {
				continue
			}
			for _, rc := range g.counts {
				if rc.Rows[k] == 0 {
					continue
				}
				if rows == 0 || rc.Mins[k] < least || least != least {
					least = rc.Mins[k]
				}
				if rows == 0 || rc.Maxs[k] > greatest || greatest != greatest {
					greatest = rc.Maxs[k]
				}
				rows += rc.Rows[k]
				sum, lost = kahanAdd(rc.Sums[k], sum, lost)
				if rc.Numbers != nil {
					values = append(values, rc.Numbers[k]...)
				}
			}
		}
		if rows > 0 {
			visit(step, rows, sum+lost, least, greatest, values)
		}
	}
}

// countDistinct answers count(count by (x) (count_over_time(…))), and the like
// with other counts within: how many values x has among rows. No group is made
// for each of them. ok is false where the expression is another one, or the store
// cannot.
func (ev *evaluator) countDistinct(ctx context.Context, n *plan.Aggregate, g Grid, emit func(*Column) error) (ok bool, err error) {
	inner, _ := n.Expr.(*plan.Aggregate)
	if n.Op != "count" || n.Grouping.Without || len(n.Grouping.Labels) > 0 || inner == nil || inner.Grouping.Without || len(inner.Grouping.Labels) != 1 {
		return false, nil
	}
	switch inner.Op {
	case "sum", "count", "min", "max", "avg", "group":
	default:
		return false, nil
	}
	call, _ := inner.Expr.(*plan.Call)
	if call == nil || call.Grouping != nil || (call.Func.Name != "count_over_time" && call.Func.Name != "rate") {
		return false, nil
	}
	sel := logArg(call)
	if sel == nil || sel.Unwrap() != nil {
		return false, nil
	}
	rr, err := ev.newRowReader(sel)
	if err != nil {
		return false, err
	}
	q := ev.counting(rr, ev.shifted(sel.When, g, sel.Range.Milliseconds()))
	if q == nil || q.win.Range <= 0 || rr.push.shape || reserved(inner.Grouping.Labels[0]) {
		return false, nil
	}
	q.c.By, q.c.ByStream, q.c.Without, q.c.Distinct = inner.Grouping.Labels, false, nil, true
	seen := map[int]bool{} // values cannot be added up: a window must be one interval
	for k := range q.first {
		for step := q.first[k]; step <= q.last[k]; step++ {
			if seen[step] {
				return false, nil
			}
			seen[step] = true
		}
	}
	out, err := ev.newColumn(nil, g.Len())
	if err != nil {
		return false, err
	}
	ok, err = q.run(ctx, func(rc *model.RowCount) error {
		for k, values := range rc.Rows {
			for step := q.first[k]; values > 0 && step <= q.last[k]; step++ {
				out.Set(step, float64(values))
			}
		}
		return nil
	})
	if !ok || out.Present.Empty() {
		ev.recycle(out)
		return ok, err
	}
	return true, emit(out)
}
