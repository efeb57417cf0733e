package analysis

import (
	"cmp"
	"math"
	"slices"
)

// Knee is the load at which something saturates.
type Knee struct {
	// Load is where the latency begins to rise, From to To an 80 % interval.
	Load, From, To float64
}

// FindKnee finds the load beyond which latency rises: the corner of two
// straight lines, flat and rising, that meet (segmented regression), fitted to
// the medians of latency by load in equally filled groups. The interval are the corners whose
// error is within what chance allows of the least (a profile likelihood with
// one degree of freedom). A NaN load says that there is no corner: two lines
// are no better than one, or the second does not rise.
//
// It takes 32 pairs, otherwise the error is a *ShortHistory. O(n log n).
func FindKnee(load, latency []float64) (Knee, error) {
	type pair struct{ x, y float64 }
	var ps []pair
	for i := range load {
		if finite(load[i]) && finite(latency[i]) {
			ps = append(ps, pair{load[i], latency[i]})
		}
	}
	none := Knee{math.NaN(), math.NaN(), math.NaN()}
	if len(ps) < MinPoints {
		return none, &ShortHistory{Have: len(ps), Want: MinPoints, Unit: "pairs"}
	}
	slices.SortFunc(ps, func(a, b pair) int { return cmp.Compare(a.x, b.x) })
	groups := min(len(ps)/4, 64)
	x, y := make([]float64, groups), make([]float64, groups)
	for g := range groups {
		var xs, ys []float64
		for _, p := range ps[g*len(ps)/groups : (g+1)*len(ps)/groups] {
			xs, ys = append(xs, p.x), append(ys, p.y)
		}
		x[g], y[g] = Median(xs), Median(ys)
	}
	width := x[groups-1] - x[0]
	if !(width > 0) {
		return none, nil
	}
	fit := func(at float64) (rss, before, after float64) {
		var m [3][3]float64
		var v [3]float64
		total := 0.0
		for i := range x {
			f := [3]float64{1, (x[i] - at) / width, max((x[i]-at)/width, 0)}
			total += y[i] * y[i]
			for a := range f {
				v[a] += f[a] * y[i]
				for b := range f {
					m[a][b] += f[a] * f[b]
				}
			}
		}
		beta, ok := solve3(m, v)
		if !ok {
			return math.Inf(1), 0, 0
		}
		for a := range v {
			total -= beta[a] * v[a]
		}
		return max(total, 0), beta[1], beta[1] + beta[2]
	}
	least, best := math.Inf(1), 0
	var rss []float64
	for i := range x {
		r := math.Inf(1)
		if i >= 3 && i < groups-3 {
			r, _, _ = fit(x[i])
		}
		rss = append(rss, r)
		if r < least {
			least, best = r, i
		}
	}
	if math.IsInf(least, 1) {
		return none, nil
	}
	_, before, after := fit(x[best])
	one := 0.0
	{
		var sx, sy, sxx, sxy, syy float64
		n := float64(groups)
		for i := range x {
			sx, sy, sxx, sxy, syy = sx+x[i], sy+y[i], sxx+x[i]*x[i], sxy+x[i]*y[i], syy+y[i]*y[i]
		}
		one = syy - sy*sy/n
		if d := sxx - sx*sx/n; d > 0 {
			one -= (sxy - sx*sy/n) * (sxy - sx*sy/n) / d
		}
	}
	n := float64(groups)
	if !(after > max(before, 0)) || n*math.Log(one/max(least, 1e-12*one)) < 3*math.Log(n) {
		return none, nil
	}
	k := Knee{x[best], x[best], x[best]}
	bound := max(least, 1e-12*one) * math.Exp(1.64/n) // χ² with one degree of freedom, 80 %
	for i, r := range rss {
		if r <= bound {
			k.From, k.To = min(k.From, x[i]), max(k.To, x[i])
		}
	}
	return k, nil
}
