package server

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"tidemark/query/ast"
)

// Kinds of errors, spelled as Prometheus's errorType.
const (
	kindBadData      = "bad_data"
	kindExecution    = "execution"
	kindTimeout      = "timeout"
	kindCanceled     = "canceled"
	kindUnavailable  = "unavailable"
	kindNotFound     = "not_found"
	kindInternal     = "internal"
	kindTooLarge     = "too_large"
	kindUnauthorized = "unauthorized"
	kindNotAllowed   = "method_not_allowed"
)

// apiError is an error with its place in HTTP. Every handler's error ends as
// one and is written in the form of the route's protocol, always as JSON:
// Telegraf keeps retrying a write whose error it cannot parse.
type apiError struct {
	status int
	kind   string
	msg    string
	// retryAfter, where positive, is sent as Retry-After.
	retryAfter time.Duration
	allow      string // Allow, for 405
	cause      error
	partial    *partialWrite
}

func (e *apiError) Error() string { return e.msg }
func (e *apiError) Unwrap() error { return e.cause }

// asAPIError finds the place of any error that a handler returned. What has
// no place of its own was met while executing.
func asAPIError(err error) *apiError {
	var ae *apiError
	if errors.As(err, &ae) {
		return ae
	}
	var qe *ast.Error
	switch {
	case errors.As(err, &qe):
		return &apiError{status: 400, kind: kindBadData, msg: err.Error(), cause: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &apiError{status: 503, kind: kindTimeout, msg: "query timed out: " + err.Error(), cause: err}
	case errors.Is(err, context.Canceled):
		return &apiError{status: 503, kind: kindCanceled, msg: "query was canceled: " + err.Error(), cause: err}
	}
	return &apiError{status: 422, kind: kindExecution, msg: err.Error(), cause: err}
}

// writeError answers with an error in the form of the protocol.
func writeError(ctx *fasthttp.RequestCtx, f family, err error) {
	e := asAPIError(err)
	// Whatever a handler began to answer is dropped; headers that hold for
	// any answer, such as CORS, stay.
	ctx.Response.ResetBody()
	ctx.SetStatusCode(e.status)
	ctx.SetContentType(contentJSON)
	if e.retryAfter > 0 {
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(max(1, int(e.retryAfter/time.Second))))
	}
	if e.allow != "" {
		ctx.Response.Header.Set("Allow", e.allow)
	}
	if e.status == fasthttp.StatusUnauthorized {
		ctx.Response.Header.Add("WWW-Authenticate", `Bearer realm="tidemark"`)
		ctx.Response.Header.Add("WWW-Authenticate", `Basic realm="tidemark"`)
	}
	if f == otel {
		setOTLPError(ctx, e)
		return
	}
	var dst []byte
	if f == influx {
		dst = appendInfluxError(dst, e)
		setInfluxErrorHeader(ctx, e.msg)
	} else {
		dst = appendQueryError(dst, f, e)
	}
	ctx.SetBody(dst)
}

// appendQueryError is Prometheus's envelope. Loki's clients read the member
// message; the native API adds where in the query's text the fault lies.
func appendQueryError(dst []byte, f family, e *apiError) []byte {
	dst = append(dst, `{"status":"error","errorType":`...)
	dst = appendString(dst, e.kind)
	dst = append(dst, `,"error":`...)
	dst = appendString(dst, e.msg)
	var qe *ast.Error
	if e.partial != nil {
		dst = e.partial.appendTo(dst)
	}
	switch {
	case f == loki:
		dst = append(dst, `,"message":`...)
		dst = appendString(dst, e.msg)
		dst = append(dst, `,"code":`...)
		dst = strconv.AppendInt(dst, int64(e.status), 10)
	case f == native && errors.As(e, &qe):
		dst = appendPlace(append(dst, ','), qe)
	}
	return append(dst, '}', '\n')
}

// appendPlace writes the members that say what is wrong with a query and where.
func appendPlace(dst []byte, e *ast.Error) []byte {
	dst = append(dst, `"message":`...)
	dst = appendString(dst, e.Message)
	dst = append(dst, `,"line":`...)
	dst = strconv.AppendInt(dst, int64(e.Pos.Line), 10)
	dst = append(dst, `,"column":`...)
	dst = strconv.AppendInt(dst, int64(e.Pos.Column), 10)
	dst = append(dst, `,"offset":`...)
	dst = strconv.AppendInt(dst, int64(e.Pos.Offset), 10)
	dst = append(dst, `,"token":`...)
	dst = appendString(dst, e.Token)
	dst = append(dst, `,"expected":`...)
	dst = appendStrings(dst, e.Expected)
	dst = append(dst, `,"suggest":`...)
	return appendString(dst, e.Suggest)
}

// influxCodes are the codes of InfluxDB 2's error bodies by status.
var influxCodes = map[int]string{
	400: "invalid", 401: "unauthorized", 404: "not found", 405: "method not allowed",
	408: "request timeout", 413: "request too large", 415: "unsupported media type", 422: "unprocessable entity",
	429: "too many requests", 431: "request too large", 500: "internal error", 503: "unavailable",
}

// appendInfluxError is the error body of both write protocols: version 1
// clients read error, version 2 clients code and message, and those of
// version 3 the list data.
func appendInfluxError(dst []byte, e *apiError) []byte {
	code := influxCodes[e.status]
	if code == "" {
		code = "internal error"
	}
	dst = append(dst, `{"error":`...)
	dst = appendString(dst, e.msg)
	dst = append(dst, `,"code":`...)
	dst = appendString(dst, code)
	dst = append(dst, `,"message":`...)
	dst = appendString(dst, e.msg)
	if e.partial != nil {
		dst = e.partial.appendTo(dst)
	}
	return append(dst, '}', '\n')
}

// setInfluxErrorHeader repeats the message in the header that version 1
// clients read, cut to 1,024 bytes and to what a header can hold.
func setInfluxErrorHeader(ctx *fasthttp.RequestCtx, msg string) {
	const most = 1024
	if len(msg) > most {
		msg = msg[:most]
	}
	b := []byte(msg)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = ' '
		}
	}
	ctx.Response.Header.SetBytesV("X-InfluxDB-Error", b)
}
