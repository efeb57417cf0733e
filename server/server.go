// Package server speaks HTTP for a store and a query engine: the write
// protocols of InfluxDB 1 and 2, Prometheus and OpenTelemetry, those of logs
// (Loki, JSON lines, Elasticsearch's bulk), the query protocols of Prometheus
// and Loki, Tidemark's own query API, and what operators probe and scrape.
//
// It translates and nothing more: decoding of wire formats is ingest's work,
// answering is query's, keeping is the store's. It reads no flags and no
// environment, writes to no terminal, opens no listener and never ends the
// process. fasthttp is its only home: bytes of a request die with the request,
// so whatever is kept is copied here.
//
// A reading route: server.go (life cycle), routes.go (the one table of paths),
// body.go (a request's body, within bounds), write.go (a write from bytes to
// acknowledgement), push.go (logs), prometheus.go, loki.go and
// native.go (queries in three dialects), encode.go (answers to JSON).
package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"

	"tidemark/ingest"
	"tidemark/ingest/exposition"
	"tidemark/ingest/lineprotocol"
	"tidemark/ingest/otlp"
	"tidemark/ingest/remotewrite"
	"tidemark/ingest/syslog"
	"tidemark/storage"
)

// Defaults of Options.
const (
	DefaultMaxBody = 64 << 20
	DefaultMaxForm = 1 << 20
	// DefaultMaxBodyMemory gives way to what one body of MaxBody needs, where
	// that is more.
	DefaultMaxBodyMemory = 512 << 20
	DefaultReadTimeout   = 60 * time.Second
	DefaultWriteTimeout  = 60 * time.Second
	DefaultIdleTimeout   = 90 * time.Second
)

