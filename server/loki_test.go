package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/storage/model"
)

var logResult = query.Result{
	Kind: query.KindStreams,
	Streams: []query.Stream{{
		Labels: model.FromStrings("app", "api"),
		Entries: []query.Entry{
			{T: 1_700_000_000_000_000_001, Line: "a \"quoted\" line\twith\\escapes", Fields: []query.Field{
				{Name: "n", Value: model.Int(9223372036854775807)}, {Name: "f", Value: model.Float(0.5)}, {Name: "ok", Value: model.Bool(true)}, {Name: "s", Value: model.Text("x")}}},
			{T: -5, Line: ""},
		},
	}},
	Stats: query.Stats{Series: 1, Rows: 2},
}

// timing replaces figures that no test can foresee.
var timing = regexp.MustCompile(`"(execTime|linesProcessedPerSecond|seconds)":[0-9.]+`)

func timeless(r reply) reply {
	r.body = timing.ReplaceAllString(r.body, `"$1":0`)
	return r
}

func lokiStats(lines, entries int) string {
	return fmt.Sprintf(`"stats":{"summary":{"execTime":0,"linesProcessedPerSecond":0,"totalLinesProcessed":%d,"totalEntriesReturned":%d},"querier":{},"ingester":{}}`, lines, entries)
}

func TestLokiShapes(t *testing.T) {
	h := start(t, Options{})
	h.engine.query = answering(logResult)
	const streams = `{"status":"success","data":{"resultType":"streams","result":[{"stream":{"app":"api"},"values":[["1700000000000000001","a \"quoted\" line\twith\\escapes"],["-5",""]]}],`
	timeless(h.get("/loki/api/v1/query_range?query=%7Bapp%3D%22api%22%7D")).want(t, 200, streams+lokiStats(2, 2)+"}}")
	timeless(h.get("/loki/api/v1/query?query=%7Bapp%3D%22api%22%7D")).want(t, 200, streams+lokiStats(2, 2)+"}}")

	// Grafana's health check.
	h.engine.query = answering(query.Result{Kind: query.KindVector, Series: []query.Series{{Points: []query.Point{{T: 4_000, V: 2}}}}})
	timeless(h.get("/loki/api/v1/query?query=vector(1)%2Bvector(1)&time=4000000000")).
		want(t, 200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[4,"2"]}],`+lokiStats(0, 0)+"}}")

	h.engine.query = answering(query.Result{Kind: query.KindMatrix, Series: []query.Series{{Labels: model.FromStrings("app", "api"), Points: []query.Point{{T: 4_000, V: 2}}}}, Warnings: []string{"w"}})
	timeless(h.get("/loki/api/v1/query_range?query=rate(x)")).
		want(t, 200, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"app":"api"},"values":[[4,"2"]]}],`+lokiStats(0, 0)+`},"warnings":["w"]}`)

	h.engine.query = answering(query.Result{Kind: query.KindStreams})
	timeless(h.get("/loki/api/v1/query_range?query=x")).want(t, 200, `{"status":"success","data":{"resultType":"streams","result":[],`+lokiStats(0, 0)+"}}")
}

