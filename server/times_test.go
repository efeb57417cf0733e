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

// TestTimesAcrossProtocols sends the same samples by every way in that carries
// metrics: out of order, twice at one time, long ago but within retention,
// tomorrow, and before retention. All but the last are stored, of those at one
// time the last one counts, and what is refused is named.
func TestTimesAcrossProtocols(t *testing.T) {
	const day = 86400
	clock := func() time.Time { return testNow }
	db, err := storage.Open(t.TempDir(), storage.Options{Now: clock, Retention: 500 * day * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	h := start(t, Options{Sink: db, Engine: query.NewEngine(db, query.Options{Now: clock}), Now: clock})
	for _, w := range []struct {
		name string
		// post sends one sample at a time in seconds.
		post func(at, v int) reply
	}{
		{"lines", func(at, v int) reply {
			return h.do("POST", "/write?precision=s", fmt.Sprintf("lines,h=a value=%d %d", v, at))
		}},
		{"lines_v2", func(at, v int) reply {
			return h.do("POST", "/api/v2/write?bucket=b&precision=s", fmt.Sprintf("lines_v2,h=a value=%di %d", v, at))
		}},
		{"remote", func(at, v int) reply {
			return h.do("POST", "/api/v1/write", snappied(writeSeries("__name__ remote h a", sampleField(float64(v), int64(at)*1000))),
				"Content-Type", "application/x-protobuf", "Content-Encoding", "snappy")
		}},
		{"exposed", func(at, v int) reply {
			return h.do("POST", "/api/v1/import/prometheus", fmt.Sprintf("exposed{h=\"a\"} %d %d\n", v, at*1000))
		}},
		{"otel", func(at, v int) reply {
			return h.do("POST", "/v1/metrics", fmt.Sprintf(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"otel","gauge":{"dataPoints":[{"timeUnixNano":"%d000000000","asInt":"%d"}]}}]}]}]}`, at, v),
				"Content-Type", "application/json")
		}},
		{"jsonl", func(at, v int) reply {
			return h.do("POST", "/insert/jsonline?_stream_fields=h", fmt.Sprintf(`{"_time":%q,"_msg":"x","h":"a","jsonl":%d}`, time.Unix(int64(at), 0).UTC().Format(time.RFC3339), v))
		}},
	} {
		for i, at := range []int{nowSeconds - 10, nowSeconds - 20, nowSeconds - 10, nowSeconds - 300*day, nowSeconds + day} {
			if r := w.post(at, i+1); r.status/100 != 2 || strings.Contains(r.body, "rejected") {
				t.Errorf("%s: sample %d gives %d %s", w.name, i+1, r.status, r.body)
			}
		}
		r := w.post(nowSeconds-600*day, 6)
		refused := r.status == 400 || strings.Contains(r.body, `"rejectedDataPoints":"1"`)
		if !refused || !strings.Contains(r.body, "retention") {
			t.Errorf("%s: a sample before retention gives %d %s", w.name, r.status, r.body)
		}
		for range 2 { // from the head, then from chunks
			answer := h.get("/api/v1/query?query=" + url.QueryEscape(w.name+"[1000d]") + fmt.Sprintf("&time=%d", nowSeconds+2*day))
			var got struct {
				Data struct {
					Result []struct{ Values [][2]any }
				}
			}
			if err := json.Unmarshal([]byte(answer.body), &got); err != nil || len(got.Data.Result) != 1 {
				t.Fatalf("%s: %v: %s", w.name, err, answer.body)
			}
			want := fmt.Sprint([][2]any{{float64(nowSeconds - 300*day), "4"}, {float64(nowSeconds - 20), "2"}, {float64(nowSeconds - 10), "3"}, {float64(nowSeconds + day), "5"}})
			if text := fmt.Sprint(got.Data.Result[0].Values); text != want {
				t.Errorf("%s holds %s, want %s", w.name, text, want)
			}
			if err := db.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}
