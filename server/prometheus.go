package server

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"time"
	"unicode/utf8"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/storage"
	"tidemark/storage/model"
)

// promVersion is what buildinfo says. Grafana chooses by it which parameters
// it may send; the members that would make it assume Mimir are left out.
const promVersion = "2.55.1"

// ask runs a query, counts it and finds its error's place in HTTP.
func (s *Server) ask(c *call, req query.Request) (*query.Result, error) {
	req.Enforce = c.enforce()
	ctx, end := s.attended(c)
	res, err := s.opts.Engine.Query(ctx, req)
	end()
	if err != nil {
		err = s.queryError(err)
	}
	s.metrics.query(c.family, err)
	return res, err
}

// queryError finds the place in HTTP of an error of the engine. What the
// engine does not name is a fault of the store.
func (s *Server) queryError(err error) error {
	at := func(status int, kind string) error {
		return &apiError{status: status, kind: kind, msg: err.Error(), cause: err}
	}
	var qe *ast.Error
	switch {
	case errors.As(err, &qe), errors.Is(err, query.ErrRequest):
		return at(400, kindBadData)
	case errors.Is(err, query.ErrLimit), errors.Is(err, query.ErrExecution):
		return at(422, kindExecution)
	case errors.Is(err, query.ErrTimeout):
		return at(503, kindTimeout)
	case errors.Is(err, query.ErrBusy):
		return &apiError{status: 503, kind: kindTimeout, msg: err.Error(), cause: err, retryAfter: time.Second}
	case errors.Is(err, query.ErrCanceled):
		return at(503, kindCanceled)
	case errors.Is(err, storage.ErrClosed):
		return at(503, kindUnavailable)
	}
	return at(500, kindInternal)
}

// inParam says in which parameter a faulty query text was, as Prometheus
// does.
func inParam(name string, err error) error {
	var qe *ast.Error
	if errors.As(err, &qe) {
		return badParam(name, err)
	}
	return err
}

// unixTime is the engine's form of a time.
func unixTime(ns int64) time.Time { return time.Unix(0, ns) }

