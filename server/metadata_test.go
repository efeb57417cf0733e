package server

import (
	"encoding/binary"
	"fmt"
	"net/url"
	"testing"

	"github.com/klauspost/compress/snappy"

	"tidemark/ingest"
)

// TestMetadata: what the protocols tell of metrics is answered.
func TestMetadata(t *testing.T) {
	h := startReal(t)
	h.get("/api/v1/metadata").want(t, 200, `{"status":"success","data":{}}`)
	h.write("/api/v1/import/prometheus", "# HELP jobs_total Jobs,\\nall of them.\n# TYPE jobs_total counter\njobs_total 1\n# a comment\n# TYPE warmth gauge\n# UNIT warmth celsius\nwarmth 2\n# TYPE odd thing\n")

	// Remote write 1.0: metadata of families without samples.
	family := append([]byte{1 << 3, 3}, field(field(field(nil, 2, "latency_seconds"), 4, "How long."), 5, "seconds")...)
	h.write("/api/v1/write", string(snappy.Encode(nil, field(nil, 3, string(family)))), "Content-Type", "application/x-protobuf", "Content-Encoding", "snappy")

	// Remote write 2.0: of a series, by symbols.
	series := field(nil, 1, "\x01\x02")
	sample := append([]byte{1<<3 | 1}, binary.LittleEndian.AppendUint64(nil, 0x3ff0000000000000)...)
	series = field(series, 2, string(append(sample, 2<<3, 1)))
	series = field(series, 5, "\x08\x02\x18\x03\x20\x04")
	var v2 []byte
	for _, symbol := range []string{"", "__name__", "level", "How high.", "meters"} {
		v2 = field(v2, 4, symbol)
	}
	r := h.do("POST", "/api/v1/write", string(snappy.Encode(nil, field(v2, 5, string(series)))), "Content-Type", "application/x-protobuf;proto=io.prometheus.write.v2.Request", "Content-Encoding", "snappy")
	if r.status != 204 {
		t.Fatalf("remote write 2.0: %d %s", r.status, r.body)
	}
	h.do("POST", "/v1/metrics", `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"http.requests","description":"Asked.","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"timeUnixNano":"1700000000000000000","asInt":"4"}]}}]}]}]}`,
		"Content-Type", "application/json")

	const jobs = `"jobs_total":[{"type":"counter","help":"Jobs,\nall of them.","unit":""}]`
	const odd = `"odd":[{"type":"unknown","help":"","unit":""}]`
	h.get("/api/v1/metadata").want(t, 200, `{"status":"success","data":{"http_requests_total":[{"type":"counter","help":"Asked.","unit":""}],`+jobs+
		`,"latency_seconds":[{"type":"histogram","help":"How long.","unit":"seconds"}],"level":[{"type":"gauge","help":"How high.","unit":"meters"}],`+odd+
		`,"warmth":[{"type":"gauge","help":"","unit":"celsius"}]}}`)
	h.get("/api/v1/metadata?limit=1").want(t, 200, `{"status":"success","data":{"http_requests_total":[{"type":"counter","help":"Asked.","unit":""}]}}`)
	h.get("/api/v1/metadata?limit=0").want(t, 200, `{"status":"success","data":{}}`)
	h.get("/api/v1/metadata?metric=jobs_total").want(t, 200, `{"status":"success","data":{`+jobs+`}}`)

	// What is told again in other words stands in front; a tenant sees its own.
	h.write("/api/v1/import/prometheus", "# HELP odd Now it has one.\n")
	h.get("/api/v1/metadata?metric=odd").want(t, 200, `{"status":"success","data":{"odd":[{"type":"unknown","help":"Now it has one.","unit":""},{"type":"unknown","help":"","unit":""}]}}`)
	h.get("/api/v1/metadata?metric=odd&limit_per_metric=1").want(t, 200, `{"status":"success","data":{"odd":[{"type":"unknown","help":"Now it has one.","unit":""}]}}`)
	h.write("/api/v1/import/prometheus", "# TYPE theirs gauge\ntheirs 1\n", "X-Scope-OrgID", "other")
	h.get("/api/v1/metadata", "X-Scope-OrgID", "other").want(t, 200, `{"status":"success","data":{"theirs":[{"type":"gauge","help":"","unit":""}]}}`)
	h.get("/api/v1/metadata?metric="+url.QueryEscape("theirs")).want(t, 200, `{"status":"success","data":{"theirs":[{"type":"gauge","help":"","unit":""}]}}`)
}

func TestMetadataIsBounded(t *testing.T) {
	m := metadata{most: 10}
	for i := range 100 {
		m.describe("")(ingest.Metadata{Name: fmt.Sprint("m", i)})
		m.describe("")(ingest.Metadata{Name: "m0", Help: fmt.Sprint(i)})
	}
	all := m.families("")
	if len(all) != 10 || len(all["m0"]) != maxTold || all["m0"][0].Help != "99" {
		t.Errorf("%d families are kept, m0 with %v", len(all), all["m0"])
	}
}
