package server

import (
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"tidemark/storage/model"
)

// family is the protocol a path belongs to; errors are written in its form.
type family uint8

const (
	plain  family = iota // what operators probe and scrape
	influx               // InfluxDB 1 and 2
	prom                 // Prometheus
	loki                 // Loki
	native               // Tidemark's own
	otel                 // OpenTelemetry
)

func (f family) String() string {
	return [...]string{"plain", "influx", "prometheus", "loki", "native", "opentelemetry"}[f]
}

const (
	contentJSON = "application/json"
	contentText = "text/plain; charset=utf-8"
)

// route is one path.
type route struct {
	// path is exact but for at most one segment {name}.
	path    string
	family  family
	methods string // comma-separated, as in Allow; GET implies HEAD
	handler func(*Server, *call) error
	// open paths ask for no token.
	open bool
	// large paths take a body of up to Options.MaxBody.
	large bool

	prefix, suffix string // around {name}, where the path has one
}

const (
	onlyGET  = "GET"
	onlyPOST = "POST"
	getPost  = "GET, POST"

	postPut    = "POST, PUT"
	getPostPut = "GET, POST, PUT"
)

// routeTable is every path the server knows.
func routeTable() []route {
	return []route{
		{path: "/", family: plain, methods: onlyGET, handler: (*Server).handleExplorer, open: true},
		{path: "/licenses.md", family: plain, methods: onlyGET, handler: (*Server).handleExplorerLicenses, open: true},
		{path: "/assets/{name}", family: plain, methods: onlyGET, handler: (*Server).handleExplorerAsset, open: true},
		{path: "/metrics", family: plain, methods: onlyGET, handler: (*Server).handleMetrics},
		{path: "/-/healthy", family: plain, methods: onlyGET, handler: (*Server).handleHealthy, open: true},
		{path: "/-/ready", family: plain, methods: onlyGET, handler: (*Server).handleReady, open: true},

		{path: "/write", family: influx, methods: onlyPOST, handler: (*Server).handleWriteV1, large: true},
		{path: "/api/v2/write", family: influx, methods: onlyPOST, handler: (*Server).handleWriteV2, large: true},
		{path: "/query", family: influx, methods: getPost, handler: (*Server).handleInfluxQuery},
		{path: "/ping", family: influx, methods: getPost, handler: (*Server).handlePing, open: true},
		{path: "/health", family: influx, methods: onlyGET, handler: (*Server).handleHealth, open: true},

		{path: "/api/v1/write", family: prom, methods: onlyPOST, handler: (*Server).handleRemoteWrite, large: true},
		{path: "/api/v1/import/prometheus", family: prom, methods: onlyPOST, handler: (*Server).handleImportPrometheus, large: true},
		{path: "/v1/metrics", family: otel, methods: onlyPOST, handler: (*Server).handleOTLPMetrics, large: true},
		{path: "/api/v1/otlp/v1/metrics", family: otel, methods: onlyPOST, handler: (*Server).handleOTLPMetrics, large: true},
		{path: "/v1/logs", family: otel, methods: onlyPOST, handler: (*Server).handleOTLPLogs, large: true},
		{path: "/otlp/v1/logs", family: otel, methods: onlyPOST, handler: (*Server).handleOTLPLogs, large: true},
		{path: "/api/v1/query", family: prom, methods: getPost, handler: (*Server).handlePromQuery},
		{path: "/api/v1/query_range", family: prom, methods: getPost, handler: (*Server).handlePromQueryRange},
		{path: "/api/v1/read", family: prom, methods: onlyPOST, handler: (*Server).handleRemoteRead},
		{path: "/api/v1/query_exemplars", family: prom, methods: getPost, handler: (*Server).handlePromExemplars},
		{path: "/api/v1/format_query", family: prom, methods: getPost, handler: (*Server).handlePromFormat},
		{path: "/api/v1/parse_query", family: prom, methods: getPost, handler: (*Server).handlePromParse},
		{path: "/api/v1/labels", family: prom, methods: getPost, handler: (*Server).handlePromLabels},
		{path: "/api/v1/label/{name}/values", family: prom, methods: onlyGET, handler: (*Server).handlePromLabelValues},
		{path: "/api/v1/series", family: prom, methods: getPost, handler: (*Server).handlePromSeries},
		{path: "/api/v1/metadata", family: prom, methods: onlyGET, handler: (*Server).handlePromMetadata},
		{path: "/api/v1/rules", family: prom, methods: onlyGET, handler: (*Server).handlePromRules},
		{path: "/api/v1/alerts", family: prom, methods: onlyGET, handler: (*Server).handlePromAlerts},
		{path: "/api/v1/status/tsdb", family: prom, methods: onlyGET, handler: (*Server).handlePromTSDB},
		{path: "/api/v1/status/tsdb/blocks", family: prom, methods: onlyGET, handler: constantly(`{"blocks":[]}`)},
		{path: "/api/v1/alertmanagers", family: prom, methods: onlyGET, handler: constantly(emptyAlertmanagers)},
		{path: "/api/v1/targets", family: prom, methods: onlyGET, handler: constantly(emptyTargets)},
		{path: "/api/v1/targets/metadata", family: prom, methods: onlyGET, handler: constantly(`[]`)},
		{path: "/api/v1/scrape_pools", family: prom, methods: onlyGET, handler: constantly(emptyScrapePools)},
		{path: "/api/v1/features", family: prom, methods: onlyGET, handler: constantly(`{}`)},
		{path: "/api/v1/notifications", family: prom, methods: onlyGET, handler: constantly(`[]`)},
		{path: "/api/v1/status/config", family: prom, methods: onlyGET, handler: constantly(emptyConfig)},
		{path: "/api/v1/status/flags", family: prom, methods: onlyGET, handler: constantly(`{}`)},
		{path: "/api/v1/status/walreplay", family: prom, methods: onlyGET, handler: constantly(walReplayed)},
		{path: "/api/v1/status/runtimeinfo", family: prom, methods: onlyGET, handler: (*Server).handlePromRuntimeinfo},
		{path: "/api/v1/status/buildinfo", family: prom, methods: onlyGET, handler: (*Server).handlePromBuildinfo},

		{path: "/api/v1/admin/tsdb/delete_series", family: prom, methods: postPut, handler: (*Server).handleDeleteSeries},
		{path: "/api/v1/admin/tsdb/snapshot", family: prom, methods: postPut, handler: (*Server).handleSnapshot},
		{path: "/loki/api/v1/delete", family: loki, methods: postPut, handler: (*Server).handleLokiDelete},
		{path: "/api/v1/admin/tsdb/clean_tombstones", family: prom, methods: postPut, handler: (*Server).handleCleanTombstones},
		{path: "/tidemark/api/v1/admin/compact", family: native, methods: postPut, handler: (*Server).handleCleanTombstones},

		{path: "/loki/api/v1/push", family: loki, methods: onlyPOST, handler: (*Server).handleLokiPush, large: true},

		{path: "/insert/jsonline", family: native, methods: onlyPOST, handler: (*Server).handleJSONLines, large: true},
		{path: "/_bulk", family: native, methods: postPut, handler: (*Server).handleElasticBulk, large: true},
		{path: "/insert/elasticsearch/_bulk", family: native, methods: postPut, handler: (*Server).handleElasticBulk, large: true},
		{path: "/insert/elasticsearch", family: native, methods: onlyGET, handler: (*Server).handleElasticRoot},
		{path: "/insert/elasticsearch/", family: native, methods: onlyGET, handler: (*Server).handleElasticRoot},
		{path: "/insert/elasticsearch/_license", family: native, methods: onlyGET, handler: (*Server).handleElasticLicense},
		{path: "/insert/elasticsearch/_ilm/{name}", family: native, methods: getPostPut, handler: (*Server).handleElasticNothing},
		{path: "/insert/elasticsearch/_index_template/{name}", family: native, methods: getPostPut, handler: (*Server).handleElasticNothing},
		{path: "/insert/elasticsearch/_ingest/{name}", family: native, methods: getPostPut, handler: (*Server).handleElasticNothing},

		{path: "/ready", family: loki, methods: onlyGET, handler: (*Server).handleLokiReady},
		{path: "/loki/api/v1/query", family: loki, methods: getPost, handler: (*Server).handleLokiQuery},
		{path: "/loki/api/v1/query_range", family: loki, methods: getPost, handler: (*Server).handleLokiQueryRange},
		{path: "/loki/api/v1/labels", family: loki, methods: getPost, handler: (*Server).handleLokiLabels},
		{path: "/loki/api/v1/label", family: loki, methods: getPost, handler: (*Server).handleLokiLabels},
		{path: "/loki/api/v1/label/{name}/values", family: loki, methods: getPost, handler: (*Server).handleLokiLabelValues},
		{path: "/loki/api/v1/series", family: loki, methods: getPost, handler: (*Server).handleLokiSeries},
		{path: "/loki/api/v1/index/stats", family: loki, methods: getPost, handler: (*Server).handleLokiIndexStats},
		{path: "/loki/api/v1/index/volume", family: loki, methods: getPost, handler: (*Server).handleLokiVolume},
		{path: "/loki/api/v1/index/volume_range", family: loki, methods: getPost, handler: (*Server).handleLokiVolumeRange},
		{path: "/loki/api/v1/detected_labels", family: loki, methods: getPost, handler: (*Server).handleLokiDetectedLabels},
		{path: "/loki/api/v1/detected_fields", family: loki, methods: getPost, handler: (*Server).handleLokiDetectedFields},
		{path: "/loki/api/v1/detected_field/{name}/values", family: loki, methods: getPost, handler: (*Server).handleLokiDetectedFieldValues},
		{path: "/loki/api/v1/patterns", family: loki, methods: getPost, handler: (*Server).handleLokiPatterns},
		{path: "/loki/api/v1/tail", family: loki, methods: onlyGET, handler: (*Server).handleLokiTail},
		{path: "/loki/api/v1/drilldown-limits", family: loki, methods: onlyGET, handler: (*Server).handleLokiDrilldownLimits},
		{path: "/loki/api/v1/format_query", family: loki, methods: getPost, handler: (*Server).handleLokiFormat},
		{path: "/loki/api/v1/status/buildinfo", family: loki, methods: onlyGET, handler: (*Server).handleLokiBuildinfo},

		{path: "/tidemark/api/v1/query", family: native, methods: getPost, handler: (*Server).handleNativeQuery},
		{path: "/tidemark/api/v1/query_range", family: native, methods: getPost, handler: (*Server).handleNativeQueryRange},
		{path: "/tidemark/api/v1/format_query", family: native, methods: getPost, handler: (*Server).handleNativeFormat},
		{path: "/tidemark/api/v1/queries", family: native, methods: onlyGET, handler: (*Server).handleQueries},
		{path: "/tidemark/api/v1/queries/{name}", family: native, methods: "DELETE", handler: (*Server).handleQueryCancel},
		{path: "/tidemark/api/v1/losses", family: native, methods: onlyGET, handler: (*Server).handleLosses},
		{path: "/tidemark/api/v1/admin/losses/forget", family: native, methods: postPut, handler: (*Server).handleForgetLosses},
		{path: "/tidemark/api/v1/export", family: native, methods: getPost, handler: (*Server).handleExport},
		{path: "/tidemark/api/v1/check_query", family: native, methods: getPost, handler: (*Server).handleNativeCheck},
		{path: "/tidemark/api/v1/functions", family: native, methods: onlyGET, handler: (*Server).handleNativeFunctions},
	}
}

