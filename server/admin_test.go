package server

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/query"
	"tidemark/storage"
)

func TestProbes(t *testing.T) {
	var notReady error
	h := start(t, Options{Version: "9", Revision: "r", Ready: func() error { return notReady }})
	text := func(target string, status int, body string) {
		t.Helper()
		if r := h.get(target); r.status != status || r.body != body || !strings.HasPrefix(r.header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s is %d %q %q, want %d %q", target, r.status, r.header.Get("Content-Type"), r.body, status, body)
		}
	}
	text("/-/healthy", 200, "tidemark is healthy\n")
	text("/-/ready", 200, "tidemark is ready\n")
	text("/ready", 200, "ready\n")
	h.get("/health").want(t, 200, `{"name":"tidemark","message":"ready for queries and writes","checks":[],"status":"pass","version":"9","commit":"r"}`)
	notReady = errors.New("replaying the log")
	text("/-/healthy", 200, "tidemark is healthy\n")
	text("/-/ready", 503, "not ready: replaying the log\n")
	text("/ready", 503, "replaying the log\n")
	h.get("/health").want(t, 503, `{"name":"tidemark","message":"replaying the log","checks":[],"status":"fail","version":"9","commit":"r"}`)
	for _, method := range []string{"GET", "HEAD"} {
		r := h.do(method, "/ping", "")
		if r.status != 204 || r.body != "" || r.header.Get("X-Influxdb-Version") != influxVersion || r.header.Get("X-Influxdb-Build") != "OSS" {
			t.Errorf("%s /ping is %d %q %v", method, r.status, r.body, r.header)
		}
	}
	h.get("/ping?verbose=true").want(t, 200, `{"version":"1.8.10"}`)
}

