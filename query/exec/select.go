package exec

import (
	"context"
	"math"
	"slices"

	"tidemark/query/ast"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// matchers returns a selector's matchers with the enforced ones.
func (ev *evaluator) matchers(ms []*model.Matcher) []*model.Matcher {
	if len(ev.Enforce) == 0 {
		return ms
	}
	return append(slices.Clone(ms), ev.Enforce...)
}

// shifted returns the windows of length rng (milliseconds) over the grid
// under offset and @.
func (ev *evaluator) shifted(w plan.When, g Grid, rng int64) Windows {
	win := Windows{Grid: g, Range: rng, Offset: w.Offset.Milliseconds()}
	switch w.At.Kind {
	case ast.AtTime:
		win.Fixed, win.End = true, w.At.Time
	case ast.AtStart:
		win.Fixed, win.End = true, ev.Grid.Start
	case ast.AtEnd:
		win.Fixed, win.End = true, ev.Grid.End
	}
	win.End -= win.Offset
	return win
}

const nanosPerMilli = 1_000_000

// nanoRange turns a range of milliseconds (lo, hi] into nanoseconds, both
// inclusive; times beyond what nanoseconds can hold are cut.
func nanoRange(lo, hi int64) (mint, maxt int64) {
	const limit = math.MaxInt64/nanosPerMilli - 1
	lo, hi = min(max(lo, -limit), limit), min(max(hi, -limit), limit)
	return (lo + 1) * nanosPerMilli, hi*nanosPerMilli + nanosPerMilli - 1
}

// toMillis floors a series's times to milliseconds in place; the last sample
// of a millisecond counts.
func toMillis(times []int64, values []float64) ([]int64, []float64) {
	n := 0
	for i, t := range times {
		ms := t / nanosPerMilli
		if t%nanosPerMilli < 0 {
			ms--
		}
		if n > 0 && times[n-1] == ms {
			n--
		}
		times[n], values[n] = ms, values[i]
		n++
	}
	return times[:n], values[:n]
}

// samples streams the series of a metric selector with their samples in
// (lo, hi], in milliseconds, staleness markers included. The samples count
// as held while visit runs.
func (ev *evaluator) samples(ctx context.Context, ms []*model.Matcher, lo, hi int64, visit func(s *model.Series) error) error {
	sel := model.SampleSelection{Matchers: ev.matchers(ms), Context: int64(ev.Lookback)}
	sel.Mint, sel.Maxt = nanoRange(lo, hi)
	if sel.Mint > sel.Maxt {
		return nil
	}
	return ev.view.Samples(ctx, sel, func(s *model.Series) error {
		if err := ev.tick(ctx); err != nil {
			return err
		}
		n := len(s.Times)
		ev.stats.Series++
		ev.stats.Samples += int64(n)
		if s.Histograms != nil || s.Starts != nil {
			n += extrasToMillis(s)
		}
		if err := ev.hold(n); err != nil {
			return err
		}
		s.Times, s.Values = toMillis(s.Times, s.Values)
		err := visit(s)
		ev.release(n)
		return err
	})
}

// stamp says what of a sample an instant selection answers with.
type stamp uint8

const (
	sampleValue stamp = iota
	sampleTime        // in seconds
	sampleStart       // since when it counts, in seconds, 0 where unknown
	numberTime        // as sampleTime, and an error for a histogram
)

// eachInstant evaluates an instant selection: at each step the last sample of
// the lookback before it, unless that is a staleness marker.
func (ev *evaluator) eachInstant(ctx context.Context, n *plan.Select, g Grid, what stamp, emit func(*Column) error) error {
	if n.Extend == ast.Smoothed && what == sampleValue {
		return ev.eachSmoothed(ctx, n, g, emit)
	}
	lookback := max(ev.Lookback.Milliseconds(), 1)
	win := ev.shifted(n.When, g, lookback)
	steps := g.Len()
	lo, hi := win.Span()
	work := func(_ context.Context, s *model.Series) (*Column, error) {
		if len(s.Times) == 0 {
			return nil, nil
		}
		if n.StatsOnly && s.Histograms != nil {
			statsOnly(s.Histograms)
		}
		col, err := ev.newColumn(withName(s.Name, s.Labels), steps)
		if err != nil {
			return nil, err
		}
		k, some := 0, false // s.Times[:k] is not after the step
		for i := range steps {
			from, to := win.Bounds(i)
			for k < len(s.Times) && s.Times[k] <= to {
				k++
			}
			if k == 0 || s.Times[k-1] <= from || model.IsStale(s.Values[k-1]) {
				continue
			}
			if s.Histograms != nil {
				if h := s.Histograms[k-1]; h != nil && what == numberTime && !h.Stale() {
					return nil, errorAt(n.Pos, "info sample should be float")
				} else if h != nil && (h.Stale() || what == sampleValue) {
					if !h.Stale() {
						col.setHist(i, h)
						some = true
					}
					continue
				}
			}
			v := s.Values[k-1]
			switch {
			case what == sampleTime || what == numberTime:
				v = float64(s.Times[k-1]) / 1000
			case what == sampleStart:
				if v = 0; s.Starts != nil {
					v = float64(s.Starts[k-1]) / 1000
				}
			}
			col.Set(i, v)
			some = true
		}
		if !some {
			ev.recycle(col)
			return nil, nil
		}
		return col, nil
	}
	var windows *model.Windows
	if sparse(win) {
		windows = askFor(win, model.WantLatest)
	}
	return ev.eachSeries(ctx, n.Matchers, lo, hi, windows, func() seriesWork { return work }, emit)
}
