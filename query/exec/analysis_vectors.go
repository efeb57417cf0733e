package exec

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidemark/query/analysis"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// evalFDR answers fdr(q, pvalues): at every step the series whose p-value
// survives at a false-discovery rate of q, with that p-value.
func (ev *evaluator) evalFDR(ctx context.Context, a *analysisCall) (*Analysis, error) {
	q := a.number("q", 0.05, 0, 1)
	if a.err != nil {
		return nil, a.err
	}
	cols, err := ev.collect(ctx, a.arg("pvalues"), a.grid)
	if err != nil {
		return nil, err
	}
	p := make([]float64, len(cols))
	ans := &Analysis{}
	keep := make([]Bitmap, len(cols))
	for k := range cols {
		keep[k] = NewBitmap(a.grid.Len())
	}
	for i := range a.grid.Len() {
		for k, c := range cols {
			p[k] = math.NaN()
			if c.Present.Has(i) {
				p[k] = c.Values[i]
			}
		}
		for k, adj := range analysis.FDR(p, 0) {
			if adj <= q {
				keep[k].Set(i)
			}
		}
	}
	for k, c := range cols {
		c.Present.And(keep[k])
		c.Labels, c.Nameless = c.final(), false
		if c.Present.Empty() {
			ev.recycle(c)
			continue
		}
		ans.Columns = append(ans.Columns, c)
	}
	return ans, nil
}

// history returns the grid of a function that evaluates an expression over a
// past range before each step; only one step is answered.
func (a *analysisCall) history(name string) (Grid, error) {
	width := a.span("range", 0, time.Second)
	step := a.span("step", 0, time.Millisecond)
	if a.err != nil {
		return Grid{}, a.err
	}
	if step == 0 {
		step = max(analysis.RoundUp(width/2000), analysis.Minute)
	}
	if n := width / step; n > a.ev.MaxSamples {
		return Grid{}, errorAt(a.call.Pos, "%s: %d steps: want at most %d, so a larger step", name, n, a.ev.MaxSamples)
	}
	end := a.grid.At(0)
	start := floorDiv(end-width, step)*step + step
	return Grid{Start: start, End: end, Step: step}, nil
}

// episode is a run of steps (inclusive) at which a flag was up.
type episode struct{ from, to int }

// episodes returns the runs of steps at which a column exceeds a threshold.
func episodes(c *Column, threshold float64) []episode {
	var out []episode
	for i, v := range c.Values {
		if !c.Present.Has(i) || !(v > threshold) {
			continue
		}
		if n := len(out); n > 0 && out[n-1].to == i-1 {
			out[n-1].to = i
			continue
		}
		out = append(out, episode{i, i})
	}
	return out
}

// evalBacktest answers backtest(flag, range, truth=…): a table of how a flag
// (anything above zero) would have done.
func (ev *evaluator) evalBacktest(ctx context.Context, a *analysisCall) (*Analysis, error) {
	g, err := a.history("backtest")
	if err != nil {
		return nil, err
	}
	flags, err := ev.collect(ctx, a.arg("flag"), g)
	if err != nil {
		return nil, err
	}
	var truth []*Column
	if n := a.arg("truth"); n != nil {
		if truth, err = ev.collect(ctx, n, g); err != nil {
			return nil, err
		}
	}
	weeks := float64(int64(g.Len())*g.Step) / float64(analysis.Week)
	ans := &Analysis{}
	for _, c := range flags {
		labels := dropName(c.Labels)
		alerts := episodes(c, 0)
		if err := a.row(ans, labels.With("stat", "alerts_per_week"), float64(len(alerts))/weeks); err != nil {
			return nil, err
		}
		if a.arg("truth") == nil {
			continue
		}
		var real []episode
		for _, t := range truth {
			if agrees(dropName(t.Labels), labels) {
				real = append(real, episodes(t, 0)...)
			}
		}
		right, found, delay := 0, 0, 0.0
		for _, e := range alerts {
			if slices.ContainsFunc(real, func(r episode) bool { return e.from <= r.to && e.to >= r.from }) {
				right++
			}
		}
		for _, r := range real {
			i := slices.IndexFunc(alerts, func(e episode) bool { return e.from <= r.to && e.to >= r.from })
			if i >= 0 {
				found++
				delay += float64(int64(max(alerts[i].from-r.from, 0))*g.Step) / 1000
			}
		}
		stats := map[string]float64{}
		if len(alerts) > 0 {
			stats["precision"] = float64(right) / float64(len(alerts))
		}
		if len(real) > 0 {
			stats["recall"] = float64(found) / float64(len(real))
		}
		if found > 0 {
			stats["delay"] = delay / float64(found)
		}
		for _, name := range []string{"precision", "recall", "delay"} {
			if v, ok := stats[name]; ok {
				if err := a.row(ans, labels.With("stat", name), v); err != nil {
					return nil, err
				}
			}
		}
	}
	return ans, nil
}

