package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/storage/model"
)

// What Logs Drilldown asks, over a store on disk.
func TestLokiDrilldown(t *testing.T) {
	h := startReal(t)
	var rows []string
	for i := range 20 {
		rows = append(rows, fmt.Sprintf(`["%d","level=info status=%d took=%dms size=%dKB",{"trace":"t%d"}]`, testNow.Add(time.Duration(i-20)*time.Second).UnixNano(), 200+i%2, i, i, i%3))
	}
	h.write("/loki/api/v1/push", `{"streams":[{"stream":{"app":"api","id":"17"},"values":[`+strings.Join(rows, ",")+`]},
		{"stream":{"app":"web","id":"18"},"values":[["1699999999000000000","{\"user\":{\"name\":\"x\"},\"ok\":true}"]]}]}`, "Content-Type", "application/json")
	q := url.QueryEscape
	get := func(target, want string) {
		t.Helper()
		h.get(target).want(t, 200, want)
	}
	get("/loki/api/v1/detected_labels?query="+q(`{app=~".+"}`), `{"detectedLabels":[{"label":"app","cardinality":2},{"label":"service_name","cardinality":2}]}`)
	get("/loki/api/v1/detected_fields?query="+q(`{app="api"}`), `{"fields":[{"label":"detected_level","type":"string","cardinality":1,"parsers":null},{"label":"level","type":"string","cardinality":1,"parsers":["logfmt"]},`+
		`{"label":"size","type":"bytes","cardinality":20,"parsers":["logfmt"]},{"label":"status","type":"int","cardinality":2,"parsers":["logfmt"]},`+
		`{"label":"took","type":"duration","cardinality":20,"parsers":["logfmt"]},{"label":"trace","type":"string","cardinality":3,"parsers":null}],"limit":1000}`)
	get("/loki/api/v1/detected_fields?line_limit=5&limit=2&query="+q(`{app="web"}`), `{"fields":[{"label":"detected_level","type":"string","cardinality":1,"parsers":null},{"label":"ok","type":"boolean","cardinality":1,"parsers":["json"],"jsonPath":["ok"]}],"limit":2}`)
	get("/loki/api/v1/detected_field/status/values?query="+q(`{app="api"}`), `{"values":["201","200"],"limit":1000}`)
	get("/loki/api/v1/index/volume?query="+q(`{app=~".+"}`), `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"app":"api"},"value":[1700000000,"800"]},{"metric":{"app":"web"},"value":[1700000000,"31"]}],"stats":{}}}`)
	get("/loki/api/v1/index/volume?limit=1&aggregateBy=labels&query="+q(`{app=~".+"}`), `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"app":""},"value":[1700000000,"831"]}],"stats":{}}}`)
	get("/loki/api/v1/index/volume_range?targetLabels=id&step=1800&query="+q(`{app="web"}`), `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"id":"18"},"values":[[1700000000,"31"]]}],"stats":{}}}`)
	get("/loki/api/v1/patterns?step=600&start=1699999400&query="+q(`{app="api"}`), `{"status":"success","data":[{"pattern":"level=info status=<_> took=<_> size=<_>","level":"info","samples":[[1699999400,20]]}]}`)
	for _, bad := range []string{"query=x", "query=" + q(`{app="a"} |= "x"`), "query=" + q(`{app="a"}`) + "&aggregateBy=x", "query=" + q(`{app="a"}`) + "&limit=5000"} {
		if r := h.get("/loki/api/v1/index/volume?" + bad); r.status != 400 {
			t.Errorf("%s gives %d %s", bad, r.status, r.body)
		}
	}
	r := h.do("GET", "/loki/api/v1/query_range?limit=1&query="+q(`{app="api"} | logfmt | keep status, app`), "", "X-Loki-Response-Encoding-Flags", "categorize-labels")
	if want := `"encodingFlags":["categorize-labels"],"result":[{"stream":{"app":"api"},"values":[["1699999999000000000","level=info status=201 took=19ms size=19KB",{"parsed":{"status":"201"}}]]}]`; !strings.Contains(r.body, want) {
		t.Errorf("got %s, want %s", r.body, want)
	}
}

