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
var ForecastModels = []string{"auto", "linear", "local", "level", "mean", "seasonal", "smooth", "damped", "theta", "ar"}

// ForecastResolution returns the default resolution of a forecast from a
// window: the larger of five minutes, the data's own interval and a 4096th of
// the window, rounded up to a divisor of a day.
func ForecastResolution(ts []int64, from, to int64) int64 {
	return RoundUp(max(DefaultRes, Interval(ts, from, to), (to-from)/4096))
}

// The members of the ensemble, by index.
const (
	byLine   = iota // linear: one robust line through the whole window
	byRecent        // local: a robust line through its last quarter
	byLevel         // level: the last value goes on
	byMean          // mean: the median of the window goes on
	byPeriod        // seasonal: the last three periods of the longest season repeat
	bySmooth        // smooth: simple exponential smoothing
	byDamped        // damped: exponential smoothing with a damped trend
	byTheta         // theta: simple smoothing with half the slope of the whole
	byAR            // ar: an autoregression of differences
	byDrift         // the last value and the slope of the last quarter
	byShape         // the last period again, moved to where the level is now
	kinds
)

const (
	// extremeSize is from which size on values are divided by their largest.
	extremeSize = 1e100
	// origins is how many rolling origins errors are measured from.
	origins = 16
	// farOrigins is how many more there are for far horizons.
	farOrigins = 8
	// nearShare is what part of the window the near origins lie in.
	nearShare = 4
	// probes is how many horizons are measured from each of them.
	probes = 48
	// groups is how many ranges of horizon have weights and scales of their
	// own; each is twice as far as the one before.
	groups = 12
	// hidden widens measured errors: the weights were chosen, and the seasons
	// found, with the data they are measured on: more so with a season. It makes 95 %
	// intervals of the M4 hourly and weekly series hold 95 % within half a
	// point.
	hidden       = 1.2
	hiddenSeason = 1.5
	// discard is how much worse than the best member one may be and still
	// take part.
	discard = 1.4
	// sharpness is the power of the inverse error that is a member's weight.
	sharpness = 3
)

// Forecast is a model of what follows one window.
type Forecast struct {
	// From, Origin is the window (From, Origin], Res its resolution, in
	// milliseconds. Points is the number of filled buckets.
	From, Origin, Res int64
	Points            int
	// Season names the seasons found or declared, as in Baseline.
	Season string

	// at are the members: those of each way of seeing the window (see views),
	// one after the other.
	at []func(middle int64) float64
	// weights and scale are by group of horizon; tested is the last group
	// with measured errors and reach the longest measured horizon.
	weights [groups][]float64
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
	// unit is what values were divided by, so that sums and squares of extreme
	// ones stay finite; usually 1.
	unit float64
	// positive says that no value of the window is negative, so that no
	// forecast is.
	positive bool
}

// FitForecast fits a forecast to the window (from, origin] at the resolution
// res.
//
// The window is seen in several ways (newViews): with the seasons that it
// shows, with others, and as logarithms. Of each, without its seasons, eleven
// members carry on what is left: robust lines (Theil–Sen) through the whole window
// and through its last quarter, the last value, the median, simple and damped
// exponential smoothing (Gardner and McKenzie 1985), theta (Assimakopoulos and
// Nikolopoulos 2000, as Hyndman and Billah 2003 have it), a drift, an
// autoregression of differences (Burg), and for seasonal data the last periods as they were
// or moved to the present level. Sixteen rolling origins in the window's last
// quarter, and eight in the quarter before for what lies further off, say how
// far each is off by range of horizon; the members are combined by the inverse
// cubes of these errors, those much worse than the best left out. Near and far
// horizons thus have weights of their own: a last value is hard to beat for the next hour and a
// trend for the next month. The errors of the combination from the same
// origins are the intervals: their scale by range of horizon, never falling
// with it, times the quantile of all scaled errors (as in split conformal
// prediction, Vovk et al. 2005, widened for what fitting saw). Beyond the longest measured
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
// constant (24 origins × 2,016 slopes × views).
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
	f := &Forecast{From: from, Origin: origin, Res: res, Points: b.Filled, unit: 1, positive: true}
	top := 0.0
	for _, v := range b.V {
		if v < 0 {
			f.positive = false
		}
		if !math.IsNaN(v) {
			top = max(top, math.Abs(v))
		}
	}
	if top > 0 && (top > extremeSize || top < 1/extremeSize) {
		f.unit = top
		for i := range b.V {
			b.V[i] /= top
		}
	}
	views := newViews(&b, o, only >= 0)
	f.Season = views[0].s.name()
	for _, p := range views {
		at := p.members(len(b.V))
		f.at = append(f.at, at[:]...)
	}
	f.measure(views, only)
	return f, nil
}

