package analysis

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/dsp/fourier"
)

// Period is a length after which a series repeats itself.
type Period struct {
	// Length is in milliseconds.
	Length int64
	// Strength is the autocorrelation at that distance, at most 1.
	Strength float64
}

const (
	// leastPeriod is the shortest period in buckets.
	leastPeriod = 4
	// periodPeak is by how much the autocorrelation at a period must exceed
	// that at half of it.
	periodPeak = 0.1
	// leastStrength is the least autocorrelation of a period.
	leastStrength = 0.2
)

// Periods returns the periods of the buckets from least to most (milliseconds;
// zero means the shortest and longest possible), the strongest first, at most
// k.
//
// They are the local maxima of the autocorrelation, computed by FFT, of the
// values without their trend, cut off at three scales, gaps filled by the
// level: those that exceed 0.2 and the bounds of noise (Bartlett), and stand out
// of the valley before them. Multiples of a shorter period are left out unless
// they are stronger by a quarter. That a peak must be one of the autocorrelation, and not of the
// periodogram alone, follows Vlachos, Yu and Castelli (2005). O(n log n). It needs three periods.
func Periods(b *Buckets, least, most int64, k int) []Period {
	n := len(b.V)
	v := calmed(b)
	if v == nil {
		return nil
	}
	ac := autocorrelations(v)
	lo := max(int(least/b.Res), leastPeriod)
	hi := n / MinPeriods
	if most > 0 {
		hi = min(hi, int(most/b.Res))
	}
	var found []Period
	noise := 2.6 * math.Sqrt(1/float64(max(b.Filled, 1)))
	valley := 1.0
	lowest := 1
	for lag := 1; lag < len(ac)-1 && lag <= hi; lag++ {
		if ac[lag] < valley {
			valley, lowest = ac[lag], lag
		}
		if lag < lo || lag-lowest < 1 || ac[lag] < ac[lag-1] || ac[lag] < ac[lag+1] {
			continue
		}
		// The highest within an eighth around counts.
		peak := true
		for j := max(lag-lag/8, 1); j <= min(lag+lag/8, len(ac)-1); j++ {
			if ac[j] > ac[lag] {
				peak = false
				break
			}
		}
		low := slices.Min(ac[max(lag/2, 1) : lag+1])
		if peak && ac[lag] > leastStrength && ac[lag] > noise && ac[lag]-low > periodPeak {
			found = append(found, Period{int64(lag) * b.Res, ac[lag]})
		}
	}
	slices.SortStableFunc(found, func(a, b Period) int { return cmp.Compare(b.Strength, a.Strength) })
	var out []Period
	for _, p := range found {
		multiple := false
		for _, q := range found {
			r := float64(p.Length) / float64(q.Length)
			if r > 1.5 && math.Abs(r-math.Round(r)) < max(0.05, 1.5*r*float64(b.Res)/float64(q.Length)) && q.Strength > 0.8*p.Strength {
				multiple = true
				break
			}
		}
		if !multiple && len(out) < k {
			out = append(out, p)
		}
	}
	return out
}

// calmed returns the buckets without trend, cut off at three scales, with
// zeros in gaps; nil where nothing moves.
func calmed(b *Buckets) []float64 {
	x, y := blockMedians(b, b.V, max(int64(len(b.V))*b.Res/24, b.Res))
	slope := TheilSen(x, y, 0)
	if !finite(slope) {
		slope = 0
	}
	out := make([]float64, len(b.V))
	for i, f := range b.V {
		out[i] = f - slope*float64(int64(i)*b.Res)
	}
	all := values(out)
	m := Median(all)
	for i := range all {
		all[i] = math.Abs(all[i] - m)
	}
	cut := 3 * madToSigma * Median(all)
	if cut == 0 {
		mean, _ := meanOf(all)
		cut = 3 * mean
	}
	if !(cut > 0) || !finite(cut) {
		return nil
	}
	for i, f := range out {
		if math.IsNaN(f) {
			out[i] = 0
			continue
		}
		out[i] = min(max((f-m)/cut, -1), 1)
	}
	return out
}

// autocorrelations returns the autocorrelation of values around zero by lag,
// up to half of them.
func autocorrelations(v []float64) []float64 {
	n := 1
	for n < 2*len(v) {
		n *= 2
	}
	mean, _ := meanOf(v)
	padded := make([]float64, n)
	for i, f := range v {
		padded[i] = f - mean
	}
	fft := fourier.NewFFT(n)
	c := fft.Coefficients(nil, padded)
	for i, x := range c {
		c[i] = complex(real(x)*real(x)+imag(x)*imag(x), 0)
	}
	fft.Sequence(padded, c)
	out := padded[:len(v)/2+1]
	if out[0] <= 0 {
		return nil
	}
	c0 := out[0]
	for i := range out {
		// The sums of long lags have fewer terms.
		out[i] = out[i] / c0 * float64(len(v)) / float64(len(v)-i)
	}
	return out
}
