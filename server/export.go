package server

import (
	"context"
	"math"
	"strconv"

	"tidemark/query"
	"tidemark/storage/model"
)

// Exporting is what an Engine offers that can stream what is stored.
type Exporting interface {
	Export(ctx context.Context, req query.ExportRequest, series func(*model.Series) error, rows func(*model.RowBlock) error) error
}

// exportPart is how many samples one line has at most.
const exportPart = 4096

// handleExport streams what match[] selects as lines of JSON, exact to the
// nanosecond and the type:
//
//	{"metric":{"__name__":"cpu","host":"a"},"times":[1795176000000000000],"values":[1.0]}
//	{"stream":{"app":"api"},"time":1795176000000000000,"line":"GET /","fields":{"ms":4}}
//	{"end":true,"samples":1,"rows":1,"histograms":0}
//
// A number with a point or an exponent is a float, one without an integer;
// floats that JSON lacks are the strings "NaN", "+Inf", "-Inf", and "stale" for
// the marker of a series that ended. Native histograms are left out and
// counted. The last line says that everything came, or what went wrong:
// {"error":"…"}; an answer without it is cut off.
func (s *Server) handleExport(c *call) error {
	engine, ok := s.opts.Engine.(Exporting)
	if !ok {
		return &apiError{status: 404, kind: kindNotFound, msg: "this server exports nothing"}
	}
	req := query.ExportRequest{Match: c.params.all("match[]"), Enforce: c.enforce()}
	for _, p := range []string{"start", "end"} {
		if c.params.get(p) == "" {
			continue
		}
		t, err := c.params.time(p, parseLokiTime, 0)
		if err != nil {
			return err
		}
		if p == "start" {
			req.Start = unixTime(t)
		} else {
			req.End = unixTime(t)
		}
	}
	// What is wrong with the request is told before anything is streamed.
	if err := query.CheckExport(req); err != nil {
		return s.queryError(err)
	}
	s.answer(c, streamFrom, func(w *jsonWriter) {
		x := exporter{w: w}
		if err := engine.Export(s.base, req, x.series, x.rows); err != nil && w.err == nil {
			w.raw(`{"error":`)
			w.text(err.Error())
			w.raw("}\n")
			return
		}
		w.raw(`{"end":true,"samples":`)
		w.buf = strconv.AppendInt(w.buf, x.samples, 10)
		w.raw(`,"rows":`)
		w.buf = strconv.AppendInt(w.buf, x.count, 10)
		w.raw(`,"histograms":`)
		w.buf = strconv.AppendInt(w.buf, x.histograms, 10)
		w.raw("}\n")
	})
	c.ctx.SetContentType("application/x-ndjson")
	return nil
}

// exporter writes lines and counts what they hold.
type exporter struct {
	w                          *jsonWriter
	samples, count, histograms int64
}

func (x *exporter) series(s *model.Series) error {
	w := x.w
	labels := s.Labels.With(model.MetricName, s.Name)
	open := 0 // samples of the line that is being written
	var values []byte
	finish := func() error {
		if open == 0 {
			return nil
		}
		w.raw(`],"values":[`)
		w.buf = append(w.buf, values...)
		w.raw("]}\n")
		open, values = 0, values[:0]
		if !w.spill() {
			return w.err
		}
		return nil
	}
	for i, t := range s.Times {
		if s.Histograms != nil && s.Histograms[i] != nil {
			x.histograms++
			continue
		}
		if open == 0 {
			w.raw(`{"metric":`)
			w.buf = appendLabels(w.buf, labels)
			w.raw(`,"times":[`)
		} else {
			w.raw(",")
			values = append(values, ',')
		}
		w.buf = strconv.AppendInt(w.buf, t, 10)
		values = appendExact(values, sampleValue(s, i))
		x.samples++
		if open++; open == exportPart {
			if err := finish(); err != nil {
				return err
			}
		}
	}
	return finish()
}

// sampleValue is a sample with its type.
func sampleValue(s *model.Series, i int) model.Value {
	if s.Types == nil {
		return model.Float(s.Values[i])
	}
	return model.Value{Type: s.Types[i], Bits: s.Exact[i]}
}

func (x *exporter) rows(b *model.RowBlock) error {
	w := x.w
	for i, t := range b.Times {
		w.raw(`{"stream":`)
		w.buf = appendLabels(w.buf, b.Labels)
		w.raw(`,"time":`)
		w.buf = strconv.AppendInt(w.buf, t, 10)
		w.raw(`,"line":`)
		w.text(b.Lines[i])
		sep := `,"fields":{`
		for c := range b.Columns {
			col := &b.Columns[c]
			if col.Name == model.MetadataField || col.Values[i].Type == model.TypeNone {
				continue
			}
			w.raw(sep)
			w.text(col.Name)
			w.raw(":")
			w.buf = appendExact(w.buf, col.Values[i])
			sep = ","
		}
		if sep == "," {
			w.raw("}")
		}
		w.raw("}\n")
		x.count++
		if !w.spill() {
			return w.err
		}
	}
	return nil
}

// appendExact writes a value so that its type can be told.
func appendExact(dst []byte, v model.Value) []byte {
	switch v.Type {
	case model.TypeInt:
		return strconv.AppendInt(dst, int64(v.Bits), 10)
	case model.TypeBool:
		return strconv.AppendBool(dst, v.Bits&1 == 1)
	case model.TypeText:
		return appendString(dst, v.Text)
	}
	f := math.Float64frombits(v.Bits)
	switch {
	case model.IsStale(f):
		return append(dst, `"stale"`...)
	case math.IsNaN(f) || math.IsInf(f, 0):
		dst = append(dst, '"')
		if math.IsInf(f, 1) {
			dst = append(dst, '+')
			return append(dst, `Inf"`...)
		}
		return append(strconv.AppendFloat(dst, f, 'g', -1, 64), '"')
	}
	from := len(dst)
	dst = strconv.AppendFloat(dst, f, 'g', -1, 64)
	for _, c := range dst[from:] {
		if c == '.' || c == 'e' {
			return dst
		}
	}
	return append(dst, '.', '0')
}
