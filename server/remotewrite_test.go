package server

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/url"
	"strings"
	"testing"

	"github.com/klauspost/compress/snappy"

	"tidemark/storage"
)

func pbBytes(dst []byte, num int, b []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(num)<<3|2)
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

func pbSample(v float64, ms int64) []byte {
	b := binary.LittleEndian.AppendUint64([]byte{0x09}, math.Float64bits(v))
	return binary.AppendUvarint(append(b, 0x10), uint64(ms))
}

// writeSeries is one series of remote write 1.0: names and values of labels in
// turn, then samples in their encoding.
func writeSeries(labels string, fields ...[]byte) []byte {
	var m []byte
	words := strings.Fields(labels)
	for i := 0; i+1 < len(words); i += 2 {
		m = pbBytes(m, 1, pbBytes(pbBytes(nil, 1, []byte(words[i])), 2, []byte(words[i+1])))
	}
	for _, f := range fields {
		m = append(m, f...)
	}
	return pbBytes(nil, 1, m)
}

func sampleField(v float64, ms int64) []byte { return pbBytes(nil, 2, pbSample(v, ms)) }

func snappied(parts ...[]byte) string {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return string(snappy.Encode(nil, all))
}

func (r reply) written() string {
	h := func(n string) string { return r.header.Get("X-Prometheus-Remote-Write-" + n + "-Written") }
	return h("Samples") + " " + h("Histograms") + " " + h("Exemplars")
}

func TestRemoteWrite(t *testing.T) {
	h := startReal(t)
	const ms = nowSeconds * 1000
	stale := math.Float64frombits(0x7ff0000000000002)
	r := h.do("POST", "/api/v1/write", snappied(
		writeSeries("__name__ up job a", sampleField(0, ms-60000), sampleField(1, ms)),
		writeSeries("__name__ gone job a", sampleField(5, ms-30000), sampleField(stale, ms))),
		"Content-Type", "application/x-protobuf", "Content-Encoding", "snappy", "X-Prometheus-Remote-Write-Version", "0.1.0")
	if r.status != 204 || r.written() != "4 0 0" {
		t.Fatalf("1.0 gives %d, %q, %s", r.status, r.written(), r.body)
	}
	// The same with symbols: up{job="b"}.
	var v2 []byte
	for _, s := range []string{"", "__name__", "up", "job", "b"} {
		v2 = pbBytes(v2, 4, []byte(s))
	}
	v2 = pbBytes(v2, 5, append(pbBytes(nil, 1, []byte{1, 2, 3, 4}), sampleField(7, ms)...))
	r = h.do("POST", "/api/v1/write", snappied(v2), "Content-Type", "application/x-protobuf;proto=io.prometheus.write.v2.Request", "Content-Encoding", "snappy", "X-Scope-OrgID", "acme")
	if r.status != 204 || r.written() != "1 0 0" {
		t.Fatalf("2.0 gives %d, %q, %s", r.status, r.written(), r.body)
	}
	h.get("/api/v1/query?query="+url.QueryEscape("up")+fmt.Sprint("&time=", nowSeconds)).want(t, 200,
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},"value":[1700000000,"1"]},{"metric":{"__name__":"up","job":"b","tenant":"acme"},"value":[1700000000,"7"]}]}}`)
	h.get("/api/v1/query_range?query=gone&start=1699999970&end=1700000000&step=15").want(t, 200,
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"gone","job":"a"},"values":[[1699999970,"5"],[1699999985,"5"]]}]}}`)

	// Bad series are named, good ones kept, and the counts say so.
	r = h.do("POST", "/api/v1/write", snappied(
		writeSeries("job a", sampleField(1, ms)),
		writeSeries("__name__ hist", pbBytes(nil, 4, []byte{8, 1})),
		writeSeries("__name__ good", sampleField(3, ms), pbBytes(nil, 3, pbSample(1, 1)))))
	r.want(t, 400, `{"status":"error","errorType":"bad_data","error":"2 of 3 samples refused, the others are stored (series 1 {job=\"a\"}: missing label __name__: want the metric's name)",`+
		`"data":[{"line_number":1,"column":1,"original_line":"{job=\"a\"}","error_message":"series 1 {job=\"a\"}: missing label __name__: want the metric's name"},`+
		`{"line_number":2,"column":1,"original_line":"hist{}","error_message":"series 2 hist{}: bad native histogram: want the buckets to have all 1 observations, got 0"}]}`)
	if r.written() != "1 0 0" {
		t.Errorf("counts are %q, want 1 sample", r.written())
	}
	// A native histogram: 3 observations from 1 to 2.
	r = h.do("POST", "/api/v1/write", snappied(writeSeries("__name__ native", pbBytes(nil, 4,
		append([]byte{8, 3, 0x5a, 4, 8, 2, 16, 1, 0x62, 1, 6, 0x78}, binary.AppendUvarint(nil, uint64(ms))...)))))
	if r.status != 204 || r.written() != "0 1 0" {
		t.Errorf("a histogram gives %d, %q, %s", r.status, r.written(), r.body)
	}
	h.get("/api/v1/query?query=native").want(t, 200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"native"},"histogram":[1700000000,{"count":"3","sum":"0","buckets":[[0,"1","2","3"]]}]}]}}`)
	h.get("/api/v1/query?query=good").want(t, 200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"good"},"value":[1700000000,"3"]}]}}`)
}

