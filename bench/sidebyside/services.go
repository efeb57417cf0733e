//go:build linux

package main

import (
	"fmt"
	"time"
)

// serviceQueries are what dashboards ask of services: rates, quantiles of
// classic histograms and of windows, rankings, counts, and a month in hours.
// Each reads a metric of ten or eleven series a host.
func serviceQueries(p *picker, add func(q *query, n int, make func() instance)) {
	const window = 6 * time.Hour
	over := func(span, step time.Duration, text string) func() instance {
		return func() instance { return p.ranged(span, step, text, "") }
	}
	add(&query{name: "rate-by-region", reads: allHosts, differs: otherRate}, 3,
		over(window, time.Minute, "sum by (region) (rate(http_requests_total[5m]))"))
	add(&query{name: "histogram-quantile", reads: allHosts, differs: otherRate}, 3,
		over(window, time.Minute, "histogram_quantile(0.99, sum by (le) (rate(http_request_seconds_bucket[5m])))"))
	add(&query{name: "quantile-over-time", reads: allHosts}, 2,
		over(time.Hour, 15*time.Second, "max by (region) (quantile_over_time(0.95, http_mean_ms[1h]))"))
	add(&query{name: "topk-avg-1h", reads: allHosts}, 10, p.instant("topk(10, avg_over_time(http_mean_ms[1h]))"))
	add(&query{name: "count-by-region", reads: allHosts}, 3, over(window, time.Minute, "count by (region) (http_mean_ms)"))
	add(&query{name: "regexp", throughput: true}, 20, func() instance {
		return p.ranged(time.Hour, time.Minute, fmt.Sprintf(`max by (path) (http_mean_ms{hostname=~"host_.*%d",path=~"/api/.*"})`, p.rng.IntN(90)+10), "")
	})
	add(&query{name: "all-in-hours", reads: allTime}, 2, func() instance {
		return instance{promQL: "avg by (region) (avg_over_time(http_mean_ms[1h]))", start: p.cfg.Start.Add(time.Hour + time.Second), end: p.cfg.End(), step: time.Hour}
	})
}
