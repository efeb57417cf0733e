package analysis

import (
	"math"
	"slices"
	"sync"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// MaxScore bounds the size of a score, so that a value far outside the band of
// a series that never moved still has a finite one.
const MaxScore = 1e6

// flatShare is the half-width of the band of a series without any spread, as
// a share of its level: a series that never moved has moved.
const flatShare = 1e-3

// BaselineOptions declare how a band is fitted.
type BaselineOptions struct {
	Seasons Seasons
	// Zone is the clock that days and weeks are read on; nil is UTC.
	Zone *time.Location
	// Q is the share of ordinary values that lie within the band, in (0, 1);
	// zero means 0.99.
	Q float64
	// MinAbs and MinRel are the least half-width of the band, in the values'
	// unit and as a share of the expected value.
	MinAbs, MinRel float64
	// Exclude lists stretches that are left out of training.
	Exclude []Interlude
}

func (o BaselineOptions) withDefaults() BaselineOptions {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if !(o.Q > 0 && o.Q < 1) {
		o.Q = 0.99
	}
	return o
}

// Band is what a baseline expects of the values at one time.
type Band struct{ Lower, Expected, Upper float64 }

// Score says where v lies: 0 is the expected value, +1 the upper and −1 the
// lower edge of the band, linear on either side and bounded by MaxScore. NaN
// for a value that is not finite.
func (b Band) Score(v float64) float64 {
	if !finite(v) || !finite(b.Expected) {
		return math.NaN()
	}
	// Halves keep the differences of huge values finite.
	d, edge := v/2-b.Expected/2, b.Upper/2-b.Expected/2
	if d < 0 {
		edge = b.Expected/2 - b.Lower/2
	}
	if d == 0 {
		return 0
	}
	s := d / edge
	if !(math.Abs(s) < MaxScore) {
		return math.Copysign(MaxScore, d)
	}
	return s
}

// side is the spread of the residuals on one side of the expected value.
type side struct {
	// scale is the spread by phase of the finest season (one entry without a
	// season) and width the number of scales from the expected value to the
	// edge.
	scale []float64
	width float64
}

// Baseline is the band fitted on one window.
type Baseline struct {
	// From, To is the window (From, To], Res its resolution, in milliseconds.
	From, To, Res int64
	// Points is the number of filled buckets it was fitted on.
	Points int
	// Season names the seasons found or declared: "none", "1d", "1w", "1d,1w".
	Season string

	opts   BaselineOptions
	model  *structure
	spread *clock // the season whose phases the scales follow; nil without
	sides  [2]side
	// floor is the least half-width from the data itself.
	floor float64
	// resid are the residuals, idx their phases in spread; tails are fitted to
	// them when a probability is asked for.
	resid []float32
	idx   []int32
	tails func() *tails
	unit  float64 // of resid, where float32 would not hold them
	// counts says that the values are counts with at least Poisson noise, of
	// which perBucket are averaged; extra is what the mean has over the
	// expected (median) value.
	counts           bool
	perBucket, extra float64
}

// FitBaseline fits the band of the window (from, to] at the resolution res.
//
// The expected value is a robust line plus seasons ([Seasons]; see
// fitStructure for how they are found). The width follows the residuals of
// values the model had not seen: on either side separately, the distance of
// the quartile from the median, by phase of the shortest season, drawn
// towards the whole window's where a phase has few values. The number of such
// scales up to the edge is the quantile Q of the scaled residuals, read from a
// Weibull curve through their upper quartile and upper twentieth, and never
// more than a tenth beyond the quantile itself where there are 400 values: an
// incident that fills less than a twentieth of the window moves neither.
//
// Counts (whole, non-negative, and spread at least half as widely as a Poisson
// process) are never given a narrower band than the Poisson distribution of
// the expected count has (so that rare events do not alarm singly unless they
// are new); MinAbs and MinRel widen any band. A series without spread gets a
// band of a thousandth of its level.
//
// It needs 32 filled buckets, otherwise the error is a *ShortHistory. Cost is
// linear in samples and buckets up to the sorting of each phase.
//
// The parts are standard: seasonal medians and robust residual spread as in
// Kusto's series_decompose_anomalies and in Hochenbaum, Vallis and Kejariwal,
// "Automatic Anomaly Detection in the Cloud Via Statistical Learning" (2017);
// tail extrapolation as in Weibull quantile plots.
func FitBaseline(ts []int64, vs []float64, from, to, res int64, o BaselineOptions) (*Baseline, error) {
	o = o.withDefaults()
	b, err := Bucketize(ts, vs, from, to, res)
	if err != nil {
		return nil, err
	}
	b.drop(o.Exclude)
	if b.Filled < MinPoints {
		return nil, &ShortHistory{Have: b.Filled, Want: MinPoints, Res: res, Window: to - from}
	}
	m := &Baseline{From: from, To: to, Res: res, Points: b.Filled, opts: o, perBucket: b.PerBucket}
	var resid []float64
	m.model, resid = fitStructure(&b, o.Seasons, o.Zone)
	m.Season = m.model.name()

	var idx []int32
	if len(m.model.seasons) > 0 {
		c := m.model.seasons[0].clock
		m.spread = &c
		idx = c.indexes(&b)
	}
	all := values(resid)
	m.sides[0] = fitSide(resid, all, idx, m.spread, o.Q, -1)
	m.sides[1] = fitSide(resid, all, idx, m.spread, o.Q, +1)

	m.idx = idx
	m.resid = make([]float32, len(resid))
	top := 0.0
	for _, r := range resid {
		if math.Abs(r) > top { // NaN is not
			top = math.Abs(r)
		}
	}
	m.unit = 1
	if top > 1e30 || top > 0 && top < 1e-30 {
		m.unit = top
	}
	for i, r := range resid {
		m.resid[i] = float32(r / m.unit)
	}
	m.tails = sync.OnceValue(m.fitTails)
	level := values(b.V)
	m.floor = flatShare * (Select(level, 0.95) - Select(level, 0.05))
	if b.Whole {
		m.fitCounts(&b, all, level)
	}
	return m, nil
}

// fitCounts decides whether whole numbers behave as counts.
func (m *Baseline) fitCounts(b *Buckets, resid, level []float64) {
	// Values are cut off far out, but never below two events a bucket, so
	// that rare events count and incidents do not.
	middle := Select(resid, 0.5)
	cut := max(Select(resid, 0.98), middle+3*(Select(resid, 0.75)-middle), 2/b.PerBucket)
	mean, sq := 0.0, 0.0
	for _, r := range resid {
		r = min(r, cut)
		mean += r / float64(len(resid))
		sq += r * r / float64(len(resid))
	}
	rate := Select(level, 0.5) + max(mean, 0)
	if rate > 0 && (sq-mean*mean)*b.PerBucket >= 0.5*rate {
		m.counts, m.extra = true, max(mean, 0)
	}
}

// fitSide fits the spread on one side (sign −1 below, +1 above) of residuals.
// all holds them without the gaps, in any order.
func fitSide(resid, all []float64, idx []int32, c *clock, q float64, sign float64) side {
	center := Select(all, 0.5)
	whole := sign * (Select(all, 0.5+sign*0.25) - center) / quartile
	s := side{scale: []float64{whole}}
	if whole <= 0 || !finite(whole) {
		s.scale[0], c = 1, nil
	}
	if c != nil {
		s.scale = localScales(resid, idx, c.phases, whole, center, sign)
	}
	s.width = tail(s.scaled(resid, idx, center, sign), 1-(1-q)/2)
	return s
}

// scaled returns the residuals' distances from the centre on one side, in
// scales; zero for those on the other.
func (s *side) scaled(resid []float64, idx []int32, center, sign float64) []float64 {
	z := make([]float64, 0, len(resid))
	for i, r := range resid {
		if math.IsNaN(r) {
			continue
		}
		p := int32(0)
		if len(s.scale) > 1 {
			p = idx[i]
		}
		z = append(z, max(sign*(r-center)/s.scale[p], 0))
	}
	return z
}

// tails are distributions of what one window left unexplained.
type tails struct {
	// sides are those of the distances below and above, in scales.
	sides [2]survival
}

func (m *Baseline) fitTails() *tails {
	resid := make([]float64, len(m.resid))
	for i, r := range m.resid {
		resid[i] = float64(r) * m.unit
	}
	t := &tails{}
	center := Median(values(resid))
	for k := range t.sides {
		t.sides[k] = fitSurvival(m.sides[k].scaled(resid, m.idx, center, float64(2*k-1)))
	}
	return t
}

// Size returns about how many bytes the model takes.
func (m *Baseline) Size() int64 {
	n := 4*len(m.resid) + 4*len(m.idx) + 4096
	for _, s := range m.model.seasons {
		n += 12 * len(s.value)
	}
	for k := range m.sides {
		n += 8 * len(m.sides[k].scale)
	}
	return int64(n)
}

// quartile is the upper quartile of the standard normal distribution.
const quartile = 0.6744897501960817

// tail returns the p-quantile of one-sided distances z, which it reorders, read from the
// Weibull curve through the quantiles 0.75 and 0.95. Given that a distance is
// on this side (half of them are), the survival there is 1/2 and 1/10.
func tail(z []float64, p float64) float64 {
	a, b := Select(z, 0.75), Select(z, 0.95)
	if b <= 0 {
		return 0
	}
	survival := func(p float64) float64 { return -math.Log(min(2*(1-p), 1)) }
	slope := 1.0
	if a > 0 {
		slope = min(max(math.Log(b/a)/math.Log(survival(0.95)/survival(0.75)), 0.2), 2.5)
	}
	x := survival(p)
	if x <= 0 {
		return Select(z, p)
	}
	w := b * math.Pow(x/survival(0.95), slope)
	if len(z) >= 400 {
		w = min(w, 1.1*Select(z, p))
		// Rare spread that the quantile does not reach still counts.
		w = max(w, b)
	}
	return w
}

// localScales returns the quartile distance of the residuals by phase, each
// with its neighbours up to a forty-eighth of the season away, drawn towards
// the whole window's as if that were 20 values more.
func localScales(resid []float64, idx []int32, phases int, whole, center, sign float64) []float64 {
	// Neighbours are pooled by blocks of phases, so that every value counts
	// once however many phases the season has.
	width := max(phases/48, 1)
	blocks := (phases + width - 1) / width
	off := make([]int, blocks+1)
	for i, r := range resid {
		if !math.IsNaN(r) {
			off[int(idx[i])/width+1]++
		}
	}
	for k := range blocks {
		off[k+1] += off[k]
	}
	by := make([]float64, off[blocks])
	fill := slices.Clone(off[:blocks])
	for i, r := range resid {
		if !math.IsNaN(r) {
			k := int(idx[i]) / width
			by[fill[k]] = sign * (r - center)
			fill[k]++
		}
	}
	scale := make([]float64, blocks)
	for k := range scale {
		local := whole
		vs := by[off[k]:off[k+1]]
		if len(vs) > 0 {
			local = max(Select(vs, 0.75), 0) / quartile
		}
		n := float64(len(vs))
		scale[k] = (n*local + 20*whole) / (n + 20)
	}
	// Between the middles of blocks the scale is linear, so that it has no
	// steps.
	out := make([]float64, phases)
	for p := range out {
		x := (float64(p)+0.5)/float64(width) - 0.5
		f := math.Floor(x)
		i := (int(f) + blocks) % blocks
		j := (i + 1) % blocks
		out[p] = max(scale[i]*(1-(x-f))+scale[j]*(x-f), 0.3*whole)
	}
	return out
}

// At returns the band for the value of (t−Res, t].
func (m *Baseline) At(t int64) Band {
	middle := t - m.Res/2
	e := m.model.at(middle)
	half := [2]float64{}
	for k := range half {
		s := &m.sides[k]
		half[k] = max(s.scaleAt(m, middle)*s.width, m.opts.MinAbs, m.opts.MinRel*math.Abs(e), m.floor)
		// What is left of a flat series is the rounding of floats.
		if !(half[k] > 1e-9*math.Abs(e)) {
			half[k] = flatShare * math.Abs(e)
		}
		if half[k] == 0 {
			half[k] = flatShare
		}
	}
	if m.counts {
		lo, hi := poissonEdges((e+m.extra)*m.perBucket, (1+m.opts.Q)/2)
		half[0] = max(half[0], e-lo/m.perBucket)
		half[1] = max(half[1], hi/m.perBucket-e)
	}
	return Band{Lower: e - half[0], Expected: e, Upper: e + half[1]}
}

// poissonEdges returns the edges, between whole numbers, that a Poisson count
// of the given mean exceeds with probability at most 1−p on either side.
func poissonEdges(mean, p float64) (lo, hi float64) {
	mean = max(mean, 0)
	if mean > 200 {
		z := distuv.UnitNormal.Quantile(p)
		r := math.Sqrt(mean)
		return (r-z/2)*(r-z/2) - 0.5, (r+z/2)*(r+z/2) + 0.5
	}
	// Sum the probabilities from zero.
	term := math.Exp(-mean)
	sum, lo, found := 0.0, -0.5, false
	for k := 0.0; ; k++ {
		if sum+term > 1-p && !found {
			lo, found = k-0.5, true
		}
		sum += term
		if sum >= p || k > mean+50+12*math.Sqrt(mean) {
			return lo, k + 0.5
		}
		term *= mean / (k + 1)
	}
}
