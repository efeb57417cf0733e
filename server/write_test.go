package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/ingest"
	"tidemark/ingest/lineprotocol"
	"tidemark/storage"
	"tidemark/storage/model"
)

// TestWriteTable has a case for each row of what real servers and their
// clients make of line protocol.
func TestWriteTable(t *testing.T) {
	const ns = "1700000000000000000"
	cases := []struct {
		name, query, body string
		rows              []string // what is written, none where it is refused
		status            int
		reason            string // part of the first refusal
	}{
		{name: "one float", body: "cpu,host=a usage=0.5 " + ns, rows: []string{`{host="a"} cpu_usage=float(0.5) @` + ns}},
		{name: "field value adds no suffix", body: "mem,host=a value=7 " + ns, rows: []string{`{host="a"} mem=float(7) @` + ns}},
		{name: "all types of fields, int64 exactly", body: `m,h=a f=-1.5e3,i=9223372036854775807i,b=true,c=F ` + ns,
			rows: []string{`{h="a"} m_f=float(-1500) m_i=int(9223372036854775807) m_b=bool(true) m_c=bool(false) @` + ns}},
		{name: "escapes", body: `my\ m\,x,ta\=g\ 1=v\,a\ l value=1 ` + ns, rows: []string{`{ta=g 1="v,a l"} my m,x=float(1) @` + ns}},
		{name: "comments, blanks and CRLF", body: "# no\r\n\r\n  # nor this\r\nm v=1 " + ns + "\r\n", rows: []string{`{} m_v=float(1) @` + ns}},
		{name: "empty body", body: ""},
		{name: "only comments", body: "# nothing\n"},
		{name: "missing time is now", body: "m v=1", rows: []string{`{} m_v=float(1) @` + ns}},
		{name: "now is truncated to the precision", query: "precision=h", body: "m v=1", rows: []string{`{} m_v=float(1) @1699999200000000000`}},
		{name: "text is a log row", body: `nginx,host=a msg="GET \"/\" 200",ms=4 ` + ns, rows: []string{`{host="a", measurement="nginx"} _line=text(GET "/" 200) nginx_ms=float(4) @` + ns}},
		{name: "negative time", body: "m v=1 -5", rows: []string{`{} m_v=float(1) @-5`}},
		{name: "db is a label", query: "db=tele&rp=autogen&consistency=one", body: "m v=1 1", rows: []string{`{db="tele"} m_v=float(1) @1`}},

		{name: "integer beyond int64", body: "m v=9223372036854775808i", status: 400, reason: "9223372036854775808i"},
		{name: "integer with a point", body: "m v=1.0i", status: 400, reason: "1.0i"},
		{name: "no field", body: "m,host=a " + ns, status: 400},
		{name: "no value", body: "m v= 1", status: 400},
		{name: "NaN", body: "m v=NaN", status: 400, reason: "NaN"},
		{name: "infinity", body: "m v=Inf", status: 400},
		{name: "empty measurement", body: ",host=a v=1", status: 400},
		{name: "duplicate tag", body: "m,a=1,a=2 v=1", status: 400, reason: "a"},
		{name: "empty tag value", body: "m,a= v=1", status: 400},
		{name: "text after the time", body: "m v=1 1 x", status: 400},
		{name: "time out of range", query: "precision=s", body: "m v=1 99999999999999", status: 400},
		{name: "unclosed quote", body: `m v="x`, status: 400},
	}
	precisions := map[string]string{"": "5", "n": "5", "ns": "5", "u": "5000", "us": "5000", "%C2%B5": "5000", "ms": "5000000", "s": "5000000000", "m": "300000000000", "h": "18000000000000"}
	for p, want := range precisions {
		cases = append(cases, struct {
			name, query, body string
			rows              []string
			status            int
			reason            string
		}{name: "precision " + p, query: "precision=" + p, body: "m v=1 5", rows: []string{"{} m_v=float(1) @" + want}})
	}
	h := start(t, Options{})
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			h.sink.reset(nil)
			r := h.do("POST", "/write?"+tc.query, tc.body)
			if tc.status == 0 {
				tc.status = 204
			}
			if r.status != tc.status || r.status == 204 && r.body != "" {
				t.Fatalf("answer is %d %q, want %d", r.status, r.body, tc.status)
			}
			if got := h.sink.all(); !slices.Equal(got, tc.rows) {
				t.Errorf("written\n  %q\nwant\n  %q", got, tc.rows)
			}
			if tc.status == 204 {
				return
			}
			e := decodeWriteError(t, r)
			if len(e.Data) != 1 || e.Data[0].Line != 1 || e.Data[0].Column < 1 || e.Data[0].Text != tc.body || e.Data[0].Reason == "" || !strings.Contains(e.Data[0].Reason, tc.reason) {
				t.Errorf("refusal is %+v", e.Data)
			}
			if !strings.HasPrefix(e.Error, "unable to parse: 1 of 1 lines rejected (line 1, column ") || !strings.HasSuffix(e.Error, " dropped=1") {
				t.Errorf("error is %q", e.Error)
			}
		})
	}
}

