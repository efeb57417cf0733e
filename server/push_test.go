package server

import (
	"encoding/binary"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/snappy"
)

// lokiProto is a PushRequest of one stream, compressed.
func lokiProto(labels string, entries ...string) string {
	field := func(num byte, data string) string {
		return string(binary.AppendUvarint([]byte{num<<3 | 2}, uint64(len(data)))) + data
	}
	msg := field(1, labels)
	for i, line := range entries {
		ts := binary.AppendUvarint([]byte{1 << 3}, uint64(nowSeconds-len(entries)+i))
		msg += field(2, field(1, string(ts))+field(2, line)+field(3, field(1, "trace_id")+field(2, "t"+line)))
	}
	return string(snappy.Encode(nil, []byte(field(1, msg))))
}

// logRows asks for log rows, oldest first, a text each: labels, time and line.
func (h *harness) logRows(query string, headers ...string) string {
	h.t.Helper()
	r := h.get("/loki/api/v1/query_range?direction=forward&end=1700000001&query="+url.QueryEscape(query), headers...)
	var got struct {
		Data struct {
			Result []struct {
				Stream map[string]string
				Values [][]string
			}
		}
	}
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.status != 200 {
		h.t.Fatalf("%s: %d %s", query, r.status, r.body)
	}
	var out []string
	for _, st := range got.Data.Result {
		labels, _ := json.Marshal(st.Stream)
		for _, v := range st.Values {
			out = append(out, string(labels)+" "+v[0]+" "+v[1])
		}
	}
	return strings.Join(out, "; ")
}

func TestLokiPushReadBack(t *testing.T) {
	h := startReal(t)
	h.write("/loki/api/v1/push", lokiProto(`{app="api", dc="x"}`, "one", "two \"q\"\n"), "Content-Type", "application/x-protobuf")
	body := `{"streams":[{"stream":{"app":"web"},"values":[["1699999990000000001","three",{"trace_id":"t3","user":"u"}],["1699999990000000000","four"]]}]}`
	h.write("/loki/api/v1/push", body, "Content-Type", "application/json; charset=utf-8")
	h.write("/loki/api/v1/push", zipped(strings.ReplaceAll(body, "web", "zip")), "Content-Type", "application/json", "Content-Encoding", "gzip")
	h.write("/loki/api/v1/push", lokiProto(`{app="other"}`, "theirs"), "X-Scope-OrgID", "them")
	h.write("/loki/api/v1/push", lokiProto(`{app="snap"}`, "s"), "Content-Encoding", "snappy")

	ask := h.logRows
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	f(ask(`{app="api"}`), `{"app":"api","dc":"x","detected_level":"unknown","service_name":"api","trace_id":"tone"} 1699999998000000000 one; {"app":"api","dc":"x","detected_level":"unknown","service_name":"api","trace_id":"ttwo \"q\"\n"} 1699999999000000000 two "q"`+"\n")
	f(ask(`{app="web"}`), `{"app":"web","detected_level":"unknown","service_name":"web"} 1699999990000000000 four; {"app":"web","detected_level":"unknown","service_name":"web","trace_id":"t3","user":"u"} 1699999990000000001 three`)
	f(ask(`{app="zip"}`), `{"app":"zip","detected_level":"unknown","service_name":"zip"} 1699999990000000000 four; {"app":"zip","detected_level":"unknown","service_name":"zip","trace_id":"t3","user":"u"} 1699999990000000001 three`)
	f(ask(`{app=~".+"} | trace_id="t3"`), `{"app":"web","detected_level":"unknown","service_name":"web","trace_id":"t3","user":"u"} 1699999990000000001 three; {"app":"zip","detected_level":"unknown","service_name":"zip","trace_id":"t3","user":"u"} 1699999990000000001 three`)
	f(ask(`{app="other"}`), `{"app":"other","detected_level":"unknown","service_name":"other","tenant":"them","trace_id":"ttheirs"} 1699999999000000000 theirs`)
	f(ask(`{app=~".+"}`, "X-Scope-OrgID", "us"), "")
	f(ask(`{app="snap"}`), `{"app":"snap","detected_level":"unknown","service_name":"snap","trace_id":"ts"} 1699999999000000000 s`)

	// What is sent again changes nothing, whole or within a request.
	for range 2 {
		h.write("/loki/api/v1/push", lokiProto(`{app="api", dc="x"}`, "one", "two \"q\"\n"), "Content-Type", "application/x-protobuf")
		h.write("/loki/api/v1/push", `{"streams":[{"stream":{"app":"twice"},"values":[["1699999990000000001","x"],["1699999990000000001","x"]]}]}`, "Content-Type", "application/json")
	}
	f(ask(`{app="api"}`), `{"app":"api","dc":"x","detected_level":"unknown","service_name":"api","trace_id":"tone"} 1699999998000000000 one; {"app":"api","dc":"x","detected_level":"unknown","service_name":"api","trace_id":"ttwo \"q\"\n"} 1699999999000000000 two "q"`+"\n")
	f(ask(`{app="twice"}`), `{"app":"twice","detected_level":"unknown","service_name":"twice"} 1699999990000000001 x`)
}

