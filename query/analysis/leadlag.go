package analysis

import "math"

// Lead is how two series follow each other.
type Lead struct {
	// Lag is by how many buckets b follows a (negative: a follows b), R the
	// correlation there, P the probability that chance makes one as strong at
	// any of the lags.
	Lag  int
	R, P float64
}

// LeadLag finds the lag, at most most buckets either way, at which two equally
// long bucket columns correlate most strongly.
//
// Series that depend on their own past correlate at many lags by chance, so
// both are first passed through the filter that makes a's differences white
// (prewhitening, Box and Jenkins 1970; an autoregression by Burg's method);
// what b still depends on its past shortens the sample (Bartlett 1946). P is
// that of Fisher's z times the number of lags. It takes 32 common pairs, otherwise the error is
// a *ShortHistory; NaN R where a side does not move. O(n · lags).
func LeadLag(a, b []float64, most int) (Lead, error) {
	none := Lead{R: math.NaN(), P: 1}
	common := 0
	for i := range a {
		if finite(a[i]) && finite(b[i]) {
			common++
		}
	}
	if common < MinPoints {
		return none, &ShortHistory{Have: common, Want: MinPoints, Unit: "common points"}
	}
	ar := fitAutoregression(a, math.Inf(1))
	fa, fb := ar.residuals(a), ar.residuals(b)
	n := len(fa)
	most = min(most, n/2)
	ra, rb := autocorrelation(finites(fa)), autocorrelation(finites(fb))
	share := (1 - math.Abs(ra*rb)) / (1 + math.Abs(ra*rb))
	best := none
	for lag := -most; lag <= most; lag++ {
		var x, y []float64
		for i := range fa {
			if j := i + lag; j >= 0 && j < n && finite(fa[i]) && finite(fb[j]) {
				x, y = append(x, fa[i]), append(y, fb[j])
			}
		}
		if len(x) < MinPairs {
			continue
		}
		r, err := Correlate(x, y, CorrelationOptions{})
		if err != nil || math.IsNaN(r) {
			continue
		}
		if math.IsNaN(best.R) || math.Abs(r) > math.Abs(best.R) {
			z := math.Atanh(min(math.Abs(r), 1-1e-12)) * math.Sqrt(max(float64(len(x))*share-3, 1))
			best = Lead{Lag: lag, R: r, P: min(1, math.Erfc(z/math.Sqrt2)*float64(2*most+1))}
		}
	}
	return best, nil
}

// residuals returns what the model leaves of the differences of v.
func (a autoregression) residuals(v []float64) []float64 {
	d := make([]float64, max(len(v)-1, 0))
	for i := range d {
		d[i] = v[i+1] - v[i]
	}
	out := make([]float64, len(d))
	for i := range d {
		out[i] = d[i]
		for k, c := range a.coef {
			if i-1-k < 0 {
				out[i] = math.NaN()
				break
			}
			out[i] -= c * d[i-1-k]
		}
	}
	return out
}
