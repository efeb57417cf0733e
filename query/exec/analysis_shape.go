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
	ex    []analysis.Interlude // left out of training
	by    map[int][]float64    // by length
	// What was learnt at boundaries, the newest few.
	at map[int64]*rarities
}

// rarities is what the training window of one boundary says of distances.
type rarities struct {
	lengths [3]int
	rarity  [3]analysis.Rarity
	err     error
}

func newCourses(s *Samples, from, to, res, window int64, later bool, ex []analysis.Interlude) (*courses, error) {
	c := &courses{most: int(window / res), later: later, ex: ex, by: map[int][]float64{}, at: map[int64]*rarities{}}
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
	lo, hi := c.bounds(from, to)
	part := analysis.Buckets{End: c.b.Time(lo), Res: c.b.Res, V: c.b.V[lo:hi]}
	for _, v := range part.V {
		if !math.IsNaN(v) {
			part.Filled++
		}
	}
	r.lengths = analysis.CourseLengths(&part)
	for k, m := range r.lengths {
		// What is too long for the history says nothing yet.
		rare, err := c.rarity(c.distances(m), lo, hi)
		if r.rarity[k] = rare; err != nil && k == 0 {
			r.err = err
		}
	}
	c.at[to] = r
	return r
}

// bounds returns the half-open range of the buckets that end in (from, to].
func (c *courses) bounds(from, to int64) (lo, hi int) {
	lo = min(max(c.index(from)+1, 0), len(c.b.V))
	return lo, min(max(c.index(to)+1, lo), len(c.b.V))
}

// rarity learns from values by bucket in [lo, hi), without those left out of
// training.
func (c *courses) rarity(v []float64, lo, hi int) (analysis.Rarity, error) {
	return analysis.NewRarity(analysis.Without(v[lo:hi], c.b.Time(lo), c.b.Res, c.ex))
}

// rare returns how rare the courses around the moment t are, as the mean −log10
// of their probabilities; NaN where none is known.
func (c *courses) rare(r *rarities, t int64) float64 {
	i := c.index(t)
	if i < 0 || i >= len(c.b.V) {
		return math.NaN()
	}
	sum, known := 0.0, false
	for k, m := range r.lengths {
		d := c.distances(m)[i]
		sum += r.rarity[k].Of(d)
		known = known || !math.IsNaN(d)
	}
	if !known {
		return math.NaN()
	}
	return sum / float64(len(r.lengths))
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
		c, err := newCourses(s, j.from, j.to, res, j.sched.Window, j.sched.Hindsight, excluded(j.ex, s.Labels))
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
			out[0] = c.rare(r, t) / rareEdge
			return nil
		}
	})
}

// coursesAt is courses and their resolution.
type coursesAt struct {
	*courses
	res int64
}
