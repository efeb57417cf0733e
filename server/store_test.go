package server

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/storage"
)

// startReal runs a server over a store on disk and the real engine.
func startReal(t *testing.T) *harness {
	t.Helper()
	clock := func() time.Time { return testNow }
	db, err := storage.Open(t.TempDir(), storage.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the server's own
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return start(t, Options{Sink: db, Engine: query.NewEngine(db, query.Options{Now: clock}), Now: clock})
}

func (h *harness) write(target, body string, headers ...string) {
	h.t.Helper()
	if r := h.do("POST", target, body, headers...); r.status != 204 {
		h.t.Fatalf("%s: %d %s", target, r.status, r.body)
	}
}

func TestRealStoreEndToEnd(t *testing.T) {
	h := startReal(t)
	q := url.QueryEscape
	h.write("/write?db=demo&precision=s", strings.Join([]string{
		"cpu,host=a usage_user=3,usage_system=1i 1699999940",
		"cpu,host=a usage_user=4,usage_system=2i 1700000000",
		"cpu,host=b usage_user=5 1700000000",
		`nginx,host=a msg="GET / 200",ms=4 1699999990`,
		`nginx,host=a msg="GET /x 500 error",ms=9 1699999995`,
	}, "\n"))
	h.write("/api/v2/write?bucket=demo&precision=s", "up value=1 1700000000")

	h.get("/api/v1/query?query="+q(`cpu_usage_user{host="a"}`)+"&time=1700000000").want(t, 200,
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"cpu_usage_user","db":"demo","host":"a"},"value":[1700000000,"4"]}]}}`)
	h.get("/api/v1/query_range?query="+q(`sum(cpu_usage_user)`)+"&start=1699999940&end=1700000000&step=60").want(t, 200,
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1699999940,"3"],[1700000000,"9"]]}]}}`)
	h.get("/api/v1/query?query="+q("1+1")+"&time=4").want(t, 200, `{"status":"success","data":{"resultType":"scalar","result":[4,"2"]}}`)
	h.get("/api/v1/query?query=1%2F0&time=4").want(t, 200, `{"status":"success","data":{"resultType":"scalar","result":[4,"+Inf"]}}`)
	h.get("/api/v1/label/__name__/values").want(t, 200, `{"status":"success","data":["cpu_usage_system","cpu_usage_user","nginx_ms","up"]}`)
	h.get("/api/v1/label/__name__/values?match[]="+q(`{__name__=~"cpu.*",host="b"}`)).want(t, 200, `{"status":"success","data":["cpu_usage_user"]}`)
	h.get("/api/v1/labels?match[]=up").want(t, 200, `{"status":"success","data":["__name__","db"]}`)
	h.get("/api/v1/series?match[]="+q(`cpu_usage_user{host="b"}`)).want(t, 200, `{"status":"success","data":[{"__name__":"cpu_usage_user","db":"demo","host":"b"}]}`)

	timeless(h.get("/loki/api/v1/query?query="+q("vector(1)+vector(1)"))).want(t, 200,
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1700000000,"2"]}],`+lokiStats(0, 0)+"}}")
	timeless(h.get("/loki/api/v1/query_range?query="+q(`{host="a"} |= "error"`))).want(t, 200,
		`{"status":"success","data":{"resultType":"streams","result":[{"stream":{"db":"demo","host":"a","measurement":"nginx"},"values":[["1699999995000000000","GET /x 500 error"]]}],`+lokiStats(1, 1)+"}}")
	h.get("/loki/api/v1/labels").want(t, 200, `{"status":"success","data":["db","host","measurement"]}`)
	h.get("/loki/api/v1/label/measurement/values").want(t, 200, `{"status":"success","data":["nginx"]}`)
	h.get("/loki/api/v1/series?match[]="+q(`{host="a"}`)).want(t, 200, `{"status":"success","data":[{"db":"demo","host":"a","measurement":"nginx"}]}`)
	h.get("/loki/api/v1/index/stats?query="+q(`{host="a"}`)).want(t, 200, fmt.Sprintf(`{"streams":1,"chunks":0,"entries":2,"bytes":%d}`, len("GET / 200")+len("GET /x 500 error")))

	timeless(h.get("/tidemark/api/v1/query_range?query="+q(`{host="a"}`)+"&limit=1")).want(t, 200,
		`{"status":"success","data":{"resultType":"streams","result":[{"stream":{"db":"demo","host":"a","measurement":"nginx"},"entries":[{"time":"1699999995000000000","line":"GET /x 500 error","fields":[{"name":"ms","type":"float","value":"9"}]}]}]},"stats":{"series":1,"samples":0,"rows":2,"seconds":0}}`)
	h.get("/query?q=SHOW+DATABASES").want(t, 200, `{"results":[{"statement_id":0,"series":[{"name":"databases","columns":["name"],"values":[["demo"]]}]}]}`)

	var e struct {
		Error, Suggest string
		Line, Column   int
	}
	r := h.get("/tidemark/api/v1/query?query=" + q("1 +\n anomoly_score(up[5m])"))
	if err := json.Unmarshal([]byte(r.body), &e); err != nil || r.status != 400 || e.Line != 2 || e.Column != 2 || e.Suggest != "anomaly_score" {
		t.Errorf("a wrong name gives %d %s", r.status, r.body)
	}
	if body := h.get("/metrics").body; !strings.Contains(body, "\ntidemark_storage_rows_total 6") || !strings.Contains(body, "\ntidemark_storage_wal_bytes_total ") {
		t.Error("/metrics lacks the store's figures")
	}
}

// TestRealStoreForecastLiesAhead: a ramp goes on.
func TestRealStoreForecastLiesAhead(t *testing.T) {
	h := startReal(t)
	var b strings.Builder
	for i := range 7 * 24 * 12 {
		fmt.Fprintf(&b, "disk,host=a used=%d %d\n", 1000+i, nowSeconds-7*24*3600+i*300)
	}
	h.write("/write?precision=s", b.String())
	var got struct {
		Data struct {
			ResultType string
			Result     []struct {
				Metric map[string]string
				Values [][2]any
			}
		}
		Warnings []string
	}
	r := h.get("/tidemark/api/v1/query?query=" + url.QueryEscape(`forecast(disk_used[7d], h="1d")`))
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if got.Data.ResultType != "matrix" || len(got.Data.Result) == 0 {
		t.Fatalf("answer is %.300s", r.body)
	}
	for _, s := range got.Data.Result {
		if len(s.Values) == 0 || s.Metric["q"] == "" || s.Values[0][0].(float64) < nowSeconds-24*3600 || s.Values[len(s.Values)-1][0].(float64) <= nowSeconds {
			t.Errorf("series %v has %d points from %v", s.Metric, len(s.Values), s.Values[0])
		}
	}
}

// TestRealStoreTenantsAreApart: equal series of two tenants neither overwrite
// nor see each other, whatever the query says.
func TestRealStoreTenantsAreApart(t *testing.T) {
	h := startReal(t)
	for _, tenant := range []string{"a", "b"} {
		h.write("/write?db=d&precision=s", fmt.Sprintf("m,host=h v=%d 1700000000\nlog,host=h msg=\"of %s\" 1699999999", len(tenant)+int(tenant[0]), tenant), "X-Scope-OrgID", tenant)
	}
	ask := func(tenant, target string) string {
		t.Helper()
		headers := []string{}
		if tenant != "" {
			headers = []string{"X-Scope-OrgID", tenant}
		}
		r := h.get(target, headers...)
		if r.status != 200 {
			t.Errorf("%s of %q gives %d %s", target, tenant, r.status, r.body)
		}
		return r.body
	}
	q := url.QueryEscape
	for _, target := range []string{
		"/api/v1/query?time=1700000000&query=m_v", "/api/v1/query?time=1700000000&query=" + q(`m_v{tenant="b"} or m_v{tenant=~".*"}`), "/api/v1/label/tenant/values", "/api/v1/series?match[]=m_v",
		"/loki/api/v1/query_range?query=" + q(`{host="h"}`), "/loki/api/v1/query_range?query=" + q(`{tenant="b"}`), "/loki/api/v1/label/tenant/values", "/loki/api/v1/series",
		"/tidemark/api/v1/query?query=m_v", "/tidemark/api/v1/query?query=" + q(`{host="h"}`),
	} {
		const other = "99" // the value of b
		if got := ask("a", target); strings.Contains(got, `"`+other+`"`) || strings.Contains(got, "of b") || strings.Contains(got, `"tenant":"b"`) || strings.Contains(got, `["a","b"]`) {
			t.Errorf("tenant a sees of b by %s: %s", target, got)
		}
		if got := ask("", target); !(strings.Contains(got, `"`+other+`"`) || strings.Contains(got, "of b") || strings.Contains(got, `"b"`)) {
			t.Errorf("without a tenant %s shows %s, want b too", target, got)
		}
	}
	if got := ask("a", "/api/v1/query?time=1700000000&query=m_v"); !strings.Contains(got, `"98"`) {
		t.Errorf("tenant a sees %s, want its own 98", got)
	}
}

// TestRealStoreRetries: a key makes a retry harmless, also one that was
// partly refused.
func TestRealStoreRetries(t *testing.T) {
	h := startReal(t)
	body := "log,host=h msg=\"once\" 1699999999000000000\nbad"
	for range 3 {
		if r := h.do("POST", "/write", body, "Idempotency-Key", "k"); r.status != 400 || !strings.Contains(r.body, "partial write: 1 of 2 lines rejected") {
			t.Errorf("answer is %d %s", r.status, r.body)
		}
	}
	h.write("/write", "log,host=h msg=\"twice\" 1699999999000000000")
	h.write("/write", "log,host=h msg=\"twice\" 1699999999000000000")
	body = h.get("/loki/api/v1/query_range?query=" + url.QueryEscape(`{host="h"}`)).body
	if strings.Count(body, `"once"`) != 1 || strings.Count(body, `"twice"`) != 2 {
		t.Errorf("stored: %s", body)
	}
}

// TestDailyStreamsAcrossProtocols writes one known and one new label set over
// the limit by each way in: the known one is stored, the new one named.
func TestDailyStreamsAcrossProtocols(t *testing.T) {
	clock := func() time.Time { return testNow }
	db, err := storage.Open(t.TempDir(), storage.Options{Now: clock, MaxDailyStreams: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	h := start(t, Options{Sink: db, Engine: query.NewEngine(db, query.Options{Now: clock}), Now: clock})
	if r := h.do("POST", "/write", "m,h=known v=0"); r.status != 204 {
		t.Fatal(r.status, r.body)
	}
	at := nowSeconds * 1000
	for i, w := range []struct {
		path, body string
		headers    []string
	}{
		{"/write", "m,h=known v=1\nm,h=new v=1\n", nil},
		{"/api/v2/write?bucket=", "m,h=known v=2\nm,h=new v=2\n", nil},
		{"/api/v1/write", snappied(writeSeries("__name__ m_v h known", sampleField(3, int64(at))), writeSeries("__name__ m_v h new", sampleField(3, int64(at)))),
			[]string{"Content-Type", "application/x-protobuf", "Content-Encoding", "snappy"}},
		{"/api/v1/import/prometheus", "m_v{h=\"known\"} 4\nm_v{h=\"new\"} 4\n", nil},
	} {
		r := h.do("POST", w.path, w.body, w.headers...)
		if r.status != 400 || !strings.Contains(r.body, "MaxDailyStreams of 1") || !strings.Contains(r.body, "1 other rows are stored") {
			t.Errorf("%s: %d %s", w.path, r.status, r.body)
		}
		got := h.get("/api/v1/query?query=m_v").body
		if want := fmt.Sprintf(`"%d"`, i+1); !strings.Contains(got, want) || strings.Contains(got, "new") {
			t.Errorf("%s: the store answers %s, want %s of the known one alone", w.path, got, want)
		}
	}
	metrics := h.get("/metrics").body
	for _, want := range []string{"tidemark_storage_daily_streams 1\n", "tidemark_storage_daily_streams_limit 1\n", "tidemark_storage_daily_streams_refused_rows_total 4\n"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics lacks %q", want)
		}
	}
}
