// Package server speaks HTTP for a store and a query engine: the write
// protocols of InfluxDB 1 and 2, the query protocols of Prometheus and Loki,
// Tidemark's own query API, and what operators probe and scrape.
//
// It translates and nothing more: decoding of wire formats is ingest's work,
// answering is query's, keeping is the store's. It reads no flags and no
// environment, writes to no terminal, opens no listener and never ends the
// process. fasthttp is its only home: bytes of a request die with the request,
// so whatever is kept is copied here.
//
// A reading route: server.go (life cycle), routes.go (the one table of paths),
// write.go (a write from bytes to acknowledgement), prometheus.go, loki.go and
// native.go (queries in three dialects), encode.go (answers to JSON).
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"tidemark/ingest"
	"tidemark/ingest/lineprotocol"
	"tidemark/storage"
)

// Defaults of Options.
const (
	DefaultMaxBody      = 64 << 20
	DefaultMaxForm      = 1 << 20
	DefaultReadTimeout  = 60 * time.Second
	DefaultWriteTimeout = 60 * time.Second
	DefaultIdleTimeout  = 90 * time.Second
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

	// Token protects every path but the probes (/-/healthy, /-/ready, /ping,
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
	opts     Options
	http     *fasthttp.Server
	registry *prometheus.Registry

	// base is cancelled when Shutdown gives up waiting or has drained, and
	// with it every query still running.
	base   context.Context
	cancel context.CancelFunc

	serving  atomic.Bool // Serve was called
	stopping atomic.Bool // Shutdown was called
	mu       sync.Mutex
	ln       net.Listener
}

// New checks the options, reporting every bad value together, and returns a
// server that does not listen yet.
func New(opts Options) (*Server, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	s := &Server{opts: opts, registry: prometheus.NewRegistry()}
	s.base, s.cancel = context.WithCancel(context.Background())
	s.http = &fasthttp.Server{}
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
	s.serving.Store(true)
	return s.http.Serve(ln)
}

// Shutdown stops accepting, waits until the requests in flight are answered
// and returns. When ctx ends first, what still runs is cancelled and ctx's
// error returned. The store behind the server may be closed afterwards.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopping.Store(true)
	defer s.cancel()
	return s.http.ShutdownWithContext(ctx)
}
