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
	"tidemark/query/funcs"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// comparing is the two stretches that a comparison is about, each (from, to]
// in milliseconds.
type comparing struct {
	base, window analysis.Interlude
}

// prior is the stretch before the window, as long as it.
func (c comparing) prior() analysis.Interlude {
	return analysis.Interlude{From: 2*c.window.From - c.window.To, To: c.window.From}
}

// comparing reads the option baseline of a function whose window is that of a
// range argument: "4x", the four windows before it; "-1w", the window a week
// earlier; "FROM/TO", times in seconds or RFC 3339.
func (a *analysisCall) comparing(v plan.Node, fallback string) comparing {
	win, err := a.ev.rangeWindows(v, a.grid)
	a.keep(err)
	var c comparing
	c.window.From, c.window.To = win.Bounds(0)
	text := a.text("baseline", fallback)
	bad := func() comparing {
		pos := a.call.Pos
		if n := a.arg("baseline"); n != nil {
			pos = n.Position()
		}
		a.keep(errorAt(pos, `%s: baseline: want "4x" (the four windows before), "-1w" (a week earlier) or "FROM/TO" (times), got %q`, a.call.Func.Name, text))
		return c
	}
	width := c.window.To - c.window.From
	switch {
	case strings.HasSuffix(text, "x"):
		n, err := strconv.ParseFloat(strings.TrimSuffix(text, "x"), 64)
		if err != nil || !(n > 0 && n <= 10_000) {
			return bad()
		}
		c.base = analysis.Interlude{From: c.window.From - int64(n*float64(width)), To: c.window.From}
	case strings.Contains(text, "/"):
		from, to, _ := strings.Cut(text, "/")
		var ok [2]bool
		c.base.From, ok[0] = parseMoment(from)
		c.base.To, ok[1] = parseMoment(to)
		if !ok[0] || !ok[1] || c.base.To <= c.base.From {
			return bad()
		}
	default:
		d, err := parseDuration(strings.TrimPrefix(text, "-"))
		if err != nil || d <= 0 {
			return bad()
		}
		c.base = analysis.Interlude{From: c.window.From - d.Milliseconds(), To: c.window.To - d.Milliseconds()}
	}
	return c
}

// parseMoment reads seconds since the epoch or RFC 3339 as milliseconds.
func parseMoment(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return int64(math.Round(f * 1000)), math.Abs(f) < 9e12
	}
	t, err := time.Parse(time.RFC3339, s)
	return t.UnixMilli(), err == nil
}

// eventSteps is how many counts a window of log rows is cut into.
const eventSteps = 60

// counted turns a range of log rows into one of numbers: how many rows there
// were in each sixtieth of the window. Other ranges stay as they are.
func counted(n plan.Node) (out plan.Node, step int64) {
	sel, ok := n.(*plan.SelectLogs)
	if !ok || sel.Type() != funcs.LogRange {
		return n, 0
	}
	step = max(analysis.RoundDown(sel.Range.Milliseconds()/eventSteps), analysis.Second)
	inner := *sel
	inner.Range, inner.When = time.Duration(step)*time.Millisecond, plan.When{}
	call := &plan.Call{Pos: sel.Pos, Func: funcs.Lookup("count_over_time"), Args: []plan.Node{&inner}}
	return &plan.Subquery{Pos: sel.Pos, Expr: call, Range: sel.Range, Step: inner.Range, When: sel.When}, step
}

// withZeros fills the multiples of step in (from, to] at which samples lack
// with zeros: where no rows were counted, there were none.
func withZeros(s *Samples, from, to, step int64) {
	var times []int64
	var values []float64
	k := 0
	for t := floorDiv(from, step)*step + step; t <= to; t += step {
		for k < len(s.Times) && s.Times[k] < t {
			k++
		}
		v := 0.0
		if k < len(s.Times) && s.Times[k] == t {
			v = s.Values[k]
		}
		times, values = append(times, t), append(values, v)
	}
	s.Times, s.Values = times, values
}

// in returns the samples in (from, to].
func (s *Samples) in(at analysis.Interlude) *Samples {
	lo, _ := slices.BinarySearch(s.Times, at.From+1)
	hi, _ := slices.BinarySearch(s.Times, at.To+1)
	return &Samples{Labels: s.Labels, Times: s.Times[lo:hi], Values: s.Values[lo:hi]}
}

