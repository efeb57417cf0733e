package server

import (
	"tidemark/server/explorer"
)

// The page may be read without a token: it holds no data, and asks for one
// itself where the API wants it. It may load nothing from elsewhere.
const explorerPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

func (s *Server) handleExplorer(c *call) error { return s.answerFile(c, "index.html") }

func (s *Server) handleExplorerLicenses(c *call) error { return s.answerFile(c, "licenses.md") }

func (s *Server) handleExplorerAsset(c *call) error { return s.answerFile(c, "assets/"+c.name) }

func (s *Server) answerFile(c *call, name string) error {
	f := explorer.Lookup(name)
	if f == nil {
		return &apiError{status: 404, kind: kindNotFound, msg: "no such file of the explorer: " + name}
	}
	h := &c.ctx.Response.Header
	h.SetContentType(f.ContentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", explorerPolicy)
	h.Add("Vary", "Accept-Encoding")
	if f.Immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	if f.Gzip != nil && c.ctx.Request.Header.HasAcceptEncoding("gzip") {
		h.Set("Content-Encoding", "gzip")
		c.ctx.Response.SetBodyRaw(f.Gzip)
		return nil
	}
	c.ctx.Response.SetBodyRaw(f.Body)
	return nil
}
