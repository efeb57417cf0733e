package server

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/storage/model"
)

// lokiVersion is what buildinfo says.
const lokiVersion = "3.6.0"

const (
	// lokiSince and lokiLabelSince are how far back Loki looks where a
	// request gives no start.
	lokiSince      = time.Hour
	lokiLabelSince = 6 * time.Hour
	// lokiLimit is the number of rows where a request gives no limit.
	lokiLimit = 100
	// thinFrom is how many rows are read where interval= thins them out.
	thinFrom = 5000
)

func (s *Server) handleLokiReady(c *call) error {
	if err := s.ready(); err != nil {
		answerText(c.ctx, 503, err.Error()+"\n")
		return nil
	}
	answerText(c.ctx, 200, "ready\n")
	return nil
}

// logRequest reads what Loki's and the native queries have in common.
func (c *call) logRequest(d ast.Dialect) (req query.Request, err error) {
	req.Dialect = d
	if req.Text, err = c.params.query(); err != nil {
		return req, err
	}
	if req.Timeout, err = c.params.duration("timeout"); err != nil {
		return req, err
	}
	if req.Lookback, err = c.params.duration("lookback_delta"); err != nil {
		return req, err
	}
	if req.Limit, err = c.params.limit("limit", lokiLimit); err != nil {
		return req, err
	}
	if req.Limit == 0 {
		return req, badParam("limit", errors.New("limit must be a positive value"))
	}
	switch v := c.params.get("direction"); v {
	case "", "backward", "BACKWARD":
		req.Direction = model.Backward
	case "forward", "FORWARD":
		req.Direction = model.Forward
	default:
		return req, badParam("direction", fmt.Errorf("%q: want forward or backward", v))
	}
	return req, nil
}

// instant completes the request of an instant query and returns its time.
func (s *Server) instant(c *call, req *query.Request) (int64, error) {
	at, err := c.params.time("time", parseLokiTime, s.opts.Now().UnixNano())
	req.Instant, req.End = true, unixTime(at)
	return at, err
}

// ranged completes the request of a range query, and returns its end.
func (s *Server) ranged(c *call, req *query.Request) (int64, error) {
	sp, err := c.params.lokiSpan(s.opts.Now().UnixNano(), lokiSince)
	req.Start, req.End, req.Step = unixTime(sp.start), unixTime(sp.end), sp.step
	return sp.end, err
}

func (s *Server) handleLokiQuery(c *call) error {
	req, err := c.logRequest(ast.LogQL)
	if err != nil {
		return err
	}
	at, err := s.instant(c, &req)
	if err != nil {
		return err
	}
	return s.answerLoki(c, req, 0, at)
}

func (s *Server) handleLokiQueryRange(c *call) error {
	req, err := c.logRequest(ast.LogQL)
	if err != nil {
		return err
	}
	end, err := s.ranged(c, &req)
	if err != nil {
		return err
	}
	interval, err := c.params.duration("interval")
	if err != nil {
		return err
	}
	req.AlignSteps = true
	return s.answerLoki(c, req, interval, end)
}

// answerLoki asks and writes Loki's envelope. With an interval, rows of a
// stream that come sooner than that after the one before are left out; to
// have rows left, more are read than the limit says.
func (s *Server) answerLoki(c *call, req query.Request, interval time.Duration, at int64) error {
	limit := req.Limit
	if interval > 0 {
		req.Limit = max(limit, thinFrom)
	}
	req.Categorize = categorized(c.ctx)
	res, err := s.ask(c, req)
	if err != nil {
		return err
	}
	if interval > 0 {
		thin(res, interval, limit, req.Direction)
	}
	seconds := time.Since(c.start).Seconds()
	s.answer(c, estimate(res), func(w *jsonWriter) {
		w.raw(`{"status":"success","data":{"resultType":"` + resultType(res, req.Instant) + `",`)
		if req.Categorize {
			w.raw(`"encodingFlags":["categorize-labels"],`)
		}
		w.raw(`"result":`)
		switch {
		case res.Kind == query.KindStreams && req.Categorize:
			writeStreams(w, res.Streams, "values", writeCategorized)
		case res.Kind == query.KindStreams:
			writeStreams(w, res.Streams, "values", writeLokiEntry)
		default:
			writeNumbers(w, res, req.Instant, floorMillis(at))
		}
		w.raw(`,"stats":`)
		w.buf = appendLokiStats(w.buf, res, seconds)
		w.raw("}")
		writeNotes(w, res.Warnings, res.Infos)
		w.raw("}\n")
	})
	return nil
}