// Options configure a Server. The zero value of every field but Sink and
// Engine means its default.
type Options struct {
	// Sink receives writes. Needed.
	Sink ingest.Sink
	// Engine answers queries. Needed.
	Engine Engine
	// Logger receives what operators should know. Default: nothing is logged.
	Logger *slog.Logger
	// Version and Revision name the program in answers. Default "dev".
	Version, Revision string

	// Token protects every path but the page at / and the probes (/-/healthy, /-/ready, /ping,
	// /health). Default: no token is asked for.
	Token string
	// TLSConfig makes the server speak TLS on the listener given to Serve.
	TLSConfig *tls.Config
	// CertFile and KeyFile name a PEM certificate and key to speak TLS with;
	// they are read by New and added to TLSConfig.
	CertFile, KeyFile string
	// CORSOrigin is the value of Access-Control-Allow-Origin, "*" or one
	// origin. Default: no such header.
	CORSOrigin string

	// MaxBody bounds a write's body in bytes, as sent and after
	// decompression. Default DefaultMaxBody.
	MaxBody int
	// MaxForm bounds the body of a query in bytes. Default DefaultMaxForm.
	MaxForm int
	// MaxBodyMemory bounds the bytes of memory that the bodies of all requests
	// hold at once, as received so far and after decompression. A request
	// whose body finds no room is answered 503 with Retry-After. It must
	// leave room for one body of MaxBody in both forms. Default
	// DefaultMaxBodyMemory.
	MaxBodyMemory int
	// MaxMetadata bounds the metrics of which type, help and unit are known, as
	// sources tell them; those of others are not kept. Default DefaultMaxMetadata.
	MaxMetadata int
	// ReadTimeout, WriteTimeout and IdleTimeout bound reading a request,
	// writing an answer (each piece of a streamed one) and keeping an idle
	// connection.
	ReadTimeout, WriteTimeout, IdleTimeout time.Duration

	// LineProtocol configures the decoder of writes: limits of a line, message
	// fields, whether db= and bucket= become the label db, the cache.
	LineProtocol lineprotocol.Options
	// NoTenancy makes the server ignore X-Scope-OrgID. Otherwise the header
	// becomes the label tenant of what is written and, on reads, a matcher
	// nobody can remove; without the header a read sees everything.
	NoTenancy bool

	// Admin serves the paths that delete data, compact and take snapshots.
	// Default: they are off.
	Admin Admin
	// Ready says whether the store behind the server can be used; the error's
	// text is the answer of /-/ready. Default: ready once Serve was called.
	Ready func() error
	// StoreMetrics gives the store's figures for /metrics. Default: the Metrics
	// method of Sink, where it has one as *storage.DB does.
	StoreMetrics func() storage.Metrics
	// Collectors are registered with the server's own registry and appear
	// under /metrics beside what the server itself counts.
	Collectors []prometheus.Collector
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// validate fills defaults and reports every bad value together.
func (o *Options) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("server: "+format, args...)) }
	if o.Sink == nil {
		bad("Sink is nil, want a store to write to")
	}
	if o.Engine == nil {
		bad("Engine is nil, want one to ask")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	size := func(name string, v *int, def int) {
		if *v < 0 {
			bad("%s is %d, want a positive number or 0 for %d", name, *v, def)
		}
		if *v == 0 {
			*v = def
		}
	}
	size("MaxBody", &o.MaxBody, DefaultMaxBody)
	size("MaxForm", &o.MaxForm, DefaultMaxForm)
	size("MaxMetadata", &o.MaxMetadata, DefaultMaxMetadata)
	one := 2 * (max(o.MaxBody, o.MaxForm) + bodySizes[0])
	if o.MaxBodyMemory > 0 && o.MaxBodyMemory < one {
		bad("MaxBodyMemory is %d, want at least %d: MaxBody as sent and after decompression, and a little", o.MaxBodyMemory, one)
	}
	size("MaxBodyMemory", &o.MaxBodyMemory, max(DefaultMaxBodyMemory, one))
	span := func(name string, v *time.Duration, def time.Duration) {
		if *v < 0 {
			bad("%s is %s, want a positive duration or 0 for %s", name, *v, def)
		}
		if *v == 0 {
			*v = def
		}
	}
	span("ReadTimeout", &o.ReadTimeout, DefaultReadTimeout)
	span("WriteTimeout", &o.WriteTimeout, DefaultWriteTimeout)
	span("IdleTimeout", &o.IdleTimeout, DefaultIdleTimeout)
	if (o.CertFile == "") != (o.KeyFile == "") {
		bad("CertFile is %q and KeyFile %q, want both or none", o.CertFile, o.KeyFile)
	} else if o.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			bad("certificate %s with key %s: %w", o.CertFile, o.KeyFile, err)
		} else {
			if o.TLSConfig == nil {
				o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
			} else {
				o.TLSConfig = o.TLSConfig.Clone()
			}
			o.TLSConfig.Certificates = append(o.TLSConfig.Certificates, cert)
		}
	}
	return errors.Join(errs...)
}

// Server is one HTTP server. Its methods may be called by any goroutine.
type Server struct {
	opts    Options
	router  router
	http    *fasthttp.Server
	decoder *lineprotocol.Decoder
	// remoteWrite and expositions decode Prometheus's formats, otlp
	// OpenTelemetry's metrics.
	remoteWrite *remotewrite.Decoder
	expositions *exposition.Decoder
	otlp        *otlp.Decoder
	// push decodes the write protocols of logs.
	push       pushDecoders
	tails      tailHub
	syslog     *syslog.Decoder
	syslogs    syslogs
	bodies     bodyMemory
	metrics    *serverMetrics
	registry   *prometheus.Registry
	exposition fasthttp.RequestHandler // answers /metrics
	tokenSum   [sha256.Size]byte

	metadata metadata
	// base is the context of everything that requests set in motion. It ends
	// when Shutdown has drained, or gives up waiting.
	base   context.Context
	cancel context.CancelFunc

	grace    time.Duration // cancelGrace
	serving  atomic.Bool   // Serve was called
	stopping atomic.Bool   // Shutdown was called; set under mu

	mu        sync.Mutex
	listeners []net.Listener // being served; guarded by mu
}

