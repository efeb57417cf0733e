package server

import (
	"fmt"
	"strings"

	"github.com/valyala/fasthttp"

	"tidemark/ingest"
	"tidemark/ingest/exposition"
	"tidemark/storage/model"
)

// handleImportPrometheus takes samples in Prometheus's text format, as an
// exporter answers a scrape, or in OpenMetrics where Content-Type says so.
func (s *Server) handleImportPrometheus(c *call) error {
	kind, _, _ := strings.Cut(string(c.ctx.Request.Header.ContentType()), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	if strings.HasSuffix(kind, "protobuf") {
		return &apiError{status: 415, kind: kindBadData, msg: fmt.Sprintf("Content-Type %q: want the text format, or application/openmetrics-text", kind)}
	}
	key, err := requestKey(c, "/api/v1/import/prometheus", "")
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
		rep, err = s.expositions.Decode(body, exposition.Params{
			OpenMetrics: kind == "application/openmetrics-text", Tenant: c.tenant,
			Now: s.opts.Now().UnixNano(), MinTime: s.opts.Sink.MinTime(), Describe: s.metadata.describe(c.tenant),
		}, b)
		if err != nil {
			return &apiError{status: 413, kind: kindTooLarge, msg: err.Error(), cause: err}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.countWrite(&rep)
	if err := partialAnswer(&rep, "lines"); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
