package exposition

import (
	"errors"
	"fmt"
	"time"

	"tidemark/ingest"
	"tidemark/ingest/internal/series"
	"tidemark/storage/model"
)

// Options configure a Decoder. The zero value means the defaults.
type Options struct {
	ingest.Options
	// CacheBytes bounds the memory of the cache of series. Default 16 MiB.
	CacheBytes int
	// MaxSamples bounds the samples of one body, for a line may take four
	// bytes and becomes dozens in memory. Default 1,000,000.
	MaxSamples int
}

const (
	defaultCacheBytes = 16 << 20
	defaultMaxSamples = 1_000_000
)

// Params are what a request says beside its body.
type Params struct {
	// OpenMetrics makes times seconds rather than milliseconds.
	OpenMetrics bool
	// Tenant becomes the label tenant where not empty. It is copied where it
	// is kept.
	Tenant string
	// Now is the time, in nanoseconds, of samples without one.
	Now int64
	// MinTime is the oldest time accepted, in nanoseconds. Zero means no
	// bound.
	MinTime int64
	// Describe, where not nil, is told of the families that HELP, TYPE and UNIT lines
	// tell of.
	Describe func(ingest.Metadata)
}

// ErrTooLarge marks a body beyond a limit that holds for it as a whole.
var ErrTooLarge = errors.New("body is too large")

// Decoder decodes the text format. It is safe for concurrent use, and meant to
// be kept: what it learned about series makes later bodies cheap.
type Decoder struct {
	opts  Options
	cache *series.Cache
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
		return nil, fmt.Errorf("exposition options: %w", err)
	}
	opts.Options = opts.WithDefaults()
	return &Decoder{opts: opts, cache: series.NewCache(opts.Options, int64(opts.CacheBytes))}, nil
}

// CacheStats returns the counters of the cache of series.
func (d *Decoder) CacheStats() ingest.CacheStats { return d.cache.Stats() }

// Decode adds the samples of a body to b and reports what became of each
// line: good lines are added, bad ones are listed. The error is ErrTooLarge;
// b is then to be dropped. body is not kept and not changed.
//
// The time is linear in the body's length. Once the series are known, no
// memory is allocated but what b and the list of errors need.
func (d *Decoder) Decode(body []byte, p Params, b *model.Batch) (ingest.Report, error) {
	const ms = int64(time.Millisecond)
	s := state{d: d, p: p, b: b, origin: d.cache.Origin("", p.Tenant), now: p.Now - p.Now%ms}
	err := s.run(body)
	s.described()
	d.cache.Count(s.hits, s.misses)
	s.rep.Lines = s.rep.Accepted + s.rep.Rejected
	s.rep.MetricRows, s.rep.Values = s.rep.Accepted, s.rep.Accepted
	return s.rep, err
}