type refusal struct {
	Error, Code, Message string
	Data                 []struct {
		Line   int    `json:"line_number"`
		Column int    `json:"column"`
		Text   string `json:"original_line"`
		Reason string `json:"error_message"`
	}
}

func decodeWriteError(t *testing.T, r reply) (e refusal) {
	t.Helper()
	if ct := r.header.Get("Content-Type"); ct != "application/json" {
		t.Errorf("Content-Type is %q: clients retry what they cannot parse", ct)
	}
	if err := json.Unmarshal([]byte(r.body), &e); err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
	if e.Message != e.Error || e.Code == "" {
		t.Errorf("message %q and code %q do not go with error %q", e.Message, e.Code, e.Error)
	}
	if got := r.header.Get("X-Influxdb-Error"); got == "" || !strings.HasPrefix(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, e.Error), got[:min(len(got), 40)]) {
		t.Errorf("X-InfluxDB-Error is %q, error %q", got, e.Error)
	}
	return e
}

func TestPartialWrite(t *testing.T) {
	const body = "ok v=1 1\nbad\nok v=2 2\nbad,\xff v=\x01 3\n"
	h := start(t, Options{})
	for _, path := range []string{"/write?db=d", "/api/v2/write?bucket=d&org=o"} {
		h.sink.reset(nil)
		r := h.do("POST", path, body)
		if r.status != 400 {
			t.Fatalf("%s: status is %d, want 400", path, r.status)
		}
		e := decodeWriteError(t, r)
		if !strings.HasPrefix(e.Error, "partial write: 2 of 4 lines rejected (line 2, column ") || !strings.HasSuffix(e.Error, "dropped=2") || e.Code != "invalid" {
			t.Errorf("%s: error is %+v", path, e)
		}
		if len(e.Data) != 2 || e.Data[0].Line != 2 || e.Data[0].Text != "bad" || e.Data[1].Line != 4 {
			t.Errorf("%s: data is %+v", path, e.Data)
		}
		if got := h.sink.all(); len(got) != 2 || got[1] != `{db="d"} ok_v=float(2) @2` {
			t.Errorf("%s: written %q, want the two good lines", path, got)
		}

		r = h.do("POST", path+"&accept_partial=false", body)
		e = decodeWriteError(t, r)
		if r.status != 400 || !strings.HasPrefix(e.Error, "write refused, nothing was written: 2 of 4 lines rejected") || len(e.Data) != 2 {
			t.Errorf("%s: accept_partial=false gives %d %+v", path, r.status, e)
		}
		if got := h.sink.all(); len(got) != 2 {
			t.Errorf("%s: accept_partial=false wrote %q", path, got[2:])
		}
		if r = h.do("POST", path+"&accept_partial=false", "ok v=1 1"); r.status != 204 {
			t.Errorf("%s: a good write with accept_partial=false gives %d %s", path, r.status, r.body)
		}
	}
}

func TestWriteBeyondRetention(t *testing.T) {
	h := start(t, Options{})
	h.sink.minTime = 100
	r := h.do("POST", "/write", "m v=1 99\nm v=1 100")
	e := decodeWriteError(t, r)
	if r.status != 400 || !strings.HasPrefix(e.Error, "partial write: points beyond retention policy: 1 of 2 lines rejected") {
		t.Errorf("answer is %d %+v", r.status, e)
	}
	if got := h.sink.all(); len(got) != 1 {
		t.Errorf("written %q, want one row", got)
	}
}

