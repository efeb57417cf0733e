package otlp

import (
	"errors"
	"fmt"

	"tidemark/ingest"
	"tidemark/ingest/internal/gencache"
	"tidemark/ingest/internal/series"
	"tidemark/storage/model"
)

// Options configure a Decoder. The zero value means the defaults.
type Options struct {
	ingest.Options
	// ResourceAttributes names attributes of resources, as OpenTelemetry
	// writes them, that become labels of every series. Default none: they are
	// labels of target_info.
	ResourceAttributes []string
	// CacheBytes bounds the memory of the cache of series. Default 16 MiB.
	CacheBytes int
	// MaxSamples bounds the samples of one request: a histogram's point has
	// one for each bucket and two more. Default 1,000,000.
	MaxSamples int
}

const (
	defaultCacheBytes = 16 << 20
	defaultMaxSamples = 1_000_000
)

// Encoding is how a request, and the answer to it, is written.
type Encoding uint8

// The encodings.
const (
	Protobuf Encoding = 1 // application/x-protobuf
	JSON     Encoding = 2 // application/json
)

// Params are what a request says beside its body.
type Params struct {
	// Encoding is that of the body. Zero means Protobuf.
	Encoding Encoding
	// Tenant becomes the label tenant where not empty. It is copied where it
	// is kept.
	Tenant string
	// MinTime is the oldest time accepted, in nanoseconds; older points are
	// rejected. Zero means no bound.
	MinTime int64
	// Now is the time of log records that tell none, in nanoseconds.
	Now int64
	// Describe, where not nil, is told of metrics of which a series is new.
	Describe func(ingest.Metadata)
}

// ErrTooLarge marks a request beyond a limit that holds for it as a whole.
var ErrTooLarge = errors.New("request is too large")

// Decoder decodes OTLP metrics and logs. It is safe for concurrent use, and meant to be
// kept: what it learned about series makes later requests cheap.
type Decoder struct {
	opts   Options
	cache  *series.Cache
	scopes scopes
	// Of logs: streams by tenant and resource, layouts by fields.
	streams *gencache.Cache[*logResource]
	layouts *gencache.Cache[*ingest.Layout]
}

// NewDecoder returns a decoder; the error names every invalid option.
func NewDecoder(opts Options) (*Decoder, error) {
	err := opts.Validate()
	check := func(name string, p *int, def int) {
		if *p < 0 {
			err = errors.Join(err, fmt.Errorf("%s %d: want 0 (default) or more", name, *p))
		}
		if *p == 0 {
			*p = def
		}
	}
	check("CacheBytes", &opts.CacheBytes, defaultCacheBytes)
	check("MaxSamples", &opts.MaxSamples, defaultMaxSamples)
	if err != nil {
		return nil, fmt.Errorf("OTLP options: %w", err)
	}
	opts.Options = opts.WithDefaults()
	d := &Decoder{opts: opts, cache: series.NewCache(opts.Options, int64(opts.CacheBytes)),
		streams: gencache.New[*logResource](int64(opts.CacheBytes)), layouts: gencache.New[*ingest.Layout](int64(opts.CacheBytes / 4))}
	d.scopes.all = map[string]*scope{}
	return d, nil
}

// CacheStats returns the counters of the cache of series.
func (d *Decoder) CacheStats() ingest.CacheStats { return d.cache.Stats() }

// Decode adds the samples of an ExportMetricsServiceRequest to b and says what
// became of its data points, which are the report's records: good ones are
// added, rejected ones counted, and listed by metric. An error means that the
// body cannot be read or is beyond a limit (ErrTooLarge); b is then to be
// dropped. body is not kept and not changed.
//
// The time is linear in the body's length, and for JSON so is the memory.
func (d *Decoder) Decode(body []byte, p Params, b *model.Batch) (ingest.Report, error) {
	if p.Encoding == JSON {
		var err error
		if body, err = toProtobuf(body, requestFields); err != nil {
			return ingest.Report{}, err
		}
	}
	s := state{d: d, p: p, b: b, origin: d.cache.Origin("", p.Tenant)}
	err := s.request(body)
	d.cache.Count(s.hits, s.misses)
	s.rep.Lines = s.rep.Accepted + s.rep.Rejected
	s.rep.MetricRows, s.rep.Values = s.rows, s.rows
	return s.rep, err
}
