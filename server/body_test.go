package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// dialer serves h on loopback too, where a client can close one half of a
// connection, and returns what connects to it.
func dialer(t *testing.T, h *harness) func() *net.TCPConn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback to listen on: ", err)
	}
	go h.srv.Serve(ln)
	return func() *net.TCPConn {
		t.Helper()
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		return conn.(*net.TCPConn)
	}
}

// answerOf reads one answer.
func answerOf(t *testing.T, r *bufio.Reader) (*http.Response, string) {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// idle waits until no body holds memory.
func (h *harness) idle() {
	h.t.Helper()
	for range 500 {
		if h.srv.bodies.used.Load() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.t.Errorf("bodies of no request hold %d bytes", h.srv.bodies.used.Load())
}

// TestAnnouncedBodiesNeedNoMemory has clients announce the largest body and
// send a little more than what is read ahead.
func TestAnnouncedBodiesNeedNoMemory(t *testing.T) {
	h := start(t, Options{})
	dial := dialer(t, h)
	const clients, sent = 50, 9 << 10
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for _, header := range []string{"Content-Length: 67108864", "Expect: 100-continue\r\nContent-Length: 67108864", "Transfer-Encoding: chunked"} {
		for range clients {
			conn := dial()
			fmt.Fprintf(conn, "POST /write HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", header)
			if strings.HasPrefix(header, "Transfer") {
				fmt.Fprint(conn, "4000000\r\n") // one chunk of 64 MiB
			}
			conn.Write(make([]byte, sent))
		}
	}
	const all = 3 * clients
	for range 500 {
		if h.srv.bodies.used.Load() >= all*int64(bodySizes[0]) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if used := h.srv.bodies.used.Load(); used != all*int64(bodySizes[0]) {
		t.Errorf("%d bodies of %d bytes so far hold %d, want the smallest buffer each", all, sent, used)
	}
	// A connection has buffers of 64 KiB and 16 KiB, and the client's and
	// the test's own. One body of 64 MiB would exceed this.
	if grown := int64(heap()) - int64(before); grown > all*256<<10 {
		t.Errorf("the heap has grown by %d bytes, want at most %d", grown, all*256<<10)
	}
}

// TestCutBodyIsNotStored has clients go away within a body, at every place.
func TestCutBodyIsNotStored(t *testing.T) {
	h := start(t, Options{})
	dial := dialer(t, h)
	line := "m v=1 1\nm v=2 2\n"
	filler := strings.Repeat("# nothing\n", 2000) // beyond what is read ahead
	chunk := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }
	chunks := chunk(line) + chunk(line) + "0\r\n\r\n"
	type request struct {
		header, body string
		from         int
	}
	fixed := func(body string) string { return fmt.Sprintf("Content-Length: %d", len(body)) }
	for _, r := range []request{
		{fixed(line), line, 0},
		{fixed(filler + line), filler + line, len(filler) - 2},
		{"Transfer-Encoding: chunked", chunks, 0},
		{"Transfer-Encoding: chunked", chunk(filler) + chunks, len(chunk(filler)) - 2},
	} {
		for cut := r.from; cut < len(r.body); cut++ {
			conn := dial()
			fmt.Fprintf(conn, "POST /write HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n%s", r.header, r.body[:cut])
			conn.CloseWrite()
			resp, body := answerOf(t, bufio.NewReader(conn))
			conn.Close()
			if resp.StatusCode != 400 || !resp.Close || !strings.Contains(body, "cannot read the request: ") {
				t.Errorf("%s cut to %d of %d bytes gives %d %s", r.header, cut, len(r.body), resp.StatusCode, body)
			}
			if rows := h.sink.all(); len(rows) > 0 {
				t.Fatalf("%s cut to %d of %d bytes is stored: %q", r.header, cut, len(r.body), rows)
			}
		}
		// Whole, it is stored, though the client sends no more.
		conn := dial()
		fmt.Fprintf(conn, "POST /write HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n%s", r.header, r.body)
		conn.CloseWrite()
		if resp, body := answerOf(t, bufio.NewReader(conn)); resp.StatusCode != 204 || len(h.sink.all()) == 0 {
			t.Errorf("%s whole gives %d %s", r.header, resp.StatusCode, body)
		}
		h.sink.reset(nil)
	}
	h.idle()
}

// TestBodiesOfAllSizes sends bodies around every size of buffer, with their
// length and in chunks, and finds each stored as it was sent.
func TestBodiesOfAllSizes(t *testing.T) {
	h := start(t, Options{MaxBody: 6 << 20})
	for _, size := range []int{100, 8 << 10, 8<<10 + 1, bodySizes[0], bodySizes[1], bodySizes[2], bodySizes[3], 5 << 20, 6 << 20} {
		for _, n := range []int{size - 1, size, size + 1} {
			body := strings.Repeat("# filling line\n", n/15)
			end := "m v=1 1\n"
			body = body[:len(body)-len(body)%15]
			for len(body)+len(end) > n {
				body = body[:len(body)-15]
			}
			body += strings.Repeat("\n", n-len(body)-len(end)) + end
			for _, chunked := range []bool{false, true} {
				var r io.Reader = strings.NewReader(body)
				if chunked {
					r = io.MultiReader(r)
				}
				resp, err := h.client.Post("http://tidemark/write", "", r)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				want, rows := 204, []string{"{} m_v=float(1) @1"}
				if n > 6<<20 {
					want, rows = 413, nil
				}
				if got := h.sink.all(); resp.StatusCode != want || !slices.Equal(got, rows) {
					t.Errorf("%d bytes, chunked %v: %d, stored %q, want %d", n, chunked, resp.StatusCode, got, want)
				}
				h.sink.reset(nil)
			}
		}
	}
	h.idle()
}

// TestRefusedBodiesLeaveNothing: what follows a refused request on its
// connection is the next request, never the rest of the refused one's body.
func TestRefusedBodiesLeaveNothing(t *testing.T) {
	h := start(t, Options{MaxBody: 1 << 20, MaxForm: 100 << 10, Token: "secret"})
	dial := dialer(t, h)
	const smuggled = "POST /write?p=secret HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\nm v=1 1"
	small := strings.Repeat(smuggled, 200) // more than is read ahead
	large := strings.Repeat(smuggled, 3000)
	huge := strings.Repeat(smuggled, 30_000)
	for _, tc := range []struct {
		start, body string
		status      int
		reused      bool
	}{
		{"GET /-/healthy", small, 200, true},
		{"GET /-/healthy", large, 413, false},
		{"POST /nowhere", small, 404, true},
		{"POST /nowhere", large, 413, false},
		{"DELETE /write?p=secret", small, 405, true},
		{"POST /write", small, 401, true},
		{"POST /write", large, 401, false},
		{"POST /write?p=secret", huge, 413, false},
		{"POST /write?p=secret&precision=x", small, 400, true},
		{"POST /write?p=secret&precision=x", large, 400, true},
	} {
		for _, chunked := range []bool{false, true} {
			conn := dial()
			r := bufio.NewReader(conn)
			header, body, status := fmt.Sprintf("Content-Length: %d", len(tc.body)), tc.body, tc.status
			if chunked {
				header = "Transfer-Encoding: chunked"
				body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
				if tc.start == "POST /nowhere" {
					status = 404 // its size is not known in advance
				}
			}
			go fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n%sGET /health HTTP/1.1\r\nHost: x\r\n\r\n", tc.start, header, body)
			resp, text := answerOf(t, r)
			if resp.StatusCode != status || resp.Close == tc.reused {
				t.Errorf("%s, %s: %d %s, closed %v", tc.start, header, resp.StatusCode, text, resp.Close)
			}
			if tc.reused {
				if resp, text = answerOf(t, r); resp.StatusCode != 200 || !strings.Contains(text, `"pass"`) {
					t.Errorf("%s, %s: the next request gives %d %s", tc.start, header, resp.StatusCode, text)
				}
			} else if rest, err := io.ReadAll(r); len(rest) > 0 {
				t.Errorf("%s, %s: more comes after the answer: %q, %v", tc.start, header, rest, err)
			}
			conn.Close()
		}
	}
	if rows := h.sink.all(); len(rows) > 0 {
		t.Errorf("bodies were taken for requests: %q", rows)
	}
	h.idle()
}

func TestExpectOfTooMuch(t *testing.T) {
	h := start(t, Options{MaxBody: 1 << 20})
	conn := dialer(t, h)()
	fmt.Fprintf(conn, "POST /write HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", 1<<20+1)
	if resp, body := answerOf(t, bufio.NewReader(conn)); resp.StatusCode != 413 || !resp.Close || !strings.Contains(body, `"code":"request too large"`) {
		t.Errorf("answer is %d %s, want 413 and no 100 before it", resp.StatusCode, body)
	}
	conn = dialer(t, h)()
	r := bufio.NewReader(conn)
	fmt.Fprint(conn, "POST /write HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n")
	if resp, _ := answerOf(t, r); resp.StatusCode != 100 {
		t.Errorf("answer is %d, want 100", resp.StatusCode)
	}
	fmt.Fprint(conn, "m v=1 1")
	if resp, body := answerOf(t, r); resp.StatusCode != 204 || len(h.sink.all()) != 1 {
		t.Errorf("answer is %d %s", resp.StatusCode, body)
	}
}

// TestFormIsRead asks with a form, in chunks and beyond what is read ahead.
func TestFormIsRead(t *testing.T) {
	h := start(t, Options{})
	for _, chunked := range []bool{false, true} {
		var body io.Reader = strings.NewReader("pad=" + strings.Repeat("x", 200_000) + "&query=up&time=5")
		if chunked {
			body = io.MultiReader(body)
		}
		resp, err := h.client.Post("http://tidemark/api/v1/query", "application/x-www-form-urlencoded", body)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		h.engine.mu.Lock()
		asked := h.engine.asked
		h.engine.asked = nil
		h.engine.mu.Unlock()
		if resp.StatusCode != 200 || len(asked) != 1 || asked[0].Text != "up" {
			t.Errorf("chunked %v: %d, asked %+v", chunked, resp.StatusCode, asked)
		}
	}
	h.idle()
}

// TestBodyMemoryIsBounded lets one client hold most of the memory: others are
// told to come again, until it is done.
func TestBodyMemoryIsBounded(t *testing.T) {
	const most = 5 << 20
	h := start(t, Options{MaxBody: 2 << 20, MaxBodyMemory: most})
	within, release := make(chan struct{}, 8), make(chan struct{})
	h.sink.hook = func(context.Context) { within <- struct{}{}; <-release }
	body := strings.Repeat("# nothing\n", 150_000) + "m v=1 1\n"
	first := make(chan reply, 1)
	go func() { first <- h.do("POST", "/write", body) }()
	<-within
	if used := h.srv.bodies.used.Load(); used < int64(len(body)) || used > most {
		t.Errorf("a body of %d bytes holds %d", len(body), used)
	}
	for name, r := range map[string]reply{
		"plain":  h.do("POST", "/write", body),
		"zipped": h.do("POST", "/api/v2/write", zipped(body), "Content-Encoding", "gzip"),
	} {
		e := decodeWriteError(t, r)
		if r.status != 503 || r.header.Get("Retry-After") == "" || e.Code != "unavailable" || !strings.Contains(e.Error, errBodyMemory.Error()) {
			t.Errorf("%s: a body beyond the memory gives %d %+v", name, r.status, e)
		}
	}
	metrics := h.get("/metrics").body
	if !strings.Contains(metrics, "\ntidemark_http_bodies_refused_total 2\n") || !strings.Contains(metrics, "\ntidemark_http_body_memory_bytes ") {
		t.Error("refused bodies are not counted")
	}
	close(release)
	if r := <-first; r.status != 204 {
		t.Errorf("the first gives %d %s", r.status, r.body)
	}
	h.idle()
	if r := h.do("POST", "/write", zipped(body), "Content-Encoding", "gzip"); r.status != 204 {
		t.Errorf("afterwards a body gives %d %s", r.status, r.body)
	}
	h.idle()

	if _, err := New(Options{Sink: h.sink, Engine: h.engine, MaxBody: 2 << 20, MaxBodyMemory: 3 << 20}); err == nil || !strings.Contains(err.Error(), "MaxBodyMemory is 3145728") {
		t.Errorf("memory for less than one body: %v", err)
	}
	var refused *apiError
	if err := (&bodyMemory{refused: h.srv.metrics.bodiesRefused}).take(1); !errors.As(err, &refused) || !errors.Is(err, errBodyMemory) {
		t.Errorf("error is %v", err)
	}
}