func TestReadyBeforeServe(t *testing.T) {
	s, err := New(Options{Sink: &fakeSink{}, Engine: &fakeEngine{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ready(); err == nil || err.Error() != "starting" {
		t.Errorf("before Serve ready says %v, want starting", err)
	}
}

func TestInfluxQuery(t *testing.T) {
	h := start(t, Options{})
	h.engine.list = []string{"demo", "tele graf"}
	const dbs = `"series":[{"name":"databases","columns":["name"],"values":[["demo"],["tele graf"]]}]`
	for q, want := range map[string]string{
		`CREATE+DATABASE+"telegraf"`:          `{"results":[{"statement_id":0}]}`,
		`create++database+x`:                  `{"results":[{"statement_id":0}]}`,
		`CREATE+DATABASE+"a;b+\"c"`:           `{"results":[{"statement_id":0}]}`,
		`CREATE+DATABASE+x+WITH+DURATION+3d;`: `{"results":[{"statement_id":0,"messages":[{"level":"warning","text":"WITH is ignored: retention is the server's setting"}]}]}`,
		`SHOW+DATABASES`:                      `{"results":[{"statement_id":0,` + dbs + `}]}`,
		`CREATE+DATABASE+"x";+show+databases`: `{"results":[{"statement_id":0},{"statement_id":1,` + dbs + `}]}`,
		"%0aSHOW%09DATABASES%0a":              `{"results":[{"statement_id":0,` + dbs + `}]}`,
	} {
		q = strings.NewReplacer(`"`, "%22", ";", "%3B", `\`, "%5C").Replace(q)
		h.do("POST", "/query?q="+q, "").want(t, 200, want)
		h.get("/query?q="+q).want(t, 200, want)
		h.do("POST", "/query", "q="+q, "Content-Type", "application/x-www-form-urlencoded").want(t, 200, want)
	}
	h.engine.list = nil
	h.get("/query?q=SHOW+DATABASES").want(t, 200, `{"results":[{"statement_id":0,"series":[{"name":"databases","columns":["name"]}]}]}`)
	for q, want := range map[string]string{
		"":                               `missing required parameter "q"`,
		"SELECT+1":                       `cannot answer "SELECT 1": of InfluxQL only CREATE DATABASE and SHOW DATABASES are understood; ask /tidemark/api/v1/query`,
		"SHOW+DATABASES+NOW":             `cannot answer "SHOW DATABASES NOW": of InfluxQL only CREATE DATABASE and SHOW DATABASES are understood; ask /tidemark/api/v1/query`,
		"CREATE+DATABASE":                `error parsing query: want a database name after CREATE DATABASE`,
		"CREATE+DATABASE+%22x":           `error parsing query: "CREATE DATABASE \"x": want a closing quote`,
		"CREATE+DATABASE+%22x%5C":        `error parsing query: "CREATE DATABASE \"x\\": want a closing quote`,
		"CREATE+DATABASE+x+y":            `error parsing query: found "y", want WITH or the end`,
		"CREATE+DATABASE+%22%01%22":      `invalid parameter "database": "\x01" has control characters`,
		strings.Repeat("SHOW+x%3B", 101): `q has 101 statements: want at most 100`,
	} {
		r := h.get("/query?q=" + q)
		if e := decodeWriteError(t, r); r.status != 400 || e.Error != want {
			t.Errorf("%s gives %d %q, want %q", q, r.status, e.Error, want)
		}
	}
}

// storeSink is a sink with figures, as a store is.
type storeSink struct{ fakeSink }

func (*storeSink) Metrics() storage.Metrics { return storage.Metrics{Rows: 77} }

func TestMetrics(t *testing.T) {
	extra := prometheus.NewGauge(prometheus.GaugeOpts{Name: "extra", Help: "A caller's own."})
	extra.Set(5)
	h := start(t, Options{Sink: &storeSink{}, Version: "9", Collectors: []prometheus.Collector{extra}})
	h.do("POST", "/write", "m,h=a v=1,w=2 1\nm,h=a v=1,w=2 2\nbad\nlog msg=\"x\" 3")
	h.do("POST", "/write", zipped("m,h=a v=1 1"), "Content-Encoding", "gzip")
	h.get("/api/v1/query?query=up")
	h.engine.query = failing(query.ErrTimeout)
	h.get("/api/v1/query?query=up")
	h.get("/nowhere/at/all")
	h.get("/api/v1/label/a/values")
	h.get("/api/v1/label/b/values")
	body := h.get("/metrics").body
	for _, want := range []string{
		`tidemark_http_requests_total{code="204",route="/write"} 1`,
		`tidemark_http_requests_total{code="400",route="/write"} 1`,
		`tidemark_http_requests_total{code="404",route="other"} 1`,
		`tidemark_http_requests_total{code="200",route="/api/v1/label/{name}/values"} 2`,
		`tidemark_http_request_duration_seconds_count{route="/write"} 2`,
		`tidemark_http_requests_in_flight 1`,
		`tidemark_http_panics_total 0`,
		`tidemark_ingest_lines_total{outcome="stored"} 4`,
		`tidemark_ingest_lines_total{outcome="rejected"} 1`,
		`tidemark_ingest_rows_total{kind="metric"} 3`,
		`tidemark_ingest_rows_total{kind="log"} 1`,
		`tidemark_ingest_bytes_total{form="received"}`,
		`tidemark_ingest_bytes_total{form="decoded"} 60`,
		`tidemark_ingest_key_cache_misses_total`,
		`tidemark_ingest_key_cache_hit_ratio`,
		`tidemark_queries_total{api="prometheus",outcome="ok"} 1`,
		`tidemark_queries_total{api="prometheus",outcome="timeout"} 1`,
		`tidemark_storage_rows_total 77`,
		`tidemark_build_info{revision="",version="9"} 1`,
		`go_goroutines`, `process_cpu_seconds_total`, `extra 5`,
	} {
		if !strings.Contains(body, "\n"+want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	fams, err := h.srv.Gatherer().Gather()
	if err != nil || len(fams) < 20 {
		t.Errorf("Gather gives %d families, %v", len(fams), err)
	}
	// Two servers in one process do not meet in a global registry.
	start(t, Options{})
}

func TestNewReportsEverything(t *testing.T) {
	_, err := New(Options{MaxBody: -1, ReadTimeout: -1, CertFile: "x"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"Sink is nil", "Engine is nil", "MaxBody is -1", "ReadTimeout is -1ns", `CertFile is "x" and KeyFile ""`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
	if _, err := New(Options{Sink: &fakeSink{}, Engine: &fakeEngine{}, CertFile: "/nonexistent", KeyFile: "/nonexistent"}); err == nil || !strings.Contains(err.Error(), "/nonexistent") {
		t.Errorf("a missing certificate gives %v", err)
	}
	c := prometheus.NewGauge(prometheus.GaugeOpts{Name: "go_goroutines", Help: "x"})
	if _, err := New(Options{Sink: &fakeSink{}, Engine: &fakeEngine{}, Collectors: []prometheus.Collector{c}}); err == nil {
		t.Error("a clashing collector gives no error")
	}
}

func TestUnknownPaths(t *testing.T) {
	h := start(t, Options{})
	for path, member := range map[string]string{"/api/v1/nope": "errorType", "/loki/api/v1/nothing": "message", "/tidemark/x": "errorType", "/api/v2/buckets": "code", "/nope": "errorType", "/api/v1/label//values": "errorType"} {
		r := h.get(path)
		var m map[string]any
		if err := json.Unmarshal([]byte(r.body), &m); err != nil || r.status != 404 || m[member] == nil || m["error"] == nil {
			t.Errorf("%s gives %d %s", path, r.status, r.body)
		}
	}
}
