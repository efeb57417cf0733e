package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

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

// BenchmarkFlush flushes 1,000 streams of ten columns with 120 samples each,
// decimals that wander, and 100,000 log lines of 100 streams with two fields.
func BenchmarkFlush(b *testing.B) {
	db, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	metrics := &model.Schema{Kind: model.MetricRow}
	for i := range 10 {
		metrics.Columns = append(metrics.Columns, model.Column{Name: fmt.Sprint("cpu_f", i), Measurement: "cpu", Field: fmt.Sprint("f", i), Type: model.TypeFloat})
	}
	logs := &model.Schema{Kind: model.LogRow, Columns: []model.Column{
		{Field: model.LineField, Type: model.TypeText},
		{Name: "nginx_duration", Measurement: "nginx", Field: "duration", Type: model.TypeFloat},
		{Field: "user", Type: model.TypeText},
	}}
	rng := rand.New(rand.NewPCG(1, 2))
	var batch model.Batch
	b.ReportAllocs()
	for day := int64(0); b.Loop(); day++ {
		b.StopTimer()
		for host := range 1000 {
			st := model.NewStream(model.FromStrings("host", fmt.Sprint(host)))
			v := rng.IntN(1000)
			batch.Reset()
			for i := range int64(120) {
				batch.Begin(st, metrics, day*86400e9+i*10e9)
				for range 10 {
					v += rng.IntN(21) - 10
					batch.Float(float64(v) / 10)
				}
			}
			if host%10 == 0 {
				lst := model.NewStream(model.FromStrings("host", fmt.Sprint(host), "measurement", "nginx"))
				for i := range int64(1000) {
					batch.Begin(lst, logs, day*86400e9+i*1e9)
					batch.TextString(fmt.Sprintf("GET /item/%d HTTP/1.1 200 %d bytes", rng.IntN(10000), rng.IntN(1<<20)))
					batch.Float(float64(rng.IntN(10000)) / 1000)
					batch.TextString(fmt.Sprint("user", rng.IntN(500)))
				}
			}
			if _, err := db.Append(context.Background(), &batch); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		if err := db.Flush(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkCompact merges what 26 flushes wrote of a day of 200 series, a
// sample every ten seconds: random walks between 0 and 100 in whole numbers.
func BenchmarkCompact(b *testing.B) {
	const series, flushes, perFlush = 200, 26, 332
	b.ReportAllocs()
	var before, after Metrics
	for b.Loop() {
		b.StopTimer()
		db, err := Open("db", Options{FS: vfs.NewMem(), NoCompaction: true})
		if err != nil {
			b.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 1))
		walks := make([]int, series)
		var streams []*model.Stream
		for i := range series {
			streams = append(streams, model.NewStream(model.FromStrings("host", fmt.Sprint(i))))
		}
		sc := &model.Schema{Kind: model.MetricRow, Columns: []model.Column{{Name: "m", Measurement: "m", Field: "value", Type: model.TypeFloat}}}
		for f := range flushes {
			var batch model.Batch
			for t := range perFlush {
				for i := range series {
					walks[i] = min(100, max(0, walks[i]+rng.IntN(3)-1))
					batch.Begin(streams[i], sc, int64(f*perFlush+t)*10e9)
					batch.Float(float64(walks[i]))
				}
			}
			if _, err := db.Append(context.Background(), &batch); err != nil {
				b.Fatal(err)
			}
			if err := db.Flush(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
		before = db.Metrics()
		b.StartTimer()
		if err := db.Compact(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		after = db.Metrics()
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	samples := float64(series * flushes * perFlush)
	b.ReportMetric(samples*float64(b.N)/b.Elapsed().Seconds()/1e6, "Msamples/s")
	b.ReportMetric(float64(before.ChunkBytes)/samples, "B/sample-before")
	b.ReportMetric(float64(after.CompactedIntoSize)/samples, "B/sample-after")
}
