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

// demoCommands have an answer on the demo's data, whenever it was begun; each is
// a command, its argument and its flags.
var demoCommands = []struct{ what, command, argument, flags string }{
	{"the busiest hosts now", "query", `topk(5, cpu_usage_user)`, ""},
	{"two days of one of them, in the band that is normal for it", "query", `cpu_usage_user{host="web-eu-1"}`, "--start -2d --with baseline -o chart"},
	{"what fills up, and when", "capacity", `disk_used_percent{role="db"}=100`, ""},
	{"its forecast, drawn", "forecast", `disk_used_percent{host="db-ap-1", path="/data"}`, "--threshold 100"},
	{"five days ago: errors in an outage", "query", `sum by (service) (rate(http_errors_total[5m]))`, "--start -6d --end -4d -o chart"},
	{"the lines that explain it", "logs", `{service="checkout", level="error"} |= "db-eu-1"`, "--start -6d -n 5"},
	{"what a service says, by kind of line", "logs", `{service="checkout"}`, "--start -6h --patterns"},
	{"does memory of a service move with that of its host?", "query", `corr_over_time(process_resident_memory_bytes{service="recommendations"}[5d], mem_used_percent{host="api-us-3"}[5d]) on ()`, ""},
}

// next prints what can be asked now.
func (h *hints) next(demo, self bool) {
	program := h.program()
	fmt.Fprintf(h.out, "\nOpen %s in a browser.\n\nTry, in another terminal:\n", h.url)
	if h.url != defaultServer {
		fmt.Fprintf(h.out, "  export %s=%s\n", serverVariable, h.url)
	}
	switch {
	case demo:
		for _, q := range demoCommands {
			fmt.Fprintf(h.out, "  # %s\n  %s %s '%s'", q.what, program, q.command, q.argument)
			if q.flags != "" {
				fmt.Fprintf(h.out, " %s", q.flags)
			}
			fmt.Fprintln(h.out)
		}
		h.curl(`topk(5, cpu_usage_user)`)
	case self:
		fmt.Fprintf(h.out, "  %s query 'cpu_usage_user'\n", program)
		fmt.Fprintf(h.out, "  %s logs '{service=\"tidemark\"}'\n", program)
		h.curl(`mem_used_percent`)
	default:
		fmt.Fprintf(h.out, "  curl%s --data-binary 'weather,city=Oslo temperature=3.5' '%s/write'\n", h.curlToken(), h.url)
		fmt.Fprintf(h.out, "  %s query 'weather_temperature'\n", program)
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

// program is how the person started this one: by go run, or as a file.
func (h *hints) program() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./cmd/tidemark"
	}
	return "tidemark"
}