func TestLokiPushRefusals(t *testing.T) {
	h := start(t, Options{})
	h.sink.minTime = 100
	r := h.do("POST", "/loki/api/v1/push", `{"streams":[{"stream":{"a":"1"},"values":[["99","old"],["100","x"],[101,"y"]]},{"stream":{},"values":[["102","z"]]}]}`, "Content-Type", "application/json")
	r.want(t, 400, `entry 1: entry for stream '{a="1", service_name="unknown_service"}' has timestamp too old: 1970-01-01T00:00:00.000000099Z, oldest acceptable timestamp is: 1970-01-01T00:00:00.0000001Z, total ignored: 3 out of 4
entry 3: entry for stream '{a="1", service_name="unknown_service"}': timestamp 101 is no string: want nanoseconds since 1970 in double quotes
entry 4: error at least one label pair is required per stream: '{}' has none`)
	if got := h.sink.all(); !slices.Equal(got, []string{`{a="1", service_name="unknown_service"} _line=text(x) _metadata=bool(true) detected_level=text(unknown) @100`}) {
		t.Errorf("written %q, want the good entry", got)
	}
	if ct := r.header.Get("Content-Type"); ct != contentText {
		t.Errorf("Content-Type is %q", ct)
	}
	h.sink.reset(nil)
	f := func(body string, status int, reason string, headers ...string) {
		t.Helper()
		r := h.do("POST", "/loki/api/v1/push", body, headers...)
		if r.status != status || !strings.Contains(r.body, reason) {
			t.Errorf("%q %q: %d %s, want %d with %q", body, headers, r.status, r.body, status, reason)
		}
	}
	f(`{"streams":[`, 400, "malformed push request: JSON at byte 12", "Content-Type", "application/json")
	f("xx", 400, "not a snappy block")
	f("", 400, "not a snappy block")
	f(string(snappy.Encode(nil, []byte("\x0a\x05"))), 400, "malformed push request: ")
	f("", 415, "Content-Type", "Content-Type", "text/plain")
	f("", 415, "Content-Type", "Content-Type", "a/b/c")
	f("{}", 415, "Content-Encoding", "Content-Type", "application/json", "Content-Encoding", "snappy")
	f("", 415, "want snappy", "Content-Encoding", "gzip")
	if got := h.sink.all(); len(got) != 0 {
		t.Errorf("written %q", got)
	}
	if r := h.get("/loki/api/v1/push"); r.status != 405 {
		t.Errorf("GET gives %d", r.status)
	}
	small := start(t, Options{MaxBody: 1000})
	r = small.do("POST", "/loki/api/v1/push", string(snappy.Encode(nil, make([]byte, 1001))))
	if r.status != 413 {
		t.Errorf("a body that is too large decompressed gives %d %s", r.status, r.body)
	}
}

