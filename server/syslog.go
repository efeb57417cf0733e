package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"tidemark/ingest"
	"tidemark/ingest/syslog"
	"tidemark/storage/model"
)

const (
	// syslogConns bounds the connections that senders of syslog hold at once.
	syslogConns = 1000
	// syslogBatch bounds the messages, and syslogBytes their bytes, that are
	// written at once; syslogWait is how long a datagram waits for others.
	syslogBatch = 1000
	syslogBytes = 4 << 20
	syslogWait  = 100 * time.Millisecond
	// syslogRetry is how long a store is given that cannot take a batch now;
	// meanwhile TCP holds its senders up.
	syslogRetry = 30 * time.Second
	// maxDatagram is the most that UDP carries.
	maxDatagram = 64 << 10
)

// syslogs are the listeners and connections of syslog.
type syslogs struct {
	mu      sync.Mutex
	open    map[io.Closer]bool
	conns   int
	stopped bool
	running sync.WaitGroup
	told    time.Time // when a refused message was last logged
}

// hold registers what Shutdown closes; it reports false after Shutdown.
func (sl *syslogs) hold(c io.Closer, conn bool) (ok, full bool) {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	if sl.stopped {
		return false, false
	}
	if conn {
		if sl.conns >= syslogConns {
			return false, true
		}
		sl.conns++
	}
	if sl.open == nil {
		sl.open = map[io.Closer]bool{}
	}
	sl.open[c] = true
	sl.running.Add(1)
	return true, false
}

func (sl *syslogs) release(c io.Closer, conn bool) {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	delete(sl.open, c)
	if conn {
		sl.conns--
	}
	sl.running.Done()
}

// stop closes everything and waits until what was read is written.
func (sl *syslogs) stop() {
	sl.mu.Lock()
	sl.stopped = true
	for c := range sl.open {
		c.Close()
	}
	sl.mu.Unlock()
	sl.running.Wait()
}

// ServeSyslog reads syslog messages (RFC 5424 and 3164, counted or ended by
// line feeds) from the connections of ln, which it closes in the end, until
// Shutdown; it then returns nil. What was read when Shutdown begins is written
// before it returns.
func (s *Server) ServeSyslog(ln net.Listener) error {
	if ok, _ := s.syslogs.hold(ln, false); !ok {
		return ln.Close()
	}
	defer s.syslogs.release(ln, false)
	defer ln.Close()
	for {
		conn, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("syslog: accept: %w", err)
		}
		ok, full := s.syslogs.hold(conn, true)
		if !ok {
			if full {
				s.opts.Logger.Warn("syslog: a connection was refused", "peer", conn.RemoteAddr().String(), "limit", "syslogConns", "most", syslogConns)
			}
			conn.Close()
			continue
		}
		go func() {
			defer s.syslogs.release(conn, true)
			defer conn.Close()
			s.readSyslog(conn)
		}()
	}
}

// readSyslog reads one connection to its end.
func (s *Server) readSyslog(conn net.Conn) {
	defer s.recovered("syslog")
	peer := host(conn.RemoteAddr())
	sc := syslog.NewScanner(conn, s.syslog.MaxLineBytes())
	batch := &syslogMessages{peer: peer}
	for {
		msg, err := sc.Next()
		switch {
		case errors.Is(err, syslog.ErrTooLong):
			s.refuseSyslog(peer, nil, err)
		case err != nil:
			s.writeSyslog(batch)
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				s.refuseSyslog(peer, nil, err)
			}
			return
		case len(msg) > 0:
			batch.add(msg, s.opts.Now().UnixNano())
		}
		if batch.full() || !sc.Buffered() {
			s.writeSyslog(batch)
		}
	}
}

