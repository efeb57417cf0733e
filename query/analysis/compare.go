package analysis

import (
	"math"
	"slices"
	"sort"
)

// MinCompared is the least number of finite values on either side of a
// comparison.
const MinCompared = 3

// CompareTests names the values of the option test of a comparison.
var CompareTests = []string{"ks", "volume", "iqr"}

// Comparison is what is different in a window against its baseline.
type Comparison struct {
	// Effect is signed. By "ks" and "iqr" it is the shift in scales of the
	// baseline (its interquartile range as of a normal distribution), by
	// "volume" the relative change of the mean.
	Effect float64
	// P is the probability that chance makes the two as different: the smaller
	// of the Kolmogorov–Smirnov tests of values and of differences between
	// neighbours, doubled. By "volume" and "iqr" it is the test of values.
	P float64
	// Before and After are the medians.
	Before, After float64
	// Shift is the shift in the values' own unit.
	Shift float64

	base  float64                        // that statistic of the baseline
	scale float64                        // zero by "volume"
	of    func(sorted []float64) float64 // what shifted
}

// shifts are the statistics of sorted values whose shift counts: the one that
// moved furthest.
var shifts = []func(sorted []float64) float64{middle, upperMean, lowerMean}

func middle(sorted []float64) float64 { return Quantile(sorted, 0.5) }

// Since limits the effect to what changed since the values just before the
// window: a series that had left its baseline already has only moved by the
// rest. Without finite values nothing changes.
func (c Comparison) Since(prior []float64) Comparison {
	p := finites(prior)
	if len(p) == 0 || c.scale == 0 {
		return c
	}
	slices.Sort(p)
	d := c.base + c.Shift - c.of(p)
	switch {
	case d*c.Shift <= 0:
		c.Shift = 0
	case math.Abs(d) < math.Abs(c.Shift):
		c.Shift = d
	}
	c.Effect = min(max(c.Shift/c.scale, -MaxScore), MaxScore)
	return c
}

const (
	// leastScale is the least scale of a baseline as a share of its level: what
	// never moved has moved by a tenth of a per cent.
	leastScale = 1e-3
	// newScale is the scale of a baseline that is zero throughout, as a share
	// of the largest value of the window: what is new is twenty scales off.
	newScale = 0.05
)

// Compare compares the values of a window with those of a baseline, each in
// the order of time; what is not finite is left out.
//
// The shift is the largest of those of the medians and of the means of the
// upper and lower quarters, so that bursts count as well. BARO (Pham, Ha and
// Zhang 2024) ranks by the largest deviation in such scales; medians and
// quarters do the same without hanging on a single value.
//
// The Kolmogorov–Smirnov test of the differences between neighbours sees what
// changes its rhythm but not its level (Netdata ranks by it alone). Series that
// depend on their own past have fewer independent values than values: n is
// shortened by (1−ρ)/(1+ρ) of the lag-one autocorrelation of the two sides
// (Bayley and Hammersley 1946).
//
// It takes three values on either side, otherwise the error is a
// *ShortHistory. O(n log n).
func Compare(base, window []float64, test string) (Comparison, error) {
	var c Comparison
	b, w := finites(base), finites(window)
	if n := min(len(b), len(w)); n < MinCompared {
		return c, &ShortHistory{Have: n, Want: MinCompared, Unit: "values"}
	}
	rho := max(autocorrelation(b), autocorrelation(w), 0)
	var db, dw []float64
	if test == "" || test == "ks" {
		db, dw = differences(b), differences(w)
	}
	meanB, _ := meanOf(b)
	meanW, _ := meanOf(w)
	slices.Sort(b)
	slices.Sort(w)
	c.Before, c.After = Quantile(b, 0.5), Quantile(w, 0.5)
	c.P = ksP(b, w, (1-rho)/(1+rho))
	if len(db) >= MinCompared && len(dw) >= MinCompared {
		r := max(autocorrelation(db), autocorrelation(dw), 0)
		slices.Sort(db)
		slices.Sort(dw)
		c.P = min(1, 2*min(c.P, ksP(db, dw, (1-r)/(1+r))))
	}
	if test == "volume" {
		c.Effect = relativeChange(meanB, meanW)
		return c, nil
	}
	scale := (Quantile(b, 0.75) - Quantile(b, 0.25)) / (2 * quartile)
	largest := max(math.Abs(w[0]), math.Abs(w[len(w)-1]))
	scale = max(scale, leastScale*math.Abs(c.Before))
	if c.Before == 0 && scale == 0 {
		scale = newScale * largest
	}
	if scale == 0 { // all zero
		return c, nil
	}
	c.scale = scale
	for k, of := range shifts {
		if d := of(w) - of(b); k == 0 || math.Abs(d) > math.Abs(c.Shift) {
			c.Shift, c.base, c.of = d, of(b), of
		}
	}
	c.Effect = c.Shift / scale
	c.Effect = min(max(c.Effect, -MaxScore), MaxScore)
	return c, nil
}