// New checks the options, reporting every bad value together, and returns a
// server that does not listen yet.
func New(opts Options) (*Server, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	if m, ok := opts.Sink.(interface{ Metrics() storage.Metrics }); ok && opts.StoreMetrics == nil {
		opts.StoreMetrics = m.Metrics
	}
	s := &Server{opts: opts, router: newRouter(routeTable()), metrics: newServerMetrics(), tokenSum: sha256.Sum256([]byte(opts.Token)), grace: cancelGrace}
	s.bodies.most, s.bodies.refused = int64(opts.MaxBodyMemory), s.metrics.bodiesRefused
	s.metadata.most = opts.MaxMetadata
	s.base, s.cancel = context.WithCancel(context.Background())
	var err error
	if s.decoder, err = lineprotocol.NewDecoder(opts.LineProtocol); err != nil {
		return nil, fmt.Errorf("server: line protocol: %w", err)
	}
	if s.remoteWrite, err = remotewrite.NewDecoder(remotewrite.Options{Options: opts.LineProtocol.Options}); err != nil {
		return nil, fmt.Errorf("server: remote write: %w", err)
	}
	if s.push, err = newPushDecoders(opts.LineProtocol.Options); err != nil {
		return nil, err
	}
	if s.expositions, err = exposition.NewDecoder(exposition.Options{Options: opts.LineProtocol.Options}); err != nil {
		return nil, fmt.Errorf("server: exposition: %w", err)
	}
	if s.otlp, err = otlp.NewDecoder(otlp.Options{Options: opts.LineProtocol.Options}); err != nil {
		return nil, fmt.Errorf("server: OTLP: %w", err)
	}
	if s.syslog, err = syslog.NewDecoder(syslog.Options{Options: opts.LineProtocol.Options}); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if s.registry, err = s.newRegistry(); err != nil {
		return nil, fmt.Errorf("server: collectors: %w", err)
	}
	s.exposition = fasthttpadaptor.NewFastHTTPHandler(promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{Registry: s.registry, EnableOpenMetrics: true}))
	s.http = &fasthttp.Server{
		Name:           "tidemark",
		Handler:        s.handle,
		ErrorHandler:   s.handleProtocolError,
		HeaderReceived: s.limitBody,
		ExpectHandler:  s.expectBody,
		Logger:         fasthttpLogger{opts.Logger},
		// It bounds headers and URL too, and queries travel in URLs.
		ReadBufferSize:  64 << 10,
		WriteBufferSize: 16 << 10,
		// Bodies are read by readBody.
		StreamRequestBody:            true,
		MaxRequestBodySize:           opts.MaxForm,
		DisablePreParseMultipartForm: true,
		ReadTimeout:                  opts.ReadTimeout,
		WriteTimeout:                 opts.WriteTimeout,
		IdleTimeout:                  opts.IdleTimeout,
		CloseOnShutdown:              true,
	}
	return s, nil
}

// Gatherer gives what /metrics shows, so that a program can record its own
// metrics in its own store.
func (s *Server) Gatherer() prometheus.Gatherer { return s.registry }

// Serve answers requests that arrive on ln, which it closes in the end, until
// Shutdown; it then returns nil. It may be called for several listeners.
func (s *Server) Serve(ln net.Listener) error {
	if s.opts.TLSConfig != nil {
		ln = tls.NewListener(ln, s.opts.TLSConfig)
	}
	ln = endListener{ln}
	s.mu.Lock()
	if s.stopping.Load() {
		s.mu.Unlock()
		return ln.Close()
	}
	s.listeners = append(s.listeners, ln)
	s.mu.Unlock()
	s.serving.Store(true)
	err := s.http.Serve(ln)
	if s.stopping.Load() {
		return nil // that the listener was closed is no news
	}
	return err
}

