package storage

import (
	"context"
	"fmt"
	"testing"

	"tidemark/storage/model"
)

// BenchmarkAppend writes rows of ten float columns of 1,000 known streams,
// 5,000 rows a batch, synced, on the disk of the test's temporary folder.
func BenchmarkAppend(b *testing.B) {
	db, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	sc := &model.Schema{Kind: model.MetricRow}
	for i := range 10 {
		sc.Columns = append(sc.Columns, model.Column{Name: fmt.Sprint("cpu_f", i), Measurement: "cpu", Field: fmt.Sprint("f", i), Type: model.TypeFloat})
	}
	var streams []*model.Stream
	for i := range 1000 {
		streams = append(streams, model.NewStream(model.FromStrings("host", fmt.Sprint(i), "region", fmt.Sprint(i%10))))
	}
	var batch model.Batch
	const rows = 5000
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		batch.Reset()
		for range rows {
			batch.Begin(streams[n%1000], sc, int64(n/1000)*10e9)
			for c := range 10 {
				batch.Float(float64(n + c))
			}
			n++
		}
		if _, err := db.Append(context.Background(), &batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/row")
	b.StopTimer()
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSelectOne asks for one series among 100,000, in the head and on
// disk.
func BenchmarkSelectOne(b *testing.B) {
	db, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	sc := &model.Schema{Kind: model.MetricRow, Columns: []model.Column{{Name: "m", Measurement: "m", Field: "value", Type: model.TypeFloat}}}
	var batch model.Batch
	for i := range 100_000 {
		st := model.NewStream(model.FromStrings("host", fmt.Sprint(i), "job", "x"))
		for t := range 5 {
			batch.Begin(st, sc, int64(t)*1e9)
			batch.Float(float64(i))
		}
	}
	if _, err := db.Append(context.Background(), &batch); err != nil {
		b.Fatal(err)
	}
	ask := func(b *testing.B) {
		sel := model.SampleSelection{Mint: 0, Maxt: 1e12, Matchers: []*model.Matcher{
			model.MustMatcher(model.MatchEqual, model.MetricName, "m"),
			model.MustMatcher(model.MatchEqual, "host", "4711"),
			model.MustMatcher(model.MatchEqual, "job", "x"),
		}}
		b.ReportAllocs()
		for b.Loop() {
			v, err := db.View()
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			if err := v.Samples(context.Background(), sel, func(s *model.Series) error { n += len(s.Times); return nil }); err != nil || n != 5 {
				b.Fatal(n, err)
			}
			if err := v.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("head", ask)
	if err := db.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.Run("disk", ask)
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}