// ServeSyslogPackets reads one message from each datagram of conn, which it
// closes in the end, until Shutdown; it then returns nil. Datagrams that come
// faster than the store takes them are lost, as UDP has it.
func (s *Server) ServeSyslogPackets(conn net.PacketConn) error {
	if ok, _ := s.syslogs.hold(conn, false); !ok {
		return conn.Close()
	}
	defer s.syslogs.release(conn, false)
	defer conn.Close()
	defer s.recovered("syslog")
	buf := make([]byte, maxDatagram)
	batch := &syslogMessages{}
	for {
		wait := time.Time{}
		if len(batch.list) > 0 {
			wait = time.Now().Add(syslogWait)
		}
		if err := conn.SetReadDeadline(wait); err != nil && !errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("syslog: %w", err)
		}
		n, from, err := conn.ReadFrom(buf)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			s.writeSyslog(batch)
			continue
		case errors.Is(err, net.ErrClosed):
			s.writeSyslog(batch)
			return nil
		case err != nil:
			s.writeSyslog(batch)
			return fmt.Errorf("syslog: %w", err)
		}
		if peer := host(from); peer != batch.peer {
			s.writeSyslog(batch)
			batch.peer = peer
		}
		for n > 0 && (buf[n-1] == '\n' || buf[n-1] == '\r' || buf[n-1] == 0) {
			n--
		}
		if n > 0 {
			batch.add(buf[:n], s.opts.Now().UnixNano())
		}
		if batch.full() {
			s.writeSyslog(batch)
		}
	}
}

// syslogMessages are messages of one peer that wait to be written.
type syslogMessages struct {
	peer string
	list []receivedMessage
	size int
}

type receivedMessage struct {
	at    int64
	bytes []byte
}

func (m *syslogMessages) add(msg []byte, at int64) {
	m.list = append(m.list, receivedMessage{at, append([]byte(nil), msg...)})
	m.size += len(msg)
}

func (m *syslogMessages) full() bool { return len(m.list) >= syslogBatch || m.size >= syslogBytes }

// writeSyslog writes what waits. Refused messages are told by the log and by
// the metrics, since syslog has no answers.
func (s *Server) writeSyslog(m *syslogMessages) {
	if len(m.list) == 0 {
		return
	}
	defer func() { m.list, m.size = m.list[:0], 0 }()
	var rep ingest.Report
	decode := func(b *model.Batch) error {
		rep = ingest.Report{}
		for _, r := range m.list {
			rep.Lines++
			if err := s.syslog.Decode(r.bytes, syslog.Params{Peer: m.peer, Now: r.at, MinTime: s.opts.Sink.MinTime()}, b); err != nil {
				rep.Rejected++
				s.refuseSyslog(m.peer, r.bytes, err)
				continue
			}
			rep.Accepted++
		}
		rep.LogRows, rep.Values = rep.Accepted, rep.Accepted
		return nil
	}
	end := time.Now().Add(syslogRetry)
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := s.append("", decode)
		if err == nil {
			s.countWrite(&rep)
			return
		}
		var e *apiError
		if !errors.As(err, &e) || e.status != 503 && e.status != 429 || time.Now().After(end) || !sleep(s.base, pause) {
			s.metrics.linesBad.Add(float64(len(m.list)))
			s.opts.Logger.Error("syslog: messages were not stored", "messages", len(m.list), "peer", m.peer, "error", err)
			return
		}
	}
}

// sleep waits; it reports false where ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// refuseSyslog logs a refused message, one a second at most.
func (s *Server) refuseSyslog(peer string, msg []byte, why error) {
	if msg == nil {
		s.metrics.linesBad.Inc()
	}
	s.syslogs.mu.Lock()
	defer s.syslogs.mu.Unlock()
	if now := time.Now(); now.Sub(s.syslogs.told) >= time.Second {
		s.syslogs.told = now
		s.opts.Logger.Warn("syslog: a message was refused", "peer", peer, "message", string(msg[:min(len(msg), 256)]), "reason", why.Error())
	}
}

func (s *Server) recovered(what string) {
	if p := recover(); p != nil {
		s.metrics.panics.Inc()
		s.opts.Logger.Error(what+" panicked", "panic", fmt.Sprint(p))
	}
}

func host(a net.Addr) string {
	if h, _, err := net.SplitHostPort(a.String()); err == nil {
		return h
	}
	return a.String()
}
