package analysis

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// ForecastOptions declare how a forecast is fitted.
type ForecastOptions struct {
	Seasons Seasons
	// Zone is the clock that days and weeks are read on; nil is UTC.
	Zone *time.Location
	// Model is "auto" (also "") or one of the members of the ensemble.
	Model string
	// Exclude lists stretches that are left out of training.
	Exclude []Interlude
}

// ForecastModels names the values of ForecastOptions.Model.
var ForecastModels = []string{"auto", "linear", "local", "level", "mean", "seasonal"}

// ForecastResolution returns the default resolution of a forecast from a
// window: the larger of five minutes, the data's own interval and a 2048th of
// the window, rounded up to a divisor of a day.
func ForecastResolution(ts []int64, from, to int64) int64 {
	return RoundUp(max(DefaultRes, Interval(ts, from, to), (to-from)/2048))
}

// The members of the ensemble, by index.
const (
	byLine   = iota // linear: one robust line through the whole window
	byRecent        // local: a robust line through its last quarter
	byLevel         // level: the last value goes on
	byMean          // mean: the median of the window goes on
	byPeriod        // seasonal: the last three periods of the longest season repeat
	members
)

const (
	// origins is how many rolling origins errors are measured from.
	origins = 16
	// probes is how many horizons are measured from each of them.
	probes = 48
	// groups is how many ranges of horizon have weights and scales of their
	// own; each is twice as far as the one before.
	groups = 12
	// hidden widens measured errors: the weights were chosen, and the seasons
	// found, with the data they are measured on. On every other of the M4 hourly
	// and weekly series it brings what falls into the 80 % interval from 69 % and
	// 76 % to 76 % and 82 %; on the rest, from 67 % and 77 % to 74 % and 82 %.
	hidden = 1.2
	// discard is how much worse than the best member one may be and still
	// take part.
	discard = 1.5
)

// Forecast is a model of what follows one window.
type Forecast struct {
	// From, Origin is the window (From, Origin], Res its resolution, in
	// milliseconds. Points is the number of filled buckets.
	From, Origin, Res int64
	Points            int
	// Season names the seasons found or declared, as in Baseline.
	Season string

	model *structure
	at    [members]func(middle int64) float64
	// weights and scale are by group of horizon; tested is the last group
	// with measured errors and reach the longest measured horizon.
	weights [groups][members]float64
	scale   [groups]float64
	tested  int
	reach   int64
	// z is the sorted errors in scales, their median taken off.
	z []float64
	// growth is the power with which the scale grows beyond reach.
	growth float64
	// wander times the power 1.5 of a horizon is the least scale beyond reach
	// where lines decide: the slope itself moves.
	wander float64
	// positive says that no value of the window is negative, so that no
	// forecast is.
	positive bool
}

// FitForecast fits a forecast to the window (from, origin] at the resolution
// res.
//
// Seasons are those of a baseline (see fitStructure) and are taken off. What is
// left is carried on in five ways: a robust line (Theil–Sen) through the whole
// window, one through its last quarter, the last value, the median, and for
// seasonal data the last periods as they were. Sixteen rolling origins in the
// window's second half say how far each is off by range of horizon; the
// members are combined by the inverse squares of these errors, those more than
// half again as bad as the best left out. Near and far horizons thus have
// weights of their own: a last value is hard to beat for the next hour and a
// trend for the next month. The errors of the combination from the same
// origins are the intervals: their scale by range of horizon, never falling
// with it, times the quantile of all scaled errors. Beyond the longest measured
// horizon the scale grows with its root, and where lines decide in proportion
// or, up to the power 1.5, as it was measured to grow, and at least as slopes
// that move as those of the window's quarters let it.
//
// Combination by past errors is Bates and Granger's (1969), rolling origins
// Tashman's (2000), and that simple robust members combined do well what
// Makridakis, Spiliotis and Assimakopoulos found in M4 (2020).
//
// It needs 32 filled buckets, otherwise the error is a *ShortHistory; a season
// needs three of its periods. Cost is linear in samples and buckets plus a
// constant (16 origins × 2,016 slopes).
//
// Failure modes: a change of slope later than the last quarter; seasons that
// grow with the level; anything that has never happened in the window.
func FitForecast(ts []int64, vs []float64, from, origin, res int64, o ForecastOptions) (*Forecast, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	only := -1
	if o.Model != "" && o.Model != "auto" {
		if only = slices.Index(ForecastModels, o.Model) - 1; only < 0 {
			return nil, fmt.Errorf("model %q: want one of %q", o.Model, ForecastModels)
		}
	}
	b, err := Bucketize(ts, vs, from, origin, res)
	if err != nil {
		return nil, err
	}
	b.drop(o.Exclude)
	if b.Filled < MinPoints {
		return nil, &ShortHistory{Have: b.Filled, Want: MinPoints, Res: res, Window: origin - from}
	}
	f := &Forecast{From: from, Origin: origin, Res: res, Points: b.Filled, positive: true}
	for _, v := range b.V {
		if v < 0 {
			f.positive = false
		}
	}
	var resid []float64
	f.model, resid = fitStructure(&b, o.Seasons, o.Zone)
	f.Season = f.model.name()
	p := newPast(&b, f.model, resid)
	f.at = p.members(len(b.V))
	f.measure(p, only)
	return f, nil
}

