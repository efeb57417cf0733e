package server

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/query/parse"
	"tidemark/storage/model"
)

// volumeLimit is how many series a question about volume gets where limit is
// not given, as in Loki; maxVolumeSeries bounds it.
const (
	volumeLimit     = 100
	maxVolumeSeries = 1000
)

// volume is what a question about volume asks for.
type volume struct {
	selector string
	labels   []string // to group by
	byLabel  bool     // one series for each label rather than for each set of values
	limit    int
	span     span
}

// volumeRequest reads query, targetLabels, aggregateBy and limit. Without
// target labels the bytes are grouped by those that the selector names.
func (s *Server) volumeRequest(c *call) (v volume, err error) {
	text, err := c.params.query()
	if err != nil {
		return v, err
	}
	e, err := parse.Parse(text, ast.LogQL)
	if err != nil {
		return v, s.queryError(err)
	}
	sel, ok := e.(*ast.Selector)
	if !ok || sel.HasRange() || len(sel.Stages) > 0 {
		return v, badParam("query", errors.New("only label matchers are supported"))
	}
	v.selector = text
	switch by := c.params.get("aggregateBy"); by {
	case "", "series":
	case "labels":
		v.byLabel = true
	default:
		return v, badParam("aggregateBy", fmt.Errorf("%q: want series or labels", by))
	}
	if v.limit, err = c.params.limit("limit", volumeLimit); err != nil {
		return v, err
	}
	if v.limit == 0 || v.limit > maxVolumeSeries {
		return v, badParam("limit", fmt.Errorf("%d: want 1 to %d (limit maxVolumeSeries)", v.limit, maxVolumeSeries))
	}
	for _, l := range strings.Split(c.params.get("targetLabels"), ",") {
		if l = strings.TrimSpace(l); l != "" {
			v.labels = append(v.labels, l)
		}
	}
	if len(v.labels) == 0 && !v.byLabel {
		for i := range sel.Matchers {
			v.labels = append(v.labels, sel.Matchers[i].Name)
		}
	}
	v.span, err = c.params.lokiSpan(s.opts.Now().UnixNano(), lokiSince)
	return v, err
}

// ask asks for the bytes of each series, largest first; points are at most one
// for each step, or one at the end.
func (v *volume) ask(s *Server, c *call, instant bool) ([]query.Series, error) {
	width := max((uint64(v.span.end)-uint64(v.span.start))/uint64(time.Millisecond), 1)
	if !instant {
		width = max(uint64(v.span.step/time.Millisecond), 1)
	}
	ask := func(labels []string) ([]query.Series, error) {
		quoted := make([]string, len(labels))
		for i, l := range labels {
			quoted[i] = ast.Quote(l)
		}
		res, err := s.ask(c, query.Request{
			Text: fmt.Sprintf("sum by (%s) (bytes_over_time(%s [%dms]))", strings.Join(quoted, ", "), v.selector, width), Dialect: ast.LogQL,
			Instant: instant, Start: unixTime(v.span.start).Add(v.span.step), End: unixTime(v.span.end), Step: v.span.step,
		})
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(res.Series, func(s query.Series) bool { return len(s.Labels) == 0 }), nil
	}
	var out []query.Series
	if v.byLabel {
		names := v.labels
		if len(names) == 0 {
			req, _, err := s.lokiMetaRequest(c, []string{v.selector})
			if err != nil {
				return nil, err
			}
			if names, err = s.opts.Engine.LabelNames(s.base, req); err != nil {
				return nil, s.queryError(err)
			}
		}
		for _, n := range names {
			found, err := ask([]string{n})
			if err != nil {
				return nil, err
			}
			if len(found) > 0 {
				out = append(out, query.Series{Labels: model.Labels{{Name: n}}, Points: addUp(found)})
			}
		}
	} else {
		var err error
		if out, err = ask(v.labels); err != nil {
			return nil, err
		}
	}
	total := func(s query.Series) (sum float64) {
		for _, p := range s.Points {
			sum += p.V
		}
		return sum
	}
	sort.SliceStable(out, func(i, j int) bool { return total(out[i]) > total(out[j]) })
	return out[:min(len(out), v.limit)], nil
}

// addUp adds series up, point by point.
func addUp(series []query.Series) []query.Point {
	at := map[int64]float64{}
	for _, s := range series {
		for _, p := range s.Points {
			at[p.T] += p.V
		}
	}
	out := make([]query.Point, 0, len(at))
	for t, v := range at {
		out = append(out, query.Point{T: t, V: v})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].T < out[j].T })
	return out
}

func (s *Server) answerVolume(c *call, instant bool) error {
	v, err := s.volumeRequest(c)
	if err != nil {
		return err
	}
	if !instant && v.span.end-v.span.start < int64(v.span.step) {
		v.span.step = time.Duration(max(v.span.end-v.span.start, int64(time.Millisecond)))
	}
	series, err := v.ask(s, c, instant)
	if err != nil {
		return err
	}
	res := &query.Result{Kind: query.KindMatrix, Series: series}
	if instant {
		res.Kind = query.KindVector
	}
	s.answer(c, estimate(res), func(w *jsonWriter) {
		w.raw(`{"status":"success","data":{"resultType":"` + resultType(res, instant) + `","result":`)
		writeNumbers(w, res, instant, floorMillis(v.span.end))
		w.raw(`,"stats":{}}}` + "\n")
	})
	return nil
}

// handleLokiVolume tells how many bytes streams had in a range.
func (s *Server) handleLokiVolume(c *call) error { return s.answerVolume(c, true) }

// handleLokiVolumeRange tells the same by steps.
func (s *Server) handleLokiVolumeRange(c *call) error { return s.answerVolume(c, false) }