// movingSink passes retention between decoding and appending.
type movingSink struct {
	fakeSink
	minTimes []int64
}

func (m *movingSink) MinTime() int64 {
	t := m.minTimes[0]
	if len(m.minTimes) > 1 {
		m.minTimes = m.minTimes[1:]
	}
	return t
}

func (m *movingSink) Append(ctx context.Context, b *model.Batch) (model.AppendResult, error) {
	for _, r := range b.Rows() {
		if r.Time < m.minTimes[0] {
			return model.AppendResult{}, fmt.Errorf("row at %d: %w", r.Time, storage.ErrTooOld)
		}
	}
	return m.fakeSink.Append(ctx, b)
}

func TestWriteWhileRetentionMoves(t *testing.T) {
	sink := &movingSink{minTimes: []int64{10, 20}}
	h := start(t, Options{Sink: sink})
	r := h.do("POST", "/write", "m v=1 15\nm v=1 25")
	if e := decodeWriteError(t, r); r.status != 400 || len(e.Data) != 1 || e.Data[0].Line != 1 {
		t.Errorf("answer is %d %s", r.status, r.body)
	}
	if got := sink.all(); !slices.Equal(got, []string{"{} m_v=float(1) @25"}) {
		t.Errorf("written %q, want the row that retention still keeps", got)
	}
}

func TestWriteParameters(t *testing.T) {
	h := start(t, Options{})
	long := strings.Repeat("x", 256)
	cases := []struct{ target, want string }{
		{"/write?precision=week", `invalid precision "week" (use n, u, ms, s, m or h)`},
		{"/api/v2/write?precision=m", `invalid precision "m" (use ns, us, ms or s)`},
		{"/write?consistency=most", `invalid parameter "consistency": "most": want any, one, quorum or all`},
		{"/write?accept_partial=maybe", `invalid parameter "accept_partial": "maybe": want true or false`},
		{"/write?db=" + long, `invalid parameter "db": has 256 bytes: want at most 255`},
		{"/write?rp=%00", `invalid parameter "rp": "\x00" has control characters`},
		{"/api/v2/write?bucket=%ff", `invalid parameter "bucket": "\xff" is not valid UTF-8`},
		{"/api/v2/write?org=%0a", `invalid parameter "org": "\n" has control characters`},
	}
	for _, tc := range cases {
		r := h.do("POST", tc.target, "m v=1 1")
		if e := decodeWriteError(t, r); r.status != 400 || e.Error != tc.want || e.Code != "invalid" {
			t.Errorf("%s gives %d %+v, want %q", tc.target, r.status, e, tc.want)
		}
	}
	if got := h.sink.all(); len(got) != 0 {
		t.Errorf("written %q", got)
	}
	// The content type that curl and some clients send must not make a form
	// of the body, nor parameters of it.
	r := h.do("POST", "/write?db=d", "db=evil v=1 1\nprecision=h v=1 1", "Content-Type", "application/x-www-form-urlencoded")
	if r.status != 204 || !slices.Equal(h.sink.all(), []string{`{db="d"} db=evil_v=float(1) @1`, `{db="d"} precision=h_v=float(1) @1`}) {
		t.Errorf("a form's content type gives %d %s, written %q", r.status, r.body, h.sink.all())
	}
}

func TestWriteWithoutDatabaseLabel(t *testing.T) {
	h := start(t, Options{LineProtocol: lineprotocol.Options{Options: ingest.Options{NoDatabaseLabel: true}}})
	if r := h.do("POST", "/write?db=d", "m v=1 1"); r.status != 204 || h.sink.all()[0] != "{} m_v=float(1) @1" {
		t.Errorf("answer %d, written %q", r.status, h.sink.all())
	}
}