// writeLokiEntry writes a row as Loki does: its time and its line.
func writeLokiEntry(w *jsonWriter, e *query.Entry) {
	w.raw(`["`)
	w.buf = strconv.AppendInt(w.buf, e.T, 10)
	w.raw(`",`)
	w.text(e.Line)
	w.raw("]")
}

// categorized reports whether a client asks for labels by where they came
// from, as Grafana does.
func categorized(ctx *fasthttp.RequestCtx) bool {
	for f := range strings.SplitSeq(string(ctx.Request.Header.Peek("X-Loki-Response-Encoding-Flags")), ",") {
		if strings.TrimSpace(f) == "categorize-labels" {
			return true
		}
	}
	return false
}

// writeCategorized writes a row with the labels that it has beyond those of
// its stream.
func writeCategorized(w *jsonWriter, e *query.Entry) {
	writeLokiEntry(w, e)
	w.buf = append(w.buf[:len(w.buf)-1], ",{"...)
	if len(e.Meta) > 0 {
		w.raw(`"structuredMetadata":`)
		w.buf = appendLabels(w.buf, e.Meta)
	}
	if len(e.Parsed) > 0 {
		if len(e.Meta) > 0 {
			w.raw(",")
		}
		w.raw(`"parsed":`)
		w.buf = appendLabels(w.buf, e.Parsed)
	}
	w.raw("}]")
}

// appendLokiStats appends the figures that are known of those that Loki's
// clients show; they take a missing one for zero.
func appendLokiStats(dst []byte, r *query.Result, seconds float64) []byte {
	entries := 0
	for i := range r.Streams {
		entries += len(r.Streams[i].Entries)
	}
	perSecond := 0.0
	if seconds > 0 {
		perSecond = float64(r.Stats.Rows) / seconds
	}
	dst = append(dst, `{"summary":{"execTime":`...)
	dst = appendSeconds(dst, seconds)
	dst = append(dst, `,"linesProcessedPerSecond":`...)
	dst = strconv.AppendInt(dst, int64(perSecond), 10)
	dst = append(dst, `,"totalLinesProcessed":`...)
	dst = strconv.AppendInt(dst, r.Stats.Rows, 10)
	dst = append(dst, `,"totalEntriesReturned":`...)
	dst = strconv.AppendInt(dst, int64(entries), 10)
	return append(dst, `},"querier":{},"ingester":{}}`...)
}

// thin keeps, of each stream's rows, the first and every later one that is at
// least the interval away from the last one kept; then it applies the limit to
// what is left, in the order of time.
func thin(r *query.Result, interval time.Duration, limit int, dir model.Direction) {
	left := 0
	for i := range r.Streams {
		es := r.Streams[i].Entries
		kept := es[:0]
		for _, e := range es {
			if len(kept) > 0 {
				// Unsigned, because the distance of two int64 may not fit one.
				last := kept[len(kept)-1].T
				if uint64(max(e.T, last))-uint64(min(e.T, last)) < uint64(interval) {
					continue
				}
			}
			kept = append(kept, e)
		}
		r.Streams[i].Entries = kept
		left += len(kept)
	}
	for ; left > limit; left-- {
		// Drop the row that comes last in the direction asked for.
		worst := -1
		for i := range r.Streams {
			es := r.Streams[i].Entries
			if len(es) == 0 {
				continue
			}
			if worst < 0 {
				worst = i
				continue
			}
			ws := r.Streams[worst].Entries
			t, wt := es[len(es)-1].T, ws[len(ws)-1].T
			if dir == model.Forward && t >= wt || dir == model.Backward && t <= wt {
				worst = i
			}
		}
		es := r.Streams[worst].Entries
		r.Streams[worst].Entries = es[:len(es)-1]
	}
	kept := r.Streams[:0]
	for _, st := range r.Streams {
		if len(st.Entries) > 0 {
			kept = append(kept, st)
		}
	}
	r.Streams = kept
}

