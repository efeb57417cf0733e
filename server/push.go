package server

import (
	"crypto/sha256"
	"fmt"
	"mime"
	"strings"

	"github.com/valyala/fasthttp"

	"tidemark/ingest"
	"tidemark/ingest/elastic"
	"tidemark/ingest/jsonlines"
	"tidemark/ingest/lokipush"
	"tidemark/storage/model"
)

// This file has the write protocols of logs but Elasticsearch's, which stands in
// elastic.go.

// pushDecoders are the decoders of log protocols.
type pushDecoders struct {
	loki    *lokipush.Decoder
	json    *jsonlines.Decoder
	elastic *elastic.Decoder
}

// newPushDecoders makes the decoders by the shared options of line protocol's.
func newPushDecoders(o ingest.Options) (d pushDecoders, err error) {
	if d.loki, err = lokipush.NewDecoder(lokipush.Options{Options: o, DetectLevel: true, ServiceName: true}); err != nil {
		return d, fmt.Errorf("server: %w", err)
	}
	if d.json, err = jsonlines.NewDecoder(jsonlines.Options{Options: o}); err != nil {
		return d, fmt.Errorf("server: %w", err)
	}
	if d.elastic, err = elastic.NewDecoder(d.json, elastic.Options{}); err != nil {
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
		// With other limits other entries are accepted: that is another push.
		fmt.Fprintf(hash, "%+v\x00", s.opts.LineProtocol.Options)
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
		rep, err = decode(body, lokipush.Params{Tenant: c.tenant, MinTime: s.opts.Sink.MinTime(), Now: s.opts.Now().UnixNano()}, b)
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
	return s.unsnappy(ctx.Request.Body())
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

// handleJSONLines is VictoriaLogs' POST /insert/jsonline. Lines that are
// refused are named in the answer, a 400, while the rest is stored.
func (s *Server) handleJSONLines(c *call) error {
	p, err := c.logFields()
	if err != nil {
		return err
	}
	key, err := requestKey(c, "/insert/jsonline", "")
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
		p.Now, p.MinTime = s.opts.Now().UnixNano(), s.opts.Sink.MinTime()
		rep = s.push.json.Decode(body, p, b)
		return nil
	})
	if err != nil {
		return err
	}
	s.countWrite(&rep)
	return partialAnswer(&rep, "lines")
}

// logFields reads what a request says of the members of its records: as an
// argument of the URL or as a header, the argument first.
//
//	argument        header            meaning
//	--------------  ----------------  -----------------------------------------
//	_msg_field      VL-Msg-Field      names of the message, the first that a
//	                                  record has
//	_time_field     VL-Time-Field     names of the time, likewise
//	_stream_fields  VL-Stream-Fields  names that become labels
//	ignore_fields   VL-Ignore-Fields  names that are left out
//	extra_fields    VL-Extra-Fields   name=value to add to each record
//
// Lists are separated by commas.
func (c *call) logFields() (p jsonlines.Params, err error) {
	list := func(arg, header string) (out []string) {
		v := c.params.url(arg)
		if v == "" {
			v = string(c.ctx.Request.Header.Peek(header))
		}
		for name := range strings.SplitSeq(v, ",") {
			if name = strings.TrimSpace(name); name != "" {
				out = append(out, name)
			}
		}
		return out
	}
	p = jsonlines.Params{
		MessageFields: list("_msg_field", "VL-Msg-Field"),
		TimeFields:    list("_time_field", "VL-Time-Field"),
		StreamFields:  list("_stream_fields", "VL-Stream-Fields"),
		IgnoreFields:  list("ignore_fields", "VL-Ignore-Fields"),
		Tenant:        c.tenant,
	}
	for _, pair := range list("extra_fields", "VL-Extra-Fields") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return p, badParam("extra_fields", fmt.Errorf("%q: want name=value", excerpt(pair)))
		}
		p.ExtraFields = append(p.ExtraFields, jsonlines.Pair{Name: name, Value: value})
	}
	return p, nil
}
