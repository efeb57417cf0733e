package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/valyala/fasthttp/fasthttputil"
	"go.uber.org/goleak"

	"tidemark/query"
	"tidemark/storage/model"
)

func TestPanicIsAnswered(t *testing.T) {
	h := start(t, Options{})
	h.engine.query = func(context.Context, query.Request) (*query.Result, error) { panic("boom") }
	h.get("/api/v1/query?query=up").want(t, 500, `{"status":"error","errorType":"internal","error":"internal error; the server's log has the details"}`)
	h.sink.hook = func(context.Context) { panic("bang") }
	if r := h.do("POST", "/write", "m v=1 1"); r.status != 500 || decodeWriteError(t, r).Code != "internal error" {
		t.Errorf("write gives %d %s", r.status, r.body)
	}
	h.sink.hook = nil
	if r := h.do("POST", "/write", "m v=1 1"); r.status != 204 {
		t.Errorf("the write after a panic gives %d %s", r.status, r.body)
	}
	if body := h.get("/metrics").body; !strings.Contains(body, "\ntidemark_http_panics_total 2") || !strings.Contains(body, `tidemark_http_requests_total{code="500",route="/write"} 1`) {
		t.Error("panics are not counted")
	}
	if log := h.log.String(); !strings.Contains(log, "boom") || !strings.Contains(log, "lifecycle_test.go") {
		t.Errorf("the log lacks the panic or its place: %s", log)
	}
}

// bigResult is larger than what is encoded in one piece.
func bigResult(series, points int) query.Result {
	r := query.Result{Kind: query.KindMatrix}
	for i := range series {
		s := query.Series{Labels: model.FromStrings("__name__", "big", "i", fmt.Sprint(i))}
		for j := range points {
			s.Points = append(s.Points, query.Point{T: int64(j) * 1000, V: float64(i) + float64(j)/7})
		}
		r.Series = append(r.Series, s)
	}
	return r
}

func unzstd(s string) (string, error) {
	z, err := zstd.NewReader(strings.NewReader(s))
	if err != nil {
		return "", err
	}
	defer z.Close()
	b, err := io.ReadAll(z)
	return string(b), err
}

// TestHugeAnswerNeedsLittleMemory sends an answer of a hundred megabytes and
// counts everything that is allocated meanwhile, by server and client: a
// thirtieth of it, in pieces that come and go.
func TestHugeAnswerNeedsLittleMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops what pools hold, which is what is counted here")
	}
	h := start(t, Options{})
	res := bigResult(500, 9000)
	h.engine.query = answering(res)
	for _, coding := range []string{"", "gzip", "zstd"} {
		req, err := http.NewRequest("GET", "http://server/api/v1/query_range?query=up&start=0&end=8000&step=1", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", coding)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		resp, err := h.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		runtime.ReadMemStats(&after)
		if err != nil || resp.StatusCode != 200 || coding == "" && n < 100<<20 {
			t.Fatalf("%q: %d, %d bytes, %v: want a hundred megabytes", coding, resp.StatusCode, n, err)
		}
		allocated := after.TotalAlloc - before.TotalAlloc
		if allocated > 16<<20 {
			t.Errorf("%q: %d bytes were allocated for an answer of %d on the wire: want at most 16 MiB", coding, allocated, n)
		}
		t.Logf("%q: %d bytes on the wire, %d allocated", coding, n, allocated)
	}
}

