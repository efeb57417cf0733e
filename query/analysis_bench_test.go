package query_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/storage/model"
)

// series is a source that hands out series as they are, so that a benchmark
// measures the functions and not a store.
type series struct{ all []model.Series }

func (s *series) View() (model.View, error) { return seriesView{s: s}, nil }

// seriesView answers with samples only.
type seriesView struct {
	model.View
	s *series
}

func (v seriesView) Close() error { return nil }

func (v seriesView) Samples(_ context.Context, sel model.SampleSelection, visit func(*model.Series) error) error {
	for _, sr := range v.s.all {
		lo, _ := slices.BinarySearch(sr.Times, sel.Mint)
		hi, _ := slices.BinarySearch(sr.Times, sel.Maxt+1)
		if lo == hi {
			continue
		}
		sr.Times, sr.Values = slices.Clone(sr.Times[lo:hi]), slices.Clone(sr.Values[lo:hi])
		if err := visit(&sr); err != nil {
			return err
		}
	}
	return nil
}

// dailySeries is n series with a day and noise.
func dailySeries(n int, length, step time.Duration) *series {
	r := rand.New(rand.NewPCG(1, 1))
	s := &series{}
	for k := range n {
		sr := model.Series{Name: "v", Labels: model.FromStrings("host", fmt.Sprint(k))}
		for d := step; d <= length; d += step {
			sr.Times = append(sr.Times, monday.Add(d).UnixNano())
			sr.Values = append(sr.Values, 50+20*math.Sin(2*math.Pi*float64(d%day)/float64(day))+3*r.NormFloat64())
		}
		s.all = append(s.all, sr)
	}
	return s
}

// BenchmarkAnalysis runs whole queries. Metrics are by series, and for scores
// by point of the answer.
func BenchmarkAnalysis(b *testing.B) {
	const n = 20
	month := dailySeries(n, 29*day, 5*time.Minute)
	ask := func(b *testing.B, e *query.Engine, req query.Request) {
		r, err := e.Query(context.Background(), req)
		if err != nil {
			b.Fatal(err)
		}
		if len(r.Series) == 0 {
			b.Fatal("no series")
		}
	}
	perSeries := func(b *testing.B, n, points int) {
		us := float64(b.Elapsed().Microseconds()) / float64(b.N)
		b.ReportMetric(us/float64(n), "µs/series")
		b.ReportMetric(us/float64(n*points), "µs/point")
	}
	score := query.Request{Text: `anomaly_score(v[4w])`, Start: monday.Add(28 * day), End: monday.Add(29 * day), Step: time.Minute}
	b.Run("anomaly_score/cold", func(b *testing.B) {
		for b.Loop() {
			ask(b, query.NewEngine(month, query.Options{}), score)
		}
		perSeries(b, n, 1441)
	})
	b.Run("anomaly_score/kept", func(b *testing.B) {
		e := query.NewEngine(month, query.Options{})
		ask(b, e, score)
		for b.Loop() {
			ask(b, e, score)
		}
		perSeries(b, n, 1441)
	})
	b.Run("forecast", func(b *testing.B) {
		e := query.NewEngine(month, query.Options{})
		for b.Loop() {
			ask(b, e, query.Request{Text: `forecast(v[4w], h="30d")`, Instant: true, End: monday.Add(29 * day)})
		}
		perSeries(b, n, 8064)
	})
	b.Run("rank_changes", func(b *testing.B) {
		e := query.NewEngine(dailySeries(n*10, 5*time.Hour, 15*time.Second), query.Options{})
		for b.Loop() {
			ask(b, e, query.Request{Text: `rank_changes(v[1h])`, Instant: true, End: monday.Add(5 * time.Hour)})
		}
		perSeries(b, n*10, 1200)
	})
	b.Run("corr_over_time", func(b *testing.B) {
		e := query.NewEngine(dailySeries(n*10, day, time.Minute), query.Options{})
		for b.Loop() {
			ask(b, e, query.Request{Text: `corr_over_time(v{host="0"}[1d], v[1d])`, Instant: true, End: monday.Add(day)})
		}
		perSeries(b, n*10, 1440)
	})
}
