package server

import (
	"errors"
	"fmt"
	"mime"

	"github.com/valyala/fasthttp"

	"tidemark/ingest"
	"tidemark/ingest/otlp"
	"tidemark/storage/model"
)

// otlpTypes are the content types of OTLP over HTTP.
var otlpTypes = map[otlp.Encoding]string{otlp.Protobuf: "application/x-protobuf", otlp.JSON: contentJSON}

// otlpEncoding returns the encoding that a request's Content-Type names, or 0.
func otlpEncoding(ctx *fasthttp.RequestCtx) otlp.Encoding {
	kind, _, err := mime.ParseMediaType(string(ctx.Request.Header.ContentType()))
	if err == nil {
		for e, t := range otlpTypes {
			if t == kind {
				return e
			}
		}
	}
	return 0
}

// handleOTLPMetrics is OpenTelemetry's POST /v1/metrics. Rejected data points
// are told by the answer's partial_success, with status 200: senders must not
// repeat the request for them.
func (s *Server) handleOTLPMetrics(c *call) error {
	return s.writeOTLP(c, "/v1/metrics", s.otlp.Decode, otlp.AppendResponse)
}

// handleOTLPLogs is OpenTelemetry's POST /v1/logs, in the same way.
func (s *Server) handleOTLPLogs(c *call) error {
	return s.writeOTLP(c, "/v1/logs", s.otlp.DecodeLogs, otlp.AppendLogsResponse)
}

func (s *Server) writeOTLP(c *call, path string, decode func([]byte, otlp.Params, *model.Batch) (ingest.Report, error),
	respond func([]byte, otlp.Encoding, *ingest.Report) []byte) error {
	encoding := otlpEncoding(c.ctx)
	if encoding == 0 {
		return &apiError{status: 415, kind: kindBadData, msg: fmt.Sprintf("Content-Type %q: want application/x-protobuf or application/json", c.ctx.Request.Header.ContentType())}
	}
	key, err := requestKey(c, path, "")
	if err != nil {
		return err
	}
	body, release, err := s.body(c.ctx)
	if err != nil {
		return err
	}
	defer release()
	var rep ingest.Report
	err = s.append(key, func(b *model.Batch) (err error) {
		rep, err = decode(body, otlp.Params{Encoding: encoding, Tenant: c.tenant, MinTime: s.opts.Sink.MinTime(), Now: s.opts.Now().UnixNano(), Describe: s.metadata.describe(c.tenant)}, b)
		switch {
		case errors.Is(err, otlp.ErrTooLarge):
			return &apiError{status: 413, kind: kindTooLarge, msg: err.Error(), cause: err}
		case err != nil:
			return &apiError{status: 400, kind: kindBadData, msg: err.Error(), cause: err}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.countWrite(&rep)
	c.ctx.SetContentType(otlpTypes[encoding])
	c.ctx.SetBody(respond(nil, encoding, &rep))
	return nil
}

// rpcCodes are gRPC's codes for statuses of HTTP.
var rpcCodes = map[int]int{
	400: 3, 401: 16, 404: 5, 405: 12, 408: 4, 413: 3, 415: 3, 422: 3, 429: 8, 500: 13, 503: 14,
}

// setOTLPError answers with a google.rpc.Status in the encoding of the
// request, or in JSON where that is none.
func setOTLPError(ctx *fasthttp.RequestCtx, e *apiError) {
	encoding := otlpEncoding(ctx)
	if encoding == 0 {
		encoding = otlp.JSON
	}
	code, ok := rpcCodes[e.status]
	if !ok {
		code = 2 // unknown
	}
	ctx.SetContentType(otlpTypes[encoding])
	ctx.SetBody(otlp.AppendStatus(nil, encoding, code, e.msg))
}
