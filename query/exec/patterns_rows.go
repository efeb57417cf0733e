package exec

import (
	"context"
	"math"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"tidemark/query/logpipe"
	"tidemark/query/plan"
	"tidemark/storage/model"
	"tidemark/storage/shape"
)

// Functions of patterns that look at single rows.

// timedRow is a row of a pattern function, held until patterns are known.
type timedRow struct {
	time  int64
	shape int
	group string // of sequence_anomaly
	text  string // of pattern_params
}

// timedRows gathers the rows of windows in order of time.
func (ev *evaluator) timedRows(ctx context.Context, sel *plan.SelectLogs, win Windows, sc *shapeScan, keep func(*logpipe.Row, *timedRow) bool) ([]timedRow, error) {
	rs, ok := union(win)
	if !ok {
		return nil, nil
	}
	var rows []timedRow
	err := ev.eachShape(ctx, sel, rs, sc, func(r shapeRow) error {
		tr := timedRow{time: r.time, shape: r.shape}
		if from, to := win.stepsOf(r.time); from > to || keep != nil && !keep(r.row, &tr) {
			return nil
		}
		rows = append(rows, tr)
		return ev.hold(4 + (len(tr.text)+len(tr.group))/8)
	})
	sort.SliceStable(rows, func(i, j int) bool { return rows[i].time < rows[j].time })
	return rows, err
}

// rowsWithin returns the rows of the window of a step.
func rowsWithin(rows []timedRow, win Windows, step int) []timedRow {
	lo, hi := win.Bounds(step)
	from := sort.Search(len(rows), func(i int) bool { return rows[i].time > lo*nanosPerMilli })
	to := sort.Search(len(rows), func(i int) bool { return rows[i].time > hi*nanosPerMilli })
	return rows[from:to]
}

// patternParams is pattern_params(sel[w], id, slot, agg=…): a placeholder of a
// pattern, the first one being 1, as a number. The pattern is named by its id,
// as pattern_count_over_time tells it; a value that is a duration counts in
// seconds and a size in bytes. Rows whose value is no number are left out.
func (ev *evaluator) patternParams(ctx context.Context, a *analysisCall, sel *plan.SelectLogs, win Windows, emit func(*Column) error) error {
	id := a.text("id", "")
	slot := int(a.number("slot", 1, 1, 1000))
	agg := a.text("agg", "avg", "avg", "min", "max", "sum", "count", "last")
	if a.err != nil {
		return a.err
	}
	want, err := strconv.ParseUint(id, 16, 64)
	if err != nil {
		return errorAt(a.arg("id").Position(), "pattern_params: id: want a pattern_id of 16 hexadecimal digits, got %q", id)
	}
	var sc shapeScan
	rows, err := ev.timedRows(ctx, sel, win, &sc, func(r *logpipe.Row, tr *timedRow) bool {
		tr.text = r.Line
		return true
	})
	if err != nil {
		return err
	}
	patterns, of, err := sc.merged(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(patterns, func(p shape.Pattern) bool { return p.ID == want })
	if at < 0 {
		a.ev.warn(a.call.Pos, "pattern_params: no row has the pattern %s", id)
		return nil
	}
	segments := strings.Split(string(patterns[at].Template), "\x00*")
	if slot >= len(segments) {
		return errorAt(a.arg("slot").Position(), "pattern_params: slot: pattern %s has %d placeholders, got %d", id, len(segments)-1, slot)
	}
	for i := range segments {
		segments[i] = strings.ReplaceAll(segments[i], "\x000", "\x00")
	}
	times, values := make([]int64, 0, len(rows)), make([]float64, 0, len(rows))
	for _, r := range rows {
		if of[r.shape] != at {
			continue
		}
		if v, ok := slotValue(r.text, segments, slot); ok {
			times, values = append(times, r.time), append(values, v)
		}
	}
	kernels := map[string]string{"avg": "avg_over_time", "min": "min_over_time", "max": "max_over_time", "sum": "sum_over_time", "count": "count_over_time", "last": "last_over_time"}
	sl := newSlider(win, nanosPerMilli)
	sl.seek(times)
	out, err := ev.newColumn(model.NewLabels(patternLabels(&patterns[at])...), win.Grid.Len())
	if err != nil {
		return err
	}
	if err := rangeFuncs[kernels[agg]].kernel(ctx, sl, values, nil, out); err != nil {
		return err
	}
	if out.Present.Empty() {
		ev.recycle(out)
		return nil
	}
	return emit(out)
}

// slotValue returns the number at a placeholder of a line, found between the
// constant texts around it.
func slotValue(line string, segments []string, slot int) (float64, bool) {
	text := strings.Join(strings.Fields(line), " ")
	at := strings.Index(text, segments[0])
	if at < 0 {
		return 0, false
	}
	text = text[at+len(segments[0]):]
	for k := 1; k < len(segments); k++ {
		end := len(text)
		if segments[k] != "" {
			if end = strings.Index(text, segments[k]); end < 0 {
				return 0, false
			}
		}
		if k == slot {
			return quantity(text[:end])
		}
		text = text[min(end+len(segments[k]), len(text)):]
	}
	return 0, false
}

var numberIn = regexp.MustCompile(`[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?`)

// quantity reads a number, a duration in seconds, a size in bytes, or the
// first number of a text.
func quantity(s string) (float64, bool) {
	s = strings.Trim(s, `"'()[],;`)
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return f, true
	}
	if f, ok := logpipe.Quantity(s); ok {
		return f, true
	}
	f, err := strconv.ParseFloat(numberIn.FindString(s), 64)
	return f, err == nil
}

