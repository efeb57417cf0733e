package query

import (
	"math/bits"

	"tidemark/query/exec"
)

// result turns an executor's answer into the public shape.
func result(a *exec.Answer) *Result {
	r := &Result{Warnings: a.Warnings, Infos: a.Infos, Stats: Stats{
		Series: a.Stats.Series, Samples: a.Stats.Samples, Rows: a.Stats.Rows,
		Chunks: a.Stats.Read.Chunks, Summaries: a.Stats.Read.Summaries, ChunksSkipped: a.Stats.Read.Skipped, Bytes: a.Stats.Read.Bytes,
	}}
	switch a.Shape {
	case exec.String:
		r.Kind, r.Text = KindString, a.Text
		if a.Instant {
			r.Points = []Point{{T: a.Grid.Start}}
		}
	case exec.Scalars:
		r.Kind = KindScalar
		r.Points = make([]Point, len(a.Values))
		for i, v := range a.Values {
			r.Points[i] = Point{a.Grid.At(i), v}
		}
	case exec.Vector:
		r.Kind = KindMatrix
		if a.Instant {
			r.Kind = KindVector
		}
		r.Series = make([]Series, len(a.Columns))
		for i, c := range a.Columns {
			r.Series[i] = Series{Labels: c.Labels}
			r.Series[i].Points, r.Series[i].Histograms = points(c, a.Grid)
		}
	case exec.Matrix:
		r.Kind = KindMatrix
		r.Series = make([]Series, len(a.Timed))
		for i, s := range a.Timed {
			pts := make([]Point, len(s.Times))
			for j, t := range s.Times {
				pts[j] = Point{t, s.Values[j]}
			}
			r.Series[i] = Series{Labels: s.Labels, Points: pts}
			for j, t := range s.Histograms.Times {
				r.Series[i].Histograms = append(r.Series[i].Histograms, HistogramPoint{t, s.Histograms.Values[j]})
			}
		}
	case exec.Rows:
		r.Kind = KindStreams
		r.Streams = make([]Stream, len(a.Streams))
		for i, s := range a.Streams {
			es := make([]Entry, len(s.Entries))
			for j, e := range s.Entries {
				es[j] = Entry{T: e.Time, Line: e.Line, Meta: e.Meta, Parsed: e.Parsed}
				for _, f := range e.Fields {
					es[j].Fields = append(es[j].Fields, Field(f))
				}
			}
			r.Streams[i] = Stream{Labels: s.Labels, Entries: es}
		}
	}
	return r
}

func points(c *exec.Column, g exec.Grid) (out []Point, hists []HistogramPoint) {
	if c.Hists != nil {
		for i, h := range c.Hists {
			switch {
			case !c.Present.Has(i):
			case h != nil:
				hists = append(hists, HistogramPoint{g.At(i), h})
			default:
				out = append(out, Point{g.At(i), c.Values[i]})
			}
		}
		return out, hists
	}
	out = make([]Point, 0, c.Present.Count())
	for w, word := range c.Present {
		for ; word != 0; word &= word - 1 {
			i := w<<6 + bits.TrailingZeros64(word)
			out = append(out, Point{g.At(i), c.Values[i]})
		}
	}
	return out, nil
}