func TestJSONLinesReadBack(t *testing.T) {
	h := startReal(t)
	body := `{"_time":"2023-11-14T22:13:10Z","_msg":"GET /","app":"api","http":{"status":200},"ms":2.5,"tags":["a"]}
{"_time":"2023-11-14T22:13:11Z","_msg":"GET /x","app":"api","http":{"status":404},"ms":3}
`
	for i, send := range []func(app string) reply{
		func(app string) reply {
			return h.do("POST", "/insert/jsonline?_stream_fields=app", strings.ReplaceAll(body, "api", app))
		},
		func(app string) reply {
			return h.do("POST", "/insert/jsonline", zipped(strings.ReplaceAll(body, "api", app)), "Content-Encoding", "gzip", "VL-Stream-Fields", "app", "Content-Type", "application/x-ndjson")
		},
	} {
		app := []string{"one", "two"}[i]
		if r := send(app); r.status != 200 || r.body != "" {
			t.Fatalf("%s: %d %s", app, r.status, r.body)
		}
		want := `{"app":"` + app + `"} 1699999990000000000 GET /; {"app":"` + app + `"} 1699999991000000000 GET /x`
		if got := h.logRows(`{app="` + app + `"}`); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := h.logRows(`{app="one"} | ms > 2.7`); got != `{"app":"one","ms":"3"} 1699999991000000000 GET /x` {
		t.Errorf("a filter on a number gives %s", got)
	}
	timeless(h.get("/tidemark/api/v1/query_range?limit=1&query="+url.QueryEscape(`{app="one"}`))).want(t, 200,
		`{"status":"success","data":{"resultType":"streams","result":[{"stream":{"app":"one"},"entries":[{"time":"1699999991000000000","line":"GET /x","fields":[{"name":"http.status","type":"int","value":"404"},{"name":"ms","type":"int","value":"3"}]}]}]},"stats":{"series":1,"samples":0,"rows":2,"seconds":0}}`)
	h.get("/api/v1/query?time=1700000000&query="+url.QueryEscape(`ms{app="one"}`)).want(t, 200,
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"ms","app":"one"},"value":[1700000000,"3"]}]}}`)

	// Bad lines are named, the good ones stored, under the tenant.
	r := h.do("POST", "/insert/jsonline?_msg_field=m&_time_field=t&ignore_fields=x&extra_fields=app=three,dc=eu&_stream_fields=app", "{\"m\":\"a\",\"t\":0,\"x\":1}\n\n{\"m\":}\n{\"m\":\"b\",\"t\":1699999999}", "X-Scope-OrgID", "us")
	if r.status != 400 || !strings.Contains(r.body, "1 of 3 lines refused, the others are stored (line 3, column 6: unexpected '}': want a value)") {
		t.Errorf("answer is %d %s", r.status, r.body)
	}
	if got := h.logRows(`{app="three"} | dc="eu"`); got != `{"app":"three","dc":"eu","tenant":"us"} 1699999999000000000 b; {"app":"three","dc":"eu","tenant":"us"} 1700000000000000000 a` {
		t.Errorf("stored %s", got)
	}
	if r := h.do("POST", "/insert/jsonline?extra_fields=x", "{}"); r.status != 400 || !strings.Contains(r.body, "want name=value") {
		t.Errorf("answer is %d %s", r.status, r.body)
	}
	h.do("POST", "/insert/jsonline", `{"_msg":"no labels"}`)
	if got := h.logRows(`{service_name="unknown_service"}`); got != `{"service_name":"unknown_service"} 1700000000000000000 no labels` {
		t.Errorf("without stream fields: %s", got)
	}
}

func TestElasticReadBack(t *testing.T) {
	h := startReal(t)
	body := `{"create":{"_index":"web","_id":"7"}}
{"@timestamp":"2023-11-14T22:13:10Z","message":"GET /","app":"api","ms":4}
{"index":{"_index":"web"}}
{"message":
{"delete":{"_id":"1"}}
{"create":{"_index":"web"}}
{"@timestamp":"2023-11-14T22:13:11Z","message":"GET /x","app":"api","ms":5}
`
	for _, tc := range []struct{ path, zip, app string }{{"/_bulk", "", "a"}, {"/insert/elasticsearch/_bulk", "gzip", "b"}} {
		sent, headers := strings.ReplaceAll(body, "api", tc.app), []string{"Content-Type", "application/x-ndjson"}
		if tc.zip != "" {
			sent, headers = zipped(sent), append(headers, "Content-Encoding", tc.zip)
		}
		r := h.do("POST", tc.path+"?_stream_fields=app", sent, headers...)
		_, after, _ := strings.Cut(r.body, ",")
		const want = `"errors":true,"items":[{"create":{"_index":"web","_id":"7","result":"created","status":201}},` +
			`{"index":{"_index":"web","_id":"","status":400,"error":{"type":"document_parsing_exception","reason":"the text ends: want a value"}}},` +
			`{"delete":{"_index":"","_id":"1","status":400,"error":{"type":"document_parsing_exception","reason":"delete is not offered: records are not deleted by id"}}},` +
			`{"create":{"_index":"web","_id":"","result":"created","status":201}}]}` + "\n"
		if r.status != 200 || after != want || r.header.Get("X-Elastic-Product") != "Elasticsearch" || !json.Valid([]byte(r.body)) {
			t.Errorf("%s: %d %s\nwant %s", tc.path, r.status, r.body, want)
		}
		rows := `{"app":"` + tc.app + `"} 1699999990000000000 GET /; {"app":"` + tc.app + `"} 1699999991000000000 GET /x`
		if got := h.logRows(`{app="` + tc.app + `"}`); got != rows {
			t.Errorf("%s stored %s, want %s", tc.path, got, rows)
		}
	}
	if got := h.logRows(`{app="a"} | _index="web" | ms > 4`); !strings.HasSuffix(got, "1699999991000000000 GET /x") || strings.Contains(got, ";") {
		t.Errorf("filters on fields give %s", got)
	}
	if r := h.do("PUT", "/_bulk", "{\"create\":{}}\n{\"message\":\"x\"}\n"); r.status != 200 || !strings.Contains(r.body, `"errors":false`) {
		t.Errorf("PUT gives %d %s", r.status, r.body)
	}
	for body, want := range map[string]string{
		"{\"create\":{}}\n{\"message\":\"lost\"}\nx\n": "malformed bulk request: line 3, column 1",
		`{"create":{}}`: "want a document after the action",
	} {
		if r := h.do("POST", "/_bulk", body); r.status != 400 || !strings.Contains(r.body, want) {
			t.Errorf("%q: %d %s", body, r.status, r.body)
		}
	}
	if got := h.logRows(`{service_name="unknown_service"} |= "lost"`); got != "" {
		t.Errorf("a malformed request stored %s", got)
	}
}

func TestElasticTooOldAndTooMany(t *testing.T) {
	h := start(t, Options{})
	h.sink.minTime = 100
	r := h.do("POST", "/_bulk", "{\"create\":{}}\n{\"@timestamp\":-5,\"message\":\"x\"}\n")
	if r.status != 200 || !strings.Contains(r.body, `"status":400,"error":{"type":"illegal_argument_exception","reason":"time 1969-12-31T23:59:55Z is too old`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	r = h.do("POST", "/_bulk", strings.Repeat("{\"delete\":{}}\n", 500_001))
	if r.status != 413 || !strings.Contains(r.body, "MaxItems") {
		t.Errorf("%d %.200s", r.status, r.body)
	}
	if got := h.sink.all(); len(got) != 0 {
		t.Errorf("written %q", got)
	}
}