// router finds routes by path.
type router struct {
	exact map[string]*route
	named []*route
}

func newRouter(table []route) router {
	r := router{exact: make(map[string]*route, len(table))}
	for i := range table {
		rt := &table[i]
		if before, after, ok := strings.Cut(rt.path, "{name}"); ok {
			rt.prefix, rt.suffix = before, after
			r.named = append(r.named, rt)
		} else {
			r.exact[rt.path] = rt
		}
	}
	return r
}

// find returns the route of a path, or nil, and what {name} stands for.
func (r *router) find(path []byte) (*route, string) {
	if rt := r.exact[string(path)]; rt != nil {
		return rt, ""
	}
	for _, rt := range r.named {
		if n := len(path) - len(rt.prefix) - len(rt.suffix); n > 0 &&
			string(path[:len(rt.prefix)]) == rt.prefix && string(path[len(path)-len(rt.suffix):]) == rt.suffix {
			return rt, string(path[len(rt.prefix) : len(rt.prefix)+n])
		}
	}
	return nil, ""
}

// familyOf guesses the protocol of a path that has no route.
func familyOf(path []byte) family {
	switch p := string(path); {
	case strings.HasPrefix(p, "/api/v1/"):
		return prom
	case strings.HasPrefix(p, "/loki/"):
		return loki
	case strings.HasPrefix(p, "/tidemark/"):
		return native
	case strings.HasPrefix(p, "/v1/"):
		return otel
	case strings.HasPrefix(p, "/api/v2/"), p == "/write", p == "/query":
		return influx
	}
	return plain
}

