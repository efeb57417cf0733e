package server

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"tidemark/storage"
)

const otlpJSON = `{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}},{"key":"host.name","value":{"stringValue":"h1"}}]},
"scopeMetrics":[{"scope":{"name":"lib"},"metrics":[
{"name":"http.requests","unit":"1","sum":{"isMonotonic":true,"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1700000000000000000","asInt":"5","attributes":[{"key":"http.route","value":{"stringValue":"/a"}}]}]}},
{"name":"latency","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1700000000000000000","count":"10","sum":2,"bucketCounts":["5","5","0"],"explicitBounds":[0.1,0.3]}]}}%s]}]}]}`

func TestOTLPMetrics(t *testing.T) {
	h := startReal(t)
	r := h.do("POST", "/v1/metrics", zipped(fmt.Sprintf(otlpJSON, "")), "Content-Type", "application/json; charset=utf-8", "Content-Encoding", "gzip", "X-Scope-OrgID", "acme")
	r.want(t, 200, "{}")
	if got := r.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type is %s", got)
	}
	vector := func(query, want string) {
		t.Helper()
		h.get("/api/v1/query?query="+query).want(t, 200, `{"status":"success","data":{"resultType":"vector","result":[`+want+`]}}`)
	}
	vector("http_requests_total", `{"metric":{"__name__":"http_requests_total","http_route":"/a","job":"cart","otel_scope_name":"lib","tenant":"acme"},"value":[1700000000,"5"]}`)
	vector("target_info", `{"metric":{"__name__":"target_info","host_name":"h1","job":"cart","tenant":"acme"},"value":[1700000000,"1"]}`)
	vector("histogram_quantile(0.75,latency_seconds_bucket)", `{"metric":{"job":"cart","otel_scope_name":"lib","tenant":"acme"},"value":[1700000000,"0.2"]}`)
	vector("latency_seconds_sum/latency_seconds_count", `{"metric":{"job":"cart","otel_scope_name":"lib","tenant":"acme"},"value":[1700000000,"0.2"]}`)

	h.do("POST", "/v1/metrics", fmt.Sprintf(otlpJSON, `,{"name":"e","exponentialHistogram":{"aggregationTemporality":1,"dataPoints":[{},{}]}}`), "Content-Type", "application/json").want(t, 200,
		`{"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"2 of 4 data points rejected; metric \"e\": aggregation temporality is delta: want cumulative"}}`)
}

// TestOTLPMetricsProtobuf writes a gauge and a rejected point: the answer is a
// message, too.
func TestOTLPMetricsProtobuf(t *testing.T) {
	h := startReal(t)
	fixed := func(num byte, v uint64) []byte { return binary.LittleEndian.AppendUint64([]byte{num<<3 | 1}, v) }
	good := append(fixed(3, nowSeconds*1e9), fixed(6, 7)...)
	gauge := pbBytes(pbBytes(nil, 1, good), 1, fixed(6, 8))
	metric := pbBytes(pbBytes(nil, 1, []byte("g")), 5, gauge)
	body := string(pbBytes(nil, 1, pbBytes(nil, 2, pbBytes(nil, 2, metric))))
	r := h.do("POST", "/v1/metrics", body, "Content-Type", "application/x-protobuf")
	partial := pbBytes([]byte{8, 1}, 2, []byte(`1 of 2 data points rejected; metric "g": data point has no time`))
	r.want(t, 200, string(pbBytes(nil, 1, partial)))
	if got := r.header.Get("Content-Type"); got != "application/x-protobuf" {
		t.Errorf("content type is %s", got)
	}
	h.get("/api/v1/query?query=g").want(t, 200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"g"},"value":[1700000000,"7"]}]}}`)
	r = h.do("POST", "/v1/metrics", "hello", "Content-Type", "application/x-protobuf")
	if r.status != 400 || !strings.HasPrefix(r.body, "\x08\x03\x12") || !strings.Contains(r.body, "malformed protobuf") || r.header.Get("Content-Type") != "application/x-protobuf" {
		t.Errorf("no protobuf gives %d %q", r.status, r.body)
	}
}

func TestOTLPErrors(t *testing.T) {
	h := start(t, Options{MaxBody: 1 << 20})
	body := fmt.Sprintf(otlpJSON, "")
	h.do("POST", "/v1/metrics", body).want(t, 415, `{"code":3,"message":"Content-Type \"\": want application/x-protobuf or application/json"}`)
	h.do("POST", "/v1/metrics", "{", "Content-Type", "application/json").want(t, 400, `{"code":3,"message":"JSON at byte 1: the text ends: want a string"}`)
	h.do("GET", "/v1/metrics", "").want(t, 405, `{"code":12,"message":"method \"GET\" is not allowed here: want POST"}`)
	h.do("POST", "/v1/traces", "").want(t, 404, `{"code":5,"message":"no such path: \"/v1/traces\""}`)
	if r := h.do("POST", "/v1/metrics", zipped(strings.Repeat(" ", 2<<20)), "Content-Type", "application/json", "Content-Encoding", "gzip"); r.status != 413 || !strings.HasPrefix(r.body, `{"code":3,`) {
		t.Errorf("a long body gives %d %s", r.status, r.body)
	}
	h.sink.reset(fmt.Errorf("append: %w", storage.ErrOverloaded))
	if r := h.do("POST", "/v1/metrics", body, "Content-Type", "application/json"); r.status != 503 || r.header.Get("Retry-After") == "" || !strings.HasPrefix(r.body, `{"code":14,`) {
		t.Errorf("an overloaded store gives %d %s", r.status, r.body)
	}
	h.sink.reset(nil)
	for range 2 {
		h.do("POST", "/v1/metrics", body, "Content-Type", "application/json", "Idempotency-Key", "k").want(t, 200, "{}")
	}
	if n := len(h.sink.all()); n != 7 {
		t.Errorf("%d rows are written under one key, want 7: %q", n, h.sink.all())
	}
}

func TestOTLPLogs(t *testing.T) {
	h := startReal(t)
	body := `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}}]},"scopeLogs":[{"logRecords":[
		{"timeUnixNano":"1699999999000000000","severityNumber":17,"body":{"stringValue":"it broke"},"attributes":[{"key":"code","value":{"intValue":"500"}}]}]}]}]}`
	h.do("POST", "/v1/logs", body, "Content-Type", "application/json").want(t, 200, "{}")
	h.do("POST", "/otlp/v1/logs", strings.ReplaceAll(body, "broke", "stood"), "Content-Type", "application/json").want(t, 200, "{}")
	if got, want := h.logRows(`{service_name="cart"} | code > 400`), `{"code":"500","detected_level":"error","service_name":"cart","severity_number":"17"} 1699999999000000000 it broke; `+
		`{"code":"500","detected_level":"error","service_name":"cart","severity_number":"17"} 1699999999000000000 it stood`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if r := h.do("POST", "/v1/logs", "x", "Content-Type", "application/json"); r.status != 400 || !strings.Contains(r.body, `"code":3`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := h.do("POST", "/v1/logs", "x", "Content-Type", "text/plain"); r.status != 415 {
		t.Errorf("%d %s", r.status, r.body)
	}
}
