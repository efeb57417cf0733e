package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"tidemark/storage/keys"
	"tidemark/storage/model"
)

// BenchmarkLongRange asks for a year of 20 gauges and 20 counters that are scraped every minute: for
// aggregates over windows of an hour and of a day, and, as a query would have to without
// summaries, for all samples. It reports CPU time a series, what was decoded, and of
// the store what a sample takes and how many keys there are.
func BenchmarkLongRange(b *testing.B) {
	const (
		series   = 40
		days     = 365
		interval = int64(60e9)
		perDay   = int(24 * time.Hour / time.Minute)
	)
	ctx := context.Background()
	db, err := Open(b.TempDir(), Options{NoCompaction: true, FlushAge: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	sc := &model.Schema{Kind: model.MetricRow, Columns: []model.Column{{Name: "m", Measurement: "m", Field: "value", Type: model.TypeFloat}}}
	rng := rand.New(rand.NewPCG(1, 2))
	streams, values := make([]*model.Stream, series), make([]float64, series)
	for s := range streams {
		streams[s] = model.NewStream(model.FromStrings("s", fmt.Sprint(s)))
	}
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	for half := range 2 * days { // compaction merges what two flushes wrote
		var batch model.Batch
		for i := range perDay / 2 {
			for s, st := range streams {
				if s%2 == 0 {
					values[s] += float64(rng.IntN(3) - 1)
				} else {
					values[s] += float64(rng.IntN(100))
				}
				batch.Begin(st, sc, start+int64(half*perDay/2+i)*interval)
				batch.Float(values[s])
			}
		}
		if _, err := db.Append(ctx, &batch); err != nil {
			b.Fatal(err)
		}
		if err := db.Flush(ctx); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Compact(ctx); err != nil {
		b.Fatal(err)
	}
	chunks, bytes, other := 0, 0, 0
	it, err := db.pdb.NewIter(nil)
	if err != nil {
		b.Fatal(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		if kind, _ := keys.KindOf(it.Key()); kind == keys.KindChunk {
			chunks++
			bytes += len(it.Key()) + len(it.Value())
		} else {
			other += len(it.Key()) + len(it.Value())
		}
	}
	if err := it.Close(); err != nil {
		b.Fatal(err)
	}
	parts, err := listPartitions(db.pdb)
	if err != nil {
		b.Fatal(err)
	}
	samples := series * days * perDay
	v, err := db.View()
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	end := start + int64(days)*int64(24*time.Hour) - interval
	windows := func(w time.Duration, want model.Aggregate) *model.Windows {
		return &model.Windows{End: start + int64(w), Step: int64(w), Range: int64(w), Floor: 1e6, Count: days * int(24*time.Hour/w), Want: want}
	}
	for _, c := range []struct {
		name    string
		windows *model.Windows
	}{
		{"1d/sums", windows(24*time.Hour, model.WantSums)},
		{"1d/ends", windows(24*time.Hour, model.WantEnds)},
		{"1h/sums", windows(time.Hour, model.WantSums)},
		{"1h/ends", windows(time.Hour, model.WantEnds)},
		{"samples", nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			var stats model.ReadStats
			parted := 0
			began := cpuTime()
			for b.Loop() {
				set, err := v.(model.SeriesView).Series(ctx, model.SampleSelection{Mint: start, Maxt: end, Windows: c.windows})
				if err != nil {
					b.Fatal(err)
				}
				r, err := set.Reader()
				if err != nil {
					b.Fatal(err)
				}
				var s model.Series
				parted = 0
				for i := range set.Len() {
					if _, err := r.Read(ctx, i, &s); err != nil {
						b.Fatal(err)
					}
					parted += len(s.Times)
				}
				stats = r.Stats()
				_ = set.Close()
			}
			b.ReportMetric(float64(cpuTime()-began)/float64(b.N)/series/1e3, "cpu-µs/series")
			b.ReportMetric(float64(parted)/series, "parts/series")
			b.ReportMetric(float64(stats.Chunks)/series, "chunks-decoded/series")
			b.ReportMetric(float64(stats.Summaries)/series, "summaries/series")
			b.ReportMetric(float64(chunks)/series, "chunks/series")
			b.ReportMetric(float64(len(parts)), "partitions")
			b.ReportMetric(float64(bytes)/float64(samples), "B/sample")
			b.ReportMetric(float64(other)/float64(samples), "index-B/sample")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// cpuTime is what the process has taken of the processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
