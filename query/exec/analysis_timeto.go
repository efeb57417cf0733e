package exec

import (
	"context"
	"math"
	"time"

	"tidemark/query/analysis"
)

// evalTimeTo answers time_to(v[w], threshold, …). Models are fitted at refit
// boundaries; between them the newest samples move their level.
func (ev *evaluator) evalTimeTo(ctx context.Context, a *analysisCall) (*Analysis, error) {
	v := a.arg("v")
	l := a.learning()
	sched, win := a.schedule(v, l.refit)
	opts := analysis.TimeToOptions{
		Forecast:  analysis.ForecastOptions{Seasons: l.seasons, Zone: l.zone},
		Threshold: a.number("threshold", 0, -math.MaxFloat64, math.MaxFloat64),
		Dir:       a.text("dir", "auto", analysis.TimeToDirs...),
		Max:       a.span("max", 365*24*time.Hour, time.Second),
		Q:         a.quantiles("q", 0.1, 0.5, 0.9),
	}
	if a.err != nil {
		return nil, a.err
	}
	steps := a.grid.Len()
	_, first := win.Bounds(0)
	_, last := win.Bounds(steps - 1)
	from, to := analysis.Floor(first, sched.Refit)-sched.Window, last
	ex, err := ev.exclusions(ctx, l.exclude, from, to)
	if err != nil {
		return nil, err
	}
	alive := max(sched.Refit, maxRes(l, sched))
	work := func(ctx context.Context, s *Samples) (judged, error) {
		opts := opts
		opts.Forecast.Exclude = excluded(ex, s.Labels)
		labels := dropName(s.Labels)
		var out judged
		var m *analysis.TimeTo
		var fitErr error
		have, haveAny := int64(0), false
		for i := range steps {
			if i&15 == 0 && ctx.Err() != nil {
				return out, ctx.Err()
			}
			if win.Fixed && i > 0 {
				break
			}
			_, t := win.Bounds(i)
			if !near(s.Times, t, alive) {
				continue
			}
			if b := analysis.Floor(t, sched.Refit); !haveAny || b != have {
				have, haveAny = b, true
				res := l.res
				if res == 0 {
					res = analysis.ForecastResolution(s.Times, b-sched.Window, b)
				}
				m, fitErr = analysis.FitTimeTo(s.Times, s.Values, b-sched.Window, b, res, sched.Refit, opts)
			}
			if fitErr != nil {
				why, fatal := a.short(fitErr)
				if fatal != nil {
					return out, fatal
				}
				out.why = why
				continue
			}
			for k, f := range m.At(t, s.Times, s.Values) {
				if out.cols == nil {
					for _, q := range opts.Q {
						out.cols = append(out.cols, NewColumn(labels.With("q", formatQuantile(q)), steps))
					}
				}
				out.cols[k].Set(i, f)
			}
		}
		return out, nil
	}
	ans := &Analysis{}
	err = eachSeries(ctx, a, v, from, to, work, func(s *Samples, j judged) error {
		a.missing.add(s.Labels, j.why)
		return a.emit(ans, win, j.cols...)
	})
	return ans, err
}