// Shutdown stops accepting, waits until the requests in flight are answered
// and returns. When ctx ends first, what still runs is cancelled and given
// cancelGrace to end; if something does not, the error says so and wraps
// ctx's. After nil, the store behind the server may be closed.
func (s *Server) Shutdown(ctx context.Context) error {
	defer s.cancel()
	s.syslogs.stop()
	s.mu.Lock()
	s.stopping.Store(true)
	listeners := s.listeners
	s.listeners = nil
	s.mu.Unlock()
	// fasthttp forgets that it is stopping when its context ends, so it gets
	// one that covers the grace too.
	drain, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	defer context.AfterFunc(ctx, func() {
		s.cancel()
		time.AfterFunc(s.grace, giveUp)
	})()
	err := s.http.ShutdownWithContext(drain)
	for _, ln := range listeners {
		ln.Close() // again, for one whose Serve was only about to begin
	}
	if err != nil && drain.Err() != nil {
		return fmt.Errorf("server: shutdown: requests are still running %s after they were cancelled: %w", s.grace, ctx.Err())
	}
	return err
}

// cancelGrace is how long Shutdown waits for cancelled requests to end.
const cancelGrace = 2 * time.Second

// bodyLimit is how many bytes the body of a request may have by its header.
func (s *Server) bodyLimit(h *fasthttp.RequestHeader) int {
	path, rawArgs, _ := bytes.Cut(h.RequestURI(), []byte("?"))
	rt := s.router.exact[string(path)]
	if rt == nil || !rt.large {
		return s.opts.MaxForm
	}
	if s.opts.Token != "" {
		args := fasthttp.AcquireArgs()
		defer fasthttp.ReleaseArgs(args)
		args.ParseBytes(rawArgs)
		if !s.authorized(h, args, rt.family) {
			return s.opts.MaxForm
		}
	}
	return s.opts.MaxBody
}

// handleProtocolError answers what never became a request.
func (s *Server) handleProtocolError(ctx *fasthttp.RequestCtx, err error) {
	path, rawArgs, _ := bytes.Cut(ctx.Request.Header.RequestURI(), []byte("?"))
	rt, _ := s.router.find(path)
	label, f := "other", familyOf(path)
	if rt != nil {
		label, f = rt.path, rt.family
	}
	e := unreadable(err)
	var small *fasthttp.ErrSmallBuffer
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		args := fasthttp.AcquireArgs()
		args.ParseBytes(rawArgs)
		if rt != nil && !rt.open && !s.authorized(&ctx.Request.Header, args, f) {
			e = errUnauthorized
		} else if rt != nil && rt.large {
			e = s.tooLarge().(*apiError)
		} else {
			e = s.formTooLarge().(*apiError)
		}
		fasthttp.ReleaseArgs(args)
		linger(ctx)
	case errors.As(err, &small):
		e = &apiError{status: 431, kind: kindTooLarge, msg: "request header and URL are too large: want at most 65536 bytes; send a long query as a form with POST"}
	case errors.As(err, &timeout) && timeout.Timeout():
		e = errSlowRequest
	}
	writeError(ctx, f, e)
	s.metrics.observe(label, e.status, 0)
}

// Bounds of linger.
const (
	lingerBytes = 256 << 20
	lingerTime  = 10 * time.Second
	lingerIdle  = 200 * time.Millisecond
)

// linger reads and drops what a client is still sending of a refused body.
// Closing the connection on unread bytes would reset it, and the client would
// not see the answer that tells it to send less.
func linger(ctx *fasthttp.RequestCtx) {
	conn := ctx.Conn()
	var buf [32 << 10]byte
	end := time.Now().Add(lingerTime)
	for left := lingerBytes; left > 0 && time.Now().Before(end); {
		if conn.SetReadDeadline(time.Now().Add(lingerIdle)) != nil {
			return
		}
		n, err := conn.Read(buf[:])
		left -= n
		if err != nil {
			return
		}
	}
}

// fasthttpLogger passes fasthttp's own complaints on.
type fasthttpLogger struct{ log *slog.Logger }

func (l fasthttpLogger) Printf(format string, args ...any) {
	l.log.Debug("connection", "detail", fmt.Sprintf(format, args...))
}
