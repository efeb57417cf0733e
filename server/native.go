package server

import (
	"strconv"
	"time"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/query/funcs"
)

// The native API carries the whole language. Its envelope is Prometheus's,
// with what the others have no place for:
//
//	{"status":"success",
//	 "data":{"resultType":"scalar|string|vector|matrix|streams","result":…},
//	 "stats":{"series":n,"samples":n,"rows":n,"seconds":s},
//	 "warnings":[…],"infos":[…]}
//
// With stats=all, stats has the member plan, the plan with what each operator
// did; explain=true answers the plan with estimates in the place of the answer.
//
// Numbers are written as in Prometheus: [seconds,"value"]. Log rows are
//
//	{"stream":{label:value…},
//	 "entries":[{"time":"unix nanoseconds","line":"…",
//	             "fields":[{"name":"…","type":"float|int|bool|text","value":"…"}]}]}
//
// Values of fields are strings, whatever their type, because a JSON number can
// hold neither every int64 nor NaN in the hands of most clients.
//
// Times are Unix seconds (fractions allowed), Unix nanoseconds (whole, of more
// than ten digits) or RFC 3339. A forecast is a matrix whose times lie ahead.

func (s *Server) handleNativeQuery(c *call) error {
	req, err := c.logRequest(ast.Native)
	if err != nil {
		return err
	}
	at, err := s.instant(c, &req)
	if err != nil {
		return err
	}
	return s.answerNative(c, req, at)
}

func (s *Server) handleNativeQueryRange(c *call) error {
	req, err := c.logRequest(ast.Native)
	if err != nil {
		return err
	}
	end, err := s.ranged(c, &req)
	if err != nil {
		return err
	}
	return s.answerNative(c, req, end)
}

func (s *Server) answerNative(c *call, req query.Request, at int64) error {
	req.Measure = c.params.get("stats") == "all"
	if done, err := s.explain(c, req); done {
		return err
	}
	res, err := s.ask(c, req)
	if err != nil {
		return err
	}
	seconds := time.Since(c.start).Seconds()
	s.answer(c, estimate(res), func(w *jsonWriter) {
		w.raw(`{"status":"success","data":{"resultType":"` + resultType(res, req.Instant) + `","result":`)
		if res.Kind == query.KindStreams {
			writeStreams(w, res.Streams, "entries", writeNativeEntry)
		} else {
			writeNumbers(w, res, req.Instant, floorMillis(at))
		}
		w.raw(`},"stats":{"series":`)
		w.buf = strconv.AppendInt(w.buf, res.Stats.Series, 10)
		w.raw(`,"samples":`)
		w.buf = strconv.AppendInt(w.buf, res.Stats.Samples, 10)
		w.raw(`,"rows":`)
		w.buf = strconv.AppendInt(w.buf, res.Stats.Rows, 10)
		w.raw(`,"seconds":`)
		w.buf = appendSeconds(w.buf, seconds)
		if res.Plan != nil {
			w.raw(`,"plan":`)
			writePlan(w, res.Plan)
		}
		w.raw("}")
		writeNotes(w, res.Warnings, res.Infos)
		w.raw("}\n")
	})
	return nil
}

// writeNativeEntry writes a row with its typed fields.
func writeNativeEntry(w *jsonWriter, e *query.Entry) {
	w.raw(`{"time":"`)
	w.buf = strconv.AppendInt(w.buf, e.T, 10)
	w.raw(`","line":`)
	w.text(e.Line)
	w.raw(`,"fields":[`)
	for i := range e.Fields {
		if i > 0 {
			w.raw(",")
		}
		w.raw(`{"name":`)
		w.text(e.Fields[i].Name)
		w.raw(`,"type":"` + e.Fields[i].Value.Type.String() + `","value":`)
		w.text(e.Fields[i].Value.String())
		w.raw("}")
	}
	w.raw("]}")
}

// handleNativeFunctions lists the language's functions with their typed
// signatures, for completion and reference.
func (s *Server) handleNativeFunctions(c *call) error {
	all := funcs.All()
	s.answer(c, 512*len(all), func(w *jsonWriter) {
		w.raw(`{"status":"success","data":[`)
		for i, f := range all {
			if i > 0 {
				w.raw(",")
			}
			writeFunction(w, f)
			if !w.spill() {
				return
			}
		}
		w.raw("]}\n")
	})
	return nil
}

func writeFunction(w *jsonWriter, f *funcs.Func) {
	flag := func(name string, v bool) {
		if v {
			w.raw(`,"` + name + `":true`)
		}
	}
	w.raw(`{"name":`)
	w.text(f.Name)
	w.raw(`,"family":`)
	w.text(f.Family)
	w.raw(`,"signature":`)
	w.text(f.Signature())
	w.raw(`,"returns":`)
	w.text(f.Returns.String())
	flag("variadic", f.Variadic)
	flag("pairs", f.Pairs)
	w.raw(`,"params":[`)
	for i := range f.Params {
		p := &f.Params[i]
		if i > 0 {
			w.raw(",")
		}
		w.raw(`{"name":`)
		w.text(p.Name)
		w.raw(`,"types":[`)
		for j, t := range p.Types {
			if j > 0 {
				w.raw(",")
			}
			w.text(t.String())
		}
		w.raw("]")
		flag("optional", p.Optional)
		flag("named_only", p.NamedOnly)
		if p.Default != "" {
			w.raw(`,"default":`)
			w.text(p.Default)
		}
		w.raw(`,"doc":`)
		w.text(p.Doc)
		w.raw("}")
	}
	w.raw(`],"doc":`)
	w.text(f.Doc)
	w.raw(`,"example":`)
	w.text(f.Example)
	w.raw("}")
}