// newViews prepares the window in several ways: with the seasons that it shows
// or that are declared, and, where those are chosen by the data, with a day, a week and
// both, since past errors tell better than a test which of them forecasts; and with
// the logarithms of positive values, in which what grows in proportion is a line. The first is the plain one;
// single leaves it at that.
func newViews(b *Buckets, o ForecastOptions, single bool) []*past {
	s, resid := fitStructure(b, o.Seasons, o.Zone)
	views := []*past{newPast(b, s, resid)}
	if single {
		return views
	}
	plain := s.name()
	if o.Seasons.Auto {
		var also [][]int64
		if b.Res < Day {
			also = [][]int64{{Day}, {Week}, {Day, Week}}
		}
		if len(s.seasons) > 0 {
			also = append(also, nil)
		}
		for _, ps := range also {
			s, resid := fitStructure(b, Seasons{Periods: ps}, o.Zone)
			if name := s.name(); len(s.seasons) == len(ps) && name != plain {
				views = append(views, newPast(b, s, resid))
			}
		}
	}
	if l := logarithms(b); l != nil {
		s, resid := fitStructure(l, o.Seasons, o.Zone)
		p := newPast(l, s, resid)
		p.exp = true
		views = append(views, p)
	}
	return views
}

// logarithms returns the buckets' logarithms where the values are positive and
// spread over more than half of their size, else nil.
func logarithms(b *Buckets) *Buckets {
	all := values(b.V)
	lo, hi := Select(all, 0.05), Select(all, 0.95)
	if !(slices.Min(all) > 0) || hi < 1.5*lo {
		return nil
	}
	l := *b
	l.V = make([]float64, len(b.V))
	for i, v := range b.V {
		l.V[i] = math.Log(v)
	}
	return &l
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
	// exp says that all of this is about logarithms.
	exp bool
	// The smoothers and their states after every bucket, and the
	// autoregression with the cut-off of its differences.
	simple, damped     smoother
	simpleAt, dampedAt []state
	ar                 autoregression
	cut                float64
}

// arReach is how many steps an autoregression is carried on; then it stays.
const arReach = 64

// smooth fits what is fitted once for all origins: its few parameters hardly
// know the values they are measured on.
func (p *past) smooth() {
	var d []float64
	for i := max(p.first, 0) + 1; i < len(p.flat); i++ {
		if x := math.Abs(p.flat[i] - p.flat[i-1]); !math.IsNaN(x) {
			d = append(d, x)
		}
	}
	p.cut = math.Inf(1)
	if len(d) > 0 {
		if c := max(6*p.usual, Select(d, 0.99)); c > 0 {
			p.cut = c
		}
	}
	p.simple = best(smoothers, p.flat, p.cut)
	p.damped = best(dampedSmoothers, p.flat, p.cut)
	p.simpleAt, p.dampedAt = make([]state, len(p.flat)), make([]state, len(p.flat))
	p.simple.run(p.flat, p.cut, p.simpleAt)
	p.damped.run(p.flat, p.cut, p.dampedAt)
	p.ar = fitAutoregression(p.flat[max(p.first, 0):], p.cut)
}

