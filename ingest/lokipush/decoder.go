package lokipush

import (
	"errors"
	"fmt"
	"sync"

	"tidemark/ingest"
	"tidemark/ingest/internal/gencache"
	"tidemark/ingest/internal/jsonscan"
	"tidemark/storage/model"
	"tidemark/storage/model/loglevel"
)

// ErrMalformed marks a body that is no protobuf or no JSON of a push.
var ErrMalformed = errors.New("malformed push request")

// Options configure a Decoder. The zero value means the defaults.
type Options struct {
	ingest.Options
	// CacheBytes bounds the memory of the cache of streams and, with a quarter
	// of it more, of that of layouts. Default 64 MiB.
	CacheBytes int
	// DetectLevel gives every entry the structured metadata detected_level, as
	// Loki does unless told otherwise; see package loglevel.
	DetectLevel bool
	// ServiceName gives every stream without the label service_name one, as Loki
	// does unless told otherwise: the value of the first of serviceLabels that
	// the stream has, or unknown_service.
	ServiceName bool
}

// serviceLabels are labels that tell which service a stream belongs to, in the
// order in which they count.
var serviceLabels = []string{"service", "app", "application", "app_name", "name", "app_kubernetes_io_name", "container",
	"container_name", "k8s_container_name", "component", "workload", "job", "k8s_job_name"}

const serviceName = "service_name"

// withService returns the labels with a service_name.
func withService(ls model.Labels) model.Labels {
	if ls.Has(serviceName) {
		return ls
	}
	for _, n := range serviceLabels {
		if v := ls.Get(n); v != "" {
			return ls.With(serviceName, v)
		}
	}
	return ls.With(serviceName, "unknown_service")
}

const defaultCacheBytes = 64 << 20

// Params are what a request says beside its body.
type Params struct {
	// Tenant becomes the label tenant, where not empty. It is copied where it
	// is kept.
	Tenant string
	// MinTime is the oldest time accepted, in nanoseconds. Zero means no
	// bound.
	MinTime int64
	// Now is the clock by which MaxAhead and MaxBehind are measured, in
	// nanoseconds. Zero means no clock.
	Now int64
}

// Decoder decodes push requests. It is safe for concurrent use, and meant to
// be kept: what it learned about streams makes later bodies cheap.
type Decoder struct {
	opts    Options
	streams *gencache.Cache[*model.Stream] // by tenant and labels as received
	layouts *gencache.Cache[*ingest.Layout]
	walks   sync.Pool
	// batchCap bounds a batch's bytes; its offsets of text have 32 bits.
	batchCap int64
}

// NewDecoder returns a decoder; the error names every invalid option.
func NewDecoder(opts Options) (*Decoder, error) {
	err := opts.Validate()
	if opts.CacheBytes < 0 {
		err = errors.Join(err, fmt.Errorf("CacheBytes %d: want 0 (default) or more", opts.CacheBytes))
	}
	if err != nil {
		return nil, fmt.Errorf("loki push options: %w", err)
	}
	opts.Options = opts.WithDefaults()
	if opts.CacheBytes == 0 {
		opts.CacheBytes = defaultCacheBytes
	}
	d := &Decoder{
		opts:     opts,
		streams:  gencache.New[*model.Stream](int64(opts.CacheBytes)),
		layouts:  gencache.New[*ingest.Layout](int64(opts.CacheBytes / 4)),
		batchCap: 1 << 32,
	}
	d.walks.New = func() any { return &walk{d: d, seen: map[string]*seen{}} }
	return d, nil
}

// Protobuf adds the entries of a PushRequest in the wire format, decompressed,
// to b and reports what became of each. An error, which is ErrMalformed, means
// that nothing was added. body is not kept and not changed.
//
// The time is linear in the body's length.
func (d *Decoder) Protobuf(body []byte, p Params, b *model.Batch) (ingest.Report, error) {
	return d.decode(body, p, b, (*walk).protobuf)
}

// JSON is Protobuf for the JSON form.
func (d *Decoder) JSON(body []byte, p Params, b *model.Batch) (ingest.Report, error) {
	return d.decode(body, p, b, (*walk).json)
}