// agrees reports whether no label contradicts one of the other set.
func agrees(a, b model.Labels) bool {
	for _, l := range a {
		if v := b.Get(l.Name); v != "" && v != l.Value {
			return false
		}
	}
	return true
}

// evalThresholdFor answers threshold_for(expr, range, budget="2/week"): the
// lowest threshold above which each series would not have risen more often.
func (ev *evaluator) evalThresholdFor(ctx context.Context, a *analysisCall) (*Analysis, error) {
	perWeek, ok := budget(a.text("budget", "2/week"))
	if !ok {
		a.keep(errorAt(a.call.Pos, `threshold_for: budget: want alerts by time, such as "2/week" or "1/day"`))
	}
	g, err := a.history("threshold_for")
	if err != nil {
		return nil, err
	}
	cols, err := ev.collect(ctx, a.arg("expr"), g)
	if err != nil {
		return nil, err
	}
	ans := &Analysis{}
	allowed := int(perWeek * float64(int64(g.Len())*g.Step) / float64(analysis.Week))
	for _, c := range cols {
		var levels []float64
		c.Present.forEach(func(i int) {
			if !math.IsNaN(c.Values[i]) {
				levels = append(levels, c.Values[i])
			}
		})
		if len(levels) == 0 {
			continue
		}
		slices.Sort(levels)
		levels = slices.Compact(levels)
		// The number of episodes is not monotonic in the threshold, so the
		// levels are tried from the highest down to the first that is too low.
		best := levels[len(levels)-1]
		lo, hi := 0, len(levels)-1
		for lo <= hi {
			mid := (lo + hi) / 2
			if len(episodes(c, levels[mid])) <= allowed && allowedAbove(c, levels, mid, allowed) {
				best, hi = levels[mid], mid-1
				continue
			}
			lo = mid + 1
		}
		if err := a.row(ans, dropName(c.Labels), best); err != nil {
			return nil, err
		}
	}
	return ans, nil
}

// allowedAbove spot-checks that no higher level has more episodes than allowed.
func allowedAbove(c *Column, levels []float64, from, allowed int) bool {
	for k := 1; k <= 16; k++ {
		i := from + (len(levels)-1-from)*k/16
		if len(episodes(c, levels[i])) > allowed {
			return false
		}
	}
	return true
}

// budget reads alerts by time, as in 2/week, in alerts a week.
func budget(s string) (float64, bool) {
	n, unit, ok := strings.Cut(strings.TrimSpace(s), "/")
	f, err := strconv.ParseFloat(n, 64)
	if !ok || err != nil || !(f >= 0) {
		return 0, false
	}
	per := map[string]float64{"hour": 168, "day": 7, "week": 1, "month": 7 / 30.4375}[unit]
	return f * per, per > 0
}

