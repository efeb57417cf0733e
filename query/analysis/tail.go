package analysis

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// tailQuantiles is how many quantiles of the body a tail remembers.
const tailQuantiles = 64

// survival is the probability that a one-sided distance is at least as large
// as a given one: by rank in the body of the values it was fitted on, by a generalized Pareto
// distribution beyond.
type survival struct {
	// body has the quantiles k/tailQuantiles up to threshold.
	body      []float64
	share     float64 // of values beyond threshold
	threshold float64
	shape     float64
	scale     float64
	n         float64
}

// fitSurvival fits the survival of one-sided distances (zero for values on the
// other side), which it reorders. The tail beyond the quantile 0.9 (0.8 below
// 400 values) is fitted by probability-weighted moments (Hosking and Wallis
// 1987), which exist in closed form and are steady for few values; its shape is
// kept within −0.1 and 0.5: a bounded tail is never certain.
func fitSurvival(z []float64) survival {
	slices.Sort(z)
	n := len(z)
	s := survival{n: float64(n)}
	at := 0.9
	if n < 400 {
		at = 0.8
	}
	first := int(at * float64(n))
	if n == 0 || first >= n {
		return s
	}
	s.threshold = z[first]
	for k := 0; k <= tailQuantiles; k++ {
		s.body = append(s.body, z[min(k*n/tailQuantiles, n-1)])
	}
	// Values that equal the threshold belong to the body.
	for first < n && z[first] == s.threshold {
		first++
	}
	beyond := z[first:]
	s.share = float64(len(beyond)) / float64(n)
	if len(beyond) < 4 {
		s.scale = max(s.threshold, 1) / 4
		return s
	}
	m := float64(len(beyond))
	a0, a1 := 0.0, 0.0
	for i, v := range beyond {
		y := v - s.threshold
		a0 += y / m
		a1 += y * (m - float64(i) - 0.65) / m / m
	}
	if d := a0 - 2*a1; d > 0 {
		s.shape = 2 - a0/d
		s.scale = 2 * a0 * a1 / d
	}
	if c := min(max(s.shape, -0.1), 0.5); c != s.shape || s.scale <= 0 {
		s.shape = c
		s.scale = a0 * (1 - c)
	}
	return s
}

// at returns the survival of a distance d ≥ 0, never zero.
func (s *survival) at(d float64) float64 {
	if s.n == 0 {
		return 1
	}
	const least = 1e-12
	if d > s.threshold && s.scale > 0 {
		share := max(s.share, 0.5/s.n)
		x := (d - s.threshold) / s.scale
		p := math.Exp(-x)
		if math.Abs(s.shape) > 1e-6 {
			p = math.Pow(max(1+s.shape*x, 0), -1/s.shape)
		}
		return max(share*p, least)
	}
	// The body: between the two quantiles around d.
	i, found := slices.BinarySearch(s.body, d)
	if found && d == 0 {
		for i+1 < len(s.body) && s.body[i+1] == 0 {
			i++
		}
	}
	if i == 0 {
		return 1
	}
	if i >= len(s.body) {
		return max(s.share, 0.5/s.n)
	}
	lo, hi := s.body[i-1], s.body[i]
	f := 1.0
	if hi > lo {
		f = (d - lo) / (hi - lo)
	}
	return max(1-(float64(i-1)+f)/tailQuantiles, s.share, 0.5/s.n)
}

// PValue returns the probability that an ordinary value of (t−Res, t] lies as
// far from the expected one as v, on either side: dir "both", or above ("up") or
// below ("down") it. It is uniform for ordinary values. NaN for a value that is
// not finite.
//
// Distances are in scales of their side and phase, as the band's; their
// distribution is that of the values in training (see fitSurvival). Counts have at
// least the probability that a Poisson process gives them.
func (m *Baseline) PValue(t int64, v float64, dir string) float64 {
	if !finite(v) {
		return math.NaN()
	}
	e := m.model.at(t - m.Res/2)
	k := 0
	if v >= e {
		k = 1
	}
	s := &m.sides[k]
	d := math.Abs(v-e) / s.scaleAt(m, t-m.Res/2)
	if math.Abs(v-e) <= m.floor {
		d = 0
	}
	p := m.tails().sides[k].at(d)
	if m.counts {
		p = max(p, min(m.poisson(e, v), 0.5))
	}
	switch {
	case d == 0:
		return 1
	case dir == "up" && k == 0 || dir == "down" && k == 1:
		return 1 - p
	case dir == "up" || dir == "down":
		return p
	}
	return min(2*p, 1)
}

// poisson is the probability that a Poisson count of the mean that e stands
// for lies at least as far out as v, on v's side.
func (m *Baseline) poisson(e, v float64) float64 {
	mean := max((e+m.extra)*m.perBucket, 1e-9)
	k := v * m.perBucket
	if k >= mean {
		return mathext.GammaIncReg(max(math.Ceil(k-1e-9), 1e-9), mean) // P(N ≥ k)
	}
	return mathext.GammaIncRegComp(math.Floor(k+1e-9)+1, mean) // P(N ≤ k)
}

// scaleAt is the scale of the side at the moment middle.
func (s *side) scaleAt(m *Baseline, middle int64) float64 {
	if len(s.scale) == 1 {
		return s.scale[0]
	}
	i, j, f := m.spread.between(middle)
	return s.scale[i]*(1-f) + s.scale[j]*f
}

// Parts returns the expected value's parts at the moment that the value of
// (t−Res, t] stands for.
func (m *Baseline) Parts(t int64) (trend, season float64) {
	middle := t - m.Res/2
	return m.model.line.At(middle), m.model.season(middle)
}
