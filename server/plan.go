package server

import (
	"context"
	"errors"
	"strconv"

	"tidemark/query"
)

// Explaining is what an Engine offers that can tell a query's plan; without it
// explain=true is refused.
type Explaining interface {
	Explain(ctx context.Context, req query.Request) (*query.Operator, error)
}

// explain answers a query's plan with estimates in the place of the query's
// answer, where explain=true asks for it; it reports whether it did:
//
//	{"status":"success","data":{"explain":PLAN}}
//
// where a PLAN is
//
//	{"operator":"sum by (job)","type":"instant vector","position":"1:1",
//	 "estimated":{"steps":n,"series":n,"samples":n,"chunks":n,"bytes":n,"summaries":bool,"fixed":bool,"shared":n},
//	 "inputs":[PLAN…]}
func (s *Server) explain(c *call, req query.Request) (bool, error) {
	switch v := c.params.get("explain"); v {
	case "", "false", "0":
		return false, nil
	case "true", "1":
	default:
		return true, badParam("explain", errors.New("want true or false"))
	}
	e, ok := s.opts.Engine.(Explaining)
	if !ok {
		return true, badParam("explain", errors.New("this server's engine does not explain"))
	}
	req.Enforce = c.enforce()
	ctx, end := s.attended(c)
	defer end()
	plan, err := e.Explain(ctx, req)
	if err != nil {
		return true, s.queryError(err)
	}
	s.answer(c, 4096, func(w *jsonWriter) {
		w.raw(`{"status":"success","data":{"explain":`)
		writePlan(w, plan)
		w.raw("}}\n")
	})
	return true, nil
}

// writePlan writes an operator and its inputs.
func writePlan(w *jsonWriter, o *query.Operator) {
	number := func(name string, n int64) {
		w.raw(`,"` + name + `":`)
		w.buf = strconv.AppendInt(w.buf, n, 10)
	}
	w.raw(`{"operator":`)
	w.text(o.Name)
	w.raw(`,"type":`)
	w.text(o.Type)
	if o.Pos.Line > 0 {
		w.raw(`,"position":`)
		w.text(o.Pos.String())
	}
	if e := o.Estimated; e != nil {
		w.raw(`,"estimated":{"steps":`)
		w.buf = strconv.AppendInt(w.buf, int64(e.Steps), 10)
		if len(o.Inputs) == 0 {
			number("series", e.Series)
			number("samples", e.Samples)
			number("chunks", e.Chunks)
			number("bytes", e.Bytes)
			w.raw(`,"summaries":` + strconv.FormatBool(e.Summaries))
		}
		if e.Fixed {
			w.raw(`,"fixed":true`)
		}
		if e.Shared > 0 {
			number("shared", int64(e.Shared))
		}
		w.raw("}")
	}
	if m := o.Measured; m != nil {
		w.raw(`,"measured":{"seconds":`)
		w.buf = appendSeconds(w.buf, m.Time.Seconds())
		number("calls", m.Calls)
		number("series", m.Series)
		number("values", m.Values)
		if m.Reused > 0 {
			number("reused", m.Reused)
		}
		if m.Stats.Series+m.Stats.Rows > 0 {
			number("streamsMatched", m.Stats.Series)
			number("samples", m.Stats.Samples)
			number("rows", m.Stats.Rows)
			number("chunks", m.Stats.Read.Chunks)
			number("chunksSkipped", m.Stats.Read.Skipped)
			number("summaries", m.Stats.Read.Summaries)
			number("bytes", m.Stats.Read.Bytes)
		}
		w.raw("}")
	}
	if len(o.Inputs) > 0 {
		w.raw(`,"inputs":[`)
		for i, in := range o.Inputs {
			if i > 0 {
				w.raw(",")
			}
			writePlan(w, in)
		}
		w.raw("]")
	}
	w.raw("}")
}
