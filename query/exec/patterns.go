package exec

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"tidemark/query/ast"
	"tidemark/query/logpipe"
	"tidemark/query/plan"
	"tidemark/storage/model"
	"tidemark/storage/shape"
)

// Functions of the patterns of log lines. A line has a shape, which is a pure
// function of it; patterns are a merge of the shapes of all rows that a query
// reads, whatever their order. So the counts of patterns add up to the count
// of rows, and a pattern's id is that of its template.

// Labels of patterns.
const (
	patternLabel = "pattern"
	patternID    = "pattern_id"
	statusLabel  = "status"
)

// patternFuncs are the functions of patterns. It is filled by init: its
// entries come back to it by way of the evaluator.
var patternFuncs map[string]vectorFunc

func init() {
	of := func(f func(ev *evaluator, ctx context.Context, a *analysisCall, sel *plan.SelectLogs, win Windows, emit func(*Column) error) error) vectorFunc {
		return func(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
			sel := logArg(call)
			if sel == nil {
				return errorAt(call.Pos, "function %s wants a range of log rows", call.Func.Name)
			}
			win := ev.shifted(sel.When, g, sel.Range.Milliseconds())
			if win.Range <= 0 {
				return errorAt(sel.Pos, "want a range of at least 1ms, got %s", sel.Range)
			}
			return f(ev, ctx, &analysisCall{ev: ev, call: call, grid: g}, sel, win, emit)
		}
	}
	patternFuncs = map[string]vectorFunc{
		"pattern_count_over_time": of(func(ev *evaluator, ctx context.Context, a *analysisCall, sel *plan.SelectLogs, win Windows, emit func(*Column) error) error {
			return ev.countPatterns(ctx, sel, a.call.Grouping, win, emit)
		}),
		"pattern_diff":     of((*evaluator).patternDiff),
		"new_patterns":     of((*evaluator).newPatterns),
		"pattern_params":   of((*evaluator).patternParams),
		"pattern_overdue":  of((*evaluator).patternOverdue),
		"sequence_anomaly": of((*evaluator).sequenceAnomaly),
	}
}

// shapeScan gathers the shapes of rows.
type shapeScan struct {
	counts []shape.Count
	byText map[string]int
	parsed shape.Parsed
}

// of returns the index of a line's shape and counts it.
func (sc *shapeScan) of(line string) (i int, fresh bool) {
	shape.Parse([]byte(line), &sc.parsed)
	return sc.add(sc.parsed.Template, 1)
}

// add counts n lines of a template, which it does not keep.
func (sc *shapeScan) add(template []byte, n uint64) (i int, fresh bool) {
	i, ok := sc.byText[string(template)]
	if !ok {
		if sc.byText == nil {
			sc.byText = map[string]int{}
		}
		i = len(sc.counts)
		t := bytes.Clone(template)
		sc.byText[string(t)] = i
		sc.counts = append(sc.counts, shape.Count{Template: t})
	}
	sc.counts[i].N += n
	return i, !ok
}

// merged returns the patterns, and of each shape its pattern.
func (sc *shapeScan) merged(ctx context.Context) (patterns []shape.Pattern, of []int, err error) {
	if patterns, err = shape.Merge(ctx, sc.counts); err != nil {
		return nil, nil, err
	}
	of = make([]int, len(sc.counts))
	for p := range patterns {
		for _, s := range patterns[p].Shapes {
			of[s] = p
		}
	}
	return patterns, of, nil
}

// shapeRow is a row with its shape's index.
type shapeRow struct {
	time  int64
	shape int
	row   *logpipe.Row
}

