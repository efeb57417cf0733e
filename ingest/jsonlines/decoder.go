package jsonlines

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"

	"tidemark/ingest"
	"tidemark/ingest/internal/gencache"
	"tidemark/storage/model"
)

// Options configure a Decoder. The zero value means the defaults.
type Options struct {
	ingest.Options
	// CacheBytes bounds the memory of the cache of streams and, with a quarter
	// of it more, of that of plans. Default 64 MiB.
	CacheBytes int
	// MaxMetricNames bounds the names of numeric fields that are also read as
	// metrics, because names may be made of data. Numbers of further names are
	// fields only. Default 10,000.
	MaxMetricNames int
}

const (
	defaultCacheBytes     = 64 << 20
	defaultMaxMetricNames = 10_000
)

// Default names.
var (
	// DefaultMessageFields come before Options.MessageFields where a request
	// names none.
	DefaultMessageFields = []string{"_msg"}
	// DefaultTimeFields are where a request names none.
	DefaultTimeFields = []string{"_time"}
)

// Pair is a field that a request adds to each of its records.
type Pair struct{ Name, Value string }

// Params are what a request says beside its body. Names are those of flattened
// members, such as http.status.
type Params struct {
	// MessageFields and TimeFields name the message and the time; the first
	// that a record has counts, the others are fields. nil means the defaults.
	MessageFields, TimeFields []string
	// StreamFields become labels. IgnoreFields are left out, and come before
	// everything else.
	StreamFields, IgnoreFields []string
	// ExtraFields are added as texts, in place of members of the same name.
	ExtraFields []Pair
	// Tenant becomes the label tenant, where not empty.
	Tenant string
	// Now is the time, in nanoseconds, of records without one.
	Now int64
	// MinTime is the oldest time accepted, in nanoseconds. Zero means no
	// bound.
	MinTime int64
}

// Decoder decodes JSON lines. It is safe for concurrent use, and meant to be
// kept: what it learned about names and streams makes later bodies cheap.
type Decoder struct {
	opts    Options
	streams *gencache.Cache[*model.Stream] // by tenant and canonical labels
	plans   *gencache.Cache[*plan]         // by names of the request and signature
	rows    sync.Pool
	// batchCap bounds a batch's bytes; its offsets of text have 32 bits.
	batchCap int64

	metricMu sync.Mutex
	metrics  map[string]struct{}
}

// NewDecoder returns a decoder; the error names every invalid option.
func NewDecoder(opts Options) (*Decoder, error) {
	err := opts.Validate()
	check := func(name string, v int) {
		if v < 0 {
			err = errors.Join(err, fmt.Errorf("%s %d: want 0 (default) or more", name, v))
		}
	}
	check("CacheBytes", opts.CacheBytes)
	check("MaxMetricNames", opts.MaxMetricNames)
	if err != nil {
		return nil, fmt.Errorf("JSON lines options: %w", err)
	}
	opts.Options = opts.WithDefaults()
	if opts.CacheBytes == 0 {
		opts.CacheBytes = defaultCacheBytes
	}
	if opts.MaxMetricNames == 0 {
		opts.MaxMetricNames = defaultMaxMetricNames
	}
	d := &Decoder{
		opts:     opts,
		streams:  gencache.New[*model.Stream](int64(opts.CacheBytes)),
		plans:    gencache.New[*plan](int64(opts.CacheBytes / 4)),
		batchCap: math.MaxUint32,
		metrics:  map[string]struct{}{},
	}
	d.rows.New = func() any { return &Rows{d: d} }
	return d, nil
}

// Limits returns the limits with defaults filled in, for protocols that report
// themselves what Rows refuses.
func (d *Decoder) Limits() ingest.Limits { return d.opts.Limits }

// metric reports whether numbers of a field are read as the metric of its
// name.
func (d *Decoder) metric(name string) bool {
	d.metricMu.Lock()
	defer d.metricMu.Unlock()
	if _, ok := d.metrics[name]; ok {
		return true
	}
	if len(d.metrics) >= d.opts.MaxMetricNames {
		return false
	}
	d.metrics[strings.Clone(name)] = struct{}{}
	return true
}

// Decode adds the records of a whole request body to b and reports what became
// of each line: good lines are added, bad ones are listed. body is not kept
// and not changed.
//
// The time is linear in the body's length.
func (d *Decoder) Decode(body []byte, p Params, b *model.Batch) (rep ingest.Report) {
	r := d.Begin(p, b)
	defer r.End()
	for line := 1; len(body) > 0; line++ {
		text := body
		if n := bytes.IndexByte(body, '\n'); n >= 0 {
			text, body = body[:n], body[n+1:]
		} else {
			body = nil
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		rep.Lines++
		if bad, ok := r.Add(text); !ok {
			rep.Rejected++
			if bad.TooOld {
				rep.TooOld++
			}
			if len(rep.Errors) < d.opts.MaxErrors {
				rep.Errors = append(rep.Errors, ingest.LineError{
					Line: line, Column: bad.Column, Reason: bad.Reason,
					Text: string(text[:min(len(text), d.opts.MaxErrorText)]),
				})
			}
			continue
		}
		rep.Accepted++
		rep.LogRows++
		rep.Values += r.Columns()
	}
	return rep
}
