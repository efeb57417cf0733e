package analysis

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MinPeriods is how many of its periods a season needs in the window.
const MinPeriods = 3

// maxPhases bounds the phases of one season; longer periods get wider phases.
const maxPhases = 4096

// Seasons says which seasons a model may have.
type Seasons struct {
	// Auto chooses among a day and a week, both, or neither, by the data.
	Auto bool
	// Periods are the declared seasons in milliseconds, shortest first; none
	// together with Auto false means no season.
	Periods []int64
}

// ParseSeasons reads the option season: "auto", "none" or a list of periods
// such as "1d", "1w" or "1d,1w"; "hod" (hour of day) and "dow" (day of week)
// are other words for 1d and 1w.
func ParseSeasons(s string) (Seasons, error) {
	switch strings.TrimSpace(s) {
	case "", "auto":
		return Seasons{Auto: true}, nil
	case "none":
		return Seasons{}, nil
	}
	var out Seasons
	for _, f := range strings.Split(s, ",") {
		p, err := parseSpan(strings.TrimSpace(f))
		if err != nil {
			return Seasons{}, fmt.Errorf(`season %q: want "auto", "none" or periods such as "1d,1w"`, s)
		}
		if !slices.Contains(out.Periods, p) {
			out.Periods = append(out.Periods, p)
		}
	}
	if len(out.Periods) > 3 {
		return Seasons{}, fmt.Errorf("season %q: %d periods, want at most 3", s, len(out.Periods))
	}
	slices.Sort(out.Periods)
	return out, nil
}

// parseSpan reads a duration such as 1d or 1h30m in milliseconds.
func parseSpan(s string) (int64, error) {
	switch s {
	case "hod":
		return Day, nil
	case "dow":
		return Week, nil
	}
	units := map[string]int64{"ms": 1, "s": Second, "m": Minute, "h": Hour, "d": Day, "w": Week}
	total := int64(0)
	for rest := s; rest != ""; {
		i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if i <= 0 {
			return 0, fmt.Errorf("duration %q", s)
		}
		n, err := strconv.ParseInt(rest[:i], 10, 32)
		if err != nil {
			return 0, fmt.Errorf("duration %q", s)
		}
		rest = rest[i:]
		j := strings.IndexFunc(rest, func(r rune) bool { return r >= '0' && r <= '9' })
		if j < 0 {
			j = len(rest)
		}
		u, ok := units[rest[:j]]
		if !ok || n > math.MaxInt64/2/u-total/u {
			return 0, fmt.Errorf("duration %q", s)
		}
		total += n * u
		rest = rest[j:]
	}
	if total <= 0 {
		return 0, fmt.Errorf("duration %q", s)
	}
	return total, nil
}

// clock maps moments to phases of one season, read on the clock of a time
// zone: a day of 23 or 25 hours skips or repeats phases, it does not shift
// those of the days after it.
type clock struct {
	period, width int64
	phases        int
	loc           *time.Location
}

func newClock(period, res int64, loc *time.Location) clock {
	width := max(res, (period+maxPhases-1)/maxPhases)
	return clock{period: period, width: width, phases: int(max((period+width-1)/width, 1)), loc: loc}
}

// local returns t on the zone's clock, shifted so that weeks begin on Monday.
func local(t int64, loc *time.Location) int64 {
	if loc != time.UTC {
		_, off := time.UnixMilli(t).In(loc).Zone()
		t += int64(off) * Second
	}
	return t + 3*Day
}

// phase returns the phase of the moment t.
func (c clock) phase(t int64) int {
	l := local(t, c.loc)
	return int((l - Floor(l, c.period)) / c.width)
}

// between returns the two phases around t and how far t is from the middle of
// the first to the middle of the second.
func (c clock) between(t int64) (i, j int, f float64) {
	l := local(t, c.loc)
	x := float64(l-Floor(l, c.period))/float64(c.width) - 0.5
	fl := math.Floor(x)
	i = int(fl)
	if i < 0 {
		i += c.phases
	}
	return i, (i + 1) % c.phases, x - fl
}

