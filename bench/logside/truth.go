package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// truth is what the generator itself says the answers are, gathered row by row
// while the corpus is written: where the systems differ, it tells who is wrong.
type truth struct {
	all           int64
	byLevel       map[string]int64
	byMinute      []int64
	byMinuteLevel []map[string]int64
	errors        map[string]int64 // by service
	durations     map[string][]float64
	traces        map[string]struct{}
	texts         []int64 // of counted, in order
}

// counted are the texts that the questions count lines with; "" is the regular
// expression, which is written out below.
var counted = []string{"session opened for user", "authentication", "eadloc", ""}

func newTruth() *truth {
	minutes := int(end.Sub(start) / time.Minute)
	return &truth{byLevel: map[string]int64{}, byMinute: make([]int64, minutes), byMinuteLevel: make([]map[string]int64, minutes),
		errors: map[string]int64{}, durations: map[string][]float64{}, traces: map[string]struct{}{}, texts: make([]int64, len(counted))}
}

// add notes a line and its time in nanoseconds. Rows beyond the day, of which
// there are a few, are outside of what is asked for.
func (t *truth) add(line []byte, at int64) error {
	if at < start.UnixNano() || at >= end.UnixNano() {
		return nil
	}
	var row struct {
		Service  string  `json:"service"`
		Level    string  `json:"level"`
		Trace    string  `json:"trace_id"`
		Duration float64 `json:"duration_ms"`
		Msg      string  `json:"_msg"`
	}
	if err := json.Unmarshal(line, &row); err != nil {
		return fmt.Errorf("generated line %s: %w", line, err)
	}
	minute := (at - start.UnixNano()) / int64(time.Minute)
	t.all++
	t.byLevel[row.Level]++
	t.byMinute[minute]++
	if t.byMinuteLevel[minute] == nil {
		t.byMinuteLevel[minute] = map[string]int64{}
	}
	t.byMinuteLevel[minute][row.Level]++
	if row.Level == "error" {
		t.errors[row.Service]++
	}
	t.durations[row.Service] = append(t.durations[row.Service], row.Duration)
	t.traces[row.Trace] = struct{}{}
	for i, text := range counted {
		if text != "" && strings.Contains(row.Msg, text) || text == "" && rootHost(row.Msg) {
			t.texts[i]++
		}
	}
	return nil
}

// rootHost reports whether a message matches rhost=[0-9.]+ +user=root.
func rootHost(msg string) bool {
	for {
		_, rest, ok := strings.Cut(msg, "rhost=")
		if !ok {
			return false
		}
		after := strings.TrimLeft(rest, "0123456789.")
		spaced := strings.TrimLeft(after, " ")
		if len(after) < len(rest) && len(spaced) < len(after) && strings.HasPrefix(spaced, "user=root") {
			return true
		}
		msg = rest
	}
}

// answers are the true ones, by question; those that list lines have none.
func (t *truth) answers() map[string]string {
	count := func(n int64) string { return number("", "", float64(n)) }
	counts := func(by map[string]int64) string {
		var out []string
		for k, n := range by {
			out = append(out, number("", k, float64(n)))
		}
		return numbers(out)
	}
	a := map[string]string{"count all": count(t.all), "count by level": counts(t.byLevel), "errors by service": counts(t.errors),
		"distinct trace ids": count(int64(len(t.traces)))}
	for i, question := range []string{"phrase, count", "common word, count", "substring, count", "regexp, count"} {
		a[question] = count(t.texts[i])
	}
	var minutes, levels, means, p95s []string
	for m, n := range t.byMinute {
		if n > 0 {
			minutes = append(minutes, number(strconv.Itoa(m), "", float64(n)))
		}
		for level, n := range t.byMinuteLevel[m] {
			levels = append(levels, number(strconv.Itoa(m), level, float64(n)))
		}
	}
	for service, ds := range t.durations {
		sum := 0.0
		for _, d := range ds {
			sum += d
		}
		means = append(means, number("", service, sum/float64(len(ds))))
		slices.Sort(ds)
		at := 0.95 * float64(len(ds)-1)
		i := int(at)
		p := ds[i]
		if i+1 < len(ds) {
			p += (at - math.Floor(at)) * (ds[i+1] - p)
		}
		p95s = append(p95s, number("", service, p))
	}
	a["count per minute"], a["count by level per minute"] = numbers(minutes), numbers(levels)
	a["average by service"], a["p95 by service"] = numbers(means), numbers(p95s)
	return a
}
