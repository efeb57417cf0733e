package remotewrite

import (
	"errors"
	"fmt"
	"sync"

	"tidemark/ingest"
	"tidemark/ingest/internal/series"
	"tidemark/storage/model"
)

// Options configure a Decoder. The zero value means the defaults.
type Options struct {
	ingest.Options
	// CacheBytes bounds the memory of the cache of series. Default 64 MiB.
	CacheBytes int
	// MaxSamples bounds the samples of one request, for a sample may take two
	// bytes and becomes dozens in memory. Default 1,000,000.
	MaxSamples int
}

const (
	defaultCacheBytes = 64 << 20
	defaultMaxSamples = 1_000_000
)

// Params are what a request says beside its body.
type Params struct {
	// Version fixes the message. Zero means V1.
	Version Version
	// Tenant becomes the label tenant where not empty. It is copied where it
	// is kept.
	Tenant string
	// MinTime is the oldest time accepted, in nanoseconds; older samples are
	// refused. Zero means no bound.
	MinTime int64
	// Describe, where not nil, is told of metadata: with 1.0 whatever the request
	// has, with 2.0 that of series that are new.
	Describe func(ingest.Metadata)
}

// Result says what became of a request. Its records are samples and
// histograms; its errors are one for each refused series, with
// ingest.LineError.Line the number of the series in the request.
type Result struct {
	ingest.Report
	// Histograms and Exemplars count what the request holds of both. Of the
	// histograms HistogramsAccepted are accepted, of the exemplars none.
	Histograms, HistogramsAccepted, Exemplars int
}

// Decoder decodes remote write. It is safe for concurrent use, and meant to be
// kept: what it learned about series makes later requests cheap.
type Decoder struct {
	opts   Options
	cache  *series.Cache
	states sync.Pool
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
		return nil, fmt.Errorf("remote write options: %w", err)
	}
	opts.Options = opts.WithDefaults()
	d := &Decoder{opts: opts, cache: series.NewCache(opts.Options, int64(opts.CacheBytes))}
	d.states.New = func() any { return new(state) }
	return d, nil
}

// CacheStats returns the counters of the cache of series.
func (d *Decoder) CacheStats() ingest.CacheStats { return d.cache.Stats() }

// Decode adds the samples of a decompressed body to b and says what became of
// each series: good ones are added, bad ones listed. An error means that the
// body cannot be read or is beyond a limit (ErrTooLarge); b is then to be
// dropped. body is not kept and not changed.
// Samples of one label set and time that follow each other become one row.
//
// The time is linear in the body's length. Once the series are known, no
// memory is allocated but what b and the list of errors need.
func (d *Decoder) Decode(body []byte, p Params, b *model.Batch) (Result, error) {
	s := d.states.Get().(*state)
	s.d, s.p, s.origin = d, p, d.cache.Origin("", p.Tenant)
	s.run = series.Run{C: d.cache, B: b}
	var err error
	if p.Version == V2 {
		err = s.requestV2(body)
	} else {
		err = s.requestV1(body)
	}
	res := s.res
	res.Lines = res.Accepted + res.Rejected
	res.MetricRows, res.Values = s.run.End(), res.Accepted
	d.cache.Count(s.hits, s.misses)
	s.forget()
	d.states.Put(s)
	return res, err
}
