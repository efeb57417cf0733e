package server

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/storage/model"
)

const (
	// maxTails is how many clients may follow queries at once.
	maxTails = 10
	// tailBuffer is how many rows wait for a client; those beyond are dropped,
	// and the client is told which.
	tailBuffer = 4096
	// tailDropped bounds the dropped rows that are named in one message.
	tailDropped = 1000
	// tailBatch bounds the rows of one message.
	tailBatch = 100
	// tailDelay bounds delay_for.
	tailDelay = 5 * time.Second
	// tailPause is how often rows that came are sent.
	tailPause = 100 * time.Millisecond
	// tailTime is how long a query may be followed, tailPing how often a client
	// is asked whether it is there.
	tailTime = time.Hour
	tailPing = 30 * time.Second
)

// tailRow is a row on its way to a client.
type tailRow struct {
	labels model.Labels // of its stream
	entry  query.Entry
}

// tailHub passes rows that were written to those who follow. The writes pay
// for it only while somebody does.
type tailHub struct {
	count atomic.Int32
	mu    sync.RWMutex
	tails map[*tail]bool
}

// tail is one client.
type tail struct {
	query *query.Tail
	rows  chan tailRow

	mu      sync.Mutex
	dropped []tailRow // lines are left out
	lost    int       // dropped rows that are not even named
}

func (h *tailHub) add(t *tail) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.tails) >= maxTails {
		return &apiError{status: 429, kind: kindUnavailable, msg: fmt.Sprintf("max concurrent tail requests limit exceeded (maxTails), count > limit (%d > %d)", maxTails+1, maxTails)}
	}
	if h.tails == nil {
		h.tails = map[*tail]bool{}
	}
	h.tails[t] = true
	h.count.Add(1)
	return nil
}

func (h *tailHub) remove(t *tail) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tails[t] {
		delete(h.tails, t)
		h.count.Add(-1)
	}
}

// written offers a batch that is stored to all who follow. It does not wait
// for anyone.
func (h *tailHub) written(b *model.Batch) {
	if h.count.Load() == 0 {
		return
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	for t := range h.tails {
		t.query.Rows(b, t.offer)
	}
}

func (t *tail) offer(ls model.Labels, e query.Entry) {
	select {
	case t.rows <- tailRow{ls, e}:
	default:
		t.mu.Lock()
		defer t.mu.Unlock()
		if len(t.dropped) < tailDropped {
			t.dropped = append(t.dropped, tailRow{labels: ls, entry: query.Entry{T: e.T}})
		} else {
			t.lost++
		}
	}
}

func (t *tail) takeDropped() []tailRow {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.dropped
	t.dropped, t.lost = nil, 0
	return d
}

// upgrader accepts pages of any origin, as reads by HTTP do: a token, where
// one is set, was checked before.
var upgrader = websocket.FastHTTPUpgrader{
	CheckOrigin:      func(*fasthttp.RequestCtx) bool { return true },
	HandshakeTimeout: 10 * time.Second,
}

// handleLokiTail follows a query over a WebSocket: first the newest rows since
// start (an hour ago by default), up to limit, then every row as it is
// written, delay_for seconds later where that is asked for, so that rows which
// come a little late are still put in order.
func (s *Server) handleLokiTail(c *call) error {
	req, err := c.logRequest(ast.LogQL)
	if err != nil {
		return err
	}
	delay := time.Duration(0)
	if v := c.params.get("delay_for"); v != "" {
		n, err := strconv.ParseUint(v, 10, 31)
		if err != nil || time.Duration(n)*time.Second > tailDelay {
			return badParam("delay_for", fmt.Errorf("%q: delay_for can't be greater than %.0f (tailDelay)", v, tailDelay.Seconds()))
		}
		delay = time.Duration(n) * time.Second
	}
	now := s.opts.Now().UnixNano()
	start, err := c.params.time("start", parseLokiTime, subtract(now, lokiSince))
	if err != nil {
		return err
	}
	req.Start, req.End, req.Step, req.Categorize = unixTime(start), unixTime(math.MaxInt64), time.Second, true
	if start > now {
		return badParam("start", errors.New("lies in the future"))
	}
	q, err := query.NewTail(req.Text, ast.LogQL, c.enforce())
	if err != nil {
		return s.queryError(err)
	}
	if !websocket.FastHTTPIsWebSocketUpgrade(c.ctx) {
		return &apiError{status: 400, kind: kindBadData, msg: "tail wants a WebSocket: send Connection: Upgrade and Upgrade: websocket"}
	}
	t := &tail{query: q, rows: make(chan tailRow, tailBuffer)}
	if err := s.tails.add(t); err != nil {
		return err
	}
	// From here on rows gather, and what was there before is read: none is
	// missed between the two.
	req.Enforce = c.enforce()
	res, err := s.opts.Engine.Query(s.base, req)
	if err != nil {
		s.tails.remove(t)
		return s.queryError(err)
	}
	categorize := categorized(c.ctx)
	err = upgrader.Upgrade(c.ctx, func(conn *websocket.Conn) {
		defer s.tails.remove(t)
		s.follow(conn, t, res.Streams, delay, categorize)
	})
	if err != nil {
		s.tails.remove(t)
		s.opts.Logger.Debug("a tail was not begun", "error", err)
	}
	return nil // Upgrade has answered
}

// follow serves one client until it leaves or the server ends.
func (s *Server) follow(conn *websocket.Conn, t *tail, before []query.Stream, delay time.Duration, categorize bool) {
	defer conn.Close()
	defer func() {
		// This runs in a goroutine of fasthttp's, where a panic would end the
		// process.
		if p := recover(); p != nil {
			s.metrics.panics.Inc()
			s.opts.Logger.Error("following a query panicked", "panic", fmt.Sprint(p))
		}
	}()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		conn.SetReadLimit(4 << 10)
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				return
			}
		}
	}()
	send := func(rows []tailRow) bool {
		dropped := t.takeDropped()
		if len(rows) == 0 && len(dropped) == 0 {
			return true
		}
		if err := conn.SetWriteDeadline(time.Now().Add(s.opts.WriteTimeout)); err != nil {
			return false
		}
		return conn.WriteMessage(websocket.TextMessage, appendTail(nil, rows, dropped, categorize)) == nil
	}
	var waiting []tailRow
	seen := map[string]bool{}
	for i := range before {
		for _, e := range before[i].Entries {
			waiting = append(waiting, tailRow{before[i].Labels, e})
			seen[rowID(before[i].Labels, &e)] = true
		}
	}
	// What gathered while the past was read may be in both.
	for n := len(t.rows); n > 0; n-- {
		if r := <-t.rows; !seen[rowID(r.labels, &r.entry)] {
			waiting = append(waiting, r)
		}
	}
	clear(seen)
	pause, ping, end := time.NewTicker(tailPause), time.NewTicker(tailPing), time.NewTimer(tailTime)
	defer pause.Stop()
	defer ping.Stop()
	defer end.Stop()
	arrived := make([]time.Time, len(waiting)) // zero: long ago
	for {
		select {
		case <-gone:
			return
		case <-s.base.Done():
			s.closeTail(conn, websocket.CloseGoingAway, "the server is shutting down")
			return
		case <-end.C:
			s.closeTail(conn, websocket.CloseInternalServerErr, "reached tail max duration limit (tailTime)")
			return
		case <-ping.C:
			if conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(s.opts.WriteTimeout)) != nil {
				return
			}
		case r := <-t.rows:
			waiting, arrived = append(waiting, r), append(arrived, time.Now())
			for len(waiting) < 2*tailBuffer && len(t.rows) > 0 {
				waiting, arrived = append(waiting, <-t.rows), append(arrived, time.Now())
			}
			if delay > 0 || len(waiting) < tailBatch {
				continue
			}
		case <-pause.C:
		}
		ripe := len(waiting)
		if delay > 0 {
			ripe = sort.Search(len(arrived), func(i int) bool { return time.Since(arrived[i]) < delay })
		}
		due := waiting[:ripe]
		sort.SliceStable(due, func(i, j int) bool { return due[i].entry.T < due[j].entry.T })
		for len(due) > 0 {
			n := min(len(due), tailBatch)
			if !send(due[:n]) {
				return
			}
			due = due[n:]
		}
		waiting, arrived = append(waiting[:0], waiting[ripe:]...), append(arrived[:0], arrived[ripe:]...)
		if !send(nil) { // what was dropped without anything sent
			return
		}
	}
}

