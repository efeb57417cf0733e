package exec

import (
	"context"
	"math"
	"strconv"
	"time"

	"tidemark/query/analysis"
)

// evalForecast answers forecast(v[w], …).
//
// As the outermost expression of an instant query it answers at times of its
// own: step, 2·step … up to h after the origin, which is the evaluation time or
// the @ time, both less the offset. Otherwise the value at an output time T is
// the forecast for T from the refit boundary at or before the smaller of
// T − lead − res and now (less the offset); there is none beyond h.
func (ev *evaluator) evalForecast(ctx context.Context, a *analysisCall) (*Analysis, error) {
	v := a.arg("v")
	l := a.learning()
	sched, win := a.schedule(v, l.refit)
	h := a.span("h", 30*24*time.Hour, time.Millisecond)
	lead := a.span("lead", 0, 0)
	step := a.span("step", 0, time.Millisecond)
	qs := a.quantiles("q", 0.1, 0.5, 0.9)
	opts := analysis.ForecastOptions{Seasons: l.seasons, Zone: l.zone, Model: a.text("model", "auto", analysis.ForecastModels...)}
	if a.err != nil {
		return nil, a.err
	}
	if step > 0 && h/step > maxForecastPoints {
		return nil, errorAt(a.arg("step").Position(), "forecast: step: want at most %d points, h / step asks for %d", maxForecastPoints, h/step)
	}
	timed := ev.Instant && ev.outermost(a.call)
	steps := a.grid.Len()

	res := l.res
	if res == 0 {
		res = analysis.DefaultRes
	}
	// origin returns the origin of step i.
	origin := func(i int) int64 {
		switch {
		case win.Fixed:
			return win.End
		case timed:
			return a.grid.At(i) - win.Offset
		}
		return analysis.Floor(min(a.grid.At(i)-lead-res, ev.Now)-win.Offset, sched.Refit)
	}
	from, to := origin(0)-sched.Window, origin(steps-1)
	ex, err := ev.exclusions(ctx, l.exclude, from, to)
	if err != nil {
		return nil, err
	}
	type answer struct {
		cols  []*Column
		timed []Samples
		why   error
	}
	work := func(ctx context.Context, s *Samples) (answer, error) {
		opts := opts
		opts.Exclude = excluded(ex, s.Labels)
		labels := dropName(s.Labels)
		var out answer
		fit := func(o int64) (*analysis.Forecast, error) {
			res := l.res
			if res == 0 {
				res = max(analysis.ForecastResolution(s.Times, o-sched.Window, o), analysis.RoundDown(max(h/maxForecastPoints, 1)))
			}
			return analysis.FitForecast(s.Times, s.Values, o-sched.Window, o, res, opts)
		}
		if timed {
			o := origin(0)
			m, err := fit(o)
			if err != nil {
				why, fatal := a.short(err)
				out.why = why
				return out, fatal
			}
			d := step
			if d == 0 {
				d = analysis.RoundUp(max(m.Res, h*102/100/maxDefaultPoints))
			}
			for _, q := range qs {
				ts := Samples{Labels: labels.With("q", formatQuantile(q))}
				for t := o + d; t <= o+h; t += d {
					if f := m.At(t, q); !math.IsNaN(f) {
						ts.Times = append(ts.Times, t)
						ts.Values = append(ts.Values, f)
					}
				}
				if len(ts.Times) > 0 {
					out.timed = append(out.timed, ts)
				}
			}
			return out, nil
		}
		var cols []*Column
		var m *analysis.Forecast
		var fitErr error
		have, haveAny := int64(0), false
		for i := range steps {
			if i&63 == 0 && ctx.Err() != nil {
				return out, ctx.Err()
			}
			t := a.grid.At(i)
			o := origin(i)
			if t <= o || t-o > h {
				continue
			}
			if !haveAny || o != have {
				m, fitErr = fit(o)
				have, haveAny = o, true
			}
			if fitErr != nil {
				why, fatal := a.short(fitErr)
				if fatal != nil {
					return out, fatal
				}
				out.why = why
				continue
			}
			if cols == nil {
				for _, q := range qs {
					cols = append(cols, NewColumn(labels.With("q", formatQuantile(q)), steps))
				}
				out.cols = cols
			}
			for k, q := range qs {
				if f := m.At(t, q); !math.IsNaN(f) {
					cols[k].Set(i, f)
				}
			}
		}
		return out, nil
	}
	ans := &Analysis{}
	if timed {
		ans.Timed = []Samples{}
	}
	err = eachSeries(ctx, a, v, from, to, work, func(s *Samples, r answer) error {
		a.missing.add(s.Labels, r.why)
		for _, t := range r.timed {
			if err := ev.hold(len(t.Times)); err != nil {
				return err
			}
			ans.Timed = append(ans.Timed, t)
		}
		return a.emit(ans, Windows{}, r.cols...)
	})
	if err != nil {
		return nil, err
	}
	return ans, distinct(a, ans.Timed)
}

const (
	// maxForecastPoints bounds the points of one forecast.
	maxForecastPoints = 11_000
	// maxDefaultPoints bounds those of one that states no step.
	maxDefaultPoints = 1_000
)

// distinct is an error where two series have the same labels.
func distinct(a *analysisCall, ts []Samples) error {
	seen := map[string]bool{}
	var key []byte
	for _, s := range ts {
		key = s.Labels.AppendKey(key[:0])
		if seen[string(key)] {
			return errorAt(a.call.Pos, "vector cannot contain metrics with the same labelset: %s", s.Labels)
		}
		seen[string(key)] = true
	}
	return nil
}

// formatQuantile prints a quantile as the label q.
func formatQuantile(q float64) string { return strconv.FormatFloat(q, 'g', -1, 64) }
