package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tidemark/cmd/tidemark/internal/demo"
	"tidemark/cmd/tidemark/internal/selfmon"
	"tidemark/ingest"
	"tidemark/ingest/lineprotocol"
	"tidemark/query"
	"tidemark/query/parse"
	"tidemark/server"
	"tidemark/storage"
)

// serveCommand runs the server.
type serveCommand struct {
	Data          string   `help:"The store's folder; it is created where it does not exist (default ${default})." default:"./tidemark-data" placeholder:"DIR"`
	Listen        string   `help:"Address to listen on; port 0 takes any free one (default ${default})." default:"127.0.0.1:8433" placeholder:"HOST:PORT"`
	Retention     span     `help:"Keep records this long by their own time, such as 30d or 1y; by default for ever." placeholder:"DURATION"`
	RetentionSize size     `help:"Drop the oldest days when the store takes more than this on disk, such as 200GiB; by default never." placeholder:"SIZE"`
	RetentionFor  []string `help:"Keep what a selector matches for less, such as '{app=\"debug\"}=7d'; may be repeated." placeholder:"SELECTOR=DURATION" sep:"none"`
	NoSelf        bool     `help:"Do not record the host's and the server's own figures and logs; --demo does not, so that the estate has no strangers."`

	SyslogTCP string `name:"syslog-tcp" help:"Address to take syslog on by TCP, such as 0.0.0.0:1514; by default none. Syslog knows no tokens." placeholder:"HOST:PORT"`
	SyslogUDP string `name:"syslog-udp" help:"The same by UDP." placeholder:"HOST:PORT"`

	AuthTokenFile string `group:"Access:" help:"File with a token that every request must bear." placeholder:"FILE"`
	TLSCert       string `name:"tls-cert" group:"Access:" help:"PEM file of the certificate to speak TLS with." placeholder:"FILE"`
	TLSKey        string `name:"tls-key" group:"Access:" help:"PEM file of the certificate's key." placeholder:"FILE"`
	Insecure      bool   `group:"Access:" help:"Allow listening beyond this machine without a token."`
	AdminAPI      bool   `name:"enable-admin-api" group:"Access:" help:"Serve the paths that delete data, compact the store and take snapshots."`
	CORSOrigin    string `name:"cors-origin" group:"Access:" help:"Origin of web pages that may ask this server, or *." placeholder:"ORIGIN"`

	Demo         bool   `group:"Demo:" help:"Fill the store once with the history of a small, invented estate, and keep it alive."`
	Seed         uint64 `group:"Demo:" help:"Seed of the estate." default:"1"`
	DemoWeeks    int    `group:"Demo:" help:"Weeks of metrics." default:"9"`
	DemoLogWeeks int    `group:"Demo:" help:"Weeks of logs." default:"2"`

	QueryTimeout    span  `group:"Limits:" help:"Deadline of a query that states none (default ${default})." default:"30s" placeholder:"DURATION"`
	MaxQueryTimeout span  `group:"Limits:" help:"Longest deadline that a query may state (default ${default})." default:"5m" placeholder:"DURATION"`
	MaxQueries      int   `group:"Limits:" help:"Queries that run at once; others wait (default ${default})." default:"20" placeholder:"N"`
	MaxSamples      int64 `group:"Limits:" help:"Samples that a query may hold in memory (default ${default})." default:"50000000" placeholder:"N"`
	MaxMemory       size  `name:"query.max-memory" group:"Limits:" help:"Memory that a query may hold: samples, columns and groups (default ${default})." default:"1GiB" placeholder:"SIZE"`
	MaxTotalMemory  size  `name:"query.max-total-memory" group:"Limits:" help:"Memory that all running queries may hold together (default ${default})." default:"4GiB" placeholder:"SIZE"`
	SlowQuery       span  `name:"query.slow" group:"Limits:" help:"Log queries that take at least this long; the log is in the store, too (default ${default})." default:"5s" placeholder:"DURATION"`
	MaxBody         size  `group:"Limits:" help:"Size of a write, also after decompression (default ${default})." default:"64MiB" placeholder:"SIZE"`
	HeadBytes       size  `group:"Limits:" help:"Memory of recent data before it is written to chunks (default ${default})." default:"128MiB" placeholder:"SIZE"`
	CacheBytes      size  `group:"Limits:" help:"Memory of the block cache (default ${default})." default:"128MiB" placeholder:"SIZE"`
	FlushAge        span  `group:"Limits:" help:"Longest time until recent data is written to chunks; it bounds the time of a restart (default ${default})." default:"30m" placeholder:"DURATION"`
	MaxStreams      int   `group:"Limits:" help:"Label sets that are taken within a day; rows of others are refused, while known ones are served on (default: no limit)." placeholder:"N"`
	MaxLine         size  `group:"Limits:" help:"Size of one record or log line with its fields (default ${default})." default:"1MiB" placeholder:"SIZE"`
	MaxFields       int   `group:"Limits:" help:"Fields of one record (default ${default})." default:"1024" placeholder:"N"`
	MaxLogAhead     span  `group:"Limits:" help:"How far after the clock the time of a log row may lie (default ${default})." default:"1d" placeholder:"DURATION"`
	MaxLogBehind    span  `group:"Limits:" help:"How far before the clock it may lie (default: no limit but retention)." placeholder:"DURATION"`
	MinFree         size  `group:"Limits:" help:"Refuse writes when less than this is free on the disk (default ${default})." default:"1GiB" placeholder:"SIZE"`
	SalvageLog      bool  `group:"Limits:" help:"Open a store although a file of its write-ahead log is missing."`

	LogLevel        slog.Level `help:"What to log: debug, info, warn or error." default:"info"`
	ShutdownTimeout span       `help:"Longest wait for requests in flight when the server is stopped (default ${default})." default:"30s" placeholder:"DURATION"`
}

