package bench

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"tidemark/ingest/lineprotocol"
	"tidemark/storage"
	"tidemark/storage/model"
)

// BenchmarkSeries writes many series of one column and one label that no other
// has, and reports what each takes. "active" are series of one generation,
// which the head holds at once; "churn" are new ones each day, of which the
// store holds ten days. Run it with -benchtime 1x.
func BenchmarkSeries(b *testing.B) {
	const million = 1_000_000
	for _, c := range []struct {
		name         string
		days, series int
	}{{"active=1M", 1, million}, {"churn=10M", 10, million}} {
		b.Run(c.name, func(b *testing.B) {
			for range b.N {
				writeSeries(b, c.days, c.series)
			}
		})
	}
}

func liveBytes() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func writeSeries(b *testing.B, days, series int) {
	ctx := context.Background()
	dir := b.TempDir()
	// The head may hold all series of a day, so that each day is one
	// generation and "active" means what it says.
	o := storage.Options{HeadBytes: 1 << 30}
	before := liveBytes()
	db, err := storage.Open(dir, o)
	if err != nil {
		b.Fatal(err)
	}
	dec, err := lineprotocol.NewDecoder(lineprotocol.Options{})
	if err != nil {
		b.Fatal(err)
	}
	var batch model.Batch
	var body []byte
	began := time.Now()
	for day := range days {
		at := began.Add(time.Duration(day-days) * 24 * time.Hour).UnixNano()
		for i := 0; i < series; {
			body = body[:0]
			for range 10_000 {
				body = fmt.Appendf(body, "m,id=%03d%09d value=%d %d\n", day, i, i%100, at)
				i++
			}
			batch.Reset()
			if rep := dec.Decode(body, lineprotocol.Params{}, &batch); rep.Rejected > 0 {
				b.Fatal(rep.Err())
			}
			if _, err := db.Append(ctx, &batch); err != nil {
				b.Fatal(err)
			}
		}
		if day == 0 {
			batch, body = model.Batch{}, nil
			m := db.Metrics()
			b.ReportMetric(float64(liveBytes()-before)/float64(series), "live-B/active-series")
			b.ReportMetric(float64(m.HeadBytes)/float64(series), "head-B/active-series")
			b.ReportMetric(float64(dec.CacheStats().Bytes)/float64(series), "cache-B/active-series")
		}
		if err := db.Flush(ctx); err != nil {
			b.Fatal(err)
		}
	}
	took := time.Since(began)
	dec = nil
	b.ReportMetric(float64(liveBytes()-before)/1e6, "live-MB-flushed")
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	began = time.Now()
	if db, err = storage.Open(dir, o); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(time.Since(began).Milliseconds()), "open-ms")
	b.ReportMetric(float64(db.Metrics().DiskBytes)/float64(days*series), "disk-B/series")
	b.ReportMetric(float64(days*series)/took.Seconds(), "series/s")
	b.ReportMetric(0, "ns/op")
	// One of them is found among all.
	v, err := db.View()
	if err != nil {
		b.Fatal(err)
	}
	found := 0
	err = v.Samples(ctx, model.SampleSelection{Mint: -1 << 63, Maxt: 1<<63 - 1, Matchers: []*model.Matcher{
		model.MustMatcher(model.MatchEqual, model.MetricName, "m"), model.MustMatcher(model.MatchEqual, "id", fmt.Sprintf("%03d%09d", days-1, series/2))}},
		func(s *model.Series) error { found += len(s.Values); return nil })
	if err == nil && found != 1 {
		err = fmt.Errorf("%d samples of one series, want 1", found)
	}
	if err != nil {
		b.Fatal(err)
	}
	if err := v.Close(); err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}
