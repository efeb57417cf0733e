package score

import "math"

// Forecasted is one series of a forecasting competition with its forecast.
// Lo and Hi, the bounds of the 95 % interval, may be nil.
type Forecasted struct {
	Period       int
	Train, Test  []float64
	Mean, Lo, Hi []float64
}

// ForecastScores are the measures of the M4 competition (Makridakis et al.
// 2020), averaged over series.
type ForecastScores struct {
	SMAPE, MASE, OWA, MSIS, ACD float64
}

// Forecasts scores forecasts against Naive2.
func Forecasts(all []Forecasted) ForecastScores {
	var s ForecastScores
	var smape2, mase2, cover float64
	n, scaled := 0.0, 0.0
	for _, f := range all {
		h := len(f.Test)
		base := naive2(f.Train, f.Period, h)
		scale := 0.0
		for t := f.Period; t < len(f.Train); t++ {
			scale += math.Abs(f.Train[t]-f.Train[t-f.Period]) / float64(len(f.Train)-f.Period)
		}
		var abs, abs2, width float64
		for i, y := range f.Test {
			s.SMAPE += relative(y, f.Mean[i]) / float64(h)
			smape2 += relative(y, base[i]) / float64(h)
			abs += math.Abs(y-f.Mean[i]) / float64(h)
			abs2 += math.Abs(y-base[i]) / float64(h)
			if f.Lo == nil {
				continue
			}
			width += (f.Hi[i] - f.Lo[i] + 40*max(0, f.Lo[i]-y) + 40*max(0, y-f.Hi[i])) / float64(h)
			if f.Lo[i] <= y && y <= f.Hi[i] {
				cover += 1 / float64(h)
			}
		}
		n++
		if scale > 0 {
			scaled++
			s.MASE += abs / scale
			mase2 += abs2 / scale
			s.MSIS += width / scale
		}
	}
	s.SMAPE /= n
	s.MASE /= scaled
	s.MSIS /= scaled
	s.OWA = (s.SMAPE/(smape2/n) + s.MASE/(mase2/scaled)) / 2
	s.ACD = math.Abs(cover/n - .95)
	return s
}

func relative(y, f float64) float64 {
	d := math.Abs(y) + math.Abs(f)
	if d == 0 {
		return 0
	}
	return 200 * math.Abs(y-f) / d
}

// naive2 repeats the last value, seasonally adjusted by classical
// multiplicative decomposition where the season is significant.
func naive2(x []float64, m, h int) []float64 {
	out := make([]float64, h)
	n := len(x)
	if !seasonal(x, m) {
		for i := range out {
			out[i] = x[n-1]
		}
		return out
	}
	half := m / 2
	sums, count := make([]float64, m), make([]float64, m)
	for t := half; t < n-half; t++ {
		trend := 0.0
		for k := t - half; k <= t+half; k++ {
			w := 1.0
			if m%2 == 0 && (k == t-half || k == t+half) {
				w = .5
			}
			trend += w * x[k] / float64(m)
		}
		if trend != 0 {
			sums[t%m] += x[t] / trend
			count[t%m]++
		}
	}
	mean := 0.0
	for i := range sums {
		sums[i] /= count[i]
		mean += sums[i] / float64(m)
	}
	level := x[n-1] / (sums[(n-1)%m] / mean)
	for i := range out {
		out[i] = level * sums[(n+i)%m] / mean
	}
	return out
}

// seasonal is the competition's 90 % test of the autocorrelation.
func seasonal(x []float64, m int) bool {
	n := len(x)
	if m <= 1 || n < 3*m || m > min(n-1, int(10*math.Log10(float64(n)))) {
		return false
	}
	mean := 0.0
	for _, v := range x {
		mean += v / float64(n)
	}
	cov := func(k int) float64 {
		sum := 0.0
		for i := 0; i+k < n; i++ {
			sum += (x[i] - mean) * (x[i+k] - mean)
		}
		return sum
	}
	c0 := cov(0)
	if c0 == 0 {
		return false
	}
	sq := 0.0
	for k := 1; k < m; k++ {
		sq += math.Pow(cov(k)/c0, 2)
	}
	return math.Abs(cov(m)/c0) > 1.645/math.Sqrt(float64(n))*math.Sqrt(1+2*sq)
}
