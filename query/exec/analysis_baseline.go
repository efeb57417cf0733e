package exec

import (
	"context"
	"math"
	"slices"

	"tidemark/query/analysis"
	"tidemark/query/plan"
)

// schedule returns when models of a range argument are refitted, and the
// argument's windows over the grid.
func (a *analysisCall) schedule(n plan.Node, refit int64) (analysis.Schedule, Windows) {
	win, err := a.ev.rangeWindows(n, a.grid)
	a.keep(err)
	return analysis.NewSchedule(max(win.Range, 1), refit), win
}

// maxRes bounds the resolution that is found in the data, for knowing what to
// read: of a coarser one a window has fewer points than any model needs.
func maxRes(l learning, s analysis.Schedule) int64 {
	if l.res > 0 {
		return l.res
	}
	return max(analysis.DefaultRes, s.Window/analysis.MinPoints)
}

// fitted is what came of fitting one boundary.
type fitted struct {
	model *analysis.Baseline
	err   error
}

// baselines fits, and keeps, the models of one series as times ascend.
type baselines struct {
	s     *Samples
	sched analysis.Schedule
	opts  analysis.BaselineOptions
	res   int64 // 0: from the data
	// resAt is the resolution found at the boundary resFor; models are kept for
	// the newest boundaries only, because times ascend.
	resFor, resAt int64
	known         bool
	at            map[[2]int64]fitted
	// kept are models of earlier queries with the same options; may be nil.
	kept    *Models
	options uint64
}

// For returns the model that judges the time t, or why there is none.
func (b *baselines) For(t int64) (*analysis.Baseline, error) {
	res := b.resolution(t)
	return b.model(b.sched.Boundary(t, res), res)
}

// resolution returns the resolution at which t is judged: the one declared, or
// the one found in the window of the boundary before t − 5m, so that it depends
// on t and the data alone.
func (b *baselines) resolution(t int64) int64 {
	if b.res != 0 {
		return b.res
	}
	at := b.sched.Boundary(t, analysis.DefaultRes)
	if !b.known || at != b.resFor {
		from, to := b.sched.Training(at)
		b.resFor, b.resAt, b.known = at, analysis.Resolution(b.s.Times, from, to), true
	}
	return b.resAt
}

// keptModels is how many models of a series are kept; times ascend, and some
// functions look back by a few boundaries.
const keptModels = 16

// at0 returns the model of a boundary.
func (b *baselines) model(boundary, res int64) (*analysis.Baseline, error) {
	key := [2]int64{boundary, res}
	f, ok := b.at[key]
	if !ok {
		from, to := b.sched.Training(boundary)
		f = b.fit(from, to, res)
		if len(b.at) >= keptModels {
			for k := range b.at {
				if k[0] < boundary {
					delete(b.at, k)
				}
			}
		}
		b.at[key] = f
	}
	return f.model, f.err
}

// fit fits the window (from, to], or finds it fitted by an earlier query.
func (b *baselines) fit(from, to, res int64) (f fitted) {
	var key modelKey
	if b.kept != nil {
		in := b.s.in(analysis.Interlude{From: from, To: to})
		key = modelKey{data: hashSamples(in), options: b.options, from: from, to: to, res: res}
		if f, ok := b.kept.get(key); ok {
			return f
		}
	}
	f.model, f.err = analysis.FitBaseline(b.s.Times, b.s.Values, from, to, res, b.opts)
	if b.kept != nil {
		b.kept.put(key, f)
	}
	return f
}

// judged is what one series answers.
type judged struct {
	cols []*Column
	why  error // too little history
}

// bandNames are the values of the label band.
var bandNames = [...]string{"lower", "expected", "upper"}

// evalBaseline answers baseline(v[w], …) and anomaly_score(v[w], …).
//
// The value judged at t is the mean over (t−res, t]; the model is that of the
// last refit boundary at or before t−res. A score needs a judged value; a band
// goes on for one refit distance after the last sample (at least for one
// bucket).
func (ev *evaluator) evalBaseline(ctx context.Context, a *analysisCall) (*Analysis, error) {
	scores := a.call.Func.Name == "anomaly_score"
	dir := "both"
	if scores {
		dir = a.text("dir", "both", "both", "up", "down")
	}
	j, err := a.judge(ctx, 0, 0)
	if err != nil {
		return nil, err
	}
	v, win, steps := j.v, j.win, a.grid.Len()
	work := func(ctx context.Context, s *Samples) (judged, error) {
		models := j.models(s)
		labels := dropName(s.Labels)
		var out judged
		var score *Column
		bands := map[string][3]*Column{}
		for i := range steps {
			if i&63 == 0 && ctx.Err() != nil {
				return out, ctx.Err()
			}
			if win.Fixed && i > 0 { // every step is the first
				break
			}
			_, t := win.Bounds(i)
			if !near(s.Times, t, j.alive) {
				continue
			}
			m, err := models.For(t)
			if err != nil {
				why, fatal := a.short(err)
				if fatal != nil {
					return out, fatal
				}
				out.why = why
				continue
			}
			if !scores {
				cols, ok := bands[m.Season]
				if !ok {
					for k, name := range bandNames {
						cols[k] = NewColumn(labels.With("band", name).With("season", m.Season), steps)
						out.cols = append(out.cols, cols[k])
					}
					bands[m.Season] = cols
				}
				b := m.At(t)
				for k, f := range [...]float64{b.Lower, b.Expected, b.Upper} {
					cols[k].Set(i, f)
				}
				continue
			}
			value, n := analysis.Mean(s.Times, s.Values, t-m.Res, t)
			if n == 0 {
				continue
			}
			f := m.At(t).Score(value)
			switch {
			case math.IsNaN(f):
				continue
			case dir == "up":
				f = max(f, 0)
			case dir == "down":
				f = min(f, 0)
			}
			if score == nil {
				score = NewColumn(labels, steps)
				out.cols = append(out.cols, score)
			}
			score.Set(i, f)
		}
		return out, nil
	}
	ans := &Analysis{}
	err = eachSeries(ctx, a, v, j.from, j.to, work, func(s *Samples, r judged) error {
		a.missing.add(s.Labels, r.why)
		return a.emit(ans, win, r.cols...)
	})
	return ans, err
}

// emit adds columns to the answer, accounts for them, and spreads those of
// fixed windows, which have the first step only.
func (a *analysisCall) emit(ans *Analysis, win Windows, cols ...*Column) error {
	for _, c := range cols {
		if err := a.ev.hold(len(c.Values)); err != nil {
			return err
		}
		if win.Fixed && c.Present.Has(0) {
			c.fill(c.Values[0])
		}
		ans.Columns = append(ans.Columns, c)
	}
	return nil
}

// near reports whether there is a sample in (t−d, t].
func near(times []int64, t, d int64) bool {
	i, _ := slices.BinarySearch(times, t+1)
	return i > 0 && times[i-1] > t-d
}
