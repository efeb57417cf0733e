package query

import (
	"errors"
	"fmt"
	"time"
)

// Options are the engine's limits and defaults. The zero value of a field
// means its default.
type Options struct {
	// Lookback is how far an instant selector looks back for the last sample;
	// default 5 minutes.
	Lookback time.Duration
	// SubqueryStep is the step of a subquery that states none; default 1
	// minute.
	SubqueryStep time.Duration
	// LogLookback is how far back an instant log query reads; default 1 hour.
	LogLookback time.Duration
	// Timeout is the deadline of a query that states none; default 30 s.
	Timeout time.Duration
	// MaxTimeout bounds the deadline that a query may state; default 5
	// minutes.
	MaxTimeout time.Duration
	// MaxConcurrent is the number of queries that run at once; others wait
	// for their turn until their deadline. Default 20.
	MaxConcurrent int
	// MaxSamples bounds the samples that a query holds in memory at once;
	// default 50 million.
	MaxSamples int64
	// MaxMemory bounds the bytes that a query holds at once, MaxTotalMemory those of
	// all running queries together, by the reckoning of exec.SampleBytes: samples, columns
	// and groups count, the result on its way to the client does not. Defaults 1 GiB
	// and 4 GiB.
	MaxMemory, MaxTotalMemory int64
	// MaxPoints bounds the steps of a range query; default 11,000.
	MaxPoints int
	// DefaultLimit is the number of log rows of a query that states none;
	// default 100.
	DefaultLimit int
	// MaxLimit bounds the number of log rows that a query may ask for;
	// default 5,000.
	MaxLimit int
	// MaxRows and MaxRowBytes bound the log rows, and the bytes of their
	// text, that a query holds at once; default 5 million and 256 MiB.
	MaxRows     int64
	MaxRowBytes int64
	// MaxModelBytes bounds the models of analysis functions that are kept
	// between queries; default 128 MiB, which is those of about a thousand series.
	MaxModelBytes int64
	// OnFinish, where not nil, is told of each query that has run, when it ends; it
	// must not block.
	OnFinish func(Finished)
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// withDefaults returns the options with defaults filled in.
func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Lookback, 5*time.Minute)
	def(&o.SubqueryStep, time.Minute)
	def(&o.LogLookback, time.Hour)
	def(&o.Timeout, 30*time.Second)
	def(&o.MaxTimeout, max(5*time.Minute, o.Timeout))
	num := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	num(&o.MaxConcurrent, 20)
	num(&o.MaxPoints, 11_000)
	num(&o.DefaultLimit, 100)
	num(&o.MaxLimit, max(5000, o.DefaultLimit))
	big := func(p *int64, v int64) {
		if *p == 0 {
			*p = v
		}
	}
	big(&o.MaxSamples, 50_000_000)
	big(&o.MaxMemory, 1<<30)
	big(&o.MaxTotalMemory, max(4<<30, o.MaxMemory))
	big(&o.MaxRows, 5_000_000)
	big(&o.MaxRowBytes, 256<<20)
	big(&o.MaxModelBytes, 128<<20)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Validate reports every bad value together.
func (o Options) Validate() error {
	var errs []error
	check := func(name string, v int64) {
		if v < 0 {
			errs = append(errs, fmt.Errorf("query option %s: want a positive value or 0 for the default, got %d", name, v))
		}
	}
	check("lookback", int64(o.Lookback))
	check("subquery-step", int64(o.SubqueryStep))
	check("log-lookback", int64(o.LogLookback))
	check("timeout", int64(o.Timeout))
	check("max-timeout", int64(o.MaxTimeout))
	check("max-concurrent", int64(o.MaxConcurrent))
	check("max-samples", o.MaxSamples)
	check("max-memory", o.MaxMemory)
	check("max-total-memory", o.MaxTotalMemory)
	check("max-points", int64(o.MaxPoints))
	check("default-limit", int64(o.DefaultLimit))
	check("max-limit", int64(o.MaxLimit))
	check("max-rows", o.MaxRows)
	check("max-row-bytes", o.MaxRowBytes)
	check("max-model-bytes", o.MaxModelBytes)
	if o.SubqueryStep > 0 && o.SubqueryStep < time.Millisecond {
		errs = append(errs, fmt.Errorf("query option subquery-step: want at least 1ms, got %s", o.SubqueryStep))
	}
	return errors.Join(errs...)
}
