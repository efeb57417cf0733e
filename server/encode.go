package server

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"net"
	"runtime/debug"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"tidemark/query"
	"tidemark/storage/model"
)

// Answers smaller than minZip are not worth compressing; those estimated at
// streamFrom or more are written in pieces of spillAt while they are encoded,
// so that an answer never exists a second time as text in memory.
const (
	minZip     = 1 << 10
	streamFrom = 1 << 20
	spillAt    = 64 << 10
	// maxPooled bounds the buffers that are kept for reuse.
	maxPooled = 2 << 20
)

// jsonWriter collects JSON and hands full pieces on. Encoders append to buf
// and call spill between parts; after an error they may stop early.
type jsonWriter struct {
	buf []byte
	out io.Writer // nil: everything stays in buf
	err error
}

// spill hands the buffer on once it is full, and reports whether writing is
// still of use.
func (w *jsonWriter) spill() bool {
	if w.out != nil && len(w.buf) >= spillAt {
		w.flush()
	}
	return w.err == nil
}

func (w *jsonWriter) flush() {
	if w.err == nil && len(w.buf) > 0 {
		_, w.err = w.out.Write(w.buf)
	}
	w.buf = w.buf[:0]
}

func (w *jsonWriter) raw(s string)  { w.buf = append(w.buf, s...) }
func (w *jsonWriter) text(s string) { w.buf = appendString(w.buf, s) }

var writerPool = sync.Pool{New: func() any { return new(jsonWriter) }}

func putWriter(w *jsonWriter) {
	if cap(w.buf) <= maxPooled {
		w.buf, w.out, w.err = w.buf[:0], nil, nil
		writerPool.Put(w)
	}
}