// past is a window prepared for fitting from any of its moments.
type past struct {
	b *Buckets
	s *structure
	// flat is the window without its seasons; x, y are its block medians and
	// ends the bucket at which each block ends (exclusive).
	flat []float64
	x    []int64
	y    []float64
	ends []int
	// unseen is by how much each bucket's season is off when it is learnt
	// from the other periods only.
	unseen []float64
	// usual is the usual change from bucket to bucket, as a standard deviation.
	usual float64
	first int // the first filled bucket
}

// newPast prepares a window; resid is what fitStructure left of it.
func newPast(b *Buckets, s *structure, resid []float64) *past {
	p := &past{b: b, s: s, flat: slices.Clone(b.V), unseen: make([]float64, len(b.V)), first: -1}
	for i := range p.flat {
		middle := b.Time(i) - b.Res/2
		p.flat[i] -= s.season(middle)
		p.unseen[i] = p.flat[i] - s.line.At(middle) - resid[i]
		if p.first < 0 && !math.IsNaN(p.flat[i]) {
			p.first = i
		}
	}
	var diff []float64
	for i := max(p.first, 0) + 1; i < len(p.flat); i++ {
		if d := math.Abs(p.flat[i] - p.flat[i-1]); !math.IsNaN(d) {
			diff = append(diff, d)
		}
	}
	if len(diff) > 0 {
		p.usual = madToSigma * Median(diff)
	}
	used := len(p.flat) - p.first
	per := max((used+maxSlopePoints-1)/maxSlopePoints, 1)
	buf := make([]float64, 0, per)
	for lo := p.first; lo < len(p.flat); lo += per {
		hi := min(lo+per, len(p.flat))
		buf = buf[:0]
		for _, v := range p.flat[lo:hi] {
			if !math.IsNaN(v) {
				buf = append(buf, v)
			}
		}
		if 4*len(buf) >= hi-lo && len(buf) > 0 {
			p.x = append(p.x, (b.Time(lo)+b.Time(hi-1))/2-b.Res/2)
			p.y = append(p.y, Median(buf))
			p.ends = append(p.ends, hi)
		}
	}
	return p
}

// members fits every member to the buckets before hi.
func (p *past) members(hi int) [members]func(int64) float64 {
	n := 0
	for n < len(p.ends) && p.ends[n] <= hi {
		n++
	}
	robust := func(x []int64, y []float64) func(int64) float64 {
		slope := TheilSen(x, y, 0)
		if !finite(slope) {
			return nil
		}
		o := x[len(x)-1]
		r := make([]float64, len(y))
		for i := range y {
			r[i] = y[i] - slope*float64(x[i]-o)
		}
		l := Line{Origin: o, Level: Median(r), Slope: slope}
		return func(t int64) float64 { return l.At(t) + p.s.season(t) }
	}
	steady := func(v float64) func(int64) float64 {
		return func(t int64) float64 { return v + p.s.season(t) }
	}
	var at [members]func(int64) float64
	if n >= 2 {
		at[byLine] = robust(p.x[:n], p.y[:n])
		if q := max(n/4, 8); q < n {
			at[byRecent] = robust(p.x[n-q:n], p.y[n-q:n])
		}
		at[byMean] = steady(Median(slices.Clone(p.y[:n])))
	}
	last := make([]float64, 0, 5)
	for i := hi - 1; i >= 0 && len(last) < cap(last); i-- {
		if !math.IsNaN(p.flat[i]) {
			last = append(last, p.flat[i])
		}
	}
	if len(last) > 0 {
		// The last value, unless it is a spike.
		v := last[0]
		m := Median(last) // reorders
		if math.Abs(v-m) > 8*p.usual {
			v = m
		}
		at[byLevel] = steady(v)
	}
	if k := len(p.s.seasons); k > 0 {
		at[byPeriod] = p.repeat(hi, p.s.seasons[k-1].period)
	}
	return at
}

