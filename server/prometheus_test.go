package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/storage"
	"tidemark/storage/model"
)

func answering(r query.Result) func(context.Context, query.Request) (*query.Result, error) {
	return func(context.Context, query.Request) (*query.Result, error) { return &r, nil }
}

func failing(err error) func(context.Context, query.Request) (*query.Result, error) {
	return func(context.Context, query.Request) (*query.Result, error) { return nil, err }
}

var upSeries = query.Series{
	Labels: model.FromStrings("__name__", "up", "job", "x\"y"),
	Points: []query.Point{{T: 1_700_000_000_500, V: 1}, {T: -1_001, V: math.NaN()}, {T: 0, V: math.Inf(1)}, {T: 15_000, V: math.Inf(-1)}, {T: 16_007, V: 1e21}, {T: 1, V: 1.5e-7}, {T: 2, V: 0.1}},
}

func TestPromShapes(t *testing.T) {
	cases := []struct {
		name   string
		target string
		result query.Result
		want   string
	}{
		{"vector", "/api/v1/query?query=up&time=1700000000.5",
			query.Result{Kind: query.KindVector, Series: []query.Series{upSeries}},
			`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"x\"y"},"value":[1700000000.500,"1"]}]}}`},
		{"empty vector", "/api/v1/query?query=up", query.Result{Kind: query.KindVector},
			`{"status":"success","data":{"resultType":"vector","result":[]}}`},
		{"scalar", "/api/v1/query?query=1%2B1", query.Result{Kind: query.KindScalar, Points: []query.Point{{T: 1_700_000_000_000, V: 2}}},
			`{"status":"success","data":{"resultType":"scalar","result":[1700000000,"2"]}}`},
		{"string", "/api/v1/query?query=%22a%22&time=5.25", query.Result{Kind: query.KindString, Text: "a\n\u0001\xff"},
			`{"status":"success","data":{"resultType":"string","result":[5.250,"a\n\u0001` + "\ufffd" + `"]}}`},
		{"matrix with every special value", "/api/v1/query_range?query=up&start=0&end=60&step=15", query.Result{Kind: query.KindMatrix, Series: []query.Series{upSeries}},
			`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"x\"y"},"values":[[1700000000.500,"1"],[-1.001,"NaN"],[0,"+Inf"],[15,"-Inf"],[16.007,"1e+21"],[0.001,"1.5e-07"],[0.002,"0.1"]]}]}}`},
		{"scalar over a range is a matrix", "/api/v1/query_range?query=1&start=0&end=15&step=15s", query.Result{Kind: query.KindScalar, Points: []query.Point{{T: 0, V: 1}, {T: 15_000, V: 1}}},
			`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[0,"1"],[15,"1"]]}]}}`},
		{"warnings and infos", "/api/v1/query?query=up", query.Result{Kind: query.KindVector, Warnings: []string{"too little history"}, Infos: []string{"a counter?"}},
			`{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["too little history"],"infos":["a counter?"]}`},
		{"limit", "/api/v1/query?query=up&limit=1", query.Result{Kind: query.KindVector, Series: []query.Series{{Points: []query.Point{{V: 1}}}, {Points: []query.Point{{V: 2}}}}},
			`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[0,"1"]}]},"warnings":["results truncated due to limit"]}`},
	}
	h := start(t, Options{})
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			h.engine.query = answering(tc.result)
			r := h.get(tc.target)
			r.want(t, 200, tc.want)
			if ct := r.header.Get("Content-Type"); ct != "application/json" {
				t.Errorf("Content-Type is %q", ct)
			}
			if !json.Valid([]byte(r.body)) {
				t.Errorf("not JSON: %s", r.body)
			}
		})
	}
}