func TestRemoteWriteRefusals(t *testing.T) {
	h := start(t, Options{MaxBody: 1 << 20})
	good := snappied(writeSeries("__name__ up", sampleField(1, 1)))
	f := func(what, body string, status int, part string, headers ...string) {
		t.Helper()
		h.sink.reset(nil)
		r := h.do("POST", "/api/v1/write", body, headers...)
		if r.status != status || !strings.Contains(r.body, part) || len(h.sink.all()) > 0 {
			t.Errorf("%s gives %d %s, want %d with %q; rows %q", what, r.status, r.body, status, part, h.sink.all())
		}
	}
	f("an unknown message", good, 415, "proto is", "Content-Type", "application/x-protobuf;proto=a.B")
	f("JSON", good, 415, "content type", "Content-Type", "application/json")
	f("gzip", good, 415, "want snappy", "Content-Encoding", "gzip")
	f("no snappy", "hello", 400, "not a snappy block")
	f("no protobuf", string(snappy.Encode(nil, []byte("hello"))), 400, "malformed protobuf")
	f("a long body", string(snappy.Encode(nil, make([]byte, 2<<20))), 413, "too large")
}

func TestRemoteWriteStoreErrors(t *testing.T) {
	h := start(t, Options{})
	body := snappied(writeSeries("__name__ up", sampleField(1, 1)))
	h.sink.reset(fmt.Errorf("append: %w", storage.ErrOverloaded))
	r := h.do("POST", "/api/v1/write", body)
	if r.status != 503 || r.header.Get("Retry-After") == "" || r.written() != "0 0 0" {
		t.Errorf("an overloaded store gives %d, %q, %s", r.status, r.written(), r.body)
	}
	h.sink.reset(nil)
	for range 2 {
		if r := h.do("POST", "/api/v1/write", body, "Idempotency-Key", "k"); r.status != 204 || r.written() != "1 0 0" {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	if n := len(h.sink.all()); n != 1 {
		t.Errorf("%d rows are written under one key, want 1", n)
	}
	h.sink.minTime = 5e9
	r = h.do("POST", "/api/v1/write", snappied(writeSeries("__name__ up", sampleField(1, 1), sampleField(2, 9000))))
	if r.status != 400 || r.written() != "1 0 0" || !strings.Contains(r.body, "older than retention") {
		t.Errorf("an old sample gives %d, %q, %s", r.status, r.written(), r.body)
	}
}
