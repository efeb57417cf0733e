package bench

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/storage"
)

// The store of BenchmarkMetrics takes a while to make, so that it may be kept.
var (
	storeDir   = flag.String("store", "", "folder of the store of BenchmarkMetrics, made where it is missing and kept; empty: a temporary one")
	storeHosts = flag.Int("hosts", 100, "hosts in a store that is made")
	storeHours = flag.Int("hours", 12, "hours in a store that is made")
	flushes    = flag.Int("flushes", 0, "flush a store that is made so often, and do not compact it; 0: flush and compact it at the end")
	shift      = flag.Duration("shift", 0, "how much earlier BenchmarkMetrics asks, so that its windows begin anywhere")
)

// metricStore returns a flushed store of the TSBS cpu-only shape, and the time
// at which its data ends.
func metricStore(b *testing.B) (*storage.DB, time.Time) {
	b.Helper()
	dir := *storeDir
	if dir == "" {
		dir = b.TempDir()
	}
	end := began.Add(time.Duration(*storeHours) * time.Hour)
	_, err := os.Stat(filepath.Join(dir, "made"))
	made := err == nil
	db, err := storage.Open(dir, storage.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	if made {
		return db, end
	}
	url := serve(b, db) + "/write"
	g := cpuOnly(b, *storeHosts)
	lines := *storeHosts * *storeHours * 360
	for n := 0; n < lines; n += 10_000 {
		body, _ := g.AppendLines(nil, min(10_000, lines-n))
		if err := post(http.DefaultClient, url, body); err != nil {
			b.Fatal(err)
		}
		if *flushes > 0 && (n+10_000)**flushes/lines > n**flushes/lines {
			if err := db.Flush(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if err := db.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	if *flushes == 0 {
		if err := db.Compact(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "made"), nil, 0o666); err != nil {
		b.Fatal(err)
	}
	return db, end
}

// cpuTime reports the time that all cores spent on an operation, which other
// programs on the machine disturb less than they do the clock.
func cpuTime(b *testing.B) (stop func()) {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") }
}

// metricCases are the queries of the Time Series Benchmark Suite in PromQL,
// and others that read much. A zero span asks an instant query.
var metricCases = []struct {
	name, text string
	span, step time.Duration
}{
	{"single-groupby-1-1-1", `max(max_over_time(cpu_usage_user{hostname="host_7"}[1m]))`, time.Hour, time.Minute},
	{"single-groupby-1-1-12", `max(max_over_time(cpu_usage_user{hostname="host_7"}[1m]))`, 12 * time.Hour, time.Minute},
	{"single-groupby-1-8-1", `max(max_over_time(cpu_usage_user{hostname=~"host_1|host_2|host_3|host_4|host_5|host_6|host_7|host_8"}[1m]))`, time.Hour, time.Minute},
	{"single-groupby-5-1-1", `max by (metric) (label_replace(max_over_time({__name__=~"cpu_usage_user|cpu_usage_system|cpu_usage_idle|cpu_usage_nice|cpu_usage_iowait",hostname="host_7"}[1m]), "metric", "$1", "__name__", "(.+)"))`, time.Hour, time.Minute},
	{"single-groupby-5-1-12", `max by (metric) (label_replace(max_over_time({__name__=~"cpu_usage_user|cpu_usage_system|cpu_usage_idle|cpu_usage_nice|cpu_usage_iowait",hostname="host_7"}[1m]), "metric", "$1", "__name__", "(.+)"))`, 12 * time.Hour, time.Minute},
	{"single-groupby-5-8-1", `max by (metric) (label_replace(max_over_time({__name__=~"cpu_usage_user|cpu_usage_system|cpu_usage_idle|cpu_usage_nice|cpu_usage_iowait",hostname=~"host_1|host_2|host_3|host_4|host_5|host_6|host_7|host_8"}[1m]), "metric", "$1", "__name__", "(.+)"))`, time.Hour, time.Minute},
	{"cpu-max-all-1", `max by (metric) (label_replace(max_over_time({__name__=~"cpu_.*",hostname="host_7"}[1h]), "metric", "$1", "__name__", "(.+)"))`, 8 * time.Hour, time.Hour},
	{"cpu-max-all-8", `max by (metric) (label_replace(max_over_time({__name__=~"cpu_.*",hostname=~"host_1|host_2|host_3|host_4|host_5|host_6|host_7|host_8"}[1h]), "metric", "$1", "__name__", "(.+)"))`, 8 * time.Hour, time.Hour},
	{"double-groupby-1", `avg by (metric, hostname) (label_replace(avg_over_time(cpu_usage_user[1h]), "metric", "$1", "__name__", "(.+)"))`, 12 * time.Hour, time.Hour},
	{"double-groupby-5", `avg by (metric, hostname) (label_replace(avg_over_time({__name__=~"cpu_usage_user|cpu_usage_system|cpu_usage_idle|cpu_usage_nice|cpu_usage_iowait"}[1h]), "metric", "$1", "__name__", "(.+)"))`, 12 * time.Hour, time.Hour},
	{"double-groupby-all", `avg by (metric, hostname) (label_replace(avg_over_time({__name__=~"cpu_.*"}[1h]), "metric", "$1", "__name__", "(.+)"))`, 12 * time.Hour, time.Hour},
	{"high-cpu-all", `cpu_usage_user > 90`, 12 * time.Hour, time.Minute},
	{"rate-by-region", `sum by (region) (rate(cpu_usage_user[5m]))`, time.Hour, time.Minute},
	{"topk-instant", `topk(10, avg_over_time(cpu_usage_user[1h]))`, 0, 0},
	{"one-metric-instant", `cpu_usage_user`, 0, 0},
	{"wide-instant", `{__name__=~"cpu_.*"}`, 0, 0},
	{"count-wide-instant", `count({__name__=~"cpu_.*"})`, 0, 0},
	{"quantile-over-time", `quantile_over_time(0.95, cpu_usage_user[1h])`, time.Hour, time.Minute},
	// The latency figures: many series, fine steps, long ranges.
	{"rate-by-datacenter", `sum by (datacenter) (rate(cpu_usage_user[5m]))`, 6 * time.Hour, 15 * time.Second},
	{"histogram-quantile", `histogram_quantile(0.99, sum by (le) (label_replace(rate({__name__=~"cpu_.*"}[5m]), "le", "$1", "rack", "(.+)")))`, 6 * time.Hour, time.Minute},
	{"quantile-over-time-fine", `quantile_over_time(0.95, cpu_usage_user[1h])`, time.Hour, 15 * time.Second},
	{"topk-range", `topk(10, avg_over_time(cpu_usage_user[1h]))`, 6 * time.Hour, time.Minute},
	{"count-by", `count by (region) ({__name__=~"cpu_.*"})`, 6 * time.Hour, time.Minute},
	{"regexp", `cpu_usage_user{hostname=~"host_.*7"}`, 6 * time.Hour, time.Minute},
	{"month-by-hour", `avg by (region) (avg_over_time(cpu_usage_user[1h]))`, 30 * 24 * time.Hour, time.Hour},
}

// BenchmarkMetrics asks through the engine alone.
func BenchmarkMetrics(b *testing.B) {
	db, end := metricStore(b)
	end = end.Add(-*shift)
	e := query.NewEngine(db, query.Options{})
	for _, c := range metricCases {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			defer cpuTime(b)()
			for b.Loop() {
				ask(b, e, query.Request{Text: c.text, Dialect: ast.PromQL, Instant: c.span == 0, Start: end.Add(-c.span), End: end.Add(-time.Second), Step: c.step})
			}
		})
	}
}

// BenchmarkMetricsHTTP asks through the server.
func BenchmarkMetricsHTTP(b *testing.B) {
	db, end := metricStore(b)
	base := serve(b, db)
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	for _, c := range metricCases {
		b.Run(c.name, func(b *testing.B) {
			q := url.Values{"query": {c.text}, "time": {fmt.Sprint(end.Unix() - 1)}}
			path := "/api/v1/query?"
			if c.span > 0 {
				path = "/api/v1/query_range?"
				q = url.Values{"query": {c.text}, "start": {fmt.Sprint(end.Add(-c.span).Unix())}, "end": {fmt.Sprint(end.Unix() - 1)}, "step": {fmt.Sprint(c.step.Seconds())}}
			}
			defer cpuTime(b)()
			for b.Loop() {
				resp, err := client.Get(base + path + q.Encode())
				if err != nil {
					b.Fatal(err)
				}
				n, err := io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != 200 {
					b.Fatal(resp.Status, err)
				}
				b.ReportMetric(float64(n), "answer-B")
			}
		})
	}
}
