package server

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"mime"
	"strings"

	"github.com/valyala/fasthttp"

	"tidemark/ingest"
	"tidemark/ingest/lokipush"
	"tidemark/ingest/remotewrite"
	"tidemark/storage/model"
)

// This file has the write protocols of logs.

// pushDecoders are the decoders of log protocols.
type pushDecoders struct {
	loki *lokipush.Decoder
}

// newPushDecoders makes the decoders by the shared options of line protocol's.
func newPushDecoders(o ingest.Options) (d pushDecoders, err error) {
	if d.loki, err = lokipush.NewDecoder(lokipush.Options{Options: o}); err != nil {
		return d, fmt.Errorf("server: %w", err)
	}
	return d, nil
}

// handleLokiPush is Loki's POST /loki/api/v1/push: JSON where the content
// type says so, else protobuf in a block of snappy. What is refused is named
// as text, as Loki does, while the rest is stored.
//
// Loki drops entries that it has already, so a push that is sent again
// changes nothing. Here a push without an Idempotency-Key gets one made of its
// bytes, which gives the same for what is sent again whole; within a request
// the decoder compares entry by entry.
func (s *Server) handleLokiPush(c *call) error {
	h := &c.ctx.Request.Header
	form := "application/x-protobuf"
	if v := string(h.ContentType()); v != "" {
		var err error
		if form, _, err = mime.ParseMediaType(v); err != nil {
			return &apiError{status: 415, kind: kindBadData, msg: fmt.Sprintf("Content-Type %q: %v", v, err)}
		}
	}
	read := s.lokiSnappy
	decode := s.push.loki.Protobuf
	switch form {
	case "application/x-protobuf":
	case "application/json":
		read, decode = s.body, s.push.loki.JSON
	default:
		return &apiError{status: 415, kind: kindBadData, msg: fmt.Sprintf("Content-Type %q: want application/x-protobuf or application/json", form)}
	}
	key, err := requestKey(c, "/loki/api/v1/push", "")
	if err != nil {
		return err
	}
	if sent := c.ctx.Request.Body(); key == "" && len(sent) > 0 {
		// Neither of the first two can hold a zero byte.
		hash := sha256.New()
		hash.Write([]byte("/loki/api/v1/push\x00" + c.tenant + "\x00\x00"))
		hash.Write(sent)
		key = string(hash.Sum(nil))
	}
	body, release, err := read(c.ctx)
	if err != nil {
		return err
	}
	defer release()
	var rep ingest.Report
	err = s.append(key, func(b *model.Batch) (err error) {
		rep, err = decode(body, lokipush.Params{Tenant: c.tenant, MinTime: s.opts.Sink.MinTime()}, b)
		if err != nil {
			return &apiError{status: 400, kind: kindBadData, msg: err.Error(), cause: err}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.countWrite(&rep)
	if rep.Rejected > 0 {
		answerText(c.ctx, 400, lokiRefusals(&rep))
		return nil
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// lokiSnappy is body for a block of snappy. Promtail names no encoding and
// some clients say snappy.
func (s *Server) lokiSnappy(ctx *fasthttp.RequestCtx) (body []byte, release func(), err error) {
	switch enc := string(ctx.Request.Header.ContentEncoding()); strings.ToLower(strings.TrimSpace(enc)) {
	case "", "snappy":
	default:
		return nil, nil, &apiError{status: 415, kind: kindBadData, msg: fmt.Sprintf("Content-Encoding %q of protobuf: want snappy", enc)}
	}
	sent := ctx.Request.Body()
	if len(sent) > s.opts.MaxBody {
		return nil, nil, s.tooLarge()
	}
	s.metrics.bytesWire.Add(float64(len(sent)))
	buf := bodyPool.Get().(*[]byte)
	release = func() {
		if cap(*buf) <= maxPooledBody {
			*buf = (*buf)[:0]
			bodyPool.Put(buf)
		}
	}
	body, err = remotewrite.Decompress((*buf)[:cap(*buf)], sent, s.opts.MaxBody)
	if err != nil {
		release()
		if errors.Is(err, remotewrite.ErrTooLarge) {
			return nil, nil, s.tooLarge()
		}
		return nil, nil, &apiError{status: 400, kind: kindBadData, msg: err.Error(), cause: err}
	}
	*buf = body
	s.metrics.bytesPlain.Add(float64(len(body)))
	return body, release, nil
}

// lokiRefusals names the refused entries, one a line. Agents log the first
// line, so that has the count too.
func lokiRefusals(rep *ingest.Report) string {
	var b strings.Builder
	for i := range rep.Errors {
		b.WriteString(rep.Errors[i].Error())
		if i == 0 {
			fmt.Fprintf(&b, ", total ignored: %d out of %d", rep.Rejected, rep.Lines)
		}
		b.WriteByte('\n')
	}
	if n := rep.Rejected - len(rep.Errors); n > 0 {
		fmt.Fprintf(&b, "and %d more\n", n)
	}
	return b.String()
}
