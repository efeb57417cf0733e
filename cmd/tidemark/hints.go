package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// hints tells a person at a terminal what to try.
type hints struct {
	out   io.Writer
	url   string
	data  string
	token bool
}

// listening is the first line; programs that start the server read the address
// from it.
func (h *hints) listening() {
	fmt.Fprintf(h.out, "tidemark %s listens on %s, data in %s\n", version, h.url, h.data)
}

// demoQueries have an answer on the demo's data, whenever it was begun.
var demoQueries = []struct{ what, query, flags string }{
	{"the busiest hosts now", `topk(5, cpu_usage_user)`, ""},
	{"a week of one of them, drawn", `avg_over_time(cpu_usage_user{host="web-eu-1"}[30m])`, "--start -7d -o chart"},
	{"latency that is unlike itself: checkout, since its deployment", `anomaly_score((rate(http_request_duration_seconds_sum[10m]) / rate(http_request_duration_seconds_count[10m]))[4w:10m])`, ""},
	{"the seconds until a disk is full", `time_to(disk_used_percent{host="db-ap-1", path="/data"}[4w], 100)`, ""},
	{"the next day of one host", `forecast(cpu_usage_user{host="web-eu-1"}[4w], h="1d")`, "-o chart"},
	{"five days ago: errors of checkout in an outage", `sum by (service) (rate(http_errors_total[5m]))`, "--start -6d --end -4d -o chart"},
	{"and the lines that explain it", `{service="checkout", level="error"} |= "db-eu-1"`, "--start -6d --limit 5"},
	{"do memory of a service and its host move together?", `corr_over_time(process_resident_memory_bytes{service="recommendations"}[5d], mem_used_percent{host="api-us-3"}[5d]) on ()`, ""},
}

// next prints what can be asked now.
func (h *hints) next(demo, self bool) {
	program, flags := h.program(), h.flags()
	fmt.Fprintln(h.out, "\nTry, in another terminal:")
	switch {
	case demo:
		for _, q := range demoQueries {
			fmt.Fprintf(h.out, "  # %s\n  %s query%s '%s'", q.what, program, flags, q.query)
			if q.flags != "" {
				fmt.Fprintf(h.out, " %s", q.flags)
			}
			fmt.Fprintln(h.out)
		}
		h.curl(`topk(5, cpu_usage_user)`)
	case self:
		fmt.Fprintf(h.out, "  %s query%s 'cpu_usage_user'\n", program, flags)
		fmt.Fprintf(h.out, "  %s query%s '{service=\"tidemark\"}'\n", program, flags)
		h.curl(`mem_used_percent`)
	default:
		fmt.Fprintf(h.out, "  curl%s --data-binary 'weather,city=Oslo temperature=3.5' '%s/write'\n", h.curlToken(), h.url)
		fmt.Fprintf(h.out, "  %s query%s 'weather_temperature'\n", program, flags)
	}
	fmt.Fprintf(h.out, "\nGrafana: a Prometheus data source with the URL %s, a Loki data source with the same.\nTelegraf: outputs.influxdb with urls = [%q]. Stop with Ctrl-C.\n", h.url, h.url)
}

func (h *hints) curl(query string) {
	fmt.Fprintf(h.out, "  curl%s '%s/api/v1/query' --data-urlencode 'query=%s'\n", h.curlToken(), h.url, query)
}

func (h *hints) curlToken() string {
	if h.token {
		return ` -H "Authorization: Bearer $` + tokenVariable + `"`
	}
	return ""
}

// flags are those that differ from the client's defaults.
func (h *hints) flags() string {
	if h.url == defaultServer {
		return ""
	}
	return " --server " + h.url
}

// program is how the person started this one: by go run, or as a file.
func (h *hints) program() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./cmd/tidemark"
	}
	return "tidemark"
}