// lokiMetaRequest reads what questions about labels of logs have in common.
func (s *Server) lokiMetaRequest(c *call, match []string) (req query.MetaRequest, sp span, err error) {
	req = query.MetaRequest{Dialect: ast.LogQL, Scope: model.ScopeLogs, Enforce: c.enforce()}
	for _, m := range match {
		if m != "" && m != "{}" { // both mean every stream
			req.Match = append(req.Match, m)
		}
	}
	if sp, err = c.params.lokiSpan(s.opts.Now().UnixNano(), lokiLabelSince); err != nil {
		return req, sp, err
	}
	req.Start, req.End = unixTime(sp.start), unixTime(sp.end)
	req.Timeout, err = c.params.duration("timeout")
	return req, sp, err
}

func (s *Server) handleLokiLabels(c *call) error {
	req, _, err := s.lokiMetaRequest(c, c.params.all("query"))
	if err != nil {
		return err
	}
	var lost []string
	req.Warnings = &lost
	names, err := s.opts.Engine.LabelNames(s.base, req)
	if err != nil {
		return s.queryError(err)
	}
	s.answerStrings(c, names, lost)
	return nil
}

func (s *Server) handleLokiLabelValues(c *call) error {
	name, err := c.labelName()
	if err != nil {
		return err
	}
	req, _, err := s.lokiMetaRequest(c, c.params.all("query"))
	if err != nil {
		return err
	}
	var lost []string
	req.Warnings = &lost
	values, err := s.opts.Engine.LabelValues(s.base, name, req)
	if err != nil {
		return s.queryError(err)
	}
	s.answerStrings(c, values, lost)
	return nil
}

func (s *Server) handleLokiSeries(c *call) error {
	req, _, err := s.lokiMetaRequest(c, c.params.all("match[]", "match"))
	if err != nil {
		return err
	}
	var lost []string
	req.Warnings = &lost
	sets, err := s.opts.Engine.LabelSets(s.base, req)
	if err != nil {
		return s.queryError(err)
	}
	s.answerLabelSets(c, sets, lost)
	return nil
}

// handleLokiIndexStats says how much a selector selects. Row groups hold rows
// of several streams, so chunks have no meaning here and are 0.
func (s *Server) handleLokiIndexStats(c *call) error {
	text, err := c.params.query()
	if err != nil {
		return err
	}
	req, sp, err := s.lokiMetaRequest(c, []string{text})
	if err != nil {
		return err
	}
	sets, err := s.opts.Engine.LabelSets(s.base, req)
	if err != nil {
		return s.queryError(err)
	}
	total := func(function string) (int64, error) {
		width := max((uint64(sp.end)-uint64(sp.start))/uint64(time.Millisecond), 1)
		res, err := s.ask(c, query.Request{
			Text:    fmt.Sprintf("sum(%s(%s [%dms]))", function, text, width),
			Dialect: ast.LogQL, Instant: true, End: unixTime(sp.end), Timeout: req.Timeout,
		})
		if err != nil || len(res.Series) == 0 || len(res.Series[0].Points) == 0 {
			return 0, err
		}
		return int64(res.Series[0].Points[0].V), nil
	}
	entries, err := total("count_over_time")
	if err != nil {
		return err
	}
	size, err := total("bytes_over_time")
	if err != nil {
		return err
	}
	b := append([]byte(nil), `{"streams":`...)
	b = strconv.AppendInt(b, int64(len(sets)), 10)
	b = append(b, `,"chunks":0,"entries":`...)
	b = strconv.AppendInt(b, entries, 10)
	b = append(b, `,"bytes":`...)
	b = strconv.AppendInt(b, size, 10)
	answerBytes(c.ctx, 200, append(b, '}', '\n'))
	return nil
}

func (s *Server) handleLokiBuildinfo(c *call) error {
	answerBytes(c.ctx, 200, append(s.appendBuildinfo(nil, lokiVersion), '\n'))
	return nil
}
