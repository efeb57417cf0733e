package exec

import (
	"context"
	"math"
	"slices"
	"time"

	"tidemark/query/analysis"
)

// capacity is what the functions share that answer at the time of the step
// from a forecast fitted at the refit boundary before it.
type capacity struct {
	a     *analysisCall
	l     learning
	sched analysis.Schedule
	win   Windows
	ex    []exclusion
	from  int64
	to    int64
}

func (a *analysisCall) capacity(ctx context.Context, v string) (*capacity, error) {
	c := &capacity{a: a, l: a.learning()}
	c.sched, c.win = a.schedule(a.arg(v), c.l.refit)
	if a.err != nil {
		return nil, a.err
	}
	_, first := c.win.Bounds(0)
	_, c.to = c.win.Bounds(a.grid.Len() - 1)
	c.from = analysis.Floor(first, c.sched.Refit) - c.sched.Window
	var err error
	c.ex, err = a.ev.exclusions(ctx, c.l.exclude, c.from, c.to)
	return c, err
}

// each fits one model per boundary and series and answers with one number per
// step.
func (c *capacity) each(ctx context.Context, v string, fit func(s *Samples, boundary, res int64, o analysis.ForecastOptions) (func(t int64) float64, error)) (*Analysis, error) {
	steps := c.a.grid.Len()
	alive := max(c.sched.Refit, maxRes(c.l, c.sched))
	work := func(ctx context.Context, s *Samples) (out judged, err error) {
		opts := analysis.ForecastOptions{Seasons: c.l.seasons, Zone: c.l.zone, Exclude: excluded(c.ex, s.Labels)}
		col := NewColumn(dropName(s.Labels), steps)
		var model func(int64) float64
		var fitErr error
		have, known := int64(0), false
		for i := range steps {
			if i&15 == 0 && ctx.Err() != nil {
				return out, ctx.Err()
			}
			if c.win.Fixed && i > 0 {
				break
			}
			_, t := c.win.Bounds(i)
			if !near(s.Times, t, alive) {
				continue
			}
			if b := analysis.Floor(t, c.sched.Refit); !known || b != have {
				have, known = b, true
				res := c.l.res
				if res == 0 {
					res = analysis.ForecastResolution(s.Times, b-c.sched.Window, b)
				}
				model, fitErr = fit(s, b, res, opts)
			}
			if fitErr != nil {
				why, fatal := c.a.short(fitErr)
				if fatal != nil {
					return out, fatal
				}
				out.why = why
				continue
			}
			if f := model(t); !math.IsNaN(f) {
				col.Set(i, f)
			}
		}
		if !col.Present.Empty() {
			out.cols = []*Column{col}
		}
		return out, nil
	}
	ans := &Analysis{}
	err := eachSeries(ctx, c.a, c.a.arg(v), c.from, c.to, work, func(s *Samples, r judged) error {
		c.a.missing.add(s.Labels, r.why)
		return c.a.emit(ans, c.win, r.cols...)
	})
	return ans, err
}

// evalForecastAt answers forecast_at(v[w], h): the forecast for t + h, at t.
func (ev *evaluator) evalForecastAt(ctx context.Context, a *analysisCall) (*Analysis, error) {
	h := a.span("h", 0, time.Millisecond)
	q := a.number("q", 0.5, 1e-6, 1-1e-6)
	c, err := a.capacity(ctx, "v")
	if err != nil {
		return nil, err
	}
	return c.each(ctx, "v", func(s *Samples, b, res int64, o analysis.ForecastOptions) (func(int64) float64, error) {
		m, err := analysis.FitForecast(s.Times, s.Values, b-c.sched.Window, b, res, o)
		return func(t int64) float64 { return m.At(t+h, q) }, err
	})
}

// headroomPoints is at how many moments of the horizon headroom looks.
const headroomPoints = 64

