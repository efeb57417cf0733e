package render

import (
	"strconv"

	"tidemark/query"
	"tidemark/query/histogram"
)

// moment is a value of a series at a time, as text.
type moment struct {
	t    int64
	text string
}

// moments returns the values of a series by time: numbers, and native histograms
// as their count, sum and populated buckets.
func moments(s *query.Series) []moment {
	out := make([]moment, 0, len(s.Points)+len(s.Histograms))
	hs := s.Histograms
	for _, p := range s.Points {
		for len(hs) > 0 && hs[0].T < p.T {
			out = append(out, moment{hs[0].T, histogram.String(hs[0].H)})
			hs = hs[1:]
		}
		out = append(out, moment{p.T, number(p.V)})
	}
	for _, h := range hs {
		out = append(out, moment{h.T, histogram.String(h.H)})
	}
	return out
}

// jsonHistogram is [seconds,{"count":…}] as the server writes it.
type jsonHistogram query.HistogramPoint

// MarshalJSON writes count, sum and buckets; a bucket is which of its bounds
// belong to it (0 the upper, 1 the lower, 2 none, 3 both), both bounds, and its
// count.
func (p jsonHistogram) MarshalJSON() ([]byte, error) {
	b := append([]byte("["), strconv.FormatFloat(float64(p.T)/1000, 'f', -1, 64)...)
	b = append(b, `,{"count":"`+number(p.H.Count)+`","sum":"`+number(p.H.Sum)+`"`...)
	for i, k := range histogram.Buckets(nil, p.H) {
		if i == 0 {
			b = append(b, `,"buckets":[`...)
		} else {
			b = append(b, ',')
		}
		kind := 2
		switch {
		case k.LowerClosed && k.UpperClosed:
			kind = 3
		case k.LowerClosed:
			kind = 1
		case k.UpperClosed:
			kind = 0
		}
		b = append(b, `[`+strconv.Itoa(kind)+`,"`+number(k.Lower)+`","`+number(k.Upper)+`","`+number(k.Count)+`"]`...)
	}
	if p.H.Positive.Len()+p.H.Negative.Len() > 0 || p.H.ZeroCount != 0 {
		b = append(b, ']')
	}
	return append(b, "}]"...), nil
}

func histograms(hs []query.HistogramPoint) []jsonHistogram {
	var out []jsonHistogram
	for _, h := range hs {
		out = append(out, jsonHistogram(h))
	}
	return out
}