func TestLargeAnswers(t *testing.T) {
	h := start(t, Options{})
	for _, size := range []struct{ series, points int }{{1, 1}, {10, 100}, {40, 1000}} {
		res := bigResult(size.series, size.points)
		h.engine.query = answering(res)
		plain := h.get("/api/v1/query_range?query=up&start=0&end=5000&step=1")
		zip := h.get("/api/v1/query_range?query=up&start=0&end=5000&step=1", "Accept-Encoding", "gzip")
		streamed := estimate(&res) >= streamFrom
		if got := plain.header.Get("Content-Length") == ""; got != streamed {
			t.Errorf("%v: streamed is %v, want %v", size, got, streamed)
		}
		if got := zip.header.Get("Content-Encoding") == "gzip"; got != (len(plain.body) >= minZip) {
			t.Errorf("%v: %d bytes, compressed is %v", size, len(plain.body), got)
		} else if got && unzipped(t, zip.body) != plain.body {
			t.Errorf("%v: the compressed answer differs", size)
		}
		both := h.get("/api/v1/query_range?query=up&start=0&end=5000&step=1", "Accept-Encoding", "gzip, deflate, zstd")
		if got := both.header.Get("Content-Encoding"); (got == "zstd") != (len(plain.body) >= minZip) {
			t.Errorf("%v: %d bytes, coding of who accepts zstd is %q", size, len(plain.body), got)
		} else if got == "zstd" {
			text, err := unzstd(both.body)
			if err != nil || text != plain.body {
				t.Errorf("%v: the answer in zstd differs: %v", size, err)
			}
		}
		var got struct {
			Data struct{ Result []struct{ Values [][2]any } }
		}
		if err := json.Unmarshal([]byte(plain.body), &got); err != nil {
			t.Fatalf("%v: %v", size, err)
		}
		if n := len(got.Data.Result); n != size.series || len(got.Data.Result[n-1].Values) != size.points {
			t.Errorf("%v: %d series came", size, n)
		}
		if r := h.do("HEAD", "/api/v1/query_range?query=up&start=0&end=5000&step=1", ""); r.status != 200 || r.body != "" {
			t.Errorf("%v: HEAD gives %d and %d bytes", size, r.status, len(r.body))
		}
	}
	// Log rows, label values and label sets are streamed alike.
	rows := query.Result{Kind: query.KindStreams, Streams: []query.Stream{{}}}
	for i := range 20_000 {
		rows.Streams[0].Entries = append(rows.Streams[0].Entries, query.Entry{T: int64(i), Line: strings.Repeat("x", 60)})
		h.engine.list = append(h.engine.list, fmt.Sprint("a long enough value of a label, so that there is much to write ", i))
		h.engine.sets = append(h.engine.sets, model.FromStrings("a", fmt.Sprint(i), "b", "c", "d", "e"))
	}
	h.engine.query = answering(rows)
	for _, target := range []string{"/loki/api/v1/query_range?query=x", "/tidemark/api/v1/query_range?query=x", "/api/v1/labels", "/api/v1/series?match[]=x"} {
		r := h.get(target)
		if r.header.Get("Content-Length") != "" {
			t.Errorf("%s: %d bytes were not streamed", target, len(r.body))
		}
		if !json.Valid([]byte(r.body)) {
			t.Errorf("%s: not JSON", target)
		}
	}
}

// smallBuffers keeps the system from taking a whole answer at once.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		c.(*net.TCPConn).SetWriteBuffer(64 << 10)
	}
	return c, err
}

// TestSlowReaderIsServed: the write timeout bounds a piece of an answer, not
// the whole of it.
func TestSlowReaderIsServed(t *testing.T) {
	h := start(t, Options{WriteTimeout: time.Second})
	res := bigResult(60, 1000)
	h.engine.query = answering(res)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback to listen on: ", err)
	}
	go h.srv.Serve(smallBuffers{ln})
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.(*net.TCPConn).SetReadBuffer(64 << 10)
	fmt.Fprint(conn, "GET /api/v1/query_range?query=up&start=0&end=5000&step=1 HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	began, n, buf := time.Now(), 0, make([]byte, 128<<10)
	for {
		m, err := io.ReadFull(resp.Body, buf)
		if n += m; err == io.EOF || err == io.ErrUnexpectedEOF && m > 0 && buf[m-1] == '\n' {
			break
		}
		if err != nil {
			t.Fatalf("after %d bytes and %s: %v", n, time.Since(began), err)
		}
		time.Sleep(150 * time.Millisecond)
	}
	if n < streamFrom || time.Since(began) < time.Second {
		t.Fatalf("%d bytes in %s do not show anything", n, time.Since(began))
	}
}