func TestPromStats(t *testing.T) {
	h := start(t, Options{})
	h.engine.query = answering(query.Result{Kind: query.KindVector, Stats: query.Stats{Samples: 42}})
	var got struct {
		Data struct {
			Stats struct {
				Timings struct{ EvalTotalTime *float64 }
				Samples struct{ TotalQueryableSamples int }
			}
		}
	}
	if err := json.Unmarshal([]byte(h.get("/api/v1/query?query=up&stats=all").body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Data.Stats.Samples.TotalQueryableSamples != 42 || got.Data.Stats.Timings.EvalTotalTime == nil {
		t.Errorf("stats are %+v", got)
	}
}

func TestPromRequestReachesEngine(t *testing.T) {
	h := start(t, Options{})
	h.get("/api/v1/query?query=up&time=2023-11-14T22:13:20.123456789Z&timeout=1m30s&lookback_delta=2.5")
	h.get("/api/v1/query?query=up")
	// The form comes before the URL, and the query may be long.
	long := "up" + strings.Repeat(" ", 200_000)
	h.form("/api/v1/query_range?query=down", url.Values{"query": {long}, "start": {"1700000000"}, "end": {"1700000060.5"}, "step": {"15"}, "timeout": {"5"}})
	// A URL may be longer than fasthttp's own default allows.
	if r := h.get("/api/v1/query?query=" + strings.Repeat("x", 60_000)); r.status != 200 {
		t.Errorf("a long URL gives %d %s", r.status, r.body)
	}
	want := []query.Request{
		{Text: "up", Dialect: ast.PromQL, Instant: true, End: time.Unix(0, 1_700_000_000_123_456_789), Timeout: 90 * time.Second, Lookback: 2500 * time.Millisecond},
		{Text: "up", Dialect: ast.PromQL, Instant: true, End: testNow},
		{Text: long, Dialect: ast.PromQL, Start: testNow, End: time.Unix(nowSeconds+60, 5e8), Step: 15 * time.Second, Timeout: 5 * time.Second},
	}
	for i, w := range want {
		g := h.engine.asked[i]
		if g.Text != w.Text || g.Dialect != w.Dialect || g.Instant != w.Instant || !g.End.Equal(w.End) ||
			!w.Instant && !g.Start.Equal(w.Start) || g.Step != w.Step || g.Timeout != w.Timeout || g.Lookback != w.Lookback || g.Enforce != nil {
			t.Errorf("request %d is %+v, want %+v", i, g, w)
		}
	}
}

func TestPromBadParameters(t *testing.T) {
	h := start(t, Options{})
	points := "/api/v1/query_range?query=up&start=0&end=1700000000&step="
	cases := []struct{ target, want string }{
		{"/api/v1/query", `invalid parameter "query": is empty: want an expression`},
		{"/api/v1/query?query=%20", `invalid parameter "query": is empty: want an expression`},
		{"/api/v1/query?query=%ff", `invalid parameter "query": is not valid UTF-8`},
		{"/api/v1/query?query=up&time=yesterday", `invalid parameter "time": cannot parse "yesterday" to a valid timestamp`},
		{"/api/v1/query?query=up&time=NaN", `invalid parameter "time": cannot parse "NaN" to a valid timestamp: beyond the years 1677 to 2262`},
		{"/api/v1/query?query=up&time=1e300", `invalid parameter "time": cannot parse "1e300" to a valid timestamp: beyond the years 1677 to 2262`},
		{"/api/v1/query?query=up&time=1e999", `invalid parameter "time": cannot parse "1e999" to a valid timestamp: beyond the years 1677 to 2262`},
		{"/api/v1/query?query=up&timeout=-1", `invalid parameter "timeout": "-1" is not positive`},
		{"/api/v1/query?query=up&limit=-1", `invalid parameter "limit": cannot parse "-1": want a whole number from 0 to 2147483647`},
		{"/api/v1/query?query=up&lookback_delta=x", `invalid parameter "lookback_delta": cannot parse "x" to a valid duration: want seconds or a duration such as 1h30m`},
		{"/api/v1/query_range?query=up", `invalid parameter "start": cannot parse "" to a valid timestamp`},
		{"/api/v1/query_range?query=up&start=0", `invalid parameter "end": cannot parse "" to a valid timestamp`},
		{"/api/v1/query_range?query=up&start=0&end=1", `invalid parameter "step": cannot parse "" to a valid duration: it is empty`},
		{"/api/v1/query_range?query=up&start=1&end=0&step=1", `invalid parameter "end": end timestamp must not be before start time`},
		{points + "0", `invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer`},
		{points + "-1", `invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer`},
		{points + "1", `exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)`},
		{points + "1y1y", `invalid parameter "step": cannot parse "1y1y" to a valid duration: want the units y w d h m s ms, each at most once and in this order`},
		{points + "999999999999y", `invalid parameter "step": cannot parse "999999999999y" to a valid duration: beyond 292 years`},
		{"/api/v1/series", `no match[] parameter provided`},
		{"/api/v1/series?match[]=up&start=9&end=8", `invalid parameter "end": end timestamp must not be before start time`},
		{"/api/v1/label/%ff/values", `invalid label name: "\xff"`},
		{"/api/v1/query_exemplars?query=up&start=x", `invalid parameter "start": cannot parse "x" to a valid timestamp`},
		{"/api/v1/metadata?limit=x", `invalid parameter "limit": cannot parse "x": want a whole number from 0 to 2147483647`},
	}
	for _, tc := range cases {
		want := fmt.Sprintf(`{"status":"error","errorType":"bad_data","error":%s}`, appendString(nil, tc.want))
		t.Run(tc.target, func(t *testing.T) { h.get(tc.target).want(t, 400, want) })
	}
	if n := len(h.engine.asked) + len(h.engine.metas); n != 0 {
		t.Errorf("%d bad requests reached the engine", n)
	}
}

func TestPromErrors(t *testing.T) {
	bad := &ast.Error{Pos: ast.Pos{Line: 1, Column: 3, Offset: 2}, Token: "x", Message: "unexpected x"}
	cases := []struct {
		err    error
		status int
		kind   string
		text   string
	}{
		{bad, 400, "bad_data", `invalid parameter "query": 1:3: unexpected x`},
		{fmt.Errorf("lookback: %w", query.ErrRequest), 400, "bad_data", "lookback: bad request"},
		{fmt.Errorf("samples: %w", query.ErrLimit), 422, "execution", ""},
		{fmt.Errorf("many: %w", query.ErrExecution), 422, "execution", ""},
		{fmt.Errorf("%w in execution", query.ErrTimeout), 503, "timeout", "query timed out in execution"},
		{query.ErrBusy, 503, "timeout", ""},
		{query.ErrCanceled, 503, "canceled", ""},
		{storage.ErrClosed, 503, "unavailable", ""},
		{fmt.Errorf("chunk 7: %w", storage.ErrCorrupt), 500, "internal", "chunk 7: store is corrupt"},
	}
	h := start(t, Options{})
	for _, tc := range cases {
		h.engine.query = failing(tc.err)
		r := h.get("/api/v1/query?query=up")
		var got struct{ Status, ErrorType, Error string }
		if err := json.Unmarshal([]byte(r.body), &got); err != nil {
			t.Fatalf("%v: %s", err, r.body)
		}
		if tc.text == "" {
			tc.text = tc.err.Error()
		}
		if r.status != tc.status || got.Status != "error" || got.ErrorType != tc.kind || got.Error != tc.text {
			t.Errorf("%v gives %d %+v, want %d %s %q", tc.err, r.status, got, tc.status, tc.kind, tc.text)
		}
		if tc.err == query.ErrBusy && r.header.Get("Retry-After") != "1" {
			t.Errorf("busy gives Retry-After %q, want 1", r.header.Get("Retry-After"))
		}
	}
	h.engine.query = answering(query.Result{Kind: query.KindStreams})
	if r := h.get("/api/v1/query?query=x"); r.status != 422 || !strings.Contains(r.body, "/loki/api/v1/query_range") {
		t.Errorf("log rows give %d %s", r.status, r.body)
	}
}

func TestPromLabels(t *testing.T) {
	h := start(t, Options{})
	h.engine.list = []string{"__name__", "host", "job"}
	h.engine.sets = []model.Labels{model.FromStrings("__name__", "up", "job", "a"), model.FromStrings("__name__", "up", "job", "b")}
	h.get("/api/v1/labels").want(t, 200, `{"status":"success","data":["__name__","host","job"]}`)
	h.get("/api/v1/labels?limit=2&match[]=up&match[]=down&start=10&end=20").want(t, 200, `{"status":"success","data":["__name__","host"],"warnings":["results truncated due to limit"]}`)
	h.get("/api/v1/label/__name__/values?limit=3").want(t, 200, `{"status":"success","data":["__name__","host","job"]}`)
	h.get("/api/v1/label/U__http_2e_status__code/values").want(t, 200, `{"status":"success","data":["__name__","host","job"]}`)
	h.get("/api/v1/series?match[]=up").want(t, 200, `{"status":"success","data":[{"__name__":"up","job":"a"},{"__name__":"up","job":"b"}]}`)
	h.form("/api/v1/series", url.Values{"match[]": {"up"}, "limit": {"1"}, "start": {promMinTime}, "end": {promMaxTime}}).
		want(t, 200, `{"status":"success","data":[{"__name__":"up","job":"a"}],"warnings":["results truncated due to limit"]}`)

	if got := h.engine.names; !slices.Equal(got, []string{"", "", "__name__", "http.status_code", "", ""}) {
		t.Errorf("labels asked for are %q", got)
	}
	m := h.engine.metas[1]
	if !slices.Equal(m.Match, []string{"up", "down"}) || m.Limit != 3 || m.Scope != model.ScopeMetrics || m.Dialect != ast.PromQL || m.Start.Unix() != 10 || m.End.Unix() != 20 {
		t.Errorf("request is %+v", m)
	}
	for _, i := range []int{0, 5} {
		if m := h.engine.metas[i]; !m.Start.IsZero() || !m.End.IsZero() {
			t.Errorf("request %d is bounded: %+v", i, m)
		}
	}
	h.engine.list, h.engine.sets = nil, nil
	h.get("/api/v1/labels").want(t, 200, `{"status":"success","data":[]}`)
	h.get("/api/v1/series?match[]=up").want(t, 200, `{"status":"success","data":[]}`)
	h.engine.err = &ast.Error{Pos: ast.Pos{Line: 1, Column: 1}, Message: "no"}
	h.get("/api/v1/series?match[]=up").want(t, 400, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"match[]\": 1:1: no"}`)
	h.engine.err = errors.New("disk on fire")
	h.get("/api/v1/labels").want(t, 500, `{"status":"error","errorType":"internal","error":"disk on fire"}`)
}

func TestPromFixedAnswers(t *testing.T) {
	h := start(t, Options{Version: "1.2.3", Revision: "abc"})
	h.get("/api/v1/metadata").want(t, 200, `{"status":"success","data":{}}`)
	h.get("/api/v1/query_exemplars?query=up&start=1&end=2").want(t, 200, `{"status":"success","data":[]}`)
	h.get("/api/v1/rules").want(t, 200, `{"status":"success","data":{"groups":[]}}`)
	h.get("/api/v1/parse_query?query=").want(t, 400, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": is empty: want an expression"}`)
	h.get("/api/v1/parse_query?query="+url.QueryEscape(`sum by (a) (rate(m{b!="1"}[5m] offset 1m)) > 2`)).want(t, 200, `{"data":{"bool":false,"lhs":{"expr":{"args":[{"anchored":false,"matchers":[{"name":"b","type":"!=","value":"1"},{"name":"__name__","type":"=","value":"m"}],"name":"m","offset":60000,"offsetExpr":null,"range":300000,"rangeExpr":null,"smoothed":false,"startOrEnd":null,"timestamp":null,"type":"matrixSelector"}],"func":{"argTypes":["matrix"],"name":"rate","returnType":"vector","variadic":0},"type":"call"},"grouping":["a"],"op":"sum","param":null,"type":"aggregation","without":false},"matching":null,"op":"\u003e","rhs":{"type":"numberLiteral","val":"2"},"type":"binaryExpr"},"status":"success"}`)
	h.get("/api/v1/parse_query?query="+url.QueryEscape(`a and on (x) b`)).want(t, 200, `{"data":{"bool":false,"lhs":{"anchored":false,"matchers":[{"name":"__name__","type":"=","value":"a"}],"name":"a","offset":0,"offsetExpr":null,"smoothed":false,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"},`+
		`"matching":{"card":"many-to-many","fillValues":{"lhs":null,"rhs":null},"include":[],"labels":["x"],"on":true},"op":"and","rhs":{"anchored":false,"matchers":[{"name":"__name__","type":"=","value":"b"}],"name":"b","offset":0,"offsetExpr":null,"smoothed":false,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"},"type":"binaryExpr"},"status":"success"}`)
	h.get("/api/v1/alertmanagers").want(t, 200, `{"status":"success","data":{"activeAlertmanagers":[],"droppedAlertmanagers":[]}}`)
	h.get("/api/v1/targets?state=active").want(t, 200, `{"status":"success","data":{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}}}`)
	h.get("/api/v1/targets/metadata").want(t, 200, `{"status":"success","data":[]}`)
	h.get("/api/v1/scrape_pools").want(t, 200, `{"status":"success","data":{"scrapePools":[]}}`)
	h.get("/api/v1/features").want(t, 200, `{"status":"success","data":{}}`)
	h.get("/api/v1/notifications").want(t, 200, `{"status":"success","data":[]}`)
	h.get("/api/v1/status/config").want(t, 200, `{"status":"success","data":{"yaml":""}}`)
	h.get("/api/v1/status/flags").want(t, 200, `{"status":"success","data":{}}`)
	h.get("/api/v1/status/walreplay").want(t, 200, `{"status":"success","data":{"min":0,"max":0,"current":0}}`)
	if r := h.get("/api/v1/status/runtimeinfo"); r.status != 200 || !strings.Contains(r.body, `"goroutineCount":`) {
		t.Errorf("runtimeinfo gives %d %s", r.status, r.body)
	}
	h.get("/api/v1/alerts").want(t, 200, `{"status":"success","data":{"alerts":[]}}`)
	var got struct {
		Status string
		Data   map[string]any
	}
	if err := json.Unmarshal([]byte(h.get("/api/v1/status/buildinfo").body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Status != "success" || got.Data["version"] != promVersion || got.Data["revision"] != "tidemark-1.2.3-abc" {
		t.Errorf("buildinfo is %+v", got)
	}
	// With features Grafana would take the server for Mimir.
	if _, ok := got.Data["features"]; ok {
		t.Error("buildinfo has features")
	}
}
