package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	end = start.Add(24 * time.Hour)
	// last is the last time that a row of the day can have: times are whole
	// milliseconds. A window that ends there begins just before the day.
	last    = end.Add(-time.Millisecond)
	lastDay = strconv.FormatInt(last.UnixNano(), 10)
	endDay  = strconv.FormatInt(end.UnixNano(), 10) // exclusive
)

func tidemark(path string) system {
	return system{
		name: "tidemark", path: path, ready: "/-/ready",
		args: func(dir, addr string) []string {
			return []string{"serve", "--no-self", "--enable-admin-api", "--data", dir, "--listen", addr}
		},
		insert:  "/insert/jsonline?_time_field=_time&_msg_field=_msg&_stream_fields=host,service",
		merge:   "/tidemark/api/v1/admin/compact",
		queries: tidemarkQueries,
	}
}

func victoriaLogs(path string) system {
	return system{
		name: "victorialogs", path: path, ready: "/health",
		args: func(dir, addr string) []string {
			return []string{"-storageDataPath=" + dir, "-httpListenAddr=" + addr, "-retentionPeriod=100y"}
		},
		insert:  "/insert/jsonline?_time_field=_time&_msg_field=_msg&_stream_fields=host,service",
		merge:   "/internal/force_merge",
		queries: victoriaQueries,
	}
}

// all is a selector of every stream.
const all = `{service=~".+"}`

// questions name the queries of both systems, in order.
var questions = []string{"count all", "count by level per minute", "count by level", "errors by service", "count per minute",
	"rare word, lines", "trace_id", "phrase, count", "common word, count", "substring, count", "regexp, count",
	"newest 100 of a common word", "newest 100 of a stream", "word in 1 h, newest 100",
	"average by service", "p95 by service", "distinct trace ids"}

func tidemarkQueries(f *facts) []query {
	instant := func(q string) query {
		return query{path: params("/loki/api/v1/query", "query", q, "time", lastDay), parse: lokiNumbers}
	}
	steps := func(q string) query {
		return query{path: params("/loki/api/v1/query_range", "query", q, "start", strconv.FormatInt(start.Add(time.Minute-time.Millisecond).UnixNano(), 10), "end", lastDay, "step", "60"), parse: lokiNumbers}
	}
	lines := func(q string, from time.Time, limit int) query {
		return query{path: params("/loki/api/v1/query_range", "query", q, "start", strconv.FormatInt(from.UnixNano(), 10), "end", endDay, "limit", strconv.Itoa(limit), "direction", "backward"), parse: lokiLines}
	}
	qs := []query{
		instant(`sum(count_over_time(` + all + `[24h]))`),
		steps(`sum by (level) (count_over_time(` + all + `[1m]))`),
		instant(`sum by (level) (count_over_time(` + all + `[24h]))`),
		instant(`sum by (service) (count_over_time(` + all + ` | level="error" [24h]))`),
		steps(`sum(count_over_time(` + all + `[1m]))`),
		lines(all+` |= "quarantined"`, start, 1000),
		lines(all+` | trace_id="`+f.trace+`"`, start, 1000),
		instant(`sum(count_over_time(` + all + ` |= "session opened for user" [24h]))`),
		instant(`sum(count_over_time(` + all + ` |= "authentication" [24h]))`),
		instant(`sum(count_over_time(` + all + ` |= "eadloc" [24h]))`),
		instant(`sum(count_over_time(` + all + " |~ `rhost=[0-9.]+ +user=root` [24h]))"),
		lines(all+` |= "authentication"`, start, 100),
		lines(`{host="`+f.host+`",service="`+f.app+`"}`, start, 100),
		lines(all+` |= "deadlock"`, end.Add(-time.Hour), 100),
		instant(`avg_over_time(` + all + ` | unwrap duration_ms [24h]) by (service)`),
		instant(`quantile_over_time(0.95, ` + all + ` | unwrap duration_ms [24h]) by (service)`),
		instant(`count(count by (trace_id) (count_over_time(` + all + ` [24h])))`),
	}
	return named(qs)
}

func victoriaQueries(f *facts) []query {
	ask := func(q string, parse func([]byte) (string, error)) query {
		return query{path: params("/select/logsql/query", "query", q, "start", start.Format(time.RFC3339), "end", last.Format(time.RFC3339Nano)), parse: parse}
	}
	count := func(filter string) query { return ask(filter+" | stats count() n", vlNumbers) }
	lines := func(filter string, limit int) query {
		return ask(fmt.Sprintf("%s | sort by (_time desc) limit %d", filter, limit), vlLines)
	}
	qs := []query{
		count("*"),
		ask("* | stats by (_time:1m, level) count() n", vlNumbers),
		ask("* | stats by (level) count() n", vlNumbers),
		ask("level:=error | stats by (service) count() n", vlNumbers),
		ask("* | stats by (_time:1m) count() n", vlNumbers),
		lines("quarantined", 1000),
		lines("trace_id:="+f.trace, 1000),
		count(`"session opened for user"`),
		count("authentication"),
		count(`~"eadloc"`),
		count("~`rhost=[0-9.]+ +user=root`"),
		lines("authentication", 100),
		lines(fmt.Sprintf("{host=%q,service=%q}", f.host, f.app), 100),
		lines("_time:["+end.Add(-time.Hour).Format(time.RFC3339)+", "+end.Format(time.RFC3339)+"] deadlock", 100),
		ask("* | stats by (service) avg(duration_ms) n", vlNumbers),
		ask("* | stats by (service) quantile(0.95, duration_ms) n", vlNumbers),
		ask("* | stats count_uniq(trace_id) n", vlNumbers),
	}
	return named(qs)
}