// Help is what --help prints below the summary.
func (serveCommand) Help() string {
	return `Examples:
  tidemark serve --demo
  tidemark serve --data /var/lib/tidemark --retention 90d
  tidemark serve --listen 0.0.0.0:8433 --auth-token-file token --tls-cert cert.pem --tls-key key.pem

SIGTERM and SIGINT answer what is in flight, write everything to disk and end the server with exit
code 0; a second signal ends it at once. Nothing that was acknowledged is lost either way.`
}

// check refuses flags that make no sense together; it returns the token.
func (s *serveCommand) check() (token string, err error) {
	if err := checkListen(s.Listen, s.AuthTokenFile != "", s.Insecure); err != nil {
		return "", err
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		return "", usage("--tls-cert and --tls-key go together")
	}
	if s.Seed == 0 {
		return "", usage("--seed 0: want 1 or more")
	}
	if s.DemoWeeks < 1 || s.DemoWeeks > 520 || s.DemoLogWeeks < 0 || s.DemoLogWeeks > s.DemoWeeks && s.DemoWeeks > 2 {
		return "", usage("--demo-weeks %d --demo-log-weeks %d: want 1 to 520, and no more weeks of logs than of metrics", s.DemoWeeks, s.DemoLogWeeks)
	}
	if s.AuthTokenFile != "" {
		return readToken(s.AuthTokenFile)
	}
	return "", nil
}

// Run serves until a signal.
func (s *serveCommand) Run(c *console) error {
	token, err := s.check()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go func() {
		if _, ok := <-signals; !ok {
			return
		}
		cancel()
		if _, ok := <-signals; ok {
			os.Exit(exitError)
		}
	}()
	return s.serve(ctx, c, token)
}

