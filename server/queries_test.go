package server

import (
	"context"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/query/querytest"
	"tidemark/storage/model"
)

// stuckSource is a source whose series never come.
type stuckSource struct{ *querytest.Source }

type stuckView struct{ model.View }

func (s stuckSource) View() (model.View, error) {
	v, err := s.Source.View()
	return stuckView{v}, err
}

func (stuckView) Samples(ctx context.Context, _ model.SampleSelection, _ func(*model.Series) error) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestQueriesAreListedAndEnded runs a query that would take for ever, finds it
// in the list and ends it.
func TestQueriesAreListedAndEnded(t *testing.T) {
	e := query.NewEngine(stuckSource{querytest.NewSource()}, query.Options{})
	h := start(t, Options{Engine: e, Now: time.Now})
	h.get("/tidemark/api/v1/queries").want(t, 200, `{"status":"success","data":[]}`)
	answer := make(chan reply, 1)
	go func() { answer <- h.get(`/api/v1/query?query=up%7Ba%3D%22b%22%7D`) }()
	entry := regexp.MustCompile(`^{"status":"success","data":\[{"id":"(\d+)","query":"up{a=\\"b\\"}","dialect":"promql","started":[0-9.]+,"age":[0-9.]+,"waiting":false,"samples":0,"memory":0}\]}\n$`)
	var id string
	for range 500 {
		if m := entry.FindStringSubmatch(h.get("/tidemark/api/v1/queries").body); m != nil {
			id = m[1]
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if id == "" {
		t.Fatal("the query is not in the list:", h.get("/tidemark/api/v1/queries").body)
	}
	h.get("/tidemark/api/v1/queries", "X-Scope-OrgID", "a").want(t, 200, `{"status":"success","data":[]}`)
	h.do("DELETE", "/tidemark/api/v1/queries/"+id, "", "X-Scope-OrgID", "a").want(t, 404, `{"status":"error","errorType":"not_found","error":"no query `+id+` is running"}`)
	h.do("DELETE", "/tidemark/api/v1/queries/"+id, "").want(t, 200, `{"status":"success"}`)
	(<-answer).want(t, 503, `{"status":"error","errorType":"canceled","error":"query was canceled in execution"}`)
	h.do("DELETE", "/tidemark/api/v1/queries/"+id, "").want(t, 404, `{"status":"error","errorType":"not_found","error":"no query `+id+` is running"}`)
	if got := h.do("DELETE", "/tidemark/api/v1/queries/x", ""); got.status != 400 {
		t.Errorf("a query of no number: %d %s", got.status, got.body)
	}
	h.get("/tidemark/api/v1/queries").want(t, 200, `{"status":"success","data":[]}`)
}

// TestQueryEndsWithItsClient closes the connection of a running query.
func TestQueryEndsWithItsClient(t *testing.T) {
	began, ended := make(chan struct{}), make(chan error, 1)
	engine := &fakeEngine{query: func(ctx context.Context, _ query.Request) (*query.Result, error) {
		close(began)
		select {
		case <-ctx.Done():
			ended <- nil
		case <-time.After(20 * time.Second):
			ended <- fmt.Errorf("the query went on")
		}
		return nil, query.ErrCanceled
	}}
	srv, err := New(Options{Sink: &fakeSink{}, Engine: engine})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(conn, strings.NewReader("GET /api/v1/query?query=up HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	<-began
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// TestStatusTSDB asks a real store what its series are made of.
func TestStatusTSDB(t *testing.T) {
	h := startReal(t)
	h.write("/write", "cpu,host=a,zone=x user=1,sys=2 1000000000\ncpu,host=b,zone=x user=1 1000000000\n")
	h.get("/api/v1/status/tsdb?limit=2").want(t, 200, `{"status":"success","data":{"headStats":{"numSeries":3,"numLabelPairs":3,"chunkCount":0,"minTime":0,"maxTime":86399999},`+
		`"seriesCountByMetricName":[{"name":"cpu_user","value":2},{"name":"cpu_sys","value":1}],`+
		`"labelValueCountByLabelName":[{"name":"host","value":2},{"name":"zone","value":1}],`+
		`"memoryInBytesByLabelName":[{"name":"host","value":2},{"name":"zone","value":1}],`+
		`"seriesCountByLabelValuePair":[{"name":"zone=x","value":3},{"name":"host=a","value":2}]}}`)
}

// TestStatsOfAQuery asks for what a query read.
func TestStatsOfAQuery(t *testing.T) {
	h := startReal(t)
	h.write("/write", "up,host=a value=1 1000000000\nup,host=b value=1 1000000000\n")
	body := h.get("/api/v1/query?query=count(up)&time=1&stats=all").body
	seconds := regexp.MustCompile(`("evalTotalTime"|"seconds"):[0-9.]+`)
	const want = `"stats":{"timings":{"evalTotalTime":0},"samples":{"totalQueryableSamples":2,"peakSamples":3},"read":{"series":2,"chunks":0,"summaries":0,"chunksSkipped":0,"bytes":0},` +
		`"plan":{"operator":"count","type":"instant vector","position":"1:1","measured":{"seconds":0,"calls":1,"series":1,"values":1},` +
		`"inputs":[{"operator":"up","type":"instant vector","position":"1:7","measured":{"seconds":0,"calls":1,"series":2,"values":2,"streamsMatched":2,"samples":2,"rows":0,"chunks":0,"chunksSkipped":0,"summaries":0,"bytes":0}}]}}`
	if got := seconds.ReplaceAllString(body, "$1:0"); !strings.Contains(got, want) {
		t.Errorf("answer is %s\nwant it to contain %s", got, want)
	}
	for _, path := range []string{"/api/v1/query?time=1", "/tidemark/api/v1/query?time=1", "/api/v1/query_range?start=1&end=1&step=1"} {
		h.get(path+"&query=count(up)&explain=true").want(t, 200, `{"status":"success","data":{"explain":{"operator":"count","type":"instant vector","position":"1:1","estimated":{"steps":1},`+
			`"inputs":[{"operator":"up","type":"instant vector","position":"1:7","estimated":{"steps":1,"series":2,"samples":2,"chunks":0,"bytes":0,"summaries":true}}]}}}`)
	}
	h.get("/api/v1/query?query=up&explain=perhaps").want(t, 400, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"explain\": want true or false"}`)
	if r := h.get("/api/v1/query?query=sum(&explain=true"); r.status != 400 || !strings.Contains(r.body, `invalid parameter \"query\"`) {
		t.Errorf("a wrong query: %d %s", r.status, r.body)
	}
}