// TestClientLeavesDuringAnswer: encoding stops, and nothing is left behind.
func TestClientLeavesDuringAnswer(t *testing.T) {
	h := start(t, Options{})
	h.engine.query = answering(bigResult(200, 5000))
	req, _ := http.NewRequest("GET", "http://tidemark/api/v1/query_range?query=up&start=0&end=5000&step=1", nil)
	resp, err := h.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	io.ReadFull(resp.Body, make([]byte, 1000))
	resp.Body.Close()
	h.client.CloseIdleConnections()
	if r := h.get("/-/healthy"); r.status != 200 {
		t.Errorf("afterwards the server answers %d", r.status)
	}
}

// TestShutdownDrains: requests in flight are answered, later ones are not
// taken, and nothing is left running.
func TestShutdownDrains(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	sink, engine := &fakeSink{}, &fakeEngine{}
	started, release := make(chan struct{}, 8), make(chan struct{})
	sink.hook = func(context.Context) { started <- struct{}{}; <-release }
	engine.query = func(ctx context.Context, _ query.Request) (*query.Result, error) {
		started <- struct{}{}
		<-release
		return &query.Result{Kind: query.KindVector}, ctx.Err()
	}
	srv, err := New(Options{Sink: sink, Engine: engine})
	if err != nil {
		t.Fatal(err)
	}
	ln := fasthttputil.NewInmemoryListener()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return ln.Dial() }}}

	var wg sync.WaitGroup
	codes := make(chan int, 8)
	for i := range 8 {
		wg.Go(func() {
			var resp *http.Response
			var err error
			if i%2 == 0 {
				resp, err = client.Post("http://tidemark/write", "", strings.NewReader("m v=1 1"))
			} else {
				resp, err = client.Get("http://tidemark/api/v1/query?query=up")
			}
			if err != nil {
				codes <- -1
				return
			}
			resp.Body.Close()
			codes <- resp.StatusCode
		})
	}
	for range 8 {
		<-started
	}
	stopped := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		stopped <- srv.Shutdown(ctx)
	}()
	for !srv.stopping.Load() {
		time.Sleep(time.Millisecond)
	}
	select {
	case err := <-stopped:
		t.Fatalf("shutdown returned %v with requests in flight", err)
	case <-time.After(150 * time.Millisecond):
	}
	close(release)
	if err := <-stopped; err != nil {
		t.Errorf("shutdown: %v", err)
	}
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
	wg.Wait()
	for range 8 {
		if c := <-codes; c != 200 && c != 204 {
			t.Errorf("a request in flight was answered %d", c)
		}
	}
	if n := len(sink.all()); n != 4 {
		t.Errorf("%d rows written, want 4", n)
	}
	client.CloseIdleConnections()
	// fasthttp's own: a clock, and a sweeper that notices its end when it wakes.
	goleak.VerifyNone(t, ignore, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"), goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"), goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.init.0.func1"))
}

// TestShutdownCancels: a query that will not end is cancelled when the time
// for draining is over, and answered.
func TestShutdownCancels(t *testing.T) {
	engine := &fakeEngine{}
	started := make(chan struct{})
	engine.query = func(ctx context.Context, _ query.Request) (*query.Result, error) {
		close(started)
		<-ctx.Done()
		return nil, fmt.Errorf("%w in execution", query.ErrCanceled)
	}
	srv, err := New(Options{Sink: &fakeSink{}, Engine: engine})
	if err != nil {
		t.Fatal(err)
	}
	ln := fasthttputil.NewInmemoryListener()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	conn, err := ln.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /api/v1/query?query=up HTTP/1.1\r\nHost: x\r\n\r\n")
	<-started
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v, want nil because the cancelled query ended", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 503 || !strings.Contains(string(body), `"errorType":"canceled"`) || !resp.Close {
		t.Errorf("answer is %d %s", resp.StatusCode, body)
	}
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
	if err := srv.Serve(fasthttputil.NewInmemoryListener()); err != nil {
		t.Errorf("serve after shutdown: %v", err)
	}
}

