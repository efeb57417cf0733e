package analysis

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// MinChangePoints is the least number of filled buckets in which changes are
// looked for.
const MinChangePoints = 12

const (
	// changeFloor is the standard deviation, as a share of the whole series's,
	// below which a segment counts as fitting perfectly: what cannot be seen
	// against the range of the series is no change.
	changeFloor = 0.2
	// changePenalty times log n is what a change must gain: a segment has a
	// level, a slope, a variance and a place, and the place counts twice since
	// it was looked for (Zhang and Siegmund 2007).
	changePenalty = 5
	// changeSegment is the least length of a segment in buckets.
	changeSegment = 3
	// maxChangeBuckets bounds the default resolution of a window.
	maxChangeBuckets = 1024
	// spikeScales is how many scales off the median of its seven neighbours a
	// bucket is a spike, and cut off before segments are fitted.
	spikeScales = 4
)

// ChangeType says what changed.
type ChangeType string

// The types of changes.
const (
	LevelChange    ChangeType = "level"
	TrendChange    ChangeType = "trend"
	VarianceChange ChangeType = "variance"
	Spike          ChangeType = "spike"
	Dip            ChangeType = "dip"
)

// Change is one change of a series.
type Change struct {
	// At is the end of the first bucket that is different.
	At   int64
	Type ChangeType
	// Effect is signed and in the values' unit: the step of a level, the
	// change of a slope times the length of the shorter side, the change of the
	// standard deviation, or the height of a spike.
	Effect float64
	// P bounds the probability that chance makes a change as clear as this
	// anywhere in the stretch between its neighbours.
	P float64

	index int
	gain  float64
}

// ChangeOptions declare how changes are looked for.
type ChangeOptions struct {
	Seasons Seasons
	// Max bounds the changes answered; the clearest are kept. Zero means all.
	Max int
	// Spikes asks for single spikes and dips, too.
	Spikes bool
	// Penalty overrides what a change must gain, in units of log n.
	Penalty float64
}

// ChangeResolution returns the default resolution of change points: the
// larger of the data's interval and a 1024th of the window, rounded up to a
// divisor of a day.
func ChangeResolution(ts []int64, from, to int64) int64 {
	return RoundUp(max(Interval(ts, from, to), (to-from)/maxChangeBuckets, 1))
}

// ChangePoints finds where the level, the slope or the variance of the window
// (from, to] changes, in the order of time.
//
// The buckets, seasons taken off and single spikes cut off, are cut into
// segments that are straight lines with a variance of their own: the
// segmentation that minimises Σ m·log(RSS/m + floor) plus a penalty per
// change, found exactly by PELT (Killick, Fearnhead and Eckley 2012), whose
// pruning the cost permits because log is concave. The floor keeps perfect
// fits of smooth series from being cut ever finer; the penalty is
// 5·log n.
//
// P is the likelihood-ratio test's of two lines against one within the
// neighbouring segments, by the χ² distribution with three degrees of freedom,
// times the number of places where the change could have been (Bonferroni),
// with the sample shortened to what the autocorrelation of the residuals leaves
// of it.
//
// It needs 12 filled buckets, otherwise the error is a *ShortHistory. O(n) for
// series with many changes, at worst O(n²). Failure modes: changes closer than three
// buckets; a slow bend is told as one or several changes of trend.
func ChangePoints(ts []int64, vs []float64, from, to, res int64, o ChangeOptions) ([]Change, error) {
	b, err := Bucketize(ts, vs, from, to, res)
	if err != nil {
		return nil, err
	}
	if b.Filled < MinChangePoints {
		return nil, &ShortHistory{Have: b.Filled, Want: MinChangePoints, Res: res, Window: to - from}
	}
	if len(b.V) > 1<<15 {
		return nil, fmt.Errorf("change points in %d buckets of %s: want at most %d, so a coarser res", len(b.V), Span(res), 1<<15)
	}
	s, _ := fitStructure(&b, o.Seasons, time.UTC)
	var y []float64
	var at []int64
	for i, v := range b.V {
		if !math.IsNaN(v) {
			y = append(y, v-s.season(b.Time(i)-res/2))
			at = append(at, b.Time(i))
		}
	}
	scale, shift := spread(y)
	if scale == 0 {
		return nil, nil
	}
	z := make([]float64, len(y))
	for i, v := range y {
		z[i] = v/scale - shift
	}
	calm, spikes := withoutSpikes(z)
	// The spikes took part in the scale.
	calmScale, calmShift := spread(calm)
	if calmScale == 0 {
		calm = z
		calmScale, calmShift = spread(z)
	}
	for i, v := range calm {
		calm[i] = v/calmScale - calmShift
	}
	penalty := o.Penalty
	if penalty <= 0 {
		penalty = changePenalty
	}
	sums := newLineSums(calm)
	cuts := pelt(len(calm), changeSegment, penalty*math.Log(float64(len(calm))), sums.cost)
	var out []Change
	for k, c := range cuts {
		lo, hi := 0, len(calm)
		if k > 0 {
			lo = cuts[k-1]
		}
		if k+1 < len(cuts) {
			hi = cuts[k+1]
		}
		ch := sums.describe(lo, c, hi)
		ch.At, ch.Effect = at[c], ch.Effect*scale*calmScale
		out = append(out, ch)
	}
	if o.Spikes {
		for i, d := range spikes {
			t := Spike
			if d < 0 {
				t = Dip
			}
			n := float64(len(z))
			out = append(out, Change{At: at[i], Type: t, Effect: d * scale, gain: math.Abs(d), index: i,
				P: min(1, n*2*distuv.UnitNormal.Survival(math.Abs(d)/max(math.Sqrt(sums.noise()), 1e-9)))})
		}
	}
	if o.Max > 0 && len(out) > o.Max {
		slices.SortStableFunc(out, func(a, b Change) int { return cmp.Compare(b.gain, a.gain) })
		out = out[:o.Max]
	}
	slices.SortStableFunc(out, func(a, b Change) int { return cmp.Compare(a.At, b.At) })
	return out, nil
}

