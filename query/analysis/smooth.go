package analysis

import "math"

// smoother is an exponential smoothing with a damped trend (Gardner and
// McKenzie 1985): level += alpha·error, trend = phi·trend + beta·error. With beta
// 0 and phi 0 it is simple exponential smoothing.
type smoother struct{ alpha, beta, phi float64 }

// state is a smoother after some values.
type state struct{ level, trend float64 }

// smoothers are the parameters tried. A grid is as good as an optimiser here
// (the likelihood is flat) and cannot fail to converge.
var smoothers = func() []smoother {
	var out []smoother
	for _, a := range []float64{0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1} {
		out = append(out, smoother{a, 0, 0})
	}
	return out
}()

var dampedSmoothers = func() []smoother {
	var out []smoother
	for _, a := range []float64{0.1, 0.3, 0.6, 0.9} {
		for _, b := range []float64{0.02, 0.1, 0.3, 0.6} {
			for _, phi := range []float64{0.85, 0.95, 0.99} {
				out = append(out, smoother{a, a * b, phi})
			}
		}
	}
	return out
}()

// run smooths v, whose gaps it skips, and returns the sum of the squared
// one-step errors cut off at cut. at, where not nil, receives the state after
// every value.
func (s smoother) run(v []float64, cut float64, at []state) float64 {
	var st state
	started := false
	cost := 0.0
	n := 0
	for i, f := range v {
		switch {
		case math.IsNaN(f):
			st.level += s.phi * st.trend
			st.trend *= s.phi
		case !started:
			st.level, started = f, true
		default:
			e := f - st.level - s.phi*st.trend
			e = min(max(e, -cut), cut) // what is far off moves it no further
			if n++; n > 8 {
				cost += e * e
			}
			st.level += s.phi*st.trend + s.alpha*e
			st.trend = s.phi*st.trend + s.beta*e
		}
		if at != nil {
			at[i] = st
		}
	}
	return cost
}

// fitSmoothOn is how many of the newest values parameters are fitted on.
const fitSmoothOn = 1024

// best returns the smoother of the least cost.
func best(of []smoother, v []float64, cut float64) smoother {
	v = v[max(len(v)-fitSmoothOn, 0):]
	top, least := of[0], math.Inf(1)
	for _, s := range of {
		if c := s.run(v, cut, nil); c < least {
			top, least = s, c
		}
	}
	return top
}

// ahead returns what k steps of a damped trend add up to.
func (s smoother) ahead(st state, k float64) float64 {
	if s.phi == 0 {
		return st.level
	}
	if s.phi == 1 {
		return st.level + st.trend*k
	}
	return st.level + st.trend*s.phi*(1-math.Pow(s.phi, k))/(1-s.phi)
}

// autoregression is a model of differences between neighbours by the ones
// before them.
type autoregression struct {
	coef []float64
	mean float64
}

// maxOrder bounds the order of an autoregression.
const maxOrder = 12

// fitAutoregression fits the differences of v by Burg's method (1967), the
// order chosen by Akaike's criterion with the correction for few values. Gaps
// break the series; what is far off is cut off.
func fitAutoregression(v []float64, cut float64) autoregression {
	var d []float64
	for i := 1; i < len(v); i++ {
		if x := v[i] - v[i-1]; !math.IsNaN(x) {
			d = append(d, min(max(x, -cut), cut))
		}
	}
	var a autoregression
	n := len(d)
	if n < 16 {
		return a
	}
	a.mean, _ = meanOf(d)
	f, b := make([]float64, n), make([]float64, n)
	e := 0.0
	for i := range d {
		f[i] = d[i] - a.mean
		b[i] = f[i]
		e += f[i] * f[i] / float64(n)
	}
	if e == 0 {
		return a
	}
	var coef []float64
	leastCost := float64(n) * math.Log(e)
	for k := 1; k <= min(maxOrder, n/8); k++ {
		num, den := 0.0, 0.0
		for i := k; i < n; i++ {
			num += f[i] * b[i-1]
			den += f[i]*f[i] + b[i-1]*b[i-1]
		}
		if den == 0 {
			break
		}
		r := 2 * num / den
		next := make([]float64, k)
		for i := range coef {
			next[i] = coef[i] - r*coef[k-2-i]
		}
		next[k-1] = r
		coef = next
		for i := n - 1; i >= k; i-- {
			f[i], b[i] = f[i]-r*b[i-1], b[i-1]-r*f[i]
		}
		e *= 1 - r*r
		if !(e > 0) {
			break
		}
		p := float64(k)
		if c := float64(n)*math.Log(e) + 2*p + 2*p*(p+1)/max(float64(n)-p-2, 1); c < leastCost {
			leastCost, a.coef = c, append([]float64(nil), coef...)
		}
	}
	return a
}

// path returns the forecasts of the next h values after v[hi-1], without
// drift: the mean of differences belongs to other members.
func (a autoregression) path(v []float64, hi, h int, cut float64) []float64 {
	last := math.NaN()
	past := make([]float64, 0, len(a.coef)+h)
	for i := max(hi-len(a.coef), 1); i < hi; i++ {
		d := v[i] - v[i-1]
		if math.IsNaN(d) {
			d = a.mean
		}
		past = append(past, min(max(d, -cut), cut)-a.mean)
	}
	for i := hi - 1; i >= 0 && math.IsNaN(last); i-- {
		last = v[i]
	}
	out := make([]float64, h)
	level := last
	for k := range out {
		next := 0.0
		for j, c := range a.coef {
			if i := len(past) - 1 - j; i >= 0 {
				next += c * past[i]
			}
		}
		past = append(past, next)
		level += next + a.mean
		out[k] = level
	}
	return out
}
