package server

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"tidemark/ingest/remotewrite"
)

// A request's body is read here, whole, before its handler runs: a write is
// one atomic batch, and its decoder wants it whole. fasthttp would allocate
// what a client announces; here memory grows with what has arrived, and the
// sum over all requests is bounded by Options.MaxBodyMemory.

// errBodyMemory is the cause of refusing a body for the sake of others.
var errBodyMemory = errors.New("bodies of requests in flight hold all the memory they may")

// bodyMemory is what bodies hold at this moment, in bytes of their buffers, as
// received and after decompression.
type bodyMemory struct {
	most    int64
	used    atomic.Int64
	refused prometheus.Counter
}

// take claims n bytes, or says that there are none.
func (m *bodyMemory) take(n int) error {
	if used := m.used.Add(int64(n)); used > m.most {
		m.used.Add(-int64(n))
		m.refused.Inc()
		return &apiError{status: 503, kind: kindUnavailable, retryAfter: 2 * time.Second, cause: errBodyMemory,
			msg: fmt.Sprintf("%s: want at most %d bytes at once; send it again later", errBodyMemory, m.most)}
	}
	return nil
}

func (m *bodyMemory) give(n int) { m.used.Add(-int64(n)) }

// bodySizes are the sizes of the buffers kept for reuse. A body moves to the
// next as it fills one, so that a client that sends little holds little, even
// among clients that send much; the steps copy
// less than half of the body in all. Beyond the last, buffers are made for the one body.
var bodySizes = [...]int{64 << 10, 256 << 10, 1 << 20, 4 << 20}

var bodyBuffers [len(bodySizes)]sync.Pool

// bodyBuffer holds a body while it arrives.
type bodyBuffer struct {
	memory *bodyMemory
	buf    []byte
	step   int // of bodySizes that buf is of, from 1; 0 is no buffer
}

// grow makes room behind what has arrived, for a body of at most most bytes.
func (b *bodyBuffer) grow(most int) error {
	size, step := 0, b.step
	if step < len(bodySizes) {
		size = bodySizes[step]
	} else {
		size = max(min(4*cap(b.buf), most), len(b.buf)+1)
	}
	if err := b.memory.take(size - cap(b.buf)); err != nil {
		return err
	}
	var next []byte
	if step < len(bodySizes) {
		if p, _ := bodyBuffers[step].Get().(*[]byte); p != nil {
			next = *p
		}
	}
	if next == nil {
		next = make([]byte, size)
	}
	n := copy(next, b.buf)
	b.keep()
	b.buf, b.step = next[:n], step+1
	return nil
}

// keep gives the buffer to the next body.
func (b *bodyBuffer) keep() {
	if b.step > 0 && b.step <= len(bodySizes) {
		buf := b.buf[:cap(b.buf)]
		bodyBuffers[b.step-1].Put(&buf)
	}
}

// release ends the use of the body.
func (b *bodyBuffer) release() {
	if b.step > 0 {
		b.memory.give(cap(b.buf))
		b.keep()
		*b = bodyBuffer{}
	}
}

// readBody reads a request's body of at most most bytes, which then is the
// request's until releaseBody. After an error the connection is of no further
// use and will be closed.
func (s *Server) readBody(c *call, large bool) error {
	stream := c.ctx.RequestBodyStream()
	if stream == nil {
		return nil
	}
	most := s.opts.MaxForm
	if large {
		most = s.opts.MaxBody
	}
	announced := c.ctx.Request.Header.ContentLength() // -1 where it comes in chunks
	c.body.memory = &s.bodies
	err := s.readStream(&c.body, stream, announced, most, c.ctx.Conn())
	if err == nil {
		c.ctx.Request.SetBodyRaw(c.body.buf)
		if !large {
			c.ctx.PostArgs() // while the body is there; an answer may be streamed after it
		}
		return nil
	}
	c.ctx.SetConnectionClose()
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, errTooLong):
		err = s.formTooLarge()
		if large {
			err = s.tooLarge()
		}
		linger(c.ctx)
	case errors.Is(err, errBodyMemory):
		c.body.release()
		linger(c.ctx)
	case errors.As(err, &timeout) && timeout.Timeout():
		err = errSlowRequest
	default:
		err = unreadable(err)
	}
	return err
}

// readStream reads a body into b until its end: announced bytes, or the last
// chunk.
func (s *Server) readStream(b *bodyBuffer, stream io.Reader, announced, most int, conn net.Conn) error {
	if announced > most {
		return errTooLong
	}
	if announced >= 0 {
		most = announced
	}
	for idle := 0; ; {
		into := b.buf[len(b.buf):min(cap(b.buf), most)]
		switch {
		case len(b.buf) == announced:
			return nil
		case len(b.buf) == most:
			into = make([]byte, 1) // only the end may follow
		case len(into) == 0:
			if err := b.grow(most); err != nil {
				return err
			}
			continue
		}
		n, err := stream.Read(into)
		if n > 0 && len(b.buf) == most {
			return errTooLong
		}
		b.buf = b.buf[:len(b.buf)+n]
		switch {
		case err == io.EOF && announced >= 0 && len(b.buf) < announced:
			return fmt.Errorf("the body ends after %d of %d bytes: %w", len(b.buf), announced, io.ErrUnexpectedEOF)
		case err == io.EOF && announced < 0 && ended(conn):
			// fasthttp tells the end of a connection between chunks from
			// the last chunk by nothing else.
			return fmt.Errorf("the body ends after %d bytes, before its last chunk: %w", len(b.buf), io.ErrUnexpectedEOF)
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case n > 0:
			idle = 0
		default:
			if idle++; idle == 100 {
				return io.ErrNoProgress
			}
		}
	}
}