// indexes returns the phase of every bucket's middle.
func (c clock) indexes(b *Buckets) []int32 {
	out := make([]int32, len(b.V))
	// The zone's offset holds until its next change, so it is looked up once
	// per change and not per bucket.
	var off, until int64 = 0, math.MaxInt64
	if c.loc != time.UTC {
		until = math.MinInt64
	}
	for i := range out {
		t := b.Time(i) - b.Res/2
		if t >= until {
			at := time.UnixMilli(t).In(c.loc)
			_, o := at.Zone()
			off, until = int64(o)*Second, math.MaxInt64
			if _, end := at.ZoneBounds(); !end.IsZero() {
				until = end.UnixMilli()
			}
		}
		l := t + off + 3*Day
		out[i] = int32((l - Floor(l, c.period)) / c.width)
	}
	return out
}

// season is the fitted profile of one period.
type season struct {
	clock
	value []float64 // by phase
	count []int32   // values by phase
	sigma float64   // the scale of single values around the profile
}

// peaks reports whether single phases stand out beyond doubt.
func (s *season) peaks() bool {
	m := Median(slices.Clone(s.value))
	for p, v := range s.value {
		d := math.Abs(v - m)
		if s.count[p] >= peakPeriods && d > peakScales*s.sigma && d > peakErrors*1.2533*s.sigma/math.Sqrt(float64(s.count[p])) {
			return true
		}
	}
	return false
}

// at returns the season's value at the moment t, interpolated between the
// middles of phases.
func (s *season) at(t int64) float64 {
	i, j, f := s.between(t)
	if f == 0 {
		return s.value[i]
	}
	return s.value[i]*(1-f) + s.value[j]*f
}

// fitSeason estimates the profile of v by phase: the median of a phase's
// values, drawn towards its neighbours' where the difference is no larger than
// chance makes it (positive-part shrinkage, James and Stein 1961, towards the
// median of the two phases on either side), so that a smooth profile is smooth
// and a sharp nightly peak stays sharp. pred receives for each bucket what the
// profile would have been without that bucket's own period. O(n log k) for k
// periods.
func fitSeason(c clock, idx []int32, v, pred []float64) *season {
	m := c.phases
	off := make([]int32, m+1)
	for i, f := range v {
		if !math.IsNaN(f) {
			off[idx[i]+1]++
		}
	}
	for p := 0; p < m; p++ {
		off[p+1] += off[p]
	}
	by := make([]float64, off[m])
	fill := slices.Clone(off[:m])
	for i, f := range v {
		if !math.IsNaN(f) {
			by[fill[idx[i]]] = f
			fill[idx[i]]++
		}
	}
	own := make([]float64, m)
	for p := range own {
		vs := by[off[p]:off[p+1]]
		sortFew(vs)
		own[p] = Quantile(vs, 0.5)
	}

	// The noise of single values around their phase's median of the others.
	left := make([]float64, 0, len(by))
	kSum := 0
	for i, f := range v {
		pred[i] = math.NaN()
		if math.IsNaN(f) {
			continue
		}
		vs := by[off[idx[i]]:off[idx[i]+1]]
		if pred[i] = medianWithout(vs, f); !math.IsNaN(pred[i]) {
			left = append(left, math.Abs(f-pred[i]))
			kSum += len(vs)
		}
	}
	s := &season{clock: c, value: make([]float64, m), count: make([]int32, m)}
	for p := range s.count {
		s.count[p] = off[p+1] - off[p]
	}
	if len(left) == 0 {
		for i := range pred {
			pred[i] = 0
		}
		return s
	}
	k := float64(kSum) / float64(len(left))
	sigma := Median(left) * madToSigma / math.Sqrt(1+1.57/max(k-1, 1))
	s.sigma = sigma

	around := make([]float64, m)
	var nb [4]float64
	for p := range around {
		n := 0
		for _, d := range [...]int{-2, -1, 1, 2} {
			if q := ((p+d)%m + m) % m; q != p && !math.IsNaN(own[q]) {
				nb[n] = own[q]
				n++
			}
		}
		around[p] = Median(nb[:n])
	}
	shrink := func(own, around float64, n int) float64 {
		switch {
		case math.IsNaN(own) && math.IsNaN(around):
			return 0
		case math.IsNaN(own):
			return around
		case math.IsNaN(around):
			return own
		}
		d := own - around
		if d == 0 {
			return own
		}
		chance := 2 * 1.57 * sigma * sigma / float64(n)
		return around + d*max(0, 1-chance/(d*d))
	}
	for p := range own {
		s.value[p] = shrink(own[p], around[p], int(off[p+1]-off[p]))
	}
	for i := range pred {
		if math.IsNaN(v[i]) {
			continue
		}
		p := idx[i]
		pred[i] = shrink(pred[i], around[p], int(off[p+1]-off[p])-1)
	}
	return s
}