// steps returns how many buckets after the one before hi the middle of t is.
func (p *past) steps(hi int, t int64) float64 {
	return max(float64(t+p.b.Res/2-p.b.Time(hi-1))/float64(p.b.Res), 1)
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
	p.smooth()
	p.first = max(p.first, 0) // none where values are so large that differences are no numbers
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
func (p *past) members(hi int) [kinds]func(int64) float64 {
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
	var at [kinds]func(int64) float64
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
	if n >= 2 {
		slope := TheilSen(p.x[:n], p.y[:n], 0) * float64(p.b.Res)
		if !finite(slope) {
			slope = 0
		}
		simple, damped := p.simpleAt[hi-1], p.dampedAt[hi-1]
		at[bySmooth] = steady(simple.level)
		at[byDamped] = func(t int64) float64 { return p.damped.ahead(damped, p.steps(hi, t)) + p.s.season(t) }
		// Half the slope of the whole (Hyndman and Billah 2003); smoothing lags
		// behind a line by slope·(1−alpha)/alpha.
		at[byTheta] = func(t int64) float64 {
			return simple.level + slope/2*(p.steps(hi, t)-1+1/p.simple.alpha) + p.s.season(t)
		}
		if q := max(n/4, 8); q < n {
			if recent := TheilSen(p.x[n-q:n], p.y[n-q:n], 0) * float64(p.b.Res); finite(recent) {
				at[byDrift] = func(t int64) float64 { return simple.level + recent*p.steps(hi, t) + p.s.season(t) }
			}
		}
		ar := p.ar.path(p.flat, hi, arReach, p.cut)
		at[byAR] = func(t int64) float64 {
			x := p.steps(hi, t) - 1
			i := min(int(x), arReach-1)
			j := min(i+1, arReach-1)
			f := x - math.Floor(x)
			return ar[i]*(1-f) + ar[j]*f + p.s.season(t)
		}
	}
	if k := len(p.s.seasons); k > 0 {
		period := p.s.seasons[k-1].period
		at[byPeriod] = p.repeat(hi, period, 3)
		if per := int(period / p.b.Res); hi > per && at[bySmooth] != nil {
			if once := p.repeat(hi, period, 1); once != nil {
				moved := p.simpleAt[hi-1].level - p.middle(hi-per, hi)
				at[byShape] = func(t int64) float64 { return once(t) + moved }
			}
		}
	}
	if p.exp {
		for m, fn := range at {
			if fn != nil {
				at[m] = func(t int64) float64 { return math.Exp(fn(t)) }
			}
		}
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

// middle is the mean of the buckets [lo, hi) without seasons.
func (p *past) middle(lo, hi int) float64 {
	m, _ := meanOf(p.flat[lo:hi])
	return m
}

// repeat carries the last periods before bucket hi on: the median of the
// values at the same moment of as many as count. Nil without one full period.
func (p *past) repeat(hi int, period int64, count int) func(int64) float64 {
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
		for ; i >= 0 && n < count; i -= per {
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
	by    []float64
}

// measure finds weights and scales from rolling origins; only is the single
// member wanted, or −1.
func (f *Forecast) measure(views []*past, only int) {
	p := views[0]
	n := len(p.flat)
	used := n - p.first
	var trials []trial
	near := used / nearShare
	for k := 0; k < origins+farOrigins; k++ {
		// What lies within the newest quarter is measured from origins in it,
		// what is further off from those in the quarter before, too.
		hi, least := n-near+near*k/origins, 0
		if k >= origins {
			hi, least = n-2*near+near*(k-origins)/farOrigins, near
		}
		if hi <= p.first+2 || hi >= n {
			continue
		}
		var at [][kinds]func(int64) float64
		for _, p := range views {
			at = append(at, p.members(hi))
		}
		// Horizons are spread evenly over their logarithm, so that every group
		// is measured.
		ahead := float64(n - hi)
		seen := -1
		for j := 0; j < probes; j++ {
			d := int(math.Pow(ahead, float64(j)/(probes-1))) - 1
			i := hi + d
			if d <= seen || i >= n || d < least {
				continue
			}
			seen = d
			if math.IsNaN(p.b.V[i]) {
				continue
			}
			t := trial{g: int(f.group(int64(d+1)*f.Res) + 0.5), truth: p.b.V[i], by: make([]float64, len(f.at))}
			for v, q := range views {
				for m, fn := range at[v] {
					x := math.NaN()
					if fn != nil {
						x = fn(p.b.Time(i) - f.Res/2)
					}
					switch {
					case m == byPeriod || m == byShape:
					case q.exp:
						x *= math.Exp(q.unseen[i])
					default:
						x += q.unseen[i]
					}
					t.by[v*int(kinds)+m] = x
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
		if v := combine(f.weights[t.g], t.by); finite(v) {
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
		wider := hidden
		if len(p.s.seasons) > 0 {
			wider = hiddenSeason
		}
		for i := range f.z {
			f.z[i] = (f.z[i] - m) * wider
		}
	}
	f.growth = 0.5
	lines := 0.0
	for m, w := range f.weights[f.tested] {
		if k := m % int(kinds); k == byLine || k == byRecent || k == byDrift || k == byTheta {
			lines += w
		}
	}
	if lines > 0.5 {
		f.growth = 1
		if g := f.tested; g >= 2 && f.scale[g-2] > 0 {
			f.growth = min(max(math.Log2(f.scale[g]/f.scale[g-2])/2, 1), 1.5)
		}
		f.wander = p.wander()
	}
}

// weigh sets the weights of the members by group of horizon.
func (f *Forecast) weigh(trials []trial, only int) {
	members := len(f.at)
	last := make([]float64, members)
	for g := range f.weights {
		// A group learns from its neighbours too.
		sum, cnt := make([]float64, members), make([]float64, members)
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
		most := slices.Max(cnt)
		best := math.Inf(1)
		for m := range sum {
			if cnt[m] >= max(most/2, 1) && f.at[m] != nil {
				sum[m] /= cnt[m]
				best = min(best, sum[m])
			} else {
				sum[m] = math.Inf(1)
			}
		}
		w := make([]float64, members)
		if !math.IsInf(best, 1) {
			for m, e := range sum {
				if e <= discard*best {
					w[m] = 1
					if best > 0 {
						w[m] = math.Pow(best/e, sharpness)
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
		w := f.weights[g]
		if only >= 0 {
			w = make([]float64, members)
			f.weights[g] = w
			w[only] = 1
		}
		w = slices.Clone(w)
		f.weights[g] = w
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
	// Around the first of them, so that members that agree are not rounded.
	first, sum, total := math.NaN(), 0.0, 0.0
	for m, x := range w {
		if x > 0 && !math.IsNaN(by[m]) {
			if total == 0 {
				first = by[m]
			}
			sum += x * (by[m] - first)
			total += x
		}
	}
	return first + sum/total
}

// Expected returns the forecast of the mean over (t−Res, t], t after Origin,
// and the scale of its error.
func (f *Forecast) Expected(t int64) (v, scale float64) {
	h := max(t-f.Origin, 1)
	x := min(f.group(h), float64(f.tested))
	g := int(x)
	k := min(g+1, groups-1)
	frac := x - float64(g)
	w, by := make([]float64, len(f.at)), make([]float64, len(f.at))
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
	return combine(w, by) * f.unit, scale * f.unit
}

// At returns the q-quantile of the forecast of the mean over (t−Res, t], t
// after Origin; q = 0.5 is the forecast itself.
func (f *Forecast) At(t int64, q float64) float64 {
	v, scale := f.Expected(t)
	v += scale * f.quantile(q)
	if f.positive && v < 0 {
		v = 0
	}
	if !finite(v) {
		return math.NaN()
	}
	return v
}

// quantile returns the q-quantile of errors in scales. Beyond the sixteen origins'
// reach it follows the normal distribution's proportions.
func (f *Forecast) quantile(q float64) float64 {
	if len(f.z) == 0 {
		return 0
	}
	return Quantile(f.z, q)
}