// relativeChange is the change in units of the larger of the two, so that it
// is finite: −1 what ended, 1 what is new.
func relativeChange(before, after float64) float64 {
	if m := max(math.Abs(before), math.Abs(after)); m > 0 {
		return after/m - before/m
	}
	return 0
}

func finites(v []float64) []float64 {
	out := make([]float64, 0, len(v))
	for _, f := range v {
		if finite(f) {
			out = append(out, f)
		}
	}
	return out
}

func differences(v []float64) []float64 {
	out := make([]float64, 0, max(len(v)-1, 0))
	for i := 1; i < len(v); i++ {
		if d := v[i] - v[i-1]; finite(d) {
			out = append(out, d)
		}
	}
	return out
}

// upperMean is the mean of the upper quarter of sorted values.
func upperMean(sorted []float64) float64 {
	m, _ := meanOf(sorted[len(sorted)-max(len(sorted)/4, 1):])
	return m
}

func lowerMean(sorted []float64) float64 {
	m, _ := meanOf(sorted[:max(len(sorted)/4, 1)])
	return m
}

// autocorrelation is that of neighbours; zero for what does not move.
func autocorrelation(v []float64) float64 {
	m, n := meanOf(v)
	if n < 4 {
		return 0
	}
	top := 0.0
	for _, f := range v {
		top = max(top, math.Abs(f-m))
	}
	if top == 0 || !finite(top) {
		return 0
	}
	var num, den float64
	for i, f := range v {
		d := (f - m) / top
		den += d * d
		if i > 0 {
			num += d * ((v[i-1] - m) / top)
		}
	}
	return min(max(num/den, -0.99), 0.99)
}

// KS returns the largest distance of the distribution functions of two sorted
// samples (Kolmogorov 1933, Smirnov 1939). O(n).
func KS(a, b []float64) float64 {
	d, i, j := 0.0, 0, 0
	for i < len(a) && j < len(b) {
		x := min(a[i], b[j])
		for i < len(a) && a[i] == x {
			i++
		}
		for j < len(b) && b[j] == x {
			j++
		}
		d = max(d, math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))))
	}
	return d
}

// ksP is the two-sided p-value of KS with samples shortened to a share of
// them: the asymptotic distribution with Stephens's correction (1970).
func ksP(a, b []float64, share float64) float64 {
	d := KS(a, b)
	n := float64(len(a)) * float64(len(b)) / float64(len(a)+len(b)) * share
	s := math.Sqrt(n)
	return kolmogorov(d * (s + 0.12 + 0.11/s))
}

// kolmogorov is the probability that Kolmogorov's statistic exceeds x.
func kolmogorov(x float64) float64 {
	if x < 0.2 {
		return 1
	}
	p, sign := 0.0, 1.0
	for k := 1.0; k <= 100; k++ {
		t := math.Exp(-2 * k * k * x * x)
		p += sign * t
		if t < 1e-12*math.Abs(p) || t == 0 {
			break
		}
		sign = -sign
	}
	return min(max(2*p, 0), 1)
}

// FDR returns the adjusted p-values of Benjamini and Yekutieli (2001): those
// at most q are the discoveries of which an expected share of at most q is
// false, however the tests depend on each other. total is the number of tests,
// those included that are not in p (their p counts as 1); zero means len(p).
// NaN stays NaN and counts as no test. O(n log n).
func FDR(p []float64, total int) []float64 {
	order := make([]int, 0, len(p))
	for i, v := range p {
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	total = max(total, len(order))
	harmonic := 0.0
	if total < 1000 {
		for k := 1; k <= total; k++ {
			harmonic += 1 / float64(k)
		}
	} else {
		m := float64(total)
		harmonic = math.Log(m) + 0.5772156649015329 + 1/(2*m)
	}
	sort.SliceStable(order, func(a, b int) bool { return p[order[a]] < p[order[b]] })
	out := slices.Repeat([]float64{math.NaN()}, len(p))
	least := 1.0
	for k := len(order) - 1; k >= 0; k-- {
		i := order[k]
		least = min(least, p[i]*float64(total)*harmonic/float64(k+1))
		out[i] = least
	}
	return out
}