func TestWriteMethods(t *testing.T) {
	h := start(t, Options{})
	for _, target := range []string{"/write?db=d", "/api/v2/write"} {
		for _, m := range []string{"GET", "PUT", "DELETE"} {
			r := h.do(m, target, "")
			if e := decodeWriteError(t, r); r.status != 405 || r.header.Get("Allow") != "POST" || e.Code != "method not allowed" {
				t.Errorf("%s %s gives %d, Allow %q, %+v", m, target, r.status, r.header.Get("Allow"), e)
			}
		}
	}
	if r := h.do("DELETE", "/api/v1/query", ""); r.status != 405 || r.header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("DELETE of a query gives %d, Allow %q", r.status, r.header.Get("Allow"))
	}
	if r := h.do("HEAD", "/api/v1/labels", ""); r.status != 200 || r.body != "" {
		t.Errorf("HEAD gives %d %q", r.status, r.body)
	}
}

func TestWriteCompressed(t *testing.T) {
	h := start(t, Options{MaxBody: 1 << 20})
	line := "m,host=a v=1 1\n"
	if r := h.do("POST", "/write", zipped(line)+zipped(line), "Content-Encoding", "gzip"); r.status != 204 || len(h.sink.all()) != 2 {
		t.Errorf("two gzip members give %d %s, written %q", r.status, r.body, h.sink.all())
	}
	if r := h.do("POST", "/write", "", "Content-Encoding", "gzip"); r.status != 204 {
		t.Errorf("an empty compressed body gives %d %s", r.status, r.body)
	}
	// Exactly the limit passes, one byte more does not, wherever it appears.
	fill := func(n int) string { return strings.Repeat("# comment\n", n/10) + strings.Repeat("\n", n%10) }
	for _, zip := range []bool{false, true} {
		for over := range 2 {
			body, headers := fill(1<<20+over), []string{}
			if zip {
				body, headers = zipped(body), []string{"Content-Encoding", "gzip"}
			}
			want := []int{204, 413}[over]
			if r := h.do("POST", "/write", body, headers...); r.status != want {
				t.Errorf("gzip %v, %d bytes: %d %s, want %d", zip, 1<<20+over, r.status, r.body, want)
			}
		}
	}
	full := zipped(line)
	for n := 1; n < len(full); n++ {
		r := h.do("POST", "/write", full[:n], "Content-Encoding", "gzip")
		if e := decodeWriteError(t, r); r.status != 400 || !strings.HasPrefix(e.Error, "body is not valid gzip: ") {
			t.Fatalf("gzip cut to %d bytes gives %d %+v", n, r.status, e)
		}
	}
	if r := h.do("POST", "/write", line, "Content-Encoding", "br"); r.status != 415 {
		t.Errorf("brotli gives %d, want 415", r.status)
	} else {
		decodeWriteError(t, r)
	}
	if got := h.sink.all(); len(got) != 2 {
		t.Errorf("refused bodies wrote %q", got[2:])
	}
}

// TestGzipBombNeedsLittleMemory decompresses a small body of a gigabyte and
// counts what decoding allocates.
func TestGzipBombNeedsLittleMemory(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 256 {
		z.Write(zeros)
	}
	z.Close()
	const most = 1 << 20
	got, err := gunzip(nil, bomb.Bytes(), most, func(int) error { return nil })
	if err != errTooLong {
		t.Fatalf("error is %v, want %v", err, errTooLong)
	}
	if cap(got) > most+1 {
		t.Errorf("a buffer of %d bytes was allocated, want at most %d", cap(got), most+1)
	}
	h := start(t, Options{MaxBody: most})
	r := h.do("POST", "/api/v2/write", bomb.String()[:min(bomb.Len(), most)], "Content-Encoding", "gzip")
	if e := decodeWriteError(t, r); r.status != 413 || e.Code != "request too large" {
		t.Errorf("answer is %d %+v, want 413", r.status, e)
	}
}

