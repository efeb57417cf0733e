package server

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"tidemark/query"
)

// Running is what an Engine offers that knows its running queries; without it
// the list is empty and nothing can be ended.
type Running interface {
	// Active returns the queries that run or wait, the oldest first.
	Active() []query.Active
	// Cancel ends a query and reports whether there was one of that id.
	Cancel(id uint64) bool
}

// handleQueries lists the running queries:
//
//	{"status":"success","data":[{"id":"7","query":"…","dialect":"promql",
//	  "started":seconds,"age":seconds,"waiting":false,"samples":n,"memory":bytes}]}
//
// where samples is how many it holds in memory and memory their bytes, which
// --query.max-memory bounds. A tenant sees none: texts are
// not labelled with whose they are.
func (s *Server) handleQueries(c *call) error {
	var list []query.Active
	if r, ok := s.opts.Engine.(Running); ok && c.tenant == "" {
		list = r.Active()
	}
	now := s.opts.Now()
	s.answer(c, 256*len(list), func(w *jsonWriter) {
		w.raw(`{"status":"success","data":[`)
		for i := range list {
			q := &list[i]
			if i > 0 {
				w.raw(",")
			}
			w.raw(`{"id":"`)
			w.buf = strconv.AppendUint(w.buf, q.ID, 10)
			w.raw(`","query":`)
			w.text(q.Text)
			w.raw(`,"dialect":`)
			w.text(q.Dialect.String())
			w.raw(`,"started":`)
			w.buf = appendMillis(w.buf, q.Started.UnixMilli())
			w.raw(`,"age":`)
			w.buf = appendSeconds(w.buf, now.Sub(q.Started).Seconds())
			w.raw(`,"waiting":` + strconv.FormatBool(q.Waiting) + `,"samples":`)
			w.buf = strconv.AppendInt(w.buf, q.Samples, 10)
			w.raw(`,"memory":`)
			w.buf = strconv.AppendInt(w.buf, q.Memory, 10)
			w.raw("}")
			if !w.spill() {
				return
			}
		}
		w.raw("]}\n")
	})
	return nil
}

// handleQueryCancel ends the query whose id the path names. Whoever asked it
// gets an error that says so.
func (s *Server) handleQueryCancel(c *call) error {
	id, err := strconv.ParseUint(c.name, 10, 64)
	if err != nil {
		return badParam("id", fmt.Errorf("want the number of a running query, got %q", c.name))
	}
	r, ok := s.opts.Engine.(Running)
	if !ok || c.tenant != "" || !r.Cancel(id) {
		return &apiError{status: 404, kind: kindNotFound, msg: fmt.Sprintf("no query %d is running", id)}
	}
	answerBytes(c.ctx, 200, []byte("{\"status\":\"success\"}\n"))
	return nil
}

// probeEvery is how often the connection of a running query is looked at.
const probeEvery = 200 * time.Millisecond

// attended returns a context for a query that ends when the server does, or
// when the client has closed its connection: fasthttp does not look at it while
// a handler runs. A client that closes only its sending half counts as gone,
// as it does for net/http. The caller calls end when the query has ended.
func (s *Server) attended(c *call) (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(s.base)
	conn := c.ctx.Conn()
	stop := make(chan struct{})
	t := time.AfterFunc(probeEvery, func() {
		tick := time.NewTicker(probeEvery)
		defer tick.Stop()
		for {
			if hungUp(conn) {
				cancel()
				return
			}
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	})
	return ctx, func() {
		t.Stop()
		close(stop)
		cancel()
	}
}
