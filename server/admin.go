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

// rootPage says what to try. Every link on it is answered by this server.
const rootPage = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>tidemark</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}code,pre{font:14px/1.5 ui-monospace,monospace;background:#f3f3f3;border-radius:4px;padding:.1em .3em}pre{padding:.8em;overflow-x:auto}</style>
<h1>tidemark</h1>
<p>One store, one index and one language for metrics and logs. This is its HTTP server.</p>
<h2>Look</h2>
<ul>
<li><a href="/api/v1/labels">the labels</a> and <a href="/api/v1/label/__name__/values">the metrics</a> in the store</li>
<li><a href="/tidemark/api/v1/functions">every function of the language</a>, with examples</li>
<li><a href="/metrics">what the server counts</a>, and whether it is <a href="/-/ready">ready</a></li>
</ul>
<h2>Write</h2>
<pre>curl -i 'http://ADDRESS/write?db=demo' --data-binary 'cpu,host=a usage_user=3,usage_system=1'</pre>
<h2>Ask</h2>
<pre>curl -G 'http://ADDRESS/tidemark/api/v1/query' --data-urlencode 'query=cpu_usage_user{host="a"}'</pre>
<p>Grafana: add a Prometheus data source with this server's address, and a Loki data source with the same one.
Telegraf: <code>outputs.influxdb</code> or <code>outputs.influxdb_v2</code> with this address as <code>urls</code>.</p>
</html>
`

func (s *Server) handleRoot(c *call) error {
	c.ctx.SetContentType(contentHTML)
	c.ctx.SetBodyString(rootPage)
	return nil
}