// serve opens everything in order and closes it in the reverse one.
func (s *serveCommand) serve(ctx context.Context, c *console, token string) (err error) {
	if os.Getenv("GOGC") == "" {
		paceCollector()
	}
	logs := newLogs(c.err, s.LogLevel)
	ln, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	db, err := s.open(c, logs)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	defer func() {
		if cerr := db.Close(); cerr != nil {
			err = errors.Join(err, fmt.Errorf("close %s: %w", s.Data, cerr))
		}
	}()

	mon := s.monitor(c, db, logs)
	ready := &readiness{}
	if s.Demo { // before the first request can ask
		ready.set(errors.New("the demo's history is being written"))
	}
	srv, err := s.server(db, logs.logger(), token, ready)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	var background sync.WaitGroup
	// What runs in the background ends before the store is closed, and after
	// the last request was answered.
	bg, endBackground := context.WithCancel(context.Background())
	defer func() { endBackground(); background.Wait() }()
	if mon != nil {
		mon.SetGatherer(srv.Gatherer())
		background.Go(func() { mon.Run(bg) })
	}
	served := make(chan error, 3) // HTTP and both of syslog
	if err := s.syslog(srv, served, logs); err != nil {
		return errors.Join(err, ln.Close(), srv.Shutdown(context.Background()))
	}
	go func() { served <- srv.Serve(ln) }()
	logs.logger().Info("serving", "listen", ln.Addr().String(), "data", s.Data, "version", version)
	hint := hints{out: c.out, url: s.url(ln.Addr()), data: s.Data, token: token != ""}
	hint.listening()

	filled := make(chan error, 1)
	if s.Demo {
		background.Go(func() {
			feed, err := s.fill(ctx, c, db, logs.logger())
			if err == nil {
				ready.set(nil)
			}
			filled <- err
			if err == nil {
				feed.Run(bg, func(err error) { logs.logger().Warn("demo", "error", err) })
			}
		})
	} else {
		filled <- nil
	}
	for {
		select {
		case err := <-filled:
			switch {
			case ctx.Err() != nil: // stopped: the next start goes on from here
			case err != nil:
				return errors.Join(err, s.shutdown(srv, served, logs))
			default:
				hint.next(s.Demo, mon != nil)
			}
			filled = nil
		case err := <-served:
			return fmt.Errorf("serve: %w", errors.Join(err, errors.New("the listener ended")))
		case <-ctx.Done():
			return s.shutdown(srv, served, logs)
		}
	}
}

// syslog listens for syslog where flags say so. Errors of the listeners come
// on served.
func (s *serveCommand) syslog(srv *server.Server, served chan<- error, logs *logs) error {
	if s.SyslogTCP != "" {
		ln, err := net.Listen("tcp", s.SyslogTCP)
		if err != nil {
			return fmt.Errorf("--syslog-tcp: %w", err)
		}
		logs.logger().Info("taking syslog", "tcp", ln.Addr().String())
		go tellFailure(served, func() error { return srv.ServeSyslog(ln) })
	}
	if s.SyslogUDP != "" {
		conn, err := net.ListenPacket("udp", s.SyslogUDP)
		if err != nil {
			return fmt.Errorf("--syslog-udp: %w", err)
		}
		logs.logger().Info("taking syslog", "udp", conn.LocalAddr().String())
		go tellFailure(served, func() error { return srv.ServeSyslogPackets(conn) })
	}
	return nil
}

// tellFailure sends the error of what runs until the server is stopped.
func tellFailure(to chan<- error, run func() error) {
	if err := run(); err != nil {
		to <- err
	}
}

// open opens the store, showing the progress of its recovery.
func (s *serveCommand) open(c *console, logs *logs) (*storage.DB, error) {
	rules, err := retentionRules(s.RetentionFor)
	if err != nil {
		return nil, err
	}
	replay := newProgress(c.err, "reading the write-ahead log", true)
	defer replay.end()
	db, err := storage.Open(s.Data, storage.Options{
		SalvageLog:      s.SalvageLog,
		MaxDailyStreams: s.MaxStreams,
		MinFree:         minFree(s.MinFree),
		Retention:       time.Duration(s.Retention),
		RetentionSize:   int64(s.RetentionSize),
		RetentionRules:  rules,
		HeadBytes:       int64(s.HeadBytes),
		CacheBytes:      int64(s.CacheBytes),
		FlushAge:        time.Duration(s.FlushAge),
		EventListener: func(e storage.Event) {
			if e.Kind == storage.EventReplay {
				replay.set(e.Done, e.Total)
				return
			}
			logs.event(e)
		},
	})
	if errors.Is(err, storage.ErrLogDamaged) {
		return nil, fmt.Errorf("%w; --salvage-log opens the store without it", err)
	}
	return db, err
}

// minFree is --min-free for the store, where 0 means a default.
func minFree(s size) int64 {
	if s == 0 {
		return -1
	}
	return int64(s)
}