// TestShutdownGivesUp names what it could not wait for.
func TestShutdownGivesUp(t *testing.T) {
	engine := &fakeEngine{}
	started, release := make(chan struct{}), make(chan struct{})
	engine.query = func(context.Context, query.Request) (*query.Result, error) {
		close(started)
		<-release
		return &query.Result{}, nil
	}
	srv, err := New(Options{Sink: &fakeSink{}, Engine: engine})
	if err != nil {
		t.Fatal(err)
	}
	ln := fasthttputil.NewInmemoryListener()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	conn, err := ln.Dial()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "GET /api/v1/query?query=up HTTP/1.1\r\nHost: x\r\n\r\n")
	<-started
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	srv.grace = 100 * time.Millisecond
	err = srv.Shutdown(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "requests are still running") {
		t.Errorf("shutdown: %v", err)
	}
	close(release)
	conn.Close()
	<-served
}

// TestHostileRequests sends what no client should; nothing may be a 5xx or
// end the server.
func TestHostileRequests(t *testing.T) {
	h := start(t, Options{ReadTimeout: time.Second, Admin: &fakeAdmin{}})
	ln := fasthttputil.NewInmemoryListener()
	go h.srv.Serve(ln)
	raw := func(request string) int {
		t.Helper()
		conn, err := ln.Dial()
		if err != nil {
			t.Error(err)
			return 0
		}
		defer conn.Close()
		go io.WriteString(conn, request)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return 0 // the connection was closed, which is an answer too
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		if len(body) > 0 && resp.StatusCode >= 400 && !json.Valid(body) {
			t.Errorf("%.60q: the error %q is not JSON", request, body)
		}
		return resp.StatusCode
	}
	var wg sync.WaitGroup
	for request, want := range map[string]int{
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 100_000) + "\r\n\r\n":             431,
		"GET /api/v1/query?query=" + strings.Repeat("x", 100_000) + " HTTP/1.1\r\nHost: x\r\n\r\n": 431,
		"POST /write HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n":          400,
		"POST /write HTTP/1.1\r\nHost: x\r\nContent-Length: 67108865\r\n\r\n":                      413,
		"POST /write HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nm v=1":                       408,
		"POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n":                413,
		"POST /write HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n":              400,
		"BREW /write HTTP/1.1\r\nHost: x\r\n\r\n":                                                  405,
		"GET /api/v1/label/%00/values HTTP/1.1\r\nHost: x\r\n\r\n":                                 200,
		"GET /../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n":                                     404,
		"\r\n\r\n\x00\x01\x02":       -1,
		"GET":                        -1,
		strings.Repeat("A", 200_000): -1,
	} {
		wg.Go(func() {
			if got := raw(request); got >= 500 || want >= 0 && got != want {
				t.Errorf("%.80q gives %d, want %d", request, got, want)
			}
		})
	}
	wg.Wait()
	// Every parameter of every path, with values that parse as nothing.
	values := []string{"%00", "%ff%fe", "-1", "1e999", "NaN", "-9223372036854775808", "9223372036854775807", "99999999999999999999999", "0x10", "1y", "9223372036854775807ms", "{", "%F0%9F%92%A9", strings.Repeat("9", 5000)}
	names := []string{"query", "time", "start", "end", "step", "since", "limit", "timeout", "lookback_delta", "direction", "interval", "match[]", "match", "q", "db", "precision", "stats"}
	for _, rt := range routeTable() {
		for _, v := range values {
			for _, method := range []string{"GET", "POST"} {
				target := strings.Replace(rt.path, "{name}", "x", 1) + "?"
				for _, n := range names {
					target += n + "=" + v + "&"
				}
				if len(target) > 60_000 {
					continue
				}
				if r := h.do(method, target, ""); r.status >= 500 {
					t.Errorf("%s %.100s gives %d %s", method, target, r.status, r.body)
				}
			}
			for _, n := range names {
				if r := h.get(strings.Replace(rt.path, "{name}", "x", 1) + "?query=x&q=SHOW+DATABASES&start=1&end=2&step=1&match[]=x&" + n + "=" + v); r.status >= 500 {
					t.Errorf("%s with %s=%s gives %d %s", rt.path, n, v, r.status, r.body)
				}
			}
		}
	}
}