// evalPeers answers peer_outliers(v[w], …) by (…): the score of each series
// against those that agree with it in the labels of by (all, without it).
func (ev *evaluator) evalPeers(ctx context.Context, a *analysisCall) (*Analysis, error) {
	v := a.arg("v")
	method := a.text("method", "mad", analysis.PeerMethods...)
	tol := a.number("tol", 3, 1e-6, 1e6)
	win, err := ev.rangeWindows(v, a.grid)
	a.keep(err)
	if a.err != nil {
		return nil, a.err
	}
	from, to := win.Span()
	groups := map[string][]*Samples{}
	held := 0
	defer func() { ev.release(held) }()
	err = ev.eachSpan(ctx, v, from, to, func(s *Samples) error {
		key := groupKey(a.call, s.Labels)
		groups[key] = append(groups[key], s)
		held += len(s.Times)
		return ev.hold(len(s.Times))
	})
	if err != nil {
		return nil, err
	}
	ans := &Analysis{}
	keys := make([]string, 0, len(groups))
	for k := range groups {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, key := range keys {
		g := groups[key]
		if len(g) > maxPeers && method == "dbscan" {
			return nil, errorAt(a.call.Pos, "peer_outliers: %d peers: dbscan wants at most %d; group by more labels or use mad", len(g), maxPeers)
		}
		slices.SortFunc(g, func(x, y *Samples) int { return x.Labels.Compare(y.Labels) })
		cols := make([]*Column, len(g))
		for k, s := range g {
			cols[k] = NewColumn(dropName(s.Labels), a.grid.Len())
		}
		var why error
		for i := range a.grid.Len() {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if win.Fixed && i > 0 {
				break
			}
			lo, hi := win.Bounds(i)
			scores, err := peerScores(g, lo, hi, method, tol)
			if err != nil {
				w, fatal := a.short(err)
				if fatal != nil {
					return nil, fatal
				}
				why = w
				continue
			}
			for k, f := range scores {
				if !math.IsNaN(f) {
					cols[k].Set(i, f)
				}
			}
		}
		a.missing.add(g[0].Labels, why)
		for _, c := range cols {
			if !c.Present.Empty() {
				if err := a.emit(ans, win, c); err != nil {
					return nil, err
				}
			}
		}
	}
	return ans, nil
}

const (
	// maxPeers bounds a group whose members are compared pair by pair.
	maxPeers = 2000
	// peerMoments is how many means a window is reduced to.
	peerMoments = 32
)

func peerScores(g []*Samples, lo, hi int64, method string, tol float64) ([]float64, error) {
	if method == "mad" {
		v := make([]float64, len(g))
		for k, s := range g {
			v[k], _ = analysis.Mean(s.Times, s.Values, lo, hi)
		}
		return analysis.PeersByMAD(v, tol)
	}
	var courses [][]float64
	var of []int
	for k, s := range g {
		c := make([]float64, peerMoments)
		any := false
		for i := range c {
			from, to := lo+(hi-lo)*int64(i)/peerMoments, lo+(hi-lo)*int64(i+1)/peerMoments
			n := 0
			c[i], n = analysis.Mean(s.Times, s.Values, from, to)
			any = any || n > 0
		}
		if any {
			courses, of = append(courses, c), append(of, k)
		}
	}
	scores, err := analysis.PeersByDBSCAN(courses, tol)
	if err != nil {
		return nil, err
	}
	out := slices.Repeat([]float64{math.NaN()}, len(g))
	for i, k := range of {
		out[k] = scores[i]
	}
	return out, nil
}

// groupKey is what the members of a group of peers have in common.
func groupKey(call *plan.Call, ls model.Labels) string {
	if call.Grouping == nil {
		return ""
	}
	var parts []string
	for _, l := range dropName(ls) {
		if slices.Contains(call.Grouping.Labels, l.Name) != call.Grouping.Without {
			parts = append(parts, l.Name+"\xff"+l.Value)
		}
	}
	slices.SortFunc(parts, cmp.Compare[string])
	return strings.Join(parts, "\xfe")
}
