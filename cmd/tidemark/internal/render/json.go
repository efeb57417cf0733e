package render

import (
	"encoding/json"
	"strconv"
	"strings"

	"tidemark/query"
)

// answer is the JSON form of an answer: the data, the statistics and the notes
// of the server's native API, so that a program reads both alike.
type answer struct {
	ResultType string   `json:"resultType"`
	Result     any      `json:"result"`
	Stats      stats    `json:"stats"`
	Warnings   []string `json:"warnings,omitempty"`
	Infos      []string `json:"infos,omitempty"`
}

type stats struct {
	Series  int64 `json:"series"`
	Samples int64 `json:"samples"`
	Rows    int64 `json:"rows"`
}

type jsonSeries struct {
	Metric map[string]string `json:"metric"`
	Value  *jsonPoint        `json:"value,omitempty"`
	Values []jsonPoint       `json:"values,omitempty"`
	// Histogram and Histograms are the same of native histograms.
	Histogram  *jsonHistogram  `json:"histogram,omitempty"`
	Histograms []jsonHistogram `json:"histograms,omitempty"`
}

type jsonStream struct {
	Stream  map[string]string `json:"stream"`
	Entries []jsonEntry       `json:"entries"`
}

type jsonEntry struct {
	Time   string      `json:"time"`
	Line   string      `json:"line"`
	Fields []jsonField `json:"fields"`
}

type jsonField struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

// jsonPoint is [seconds,"value"].
type jsonPoint query.Point

// MarshalJSON writes seconds as a number, with milliseconds where there are
// any, and the value as a string.
func (p jsonPoint) MarshalJSON() ([]byte, error) {
	b := append([]byte("["), strconv.FormatFloat(float64(p.T)/1000, 'f', -1, 64)...)
	b = append(b, ',', '"')
	b = append(b, number(p.V)...)
	return append(b, '"', ']'), nil
}

func writeJSON(b *strings.Builder, r *query.Result) error {
	a := answer{Stats: stats{r.Stats.Series, r.Stats.Samples, r.Stats.Rows}, Warnings: r.Warnings, Infos: r.Infos}
	switch r.Kind {
	case query.KindScalar:
		if len(r.Points) == 1 {
			a.ResultType, a.Result = "scalar", jsonPoint(r.Points[0])
		} else {
			a.ResultType, a.Result = "matrix", []jsonSeries{{Metric: map[string]string{}, Values: points(r.Points)}}
		}
	case query.KindString:
		a.ResultType, a.Result = "string", r.Text
	case query.KindStreams:
		list := []jsonStream{}
		for i := range r.Streams {
			list = append(list, jsonStream{r.Streams[i].Labels.Map(), entries(r.Streams[i].Entries)})
		}
		a.ResultType, a.Result = "streams", list
	default:
		a.ResultType = "matrix"
		if r.Kind == query.KindVector {
			a.ResultType = "vector"
		}
		list := []jsonSeries{}
		for i := range r.Series {
			s := jsonSeries{Metric: r.Series[i].Labels.Map()}
			switch in := &r.Series[i]; {
			case r.Kind == query.KindVector && len(in.Points) == 1:
				p := jsonPoint(in.Points[0])
				s.Value = &p
			case r.Kind == query.KindVector && len(in.Histograms) == 1:
				h := jsonHistogram(in.Histograms[0])
				s.Histogram = &h
			default:
				s.Values, s.Histograms = points(in.Points), histograms(in.Histograms)
			}
			list = append(list, s)
		}
		a.Result = list
	}
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(a)
}

func points(ps []query.Point) []jsonPoint {
	out := make([]jsonPoint, len(ps))
	for i, p := range ps {
		out[i] = jsonPoint(p)
	}
	return out
}

func entries(es []query.Entry) []jsonEntry {
	out := make([]jsonEntry, len(es))
	for i := range es {
		out[i] = jsonEntry{Time: strconv.FormatInt(es[i].T, 10), Line: es[i].Line, Fields: []jsonField{}}
		for _, f := range es[i].Fields {
			out[i].Fields = append(out[i].Fields, jsonField{f.Name, f.Value.Type.String(), f.Value.String()})
		}
	}
	return out
}