// spread returns the standard deviation of finite values and their mean in
// units of it.
func spread(y []float64) (sd, mean float64) {
	top := 0.0
	for _, v := range y {
		top = max(top, math.Abs(v))
	}
	if top == 0 {
		return 0, 0
	}
	for _, v := range y {
		mean += v / top / float64(len(y))
	}
	for _, v := range y {
		sd += (v/top - mean) * (v/top - mean) / float64(len(y))
	}
	sd = math.Sqrt(sd)
	if sd < 1e-12 {
		return 0, 0
	}
	return sd * top, mean / sd
}

// withoutSpikes returns the values with single ones that lie far off the
// median of their seven neighbours brought back to it (Hampel's filter), and by
// how much each was off.
func withoutSpikes(y []float64) (out []float64, spikes map[int]float64) {
	out, spikes = slices.Clone(y), map[int]float64{}
	var near, dev [7]float64
	for i := range y {
		n := copy(near[:], y[max(0, i-3):min(len(y), i+4)])
		m := Median(near[:n])
		for k, v := range y[max(0, i-3):min(len(y), i+4)] {
			dev[k] = math.Abs(v - m)
		}
		if s := madToSigma * Median(dev[:n]); s > 0 && math.Abs(y[i]-m) > spikeScales*s {
			out[i], spikes[i] = m, y[i]-m
		}
	}
	return out, spikes
}

// lineSums holds prefix sums from which the residual sum of squares of a
// straight line through any stretch is read in O(1).
type lineSums struct{ y, yy, xy []float64 }

func newLineSums(v []float64) *lineSums {
	n := len(v)
	s := &lineSums{make([]float64, n+1), make([]float64, n+1), make([]float64, n+1)}
	for i, f := range v {
		s.y[i+1] = s.y[i] + f
		s.yy[i+1] = s.yy[i] + f*f
		s.xy[i+1] = s.xy[i] + float64(i)*f
	}
	return s
}

// line returns level at the middle, slope and residual sum of squares of
// [a, b).
func (s *lineSums) line(a, b int) (level, slope, rss float64) {
	n := float64(b - a)
	mid := float64(a) + (n-1)/2
	sum := s.y[b] - s.y[a]
	level = sum / n
	rss = s.yy[b] - s.yy[a] - sum*level
	if b-a > 1 {
		xx := n * (n*n - 1) / 12
		xy := s.xy[b] - s.xy[a] - mid*sum
		slope = xy / xx
		rss -= xy * slope
	}
	return level, slope, max(rss, 0)
}

func (s *lineSums) cost(a, b int) float64 {
	_, _, rss := s.line(a, b)
	m := float64(b - a)
	return m * math.Log(rss/m+changeFloor*changeFloor)
}

// noise is the variance of the differences between neighbours, halved.
func (s *lineSums) noise() float64 {
	n := len(s.y) - 1
	sum := 0.0
	for i := 1; i < n; i++ {
		d := s.y[i+1] - 2*s.y[i] + s.y[i-1]
		sum += d * d / 2 / float64(n-1)
	}
	return sum
}

// value is a single value.
func (s *lineSums) value(i int) float64 { return s.y[i+1] - s.y[i] }