// wander returns by how much the slope moves: as if it were a random walk
// whose steps are the differences of the slopes of the window's quarters. The
// standard deviation of what such a walk adds up to over a horizon h is the
// result times h to the power 1.5.
func (p *past) wander() float64 {
	n := len(p.x) / 4
	if n < 4 {
		return 0
	}
	sq := 0.0
	before := TheilSen(p.x[:n], p.y[:n], 0)
	for k := 1; k < 4; k++ {
		s := TheilSen(p.x[k*n:(k+1)*n], p.y[k*n:(k+1)*n], 0)
		sq += (s - before) * (s - before) / 3
		before = s
	}
	quarter := float64(p.x[len(p.x)-1]-p.x[0]) / 4
	return math.Sqrt(sq / quarter / 3)
}

// repeat carries the last three periods before bucket hi on: the median of
// the values at the same moment of each. Nil without one full period.
func (p *past) repeat(hi int, period int64) func(int64) float64 {
	per := int(period / p.b.Res)
	if per < 1 || hi-per < p.first || period%p.b.Res != 0 {
		return nil
	}
	v := p.b.V[:hi]
	end := p.b.Time(hi - 1)
	return func(t int64) float64 {
		// The bucket of t, moved back by whole periods to before hi.
		i := hi - 1 + int((t+p.b.Res/2-end+p.b.Res/2)/p.b.Res)
		if i >= hi {
			i -= ((i-hi)/per + 1) * per
		}
		var same [3]float64
		n := 0
		for ; i >= 0 && n < len(same); i -= per {
			if !math.IsNaN(v[i]) {
				same[n] = v[i]
				n++
			}
		}
		return Median(same[:n])
	}
}

// group returns the group of a horizon as a real number, so that weights and
// scales can be interpolated.
func (f *Forecast) group(h int64) float64 {
	return min(max(math.Log2(float64(h)/float64(f.Res)), 0), groups-1)
}

// trial is one measured prediction.
type trial struct {
	g     int
	truth float64
	by    [members]float64
}

// measure finds weights and scales from rolling origins; only is the single
// member wanted, or −1.
func (f *Forecast) measure(p *past, only int) {
	n := len(p.flat)
	used := n - p.first
	var trials []trial
	for k := 0; k < origins; k++ {
		hi := p.first + used/2 + (used-used/2)*k/origins
		if hi <= p.first+2 || hi >= n {
			continue
		}
		at := p.members(hi)
		// Horizons are spread evenly over their logarithm, so that every group
		// is measured.
		ahead := float64(n - hi)
		seen := -1
		for j := 0; j < probes; j++ {
			d := int(math.Pow(ahead, float64(j)/(probes-1))) - 1
			i := hi + d
			if d <= seen || i >= n {
				continue
			}
			seen = d
			if math.IsNaN(p.b.V[i]) {
				continue
			}
			t := trial{g: int(f.group(int64(d+1)*f.Res) + 0.5), truth: p.b.V[i]}
			for m, fn := range at {
				t.by[m] = math.NaN()
				if fn != nil {
					t.by[m] = fn(p.b.Time(i) - f.Res/2)
				}
				if m != byPeriod {
					t.by[m] += p.unseen[i]
				}
			}
			trials = append(trials, t)
			f.reach = max(f.reach, int64(d+1)*f.Res)
		}
	}
	f.weigh(trials, only)

	// The combination's own errors.
	errs := make([][]float64, groups)
	for i := range trials {
		t := &trials[i]
		if v := combine(f.weights[t.g][:], t.by[:]); finite(v) {
			errs[t.g] = append(errs[t.g], t.truth-v)
		}
	}
	before := 0.0
	for g := range errs {
		abs := make([]float64, len(errs[g]))
		for i, e := range errs[g] {
			abs[i] = math.Abs(e)
		}
		if len(abs) >= 4 {
			// The mean counts rare large errors, the median is not led by them.
			m, _ := meanOf(abs)
			before = max(before, (1.2533*m+madToSigma*Median(abs))/2)
			f.tested = g
		}
		f.scale[g] = before
	}
	for g := range f.scale { // groups before the first measured one
		if f.scale[g] == 0 {
			continue
		}
		for k := range g {
			f.scale[k] = f.scale[g]
		}
		break
	}
	for g := range errs {
		if f.scale[g] > 0 {
			for _, e := range errs[g] {
				f.z = append(f.z, e/f.scale[g])
			}
		}
	}
	slices.Sort(f.z)
	if len(f.z) > 0 {
		m := Quantile(f.z, 0.5)
		for i := range f.z {
			f.z[i] = (f.z[i] - m) * hidden
		}
	}
	f.growth = 0.5
	if w := f.weights[f.tested]; w[byLine]+w[byRecent] > 0.5 {
		f.growth = 1
		if g := f.tested; g >= 2 && f.scale[g-2] > 0 {
			f.growth = min(max(math.Log2(f.scale[g]/f.scale[g-2])/2, 1), 1.5)
		}
		f.wander = p.wander()
	}
}

