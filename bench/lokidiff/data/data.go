// Package data has the log rows and the questions by which servers that speak
// Loki's protocol are compared.
package data

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Set is the rows and the questions about them. Its rows begin at Start, which
// is a whole minute, and cover four; answers are told relative to it, because
// Loki answers of the recent past alone before it has flushed.
type Set struct{ Start time.Time }

// stream is one stream of a push.
type stream struct {
	Labels map[string]string `json:"stream"`
	Values [][]any           `json:"values"`
}

func (s *stream) add(at time.Time, line string, meta map[string]string) {
	v := []any{strconv.FormatInt(at.UnixNano(), 10), line}
	if meta != nil {
		v = append(v, meta)
	}
	s.Values = append(s.Values, v)
}

// Push returns the body of a push of every row. It is always the same but for
// times.
func (set Set) Push() []byte {
	after := func(d time.Duration) time.Time { return set.Start.Add(d) }
	api := stream{Labels: map[string]string{"app": "api", "env": "prod"}}
	dev := stream{Labels: map[string]string{"app": "api", "env": "dev", "path": "stream"}}
	levels := []string{"info", "warn", "error", "info", "debug"}
	paths := []string{"/a", "/b", "/c"}
	for i := range 40 {
		line := fmt.Sprintf(`ts=%d level=%s status=%d took=%dms size=%.1fKB path=%s msg="did \"it\" %d"`,
			i, levels[i%5], 200+(i%4)*100, (i*35)%120, float64(i%9)/2, paths[i%3], i)
		switch i {
		case 7:
			line = `level=error broken="never ends`
		case 11:
			line = `level=warn size= took=oops path=/b status=x =1`
		}
		api.add(after(time.Duration(i)*6*time.Second), line, nil)
		if i%4 == 0 {
			dev.add(after(time.Duration(i)*6*time.Second+time.Millisecond), line, map[string]string{"pod": "d1"})
		}
	}
	web := stream{Labels: map[string]string{"app": "web", "env": "prod"}}
	for i := range 24 {
		line := fmt.Sprintf(`{"level":"%s","user":{"id":%d,"name":"u%d"},"n":%d,"duration":"%dms","tags":["x%d","y"],"ok":%v,"nil":null,"msg":"code=%d done","pod":"in"}`,
			levels[i%5], i%3, i%3, i*i%50, i*90, i, i%2 == 0, i)
		if i%8 == 5 {
			line = fmt.Sprintf("not json %d", i)
		}
		web.add(after(time.Duration(i)*10*time.Second+time.Second), line, map[string]string{"trace": fmt.Sprintf("t%d", i%4), "pod": fmt.Sprintf("p%d", i%3)})
	}
	nginx := stream{Labels: map[string]string{"app": "nginx", "env": "prod"}}
	for i := range 24 {
		nginx.add(after(time.Duration(i)*10*time.Second+2*time.Second), fmt.Sprintf(`10.0.0.%d - - [20/Nov/2026:12:00:%02d +0000] "%s %s HTTP/1.1" %d %d`,
			i%9, i, []string{"GET", "POST"}[i%2], paths[i%3], 200+100*(i%4), i*17), nil)
	}
	packed := stream{Labels: map[string]string{"app": "packed", "env": "prod"}}
	for i := range 8 {
		line := fmt.Sprintf(`{"pod":"k%d","app":"inner","_entry":"level=%s n=%d"}`, i%2, levels[i%5], i)
		if i == 3 {
			line = "plain"
		}
		packed.add(after(time.Duration(i)*20*time.Second+3*time.Second), line, nil)
	}
	color := stream{Labels: map[string]string{"app": "color", "env": "dev"}}
	for i := range 4 {
		color.add(after(time.Duration(i)*40*time.Second+4*time.Second), fmt.Sprintf("\x1b[31mred %d\x1b[0m \x1b[1;32mgreen\x1b[m", i), nil)
	}
	b, err := json.Marshal(map[string]any{"streams": []stream{api, dev, web, nginx, packed, color}})
	if err != nil {
		panic(err) // of values that can be written
	}
	return b
}