func TestLokiRequestReachesEngine(t *testing.T) {
	h := start(t, Options{})
	hour := int64(time.Hour)
	now := testNow.UnixNano()
	cases := []struct {
		args string
		want query.Request
	}{
		{"", query.Request{Start: time.Unix(0, now-hour), End: testNow, Step: 14 * time.Second, Limit: 100, Direction: model.Backward}},
		{"&since=30m&limit=7&direction=forward&step=5s&timeout=1m", query.Request{Start: time.Unix(0, now-hour/2), End: testNow, Step: 5 * time.Second, Limit: 7, Direction: model.Forward, Timeout: time.Minute}},
		{"&start=1700000000000000001&end=1700000000000000999&direction=BACKWARD&step=0.5", query.Request{Start: time.Unix(nowSeconds, 1), End: time.Unix(nowSeconds, 999), Step: 500 * time.Millisecond, Limit: 100, Direction: model.Backward}},
		{"&start=1700000000&end=1700000001.25", query.Request{Start: testNow, End: time.Unix(nowSeconds+1, 25e7), Step: time.Second, Limit: 100, Direction: model.Backward}},
		{"&start=2023-11-14T22:13:20.000000001Z&end=2023-11-14T23:13:20%2B01:00&step=1", query.Request{}}, // ends before it starts
		{"&end=1800000000&since=1h", query.Request{Start: time.Unix(0, now-hour), End: time.Unix(1_800_000_000, 0), Step: 400014 * time.Second, Limit: 100, Direction: model.Backward}},
	}
	for _, tc := range cases {
		before := len(h.engine.asked)
		r := h.get("/loki/api/v1/query_range?query=x" + tc.args)
		if tc.want.Limit == 0 {
			if r.status != 400 {
				t.Errorf("%s gives %d, want 400", tc.args, r.status)
			}
			continue
		}
		if len(h.engine.asked) != before+1 {
			t.Fatalf("%s gives %d %s", tc.args, r.status, r.body)
		}
		g := h.engine.asked[before]
		if g.Text != "x" || g.Dialect != ast.LogQL || g.Instant || !g.Start.Equal(tc.want.Start) || !g.End.Equal(tc.want.End) || g.Step != tc.want.Step ||
			g.Limit != tc.want.Limit || g.Direction != tc.want.Direction || g.Timeout != tc.want.Timeout {
			t.Errorf("%s asks %+v, want %+v", tc.args, g, tc.want)
		}
	}
	h.form("/loki/api/v1/query", url.Values{"query": {"y"}, "time": {"1700000000000000007"}, "limit": {"3"}})
	if g := h.engine.asked[len(h.engine.asked)-1]; !g.Instant || g.Text != "y" || !g.End.Equal(time.Unix(nowSeconds, 7)) || g.Limit != 3 {
		t.Errorf("the instant query is %+v", g)
	}
}

func TestLokiErrors(t *testing.T) {
	h := start(t, Options{})
	envelope := func(kind, msg string, code int) string {
		return fmt.Sprintf(`{"status":"error","errorType":%q,"error":%s,"message":%s,"code":%d}`, kind, appendString(nil, msg), appendString(nil, msg), code)
	}
	for args, want := range map[string]string{
		"":                                   `invalid parameter "query": is empty: want an expression`,
		"query=x&limit=0":                    `invalid parameter "limit": limit must be a positive value`,
		"query=x&direction=up":               `invalid parameter "direction": "up": want forward or backward`,
		"query=x&start=x":                    `invalid parameter "start": cannot parse "x" to a valid timestamp`,
		"query=x&start=99999999999999999999": `invalid parameter "start": cannot parse "99999999999999999999" to a valid timestamp: beyond the years 1677 to 2262`,
		"query=x&interval=-5":                `invalid parameter "interval": "-5" is not positive`,
		"query=x&step=0":                     `invalid parameter "step": "0" is not positive`,
		"query=x&since=10y&step=1":           `exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)`,
	} {
		h.get("/loki/api/v1/query_range?"+args).want(t, 400, envelope("bad_data", want, 400))
	}
	h.engine.query = failing(&ast.Error{Pos: ast.Pos{Line: 2, Column: 1}, Message: "no"})
	h.get("/loki/api/v1/query?query=x").want(t, 400, envelope("bad_data", "2:1: no", 400))
	h.engine.query = failing(query.ErrTimeout)
	h.get("/loki/api/v1/query?query=x").want(t, 503, envelope("timeout", "query timed out", 503))
	h.get("/loki/api/v1/nothing").want(t, 404, envelope("not_found", `no such path: "/loki/api/v1/nothing"`, 404))
}

func TestLokiInterval(t *testing.T) {
	entries := func(ts ...int64) (es []query.Entry) {
		for _, t := range ts {
			es = append(es, query.Entry{T: t * 1e9})
		}
		return es
	}
	times := func(r *query.Result) (out [][]int64) {
		for _, st := range r.Streams {
			var ts []int64
			for _, e := range st.Entries {
				ts = append(ts, e.T/1e9)
			}
			out = append(out, ts)
		}
		return out
	}
	equal := func(a, b [][]int64) bool { return slices.EqualFunc(a, b, slices.Equal[[]int64]) }
	cases := []struct {
		dir   model.Direction
		in    [][]int64
		limit int
		want  [][]int64
	}{
		{model.Forward, [][]int64{{1, 2, 3, 11, 20, 21}}, 9, [][]int64{{1, 11, 21}}},
		{model.Backward, [][]int64{{21, 20, 11, 3, 2, 1}}, 9, [][]int64{{21, 11, 1}}},
		{model.Forward, [][]int64{{1, 11}, {5, 30}, {40}}, 3, [][]int64{{1, 11}, {5}}},
		{model.Backward, [][]int64{{11, 1}, {30, 5}, {40}}, 3, [][]int64{{11}, {30}, {40}}},
	}
	for _, tc := range cases {
		r := &query.Result{Kind: query.KindStreams}
		for _, ts := range tc.in {
			r.Streams = append(r.Streams, query.Stream{Entries: entries(ts...)})
		}
		thin(r, 10*time.Second, tc.limit, tc.dir)
		if got := times(r); !equal(got, tc.want) {
			t.Errorf("%v thinned to %v, want %v", tc.in, got, tc.want)
		}
	}
	h := start(t, Options{})
	h.engine.query = answering(query.Result{Kind: query.KindStreams, Streams: []query.Stream{{Entries: entries(1, 2, 12)}}})
	r := h.get("/loki/api/v1/query_range?query=x&interval=10s&limit=50&direction=forward")
	if !strings.Contains(r.body, `"values":[["1000000000",""],["12000000000",""]]`) {
		t.Errorf("answer is %s", r.body)
	}
	if got := h.engine.asked[0].Limit; got != thinFrom {
		t.Errorf("%d rows were asked for, want %d", got, thinFrom)
	}
}

