//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidemark/bench/gen"
)

// query is one kind of query of the suite, with several random instances.
type query struct {
	name string
	// instances are the paths to ask, for each system that answers PromQL.
	instances []instance
	// differs says which system gives other values by design, and why.
	differs map[string]string
	// names keeps the label __name__ when values are compared; otherwise it is
	// dropped, because VictoriaMetrics keeps it where PromQL does not.
	names bool
	// throughput also measures queries per second.
	throughput bool
	// reads says of what a query reads more when there is more of it.
	reads reach
}

// reach is which dimensions of the workload a query's samples grow with.
type reach int

const (
	someHosts reach = iota // hosts that are named, of a window: nothing
	allHosts               // every host, of a window
	allTime                // every host, of all of the time
)

// instance is one query with its times. Where VictoriaMetrics has a shorter
// way to write it, it is asked so.
type instance struct {
	promQL, metricsQL string
	start, end        time.Time
	step              time.Duration // 0 asks an instant query at end
}

func (i *instance) path(s *system) string {
	text := i.promQL
	if s.name == "victoria-metrics" && i.metricsQL != "" {
		text = i.metricsQL
	}
	unix := func(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', -1, 64) }
	if i.step == 0 {
		return "/api/v1/query?query=" + url.QueryEscape(text) + "&time=" + unix(i.end) + s.params
	}
	return "/api/v1/query_range?query=" + url.QueryEscape(text) + "&start=" + unix(i.start) + "&end=" + unix(i.end) +
		"&step=" + strconv.Itoa(int(i.step.Seconds())) + s.params
}

// cpuFields are the fields that the suite's queries name, in its order.
var cpuFields = []string{"usage_user", "usage_system", "usage_idle", "usage_nice", "usage_iowait",
	"usage_irq", "usage_softirq", "usage_steal", "usage_guest", "usage_guest_nice"}

// picker draws hosts and times.
type picker struct {
	rng *rand.Rand
	cfg gen.Config
}

// window draws a span within the workload, or takes all of it where it is
// shorter.
func (p *picker) window(d time.Duration) (start, end time.Time) {
	all := p.cfg.End().Sub(p.cfg.Start)
	start = p.cfg.Start
	if d < all {
		start = start.Add(time.Duration(p.rng.Int64N(int64(all-d)/1e9)) * time.Second)
	}
	if start.Sub(p.cfg.Start)%p.cfg.Interval == 0 {
		// A window's left end is open, in Prometheus since version 3 only:
		// then no sample should be just there.
		start = start.Add(time.Second)
	}
	if end = start.Add(d); end.After(p.cfg.End()) {
		end = p.cfg.End()
	}
	return start, end
}

// ranged is a range query over a window.
func (p *picker) ranged(span, step time.Duration, promQL, metricsQL string) instance {
	start, end := p.window(span)
	return instance{promQL, metricsQL, start, end, step}
}

// instant draws instant queries of one text.
func (p *picker) instant(text string) func() instance {
	return func() instance {
		_, end := p.window(time.Hour)
		return instance{promQL: text, end: end}
	}
}

// otherRate is why rates are not compared.
var otherRate = map[string]string{"victoria-metrics": "its rate takes the sample before the window and does not extrapolate"}

// hosts draws n hosts as a matcher.
func (p *picker) hosts(n int) string {
	n = min(n, p.cfg.Hosts)
	names := make([]string, n)
	for i, h := range p.rng.Perm(p.cfg.Hosts)[:n] {
		names[i] = fmt.Sprintf("host_%d", h)
	}
	if n == 1 {
		return `hostname="` + names[0] + `"`
	}
	return `hostname=~"` + strings.Join(names, "|") + `"`
}

// metrics matches the first n fields of cpu.
func metrics(n int) string {
	if n == 1 {
		return `__name__="cpu_usage_user"`
	}
	return `__name__=~"cpu_(` + strings.Join(cpuFields[:n], "|") + `)"`
}

// suite returns the queries for a workload, those with names that contain one
// of the wanted parts.
func suite(o *options) []*query {
	p := &picker{rng: rand.New(rand.NewPCG(o.workload.Seed, 1)), cfg: o.workload}
	var all []*query
	add := func(q *query, n int, make func() instance) {
		if !slices.ContainsFunc(strings.Split(o.queries, ","), func(part string) bool { return strings.Contains(q.name, part) }) {
			return
		}
		for range n {
			q.instances = append(q.instances, make())
		}
		all = append(all, q)
	}
	if o.workload.Shape == gen.Services {
		serviceQueries(p, add)
	} else {
		cpuQueries(p, add)
	}
	return all
}

// cpuQueries are those of TSBS, in PromQL, and some that read more; all of
// them read measurement cpu.
func cpuQueries(p *picker, add func(q *query, n int, make func() instance)) {
	grouped := func(agg, fn string, fields int, matchers string, window time.Duration, by ...string) (promQL, metricsQL string) {
		sel := "{" + metrics(fields)
		if matchers != "" {
			sel += "," + matchers
		}
		sel += "}"
		label := "1m"
		if window == time.Hour {
			label = "1h"
		}
		if fields > 1 {
			// The suite's question is per metric.
			inner := fmt.Sprintf("%s(%s[%s])", fn, sel, label)
			keys := strings.Join(append([]string{"metric"}, by...), ", ")
			names := strings.Join(append([]string{"__name__"}, by...), ", ")
			return fmt.Sprintf(`%s by (%s) (label_replace(%s, "metric", "$1", "__name__", "(.+)"))`, agg, keys, inner),
				fmt.Sprintf(`%s(%s) by (%s)`, agg, inner, names)
		}
		inner := fmt.Sprintf("%s(cpu_usage_user%s[%s])", fn, strings.Replace(sel, `__name__="cpu_usage_user",`, "", 1), label)
		if matchers == "" {
			inner = fmt.Sprintf("%s(cpu_usage_user[%s])", fn, label)
		}
		if len(by) == 0 {
			return fmt.Sprintf("%s(%s)", agg, inner), ""
		}
		return fmt.Sprintf("%s(%s) by (%s)", agg, inner, strings.Join(by, ", ")), ""
	}
	ranged := p.ranged
	for _, c := range []struct{ metrics, hosts, hours int }{{1, 1, 1}, {1, 1, 12}, {1, 8, 1}, {5, 1, 1}, {5, 1, 12}, {5, 8, 1}} {
		q := &query{name: fmt.Sprintf("single-groupby-%d-%d-%d", c.metrics, c.hosts, c.hours), throughput: c.hours == 1 && (c.metrics == c.hosts || c.hosts == 8 && c.metrics == 5)}
		add(q, 60, func() instance {
			promQL, metricsQL := grouped("max", "max_over_time", c.metrics, p.hosts(c.hosts), time.Minute)
			return ranged(time.Duration(c.hours)*time.Hour, time.Minute, promQL, metricsQL)
		})
	}
	for _, hosts := range []int{1, 8} {
		add(&query{name: fmt.Sprintf("cpu-max-all-%d", hosts), throughput: hosts == 8}, 40, func() instance {
			promQL, metricsQL := grouped("max", "max_over_time", 10, p.hosts(hosts), time.Hour)
			return ranged(8*time.Hour, time.Hour, promQL, metricsQL)
		})
	}
	for _, c := range []struct {
		name   string
		fields int
	}{{"1", 1}, {"5", 5}, {"all", 10}} {
		add(&query{name: "double-groupby-" + c.name, reads: allHosts}, 5, func() instance {
			promQL, metricsQL := grouped("avg", "avg_over_time", c.fields, "", time.Hour, "hostname")
			return ranged(12*time.Hour, time.Hour, promQL, metricsQL)
		})
	}
	add(&query{name: "high-cpu", names: true, reads: allHosts}, 5, func() instance { return ranged(12*time.Hour, time.Minute, "cpu_usage_user > 90", "") })
	instant := p.instant
	add(&query{name: "lastpoint", names: true, reads: allHosts}, 10, instant(`{__name__=~"cpu_.*"}`))
	add(&query{name: "instant-metric", names: true, reads: allHosts}, 10, instant("cpu_usage_user"))
	add(&query{name: "count", names: true, reads: allHosts}, 10, instant(`count({__name__=~"cpu_.*"})`))
	add(&query{name: "topk-avg-1h", reads: allHosts}, 10, instant("topk(10, avg_over_time(cpu_usage_user[1h]))"))
	add(&query{name: "rate-by-region", differs: otherRate, reads: allHosts}, 10, func() instance {
		return ranged(time.Hour, time.Minute, "sum by (region) (rate(cpu_usage_user[5m]))", "")
	})
}
