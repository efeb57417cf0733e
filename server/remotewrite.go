package server

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"tidemark/ingest/remotewrite"
	"tidemark/storage/model"
)

// handleRemoteWrite is Prometheus remote write, 1.0 and 2.0. The headers with
// the written counts are sent with every answer once the body was read, for
// either version: they are what a sender of 2.0 tells a receiver by.
func (s *Server) handleRemoteWrite(c *call) error {
	h := &c.ctx.Request.Header
	version, err := remotewrite.ParseContentType(string(h.ContentType()))
	if err != nil {
		return &apiError{status: 415, kind: kindBadData, msg: err.Error(), cause: err}
	}
	// Early senders named no encoding; there never was another.
	switch enc := string(h.ContentEncoding()); strings.ToLower(strings.TrimSpace(enc)) {
	case "", "snappy":
	default:
		return &apiError{status: 415, kind: kindBadData, msg: fmt.Sprintf("Content-Encoding %q: want snappy", enc)}
	}
	key, err := requestKey(c, "/api/v1/write", "")
	if err != nil {
		return err
	}
	body, release, err := s.unsnappy(c.ctx.Request.Body())
	if err != nil {
		return err
	}
	defer release()

	var res remotewrite.Result
	err = s.append(key, func(b *model.Batch) (err error) {
		res, err = s.remoteWrite.Decode(body, remotewrite.Params{Version: version, Tenant: c.tenant, MinTime: s.opts.Sink.MinTime(), Describe: s.metadata.describe(c.tenant)}, b)
		switch {
		case errors.Is(err, remotewrite.ErrTooLarge):
			return &apiError{status: 413, kind: kindTooLarge, msg: err.Error(), cause: err}
		case err != nil:
			return &apiError{status: 400, kind: kindBadData, msg: err.Error(), cause: err}
		}
		return nil
	})
	histograms := res.HistogramsAccepted
	samples := res.Accepted - histograms
	if err != nil {
		samples, histograms = 0, 0
	}
	out := &c.ctx.Response.Header
	out.Set("X-Prometheus-Remote-Write-Samples-Written", strconv.Itoa(samples))
	out.Set("X-Prometheus-Remote-Write-Histograms-Written", strconv.Itoa(histograms))
	out.Set("X-Prometheus-Remote-Write-Exemplars-Written", "0")
	if err != nil {
		return err
	}
	s.countWrite(&res.Report)
	if err := partialAnswer(&res.Report, "samples"); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