// Question is one request.
type Question struct {
	Name   string
	Path   string
	Params url.Values
}

// Questions makes requests of the lines of a file, of which those that are
// empty or begin with # are none.
func (set Set) Questions(text string) []Question {
	ns := func(d time.Duration) string { return strconv.FormatInt(set.Start.Add(d).UnixNano(), 10) }
	var out []Question
	for _, q := range strings.Split(text, "\n") {
		if q = strings.TrimSpace(q); q == "" || q[0] == '#' {
			continue
		}
		if q[0] == '{' {
			for _, dir := range []string{"forward", "backward"} {
				out = append(out, Question{dir + " " + q, "/loki/api/v1/query_range",
					url.Values{"query": {q}, "start": {ns(0)}, "end": {ns(5 * time.Minute)}, "limit": {map[string]string{"forward": "500", "backward": "7"}[dir]}, "direction": {dir}}})
			}
			continue
		}
		out = append(out, Question{"instant " + q, "/loki/api/v1/query", url.Values{"query": {q}, "time": {ns(3 * time.Minute)}}})
		if !strings.HasPrefix(q, "sort") {
			out = append(out, Question{"range " + q, "/loki/api/v1/query_range",
				url.Values{"query": {q}, "start": {ns(time.Minute)}, "end": {ns(4 * time.Minute)}, "step": {"30s"}}})
		}
	}
	return out
}

// Answer is what two servers must agree on: the kind of answer and its rows or
// numbers, each as one text, sorted; of a refusal that it is one.
func (set Set) Answer(status int, body []byte) []string {
	if status/100 != 2 {
		return []string{"refused"}
	}
	var a struct {
		Data struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	var out []string
	bad := func(err error) []string { return []string{"unreadable: " + err.Error()} }
	if err := json.Unmarshal(body, &a); err != nil {
		return bad(err)
	}
	switch a.Data.ResultType {
	case "scalar":
		var v [2]any
		if err := json.Unmarshal(a.Data.Result, &v); err != nil {
			return bad(err)
		}
		out = append(out, number(fmt.Sprint(v[1])))
	case "streams":
		var ss []struct {
			Stream map[string]string
			Values [][2]string
		}
		if err := json.Unmarshal(a.Data.Result, &ss); err != nil {
			return bad(err)
		}
		for _, s := range ss {
			for _, v := range s.Values {
				t, err := strconv.ParseInt(v[0], 10, 64)
				if err != nil {
					return bad(err)
				}
				out = append(out, fmt.Sprintf("%012d %s %s", t-set.Start.UnixNano(), labels(s.Stream), v[1]))
			}
		}
	default:
		var ss []struct {
			Metric map[string]string
			Value  *[2]any
			Values [][2]any
		}
		if err := json.Unmarshal(a.Data.Result, &ss); err != nil {
			return bad(err)
		}
		for _, s := range ss {
			text := labels(s.Metric)
			if s.Value != nil {
				s.Values = append(s.Values, *s.Value)
			}
			for _, v := range s.Values {
				t, _ := v[0].(float64)
				text += fmt.Sprintf(" %s@%d", number(fmt.Sprint(v[1])), int64(t)-set.Start.Unix())
			}
			out = append(out, text)
		}
	}
	sort.Strings(out)
	if len(out) > most {
		sum := sha256.Sum256([]byte(strings.Join(out, "\n")))
		out = append(out[:most:most], fmt.Sprintf("and %d more, all with the sum %x", len(out)-most, sum[:8]))
	}
	return append([]string{a.Data.ResultType}, out...)
}

// most is how many rows of an answer are told whole.
const most = 8

// number prints a number to nine digits, which is what sums in another order
// agree on.
func number(s string) string {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return s
	}
	return strconv.FormatFloat(f, 'g', 9, 64)
}

// labels prints labels sorted; the details of an error are every server's own.
func labels(m map[string]string) string {
	var out []string
	for n, v := range m {
		if n != "__error_details__" {
			out = append(out, fmt.Sprintf("%s=%q", n, v))
		}
	}
	sort.Strings(out)
	return "{" + strings.Join(out, ",") + "}"
}
