package server

import (
	"context"
	"strconv"
	"time"

	"tidemark/storage/model"
)

// Counting is what an Engine offers that can count series by name and label.
type Counting interface {
	Cardinality(ctx context.Context, limit int, timeout time.Duration) (*model.Cardinality, error)
}

// defaultTSDBLimit is the length of each list of status/tsdb that states none,
// as in Prometheus.
const defaultTSDBLimit = 10

// maxTSDBLimit is Prometheus's bound.
const maxTSDBLimit = 10_000

// handlePromTSDB answers Prometheus's status/tsdb from the index of the newest
// day and of what is in memory. A tenant may not see what others have.
func (s *Server) handlePromTSDB(c *call) error {
	limit, err := c.params.limit("limit", defaultTSDBLimit)
	if err != nil {
		return err
	}
	limit = min(limit, maxTSDBLimit)
	report := &model.Cardinality{}
	if e, ok := s.opts.Engine.(Counting); ok && c.tenant == "" {
		r, err := e.Cardinality(s.base, limit, 0)
		if err != nil {
			return s.queryError(err)
		}
		if r != nil {
			report = r
		}
	}
	s.answer(c, 1024+256*limit, func(w *jsonWriter) { writeTSDB(w, report) })
	return nil
}

func writeTSDB(w *jsonWriter, r *model.Cardinality) {
	number := func(name string, v int64) {
		w.raw(`"` + name + `":`)
		w.buf = strconv.AppendInt(w.buf, v, 10)
	}
	w.raw(`{"status":"success","data":{"headStats":{`)
	number("numSeries", r.Series)
	w.raw(",")
	number("numLabelPairs", r.LabelPairs)
	w.raw(`,"chunkCount":0,`) // chunks are not counted by the index
	number("minTime", floorMillis(r.Mint))
	w.raw(",")
	number("maxTime", floorMillis(r.Maxt))
	w.raw("}")
	list := func(name string, counts []model.Count) {
		w.raw(`,"` + name + `":[`)
		for i := range counts {
			if i > 0 {
				w.raw(",")
			}
			w.raw(`{"name":`)
			w.text(counts[i].Name)
			w.raw(",")
			number("value", counts[i].Value)
			w.raw("}")
		}
		w.raw("]")
	}
	list("seriesCountByMetricName", r.SeriesByName)
	list("labelValueCountByLabelName", r.ValuesByLabel)
	list("memoryInBytesByLabelName", r.BytesByLabel)
	list("seriesCountByLabelValuePair", r.SeriesByPair)
	w.raw("}}\n")
}
