package jsonlines

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"tidemark/ingest"
	"tidemark/ingest/internal/jsonscan"
	"tidemark/storage/model"
)

// Rows adds the records of one request to a batch, one by one; it is for
// protocols that have more than lines. It is used by one goroutine and ended
// by End.
type Rows struct {
	d    *Decoder
	p    Params
	b    *model.Batch
	scan jsonscan.Scanner

	request []byte // the names that the request gave, before signatures
	extra   []extra

	leaves []leaf
	path   []byte // of the object being read, with a dot at its end
	// sig is the sequence of the names and types of the leaves: for each
	// uvarint(length) name, type.
	sig     []byte
	lastSig []byte // of plan
	plan    *plan

	key     []byte // of a stream
	lastKey []byte // of stream
	stream  *model.Stream
	values  ingest.Values
}

// leaf is a member that is no object. text is its value as a label or line
// would have it: of strings without escapes, of others as written.
type leaf struct {
	typ  model.Type // TypeNone is null
	bits uint64
	text []byte
}

// Refusal says why a record was refused. Column is the place in its text, in
// bytes from 1.
type Refusal struct {
	Column int
	Reason string
	// TooOld is set where only the time was refused, as before
	// Params.MinTime.
	TooOld bool
}

// Begin returns a place to add records of a request to. p and b are used until
// End.
func (d *Decoder) Begin(p Params, b *model.Batch) *Rows {
	if p.MessageFields == nil {
		p.MessageFields = append(DefaultMessageFields[:len(DefaultMessageFields):len(DefaultMessageFields)], d.opts.MessageFields...)
	}
	if p.TimeFields == nil {
		p.TimeFields = DefaultTimeFields
	}
	r := d.rows.Get().(*Rows)
	r.p, r.b = p, b
	r.SetExtra(p.ExtraFields)
	r.request = r.request[:0]
	for _, list := range [][]string{p.MessageFields, p.TimeFields, p.StreamFields, p.IgnoreFields} {
		r.request = binary.AppendUvarint(r.request, uint64(len(list)))
		for _, name := range list {
			r.request = binary.AppendUvarint(r.request, uint64(len(name)))
			r.request = append(r.request, name...)
		}
	}
	return r
}

// End ends the use of r.
func (r *Rows) End() {
	clear(r.leaves[:cap(r.leaves)])
	r.values.Forget()
	r.scan.Forget()
	*r = Rows{d: r.d, scan: r.scan, request: r.request, leaves: r.leaves[:0], path: r.path[:0], sig: r.sig[:0],
		lastSig: r.lastSig[:0], key: r.key[:0], lastKey: r.lastKey[:0], values: r.values}
	r.d.rows.Put(r)
}

// SetExtra replaces Params.ExtraFields for the records that follow.
func (r *Rows) SetExtra(pairs []Pair) {
	r.extra = r.extra[:0]
	for _, e := range pairs {
		r.extra = append(r.extra, extra{[]byte(e.Name), []byte(e.Value)})
	}
}

type extra struct{ name, value []byte }

// Columns returns the number of columns of the row added last.
func (r *Rows) Columns() int { return len(r.plan.layout.Schema.Columns) }

// Add adds a record from its text, one JSON object, or says why not.
func (r *Rows) Add(text []byte) (Refusal, bool) {
	lim := &r.d.opts.Limits
	refuse := func(at int, reason string) (Refusal, bool) { return Refusal{Column: at + 1, Reason: reason}, false }
	if len(text) > lim.MaxLineBytes {
		return refuse(lim.MaxLineBytes, fmt.Sprintf("record has %d bytes: want at most %d (MaxLineBytes)", len(text), lim.MaxLineBytes))
	}
	// A log row can take seven times its bytes, where its line is made of
	// fields with control characters.
	if int64(r.b.Size())+8*int64(len(text)+1024) >= r.d.batchCap {
		return refuse(0, fmt.Sprintf("the request's batch has %d bytes: send fewer records at a time", r.b.Size()))
	}
	r.scan.Reset(text)
	r.leaves, r.sig, r.path = r.leaves[:0], r.sig[:0], r.path[:0]
	if !r.object() {
		return refuse(r.scan.At, r.scan.Reason)
	}
	for i := range r.extra {
		r.sign(r.extra[i].name, model.TypeText)
		r.leaves = append(r.leaves, leaf{typ: model.TypeText, text: r.extra[i].value})
	}
	if r.plan == nil || !bytes.Equal(r.sig, r.lastSig) {
		pl, reason := r.findPlan()
		if reason != "" {
			return refuse(0, reason)
		}
		r.plan, r.lastSig = pl, append(r.lastSig[:0], r.sig...)
	}
	pl := r.plan
	t := r.p.Now
	if pl.time >= 0 {
		l := &r.leaves[pl.time]
		var reason string
		var given bool
		if t, given, reason = parseTime(l.text); reason != "" {
			return refuse(0, fmt.Sprintf("time %s %q: %s", pl.timeName, clip(l.text), reason))
		} else if !given {
			t = r.p.Now
		}
	}
	if r.p.MinTime != 0 && t < r.p.MinTime {
		return Refusal{Column: 1, TooOld: true, Reason: fmt.Sprintf("time %s is too old: want one from %s on, which retention keeps",
			time.Unix(0, t).UTC().Format(time.RFC3339Nano), time.Unix(0, r.p.MinTime).UTC().Format(time.RFC3339Nano))}, false
	}
	if reason := r.d.opts.CheckLogTime(t, r.p.Now); reason != "" {
		return refuse(0, reason)
	}
	if reason := r.findStream(pl); reason != "" {
		return refuse(0, reason)
	}
	r.values.Reset()
	for i := range r.leaves {
		if pl.types[i] == model.TypeText {
			r.values.Text(r.leaves[i].text)
		} else {
			r.values.Bits(r.leaves[i].bits)
		}
	}
	pl.layout.Append(r.b, r.stream, t, &r.values)
	return Refusal{}, true
}