// call is one request on its way through a handler.
type call struct {
	ctx    *fasthttp.RequestCtx
	params params
	family family
	// name is what {name} of the path stands for.
	name string
	// tenant is X-Scope-OrgID, or "".
	tenant string
	start  time.Time
	body   bodyBuffer
}

// enforce is the matcher that keeps a tenant to its own data; it is empty
// where the request names none.
func (c *call) enforce() []*model.Matcher {
	if c.tenant == "" {
		return nil
	}
	return []*model.Matcher{{Type: model.MatchEqual, Name: model.TenantLabel, Value: c.tenant}}
}

// handle is fasthttp's handler: it finds the route, checks who asks, and
// turns errors and panics into answers.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	rt, name := s.router.find(ctx.Path())
	c := call{ctx: ctx, params: params{ctx}, name: name, start: time.Now()}
	label := "other"
	if rt != nil {
		label, c.family = rt.path, rt.family
	} else {
		c.family = familyOf(ctx.Path())
	}
	s.metrics.inFlight.Inc()
	defer func() {
		if p := recover(); p != nil {
			s.metrics.panics.Inc()
			s.opts.Logger.Error("a request's handler panicked", "route", label, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			writeError(ctx, c.family, &apiError{status: 500, kind: kindInternal, msg: "internal error; the server's log has the details"})
		}
		s.releaseBody(&c)
		s.metrics.inFlight.Dec()
		s.metrics.observe(label, ctx.Response.StatusCode(), time.Since(c.start))
	}()
	if err := s.serve(&c, rt); err != nil {
		e := asAPIError(err)
		if e.status >= 500 && e.kind != kindTimeout && e.kind != kindCanceled {
			s.opts.Logger.Warn("a request failed", "route", label, "status", e.status, "error", e.msg)
		}
		writeError(ctx, c.family, e)
	}
}