// metaTime is unixTime for questions about labels, where the ends of time
// mean no bound.
func metaTime(ns int64) time.Time {
	if ns == math.MinInt64 || ns == math.MaxInt64 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

// floorMillis is a time in the milliseconds of answers.
func floorMillis(ns int64) int64 {
	ms := ns / 1e6
	if ns%1e6 < 0 {
		ms--
	}
	return ms
}

// promRequest reads what instant and range queries have in common.
func (c *call) promRequest() (req query.Request, limit int, err error) {
	req.Dialect = ast.PromQL
	if req.Text, err = c.params.query(); err != nil {
		return req, 0, err
	}
	if req.Timeout, err = c.params.duration("timeout"); err != nil {
		return req, 0, err
	}
	if req.Lookback, err = c.params.duration("lookback_delta"); err != nil {
		return req, 0, err
	}
	limit, err = c.params.limit("limit", 0)
	return req, limit, err
}

func (s *Server) handlePromQuery(c *call) error {
	req, limit, err := c.promRequest()
	if err != nil {
		return err
	}
	at, err := c.params.time("time", parsePromTime, s.opts.Now().UnixNano())
	if err != nil {
		return err
	}
	req.Instant, req.End = true, unixTime(at)
	return s.answerProm(c, req, limit, floorMillis(at))
}

func (s *Server) handlePromQueryRange(c *call) error {
	req, limit, err := c.promRequest()
	if err != nil {
		return err
	}
	sp, err := c.params.promSpan()
	if err != nil {
		return err
	}
	req.Start, req.End, req.Step = unixTime(sp.start), unixTime(sp.end), sp.step
	return s.answerProm(c, req, limit, floorMillis(sp.end))
}

// truncated is the warning Prometheus gives where limit= cut an answer.
const truncated = "results truncated due to limit"

// answerProm asks and writes Prometheus's envelope.
func (s *Server) answerProm(c *call, req query.Request, limit int, at int64) error {
	stats := c.params.get("stats")
	req.Measure = stats == "all"
	if done, err := s.explain(c, req); done {
		return inParam("query", err)
	}
	res, err := s.ask(c, req)
	if err != nil {
		return inParam("query", err)
	}
	if res.Kind == query.KindStreams {
		return &apiError{status: 422, kind: kindExecution,
			msg: "the query answers log rows, which Prometheus's API cannot carry: ask /loki/api/v1/query_range or /tidemark/api/v1/query_range"}
	}
	if limit > 0 && len(res.Series) > limit {
		res.Series = res.Series[:limit]
		res.Warnings = append(res.Warnings, truncated)
	}
	seconds := time.Since(c.start).Seconds()
	s.answer(c, estimate(res), func(w *jsonWriter) {
		w.raw(`{"status":"success","data":{"resultType":"` + resultType(res, req.Instant) + `","result":`)
		writeNumbers(w, res, req.Instant, at)
		if stats != "" {
			w.raw(`,"stats":{"timings":{"evalTotalTime":`)
			w.buf = appendSeconds(w.buf, seconds)
			w.raw(`},"samples":{"totalQueryableSamples":`)
			w.buf = strconv.AppendInt(w.buf, res.Stats.Samples, 10)
			w.raw(`,"peakSamples":`)
			w.buf = strconv.AppendInt(w.buf, res.Stats.PeakSamples, 10)
			w.raw("}")
			if stats == "all" {
				writeRead(w, &res.Stats)
			}
			if res.Plan != nil {
				w.raw(`,"plan":`)
				writePlan(w, res.Plan)
			}
			w.raw("}")
		}
		w.raw("}")
		writeNotes(w, res.Warnings, res.Infos)
		w.raw("}\n")
	})
	return nil
}

// writeRead writes, as a member of the statistics, what a query read: series
// matched, chunks decoded, summaries taken in the place of samples, chunks that
// were found not to be needed, and bytes of chunks.
func writeRead(w *jsonWriter, s *query.Stats) {
	w.raw(`,"read":{`)
	for i, f := range []struct {
		name string
		n    int64
	}{{"series", s.Series}, {"chunks", s.Chunks}, {"summaries", s.Summaries}, {"chunksSkipped", s.ChunksSkipped}, {"bytes", s.Bytes}} {
		if i > 0 {
			w.raw(",")
		}
		w.raw(`"` + f.name + `":`)
		w.buf = strconv.AppendInt(w.buf, f.n, 10)
	}
	w.raw("}")
}

func appendSeconds(dst []byte, s float64) []byte { return strconv.AppendFloat(dst, s, 'f', 6, 64) }

// metaRequest reads what questions about labels have in common. One answer
// more than the limit is asked for, to see whether there are more.
func (c *call) promMetaRequest() (req query.MetaRequest, limit int, err error) {
	req = query.MetaRequest{Dialect: ast.PromQL, Scope: model.ScopeMetrics, Enforce: c.enforce(), Match: c.params.all("match[]")}
	from, err := c.params.time("start", parsePromTime, math.MinInt64)
	if err != nil {
		return req, 0, err
	}
	to, err := c.params.time("end", parsePromTime, math.MaxInt64)
	if err != nil {
		return req, 0, err
	}
	if to < from {
		return req, 0, badParam("end", errors.New("end timestamp must not be before start time"))
	}
	req.Start, req.End = metaTime(from), metaTime(to)
	if limit, err = c.params.limit("limit", 0); err != nil {
		return req, 0, err
	}
	if limit > 0 {
		req.Limit = limit + 1
	}
	if req.Timeout, err = c.params.duration("timeout"); err != nil {
		return req, 0, err
	}
	return req, limit, nil
}

// cut applies a limit and says whether anything was cut off.
func cut[T any](list []T, limit int) ([]T, []string) {
	if limit > 0 && len(list) > limit {
		return list[:limit], []string{truncated}
	}
	return list, nil
}

// answerStrings writes a list of strings in the envelope that Prometheus and
// Loki share.
func (s *Server) answerStrings(c *call, list, warnings []string) {
	n := 64
	for _, v := range list {
		n += len(v) + 3
	}
	s.answer(c, n, func(w *jsonWriter) {
		w.raw(`{"status":"success","data":[`)
		for i, v := range list {
			if i > 0 {
				w.raw(",")
			}
			w.text(v)
			if !w.spill() {
				return
			}
		}
		w.raw("]")
		writeNotes(w, warnings, nil)
		w.raw("}\n")
	})
}

// answerLabelSets writes a list of label sets in the same envelope.
func (s *Server) answerLabelSets(c *call, sets []model.Labels, warnings []string) {
	n := 64
	for _, ls := range sets {
		n += 8 + 40*len(ls)
	}
	s.answer(c, n, func(w *jsonWriter) {
		w.raw(`{"status":"success","data":[`)
		for i, ls := range sets {
			if i > 0 {
				w.raw(",")
			}
			w.buf = appendLabels(w.buf, ls)
			if !w.spill() {
				return
			}
		}
		w.raw("]")
		writeNotes(w, warnings, nil)
		w.raw("}\n")
	})
}

func (s *Server) handlePromLabels(c *call) error {
	req, limit, err := c.promMetaRequest()
	if err != nil {
		return err
	}
	var lost []string
	req.Warnings = &lost
	names, err := s.opts.Engine.LabelNames(s.base, req)
	if err != nil {
		return inParam("match[]", s.queryError(err))
	}
	names, warnings := cut(names, limit)
	s.answerStrings(c, names, append(warnings, lost...))
	return nil
}

func (s *Server) handlePromLabelValues(c *call) error {
	name, err := c.labelName()
	if err != nil {
		return err
	}
	req, limit, err := c.promMetaRequest()
	if err != nil {
		return err
	}
	var lost []string
	req.Warnings = &lost
	values, err := s.opts.Engine.LabelValues(s.base, name, req)
	if err != nil {
		return inParam("match[]", s.queryError(err))
	}
	values, warnings := cut(values, limit)
	s.answerStrings(c, values, append(warnings, lost...))
	return nil
}

// maxLabelName bounds the name of a label in a path.
const maxLabelName = 4096

// labelName reads the label a path names.
func (c *call) labelName() (string, error) {
	name := unescapeLabel(c.name)
	if name == "" || len(name) > maxLabelName || !utf8.ValidString(name) {
		return "", &apiError{status: 400, kind: kindBadData, msg: fmt.Sprintf("invalid label name: %q", excerpt(name))}
	}
	return name, nil
}

func (s *Server) handlePromSeries(c *call) error {
	req, limit, err := c.promMetaRequest()
	if err != nil {
		return err
	}
	if len(req.Match) == 0 {
		return &apiError{status: 400, kind: kindBadData, msg: "no match[] parameter provided"}
	}
	var lost []string
	req.Warnings = &lost
	sets, err := s.opts.Engine.LabelSets(s.base, req)
	if err != nil {
		return inParam("match[]", s.queryError(err))
	}
	sets, warnings := cut(sets, limit)
	s.answerLabelSets(c, sets, append(warnings, lost...))
	return nil
}

// The following have nothing to tell: exemplars, rules and alerts are not
// stored. Clients ask for them all the same and need a valid answer.

func (s *Server) handlePromExemplars(c *call) error {
	if _, err := c.params.query(); err != nil {
		return err
	}
	for _, p := range []string{"start", "end"} {
		if _, err := c.params.time(p, parsePromTime, 0); err != nil {
			return err
		}
	}
	answerBytes(c.ctx, 200, []byte(`{"status":"success","data":[]}`+"\n"))
	return nil
}

func (s *Server) handlePromRules(c *call) error {
	answerBytes(c.ctx, 200, []byte(`{"status":"success","data":{"groups":[]}}`+"\n"))
	return nil
}

func (s *Server) handlePromAlerts(c *call) error {
	answerBytes(c.ctx, 200, []byte(`{"status":"success","data":{"alerts":[]}}`+"\n"))
	return nil
}

func (s *Server) handlePromBuildinfo(c *call) error {
	b := append([]byte(nil), `{"status":"success","data":`...)
	b = s.appendBuildinfo(b, promVersion)
	answerBytes(c.ctx, 200, append(b, '}', '\n'))
	return nil
}

// appendBuildinfo appends the members that Prometheus's and Loki's buildinfo
// share: the version whose API is spoken, and as revision what speaks it.
func (s *Server) appendBuildinfo(b []byte, version string) []byte {
	b = append(b, `{"version":"`+version+`","revision":`...)
	rev := "tidemark-" + s.opts.Version
	if s.opts.Revision != "" {
		rev += "-" + s.opts.Revision
	}
	b = appendString(b, rev)
	b = append(b, `,"branch":"","buildUser":"","buildDate":"","goVersion":`...)
	b = appendString(b, runtime.Version())
	return append(b, '}')
}
