package server

import (
	"strconv"

	"tidemark/query"
	"tidemark/query/histogram"
)

// writeHistograms writes the member histograms of a series, where it has any.
func writeHistograms(w *jsonWriter, ps []query.HistogramPoint) {
	if len(ps) == 0 {
		return
	}
	w.raw(`,"histograms":[`)
	for i := range ps {
		if i > 0 {
			w.raw(",")
		}
		w.buf = appendHistogramPoint(w.buf, ps[i])
		if !w.spill() {
			return
		}
	}
	w.raw("]")
}

// appendHistogramPoint appends [seconds,histogram] in Prometheus's form: count,
// sum and the populated buckets, each as its kind, bounds and count. The kind
// is 0 where only the upper bound belongs to the bucket, 1 only the lower, 2
// neither, 3 both.
func appendHistogramPoint(dst []byte, p query.HistogramPoint) []byte {
	text := func(name string, v float64) {
		dst = append(dst, name...)
		dst = append(dst, '"')
		dst = appendFloat(dst, v)
		dst = append(dst, '"')
	}
	dst = append(dst, '[')
	dst = appendMillis(dst, p.T)
	text(`,{"count":`, p.H.Count)
	text(`,"sum":`, p.H.Sum)
	bs := histogram.Buckets(nil, p.H)
	for i, b := range bs {
		lead := `,"buckets":[[`
		if i > 0 {
			lead = `,[`
		}
		kind := 2
		switch {
		case b.LowerClosed && b.UpperClosed:
			kind = 3
		case b.LowerClosed:
			kind = 1
		case b.UpperClosed:
			kind = 0
		}
		dst = append(dst, lead...)
		dst = strconv.AppendInt(dst, int64(kind), 10)
		text(",", b.Lower)
		text(",", b.Upper)
		text(",", b.Count)
		dst = append(dst, ']')
	}
	if len(bs) > 0 {
		dst = append(dst, ']')
	}
	return append(dst, "}]"...)
}