// serve answers one request or says why not.
func (s *Server) serve(c *call, rt *route) error {
	ctx := c.ctx
	if s.opts.CORSOrigin != "" {
		s.setCORS(ctx)
	}
	if rt == nil {
		return &apiError{status: 404, kind: kindNotFound, msg: fmt.Sprintf("no such path: %q", ctx.Path())}
	}
	if ctx.IsOptions() && s.opts.CORSOrigin != "" {
		ctx.SetStatusCode(fasthttp.StatusNoContent)
		return nil
	}
	if !rt.open && !s.authorized(&ctx.Request.Header, ctx.QueryArgs(), rt.family) {
		return errUnauthorized
	}
	if !allowed(rt.methods, ctx.Method()) {
		allow := rt.methods
		if strings.HasPrefix(allow, "GET") {
			allow = "GET, HEAD" + allow[len("GET"):]
		}
		return &apiError{status: 405, kind: kindNotAllowed, allow: allow,
			msg: fmt.Sprintf("method %q is not allowed here: want %s", ctx.Method(), allow)}
	}
	if !rt.open && !s.opts.NoTenancy {
		var err error
		if c.tenant, err = parseTenant(ctx.Request.Header.Peek("X-Scope-OrgID")); err != nil {
			return err
		}
	}
	if err := s.readBody(c, rt.large); err != nil {
		return err
	}
	return rt.handler(s, c)
}

// allowed reports whether a comma-separated list names a method.
func allowed(methods string, method []byte) bool {
	m := string(method)
	if m == fasthttp.MethodHead {
		m = fasthttp.MethodGet
	}
	for one := range strings.SplitSeq(methods, ", ") {
		if one == m {
			return true
		}
	}
	return false
}

// maxTenant bounds X-Scope-OrgID in bytes, as Loki does.
const maxTenant = 150

// parseTenant checks X-Scope-OrgID by the rule of Loki and Mimir: letters,
// digits and !-_.*'() only. Several tenants at once, a|b, are not offered.
func parseTenant(v []byte) (string, error) {
	if len(v) > maxTenant {
		return "", badHeader("X-Scope-OrgID", fmt.Sprintf("has %d bytes: want at most %d", len(v), maxTenant))
	}
	for _, b := range v {
		if !('a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || strings.IndexByte("!-_.*'()", b) >= 0) {
			return "", badHeader("X-Scope-OrgID", fmt.Sprintf("%q: want letters, digits and !-_.*'() only", v))
		}
	}
	return string(v), nil
}

func badHeader(name, why string) error {
	return &apiError{status: 400, kind: kindBadData, msg: "invalid header " + name + ": " + why}
}

// setCORS lets pages of the configured origin read answers.
func (s *Server) setCORS(ctx *fasthttp.RequestCtx) {
	h := &ctx.Response.Header
	h.Set("Access-Control-Allow-Origin", s.opts.CORSOrigin)
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Content-Encoding, Idempotency-Key, X-Scope-OrgID")
	h.Set("Access-Control-Expose-Headers", "X-InfluxDB-Error, Retry-After")
	if s.opts.CORSOrigin != "*" {
		h.Add("Vary", "Origin")
	}
}