// eachCompared calls work for every series of a range argument with its
// samples in the baseline, in the stretch before the window and in the window,
// on several goroutines, and done with what it answers.
func eachCompared[T any](ctx context.Context, a *analysisCall, n plan.Node, c comparing, work func(base, prior, window *Samples) (T, error), done func(*Samples, T) error) error {
	n, step := counted(n)
	fill := func(s *Samples, at analysis.Interlude) *Samples {
		out := s.in(at)
		if step > 0 {
			withZeros(out, at.From, at.To, step)
		}
		return out
	}
	prior := c.prior()
	from, to := min(c.base.From, prior.From), max(c.base.To, c.window.To)
	needed := c.base.To - c.base.From + c.window.To - prior.From
	if to-from <= 4*needed { // one read of both and what is between
		return eachSeries(ctx, a, n, from, to, func(_ context.Context, s *Samples) (T, error) {
			return work(fill(s, c.base), fill(s, prior), fill(s, c.window))
		}, done)
	}
	before := map[string]*Samples{}
	held := 0
	defer func() { a.ev.release(held) }()
	err := a.ev.eachSpan(ctx, n, c.base.From, c.base.To, func(s *Samples) error {
		before[s.Labels.Key()] = fill(s, c.base)
		held += len(s.Times)
		return a.ev.hold(len(s.Times))
	})
	if err != nil {
		return err
	}
	return eachSeries(ctx, a, n, prior.From, c.window.To, func(_ context.Context, s *Samples) (T, error) {
		b := before[s.Labels.Key()]
		if b == nil {
			b = fill(&Samples{Labels: s.Labels}, c.base)
		}
		return work(b, fill(s, prior), fill(s, c.window))
	}, done)
}

// changed is one series of a ranking.
type changed struct {
	labels model.Labels
	c      analysis.Comparison
}

// rankFDR is the false-discovery rate at which a change counts as more than
// chance in a ranking.
const rankFDR = 0.05