// eachShape streams the rows of a range with their shapes.
func (ev *evaluator) eachShape(ctx context.Context, sel *plan.SelectLogs, rs model.RowSelection, sc *shapeScan, visit func(shapeRow) error) error {
	rr, err := ev.newRowReader(sel)
	if err != nil {
		return err
	}
	return rr.read(ctx, rs, func(st *logpipe.Stream, b *model.RowBlock) error {
		for i, t := range b.Times {
			if i&1023 == 1023 {
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			row, ok := rr.run(st, b, i)
			if !ok {
				continue
			}
			if err := rr.check(row.Set); err != nil {
				return err
			}
			s, fresh := sc.of(row.Line)
			if fresh {
				if err := ev.hold(1 + len(sc.counts[s].Template)/8); err != nil {
					return err
				}
			}
			if err := visit(shapeRow{t, s, &row}); err != nil {
				return err
			}
		}
		return nil
	})
}

// union returns the range of rows that any of the windows reads.
func union(wins ...Windows) (model.RowSelection, bool) {
	out, some := model.RowSelection{}, false
	for _, w := range wins {
		rs, ok := rowRange(w)
		switch {
		case !ok:
		case !some:
			out, some = rs, true
		default:
			out.Mint, out.Maxt = min(out.Mint, rs.Mint), max(out.Maxt, rs.Maxt)
		}
	}
	return out, some
}

// windowCounts are the rows of one thing in each of several kinds of windows,
// by step: counts[kind][step].
type windowCounts [][]float64

// patternCount is a pattern of a group with its counts.
type patternCount struct {
	group   model.Labels
	pattern *shape.Pattern
	counts  windowCounts
}

// patternCounts counts the rows of patterns in kinds of windows. The patterns
// are those of all the rows together.
func (ev *evaluator) patternCounts(ctx context.Context, sel *plan.SelectLogs, gr *ast.Grouping, wins ...Windows) ([]*patternCount, error) {
	rs, ok := union(wins...)
	if !ok {
		return nil, nil
	}
	steps := wins[0].Grid.Len()
	var sc shapeScan
	type place struct {
		group string
		shape int
	}
	groups := map[string]model.Labels{}
	diffs := map[place]windowCounts{}
	last, group := (*logpipe.Set)(nil), ""
	add := func(group string, shape int, time int64, n float64) error {
		p := place{group, shape}
		c := diffs[p]
		if c == nil {
			if err := ev.hold(len(wins) * (steps + 1)); err != nil {
				return err
			}
			c = make(windowCounts, len(wins))
			for k := range c {
				c[k] = make([]float64, steps+1)
			}
			diffs[p] = c
		}
		for k, w := range wins {
			if from, to := w.stepsOf(time); from <= to {
				c[k][from] += n
				c[k][to+1] -= n
			}
		}
		return nil
	}
	stored, err := ev.storedShapes(ctx, sel, gr, rs, wins, func(ls model.Labels, template []byte, times, rows []int64) error {
		group := ls.Key()
		groups[group] = ls
		for k, n := range rows {
			if n == 0 {
				continue
			}
			shape, fresh := sc.add(template, uint64(n))
			if fresh {
				if err := ev.hold(1 + len(template)/8); err != nil {
					return err
				}
			}
			if err := add(group, shape, times[k], float64(n)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && !stored {
		err = ev.eachShape(ctx, sel, rs, &sc, func(r shapeRow) error {
			if gr != nil && r.row.Set != last {
				last = r.row.Set
				ls := grouped(gr, last.Labels)
				group = ls.Key()
				groups[group] = ls
			}
			return add(group, r.shape, r.time, 1)
		})
	}
	if err != nil {
		return nil, err
	}
	patterns, of, err := sc.merged(ctx)
	if err != nil {
		return nil, err
	}
	byPlace := map[place]*patternCount{}
	var out []*patternCount
	for p, c := range diffs {
		k := place{p.group, of[p.shape]}
		pc := byPlace[k]
		if pc == nil {
			pc = &patternCount{group: groups[p.group], pattern: &patterns[k.shape], counts: c}
			byPlace[k] = pc
			out = append(out, pc)
			continue
		}
		for i := range c {
			for j, v := range c[i] {
				pc.counts[i][j] += v
			}
		}
	}
	for _, pc := range out {
		for _, c := range pc.counts {
			for i := 1; i < len(c); i++ {
				c[i] += c[i-1]
			}
		}
	}
	slices.SortFunc(out, func(a, b *patternCount) int {
		if d := bytes.Compare(a.pattern.Template, b.pattern.Template); d != 0 {
			return d
		}
		return a.group.Compare(b.group)
	})
	return out, nil
}

// labels returns the labels of a pattern within its group.
func (pc *patternCount) labels(more ...model.Label) model.Labels {
	ls := append(slices.Clone(pc.group), patternLabels(pc.pattern)...)
	return model.NewLabels(append(ls, more...)...)
}

func patternLabels(p *shape.Pattern) []model.Label {
	return []model.Label{{Name: patternLabel, Value: strings.ToValidUTF8(p.Text(), "\ufffd")}, {Name: patternID, Value: fmt.Sprintf("%016x", p.ID)}}
}

// emitPatterns emits a column of the steps at which value is there.
func (ev *evaluator) emitPatterns(ls model.Labels, steps int, value func(i int) (float64, bool), emit func(*Column) error) error {
	out, err := ev.newColumn(ls, steps)
	if err != nil {
		return err
	}
	for i := range steps {
		if v, ok := value(i); ok {
			out.Set(i, v)
		}
	}
	if out.Present.Empty() {
		ev.recycle(out)
		return nil
	}
	return emit(out)
}

// countPatterns is pattern_count_over_time and the stage patterns.
func (ev *evaluator) countPatterns(ctx context.Context, sel *plan.SelectLogs, gr *ast.Grouping, win Windows, emit func(*Column) error) error {
	all, err := ev.patternCounts(ctx, sel, gr, win)
	if err != nil {
		return err
	}
	for _, pc := range all {
		if err := ev.emitPatterns(pc.labels(), win.Grid.Len(), func(i int) (float64, bool) { return pc.counts[0][i], pc.counts[0][i] > 0 }, emit); err != nil {
			return err
		}
	}
	return nil
}

// eachPatterns evaluates a log query that ends with | patterns: over the range
// of the query in an instant one, and by steps otherwise.
func (ev *evaluator) eachPatterns(ctx context.Context, n *plan.Patterns, g Grid, emit func(*Column) error) error {
	width := g.Step
	if ev.Instant {
		width = (ev.Rows.Maxt - ev.Rows.Mint + 1) / nanosPerMilli
	}
	return ev.countPatterns(ctx, n.Logs, nil, ev.shifted(n.Logs.When, g, max(width, 1)), emit)
}

// before returns windows of another length that end where win's begin.
func before(win Windows, length int64) Windows {
	b := win
	b.Offset += win.Range
	b.End -= win.Range
	b.Range = length
	return b
}

// surprising is how many standard deviations the square roots of two counts
// must differ by for a pattern to be called up or down: a difference of counts
// that chance makes once in about a thousand comparisons.
const surprising = 3.3

// patternDiff is pattern_diff(sel[w], baseline=…): what a pattern's count in
// the window has more than the baseline, the time right before it, makes one
// expect. Poisson counts have square roots of variance 1/4, whatever their
// mean (Bartlett 1936), which tells what is up and down from what is chance.
func (ev *evaluator) patternDiff(ctx context.Context, a *analysisCall, sel *plan.SelectLogs, win Windows, emit func(*Column) error) error {
	length := a.span("baseline", 0, 0)
	if a.err != nil {
		return a.err
	}
	if length == 0 {
		length = win.Range
	}
	all, err := ev.patternCounts(ctx, sel, a.call.Grouping, win, before(win, length))
	if err != nil {
		return err
	}
	ratio := float64(win.Range) / float64(length)
	for _, pc := range all {
		status := func(i int) (string, float64) {
			now, base := pc.counts[0][i], pc.counts[1][i]
			want := base * ratio
			// The variance of the root of want is ratio/4.
			z := 2 * (math.Sqrt(now) - math.Sqrt(want)) / math.Sqrt(1+ratio)
			switch {
			case now > 0 && base == 0:
				return "new", now
			case now == 0 && base > 0:
				return "gone", -want
			case z > surprising:
				return "up", now - want
			case z < -surprising:
				return "down", now - want
			}
			return "", 0
		}
		for _, s := range []string{"new", "gone", "up", "down"} {
			value := func(i int) (float64, bool) {
				got, v := status(i)
				return v, got == s
			}
			if err := ev.emitPatterns(pc.labels(model.Label{Name: statusLabel, Value: s}), win.Grid.Len(), value, emit); err != nil {
				return err
			}
		}
	}
	return nil
}

// newPatterns is new_patterns(sel[w], known=…): the counts of patterns that the
// time before the window does not have.
func (ev *evaluator) newPatterns(ctx context.Context, a *analysisCall, sel *plan.SelectLogs, win Windows, emit func(*Column) error) error {
	known := a.span("known", 30*24*3600*1e9, 1e6)
	if a.err != nil {
		return a.err
	}
	all, err := ev.patternCounts(ctx, sel, a.call.Grouping, win, before(win, known))
	if err != nil {
		return err
	}
	for _, pc := range all {
		value := func(i int) (float64, bool) { return pc.counts[0][i], pc.counts[0][i] > 0 && pc.counts[1][i] == 0 }
		if err := ev.emitPatterns(pc.labels(), win.Grid.Len(), value, emit); err != nil {
			return err
		}
	}
	return nil
}