// answer writes a JSON answer of about the given number of bytes: whole, or
// streamed where it is large; compressed where the client accepts it. encode
// may run after the handler has returned, so it must not use the request.
func (s *Server) answer(c *call, estimate int, encode func(*jsonWriter)) {
	ctx := c.ctx
	ctx.SetContentType(contentJSON)
	ctx.Response.Header.Add("Vary", "Accept-Encoding")
	zip := accepted(&ctx.Request.Header)
	if estimate < streamFrom {
		w := writerPool.Get().(*jsonWriter)
		defer putWriter(w)
		encode(w)
		if zip == nil || len(w.buf) < minZip {
			ctx.SetBody(w.buf)
			return
		}
		ctx.Response.Header.Set("Content-Encoding", zip.name)
		z := zip.get(ctx.Response.BodyWriter())
		defer zip.put(z)
		z.Write(w.buf) // a body in memory takes any write
		z.Close()
		return
	}
	if zip != nil {
		ctx.Response.Header.Set("Content-Encoding", zip.name)
	}
	if ctx.IsHead() {
		return
	}
	body := fasthttp.NewStreamReader(func(bw *bufio.Writer) {
		// This runs in a goroutine of its own, where a panic would end the
		// process; an answer cut short is what the client sees instead.
		defer func() {
			if p := recover(); p != nil {
				s.metrics.panics.Inc()
				s.opts.Logger.Error("encoding an answer panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
		}()
		w := writerPool.Get().(*jsonWriter)
		out := io.Writer(bw)
		if zip != nil {
			z := zip.get(out)
			defer zip.put(z)
			defer z.Close()
			out = z
		}
		w.out = out
		encode(w)
		w.flush()
		if w.err != nil {
			s.opts.Logger.Debug("a streamed answer was not taken", "error", w.err)
		}
		putWriter(w)
	})
	ctx.SetBodyStream(&patientStream{ReadCloser: body, conn: ctx.Conn(), timeout: s.opts.WriteTimeout}, -1)
}

// patientStream is a streamed answer that moves the connection's write
// deadline as it is read, so that the deadline bounds a piece and not the
// whole. fasthttp reads it in the goroutine that serves the connection.
type patientStream struct {
	io.ReadCloser
	conn    net.Conn
	timeout time.Duration
	moved   time.Time
}

func (p *patientStream) Read(b []byte) (int, error) {
	if now := time.Now(); now.Sub(p.moved) > p.timeout/16 {
		p.moved = now
		if err := p.conn.SetWriteDeadline(now.Add(p.timeout)); err != nil {
			return 0, err
		}
	}
	return p.ReadCloser.Read(b)
}

// estimate is about how many bytes a result takes as JSON.
func estimate(r *query.Result) int {
	n := 256 + len(r.Text) + 32*len(r.Points)
	for i := range r.Series {
		n += 64 + 32*len(r.Series[i].Labels) + 32*len(r.Series[i].Points)
	}
	for i := range r.Streams {
		n += 64 + 32*len(r.Streams[i].Labels)
		for j := range r.Streams[i].Entries {
			e := &r.Streams[i].Entries[j]
			n += 40 + len(e.Line) + 64*len(e.Fields)
		}
		if n >= streamFrom {
			break
		}
	}
	return n
}

// resultType names the shape of an answer as the protocols do. A scalar over
// a range is a matrix of one series without labels.
func resultType(r *query.Result, instant bool) string {
	switch r.Kind {
	case query.KindScalar:
		if !instant {
			return "matrix"
		}
		return "scalar"
	case query.KindString:
		return "string"
	case query.KindVector:
		return "vector"
	case query.KindMatrix:
		return "matrix"
	}
	return "streams"
}

// writeStreams writes log rows by stream. The member of that name holds a
// stream's rows, each in the form that entry gives it.
func writeStreams(w *jsonWriter, streams []query.Stream, member string, entry func(*jsonWriter, *query.Entry)) {
	w.raw("[")
	for i := range streams {
		if i > 0 {
			w.raw(",")
		}
		w.raw(`{"stream":`)
		w.buf = appendLabels(w.buf, streams[i].Labels)
		w.raw(`,"` + member + `":[`)
		for j := range streams[i].Entries {
			if j > 0 {
				w.raw(",")
			}
			entry(w, &streams[i].Entries[j])
			if !w.spill() {
				return
			}
		}
		w.raw("]}")
	}
	w.raw("]")
}

// writeNumbers writes the value of the member result for every shape but log
// rows. at is the evaluation time of a string, in Unix milliseconds.
func writeNumbers(w *jsonWriter, r *query.Result, instant bool, at int64) {
	switch r.Kind {
	case query.KindScalar:
		if !instant {
			w.raw(`[{"metric":{},"values":`)
			writePoints(w, r.Points)
			w.raw("}]")
			return
		}
		p := query.Point{T: at, V: math.NaN()}
		if len(r.Points) > 0 {
			p = r.Points[0]
		}
		w.buf = appendPoint(w.buf, p)
	case query.KindString:
		w.raw("[")
		w.buf = appendMillis(w.buf, at)
		w.raw(",")
		w.text(r.Text)
		w.raw("]")
	case query.KindVector:
		w.raw("[")
		n := 0
		for i := range r.Series {
			s := &r.Series[i]
			if len(s.Points)+len(s.Histograms) == 0 {
				continue
			}
			if n++; n > 1 {
				w.raw(",")
			}
			w.raw(`{"metric":`)
			w.buf = appendLabels(w.buf, r.Series[i].Labels)
			if len(s.Histograms) > 0 {
				w.raw(`,"histogram":`)
				w.buf = appendHistogramPoint(w.buf, s.Histograms[0])
			} else {
				w.raw(`,"value":`)
				w.buf = appendPoint(w.buf, s.Points[0])
			}
			w.raw("}")
			if !w.spill() {
				return
			}
		}
		w.raw("]")
	case query.KindMatrix:
		w.raw("[")
		for i := range r.Series {
			if i > 0 {
				w.raw(",")
			}
			w.raw(`{"metric":`)
			w.buf = appendLabels(w.buf, r.Series[i].Labels)
			s := &r.Series[i]
			if len(s.Points) > 0 || len(s.Histograms) == 0 {
				w.raw(`,"values":`)
				writePoints(w, s.Points)
			}
			writeHistograms(w, s.Histograms)
			w.raw("}")
			if !w.spill() {
				return
			}
		}
		w.raw("]")
	}
}

func writePoints(w *jsonWriter, ps []query.Point) {
	w.raw("[")
	for i := range ps {
		if i > 0 {
			w.raw(",")
		}
		w.buf = appendPoint(w.buf, ps[i])
		if !w.spill() {
			return
		}
	}
	w.raw("]")
}

// writeNotes writes the members warnings and infos where there are any.
func writeNotes(w *jsonWriter, warnings, infos []string) {
	if len(warnings) > 0 {
		w.raw(`,"warnings":`)
		w.buf = appendStrings(w.buf, warnings)
	}
	if len(infos) > 0 {
		w.raw(`,"infos":`)
		w.buf = appendStrings(w.buf, infos)
	}
}

// appendPoint appends [seconds,"value"].
func appendPoint(dst []byte, p query.Point) []byte {
	dst = append(dst, '[')
	dst = appendMillis(dst, p.T)
	dst = append(dst, ',', '"')
	dst = appendFloat(dst, p.V)
	return append(dst, '"', ']')
}

// appendMillis appends Unix milliseconds as seconds, with three decimals
// where they are not whole.
func appendMillis(dst []byte, ms int64) []byte {
	u := uint64(ms)
	if ms < 0 {
		dst = append(dst, '-')
		u = -u
	}
	dst = strconv.AppendUint(dst, u/1000, 10)
	if r := u % 1000; r != 0 {
		dst = append(dst, '.', byte('0'+r/100), byte('0'+r/10%10), byte('0'+r%10))
	}
	return dst
}

// appendFloat appends a number as Prometheus spells it in strings: NaN, +Inf
// and -Inf as such, an exponent only for the very large and very small.
func appendFloat(dst []byte, f float64) []byte {
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, 64)
}

// appendLabels appends a label set as an object.
func appendLabels(dst []byte, ls model.Labels) []byte {
	dst = append(dst, '{')
	for i := range ls {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, ls[i].Name)
		dst = append(dst, ':')
		dst = appendString(dst, ls[i].Value)
	}
	return append(dst, '}')
}

// appendStrings appends a list of strings; nil is an empty list.
func appendStrings(dst []byte, ss []string) []byte {
	dst = append(dst, '[')
	for i, s := range ss {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, s)
	}
	return append(dst, ']')
}

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string. Bytes that are not UTF-8 become U+FFFD,
// because JSON cannot hold them.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b < utf8.RuneSelf {
			if b >= ' ' && b != '"' && b != '\\' {
				i++
				continue
			}
			dst = append(dst, s[from:i]...)
			switch b {
			case '"', '\\':
				dst = append(dst, '\\', b)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
			}
			i++
			from = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[from:i]...)
			dst = append(dst, "\ufffd"...)
			from = i + 1
		}
		i += size
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

// answerBytes answers with a short JSON text.
func answerBytes(ctx *fasthttp.RequestCtx, status int, body []byte) {
	ctx.SetStatusCode(status)
	ctx.SetContentType(contentJSON)
	ctx.SetBody(body)
}
