package conformance

import (
	"github.com/prometheus/prometheus/model/histogram"

	"tidemark/storage/model"
)

// fromFloat turns a histogram of Prometheus's into one of ours.
func fromFloat(h *histogram.FloatHistogram) *model.Histogram {
	out := &model.Histogram{
		Schema: int8(h.Schema), Hint: model.ResetHint(h.CounterResetHint),
		ZeroThreshold: h.ZeroThreshold, ZeroCount: h.ZeroCount, Count: h.Count, Sum: h.Sum, Custom: h.CustomValues,
		Positive: fromSpans(h.PositiveSpans, h.PositiveBuckets), Negative: fromSpans(h.NegativeSpans, h.NegativeBuckets),
	}
	if out.Stale() {
		return model.StaleHistogram()
	}
	return out
}

func fromSpans(spans []histogram.Span, counts []float64) (b model.Buckets) {
	idx, k := int32(0), 0
	for _, s := range spans {
		idx += s.Offset
		for range s.Length {
			b.Add(idx, counts[k])
			idx++
			k++
		}
	}
	return b
}

// toFloat turns a histogram of ours into one of Prometheus's.
func toFloat(h *model.Histogram) *histogram.FloatHistogram {
	out := &histogram.FloatHistogram{
		Schema: int32(h.Schema), CounterResetHint: histogram.CounterResetHint(h.Hint),
		ZeroThreshold: h.ZeroThreshold, ZeroCount: h.ZeroCount, Count: h.Count, Sum: h.Sum, CustomValues: h.Custom,
	}
	out.PositiveSpans, out.PositiveBuckets = toSpans(h.Positive)
	out.NegativeSpans, out.NegativeBuckets = toSpans(h.Negative)
	return out
}

func toSpans(b model.Buckets) (spans []histogram.Span, counts []float64) {
	next := int32(0)
	for i, idx := range b.Index {
		if i == 0 || idx != next {
			spans = append(spans, histogram.Span{Offset: idx - next})
		}
		spans[len(spans)-1].Length++
		counts = append(counts, b.Count[i])
		next = idx + 1
	}
	return spans, counts
}