func (d *Decoder) decode(body []byte, p Params, b *model.Batch, read func(*walk, []byte) error) (ingest.Report, error) {
	if int64(b.Size())+int64(len(body)) >= d.batchCap {
		return ingest.Report{}, fmt.Errorf("%w: body has %d bytes: want at most %d beside what the batch holds", ErrMalformed, len(body), d.batchCap-1-int64(b.Size()))
	}
	w := d.walks.Get().(*walk)
	defer w.release()
	w.p, w.b, w.rows = p, b, b.Len()
	if err := read(w, body); err != nil {
		for b.Len() > w.rows {
			b.Rollback()
		}
		return ingest.Report{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return w.rep, nil
}

// walk is one walk over a body. It is pooled: its scratch memory is kept.
type walk struct {
	d    *Decoder
	p    Params
	b    *model.Batch
	rows int // of b before
	rep  ingest.Report
	scan jsonscan.Scanner

	// The stream being read: either refused or st is set.
	st      *model.Stream
	level   string // by a label of the stream, or empty
	name    string // its labels as text, for reasons
	refused string
	cur     *seen
	seen    map[string]*seen // by the canonical encoding of labels

	// The entry being read.
	metaNames, metaValues [][]byte
	values                ingest.Values

	key     []byte
	lastKey []byte // of layout
	layout  *ingest.Layout
}

func (w *walk) release() {
	d := w.d
	clear(w.metaNames[:cap(w.metaNames)])
	clear(w.metaValues[:cap(w.metaValues)])
	w.values.Forget()
	w.scan.Forget()
	clear(w.seen)
	*w = walk{d: d, scan: w.scan, seen: w.seen, metaNames: w.metaNames[:0], metaValues: w.metaValues[:0],
		values: w.values, key: w.key[:0], lastKey: w.lastKey[:0]}
	d.walks.Put(w)
}

// enter begins a stream whose labels were sent as raw in a form (one byte per
// format); parse makes labels of them where they are not known yet.
func (w *walk) enter(form byte, raw []byte, parse func(raw []byte) (model.Labels, string)) {
	w.key = append(append(append(w.key[:0], form), w.p.Tenant...), 0)
	w.key = append(w.key, raw...)
	w.refused, w.cur = "", nil
	st, ok := w.d.streams.Get(w.key)
	if !ok {
		own, reason := parse(raw)
		if reason == "" {
			reason = w.d.opts.CheckOrigin("", w.p.Tenant)
		}
		if reason != "" {
			w.refuseStream(reason)
			return
		}
		if w.d.opts.ServiceName {
			own = withService(own)
		}
		st = w.d.opts.NewLogStream("", w.p.Tenant, own)
		st = w.d.streams.Put(w.key, st, int64(len(st.Key()))*2+40*int64(len(st.Labels))+120)
	}
	w.st, w.name, w.level = st, "", ""
	if w.d.opts.DetectLevel {
		for _, n := range loglevel.Names {
			if v := st.Labels.Get(n); v != "" {
				w.level = loglevel.Normalize(v)
				break
			}
		}
	}
}

// refuseStream makes every entry of the stream be refused.
func (w *walk) refuseStream(reason string) { w.st, w.refused = nil, reason }

// stream returns the labels of the stream for a reason.
func (w *walk) stream() string {
	if w.name == "" {
		w.name = clip(w.st.Labels.String())
	}
	return w.name
}

// refuse reports the entry that was read as refused.
func (w *walk) refuse(line []byte, reason func() string) {
	w.rep.Lines++
	w.rep.Rejected++
	if len(w.rep.Errors) < w.d.opts.MaxErrors {
		w.rep.Errors = append(w.rep.Errors, ingest.LineError{
			Line:   w.rep.Lines,
			Place:  fmt.Sprintf("entry %d", w.rep.Lines),
			Text:   string(line[:min(len(line), w.d.opts.MaxErrorText)]),
			Reason: reason(),
		})
	}
}

// clip bounds what a reason quotes.
func clip(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