func (s *Server) closeTail(conn *websocket.Conn, code int, why string) {
	if err := conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, why), time.Now().Add(time.Second)); err != nil {
		s.opts.Logger.Debug("closing a tail", "error", err)
	}
}

func rowID(ls model.Labels, e *query.Entry) string {
	return strconv.FormatInt(e.T, 10) + "\x00" + ls.Key() + "\x00" + e.Line
}

// appendTail appends one message: each row with its stream, then the rows that
// were dropped.
func appendTail(b []byte, rows, dropped []tailRow, categorize bool) []byte {
	w := jsonWriter{buf: append(b, '{')}
	if len(rows) > 0 {
		w.raw(`"streams":[`)
		for i := range rows {
			r := &rows[i]
			if i > 0 {
				w.raw(",")
			}
			st := query.Stream{Labels: r.labels, Entries: []query.Entry{r.entry}}
			if !categorize {
				st.Labels = allLabels(r.labels, &r.entry)
			}
			w.raw(`{"stream":`)
			w.buf = appendLabels(w.buf, st.Labels)
			w.raw(`,"values":[`)
			if categorize {
				writeCategorized(&w, &r.entry)
			} else {
				writeLokiEntry(&w, &r.entry)
			}
			w.raw("]}")
		}
		w.raw("]")
	}
	if categorize {
		if len(rows) > 0 {
			w.raw(",")
		}
		w.raw(`"encodingFlags":["categorize-labels"]`)
	}
	if len(dropped) > 0 {
		if len(rows) > 0 || categorize {
			w.raw(",")
		}
		w.raw(`"dropped_entries":[`)
		for i := range dropped {
			if i > 0 {
				w.raw(",")
			}
			w.raw(`{"timestamp":"`)
			w.buf = strconv.AppendInt(w.buf, dropped[i].entry.T, 10)
			w.raw(`","labels":`)
			w.buf = appendLabels(w.buf, dropped[i].labels)
			w.raw("}")
		}
		w.raw("]")
	}
	return append(w.buf, '}')
}

// allLabels returns the labels of a row without regard to where they came
// from.
func allLabels(ls model.Labels, e *query.Entry) model.Labels {
	if len(e.Meta) == 0 && len(e.Parsed) == 0 {
		return ls
	}
	out := append(append(append(model.Labels(nil), ls...), e.Meta...), e.Parsed...)
	sort.SliceStable(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}
