package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/valyala/fasthttp"

	"tidemark/ingest"
	"tidemark/ingest/lineprotocol"
	"tidemark/storage"
	"tidemark/storage/model"
)

// Bounds of what a write says beside its body.
const (
	maxDatabaseBytes       = 255
	maxIdempotencyKeyBytes = 256
)

// handleWriteV1 is InfluxDB 1's POST /write. The database is not demanded, as
// a real server does: without it the rows get no label db. rp is checked and
// otherwise without meaning, and so is consistency: there is one copy.
func (s *Server) handleWriteV1(c *call) error {
	prec, err := lineprotocol.ParsePrecision(c.params.url("precision"), lineprotocol.V1)
	if err != nil {
		return &apiError{status: 400, kind: kindBadData, msg: err.Error(), cause: err}
	}
	switch v := c.params.url("consistency"); v {
	case "", "any", "one", "quorum", "all":
	default:
		return badParam("consistency", fmt.Errorf("%q: want any, one, quorum or all", v))
	}
	if err := checkDatabase("rp", c.params.url("rp")); err != nil {
		return err
	}
	db := c.params.url("db")
	if err := checkDatabase("db", db); err != nil {
		return err
	}
	return s.write(c, "/write", db, prec)
}

// handleWriteV2 is InfluxDB 2's POST /api/v2/write. The bucket becomes the
// label db; it may be left out, and so may org, which has no meaning here.
func (s *Server) handleWriteV2(c *call) error {
	prec, err := lineprotocol.ParsePrecision(c.params.url("precision"), lineprotocol.V2)
	if err != nil {
		return &apiError{status: 400, kind: kindBadData, msg: err.Error(), cause: err}
	}
	if err := checkDatabase("org", c.params.url("org")); err != nil {
		return err
	}
	bucket := c.params.url("bucket")
	if err := checkDatabase("bucket", bucket); err != nil {
		return err
	}
	return s.write(c, "/api/v2/write", bucket, prec)
}

// checkDatabase refuses names that cannot be label values or would not be
// seen for what they are.
func checkDatabase(param, name string) error {
	switch {
	case len(name) > maxDatabaseBytes:
		return badParam(param, fmt.Errorf("has %d bytes: want at most %d", len(name), maxDatabaseBytes))
	case !utf8.ValidString(name):
		return badParam(param, fmt.Errorf("%q is not valid UTF-8", name))
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return badParam(param, fmt.Errorf("%q has control characters", name))
	}
	return nil
}

