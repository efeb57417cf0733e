package ingest

import (
	"errors"
	"fmt"
	"time"
)

// Limits bound what one record may hold. Zero means the default. A record
// beyond a limit is refused with a LineError that names the limit and its
// value; records beside it are not affected.
type Limits struct {
	// MaxLineBytes bounds one record's bytes as received. Default 1 MiB.
	MaxLineBytes int
	// MaxLabels bounds a record's labels, those that Tidemark adds (db,
	// tenant, measurement) not counted. Default 64.
	MaxLabels int
	// MaxNameBytes bounds measurements, label names and field names, in bytes
	// after unescaping. Default 1,024.
	MaxNameBytes int
	// MaxLabelValueBytes bounds label values, in bytes after unescaping.
	// Default 4,096.
	MaxLabelValueBytes int
	// MaxColumns bounds a record's fields. Default 1,024.
	MaxColumns int
	// MaxAhead bounds how far after the clock the time of a log row may lie, and
	// MaxBehind how far before it; see CheckLogTime. Zero means no bound. The
	// command's server lets rows be a day ahead: a sender's clock may be wrong by
	// its zone, but rows of next year would be the newest ones until then.
	MaxAhead, MaxBehind time.Duration
	// MaxErrors bounds the errors that a Report lists; further ones are only
	// counted. Default 100.
	MaxErrors int
	// MaxErrorText bounds, in bytes, the excerpt of the refused record in a
	// LineError. Default 256.
	MaxErrorText int
}

// WithDefaults returns the limits with every zero replaced by its default.
func (l Limits) WithDefaults() Limits {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	def(&l.MaxLineBytes, 1<<20)
	def(&l.MaxLabels, 64)
	def(&l.MaxNameBytes, 1024)
	def(&l.MaxLabelValueBytes, 4096)
	def(&l.MaxColumns, 1024)
	def(&l.MaxErrors, 100)
	def(&l.MaxErrorText, 256)
	return l
}

// Validate names every limit that is negative or beyond what batches can
// address.
func (l Limits) Validate() error {
	var errs []error
	check := func(name string, v, most int) {
		if v < 0 || v > most {
			errs = append(errs, fmt.Errorf("%s %d: want 0 (default) to %d", name, v, most))
		}
	}
	check("MaxLineBytes", l.MaxLineBytes, 256<<20)
	check("MaxLabels", l.MaxLabels, 1<<16)
	check("MaxNameBytes", l.MaxNameBytes, 1<<16)
	check("MaxLabelValueBytes", l.MaxLabelValueBytes, 1<<20)
	check("MaxColumns", l.MaxColumns, 1<<16)
	check("MaxErrors", l.MaxErrors, 1<<20)
	check("MaxErrorText", l.MaxErrorText, 1<<20)
	if l.MaxAhead < 0 {
		errs = append(errs, fmt.Errorf("MaxAhead %s: want 0 (no bound) or more", l.MaxAhead))
	}
	if l.MaxBehind < 0 {
		errs = append(errs, fmt.Errorf("MaxBehind %s: want 0 (no bound) or more", l.MaxBehind))
	}
	return errors.Join(errs...)
}
