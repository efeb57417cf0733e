package exec

import (
	"context"
	"math"
	"slices"
	"time"

	"tidemark/query/analysis"
	"tidemark/query/plan"
)

// judge is what the functions share that hold values against a baseline.
type judge struct {
	a     *analysisCall
	v     plan.Node
	l     learning
	sched analysis.Schedule
	win   Windows
	opts  analysis.BaselineOptions
	ex    []exclusion
	// from, to is what must be read.
	from, to int64
	// alive is how long after its last sample a series is still judged.
	alive int64
}

// judge reads the options of a function that learns a baseline from a window of
// the given length (zero: that of the argument v) and looks back further by
// back from each step.
func (a *analysisCall) judge(ctx context.Context, window, back int64) (*judge, error) {
	j := &judge{a: a, v: a.arg("v"), l: a.learning()}
	j.sched, j.win = a.schedule(j.v, j.l.refit)
	if window > 0 {
		j.sched = analysis.NewSchedule(window, j.l.refit)
	}
	j.sched.Hindsight = a.flag("hindsight")
	j.opts = analysis.BaselineOptions{Seasons: j.l.seasons, Zone: j.l.zone,
		Q:      a.number("q", 0.99, 0.5, 1-1e-9),
		MinAbs: a.number("min_abs", 0, 0, math.MaxFloat64), MinRel: a.number("min_rel", 0, 0, math.MaxFloat64)}
	if a.err != nil {
		return nil, a.err
	}
	_, first := j.win.Bounds(0)
	_, last := j.win.Bounds(a.grid.Len() - 1)
	j.from, j.to = j.sched.Needs(first-back, last, maxRes(j.l, j.sched))
	j.alive = max(j.sched.Refit, maxRes(j.l, j.sched))
	var err error
	j.ex, err = a.ev.exclusions(ctx, j.l.exclude, j.from, j.to)
	return j, err
}

// models returns the models of one series.
func (j *judge) models(s *Samples) *baselines {
	opts := j.opts
	opts.Exclude = excluded(j.ex, s.Labels)
	b := &baselines{s: s, sched: j.sched, opts: opts, res: j.l.res, at: map[[2]int64]fitted{}, kept: j.a.ev.Models}
	if b.kept != nil {
		b.options = hashOptions(opts)
	}
	return b
}

// each answers with what one returns for every series and step: values for the
// columns named by their labels. A *ShortHistory of one is no error.
func (j *judge) each(ctx context.Context, columns func(s *Samples) []*Column, one func(s *Samples, m *baselines, t int64, out []float64) error) (*Analysis, error) {
	return j.eachSeparately(ctx, columns, func(s *Samples) func(*baselines, int64, []float64) error {
		return func(m *baselines, t int64, out []float64) error { return one(s, m, t, out) }
	})
}

// eachSeparately is each with a function of its own for every series, which
// may keep what it computed.
func (j *judge) eachSeparately(ctx context.Context, columns func(s *Samples) []*Column, begin func(s *Samples) func(m *baselines, t int64, out []float64) error) (*Analysis, error) {
	steps := j.a.grid.Len()
	work := func(ctx context.Context, s *Samples) (out judged, err error) {
		m := j.models(s)
		one := begin(s)
		var values []float64
		for i := range steps {
			if i&63 == 0 && ctx.Err() != nil {
				return out, ctx.Err()
			}
			if j.win.Fixed && i > 0 { // every step is the first
				break
			}
			_, t := j.win.Bounds(i)
			if !near(s.Times, t, j.alive) {
				continue
			}
			if values == nil {
				out.cols = columns(s)
				values = make([]float64, len(out.cols))
			}
			for k := range values {
				values[k] = math.NaN()
			}
			if err := one(m, t, values); err != nil {
				why, fatal := j.a.short(err)
				if fatal != nil {
					return out, fatal
				}
				out.why = why
				continue
			}
			for k, v := range values {
				if !math.IsNaN(v) {
					out.cols[k].Set(i, v)
				}
			}
		}
		out.cols = slices.DeleteFunc(out.cols, func(c *Column) bool { return c.Present.Empty() })
		return out, nil
	}
	ans := &Analysis{}
	err := eachSeries(ctx, j.a, j.v, j.from, j.to, work, func(s *Samples, r judged) error {
		j.a.missing.add(s.Labels, r.why)
		return j.a.emit(ans, j.win, r.cols...)
	})
	return ans, err
}

// single is one column with the series's labels.
func (j *judge) single(s *Samples) []*Column {
	return []*Column{NewColumn(dropName(s.Labels), j.a.grid.Len())}
}

// evalPValue answers anomaly_pvalue(v[w], …).
func (ev *evaluator) evalPValue(ctx context.Context, a *analysisCall) (*Analysis, error) {
	dir := a.text("dir", "both", "both", "up", "down")
	j, err := a.judge(ctx, 0, 0)
	if err != nil {
		return nil, err
	}
	return j.each(ctx, j.single, func(s *Samples, b *baselines, t int64, out []float64) error {
		m, err := b.For(t)
		if err != nil {
			return err
		}
		if v, n := analysis.Mean(s.Times, s.Values, t-m.Res, t); n > 0 {
			out[0] = m.PValue(t, v, dir)
		}
		return nil
	})
}

