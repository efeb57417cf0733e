package exec

import (
	"context"
	"slices"

	"tidemark/query/ast"
	"tidemark/query/logpipe"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// naming is what the expression around a log selection says of labels.
type naming struct {
	names []string // asked for by name
	// only, where grouped, are the only ones that the result depends on.
	only    []string
	grouped bool
	values  []string // asked for row by row
}

// nameLabels notes, for every log selection below n, the labels that the
// expression around it names: fields of these names join the labels of a row.
// Where a sum by(…) stands directly around a count of rows, nothing else
// matters of their labels.
func nameLabels(n plan.Node, names []string, into map[*plan.SelectLogs]naming) {
	switch n := n.(type) {
	case *plan.SelectLogs:
		into[n] = naming{names: names}
	case *plan.Patterns:
		nameLabels(n.Logs, nil, into)
	case *plan.Context:
		nameLabels(n.Logs, nil, into)
	case *plan.Arranged:
		into[n.Logs] = naming{values: sortNames(n)}
	case *plan.Table:
		var fields []string
		for i := range n.Funcs {
			if n.Funcs[i].Field != "" {
				fields = append(fields, n.Funcs[i].Field)
			}
		}
		into[n.Logs] = naming{only: n.By, grouped: true, values: fields}
	case *plan.Subquery:
		nameLabels(n.Expr, names, into)
	case *plan.Unary:
		nameLabels(n.Expr, names, into)
	case *plan.List:
		for _, it := range n.Items {
			nameLabels(it, names, into)
		}
	case *plan.Binary:
		if n.Matching != nil {
			names = append(slices.Clone(names), n.Matching.Include...)
			if n.Matching.On {
				names = append(names, n.Matching.Labels...)
			}
		}
		nameLabels(n.LHS, names, into)
		nameLabels(n.RHS, names, into)
	case *plan.Aggregate:
		if n.Param != nil {
			nameLabels(n.Param, nil, into)
		}
		switch {
		case n.Grouping.Without:
			nameLabels(n.Expr, nil, into)
			return
		case n.Op == "topk" || n.Op == "bottomk" || n.Op == "limitk" || n.Op == "limit_ratio" || n.Op == "approx_topk":
			nameLabels(n.Expr, append(slices.Clone(names), n.Grouping.Labels...), into)
			return
		}
		nameLabels(n.Expr, n.Grouping.Labels, into)
		if call, ok := n.Expr.(*plan.Call); ok && n.Op == "sum" && call.Grouping == nil {
			if sel := logArg(call); sel != nil && reducible[call.Func.Name] {
				into[sel] = naming{only: n.Grouping.Labels, grouped: true}
			}
		}
	case *plan.Call:
		if n.Matching != nil && n.Matching.On {
			names = append(slices.Clone(names), n.Matching.Labels...)
		}
		if n.Grouping != nil && !n.Grouping.Without {
			names = n.Grouping.Labels
		}
		for i, a := range n.Args {
			// The source labels of label_replace(v, dst, replacement, src, regex)
			// and label_join(v, dst, separator, src...).
			source := i == 3 && n.Func.Name == "label_replace" || i >= 3 && n.Func.Name == "label_join" || n.Func.Name == "sequence_anomaly"
			if t, ok := a.(*plan.Text); ok && source {
				names = append(slices.Clone(names), t.Value)
			}
		}
		for _, a := range n.Args {
			if a != nil {
				nameLabels(a, names, into)
			}
		}
		if sel := logArg(n); sel != nil && n.Grouping != nil && !n.Grouping.Without {
			into[sel] = naming{only: n.Grouping.Labels, grouped: true}
		}
		if asksAbsence(n) { // whatever labels rows have
			into[logArg(n)] = naming{grouped: true}
		}
	}
}

// reducible are the functions of which a sum by labels needs those labels alone.
var reducible = map[string]bool{"count_over_time": true, "rate": true, "bytes_over_time": true, "bytes_rate": true, "sum_over_time": true}

// asksAbsence reports whether a call is absent_over_time of log rows.
func asksAbsence(n *plan.Call) bool {
	f := rowFuncs[n.Func.Name]
	return f != nil && f.absent && logArg(n) != nil
}

// rowReader runs the rows of a log selection through its pipeline.
type rowReader struct {
	ev      *evaluator
	sel     *plan.SelectLogs
	pipe    *logpipe.Pipeline
	store   model.RowSelector // where it filters and counts rows; else nil
	push    pushed
	streams map[string]*logpipe.Stream
	key     []byte
	cols    []*model.RowColumn
	in      logpipe.Input
	values  []model.Value
	// marks is the column of the block that says which rows have structured
	// metadata; nil where none has.
	marks *model.RowColumn
	meta  []model.Label
}

func (ev *evaluator) newRowReader(sel *plan.SelectLogs) (*rowReader, error) {
	stages := sel.Stages
	if ev.LogQL {
		stages = logpipe.LokiFilters(stages)
	}
	store, _ := ev.view.(model.RowSelector)
	var push pushed
	if store != nil && store.SelectsRows() {
		push = pushStages(stages, ev.LogQL)
		stages = push.rest
	} else {
		store = nil
	}
	return ev.rowReaderOf(sel, stages, store, push)
}

// rowReaderOf makes a reader whose rows run through stages.
func (ev *evaluator) rowReaderOf(sel *plan.SelectLogs, stages []ast.Stage, store model.RowSelector, push pushed) (*rowReader, error) {
	n := ev.named[sel]
	pipe, err := logpipe.Compile(stages, logpipe.Options{Named: n.names, Only: n.only, Grouped: n.grouped, Values: n.values, Loki: ev.LogQL})
	if err != nil {
		return nil, err
	}
	return &rowReader{ev: ev, sel: sel, pipe: pipe, store: store, push: push, streams: map[string]*logpipe.Stream{},
		values: make([]model.Value, len(pipe.Fields())), cols: make([]*model.RowColumn, len(pipe.Fields()))}, nil
}

// read streams blocks of rows; visit gets the runner of the block's stream.
func (rr *rowReader) read(ctx context.Context, rs model.RowSelection, visit func(*logpipe.Stream, *model.RowBlock) error) error {
	rs.Matchers = rr.ev.matchers(rr.sel.Matchers)
	if !rs.AllFields {
		rs.Fields = rr.pipe.Fields()
	}
	rs.Metadata = rr.pipe.Meta()
	rs.Filter = rr.push.filter
	return rr.ev.view.Rows(ctx, rs, func(b *model.RowBlock) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		rr.ev.stats.Rows += int64(len(b.Times))
		return visit(rr.bind(b), b)
	})
}

