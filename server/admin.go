package server

import (
	"github.com/valyala/fasthttp"
)

// ready says whether requests can be answered, and if not why.
func (s *Server) ready() error {
	switch {
	case s.stopping.Load():
		return &apiError{status: 503, kind: kindUnavailable, msg: "shutting down"}
	case !s.serving.Load():
		return &apiError{status: 503, kind: kindUnavailable, msg: "starting"}
	case s.opts.Ready != nil:
		if err := s.opts.Ready(); err != nil {
			return &apiError{status: 503, kind: kindUnavailable, msg: err.Error(), cause: err}
		}
	}
	return nil
}

func answerText(ctx *fasthttp.RequestCtx, status int, text string) {
	ctx.SetStatusCode(status)
	ctx.SetContentType(contentText)
	ctx.SetBodyString(text)
}

// handleHealthy says that the process answers.
func (s *Server) handleHealthy(c *call) error {
	answerText(c.ctx, 200, "tidemark is healthy\n")
	return nil
}

// handleReady says whether the store behind the server can be used: 200, or
// 503 with the reason. It answers as text because orchestrators show it.
func (s *Server) handleReady(c *call) error {
	if err := s.ready(); err != nil {
		answerText(c.ctx, 503, "not ready: "+err.Error()+"\n")
		return nil
	}
	answerText(c.ctx, 200, "tidemark is ready\n")
	return nil
}

// handleMetrics shows the server's registry in Prometheus's text format or
// OpenMetrics, as the client asks.
func (s *Server) handleMetrics(c *call) error {
	s.exposition(c.ctx)
	return nil
}
