package exec

import (
	"context"
	"math"

	"tidemark/query/analysis"
)

// courses is one series at one resolution, with the distances of its courses
// from those before.
type courses struct {
	b analysis.Buckets
	// most is how many buckets back a course is compared with.
	most  int
	later bool
	by    map[int][]float64 // by length
	// What was learnt at boundaries, the newest few.
	at map[int64]*rarities
}

// rarities is what the training window of one boundary says of distances.
type rarities struct {
	length      int
	long, short analysis.Rarity
	err         error
}

func newCourses(s *Samples, from, to, res, window int64, later bool) (*courses, error) {
	c := &courses{most: int(window / res), later: later, by: map[int][]float64{}, at: map[int64]*rarities{}}
	var err error
	c.b, err = analysis.Bucketize(s.Times, s.Values, max(from, s.Times[0]-res), min(to, s.Times[len(s.Times)-1]+res), res)
	return c, err
}

// distances returns the distances of courses of a length.
func (c *courses) distances(length int) []float64 {
	d, ok := c.by[length]
	if !ok {
		// A course and what its gaps hold lie within the window.
		d = analysis.Discords(c.b.V, length, max(c.most-length-maxHeld, length), c.later)
		if c.later { // of all courses that a bucket is part of
			d = analysis.Covering(d, length)
		}
		c.by[length] = d
	}
	return d
}

// index returns the bucket that ends at or before t.
func (c *courses) index(t int64) int { return int(floorDiv(t-c.b.End, c.b.Res)) }

// learn returns what the window (from, to] says.
func (c *courses) learn(from, to int64) *rarities {
	r, ok := c.at[to]
	if ok {
		return r
	}
	r = &rarities{}
	lo, hi := min(max(c.index(from)+1, 0), len(c.b.V)), min(max(c.index(to)+1, 0), len(c.b.V))
	part := analysis.Buckets{End: c.b.Time(lo), Res: c.b.Res, V: c.b.V[lo:max(lo, hi)]}
	for _, v := range part.V {
		if !math.IsNaN(v) {
			part.Filled++
		}
	}
	r.length = analysis.CourseLength(&part)
	r.long, r.err = analysis.NewRarity(c.distances(r.length)[lo:max(lo, hi)])
	if r.err == nil {
		r.short, r.err = analysis.NewRarity(c.distances(analysis.ShortCourse)[lo:max(lo, hi)])
	}
	c.at[to] = r
	return r
}

// rare returns how rare the long and the short course around the moment t are,
// as −log10 of their probability.
func (c *courses) rare(r *rarities, t int64) (long, short float64, ok bool) {
	at := func(length int) float64 {
		i := c.index(t)
		if i < 0 || i >= len(c.b.V) {
			return math.NaN()
		}
		return c.distances(length)[i]
	}
	l, s := at(r.length), at(analysis.ShortCourse)
	return r.long.Of(l), r.short.Of(s), !math.IsNaN(l) || !math.IsNaN(s)
}

// maxHeld is how many buckets before a course its gaps may hold a value of.
const maxHeld = 12

// rareEdge is the −log10 of the probability at which a score is 1.
const rareEdge = 2

// shapeJudge is judge with the courses of each series.
func (a *analysisCall) shapeJudge(ctx context.Context, back int64) (*judge, func(s *Samples, res int64) (*courses, error), error) {
	j, err := a.judge(ctx, 0, back)
	if err != nil {
		return nil, nil, err
	}
	// The distances of the training window look back by another window.
	j.from -= j.sched.Window
	if j.sched.Hindsight {
		j.to += j.sched.Window / 2
	}
	return j, func(s *Samples, res int64) (*courses, error) {
		c, err := newCourses(s, j.from, j.to, res, j.sched.Window, j.sched.Hindsight)
		if err != nil {
			return nil, errorAt(a.call.Pos, "%s: %v", a.call.Func.Name, err)
		}
		return c, nil
	}, nil
}