// sign appends a leaf's name and type to the signature.
func (r *Rows) sign(name []byte, typ model.Type) {
	r.sig = binary.AppendUvarint(r.sig, uint64(len(r.path)+len(name)))
	r.sig = append(append(r.sig, r.path...), name...)
	r.sig = append(r.sig, byte(typ))
}

// object reads the record. Objects within it are a stack of lengths of path,
// so that no nesting costs more than that.
func (r *Rows) object() bool {
	s := &r.scan
	var stack [jsonscan.MaxDepth]int
	depth := 0
	i := s.Space(0)
	if s.Byte(i) != '{' {
		return s.Fail(i, "want a JSON object")
	}
	i = s.Space(i + 1)
	if s.Byte(i) == '}' {
		return s.End(i + 1)
	}
	for {
		name, at, ok := s.Name(i)
		if !ok {
			return false
		}
		var l leaf
		switch c := s.Byte(at); {
		case c == '"':
			l.typ = model.TypeText
			if l.text, i, ok = s.String(at); !ok {
				return false
			}
		case c == '{':
			if i = s.Space(at + 1); s.Byte(i) == '}' {
				i++
				l = leaf{typ: model.TypeText, text: emptyObject}
				break
			}
			if depth == len(stack) {
				return s.Fail(at, fmt.Sprintf("nesting is deeper than %d (MaxDepth)", len(stack)))
			}
			if len(r.path)+len(name) > r.d.opts.MaxNameBytes {
				return s.Fail(at, fmt.Sprintf("field name has more than %d bytes (MaxNameBytes)", r.d.opts.MaxNameBytes))
			}
			stack[depth] = len(r.path)
			depth++
			r.path = append(append(r.path, name...), '.')
			continue
		case c == '[':
			if i, ok = s.Skip(at); !ok {
				return false
			}
			l = leaf{typ: model.TypeText, text: s.B[at:i]}
		case c == '-' || c-'0' <= 9:
			var integer bool
			if i, integer, ok = s.Number(at); !ok {
				return false
			}
			l.text = s.B[at:i]
			l.typ, l.bits = parseNumber(l.text, integer)
		default:
			if i, ok = s.Literal(at); !ok {
				return false
			}
			switch c {
			case 't':
				l.typ, l.bits = model.TypeBool, 1
			case 'f':
				l.typ = model.TypeBool
			}
			l.text = s.B[at:i]
		}
		if len(r.leaves) == r.d.opts.MaxColumns {
			return s.Fail(at, fmt.Sprintf("more than %d fields: want at most that many (MaxColumns)", r.d.opts.MaxColumns))
		}
		r.leaves = append(r.leaves, l)
		r.sign(name, l.typ)
		for {
			var more bool
			if i, more, ok = s.More(i, '}'); !ok {
				return false
			}
			if more {
				break
			}
			if depth == 0 {
				return s.End(i)
			}
			depth--
			r.path = r.path[:stack[depth]]
		}
	}
}

var emptyObject = []byte("{}")

// findStream finds or makes the stream of the record.
func (r *Rows) findStream(pl *plan) string {
	r.key = append(append(r.key[:0], r.p.Tenant...), 0)
	for _, l := range pl.labels {
		v := r.leaves[l.leaf].text
		if len(v) == 0 {
			continue
		}
		r.key = binary.AppendUvarint(r.key, uint64(len(l.name)))
		r.key = append(r.key, l.name...)
		r.key = binary.AppendUvarint(r.key, uint64(len(v)))
		r.key = append(r.key, v...)
	}
	if r.stream != nil && bytes.Equal(r.key, r.lastKey) {
		return ""
	}
	st, ok := r.d.streams.Get(r.key)
	if !ok {
		if reason := r.d.opts.CheckOrigin("", r.p.Tenant); reason != "" {
			return reason
		}
		var own model.Labels
		for _, l := range pl.labels {
			v := string(r.leaves[l.leaf].text)
			if v == "" {
				continue
			}
			if reason := r.d.opts.CheckLogLabel(l.name, v); reason != "" {
				return reason
			}
			own = append(own, model.Label{Name: l.name, Value: v})
		}
		if len(own) == 0 {
			own = unlabelled
		}
		st = r.d.opts.NewLogStream("", r.p.Tenant, own)
		st = r.d.streams.Put(r.key, st, int64(len(st.Key()))*2+40*int64(len(st.Labels))+120)
	}
	r.stream, r.lastKey = st, append(r.lastKey[:0], r.key...)
	return ""
}

// unlabelled are the labels of records that have no stream field. A selector of
// logs needs a label that is not empty, so without any they would be out of
// reach. The label is the one that Loki gives streams of unknown services.
var unlabelled = model.FromStrings("service_name", "unknown_service")

// clip bounds what a reason quotes.
func clip(s []byte) string {
	const most = 80
	if len(s) <= most {
		return string(s)
	}
	return string(s[:most]) + "…"
}