// sortFew sorts the values of a phase, of which there are few as a rule.
func sortFew(v []float64) {
	if len(v) > 32 {
		slices.Sort(v)
		return
	}
	for i := 1; i < len(v); i++ {
		x, j := v[i], i
		for ; j > 0 && x < v[j-1]; j-- {
			v[j] = v[j-1]
		}
		v[j] = x
	}
}

// medianWithout returns the median of sorted values leaving out one that
// equals f; NaN where nothing is left.
func medianWithout(sorted []float64, f float64) float64 {
	r, _ := slices.BinarySearch(sorted, f)
	m := len(sorted) - 1
	at := func(i int) float64 {
		if i >= r {
			i++
		}
		return sorted[i]
	}
	switch {
	case m <= 0:
		return math.NaN()
	case m%2 == 1:
		return at(m / 2)
	}
	return mid(at(m/2-1), at(m/2))
}

// structure is a robust additive model: a line and seasons.
type structure struct {
	line    Line
	seasons []*season
	// trended says that the slope is more than chance.
	trended bool
}

// at returns the model's value for the bucket whose middle is t.
func (s *structure) at(t int64) float64 {
	return s.line.At(t) + s.season(t)
}

// season returns the seasons' part of at.
func (s *structure) season(t int64) float64 {
	v := 0.0
	for _, c := range s.seasons {
		v += c.at(t)
	}
	return v
}

// name returns the seasons as the label season prints them.
func (s *structure) name() string {
	if len(s.seasons) == 0 {
		return "none"
	}
	var n []string
	for _, c := range s.seasons {
		n = append(n, Span(c.period))
	}
	return strings.Join(n, ",")
}

// How much smaller a season must make the error of values it has not seen to
// count as present: by seasonGain and, because few periods resemble each other
// by chance, seasonFew divided by their number; and in which share of the
// periods.
const (
	seasonGain    = 0.05
	seasonFew     = 0.5
	seasonPeriods = 0.7
)

// A season that no calendar suggests must be stronger and repeat more often,
// because it was looked for among many.
const (
	foundStrength = 0.3
	foundPeriods  = 5
)

// A season also counts as present where single phases stand out so far, in so
// many periods, that no chance explains it: a nightly peak of five minutes
// hardly changes the sum of errors.
const (
	peakPeriods = 5 // values of the phase
	peakErrors  = 8 // standard errors of its median
	peakScales  = 3 // scales of single values
)