func TestLokiLabels(t *testing.T) {
	h := start(t, Options{})
	h.engine.list = []string{"app", "host"}
	h.engine.sets = []model.Labels{model.FromStrings("app", "api")}
	for _, target := range []string{"/loki/api/v1/labels", "/loki/api/v1/label", "/loki/api/v1/label/app/values?query=%7Bapp%3D%22a%22%7D&start=1&end=2", "/loki/api/v1/label/app/values?query=%7B%7D"} {
		h.get(target).want(t, 200, `{"status":"success","data":["app","host"]}`)
	}
	h.get("/loki/api/v1/series?match[]=%7Bapp%3D%22a%22%7D&match=%7Bapp%3D%22b%22%7D").want(t, 200, `{"status":"success","data":[{"app":"api"}]}`)
	if got := h.engine.metas[0]; got.Scope != model.ScopeLogs || got.Dialect != ast.LogQL || len(got.Match) != 0 ||
		!got.End.Equal(testNow) || !got.Start.Equal(testNow.Add(-6*time.Hour)) {
		t.Errorf("labels ask %+v", got)
	}
	if got := h.engine.metas[2]; !slices.Equal(got.Match, []string{`{app="a"}`}) || got.Start.Unix() != 1 || got.End.Unix() != 2 {
		t.Errorf("values ask %+v", got)
	}
	if got := h.engine.metas[3]; len(got.Match) != 0 {
		t.Errorf("{} asks %+v, want everything", got)
	}
	if got := h.engine.metas[4]; !slices.Equal(got.Match, []string{`{app="a"}`, `{app="b"}`}) {
		t.Errorf("series ask %+v", got)
	}
}

func TestLokiIndexStats(t *testing.T) {
	h := start(t, Options{})
	h.engine.sets = make([]model.Labels, 3)
	h.engine.query = func(_ context.Context, req query.Request) (*query.Result, error) {
		v := 12.0
		if strings.HasPrefix(req.Text, "sum(bytes_over_time(") {
			v = 3456
		}
		return &query.Result{Kind: query.KindVector, Series: []query.Series{{Points: []query.Point{{V: v}}}}}, nil
	}
	h.get("/loki/api/v1/index/stats?query=%7Bapp%3D%22a%22%7D&start=100&end=160").want(t, 200, `{"streams":3,"chunks":0,"entries":12,"bytes":3456}`)
	if got := h.engine.asked[0]; got.Text != `sum(count_over_time({app="a"} [60000ms]))` || got.End.Unix() != 160 || !got.Instant || got.Dialect != ast.LogQL {
		t.Errorf("asked %+v", got)
	}
	h.engine.query = answering(query.Result{Kind: query.KindVector})
	h.engine.sets = nil
	h.get("/loki/api/v1/index/stats?query=%7Bapp%3D%22a%22%7D").want(t, 200, `{"streams":0,"chunks":0,"entries":0,"bytes":0}`)
}

func TestLokiFixedAnswers(t *testing.T) {
	h := start(t, Options{})
	if r := h.get("/ready"); r.status != 200 || r.body != "ready\n" {
		t.Errorf("ready is %d %q", r.status, r.body)
	}
	var got map[string]string
	if err := json.Unmarshal([]byte(h.get("/loki/api/v1/status/buildinfo").body), &got); err != nil || got["version"] != lokiVersion {
		t.Errorf("buildinfo is %v, %v", got, err)
	}
}
