package render

import (
	"encoding/csv"
	"strings"

	"tidemark/query"
	"tidemark/storage/model"
)

// writeCSV prints a header and one record per point or log row, after RFC 4180
// but with line feeds alone: time (RFC 3339, UTC), then the labels, then value,
// or line and the fields. Text stands as it is stored.
func writeCSV(b *strings.Builder, r *query.Result) error {
	w := csv.NewWriter(b)
	switch r.Kind {
	case query.KindString:
		_ = w.Write([]string{"text"})
		_ = w.Write([]string{r.Text})
	case query.KindScalar:
		_ = w.Write([]string{"time", "value"})
		for _, p := range r.Points {
			_ = w.Write([]string{milli(p.T), number(p.V)})
		}
	case query.KindStreams:
		streamCSV(w, r.Streams)
	default:
		names := seriesLabelNames(r.Series)
		_ = w.Write(append(append([]string{"time"}, names...), "value"))
		for i := range r.Series {
			for _, c := range moments(&r.Series[i]) {
				rec := []string{milli(c.t)}
				for _, n := range names {
					rec = append(rec, r.Series[i].Labels.Get(n))
				}
				_ = w.Write(append(rec, c.text))
			}
		}
	}
	w.Flush()
	return w.Error() // writes to a strings.Builder report nothing earlier
}

func streamCSV(w *csv.Writer, streams []query.Stream) {
	names := labelNames(func(yield func(model.Labels)) {
		for i := range streams {
			yield(streams[i].Labels)
		}
	})
	var fields []string
	place := map[string]int{}
	for i := range streams {
		for j := range streams[i].Entries {
			for _, f := range streams[i].Entries[j].Fields {
				if _, ok := place[f.Name]; !ok {
					place[f.Name] = len(fields)
					fields = append(fields, f.Name)
				}
			}
		}
	}
	_ = w.Write(append(append(append([]string{"time"}, names...), "line"), fields...))
	for _, r := range rowsOf(streams) {
		rec := []string{nano(r.entry.T)}
		for _, n := range names {
			rec = append(rec, r.labels.Get(n))
		}
		rec = append(rec, r.entry.Line)
		cells := make([]string, len(fields))
		for _, f := range r.entry.Fields {
			cells[place[f.Name]] = f.Value.String()
		}
		_ = w.Write(append(rec, cells...))
	}
}