// describe says what changes at c between the segments [lo, c) and [c, hi).
func (s *lineSums) describe(lo, c, hi int) Change {
	la, sa, ra := s.line(lo, c)
	lb, sb, rb := s.line(c, hi)
	_, _, whole := s.line(lo, hi)
	na, nb := float64(c-lo), float64(hi-c)
	n := na + nb
	ch := Change{index: c, gain: s.cost(lo, hi) - s.cost(lo, c) - s.cost(c, hi)}

	// The residuals' autocorrelation at lag one shortens the sample.
	var num, den float64
	before := math.NaN()
	for i := lo; i < hi; i++ {
		var r float64
		if i < c {
			r = s.value(i) - la - sa*(float64(i)-float64(lo+c-1)/2)
		} else {
			r = s.value(i) - lb - sb*(float64(i)-float64(c+hi-1)/2)
		}
		den += r * r
		if i != lo && i != c {
			num += r * before
		}
		before = r
	}
	share := 1.0
	if den > 1e-12*n {
		rho := min(max(num/den, 0), 0.95)
		share = (1 - rho) / (1 + rho)
	}
	ch.P = min(1, max(n-2*changeSegment, 1)*distuv.ChiSquared{K: 3}.Survival(max(ch.gain, 0)*share))

	// One line for both sides is as good: only the variance changed.
	floor := changeFloor * changeFloor / 4
	if n*math.Log((whole/n+floor)/((ra+rb)/n+floor)) < 2*math.Log(n) {
		ch.Type, ch.Effect = VarianceChange, math.Sqrt(rb/nb)-math.Sqrt(ra/na)
		return ch
	}
	// A step with one slope, or a bend without a step?
	step := s.step(lo, c, hi)
	bend := s.bend(lo, c, hi)
	at := float64(c) - 0.5
	jump := lb + sb*(at-float64(c+hi-1)/2) - la - sa*(at-float64(lo+c-1)/2)
	if bend < step {
		ch.Type, ch.Effect = TrendChange, (sb-sa)*min(na, nb)
		return ch
	}
	ch.Type, ch.Effect = LevelChange, jump
	if na < 2*changeSegment || nb < 2*changeSegment || jump*(lb-la) <= 0 {
		ch.Effect = lb - la // slopes of few points mean nothing
	}
	return ch
}

// step is the residual sum of squares of two parallel lines.
func (s *lineSums) step(lo, c, hi int) float64 {
	var xx, xy, yy float64
	for _, p := range [][2]int{{lo, c}, {c, hi}} {
		n := float64(p[1] - p[0])
		_, slope, rss := s.line(p[0], p[1])
		x := n * (n*n - 1) / 12
		xx += x
		xy += slope * x
		yy += rss + slope*slope*x
	}
	if xx == 0 {
		return yy
	}
	return max(yy-xy*xy/xx, 0)
}

// bend is the residual sum of squares of two lines that meet at c.
func (s *lineSums) bend(lo, c, hi int) float64 {
	// Least squares on 1, x and max(x, 0), x counted from c − ½.
	var m [3][3]float64
	var v [3]float64
	total := 0.0
	for i := lo; i < hi; i++ {
		x := float64(i-c) + 0.5
		f := [3]float64{1, x, max(x, 0)}
		y := s.value(i)
		total += y * y
		for a := range f {
			v[a] += f[a] * y
			for b := range f {
				m[a][b] += f[a] * f[b]
			}
		}
	}
	beta, ok := solve3(m, v)
	if !ok {
		return math.Inf(1)
	}
	for a := range v {
		total -= beta[a] * v[a]
	}
	return max(total, 0)
}

// solve3 solves a symmetric 3×3 system by elimination with pivoting.
func solve3(m [3][3]float64, v [3]float64) (x [3]float64, ok bool) {
	for c := range 3 {
		p := c
		for r := c + 1; r < 3; r++ {
			if math.Abs(m[r][c]) > math.Abs(m[p][c]) {
				p = r
			}
		}
		if math.Abs(m[p][c]) < 1e-12 {
			return x, false
		}
		m[c], m[p] = m[p], m[c]
		v[c], v[p] = v[p], v[c]
		for r := c + 1; r < 3; r++ {
			f := m[r][c] / m[c][c]
			for k := c; k < 3; k++ {
				m[r][k] -= f * m[c][k]
			}
			v[r] -= f * v[c]
		}
	}
	for c := 2; c >= 0; c-- {
		x[c] = v[c]
		for k := c + 1; k < 3; k++ {
			x[c] -= m[c][k] * x[k]
		}
		x[c] /= m[c][c]
	}
	return x, true
}

// pelt returns the cuts of [0, n) into segments of at least least that
// minimise the sum of their costs and a penalty per cut. The cost must not
// rise when a segment is cut in two (Killick, Fearnhead and Eckley 2012).
func pelt(n, least int, penalty float64, cost func(a, b int) float64) []int {
	best := make([]float64, n+1)
	from := make([]int, n+1)
	best[0] = -penalty
	for i := 1; i <= n; i++ {
		best[i] = math.Inf(1)
	}
	// A start that is beaten at t by a cut there is beaten at every later end
	// that this cut allows, so from t + least on.
	type start struct{ at, until int }
	starts := []start{{0, math.MaxInt}}
	for t := least; t <= n; t++ {
		kept := starts[:0]
		for _, s := range starts {
			if s.until <= t {
				continue
			}
			c := best[s.at] + cost(s.at, t)
			if c+penalty < best[t] {
				best[t], from[t] = c+penalty, s.at
			}
			kept = append(kept, s)
		}
		starts = kept
		for i, s := range starts {
			if s.until == math.MaxInt && best[s.at]+cost(s.at, t) > best[t] {
				starts[i].until = t + least
			}
		}
		if next := t + 1 - least; next >= least {
			starts = append(starts, start{next, math.MaxInt})
		}
	}
	var cuts []int
	for t := n; t > 0; t = from[t] {
		if from[t] > 0 {
			cuts = append(cuts, from[t])
		}
	}
	slices.Reverse(cuts)
	return cuts
}