// bind prepares to run the rows of a block and returns the runner of its stream.
func (rr *rowReader) bind(b *model.RowBlock) *logpipe.Stream {
	rr.key = b.Labels.AppendKey(rr.key[:0])
	st := rr.streams[string(rr.key)]
	if st == nil {
		rr.ev.stats.Series++
		st = rr.pipe.Stream(b.Labels)
		rr.streams[string(rr.key)] = st
	}
	clear(rr.cols)
	rr.marks = nil
	for k := range b.Columns {
		if i, ok := slices.BinarySearch(rr.pipe.Fields(), b.Columns[k].Name); ok {
			rr.cols[i] = &b.Columns[k]
		}
		if b.Columns[k].Name == model.MetadataField && rr.pipe.Meta() {
			rr.marks = &b.Columns[k]
		}
	}
	return st
}

// run runs row i of a block through the pipeline.
func (rr *rowReader) run(st *logpipe.Stream, b *model.RowBlock, i int) (logpipe.Row, bool) {
	in := &rr.in
	in.Time, in.Line, in.Fields, in.Meta = b.Times[i], "", nil, nil
	if b.Lines != nil {
		in.Line = b.Lines[i]
	}
	if len(rr.cols) > 0 {
		for k, c := range rr.cols {
			rr.values[k] = model.Value{}
			if c != nil {
				rr.values[k] = c.Values[i]
			}
		}
		in.Fields = rr.values
	}
	if rr.marks != nil && rr.marks.Values[i].Type != model.TypeNone {
		rr.meta = rr.meta[:0]
		for k := range b.Columns {
			c := &b.Columns[k]
			if v := c.Values[i]; v.Type != model.TypeNone && c.Name != model.MetadataField && c.Name != model.LineField {
				rr.meta = append(rr.meta, model.Label{Name: c.Name, Value: v.String()})
			}
		}
		in.Meta = rr.meta
	}
	return st.Run(in)
}