// evalShape answers anomaly_shape(v[w], …): how unlike any course of the
// window before the course up to this time is.
func (ev *evaluator) evalShape(ctx context.Context, a *analysisCall) (*Analysis, error) {
	j, courses, err := a.shapeJudge(ctx, 0)
	if err != nil {
		return nil, err
	}
	return j.eachSeparately(ctx, j.single, func(s *Samples) func(m *baselines, t int64, out []float64) error {
		var c *coursesAt
		return func(m *baselines, t int64, out []float64) error {
			res := m.resolution(t)
			if c == nil || c.res != res {
				made, err := courses(s, res)
				if err != nil {
					return err
				}
				c = &coursesAt{made, res}
			}
			r := c.learn(j.sched.Training(j.sched.Boundary(t, res)))
			if r.err != nil {
				return r.err
			}
			if long, short, ok := c.rare(r, t); ok {
				out[0] = (long + short) / 2 / rareEdge
			}
			return nil
		}
	})
}

// coursesAt is courses and their resolution.
type coursesAt struct {
	*courses
	res int64
}

// quietWindows is what part of the window the time is during which an onset
// must exceed everything: three days of four weeks.
const quietWindows = 28. / 3

// evalOnset answers anomaly_onset(v[w], …): by how much the surprise at this
// time exceeds all of the time before it. Surprise is the mean rarity of the
// value, of its change and of the two courses up to it.
func (ev *evaluator) evalOnset(ctx context.Context, a *analysisCall) (*Analysis, error) {
	win, err := ev.rangeWindows(a.arg("v"), a.grid)
	a.keep(err)
	quiet := a.span("quiet", 0, 0)
	if a.err != nil {
		return nil, a.err
	}
	if a.arg("quiet") == nil {
		quiet = int64(float64(win.Range) / quietWindows)
	}
	j, courses, err := a.shapeJudge(ctx, quiet)
	if err != nil {
		return nil, err
	}
	return j.eachSeparately(ctx, j.single, func(s *Samples) func(m *baselines, t int64, out []float64) error {
		var c *coursesAt
		surprise := map[int64]float64{} // by the end of a bucket
		return func(m *baselines, t int64, out []float64) error {
			res := m.resolution(t)
			if c == nil || c.res != res {
				made, err := courses(s, res)
				if err != nil {
					return err
				}
				c = &coursesAt{made, res}
				clear(surprise)
			}
			end := analysis.Floor(t, res)
			now, err := j.surprise(m, c, end, surprise)
			if err != nil || math.IsNaN(now) {
				return err
			}
			highest := 0.0
			for at := end - res; at > end-quiet; at -= res {
				v, err := j.surprise(m, c, at, surprise)
				if err == nil && v > highest {
					highest = v
				}
			}
			out[0] = max(now-highest, 0) / rareEdge
			return nil
		}
	})
}

// surprise is the mean −log10 of the probabilities of what the bucket that ends
// at t shows; NaN for an empty bucket. known keeps it.
func (j *judge) surprise(b *baselines, c *coursesAt, t int64, known map[int64]float64) (float64, error) {
	if v, ok := known[t]; ok {
		return v, nil
	}
	boundary := j.sched.Boundary(t, c.res)
	m, err := b.model(boundary, c.res)
	if err != nil {
		return math.NaN(), err
	}
	r := c.learn(j.sched.Training(boundary))
	if r.err != nil {
		return math.NaN(), r.err
	}
	i := c.index(t)
	if i < 1 || i >= len(c.b.V) || math.IsNaN(c.b.V[i]) {
		known[t] = math.NaN()
		return known[t], nil
	}
	log := func(p float64) float64 {
		if math.IsNaN(p) {
			return 0
		}
		return -math.Log10(max(p, 1e-12))
	}
	sum := log(m.PlainPValue(t, c.b.V[i])) + log(m.ChangePValue(t, c.b.V[i-1], c.b.V[i]))
	long, short, _ := c.rare(r, t)
	known[t] = (sum + long + short) / 4
	return known[t], nil
}