const (
	// minRegular is how often a pattern must occur in a window before it has an
	// interval.
	minRegular = 5
	// irregular is how much of their median gaps may deviate from it, by the
	// median, for a pattern to be regular.
	irregular = 0.2
	// patience is how many of its intervals a regular pattern may stay away.
	patience = 1.5
)

// patternOverdue is pattern_overdue(sel[w]): by how many seconds a line is
// late that came in regular intervals, such as that of a job. The interval is
// the median gap of the pattern's rows in the window; a pattern is regular
// where the median deviation of its gaps is at most a fifth of that.
func (ev *evaluator) patternOverdue(ctx context.Context, a *analysisCall, sel *plan.SelectLogs, win Windows, emit func(*Column) error) error {
	var sc shapeScan
	rows, err := ev.timedRows(ctx, sel, win, &sc, nil)
	if err != nil {
		return err
	}
	patterns, of, err := sc.merged(ctx)
	if err != nil {
		return err
	}
	byPattern := make([][]timedRow, len(patterns))
	for _, r := range rows {
		byPattern[of[r.shape]] = append(byPattern[of[r.shape]], r)
	}
	for p := range patterns {
		if len(byPattern[p]) < minRegular {
			continue
		}
		value := func(i int) (float64, bool) {
			rs := rowsWithin(byPattern[p], win, i)
			if len(rs) < minRegular {
				return 0, false
			}
			gaps := make([]float64, len(rs)-1)
			for k := range gaps {
				gaps[k] = float64(rs[k+1].time-rs[k].time) / 1e9
			}
			interval := quantile(0.5, slices.Clone(gaps))
			if interval <= 0 || medianDeviation(gaps) > irregular*interval {
				return 0, false
			}
			_, hi := win.Bounds(i)
			late := float64(hi*nanosPerMilli-rs[len(rs)-1].time)/1e9 - interval
			return late, late > (patience-1)*interval
		}
		if err := ev.emitPatterns(model.NewLabels(patternLabels(&patterns[p])...), win.Grid.Len(), value, emit); err != nil {
			return err
		}
	}
	return nil
}

// smoothing is what every step between patterns is counted more than it was
// seen.
const smoothing = 0.5

// sequenceAnomaly is sequence_anomaly(sel[w], by=field): how surprising the
// order of patterns within a session is, in bits per row. A session is the
// rows that have the same value of a label or field. The probability of a
// pattern after the one before it is taken from the other sessions of the
// window, a Markov chain of first order with additive smoothing, so that no
// session makes itself usual; the first row of a session comes after none. It
// costs O(rows) for each step.
func (ev *evaluator) sequenceAnomaly(ctx context.Context, a *analysisCall, sel *plan.SelectLogs, win Windows, emit func(*Column) error) error {
	field := a.text("by", "")
	if a.err != nil {
		return a.err
	}
	if field == "" {
		return errorAt(a.call.Pos, "sequence_anomaly: by: want the label or field that tells sessions apart, as in by=\"session\"")
	}
	var sc shapeScan
	rows, err := ev.timedRows(ctx, sel, win, &sc, func(r *logpipe.Row, tr *timedRow) bool {
		tr.group = r.Set.Labels.Get(field)
		return tr.group != ""
	})
	if err != nil {
		return err
	}
	_, of, err := sc.merged(ctx)
	if err != nil {
		return err
	}
	type step struct{ from, to int }
	cols := map[string]*Column{}
	var order []string
	for i := range win.Grid.Len() {
		if err := ctx.Err(); err != nil {
			return err
		}
		last := map[string]int{}
		steps, leaving := map[step]float64{}, map[int]float64{}
		own := map[string][]step{}
		kinds := map[int]bool{}
		var sessions []string
		for _, r := range rowsWithin(rows, win, i) {
			p := of[r.shape]
			from, seen := last[r.group]
			if !seen {
				from = -1
				sessions = append(sessions, r.group)
			}
			last[r.group] = p
			s := step{from, p}
			steps[s]++
			leaving[from]++
			kinds[p] = true
			own[r.group] = append(own[r.group], s)
		}
		if len(sessions) < 2 {
			continue // nothing to compare with
		}
		for _, g := range sessions {
			mine, left := map[step]float64{}, map[int]float64{}
			for _, s := range own[g] {
				mine[s]++
				left[s.from]++
			}
			bits := 0.0
			for _, s := range own[g] {
				p := (steps[s] - mine[s] + smoothing) / (leaving[s.from] - left[s.from] + smoothing*float64(len(kinds)+1))
				bits -= math.Log2(p)
			}
			c := cols[g]
			if c == nil {
				if c, err = ev.newColumn(model.NewLabels(model.Label{Name: field, Value: g}), win.Grid.Len()); err != nil {
					return err
				}
				cols[g] = c
				order = append(order, g)
			}
			c.Set(i, bits/float64(len(own[g])))
		}
	}
	for _, g := range order {
		if err := emit(cols[g]); err != nil {
			return err
		}
	}
	return nil
}