// evalRankChanges answers rank_changes(v[w], …): a table of the series that
// changed most, best first. Those whose change chance does not explain (at a
// false-discovery rate of 5 % over all series looked at) come before the others.
func (ev *evaluator) evalRankChanges(ctx context.Context, a *analysisCall) (*Analysis, error) {
	ranges := []plan.Node{a.arg("v")}
	ranges = append(ranges, a.call.Args[len(a.call.Func.Params):]...)
	test := a.text("test", "ks", analysis.CompareTests...)
	k := int(a.number("k", 50, 1, 100_000))
	var all []changed
	for _, n := range ranges {
		c := a.comparing(n, "4x")
		if a.err != nil {
			return nil, a.err
		}
		type answer struct {
			c   analysis.Comparison
			why error
		}
		work := func(base, _, window *Samples) (out answer, err error) {
			if out.c, err = analysis.Compare(base.Values, window.Values, test); err != nil {
				out.why, err = a.short(err)
			}
			return out, err
		}
		err := eachCompared(ctx, a, n, c, work, func(s *Samples, r answer) error {
			a.missing.add(s.Labels, r.why)
			if r.why == nil {
				ls := dropName(s.Labels)
				if name := s.Labels.Get(model.MetricName); name != "" {
					ls = ls.With("signal", name)
				}
				all = append(all, changed{ls, r.c})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	ps := make([]float64, len(all))
	for i, c := range all {
		ps[i] = c.c.P
	}
	ps = analysis.FDR(ps, 0)
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int {
		a, b := all[x], all[y]
		first, second := ps[x] <= rankFDR, ps[y] <= rankFDR
		if first != second {
			if first {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(math.Abs(b.c.Effect), math.Abs(a.c.Effect)), cmp.Compare(ps[x], ps[y]), a.labels.Compare(b.labels))
	})
	ans := &Analysis{}
	ev.sorted = true
	for _, i := range order[:min(k, len(order))] {
		direction := "up"
		if all[i].c.Effect < 0 {
			direction = "down"
		}
		if err := a.row(ans, all[i].labels.With("direction", direction).With("p_adj", formatP(ps[i])), all[i].c.Effect); err != nil {
			return nil, err
		}
	}
	return ans, nil
}

// evalRootCause answers root_cause(target[w], over=v[w], …): a table of nodes
// by the evidence that the target's trouble began with them.
func (ev *evaluator) evalRootCause(ctx context.Context, a *analysisCall) (*Analysis, error) {
	over := a.arg("over")
	node := a.text("node", "service")
	k := int(a.number("k", 20, 1, 100_000))
	base := a.text("baseline", "4x")
	if a.err != nil {
		return nil, a.err
	}
	type answer struct {
		c      analysis.Comparison
		onset  float64
		enough bool
	}
	compare := func(base, prior, window *Samples) (out answer, err error) {
		out.c, err = analysis.Compare(base.Values, window.Values, "ks")
		if err != nil {
			_, err = a.short(err)
			return out, err
		}
		out.c, out.enough = out.c.Since(prior.Values), true
		out.onset = onset(base, window)
		return out, nil
	}
	var target *Samples
	var t answer
	err := eachCompared(ctx, a, a.arg("target"), a.comparing(a.arg("target"), base), compare, func(s *Samples, r answer) error {
		if target != nil {
			return errorAt(a.call.Pos, "root_cause: target: want one series, got %s and %s", target.Labels, s.Labels)
		}
		target, t = s, r
		return nil
	})
	if err != nil {
		return nil, err
	}
	if target == nil || !t.enough {
		ev.warn(a.call.Pos, "root_cause: target: no series with %d values in the window and in its baseline", analysis.MinCompared)
		return &Analysis{}, nil
	}
	opts := analysis.CauseOptions{Target: target.Labels.Get(node), Sign: math.Copysign(1, t.c.Effect)}
	if opts.Target == "" {
		return nil, errorAt(a.call.Pos, "root_cause: target %s has no label %q (option node)", target.Labels, node)
	}
	if opts.Edges, opts.Events, err = a.surroundings(ctx, node); err != nil {
		return nil, err
	}
	kind := target.Labels.Without(node)
	var signals []analysis.Signal
	err = eachCompared(ctx, a, over, a.comparing(over, base), compare, func(s *Samples, r answer) error {
		if name := s.Labels.Get(node); name != "" && r.enough {
			signals = append(signals, analysis.Signal{Node: name, Kin: s.Labels.Without(node).Equal(kind),
				Comparison: r.c, Lead: t.onset - r.onset})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	ans := &Analysis{}
	ev.sorted = true
	causes := analysis.RankCauses(signals, opts)
	for i, c := range causes[:min(k, len(causes))] {
		ls := model.FromStrings(node, c.Node, "rank", strconv.Itoa(i+1), "change", formatP(c.Change), "own", formatP(c.Own), "path", formatP(c.Path))
		if !math.IsNaN(c.Lead) {
			ls = ls.With("lead", formatP(c.Lead/1000))
		}
		if c.Event {
			ls = ls.With("event", "true")
		}
		if err := a.row(ans, ls, c.Score); err != nil {
			return nil, err
		}
	}
	return ans, nil
}

// surroundings evaluates the options topology and changes.
func (a *analysisCall) surroundings(ctx context.Context, node string) (edges []analysis.Edge, events map[string]bool, err error) {
	if n := a.arg("topology"); n != nil {
		err := a.ev.each(ctx, n, a.grid, func(c *Column) error {
			e := analysis.Edge{From: c.Labels.Get("from"), To: c.Labels.Get("to")}
			if e.From == "" || e.To == "" {
				return errorAt(n.Position(), "root_cause: topology: %s has no labels from and to", c.Labels)
			}
			if c.Present.Has(0) && c.Values[0] != 0 {
				edges = append(edges, e)
			}
			a.ev.recycle(c)
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	events = map[string]bool{}
	if n := a.arg("changes"); n != nil {
		err = a.ev.each(ctx, n, a.grid, func(c *Column) error {
			if c.Present.Has(0) && c.Values[0] != 0 {
				events[c.Labels.Get(node)] = true
			}
			a.ev.recycle(c)
			return nil
		})
	}
	return edges, events, err
}

// onset is the time of the first of two samples in a row that are three scales
// off the baseline, in milliseconds; NaN where there are fewer than eight
// samples or none is.
func onset(base, window *Samples) float64 {
	if len(window.Times) < 8 {
		return math.NaN()
	}
	b := slices.DeleteFunc(slices.Clone(base.Values), func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
	slices.Sort(b)
	m := analysis.Quantile(b, 0.5)
	scale := max((analysis.Quantile(b, 0.75)-analysis.Quantile(b, 0.25))/1.349, 1e-3*math.Abs(m))
	run := 0
	for i, v := range window.Values {
		if math.Abs(v-m) > 3*scale {
			if run++; run == 2 {
				return float64(window.Times[i-1])
			}
			continue
		}
		run = 0
	}
	return math.NaN()
}