// evalHeadroom answers headroom(use[w], limit, h): the limit less the highest
// that use is forecast to be at any moment of the horizon.
func (ev *evaluator) evalHeadroom(ctx context.Context, a *analysisCall) (*Analysis, error) {
	limit := a.number("limit", 0, -math.MaxFloat64, math.MaxFloat64)
	h := a.span("h", 30*24*time.Hour, time.Millisecond)
	q := a.number("q", 0.95, 1e-6, 1-1e-6)
	c, err := a.capacity(ctx, "use")
	if err != nil {
		return nil, err
	}
	return c.each(ctx, "use", func(s *Samples, b, res int64, o analysis.ForecastOptions) (func(int64) float64, error) {
		m, err := analysis.FitForecast(s.Times, s.Values, b-c.sched.Window, b, res, o)
		return func(t int64) float64 {
			top := math.Inf(-1)
			for k := int64(1); k <= headroomPoints; k++ {
				if f := m.At(t+max(h*k/headroomPoints, 1), q); f > top {
					top = f
				}
			}
			return limit - top
		}, err
	})
}

// breachQuantiles is how finely the time to a threshold is asked for.
const breachQuantiles = 100

// evalBreach answers p_breach(v[w], threshold, h): the probability that the
// threshold is reached within h.
func (ev *evaluator) evalBreach(ctx context.Context, a *analysisCall) (*Analysis, error) {
	h := a.span("h", 0, time.Second)
	opts := analysis.TimeToOptions{
		Threshold: a.number("threshold", 0, -math.MaxFloat64, math.MaxFloat64),
		Dir:       a.text("dir", "auto", analysis.TimeToDirs...),
		Max:       h,
	}
	for k := 1; k < breachQuantiles; k++ {
		opts.Q = append(opts.Q, float64(k)/breachQuantiles)
	}
	c, err := a.capacity(ctx, "v")
	if err != nil {
		return nil, err
	}
	return c.each(ctx, "v", func(s *Samples, b, res int64, o analysis.ForecastOptions) (func(int64) float64, error) {
		opts := opts
		opts.Forecast = o
		m, err := analysis.FitTimeTo(s.Times, s.Values, b-c.sched.Window, b, res, c.sched.Refit, opts)
		return func(t int64) float64 {
			within, now := 0, 0
			for _, seconds := range m.At(t, s.Times, s.Values) {
				if seconds <= float64(h)/1000 {
					within++
				}
				if seconds == 0 {
					now++
				}
			}
			if now == breachQuantiles-1 {
				return 1
			}
			return float64(within) / breachQuantiles
		}, err
	})
}

// evalRightsize answers rightsize(use[w], q=…, buffer=…): what would have been
// enough for a share q of the window's samples, and a buffer on top.
func (ev *evaluator) evalRightsize(ctx context.Context, a *analysisCall) (*Analysis, error) {
	q := a.number("q", 0.95, 0, 1)
	buffer := a.number("buffer", 0.15, -1, 1000)
	lo := a.number("floor", math.Inf(-1), math.Inf(-1), math.Inf(1))
	hi := a.number("cap", math.Inf(1), math.Inf(-1), math.Inf(1))
	use := a.arg("use")
	win, err := ev.rangeWindows(use, a.grid)
	a.keep(err)
	if a.err != nil {
		return nil, a.err
	}
	from, to := win.Span()
	work := func(ctx context.Context, s *Samples) (out judged, err error) {
		col := NewColumn(dropName(s.Labels), a.grid.Len())
		for i := range a.grid.Len() {
			if ctx.Err() != nil {
				return out, ctx.Err()
			}
			if win.Fixed && i > 0 {
				break
			}
			from, to := win.Bounds(i)
			in := s.in(analysis.Interlude{From: from, To: to})
			v := slices.DeleteFunc(slices.Clone(in.Values), func(f float64) bool { return math.IsNaN(f) || math.IsInf(f, 0) })
			if len(v) < analysis.MinPoints {
				out.why = &analysis.ShortHistory{Have: len(v), Want: analysis.MinPoints, Window: to - from, Unit: "samples"}
				continue
			}
			col.Set(i, min(max(analysis.Select(v, q)*(1+buffer), lo), hi))
		}
		if !col.Present.Empty() {
			out.cols = []*Column{col}
		}
		return out, nil
	}
	ans := &Analysis{}
	err = eachSeries(ctx, a, use, from, to, work, func(s *Samples, r judged) error {
		a.missing.add(s.Labels, r.why)
		return a.emit(ans, win, r.cols...)
	})
	return ans, err
}