// releaseBody takes the body from a request that was answered. What of it was
// not read, because the request was refused before, is read and dropped up to
// the size of a form; beyond that the connection is closed. Left there, it
// would be taken for the next request.
func (s *Server) releaseBody(c *call) {
	req := &c.ctx.Request
	if stream := req.BodyStream(); stream != nil && !c.ctx.Response.ConnectionClose() {
		b := bodyBuffer{memory: &s.bodies}
		err := b.grow(0)
		for left := s.opts.MaxForm; err == nil; {
			var n int
			n, err = stream.Read(b.buf[:cap(b.buf)])
			if left -= n; left < 0 {
				err = errTooLong
			}
		}
		b.release()
		if err != io.EOF || ended(c.ctx.Conn()) {
			c.ctx.SetConnectionClose()
		}
		if errors.Is(err, errTooLong) || errors.Is(err, errBodyMemory) {
			linger(c.ctx)
		}
	}
	req.ResetBody()
	c.body.release()
}

// errSlowRequest answers what ReadTimeout cut.
var errSlowRequest = &apiError{status: 408, kind: kindTimeout, msg: "the request did not arrive in time"}

// unreadable is the answer to what is not HTTP.
func unreadable(err error) *apiError {
	return &apiError{status: 400, kind: kindBadData, msg: "cannot read the request: " + err.Error(), cause: err}
}

func (s *Server) formTooLarge() error {
	return &apiError{status: 413, kind: kindTooLarge, msg: fmt.Sprintf("request body is too large: want at most %d bytes", s.opts.MaxForm)}
}

// limitBody says, once a request's header was read, how much of a body may
// follow: as much as the path needs, and little from who has no token. A body
// that announces more is asked about like one that expects 100-continue:
// fasthttp then reads nothing of it before expectBody has answered.
func (s *Server) limitBody(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	most := s.bodyLimit(h)
	if h.ContentLength() > most {
		h.Set(fasthttp.HeaderExpect, "100-continue")
	}
	return fasthttp.RequestConfig{MaxRequestBodySize: most}
}

// expectBody answers who asks before sending a body: only its size can be
// wrong by then. Anything but 100 is the status of the answer.
func (s *Server) expectBody(ctx *fasthttp.RequestCtx) int {
	if ctx.Request.Header.ContentLength() <= s.bodyLimit(&ctx.Request.Header) {
		return fasthttp.StatusContinue
	}
	s.handleProtocolError(ctx, fasthttp.ErrBodyTooLarge)
	return ctx.Response.StatusCode()
}

// unsnappy decompresses a block of snappy; the body is valid until release.
// Options.MaxBody bounds what was sent and what it becomes.
func (s *Server) unsnappy(sent []byte) (body []byte, release func(), err error) {
	if len(sent) > s.opts.MaxBody {
		return nil, nil, s.tooLarge()
	}
	s.metrics.bytesWire.Add(float64(len(sent)))
	buf := bodyPool.Get().(*[]byte)
	held := cap(*buf)
	if n, err := snappy.DecodedLen(sent); err == nil && n <= s.opts.MaxBody {
		held = max(held, n) // else nothing will be decoded
	}
	release = func() {
		s.bodies.give(held)
		if cap(*buf) <= maxPooledBody {
			*buf = (*buf)[:0]
			bodyPool.Put(buf)
		}
	}
	if err = s.bodies.take(held); err != nil {
		bodyPool.Put(buf)
		return nil, nil, err
	}
	body, err = remotewrite.Decompress((*buf)[:cap(*buf)], sent, s.opts.MaxBody)
	switch {
	case errors.Is(err, remotewrite.ErrTooLarge):
		err = s.tooLarge()
	case err != nil:
		err = &apiError{status: 400, kind: kindBadData, msg: err.Error(), cause: err}
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	*buf = body
	s.metrics.bytesPlain.Add(float64(len(body)))
	return body, release, nil
}

// endListener accepts connections that know of their end.
type endListener struct{ net.Listener }

func (l endListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetKeepAlive(true)
	}
	return &endConn{Conn: c}, nil
}

// endConn remembers that reading it met its end. One goroutine reads it.
type endConn struct {
	net.Conn
	ended bool
}

func (c *endConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		if n > 0 {
			return n, nil // the end comes alone, next time
		}
		c.ended = len(p) > 0
	}
	return n, err
}

// ended reports whether a connection's end was met.
func ended(c net.Conn) bool {
	e, ok := c.(*endConn)
	return ok && e.ended
}
