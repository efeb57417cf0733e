package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/klauspost/compress/snappy"

	"tidemark/ingest/remotewrite"
	"tidemark/query"
	"tidemark/server/remoteread"
	"tidemark/storage/model"
)

// Reading is what an Engine offers whose stored samples can be read as they are;
// without it there is no remote read.
type Reading interface {
	Read(ctx context.Context, req query.ReadRequest) (*query.Reading, error)
}

// handleRemoteRead is Prometheus remote read: stored samples by matchers and
// range, whole or as streamed chunks.
func (s *Server) handleRemoteRead(c *call) error {
	engine, ok := s.opts.Engine.(Reading)
	if !ok {
		return &apiError{status: 404, kind: kindNotFound, msg: "this server's engine has no remote read"}
	}
	body, err := remotewrite.Decompress(nil, c.ctx.Request.Body(), s.opts.MaxForm)
	switch {
	case errors.Is(err, remotewrite.ErrTooLarge):
		return s.formTooLarge()
	case err != nil:
		return &apiError{status: 400, kind: kindBadData, msg: err.Error(), cause: err}
	}
	req, err := remoteread.Decode(body)
	if err != nil {
		return &apiError{status: 400, kind: kindBadData, msg: err.Error(), cause: err}
	}
	ctx, end := s.attended(c)
	r := &reading{ctx: ctx, engine: engine, queries: req.Queries, enforce: c.enforce()}
	if req.Type == remoteread.Samples {
		defer end()
		defer r.close()
		return s.answerSamples(c, r)
	}
	// What is wrong with the first query is told by a status.
	if err := r.open(); err != nil {
		end()
		return s.queryError(err)
	}
	c.ctx.SetContentType("application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse")
	stream := &frameStream{server: s, reading: r, end: end}
	c.ctx.SetBodyStream(&patientStream{ReadCloser: stream, conn: c.ctx.Conn(), timeout: s.opts.WriteTimeout}, -1)
	return nil
}

// answerSamples reads everything and answers at once.
func (s *Server) answerSamples(c *call, r *reading) error {
	var w remoteread.SamplesWriter
	for query := 0; ; {
		at, ls, series, err := r.next()
		if err == nil {
			for ; query < at; query++ {
				w.EndQuery()
			}
			if series == nil {
				break
			}
			err = w.Add(ls, series)
		}
		switch {
		case errors.Is(err, remoteread.ErrTooLarge):
			return &apiError{status: 422, kind: kindExecution, msg: err.Error(), cause: err}
		case err != nil:
			return s.queryError(err)
		}
	}
	c.ctx.SetContentType("application/x-protobuf")
	c.ctx.Response.Header.Set("Content-Encoding", "snappy")
	c.ctx.Response.SetBodyRaw(snappy.Encode(nil, w.Message()))
	return nil
}

// reading goes over the series of the queries of a request.
type reading struct {
	ctx     context.Context
	engine  Reading
	enforce []*model.Matcher
	queries []remoteread.Query
	at      int // the query at hand
	opened  *query.Reading
}

// open selects the series of the query at hand, unless that was done.
func (r *reading) open() (err error) {
	if r.opened != nil || r.at == len(r.queries) {
		return nil
	}
	q := &r.queries[r.at]
	r.opened, err = r.engine.Read(r.ctx, query.ReadRequest{Matchers: q.Matchers, Start: q.Start, End: q.End, LabelsOnly: q.LabelsOnly, Enforce: r.enforce})
	return err
}

// next returns the next series and the index of its query; at the end the
// series is nil and the index the number of queries.
func (r *reading) next() (query int, ls model.Labels, series *model.Series, err error) {
	for r.at < len(r.queries) {
		if err := r.open(); err != nil {
			return r.at, nil, nil, err
		}
		if ls, series, err = r.opened.Next(); err != nil || series != nil {
			return r.at, ls, series, err
		}
		if err := r.close(); err != nil {
			return r.at, nil, nil, err
		}
		r.at++
	}
	return r.at, nil, nil, nil
}

func (r *reading) close() error {
	if r.opened == nil {
		return nil
	}
	err := r.opened.Close()
	r.opened = nil
	return err
}

// frameStream is the body of a streamed answer. A series is read when the one
// before it has been sent, so that an answer of any length takes the memory of
// its longest series.
type frameStream struct {
	server  *Server
	reading *reading
	writer  remoteread.FrameWriter
	frames  []byte // of the series at hand, not yet sent
	buf     []byte
	end     func()
}

// Read returns the next bytes. An error ends the connection before the last
// chunk of the body, which tells the client that the answer is not whole.
func (f *frameStream) Read(p []byte) (n int, err error) {
	defer func() { // fasthttp calls this outside of a handler
		if v := recover(); v != nil {
			f.server.metrics.panics.Inc()
			f.server.opts.Logger.Error("remote read panicked", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			n, err = 0, errors.New("internal error")
		}
	}()
	for len(f.frames) == 0 {
		query, ls, series, err := f.reading.next()
		switch {
		case err != nil:
			f.server.opts.Logger.Warn("a streamed remote read failed", "error", err)
			return 0, err
		case series == nil:
			return 0, io.EOF
		}
		f.buf = f.writer.Append(f.buf[:0], query, ls, series)
		f.frames = f.buf
	}
	n = copy(p, f.frames)
	f.frames = f.frames[n:]
	return n, nil
}

// Close ends reading, whether or not everything was sent.
func (f *frameStream) Close() error {
	err := f.reading.close()
	f.end()
	return err
}
