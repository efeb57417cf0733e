package server

import (
	"errors"
	"fmt"
	"sync"

	"tidemark/ingest"
	"tidemark/storage"
	"tidemark/storage/model"
)

var batchPool = sync.Pool{New: func() any { return new(model.Batch) }}

// maxPooledBatch bounds the batches kept for reuse, so that one huge request
// does not hold its memory for ever.
const maxPooledBatch = 16 << 20

// append has a request decoded into a batch and writes it, unless it is empty.
// It returns when the batch is on disk and visible. decode may be called
// twice: where retention moves on between decoding and appending, the second
// time the records it passed are refused one by one. decode's error, and the
// store's in its place in HTTP, are returned.
func (s *Server) append(requestKey string, decode func(*model.Batch) error) error {
	b := batchPool.Get().(*model.Batch)
	keep := true // the batch may be reused
	defer func() {
		if keep && b.Size() <= maxPooledBatch {
			b.Reset()
			batchPool.Put(b)
		}
	}()
	for attempt := 0; ; attempt++ {
		b.Reset()
		if err := decode(b); err != nil {
			return err
		}
		if b.Len() == 0 {
			return nil
		}
		b.RequestKey = requestKey
		res, err := s.opts.Sink.Append(s.base, b)
		if err == nil {
			if res.Duplicate {
				s.metrics.duplicates.Inc()
			} else {
				s.tails.written(b)
			}
			if res.Refused > 0 {
				// Sending it again would change nothing before tomorrow.
				return &apiError{status: 400, kind: kindBadData,
					msg: fmt.Sprintf("partial write: %s; %d other rows are stored dropped=%d", res.Reason, b.Len(), res.Refused)}
			}
			return nil
		}
		// A store that gave up waiting may still be looking at the batch.
		keep = false
		if errors.Is(err, storage.ErrTooOld) && attempt == 0 {
			b, keep = new(model.Batch), true
			continue
		}
		return storeError(err)
	}
}

// countWrite adds what became of a write's records to the metrics.
func (s *Server) countWrite(rep *ingest.Report) {
	s.metrics.linesStored.Add(float64(rep.Accepted))
	s.metrics.linesBad.Add(float64(rep.Rejected))
	s.metrics.rowsMetric.Add(float64(rep.MetricRows))
	s.metrics.rowsLog.Add(float64(rep.LogRows))
	s.metrics.values.Add(float64(rep.Values))
}

// partialAnswer is the answer to a write of which records were refused; one is what
// a record is called in the plural.
func partialAnswer(rep *ingest.Report, one string) error {
	if rep.Rejected == 0 {
		return nil
	}
	return &apiError{status: 400, kind: kindBadData, partial: &partialWrite{rep.Errors},
		msg: fmt.Sprintf("%d of %d %s refused, the others are stored%s", rep.Rejected, rep.Lines, one, firstError(rep))}
}