// write is a write from its bytes to its acknowledgement: decompress, decode,
// append, report. Append returns when the batch is on disk and visible.
//
// A client that saw no answer may send the batch again. With the same
// Idempotency-Key, within the hour, nothing is written twice. Without one,
// metrics are overwritten by themselves, but log rows are repeated: equal log
// rows are legal, so nothing tells a retry from a repetition.
func (s *Server) write(c *call, path, db string, prec lineprotocol.Precision) error {
	partial := true
	switch v := c.params.url("accept_partial"); v {
	case "", "true", "1":
	case "false", "0":
		partial = false
	default:
		return badParam("accept_partial", fmt.Errorf("%q: want true or false", v))
	}
	key, err := requestKey(c, path, db)
	if err != nil {
		return err
	}
	body, release, err := s.body(c.ctx)
	if err != nil {
		return err
	}
	defer release()

	var rep ingest.Report
	err = s.append(key, func(b *model.Batch) error {
		rep = s.decoder.Decode(body, lineprotocol.Params{
			Precision: prec, Database: db, Tenant: c.tenant,
			Now: s.opts.Now().UnixNano(), MinTime: s.opts.Sink.MinTime(),
		}, b)
		if rep.Rejected > 0 && !partial {
			s.metrics.linesBad.Add(float64(rep.Lines))
			return &apiError{status: 400, kind: kindBadData, msg: refusedText(&rep), partial: &partialWrite{rep.Errors}}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.countWrite(&rep)
	if rep.Rejected > 0 {
		return &apiError{status: 400, kind: kindBadData, msg: partialText(&rep), partial: &partialWrite{rep.Errors}}
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// requestKey makes the batch's key of Idempotency-Key: a hash, so that its
// length is bounded, of the key within its path, database and tenant, so that
// equal keys of strangers do not meet.
func requestKey(c *call, path, db string) (string, error) {
	v := c.ctx.Request.Header.Peek("Idempotency-Key")
	if len(v) == 0 {
		return "", nil
	}
	if len(v) > maxIdempotencyKeyBytes {
		return "", badHeader("Idempotency-Key", fmt.Sprintf("has %d bytes: want at most %d", len(v), maxIdempotencyKeyBytes))
	}
	// None of the first three can hold a zero byte.
	sum := sha256.Sum256(append([]byte(path+"\x00"+c.tenant+"\x00"+db+"\x00"), v...))
	return string(sum[:]), nil
}

// partialWrite lists the refused lines in an error's body.
type partialWrite struct{ errors []ingest.LineError }

func (p *partialWrite) appendTo(dst []byte) []byte {
	dst = append(dst, `,"data":[`...)
	for i := range p.errors {
		e := &p.errors[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"line_number":`...)
		dst = strconv.AppendInt(dst, int64(e.Line), 10)
		dst = append(dst, `,"column":`...)
		dst = strconv.AppendInt(dst, int64(e.Column), 10)
		dst = append(dst, `,"original_line":`...)
		dst = appendString(dst, e.Text)
		dst = append(dst, `,"error_message":`...)
		if e.Place != "" {
			dst = appendString(dst, e.Error())
		} else {
			dst = appendString(dst, e.Reason)
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// partialText is the message for a write of which lines were refused. Clients
// of InfluxDB 1 look for the words "partial write", "unable to parse" and
// "points beyond retention policy".
func partialText(rep *ingest.Report) string {
	what := "partial write: "
	switch {
	case rep.TooOld == rep.Rejected:
		what += "points beyond retention policy: "
	case rep.Accepted == 0:
		what = "unable to parse: "
	}
	return fmt.Sprintf("%s%d of %d lines rejected%s dropped=%d", what, rep.Rejected, rep.Lines, firstError(rep), rep.Rejected)
}

// refusedText is the message for a write refused whole.
func refusedText(rep *ingest.Report) string {
	return fmt.Sprintf("write refused, nothing was written: %d of %d lines rejected%s dropped=%d", rep.Rejected, rep.Lines, firstError(rep), rep.Lines)
}

func firstError(rep *ingest.Report) string {
	if len(rep.Errors) == 0 {
		return ""
	}
	return " (" + rep.Errors[0].Error() + ")"
}

// storeError finds the place in HTTP of an error of Append. Whatever may
// succeed later is 503 with Retry-After: clients drop a batch on 4xx, 429 not
// always excepted.
func storeError(err error) error {
	later := func(after time.Duration) error {
		return &apiError{status: 503, kind: kindUnavailable, msg: err.Error(), retryAfter: after, cause: err}
	}
	switch {
	case errors.Is(err, storage.ErrOverloaded):
		return later(2 * time.Second)
	case errors.Is(err, storage.ErrClosed), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return later(5 * time.Second)
	case errors.Is(err, storage.ErrFull):
		return later(10 * time.Second)
	case errors.Is(err, storage.ErrReadOnly), errors.Is(err, storage.ErrNoSpace):
		return later(30 * time.Second)
	case errors.Is(err, storage.ErrTooLarge):
		return &apiError{status: 413, kind: kindTooLarge, msg: err.Error() + "; send fewer lines at a time", cause: err}
	case errors.Is(err, storage.ErrInvalid), errors.Is(err, storage.ErrTooOld):
		return &apiError{status: 400, kind: kindBadData, msg: err.Error(), cause: err}
	}
	return &apiError{status: 500, kind: kindInternal, msg: "write: " + err.Error(), cause: err}
}

// bodyPool holds the buffers that compressed bodies are decoded into.
var bodyPool = sync.Pool{New: func() any { return new([]byte) }}

// maxPooledBody bounds the buffers kept for reuse.
const maxPooledBody = 8 << 20

var gunzipPool sync.Pool

// body returns a write's body, decompressed; it is valid until release. The
// bound of Options.MaxBody holds for what was sent and for what it becomes.
func (s *Server) body(ctx *fasthttp.RequestCtx) (body []byte, release func(), err error) {
	sent := ctx.Request.Body()
	if len(sent) > s.opts.MaxBody {
		return nil, nil, s.tooLarge()
	}
	s.metrics.bytesWire.Add(float64(len(sent)))
	switch enc := string(ctx.Request.Header.ContentEncoding()); strings.ToLower(strings.TrimSpace(enc)) {
	case "", "identity":
		s.metrics.bytesPlain.Add(float64(len(sent)))
		return sent, func() {}, nil
	case "gzip", "x-gzip":
	default:
		return nil, nil, &apiError{status: 415, kind: kindBadData, msg: fmt.Sprintf("Content-Encoding %q: want gzip or identity", enc)}
	}
	if len(sent) == 0 {
		return nil, func() {}, nil
	}
	buf := bodyPool.Get().(*[]byte)
	held := 0
	release = func() {
		s.bodies.give(held)
		if cap(*buf) <= maxPooledBody {
			*buf = (*buf)[:0]
			bodyPool.Put(buf)
		}
	}
	hold := func(n int) error {
		err := s.bodies.take(n - held)
		if err == nil {
			held = n
		}
		return err
	}
	if err = hold(cap(*buf)); err == nil {
		*buf, err = gunzip((*buf)[:0], sent, s.opts.MaxBody, hold)
	}
	switch {
	case errors.Is(err, errTooLong):
		err = s.tooLarge()
	case errors.Is(err, errBodyMemory):
	case err != nil:
		err = &apiError{status: 400, kind: kindBadData, msg: "body is not valid gzip: " + err.Error(), cause: err}
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	s.metrics.bytesPlain.Add(float64(len(*buf)))
	return *buf, release, nil
}

func (s *Server) tooLarge() error {
	return &apiError{status: 413, kind: kindTooLarge,
		msg: fmt.Sprintf("request body is too large: want at most %d bytes, after decompression too; send fewer lines at a time", s.opts.MaxBody)}
}

var errTooLong = errors.New("more bytes than allowed")

// gunzip appends the decompressed bytes of src to dst, piece by piece, and
// gives up as soon as there are more than most: memory is bounded by what was
// really decoded, whatever the input promises. hold is asked before dst grows
// to a number of bytes.
func gunzip(dst, src []byte, most int, hold func(int) error) ([]byte, error) {
	r := bytes.NewReader(src)
	z, _ := gunzipPool.Get().(*gzip.Reader)
	if z == nil {
		z = new(gzip.Reader)
	}
	if err := z.Reset(r); err != nil {
		return dst, err
	}
	defer gunzipPool.Put(z)
	for {
		if len(dst) == cap(dst) {
			// Grown by doubling, from four times the input: what text gives.
			n := max(2*cap(dst), 4*len(src), 64<<10)
			n = min(n, most+1)
			if err := hold(n); err != nil {
				return dst, err
			}
			grown := make([]byte, len(dst), n)
			copy(grown, dst)
			dst = grown
		}
		n, err := z.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if len(dst) > most {
			return dst, errTooLong
		}
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
	}
}
