package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp/fasthttputil"

	"tidemark/query"
	"tidemark/storage/model"
)

// now is the clock of every test server: 2023-11-14T22:13:20Z.
const nowSeconds = 1_700_000_000

var testNow = time.Unix(nowSeconds, 0)

// fakeSink keeps what is written, as line protocol of its own kind: one text
// per row.
type fakeSink struct {
	mu      sync.Mutex
	rows    []string
	keys    map[string]bool
	err     error
	minTime int64
	// hook, where set, runs within Append.
	hook func(context.Context)
}

func (f *fakeSink) MinTime() int64 {
	if f.minTime == 0 {
		return math.MinInt64
	}
	return f.minTime
}

func (f *fakeSink) Append(ctx context.Context, b *model.Batch) (model.AppendResult, error) {
	if f.hook != nil {
		f.hook(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return model.AppendResult{}, f.err
	}
	if b.RequestKey != "" {
		if f.keys[b.RequestKey] {
			return model.AppendResult{Duplicate: true}, nil
		}
		if f.keys == nil {
			f.keys = map[string]bool{}
		}
		f.keys[b.RequestKey] = true
	}
	rows := b.Rows()
	for i := range rows {
		r := &rows[i]
		text := r.Stream.Labels.String()
		for j, w := range b.Words(r) {
			c := r.Schema.Columns[j]
			v := model.Value{Type: c.Type, Bits: w}
			if c.Type == model.TypeText {
				v = model.Text(string(b.TextOf(w)))
			}
			name := c.Name
			if name == "" {
				name = c.Field
			}
			text += fmt.Sprintf(" %s=%s(%s)", name, v.Type, v)
		}
		f.rows = append(f.rows, fmt.Sprintf("%s @%d", text, r.Time))
	}
	return model.AppendResult{Position: uint64(len(f.rows))}, nil
}

// reset forgets what was written and makes later writes fail with err.
func (f *fakeSink) reset(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows, f.keys, f.err = nil, nil, err
}

func (f *fakeSink) all() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.rows...)
}

// fakeEngine answers with what a test gives it and remembers what was asked.
type fakeEngine struct {
	mu    sync.Mutex
	asked []query.Request
	metas []query.MetaRequest
	names []string

	query func(context.Context, query.Request) (*query.Result, error)
	list  []string
	sets  []model.Labels
	err   error
}

func (f *fakeEngine) Query(ctx context.Context, req query.Request) (*query.Result, error) {
	f.mu.Lock()
	f.asked = append(f.asked, req)
	f.mu.Unlock()
	return f.query(ctx, req)
}

func (f *fakeEngine) meta(name string, req query.MetaRequest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.metas = append(f.metas, req)
	f.names = append(f.names, name)
}

func (f *fakeEngine) LabelNames(_ context.Context, req query.MetaRequest) ([]string, error) {
	f.meta("", req)
	return f.list, f.err
}

func (f *fakeEngine) LabelValues(_ context.Context, name string, req query.MetaRequest) ([]string, error) {
	f.meta(name, req)
	return f.list, f.err
}

func (f *fakeEngine) LabelSets(_ context.Context, req query.MetaRequest) ([]model.Labels, error) {
	f.meta("", req)
	return f.sets, f.err
}

// harness is a running server and a client for it.
type harness struct {
	t      testing.TB
	srv    *Server
	client *http.Client
	sink   *fakeSink
	engine *fakeEngine
	done   chan error
	log    *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// start runs a server over memory with fakes behind it, unless opts brings
// its own.
func start(t testing.TB, opts Options) *harness {
	t.Helper()
	h := &harness{t: t, sink: &fakeSink{}, engine: &fakeEngine{}, done: make(chan error, 1), log: &syncBuffer{}}
	h.engine.query = func(context.Context, query.Request) (*query.Result, error) {
		return &query.Result{Kind: query.KindVector}, nil
	}
	if opts.Sink == nil {
		opts.Sink = h.sink
	}
	if opts.Engine == nil {
		opts.Engine = h.engine
	}
	if opts.Now == nil {
		opts.Now = func() time.Time { return testNow }
	}
	opts.Logger = slog.New(slog.NewTextHandler(h.log, nil))
	srv, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	h.srv = srv
	ln := fasthttputil.NewInmemoryListener()
	go func() { h.done <- srv.Serve(ln) }()
	h.client = &http.Client{Transport: &http.Transport{
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return ln.Dial() },
		DisableCompression: true,
	}}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		h.client.CloseIdleConnections()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-h.done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return h
}

// reply is an answer, read whole.
type reply struct {
	status int
	header http.Header
	body   string
}

// do sends a request; headers are alternating names and values.
func (h *harness) do(method, target, body string, headers ...string) reply {
	h.t.Helper()
	req, err := http.NewRequest(method, "http://tidemark"+target, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := h.client.Do(req)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, target, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatalf("%s %s: body: %v", method, target, err)
	}
	return reply{resp.StatusCode, resp.Header, string(b)}
}

func (h *harness) get(target string, headers ...string) reply {
	h.t.Helper()
	return h.do("GET", target, "", headers...)
}

// form posts parameters as a form.
func (h *harness) form(target string, v url.Values) reply {
	h.t.Helper()
	return h.do("POST", target, v.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

// want checks status and body.
func (r reply) want(t testing.TB, status int, body string) {
	t.Helper()
	if r.status != status {
		t.Errorf("status is %d, want %d; body %s", r.status, status, r.body)
	}
	if got := strings.TrimSuffix(r.body, "\n"); got != body {
		t.Errorf("body is\n  %s\nwant\n  %s", got, body)
	}
}

func zipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, s)
	z.Close()
	return b.String()
}

func unzipped(t testing.TB, s string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