// TestTooLargeReachesTheClient sends far more than allowed over TCP, with a
// client that writes everything before it reads: it must see the 413 that
// makes Telegraf split its batch, not a reset connection.
func TestTooLargeReachesTheClient(t *testing.T) {
	h := start(t, Options{MaxBody: 1 << 20})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback to listen on: ", err)
	}
	done := make(chan error, 1)
	go func() { done <- h.srv.Serve(ln) }()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	const size = 32 << 20
	fmt.Fprintf(conn, "POST /write HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size)
	if _, err := conn.Write(make([]byte, size)); err != nil {
		t.Fatalf("write: %v", err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 413 ")) || !bytes.Contains(answer, []byte(`"code":"request too large"`)) {
		t.Errorf("answer is %q, %v", answer, err)
	}
}

func TestIdempotencyKey(t *testing.T) {
	h := start(t, Options{})
	write := func(target, tenant, key string) {
		t.Helper()
		if r := h.do("POST", target, "m v=1 1", "Idempotency-Key", key, "X-Scope-OrgID", tenant); r.status != 204 {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	for range 2 {
		write("/write?db=d", "", "k1") // 1
		write("/write?db=e", "", "k1") // 2: another database
		write("/write?db=d", "t", "k1")
		write("/api/v2/write?bucket=d", "", "k1")
		write("/write?db=d", "", "k2")
		write("/write?db=d", "", strings.Repeat("k", 256))
	}
	if n := len(h.sink.all()); n != 6 {
		t.Errorf("%d rows written, want 6: one for each path, database, tenant and key", n)
	}
	for k := range h.sink.keys {
		if len(k) > 64 {
			t.Errorf("a key of %d bytes reached the store", len(k))
		}
	}
	if r := h.do("POST", "/write", "m v=1 1", "Idempotency-Key", strings.Repeat("k", 257)); r.status != 400 {
		t.Errorf("a key of 257 bytes gives %d", r.status)
	}
	// Without a key nothing is remembered.
	for range 2 {
		h.do("POST", "/write", "m v=1 1")
	}
	if n := len(h.sink.all()); n != 8 {
		t.Errorf("%d rows written, want 8", n)
	}
	if !strings.Contains(h.get("/metrics").body, "tidemark_ingest_duplicate_requests_total 6") {
		t.Error("duplicates are not counted")
	}
}

func TestStoreErrors(t *testing.T) {
	cases := []struct {
		err    error
		status int
		retry  string
		code   string
	}{
		{fmt.Errorf("append: %w", storage.ErrOverloaded), 503, "2", "unavailable"},
		{storage.ErrClosed, 503, "5", "unavailable"},
		{context.Canceled, 503, "5", "unavailable"},
		{storage.ErrFull, 503, "10", "unavailable"},
		{storage.ErrReadOnly, 503, "30", "unavailable"},
		{storage.ErrTooLarge, 413, "", "request too large"},
		{storage.ErrInvalid, 400, "", "invalid"},
		{storage.ErrTooOld, 400, "", "invalid"},
		{io.ErrUnexpectedEOF, 500, "", "internal error"},
	}
	h := start(t, Options{})
	for _, tc := range cases {
		h.sink.reset(tc.err)
		r := h.do("POST", "/write", "m v=1 1")
		if e := decodeWriteError(t, r); r.status != tc.status || r.header.Get("Retry-After") != tc.retry || e.Code != tc.code {
			t.Errorf("%v gives %d, Retry-After %q, %+v", tc.err, r.status, r.header.Get("Retry-After"), e)
		}
	}
}

func TestWriteChunkedAndExpect(t *testing.T) {
	h := start(t, Options{MaxBody: 1 << 20})
	send := func(body string, headers ...string) int {
		t.Helper()
		// A reader of unknown length makes the client send chunks.
		req, _ := http.NewRequest("POST", "http://tidemark/write", io.MultiReader(strings.NewReader(body)))
		for i := 0; i+1 < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		resp, err := h.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		return resp.StatusCode
	}
	if got := send("m v=1 1\n"); got != 204 {
		t.Errorf("chunked gives %d", got)
	}
	if got := send(zipped("m v=1 1\n"), "Content-Encoding", "gzip", "Expect", "100-continue"); got != 204 {
		t.Errorf("chunked gzip with Expect gives %d", got)
	}
	if got := send(strings.Repeat("#\n", 1<<20)); got != 413 {
		t.Errorf("chunked and too large gives %d, want 413", got)
	}
	if n := len(h.sink.all()); n != 2 {
		t.Errorf("%d rows written, want 2", n)
	}
}