// weigh sets the weights of the members by group of horizon.
func (f *Forecast) weigh(trials []trial, only int) {
	var last [members]float64
	for g := range f.weights {
		// A group learns from its neighbours too.
		var sum, cnt [members]float64
		for i := range trials {
			t := &trials[i]
			if t.g < g-1 || t.g > g+1 {
				continue
			}
			for m, v := range t.by {
				if !math.IsNaN(v) {
					sum[m] += math.Abs(t.truth - v)
					cnt[m]++
				}
			}
		}
		most := slices.Max(cnt[:])
		best := math.Inf(1)
		for m := range sum {
			if cnt[m] >= max(most/2, 1) && f.at[m] != nil {
				sum[m] /= cnt[m]
				best = min(best, sum[m])
			} else {
				sum[m] = math.Inf(1)
			}
		}
		var w [members]float64
		if !math.IsInf(best, 1) {
			for m, e := range sum {
				if e <= discard*best {
					w[m] = 1
					if best > 0 {
						w[m] = best * best / (e * e)
					}
				}
			}
			last = w
		} else {
			w = last
		}
		f.weights[g] = w
	}
	if only >= 0 && f.at[only] == nil {
		only = byMean // seasonal without a season
	}
	for g := range f.weights {
		w := &f.weights[g]
		if only >= 0 {
			*w = [members]float64{}
			w[only] = 1
		}
		total := 0.0
		for _, x := range w {
			total += x
		}
		for m := range w {
			if total > 0 {
				w[m] /= total
			} else if m == byMean {
				w[m] = 1
			}
		}
	}
}

// combine is the weighted mean of the members that have a value.
func combine(w, by []float64) float64 {
	sum, total := 0.0, 0.0
	for m, x := range w {
		if x > 0 && !math.IsNaN(by[m]) {
			sum += x * by[m]
			total += x
		}
	}
	return sum / total
}

// Expected returns the forecast of the mean over (t−Res, t], t after Origin,
// and the scale of its error.
func (f *Forecast) Expected(t int64) (v, scale float64) {
	h := max(t-f.Origin, 1)
	x := min(f.group(h), float64(f.tested))
	g := int(x)
	k := min(g+1, groups-1)
	frac := x - float64(g)
	var w, by [members]float64
	for m := range w {
		w[m] = f.weights[g][m]*(1-frac) + f.weights[k][m]*frac
		by[m] = math.NaN()
		if w[m] > 0 && f.at[m] != nil {
			by[m] = f.at[m](t - f.Res/2)
		}
	}
	scale = f.scale[g]*(1-frac) + f.scale[k]*frac
	if h > f.reach && f.reach > 0 {
		scale = max(scale*math.Pow(float64(h)/float64(f.reach), f.growth), f.wander*math.Pow(float64(h), 1.5))
	}
	return combine(w[:], by[:]), scale
}

// At returns the q-quantile of the forecast of the mean over (t−Res, t], t
// after Origin; q = 0.5 is the forecast itself.
func (f *Forecast) At(t int64, q float64) float64 {
	v, scale := f.Expected(t)
	v += scale * f.unit(q)
	if f.positive && v < 0 {
		v = 0
	}
	if !finite(v) {
		return math.NaN()
	}
	return v
}

// unit returns the q-quantile of errors in scales. Beyond the sixteen origins'
// reach it follows the normal distribution's proportions.
func (f *Forecast) unit(q float64) float64 {
	if len(f.z) == 0 {
		return 0
	}
	return Quantile(f.z, q)
}