func named(qs []query) []query {
	for i := range qs {
		qs[i].name = questions[i]
	}
	return qs
}

// lokiNumbers reads a vector or matrix: one number per label set and time, the
// label sets without their names.
func lokiNumbers(body []byte) (string, error) {
	var a struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
				Values [][2]any
			}
		}
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return "", err
	}
	var out []string
	for _, r := range a.Data.Result {
		values := r.Values
		if values == nil {
			values = [][2]any{r.Value}
		}
		for _, v := range values {
			text, _ := v[1].(string)
			minute := ""
			if at, ok := v[0].(float64); ok && r.Values != nil {
				minute = minuteOf(at)
			}
			out = append(out, number(minute, labelText(r.Metric), parsed(text)))
		}
	}
	return numbers(out), nil
}

func labelText(m map[string]string) string {
	var parts []string
	for _, v := range m {
		parts = append(parts, v)
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

// minuteOf is the minute of the day that a time in seconds lies in.
func minuteOf(seconds float64) string {
	return strconv.Itoa(int(math.Floor((seconds - float64(start.Unix())) / 60)))
}

func parsed(text string) float64 {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		f = math.NaN()
	}
	return f
}

// number prints the value of a minute ("" for the whole day) and a label set:
// a count whole, another number with six digits, which all sides agree in.
func number(minute, labels string, f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strings.TrimLeft(fmt.Sprintf("%s %s %d", minute, labels, int64(f)), " ")
	}
	return strings.TrimLeft(fmt.Sprintf("%s %s %.6g", minute, labels, f), " ")
}

func numbers(out []string) string {
	slices.Sort(out)
	return strings.Join(out, "; ")
}

// vlNumbers reads objects with a number n.
func vlNumbers(body []byte) (string, error) {
	var out []string
	for line := range bytes.Lines(body) {
		m := map[string]string{}
		if err := json.Unmarshal(line, &m); err != nil {
			return "", err
		}
		n := m["n"]
		minute := ""
		if text, ok := m["_time"]; ok {
			at, err := time.Parse(time.RFC3339Nano, text)
			if err != nil {
				return "", err
			}
			minute = minuteOf(float64(at.UnixMilli()) / 1000)
		}
		delete(m, "n")
		delete(m, "_time")
		out = append(out, number(minute, labelText(m), parsed(n)))
	}
	return numbers(out), nil
}

// lokiLines reads the lines of streams, sorted.
func lokiLines(body []byte) (string, error) {
	var a struct {
		Data struct {
			Result []struct{ Values [][]any }
		}
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return "", err
	}
	var out []string
	for _, r := range a.Data.Result {
		for _, v := range r.Values {
			text, _ := v[1].(string)
			out = append(out, text)
		}
	}
	return numbers(out), nil
}

func vlLines(body []byte) (string, error) {
	var out []string
	for line := range bytes.Lines(body) {
		var m struct {
			Msg string `json:"_msg"`
		}
		if err := json.Unmarshal(line, &m); err != nil {
			return "", err
		}
		out = append(out, m.Msg)
	}
	return numbers(out), nil
}

// sameAnswer compares answers: counts exactly, other numbers within their last
// digits.
func sameAnswer(a, b string) bool {
	if a == b {
		return true
	}
	x, y := strings.Split(a, "; "), strings.Split(b, "; ")
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] == y[i] {
			continue
		}
		v, err1 := strconv.ParseFloat(x[i][strings.LastIndexByte(x[i], ' ')+1:], 64)
		w, err2 := strconv.ParseFloat(y[i][strings.LastIndexByte(y[i], ' ')+1:], 64)
		whole := v == math.Trunc(v) && w == math.Trunc(w)
		if err1 != nil || err2 != nil || whole || math.Abs(v-w) > 1e-5*math.Abs(w) {
			return false
		}
	}
	return true
}

// firstDifference shows where two answers part.
func firstDifference(a, b string) string {
	x, y := strings.Split(a, "; "), strings.Split(b, "; ")
	differ, first := 0, ""
	for i := range max(len(x), len(y)) {
		v, w := "nothing", "nothing"
		if i < len(x) {
			v = x[i]
		}
		if i < len(y) {
			w = y[i]
		}
		if !sameAnswer(v, w) {
			if differ++; differ == 1 {
				first = fmt.Sprintf("%q against %q", short(v), short(w))
			}
		}
	}
	return fmt.Sprintf("%d values against %d, %d differ, the first %s", len(x), len(y), differ, first)
}