// dialTail follows a query over the server's listener.
func (h *harness) dialTail(params string) (*websocket.Conn, *http.Response, error) {
	dial := h.client.Transport.(*http.Transport).DialContext
	d := websocket.Dialer{NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) { return dial(ctx, network, addr) }}
	return d.Dial("ws://server/loki/api/v1/tail?"+params, nil)
}

func TestLokiTail(t *testing.T) {
	h := startReal(t)
	push := func(app, line string, at time.Time) {
		h.write("/loki/api/v1/push", fmt.Sprintf(`{"streams":[{"stream":{"app":%q},"values":[["%d",%q,{"k":"v"}]]}]}`, app, at.UnixNano(), line), "Content-Type", "application/json")
	}
	push("a", "before x", testNow.Add(-time.Minute))
	push("b", "before x", testNow.Add(-time.Minute))
	conn, _, err := h.dialTail("query=" + url.QueryEscape(`{app="a"} |= "x" | label_format y="z"`))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	next := func() string {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		_, msg, err := conn.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		return string(msg)
	}
	if got, want := next(), `{"streams":[{"stream":{"app":"a","detected_level":"unknown","k":"v","service_name":"a","y":"z"},"values":[["1699999940000000000","before x"]]}]}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	push("b", "other x", testNow)
	push("a", "no", testNow)
	push("a", "after x", testNow)
	if got, want := next(), `"values":[["1700000000000000000","after x"]]`; !strings.Contains(got, want) || strings.Contains(got, "other") {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for i := range maxTails - 1 {
		c, _, err := h.dialTail("query=" + url.QueryEscape(`{app="a"}`))
		if err != nil {
			t.Fatalf("tail %d: %v", i+2, err)
		}
		defer c.Close()
	}
	if _, r, err := h.dialTail("query=" + url.QueryEscape(`{app="a"}`)); err == nil || r == nil || r.StatusCode != 429 {
		t.Errorf("one more tail than maxTails: %v, %v", r, err)
	}
	for _, bad := range []string{"query=" + url.QueryEscape(`rate({app="a"}[1m])`), "query=" + url.QueryEscape(`{app="a"}`) + "&delay_for=6", "query=" + url.QueryEscape(`{app="a"}`) + "&start=" + fmt.Sprint(testNow.Unix()+100), ""} {
		if _, r, err := h.dialTail(bad); err == nil || r == nil || r.StatusCode != 400 {
			t.Errorf("%s: %v, %v", bad, r, err)
		}
	}
	if r := h.get("/loki/api/v1/tail?query=" + url.QueryEscape(`{app="a"}`)); r.status != 400 || !strings.Contains(r.body, "WebSocket") {
		t.Errorf("without a WebSocket: %d %s", r.status, r.body)
	}
}

// Rows that a client is too slow for are dropped and named, within bounds.
func TestTailDrops(t *testing.T) {
	q, err := query.NewTail(`{app="a"}`, ast.LogQL, nil)
	if err != nil {
		t.Fatal(err)
	}
	var hub tailHub
	tl := &tail{query: q, rows: make(chan tailRow, 2)}
	if err := hub.add(tl); err != nil {
		t.Fatal(err)
	}
	var b model.Batch
	for i := range tailDropped + 10 {
		b.AddLine(model.FromStrings("app", "a"), int64(i), "x")
	}
	b.AddLine(model.FromStrings("app", "b"), 1, "x")
	hub.written(&b)
	if len(tl.rows) != 2 || len(tl.dropped) != tailDropped || tl.lost != 8 {
		t.Errorf("%d waiting, %d dropped, %d lost", len(tl.rows), len(tl.dropped), tl.lost)
	}
	rows := []tailRow{<-tl.rows}
	if got, want := string(appendTail(nil, rows, tl.takeDropped()[:1], false)), `{"streams":[{"stream":{"app":"a"},"values":[["0","x"]]}],"dropped_entries":[{"timestamp":"2","labels":{"app":"a"}}]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	hub.remove(tl)
	hub.remove(tl)
	hub.written(&b)
	if hub.count.Load() != 0 || len(tl.rows) != 1 {
		t.Error("who has left is still served")
	}
}
