package server

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/query/logpipe"
)

// handleLokiPatterns tells the patterns of rows with their counts by step and
// level, the most frequent ones first. Loki mines the newest rows as they come;
// here the patterns are those of all rows in the range. A placeholder is
// written <_>, so that a pattern serves as a line filter.
func (s *Server) handleLokiPatterns(c *call) error {
	text, err := c.params.query()
	if err != nil {
		return err
	}
	sp, err := c.params.lokiSpan(s.opts.Now().UnixNano(), lokiSince)
	if err != nil {
		return err
	}
	sp.step = max(sp.step, time.Millisecond)
	res, err := s.ask(c, query.Request{
		Text: fmt.Sprintf("pattern_count_over_time(%s [%dms]) by (%s)", text, sp.step.Milliseconds(), logpipe.LevelLabel), Dialect: ast.LogQL,
		Start: unixTime(sp.start).Add(sp.step), End: unixTime(sp.end).Add(sp.step), Step: sp.step,
	})
	if err != nil {
		return err
	}
	total := func(s *query.Series) (n float64) {
		for _, p := range s.Points {
			n += p.V
		}
		return n
	}
	sort.SliceStable(res.Series, func(i, j int) bool { return total(&res.Series[i]) > total(&res.Series[j]) })
	s.answer(c, estimate(res), func(w *jsonWriter) {
		w.raw(`{"status":"success","data":[`)
		for i := range res.Series {
			sr := &res.Series[i]
			if i > 0 {
				w.raw(",")
			}
			w.raw(`{"pattern":`)
			w.text(strings.ReplaceAll(sr.Labels.Get("pattern"), "<*>", "<_>"))
			w.raw(`,"level":`)
			w.text(sr.Labels.Get(logpipe.LevelLabel))
			w.raw(`,"samples":[`)
			for j, p := range sr.Points {
				if j > 0 {
					w.raw(",")
				}
				w.raw("[")
				w.buf = strconv.AppendInt(w.buf, (p.T-sp.step.Milliseconds())/1000, 10)
				w.raw(",")
				w.buf = strconv.AppendInt(w.buf, int64(p.V), 10)
				w.raw("]")
			}
			w.raw("]}")
			if !w.spill() {
				return
			}
		}
		w.raw("]}\n")
	})
	return nil
}