// check fails on a row that carries an error into a number.
func (rr *rowReader) check(set *logpipe.Set) error {
	if set.Err == "" {
		return nil
	}
	return errorAt(rr.sel.Pos, "pipeline error %s for series %s; add | __error__!=%q to leave out such rows, or | __error__=\"\" to leave out every row with an error",
		set.Err, set.Labels, set.Err)
}

// heldRow is a row of a log query's answer while it is looked for.
type heldRow struct {
	time   int64
	seq    int64 // order of arrival among equal times
	stream model.Labels
	set    *logpipe.Set
	values []model.Value // of topRows.keys
	// raw is the line as it is stored, and hit says that the query finds the row;
	// both are of stream_context.
	raw    string
	hit    bool
	line   string
	fields []LogField
}

// rows answers a log query: the first Limit rows in the direction asked for,
// by stream.
func (ev *evaluator) rows(ctx context.Context, sel *plan.SelectLogs) ([]LogStream, error) {
	top := &topRows{limit: ev.Limit, backward: ev.Direction == model.Backward}
	if err := ev.firstRows(ctx, sel, top); err != nil {
		return nil, err
	}
	return top.streams(ev.Categorize), nil
}

// firstRows adds the rows of a log query to top, as far as it wants them.
func (ev *evaluator) firstRows(ctx context.Context, sel *plan.SelectLogs, top *topRows) error {
	rr, err := ev.newRowReader(sel)
	if err != nil {
		return err
	}
	rs := model.RowSelection{Mint: ev.Rows.Mint, Maxt: ev.Rows.Maxt, Direction: ev.Direction, AllFields: ev.RowFields}
	ev.shiftRows(sel, &rs)
	if rr.store != nil && rr.push.whole && top.keys == nil {
		rs.Limit = top.limit
	}
	var block int64
	var part model.TimeRange
	if rs.Mint > rs.Maxt || top.limit == 0 {
		return nil
	}
	return rr.read(ctx, rs, func(st *logpipe.Stream, b *model.RowBlock) error {
		if b.Partition != part {
			part = b.Partition
			if top.beyond(part) {
				return model.ErrStop
			}
		}
		block++
		for k := range b.Times {
			i := k
			if top.backward {
				i = len(b.Times) - 1 - k
			}
			if top.worse(b.Times[i]) {
				break // and so are those that follow
			}
			row, ok := rr.run(st, b, i)
			if !ok {
				continue
			}
			h := heldRow{time: b.Times[i], seq: block<<32 | int64(i), stream: b.Labels, set: row.Set, line: row.Line}
			if len(row.Values) > 0 {
				h.values = slices.Clone(row.Values)
			}
			if ev.RowFields {
				h.fields = rowFields(b, i)
			}
			if err := top.add(h, ev); err != nil {
				return err
			}
			if k&1023 == 1023 {
				if err := ctx.Err(); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// shiftRows applies offset and @ to a log query's range.
func (ev *evaluator) shiftRows(sel *plan.SelectLogs, rs *model.RowSelection) {
	w := ev.shifted(sel.When, ev.Grid, 1)
	switch {
	case w.Fixed:
		_, end := nanoRange(w.End-1, w.End)
		rs.Mint += end - rs.Maxt
		rs.Maxt = end
	case sel.When.Offset != 0:
		rs.Mint -= int64(sel.When.Offset)
		rs.Maxt -= int64(sel.When.Offset)
	}
}

func rowFields(b *model.RowBlock, i int) []LogField {
	var out []LogField
	for _, c := range b.Columns {
		if v := c.Values[i]; v.Type != model.TypeNone && c.Name != model.LineField && c.Name != model.MetadataField {
			out = append(out, LogField{c.Name, v})
		}
	}
	return out
}

// topRows keeps the first rows of a direction, or of another order where keys
// are given: it gathers twice as many as wanted, then forgets the worse half, so
// that a row costs amortised O(log limit).
type topRows struct {
	limit    int
	backward bool
	keys     []ast.SortKey
	rows     []heldRow
	bytes    int64
	full     bool
	bound    int64 // with full: no row beyond this time is wanted
}

func (t *topRows) compare(a, b heldRow) int {
	for k := range t.keys {
		if d := compareValues(a.values[k], b.values[k], t.keys[k].Desc); d != 0 {
			return d
		}
	}
	d := 0
	switch {
	case a.time != b.time:
		d = 1
		if a.time < b.time {
			d = -1
		}
	case a.seq != b.seq:
		d = 1
		if a.seq < b.seq {
			d = -1
		}
	}
	if t.backward {
		return -d
	}
	return d
}

func (t *topRows) add(h heldRow, ev *evaluator) error {
	t.rows = append(t.rows, h)
	t.bytes += int64(len(h.line))
	if len(t.rows) >= 2*t.limit {
		t.prune()
	}
	if int64(len(t.rows)) > ev.MaxRows {
		return &LimitError{Limit: "max-rows", Max: ev.MaxRows, What: "log rows held in memory"}
	}
	if t.bytes > ev.MaxRowBytes {
		if t.prune(); t.bytes > ev.MaxRowBytes {
			return &LimitError{Limit: "max-row-bytes", Max: ev.MaxRowBytes, What: "bytes of log lines held in memory"}
		}
	}
	return nil
}

// prune sorts the rows and keeps the limit's.
func (t *topRows) prune() {
	slices.SortFunc(t.rows, t.compare)
	if len(t.rows) < t.limit {
		return
	}
	for _, h := range t.rows[t.limit:] {
		t.bytes -= int64(len(h.line))
	}
	clear(t.rows[t.limit:])
	t.rows = t.rows[:t.limit]
	t.full, t.bound = true, t.rows[t.limit-1].time
}

// worse reports whether rows of that time are no longer wanted.
func (t *topRows) worse(time int64) bool {
	return t.full && t.keys == nil && (t.backward && time < t.bound || !t.backward && time > t.bound)
}

// beyond reports whether no row of a partition, or of a later one, is wanted.
func (t *topRows) beyond(p model.TimeRange) bool {
	if len(t.rows) >= t.limit {
		t.prune()
	}
	if t.backward {
		return t.worse(p.Maxt)
	}
	return t.worse(p.Mint)
}

// streams groups the rows by label set, sets in order; where categorize is
// set, by the labels of their stream.
func (t *topRows) streams(categorize bool) []LogStream {
	t.prune()
	byKey := map[string]int{}
	var out []LogStream
	for i := range t.rows {
		key, labels, e := t.rows[i].entry(categorize)
		k, ok := byKey[key]
		if !ok {
			k = len(out)
			byKey[key] = k
			out = append(out, LogStream{Labels: labels})
		}
		out[k].Entries = append(out[k].Entries, e)
	}
	slices.SortFunc(out, func(a, b LogStream) int { return a.Labels.Compare(b.Labels) })
	return out
}

// entry is a row as an answer has it, and the stream it belongs to.
func (h *heldRow) entry(categorize bool) (key string, labels model.Labels, e LogEntry) {
	e = LogEntry{Time: h.time, Line: h.line, Fields: h.fields}
	if categorize {
		e.Meta, e.Parsed = h.set.Meta, h.set.Parsed
		return h.set.Stream.Key(), h.set.Stream, e
	}
	return h.set.Key, h.set.Labels, e
}

// grouped returns the labels of a series under a call's grouping.
func grouped(gr *ast.Grouping, ls model.Labels) model.Labels {
	if gr == nil {
		return ls
	}
	return groupLabels(*gr, ls)
}
