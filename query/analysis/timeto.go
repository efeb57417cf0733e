package analysis

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// TimeToOptions declare what is waited for.
type TimeToOptions struct {
	Forecast  ForecastOptions
	Threshold float64
	// Dir says from where the threshold is approached: "up" from below,
	// "down" from above; "auto" (also "") decides by where the window's values
	// are.
	Dir string
	// Max is the longest time of interest in milliseconds.
	Max int64
	// Q are the quantiles wanted, each in (0, 1).
	Q []float64
}

// TimeToDirs names the values of TimeToOptions.Dir.
var TimeToDirs = []string{"auto", "up", "down"}

// maxPath bounds the moments at which a forecast is asked when the threshold
// is looked for.
const maxPath = 8192

// TimeTo is a model of when one window's series reaches a threshold.
type TimeTo struct {
	o TimeToOptions
	// sign is +1 where the threshold is approached from below, −1 from above:
	// everything below is in values times sign.
	sign      float64
	threshold float64
	fc        *Forecast
	saw       *sawtooth
	res       int64
	// path is the forecast at times first, first+step … ; scale its error.
	first, step int64
	path, scale []float64
	unit        []float64 // by quantile: how many scales towards the threshold
}

// FitTimeTo fits a forecast to (from, origin] and looks for the threshold.
//
// The time of quantile q is the first at which the forecast's (1−q)-quantile
// has reached the threshold, so with q = 0.1 the threshold is reached earlier
// with one chance in ten. A sawtooth (a rise with two or more clean-ups, see
// findSawtooth) is not forecast as a line: what counts is whether the peaks
// before its clean-ups, with their spread and, where they climb steadily, their
// climb, come to the threshold; cycle by cycle the chances add up. A rise
// beyond all plausible peaks counts as a clean-up that failed and goes on. One
// clean-up alone is taken as a new beginning: the fit starts behind it where
// 32 buckets follow.
//
// With Dir "auto" a series that was on both sides of the threshold approaches
// from the side where its first quarter was; one that was on one side only
// approaches from there. (A disk that has been over the threshold for the
// whole window thus needs dir="up" to be told from one that may fall to it.)
//
// It needs 32 filled buckets, otherwise the error is a *ShortHistory. Cost is
// that of a forecast plus at most 8,192 evaluations of it. Failure modes:
// those of [FitForecast]; clean-ups of less than a fifth of the series's range
// are noise to it.
func FitTimeTo(ts []int64, vs []float64, from, origin, res, refit int64, o TimeToOptions) (*TimeTo, error) {
	if !finite(o.Threshold) {
		return nil, fmt.Errorf("threshold %g: want a finite number", o.Threshold)
	}
	if o.Max <= 0 {
		return nil, fmt.Errorf("max %s: want more than zero", Span(o.Max))
	}
	b, err := Bucketize(ts, vs, from, origin, res)
	if err != nil {
		return nil, err
	}
	b.drop(o.Forecast.Exclude)
	if b.Filled < MinPoints {
		return nil, &ShortHistory{Have: b.Filled, Want: MinPoints, Res: res, Window: origin - from}
	}
	m := &TimeTo{o: o, res: res, sign: 1}
	switch o.Dir {
	case "", "auto":
		m.sign = approach(b.V, o.Threshold)
	case "up":
	case "down":
		m.sign = -1
	default:
		return nil, fmt.Errorf("dir %q: want one of %q", o.Dir, TimeToDirs)
	}
	m.threshold = m.sign * o.Threshold
	up := slices.Clone(b.V)
	for i := range up {
		up[i] *= m.sign
	}
	if m.saw = findSawtooth(&b, up); m.saw != nil {
		return m, nil
	}
	if r := findResets(&b, up); len(r) == 1 {
		filled := len(values(up[r[0]:]))
		if filled >= MinPoints {
			from = b.Time(r[0]) - res
		}
	}
	if m.fc, err = FitForecast(ts, vs, from, origin, res, o.Forecast); err != nil {
		return nil, err
	}
	span := o.Max + max(refit, res)
	m.step = RoundUp(max(res, span/maxPath))
	m.first = Floor(origin, res) + res
	n := int(span/m.step) + 2
	m.path = make([]float64, n)
	m.scale = make([]float64, n)
	for i := range m.path {
		// The mean around a moment stands for the value at it.
		v, s := m.fc.Expected(m.first + int64(i)*m.step + res/2)
		m.path[i], m.scale[i] = m.sign*v, s
	}
	for _, q := range o.Q {
		if m.sign > 0 {
			m.unit = append(m.unit, m.fc.quantile(1-q))
		} else {
			m.unit = append(m.unit, -m.fc.quantile(q))
		}
	}
	return m, nil
}

