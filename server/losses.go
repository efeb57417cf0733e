package server

import (
	"time"

	"tidemark/storage"
)

// Losing is what a Sink offers that knows what was lost of it to damage;
// *storage.DB satisfies it.
type Losing interface {
	Losses() []storage.Loss
}

// Forgetting is what an Admin offers that can end the warnings about losses.
type Forgetting interface {
	ForgetLosses() error
}

// losses lists what was lost. A tenant sees none: they are not labelled with
// whose they are.
func (s *Server) losses(c *call) []storage.Loss {
	if l, ok := s.opts.Sink.(Losing); ok && c.tenant == "" {
		return l.Losses()
	}
	return nil
}

// handleLosses lists what was damaged on disk and cut out:
//
//	{"status":"success","data":[{"found":seconds,"what":"…","start":seconds,
//	  "end":seconds,"metrics":true,"logs":false,"names":["…"],"text":"…"}]}
//
// start and end are left out where no time is known, names where any metric may be
// concerned; text is the warning that queries answer with.
func (s *Server) handleLosses(c *call) error {
	list := s.losses(c)
	s.answer(c, 512*len(list), func(w *jsonWriter) {
		w.raw(`{"status":"success","data":[`)
		for i := range list {
			l := &list[i]
			if i > 0 {
				w.raw(",")
			}
			w.raw(`{"found":`)
			w.buf = appendMillis(w.buf, l.Found.UnixMilli())
			w.raw(`,"what":`)
			w.text(l.What)
			if from, to, ok := l.Times(); ok {
				w.raw(`,"start":`)
				w.buf = appendMillis(w.buf, from.UnixMilli())
				w.raw(`,"end":`)
				w.buf = appendMillis(w.buf, to.Add(time.Millisecond-1).UnixMilli())
			}
			w.raw(`,"metrics":`)
			w.buf = appendBool(w.buf, l.Metrics)
			w.raw(`,"logs":`)
			w.buf = appendBool(w.buf, l.Logs)
			if len(l.Names) > 0 {
				w.raw(`,"names":`)
				w.buf = appendStrings(w.buf, l.Names)
			}
			w.raw(`,"text":`)
			w.text(l.String())
			w.raw("}")
			if !w.spill() {
				return
			}
		}
		w.raw("]}\n")
	})
	return nil
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, "true"...)
	}
	return append(b, "false"...)
}

// handleForgetLosses ends the warnings about what was lost until now.
func (s *Server) handleForgetLosses(c *call) error {
	a, err := s.admin()
	if err != nil {
		return err
	}
	if f, ok := a.(Forgetting); ok {
		if err := f.ForgetLosses(); err != nil {
			return adminError(err)
		}
	}
	c.ctx.SetStatusCode(204)
	return nil
}