// fitStructure fits line and seasons to the buckets and returns the residual
// of each bucket against a model that has not seen the bucket's own period
// (NaN in gaps).
//
// Seasons are tried from the simplest: none, a day, a week, both. A richer one
// is taken where it lowers the error of unseen periods (absolute, cut off at
// three scales so that incidents do not decide) by five per cent and half of the
// number of periods' inverse in total, and in seven of ten periods, or where
// single phases stand out beyond doubt. A season of fewer than three periods in the
// window is never used, declared or not. The slope is Theil–Sen's over daily
// medians, pairs a whole number of weeks apart where there are three weeks; it
// is kept where the Mann–Kendall test sees it (5 %). Linear in the buckets up
// to the sorting of each phase's values.
//
// Failure modes: a level shift within the window is averaged away as a median
// does it, so a new level is expected only once it fills half the window; a
// season whose shape grows with the level is fitted by its median size.
func fitStructure(b *Buckets, want Seasons, loc *time.Location) (*structure, []float64) {
	first, last := -1, -1
	for i, f := range b.V {
		if !math.IsNaN(f) {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	span := int64(last-first+1) * b.Res
	block, every := max(span/24, b.Res), int64(0)
	if span >= 3*Day-b.Res && b.Res <= Day {
		block = Day
		if span >= 3*Week-Day {
			every = Week
		}
	}
	origin := b.Time(last)
	s := &structure{line: Line{Origin: origin}}
	x, y := blockMedians(b, b.V, block)
	slope := TheilSen(x, y, every)
	if !finite(slope) {
		slope = 0
	}

	// A season needs its periods, bar a missing hundredth at the edges.
	enough := func(p int64) bool { return p >= 2*b.Res && span >= MinPeriods*p-p/50-b.Res }
	n := len(b.V)
	detrended := make([]float64, n)
	level := detrend(b, slope, origin, detrended)

	var chosen []int64
	if want.Auto {
		chosen = chooseSeasons(b, detrended, enough, loc)
	} else {
		for _, p := range want.Periods {
			if enough(p) {
				chosen = append(chosen, p)
			}
		}
	}

	clocks := make([]clock, len(chosen))
	idx := make([][]int32, len(chosen))
	for i, p := range chosen {
		clocks[i] = newClock(p, b.Res, loc)
		idx[i] = clocks[i].indexes(b)
	}
	resid := make([]float64, n)
	pred := make([]float64, n)
	rest := make([]float64, n)
	fit := func() {
		copy(rest, detrended)
		copy(resid, detrended)
		s.seasons = s.seasons[:0]
		for i, c := range clocks {
			sn := fitSeason(c, idx[i], rest, pred)
			s.seasons = append(s.seasons, sn)
			for k := range rest {
				rest[k] -= sn.value[idx[i][k]]
				resid[k] -= pred[k]
			}
		}
	}
	fit()
	// The slope again, now without the seasons.
	flat := make([]float64, n)
	for k := range flat {
		flat[k] = rest[k] + level + slope*float64(b.Time(k)-b.Res/2-origin)
	}
	x, y = blockMedians(b, flat, block)
	again := TheilSen(x, y, 0)
	if !finite(again) || !rises(y) {
		again = 0
	} else {
		s.trended = true
	}
	if again != slope {
		slope = again
		level = detrend(b, slope, origin, detrended)
		fit()
	}
	// What the seasons' medians left of the level.
	shift := Median(values(rest))
	if !finite(shift) {
		shift = 0
	}
	for k := range resid {
		resid[k] -= shift
	}
	s.line.Level, s.line.Slope = level+shift, slope
	return s, resid
}

// detrend writes v minus a line of the given slope through the median level
// and returns that level at origin.
func detrend(b *Buckets, slope float64, origin int64, out []float64) float64 {
	for i, f := range b.V {
		out[i] = f - slope*float64(b.Time(i)-b.Res/2-origin)
	}
	level := Median(values(out))
	for i := range out {
		out[i] -= level
	}
	return level
}

// rises reports whether the order of the values is one that chance gives in
// fewer than one of twenty cases.
func rises(y []float64) bool { return trending(y, 1.96) }

// trending is the two-sided Mann–Kendall test (Mann 1945) in its normal
// approximation: whether the values rise or fall by more than z standard
// deviations of chance. It needs five values. O(n²) for n ≤ 64.
func trending(y []float64, z float64) bool {
	n := len(y)
	s := 0
	for i := range y {
		for j := i + 1; j < n; j++ {
			switch {
			case y[j] > y[i]:
				s++
			case y[j] < y[i]:
				s--
			}
		}
	}
	sd := math.Sqrt(float64(n*(n-1)*(2*n+5)) / 18)
	return n >= 5 && (math.Abs(float64(s))-1)/sd > z
}

// chooseSeasons returns the calendar seasons that the data shows.
func chooseSeasons(b *Buckets, v []float64, enough func(int64) bool, loc *time.Location) []int64 {
	abs := values(v)
	for i := range abs {
		abs[i] = math.Abs(abs[i])
	}
	// The cut-off comes from the plain residuals; where half of them are zero
	// the mean stands in.
	cut := 3 * madToSigma * Median(abs)
	if cut == 0 {
		m, _ := meanOf(abs)
		cut = 3 * m
	}
	if cut == 0 {
		return nil
	}
	// costs returns the summed, cut errors by period of the given length.
	costs := func(e []float64, period int64) []float64 {
		var out []float64
		per := int(period / b.Res)
		for lo := 0; lo < len(e); lo += per {
			sum, n := 0.0, 0
			for _, f := range e[lo:min(lo+per, len(e))] {
				if !math.IsNaN(f) {
					sum += min(math.Abs(f), cut)
					n++
				}
			}
			if 2*n >= per {
				out = append(out, sum)
			}
		}
		return out
	}
	better := func(e, than []float64, period int64) bool {
		ce, ct := costs(e, period), costs(than, period)
		if len(ce) != len(ct) { // values so large that differences are no numbers
			return false
		}
		wins, se, st := 0, 0.0, 0.0
		for i := range ce {
			se += ce[i]
			st += ct[i]
			if ce[i] < ct[i] {
				wins++
			}
		}
		need := seasonGain + seasonFew/float64(max(len(ce), 1))
		return len(ce) >= MinPeriods-1 && se < (1-need)*st && float64(wins) >= seasonPeriods*float64(len(ce))
	}

	if !enough(Day) {
		return longer(b, v, enough, loc, better)
	}
	n := len(v)
	best, chosen := v, []int64(nil)
	day := newClock(Day, b.Res, loc)
	dayIdx := day.indexes(b)
	pred := make([]float64, n)
	sd := fitSeason(day, dayIdx, v, pred)
	eDay := make([]float64, n)
	afterDay := make([]float64, n)
	for i := range v {
		eDay[i] = v[i] - pred[i]
		afterDay[i] = v[i] - sd.value[dayIdx[i]]
	}
	if better(eDay, best, Day) || sd.peaks() {
		best, chosen = eDay, []int64{Day}
	}
	if enough(Week) {
		week := newClock(Week, b.Res, loc)
		weekIdx := week.indexes(b)
		sw := fitSeason(week, weekIdx, v, pred)
		eWeek := make([]float64, n)
		for i := range v {
			eWeek[i] = v[i] - pred[i]
		}
		fitSeason(week, weekIdx, afterDay, pred)
		eBoth := make([]float64, n)
		for i := range v {
			eBoth[i] = eDay[i] - pred[i]
		}
		if better(eWeek, best, Week) || len(chosen) == 0 && sw.peaks() {
			best, chosen = eWeek, []int64{Week}
		}
		if better(eBoth, best, Week) {
			chosen = []int64{Day, Week}
		}
	}
	if len(chosen) == 0 {
		return longer(b, v, enough, loc, better)
	}
	return chosen
}

// longer returns the seasons that are not those of a day or week: a year where
// buckets are at least a day, or else the strongest period that the data
// itself shows.
func longer(b *Buckets, v []float64, enough func(int64) bool, loc *time.Location, better func(e, than []float64, period int64) bool) []int64 {
	var tried []int64
	if b.Res >= Day {
		tried = append(tried, Year)
	}
	for _, p := range Periods(b, 0, 0, 2) {
		if p.Strength > foundStrength && enough(p.Length*foundPeriods/MinPeriods) {
			tried = append(tried, p.Length)
		}
	}
	pred := make([]float64, len(v))
	for _, p := range tried {
		if !enough(p) {
			continue
		}
		c := newClock(p, b.Res, loc)
		fitSeason(c, c.indexes(b), v, pred)
		e := make([]float64, len(v))
		for i := range v {
			e[i] = v[i] - pred[i]
		}
		if better(e, v, p) {
			return []int64{p}
		}
	}
	return nil
}