// approach returns +1 where the values come from below the threshold and −1
// where they come from above.
func approach(v []float64, threshold float64) float64 {
	vals := values(v)
	below := 0
	for _, f := range vals {
		if f < threshold {
			below++
		}
	}
	n := len(vals)
	switch {
	case 20*below >= 19*n:
		return 1
	case 20*below <= n:
		return -1
	}
	below = 0
	for _, f := range vals[:n/4] {
		if f < threshold {
			below++
		}
	}
	if 2*below >= n/4 {
		return 1
	}
	return -1
}

// At returns the seconds from t until the threshold is reached, one value per
// quantile of the options: 0 where the value of (t−res, t] has reached it,
// +Inf where it is not within Max. The samples up to t move the forecast's
// level by the median of how far off it was in the last five buckets. Nil
// where there is no value within the last five buckets.
func (m *TimeTo) At(t int64, ts []int64, vs []float64) []float64 {
	// The newest buckets up to t, newest first.
	var now float64
	var off []float64
	seen := false
	for k := int64(0); k < 5; k++ {
		end := t - k*m.res
		v, n := Mean(ts, vs, end-m.res, end)
		if n == 0 {
			continue
		}
		v *= m.sign
		if !seen {
			now, seen = v, true
		}
		if m.fc != nil && end > m.fc.Origin {
			e, _ := m.fc.Expected(end)
			off = append(off, v-m.sign*e)
		}
	}
	if !seen {
		return nil
	}
	out := make([]float64, len(m.o.Q))
	if now >= m.threshold {
		return out
	}
	if m.saw != nil {
		for i, q := range m.o.Q {
			out[i] = m.saw.until(now, m.threshold, q, float64(m.o.Max)) / 1000
			if math.IsNaN(out[i]) { // peaks beyond what floats can tell apart
				out[i] = math.Inf(1)
			}
		}
		return out
	}
	shift := 0.0
	if len(off) > 0 {
		shift = Median(off)
	}
	for i, u := range m.unit {
		out[i] = m.cross(t, now, shift, u)
	}
	return out
}

// cross returns the seconds from t, at value now, until the path moved by
// shift and by u scales reaches the threshold.
func (m *TimeTo) cross(t int64, now, shift, u float64) float64 {
	prevT, prev := t-m.res/2, now // the middle of what now is the mean of
	start := sort.Search(len(m.path), func(i int) bool { return m.first+int64(i)*m.step > t })
	for i := start; i < len(m.path); i++ {
		at := m.first + int64(i)*m.step
		v := m.path[i] + shift + u*m.scale[i]
		if v >= m.threshold {
			d := float64(at - t)
			if prev < m.threshold && v > prev {
				// Halves, because the difference of huge values is infinite.
				share := (m.threshold/2 - prev/2) / (v/2 - prev/2)
				if math.IsNaN(share) { // from minus infinity to infinity
					share = 1
				}
				d = max(float64(prevT-t)+float64(at-prevT)*share, 0)
			}
			if d > float64(m.o.Max) {
				return math.Inf(1)
			}
			return d / 1000
		}
		prevT, prev = at, v
	}
	return math.Inf(1)
}
