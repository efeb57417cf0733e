package analysis

import (
	"math"
	"math/rand/v2"
	"testing"
)

// fourWeeks is four weeks at five minutes with a day and noise.
func fourWeeks() (ts []int64, vs []float64) {
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range int64(4 * Week / DefaultRes) {
		t := t0 + (i+1)*DefaultRes
		ts = append(ts, t)
		vs = append(vs, 50+20*math.Sin(2*math.Pi*float64(t%Day)/float64(Day))+3*rng.NormFloat64())
	}
	return ts, vs
}

// BenchmarkFit fits one model to four weeks at five minutes, 8,064 points.
func BenchmarkFit(b *testing.B) {
	ts, vs := fourWeeks()
	from, to := ts[0]-DefaultRes, ts[len(ts)-1]
	b.Run("baseline", func(b *testing.B) {
		for b.Loop() {
			if _, err := FitBaseline(ts, vs, from, to, DefaultRes, BaselineOptions{Seasons: Seasons{Auto: true}}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(ts)), "µs/point")
	})
	b.Run("forecast", func(b *testing.B) {
		res := ForecastResolution(ts, from, to)
		for b.Loop() {
			if _, err := FitForecast(ts, vs, from, to, res, ForecastOptions{Seasons: Seasons{Auto: true}}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(ts)), "µs/point")
	})
	b.Run("change_points", func(b *testing.B) {
		res := ChangeResolution(ts, from, to)
		for b.Loop() {
			if _, err := ChangePoints(ts, vs, from, to, res, ChangeOptions{Seasons: Seasons{Auto: true}}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(ts)), "µs/point")
	})
	b.Run("discords", func(b *testing.B) {
		for b.Loop() {
			Discords(vs, 48, len(vs), false)
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(ts)), "µs/point")
	})
	b.Run("compare", func(b *testing.B) { // an hour against four at 15 s
		for b.Loop() {
			if _, err := Compare(vs[:960], vs[960:1200], "ks"); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*1200), "µs/point")
	})
	b.Run("correlate", func(b *testing.B) { // a day at a minute
		for b.Loop() {
			if _, err := Correlate(vs[:1440], vs[1440:2880], CorrelationOptions{}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*1440), "µs/point")
	})
}
