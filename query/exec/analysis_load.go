package exec

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"tidemark/query/analysis"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// eachSeries calls work for every series of a range argument with its samples
// in (from, to], on several goroutines; work touches nothing but its series.
// Results come in the series's order.
func eachSeries[T any](ctx context.Context, a *analysisCall, n plan.Node, from, to int64, work func(context.Context, *Samples) (T, error), done func(*Samples, T) error) error {
	const batch = 1 << 21 // samples waiting for the workers
	var waiting []*Samples
	held := 0
	flush := func() error {
		results := make([]T, len(waiting))
		errs := make([]error, len(waiting))
		var wg sync.WaitGroup
		next := make(chan int, len(waiting))
		for i := range waiting {
			next <- i
		}
		close(next)
		for range min(runtime.GOMAXPROCS(0), len(waiting)) {
			wg.Go(func() {
				for i := range next {
					if errs[i] = ctx.Err(); errs[i] == nil {
						results[i], errs[i] = shielded(a, work, ctx, waiting[i])
					}
				}
			})
		}
		wg.Wait()
		for i, s := range waiting {
			if errs[i] != nil {
				return errs[i]
			}
			if err := done(s, results[i]); err != nil {
				return err
			}
		}
		a.ev.release(held)
		waiting, held = waiting[:0], 0
		return nil
	}
	err := a.ev.eachSpan(ctx, n, from, to, func(s *Samples) error {
		if err := a.ev.hold(len(s.Times)); err != nil {
			return err
		}
		held += len(s.Times)
		waiting = append(waiting, s)
		if held >= batch || len(waiting) >= 256 {
			return flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// shielded calls work; a panic in it, which is a fault of ours, is an error of
// the query that names the series and not the end of the process.
func shielded[T any](a *analysisCall, work func(context.Context, *Samples) (T, error), ctx context.Context, s *Samples) (out T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errorAt(a.call.Pos, "%s of %s failed: %v", a.call.Func.Name, s.Labels, r)
		}
	}()
	return work(ctx, s)
}

// eachSpan streams the series of a range argument with their samples in
// (from, to], whatever range, offset and @ it has.
func (ev *evaluator) eachSpan(ctx context.Context, n plan.Node, from, to int64, visit func(*Samples) error) error {
	if to <= from {
		return nil
	}
	g := Instant(to)
	width := time.Duration(min(to-from, maxWindow)) * time.Millisecond
	switch s := n.(type) {
	case *plan.Select:
		c := *s
		c.Range, c.When = width, plan.When{}
		n = &c
	case *plan.Subquery:
		c := *s
		c.Range, c.When = width, plan.When{}
		n = &c
	case *plan.SelectLogs:
		c := *s
		c.Range, c.When = width, plan.When{}
		if names, ok := ev.named[s]; ok {
			ev.named[&c] = names
		}
		n = &c
	}
	_, logs := n.(*plan.SelectLogs)
	return ev.eachRange(ctx, n, g, func(_ *slider, s *rangeSeries) error {
		if s.hist != nil {
			ev.warn(n.Position(), "native histograms are left out, for this function needs numbers, such as those of histogram_count or histogram_quantile")
			if len(s.times) == 0 {
				return nil
			}
		}
		out := &Samples{Labels: s.final(), Times: s.times, Values: s.values}
		if logs {
			out.Times = make([]int64, len(s.times))
			for i, t := range s.times {
				out.Times[i] = floorDiv(t, nanosPerMilli)
			}
		}
		return visit(out)
	})
}

// maxWindow is the longest window in milliseconds that a duration can hold.
const maxWindow = int64(1<<63-1) / nanosPerMilli

// exclusion is the series of an exclude expression as the stretches at which
// it is true.
type exclusion struct {
	labels model.Labels
	spans  []analysis.Interlude
}

// excludeStep is the distance at which an exclude expression is evaluated.
const excludeStep = 5 * analysis.Minute

// exclusions evaluates an exclude expression over (from, to] at multiples of
// five minutes, each of which stands for the five minutes up to it.
func (ev *evaluator) exclusions(ctx context.Context, n plan.Node, from, to int64) ([]exclusion, error) {
	if n == nil {
		return nil, nil
	}
	g := Grid{Start: floorDiv(from, excludeStep)*excludeStep + excludeStep, End: (floorDiv(to-1, excludeStep) + 1) * excludeStep, Step: excludeStep}
	if int64(g.Len()) > ev.MaxSamples {
		return nil, &LimitError{Limit: "max-samples", Max: ev.MaxSamples, What: "steps of an exclude expression"}
	}
	var out []exclusion
	err := ev.each(ctx, n, g, func(c *Column) error {
		var times []int64
		c.Present.forEach(func(i int) {
			if v := c.Values[i]; v != 0 && v == v {
				times = append(times, g.At(i))
			}
		})
		if len(times) > 0 {
			out = append(out, exclusion{labels: dropName(c.Labels), spans: analysis.Interludes(times, excludeStep)})
		}
		ev.recycle(c)
		return nil
	})
	return out, err
}

// excluded returns the stretches that concern a series: those of every
// exclusion none of whose labels contradicts the series's.
func excluded(ex []exclusion, ls model.Labels) []analysis.Interlude {
	var lists [][]analysis.Interlude
	for _, e := range ex {
		fits := true
		for _, l := range e.labels {
			if v := ls.Get(l.Name); v != "" && v != l.Value {
				fits = false
				break
			}
		}
		if fits {
			lists = append(lists, e.spans)
		}
	}
	if len(lists) <= 1 {
		return slices.Concat(lists...)
	}
	all := slices.Concat(lists...)
	slices.SortFunc(all, func(a, b analysis.Interlude) int {
		switch {
		case a.From < b.From:
			return -1
		case a.From > b.From:
			return 1
		}
		return 0
	})
	out := all[:1]
	for _, s := range all[1:] {
		if last := &out[len(out)-1]; s.From <= last.To {
			last.To = max(last.To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}
