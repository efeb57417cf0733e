package exec

import (
	"context"
	"math"

	"tidemark/query/analysis"
)

const (
	// quietBuckets is for how many buckets nothing may have been surprising
	// before an onset, and quietWindows how many of these stretches the window
	// has at least.
	quietBuckets = 100
	quietWindows = 8
	// onsetCourse is the length of the long course in buckets.
	onsetCourse = 48
	// onsetMost is how many filled buckets back courses are compared: four weeks
	// of five minutes.
	onsetMost = 8064
	// onsetEdge is the mean −log10 of the probabilities at which something
	// begins.
	onsetEdge = 1.2
)

// arrivals is what one series shows, by bucket.
type arrivals struct {
	*courses
	long, short, low, usual []float64
	// learnt are the rarities at boundaries, surprise by the end of a bucket.
	learnt   map[int64]*arrivalRarities
	surprise map[int64]float64
}

// arrivalRarities is what the training window of a boundary says of each.
type arrivalRarities struct {
	long, short, low, usual analysis.Rarity
	err                     error
}

func (j *judge) newArrivals(c *courses) *arrivals {
	o := &arrivals{courses: c, learnt: map[int64]*arrivalRarities{}, surprise: map[int64]float64{}}
	most := min(c.most, onsetMost)
	o.long = analysis.FilledDiscords(c.b.V, onsetCourse, most, c.most)
	o.short = analysis.FilledDiscords(c.b.V, analysis.ShortCourse, most, c.most)
	o.low = make([]float64, len(c.b.V))
	for i, v := range c.b.V {
		o.low[i] = -v
	}
	o.usual = analysis.Unusual(&c.b, c.most, j.l.zone)
	return o
}

// learn returns what the window (from, to] says.
func (o *arrivals) learn(from, to int64) *arrivalRarities {
	r, ok := o.learnt[to]
	if ok {
		return r
	}
	r = &arrivalRarities{}
	lo, hi := o.bounds(from, to)
	r.low, r.err = o.rarity(o.low, lo, hi)
	// What needs longer than the values themselves says nothing yet.
	r.long, _ = o.rarity(o.long, lo, hi)
	r.short, _ = o.rarity(o.short, lo, hi)
	r.usual, _ = o.rarity(o.usual, lo, hi)
	o.learnt[to] = r
	return r
}

// at is the mean −log10 of the probabilities of what the bucket that ends at t
// shows; NaN for an empty bucket.
func (o *arrivals) at(sched analysis.Schedule, t int64) (float64, error) {
	if v, ok := o.surprise[t]; ok {
		return v, nil
	}
	r := o.learn(sched.Training(sched.Boundary(t, o.b.Res)))
	if r.err != nil {
		return math.NaN(), r.err
	}
	v := math.NaN()
	if i := o.index(t); i >= 0 && i < len(o.b.V) && !math.IsNaN(o.b.V[i]) {
		v = (r.long.Of(o.long[i]) + r.short.Of(o.short[i]) + r.low.Of(o.low[i]) + r.usual.Of(o.usual[i])) / 4
	}
	o.surprise[t] = v
	return v, nil
}

// evalOnset answers anomaly_onset(v[w], …): how surprising this time is, where
// nothing was for a while before. Surprise is the mean rarity of the long and the
// short course up to it, of the value where it is low (distances of courses
// are of squares, which large values make large by themselves), and of its
// distance from what the hour of the week usually has.
func (ev *evaluator) evalOnset(ctx context.Context, a *analysisCall) (*Analysis, error) {
	win, err := ev.rangeWindows(a.arg("v"), a.grid)
	a.keep(err)
	most := win.Range / quietWindows
	quiet := a.span("quiet", 0, 0)
	if a.err != nil {
		return nil, a.err
	}
	j, courses, err := a.shapeJudge(ctx, max(quiet, most))
	if err != nil {
		return nil, err
	}
	if j.l.refit == 0 { // learning costs little here
		j.sched.Refit = min(j.sched.Refit, analysis.Day)
	}
	given := a.arg("quiet") != nil
	return j.eachSeparately(ctx, j.single, func(s *Samples) func(m *baselines, t int64, out []float64) error {
		var o *arrivals
		return func(m *baselines, t int64, out []float64) error {
			res := m.resolution(t)
			if o == nil || o.b.Res != res {
				c, err := courses(s, res)
				if err != nil {
					return err
				}
				o = j.newArrivals(c)
			}
			quiet := quiet
			if !given {
				quiet = min(quietBuckets*res, most)
			}
			end := analysis.Floor(t, res)
			now, err := o.at(j.sched, end)
			if err != nil || math.IsNaN(now) {
				return err
			}
			out[0] = now / onsetEdge
			for at := end - res; now >= onsetEdge && at > end-quiet; at -= res {
				if v, err := o.at(j.sched, at); err == nil && v >= onsetEdge {
					out[0] = 0
					break
				}
			}
			return nil
		}
	})
}
