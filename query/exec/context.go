package exec

import (
	"context"
	"math"
	"slices"

	"tidemark/query/ast"
	"tidemark/query/logpipe"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// contextLabel marks the rows of stream_context: hitRow where the query itself
// finds the row, nearRow where it is a neighbour.
const (
	contextLabel = "stream_context"
	hitRow       = "hit"
	nearRow      = "near"
)

// contextGap is how far apart, in nanoseconds, two hits of a stream may be for
// the rows between them to be read in one go.
const contextGap = 60_000_000_000

// contextRows answers a log query with stream_context: the rows that it finds,
// as many as the request allows, and of each those Before and After it in its
// stream, also where they lie outside of the request's range. Neighbours run
// through the query's stages but for its filters.
//
// Hits of a stream that lie close to each other make a cluster. A cluster costs
// one read of what lies between its hits and two of each side, of which the
// first stops at the number of rows wanted.
func (ev *evaluator) contextRows(ctx context.Context, n *plan.Context) ([]LogStream, error) {
	hits := &topRows{limit: ev.Limit, backward: ev.Direction == model.Backward}
	if err := ev.firstRows(ctx, n.Logs, hits); err != nil {
		return nil, err
	}
	hits.prune()
	byStream := map[string][]heldRow{}
	var order []string
	for _, h := range hits.rows {
		key := h.stream.Key()
		if byStream[key] == nil {
			order = append(order, key)
		}
		byStream[key] = append(byStream[key], h)
	}
	slices.Sort(order)
	out := &topRows{limit: int(min(ev.MaxRows, 1<<30)), backward: hits.backward}
	for _, key := range order {
		rows := byStream[key]
		slices.SortFunc(rows, forward.compare)
		r, err := ev.newContextReader(ctx, n, rows[0].stream)
		if err != nil {
			return nil, err
		}
		if err := r.add(ctx, rows, out); err != nil {
			return nil, err
		}
	}
	return out.streams(ev.Categorize), nil
}

// forward compares rows in the order of time.
var forward = &topRows{}

// contextReader reads the surroundings of rows of one stream.
type contextReader struct {
	ev     *evaluator
	n      *plan.Context
	stream model.Labels
	sel    *plan.SelectLogs // of exactly the stream
	// find tells which rows are hits, and show makes of rows what is answered.
	find, show *rowReader
	marked     map[markedSet]*logpipe.Set
	// taken are the rows in the answer, and seq their number.
	taken map[contextRow]bool
	seq   int64
}

// contextRow tells rows of a stream apart in whatever order they are read: it is
// the nth of those that have this time and line.
type contextRow struct {
	time int64
	line string
	nth  int
}

// markedSet is a label set and whether its row is a hit.
type markedSet struct {
	set *logpipe.Set
	hit bool
}

func (ev *evaluator) newContextReader(ctx context.Context, n *plan.Context, stream model.Labels) (*contextReader, error) {
	r := &contextReader{ev: ev, n: n, stream: stream, marked: map[markedSet]*logpipe.Set{}, taken: map[contextRow]bool{}}
	r.sel = &plan.SelectLogs{Pos: n.Logs.Pos}
	for _, l := range stream {
		m, err := model.NewMatcher(model.MatchEqual, l.Name, l.Value)
		if err != nil {
			return nil, err
		}
		r.sel.Matchers = append(r.sel.Matchers, m)
	}
	// Streams that have these labels and more are others.
	sets, err := ev.view.LabelSets(ctx, model.LabelSelection{Selectors: [][]*model.Matcher{r.sel.Matchers}, Mint: math.MinInt64, Maxt: math.MaxInt64, Scope: model.ScopeLogs})
	if err != nil {
		return nil, err
	}
	more := map[string]bool{}
	for _, ls := range sets {
		for _, l := range ls {
			if !stream.Has(l.Name) && !more[l.Name] {
				more[l.Name] = true
				r.sel.Matchers = append(r.sel.Matchers, model.MustMatcher(model.MatchEqual, l.Name, ""))
			}
		}
	}
	stages := n.Logs.Stages
	if ev.LogQL {
		stages = logpipe.LokiFilters(stages)
	}
	if r.find, err = ev.rowReaderOf(n.Logs, stages, nil, pushed{}); err != nil {
		return nil, err
	}
	shown := slices.DeleteFunc(slices.Clone(n.Logs.Stages), func(st ast.Stage) bool {
		switch st.(type) {
		case *ast.LineFilter, *ast.LabelFilter:
			return true
		}
		return false
	})
	r.show, err = ev.rowReaderOf(n.Logs, shown, nil, pushed{})
	return r, err
}

// add adds the hits of the stream, in order of time, and their neighbours.
func (r *contextReader) add(ctx context.Context, hits []heldRow, out *topRows) error {
	for len(hits) > 0 {
		end := 1
		for end < len(hits) && hits[end].time-hits[end-1].time <= contextGap {
			end++
		}
		times := map[int64]bool{}
		for _, h := range hits[:end] {
			times[h.time] = true
		}
		rows, err := r.around(ctx, hits[0].time, hits[end-1].time)
		if err != nil {
			return err
		}
		near := make([]int, len(rows)+1) // by differences
		for i := range rows {
			if rows[i].hit && times[rows[i].time] {
				near[max(0, i-r.n.Before)]++
				near[min(len(rows), i+r.n.After+1)]--
			}
		}
		same, depth := map[contextRow]int{}, 0
		for i := range rows {
			row := &rows[i]
			id := contextRow{time: row.time, line: row.raw}
			same[id]++
			id.nth = same[id]
			if depth += near[i]; depth == 0 || r.taken[id] {
				continue
			}
			r.taken[id] = true
			r.seq++
			row.seq, row.set = r.seq, r.mark(row.set, row.hit)
			if err := out.add(*row, r.ev); err != nil {
				return err
			}
		}
		hits = hits[end:]
	}
	return nil
}

// around reads the rows from first to last, as many as are wanted before and
// after them, and all of the times at which those end.
func (r *contextReader) around(ctx context.Context, first, last int64) ([]heldRow, error) {
	rows, err := r.read(ctx, first, last, model.Forward, 0)
	if err != nil {
		return nil, err
	}
	if r.n.Before > 0 && first > math.MinInt64 {
		before, err := r.read(ctx, math.MinInt64, first-1, model.Backward, r.n.Before)
		if err != nil {
			return nil, err
		}
		if len(before) > 0 {
			edge := before[0].time
			whole, err := r.read(ctx, edge, edge, model.Forward, 0)
			if err != nil {
				return nil, err
			}
			before = slices.DeleteFunc(before, func(f heldRow) bool { return f.time == edge })
			rows = append(append(whole, before...), rows...)
		}
	}
	if r.n.After > 0 && last < math.MaxInt64 {
		after, err := r.read(ctx, last+1, math.MaxInt64, model.Forward, r.n.After)
		if err != nil {
			return nil, err
		}
		if len(after) > 0 {
			edge := after[len(after)-1].time
			whole, err := r.read(ctx, edge, edge, model.Forward, 0)
			if err != nil {
				return nil, err
			}
			after = slices.DeleteFunc(after, func(f heldRow) bool { return f.time == edge })
			rows = append(append(rows, after...), whole...)
		}
	}
	return rows, nil
}

// read reads rows of the stream, in the order of time: with a limit only the
// first of a direction.
func (r *contextReader) read(ctx context.Context, mint, maxt int64, d model.Direction, limit int) ([]heldRow, error) {
	rs := model.RowSelection{Matchers: r.ev.matchers(r.sel.Matchers), Mint: mint, Maxt: maxt, Direction: d, Limit: limit,
		AllFields: r.ev.RowFields, Metadata: true}
	rs.Fields = append(slices.Clone(r.find.pipe.Fields()), r.show.pipe.Fields()...)
	slices.Sort(rs.Fields)
	rs.Fields = slices.Compact(rs.Fields)
	if limit == 0 {
		limit = int(min(r.ev.MaxRows, 1<<30))
	}
	top := &topRows{limit: limit, backward: d == model.Backward}
	var block int64
	var part model.TimeRange
	err := r.ev.view.Rows(ctx, rs, func(b *model.RowBlock) error {
		if b.Partition != part {
			part = b.Partition
			if top.beyond(part) {
				return model.ErrStop
			}
		}
		if block++; !b.Labels.Equal(r.stream) {
			return nil
		}
		r.ev.stats.Rows += int64(len(b.Times))
		show, find := r.show.bind(b), r.find.bind(b)
		for k := range b.Times {
			i := k
			if top.backward {
				i = len(b.Times) - 1 - k
			}
			if top.worse(b.Times[i]) {
				break
			}
			if k&1023 == 1023 {
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			_, hit := r.find.run(find, b, i)
			row, ok := r.show.run(show, b, i)
			if !ok {
				continue
			}
			h := heldRow{time: b.Times[i], seq: block<<32 | int64(i), stream: b.Labels, set: row.Set, line: row.Line, raw: b.Lines[i], hit: hit}
			if r.ev.RowFields {
				h.fields = rowFields(b, i)
			}
			if err := top.add(h, r.ev); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	top.prune()
	slices.SortFunc(top.rows, forward.compare)
	return top.rows, nil
}

// mark returns a label set with the label of the context.
func (r *contextReader) mark(set *logpipe.Set, hit bool) *logpipe.Set {
	key := markedSet{set, hit}
	if m := r.marked[key]; m != nil {
		return m
	}
	value := nearRow
	if hit {
		value = hitRow
	}
	m := *set
	m.Labels = set.Labels.With(contextLabel, value)
	m.Key = m.Labels.Key()
	m.Parsed = set.Parsed.With(contextLabel, value)
	r.marked[key] = &m
	return &m
}