func TestElasticHandshake(t *testing.T) {
	h := start(t, Options{})
	for target, want := range map[string]string{
		"/insert/elasticsearch":                              `"number":"8.9.0"`,
		"/insert/elasticsearch/":                             `"number":"8.9.0"`,
		"/insert/elasticsearch/_license":                     `"status":"active"`,
		"/insert/elasticsearch/_ilm/policy/filebeat":         `"acknowledged":true`,
		"/insert/elasticsearch/_index_template/filebeat-8.9": `"acknowledged":true`,
		"/insert/elasticsearch/_ingest/pipeline/x":           `"acknowledged":true`,
	} {
		r := h.get(target)
		if r.status != 200 || !strings.Contains(r.body, want) || !json.Valid([]byte(r.body)) || r.header.Get("X-Elastic-Product") == "" {
			t.Errorf("%s: %d %s", target, r.status, r.body)
		}
		if r := h.do("HEAD", target, ""); r.status != 200 {
			t.Errorf("HEAD %s: %d", target, r.status)
		}
	}
	if r := h.do("PUT", "/insert/elasticsearch/_ilm/policy/filebeat", "{}"); r.status != 200 {
		t.Errorf("putting a policy gives %d", r.status)
	}
	if r := h.get("/_bulk"); r.status != 405 || r.header.Get("Allow") != "POST, PUT" {
		t.Errorf("GET /_bulk gives %d, Allow %q", r.status, r.header.Get("Allow"))
	}
}

// TestLokiPushAfterAChangeOfLimits: what was refused before is not taken for a
// repetition.
func TestLokiPushAfterAChangeOfLimits(t *testing.T) {
	body := `{"streams":[{"stream":{"a":"1"},"values":[["1","long line"],["2","x"]]}]}`
	sink := &fakeSink{}
	for i, want := range []int{1, 1, 3} {
		opts := Options{Sink: sink}
		if i < 2 {
			opts.LineProtocol.MaxLineBytes = 5
		}
		h := start(t, opts)
		h.do("POST", "/loki/api/v1/push", body, "Content-Type", "application/json")
		if got := sink.all(); len(got) != want {
			t.Errorf("after push %d there are %q", i+1, got)
		}
	}
}