// evalDecompose answers decompose(v[w], …).
func (ev *evaluator) evalDecompose(ctx context.Context, a *analysisCall) (*Analysis, error) {
	j, err := a.judge(ctx, 0, 0)
	if err != nil {
		return nil, err
	}
	columns := func(s *Samples) (cols []*Column) {
		for _, part := range []string{"trend", "season", "residual"} {
			cols = append(cols, NewColumn(dropName(s.Labels).With("part", part), a.grid.Len()))
		}
		return cols
	}
	return j.each(ctx, columns, func(s *Samples, b *baselines, t int64, out []float64) error {
		m, err := b.For(t)
		if err != nil {
			return err
		}
		out[0], out[1] = m.Parts(t)
		if v, n := analysis.Mean(s.Times, s.Values, t-m.Res, t); n > 0 {
			out[2] = v - out[0] - out[1]
		}
		return nil
	})
}

// evalExcess answers excess_over_time(v[w], …): the integral over the window
// of the value less the expected one, in the value's unit times seconds.
func (ev *evaluator) evalExcess(ctx context.Context, a *analysisCall) (*Analysis, error) {
	dir := a.text("dir", "both", "both", "up", "down")
	train := a.span("train", 4*7*24*time.Hour, time.Second)
	win, err := ev.rangeWindows(a.arg("v"), a.grid)
	a.keep(err)
	if a.err != nil {
		return nil, a.err
	}
	j, err := a.judge(ctx, train, win.Range)
	if err != nil {
		return nil, err
	}
	return j.each(ctx, j.single, func(s *Samples, b *baselines, t int64, out []float64) error {
		m, err := b.For(t)
		if err != nil {
			return err
		}
		sum, any := 0.0, false
		for at := t; at > t-win.Range; at -= m.Res {
			of, err := b.For(at)
			if err != nil {
				return err
			}
			v, n := analysis.Mean(s.Times, s.Values, at-m.Res, at)
			if n == 0 {
				continue
			}
			any = true
			d := v - of.At(at).Expected
			switch dir {
			case "up":
				d = max(d, 0)
			case "down":
				d = min(d, 0)
			}
			sum += d * float64(min(m.Res, at-(t-win.Range))) / 1000
		}
		if any {
			out[0] = sum
		}
		return nil
	})
}

const (
	// settleTimes is how many times the option for, and settleBuckets how many
	// buckets at least, are looked at for a new level.
	settleTimes   = 6
	settleBuckets = 12
)

// evalAnomalous answers anomalous(v[w], for="10m", …): 1 where the values of
// the last for have all been outside the band on the same side, unless they have
// settled there: the value lies where the values of the last hour (twelve buckets,
// or six times for) lay, which is outside, too. All of that is judged at t, t−res, t−2·res …, so that it
// depends on t alone.
func (ev *evaluator) evalAnomalous(ctx context.Context, a *analysisCall) (*Analysis, error) {
	dir := a.text("dir", "both", "both", "up", "down")
	hold := a.span("for", 10*time.Minute, 0)
	l := a.span("res", 0, time.Millisecond)
	if a.err != nil {
		return nil, a.err
	}
	win, err := ev.rangeWindows(a.arg("v"), a.grid)
	if err != nil {
		return nil, err
	}
	back := max(settleTimes*hold, settleBuckets*max(l, analysis.DefaultRes, win.Range/analysis.MinPoints))
	j, err := a.judge(ctx, 0, back)
	if err != nil {
		return nil, err
	}
	outside := func(score float64) float64 {
		if math.Abs(score) < 1 || dir == "up" && score < 0 || dir == "down" && score > 0 {
			return 0
		}
		return math.Copysign(1, score)
	}
	return j.each(ctx, j.single, func(s *Samples, b *baselines, t int64, out []float64) error {
		m, err := b.For(t)
		if err != nil {
			return err
		}
		value, n := analysis.Mean(s.Times, s.Values, t-m.Res, t)
		if n == 0 {
			return nil
		}
		out[0] = 0
		band := m.At(t)
		side := outside(band.Score(value))
		if side == 0 {
			return nil
		}
		count := int((hold + m.Res - 1) / m.Res)
		for k := 1; k < count; k++ {
			at := t - int64(k)*m.Res
			before, err := b.For(at)
			if err != nil {
				return err
			}
			v, n := analysis.Mean(s.Times, s.Values, at-m.Res, at)
			if n > 0 && outside(before.At(at).Score(v)) != side {
				return nil
			}
		}
		var recent []float64
		for k := 1; k <= max(settleTimes*count, settleBuckets); k++ {
			at := t - int64(k)*m.Res
			if v, n := analysis.Mean(s.Times, s.Values, at-m.Res, at); n > 0 {
				recent = append(recent, v)
			}
		}
		if len(recent) >= settleBuckets/2 && settled(recent, value, band, side) {
			return nil
		}
		out[0] = 1
		return nil
	})
}

// settled reports whether a value lies where the recent ones lay: their median
// is outside the band on the same side and no further from it than the band is
// wide or the recent values themselves scatter.
func settled(recent []float64, value float64, band analysis.Band, side float64) bool {
	m := analysis.Median(recent)
	if band.Score(m)*side < 1 {
		return false
	}
	for i := range recent {
		recent[i] = math.Abs(recent[i] - m)
	}
	half := band.Upper - band.Expected
	if side < 0 {
		half = band.Expected - band.Lower
	}
	return math.Abs(value-m) <= max(half, 4*1.4826*analysis.Median(recent))
}