// retentionRules reads --retention-for.
func retentionRules(texts []string) (out []storage.RetentionRule, err error) {
	for _, text := range texts {
		at := strings.LastIndexByte(text, '=')
		if at < 0 {
			return nil, usage("--retention-for %s: want a selector, = and a duration", text)
		}
		var keep span
		if err := keep.UnmarshalText([]byte(text[at+1:])); err != nil {
			return nil, usage("--retention-for %s: %v", text, err)
		}
		ms, err := parse.ParseSelector(text[:at])
		if err != nil {
			return nil, usage("--retention-for %s: %v", text, err)
		}
		out = append(out, storage.RetentionRule{Matchers: ms, Keep: time.Duration(keep)})
	}
	return out, nil
}

// monitor returns what records the server's own figures, or nil. A real host
// among the demo's invented ones would only puzzle.
func (s *serveCommand) monitor(c *console, db *storage.DB, logs *logs) *selfmon.Monitor {
	if s.NoSelf || s.Demo {
		return nil
	}
	var told atomic.Int64
	mon := selfmon.New(db, selfmon.Options{OnError: func(err error) {
		// Once a minute, and past the recording logger, which would feed on it.
		now := time.Now().Unix()
		if last := told.Load(); now-last >= 60 && told.CompareAndSwap(last, now) {
			logs.plain.Warn("own figures and logs are not recorded", "error", err)
		}
	}})
	logs.through(mon)
	return mon
}

func (s *serveCommand) server(db *storage.DB, log *slog.Logger, token string, ready *readiness) (*server.Server, error) {
	opts := query.Options{
		Timeout:       time.Duration(s.QueryTimeout),
		MaxTimeout:    max(time.Duration(s.MaxQueryTimeout), time.Duration(s.QueryTimeout)),
		MaxConcurrent: s.MaxQueries,
		MaxSamples:    s.MaxSamples,
		MaxMemory:     int64(s.MaxMemory), MaxTotalMemory: max(int64(s.MaxTotalMemory), int64(s.MaxMemory)),
		OnFinish: slowQueries(log, time.Duration(s.SlowQuery)),
	}
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	var admin server.Admin
	if s.AdminAPI {
		admin = db
	}
	return server.New(server.Options{
		Admin: admin,
		Sink:  db, Engine: query.NewEngine(db, opts), Logger: log,
		Version: version, Revision: revision(),
		Token: token, CertFile: s.TLSCert, KeyFile: s.TLSKey, CORSOrigin: s.CORSOrigin,
		MaxBody: int(s.MaxBody), Ready: ready.get,
		LineProtocol: lineprotocol.Options{Options: ingest.Options{Limits: ingest.Limits{
			MaxLineBytes: int(s.MaxLine), MaxColumns: s.MaxFields, MaxAhead: time.Duration(s.MaxLogAhead), MaxBehind: time.Duration(s.MaxLogBehind),
		}}},
	})
}

// shutdown drains what is in flight.
func (s *serveCommand) shutdown(srv *server.Server, served <-chan error, logs *logs) error {
	logs.logger().Info("stopping")
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(s.ShutdownTimeout))
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		logs.logger().Warn("requests in flight were cut off", "error", err)
		return nil
	}
	return <-served
}

func (s *serveCommand) url(addr net.Addr) string {
	scheme := "http"
	if s.TLSCert != "" {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return scheme + "://" + addr.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// fill writes the estate's history, as far as it is missing.
func (s *serveCommand) fill(ctx context.Context, c *console, db *storage.DB, log *slog.Logger) (*demo.Feed, error) {
	bar := newProgress(c.err, "writing the demo's history", false)
	defer bar.end()
	feed, err := demo.Open(ctx, db, demo.Options{Seed: s.Seed, Weeks: s.DemoWeeks, LogWeeks: s.DemoLogWeeks, Progress: bar.set,
		Busy: func(err error) bool { return errors.Is(err, storage.ErrOverloaded) }})
	if err != nil {
		return nil, err
	}
	begun, missing := time.Now(), feed.Missing()
	if err := feed.Fill(ctx); err != nil {
		return nil, err
	}
	log.Info("the demo's history is complete", "written", missing.Round(time.Second), "took", time.Since(begun).Round(time.Millisecond))
	return feed, nil
}

// readiness is what /-/ready says.
type readiness struct{ err atomic.Pointer[error] }

func (r *readiness) set(err error) { r.err.Store(&err) }

func (r *readiness) get() error {
	if p := r.err.Load(); p != nil {
		return *p
	}
	return nil
}
