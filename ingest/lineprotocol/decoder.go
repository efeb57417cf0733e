package lineprotocol

import (
	"context"
	"errors"
	"io"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// Options configure a Decoder. The zero value means the defaults.
type Options struct {
	ingest.Options
	// CacheBytes bounds the memory of the raw-key cache. Default 64 MiB.
	CacheBytes int
}

// Params are what a request says beside its body.
type Params struct {
	// Precision is the unit of the timestamps in the body.
	Precision Precision
	// Database is the db or bucket; where not empty it becomes the label db.
	// Tenant becomes the label tenant. Both are copied where they are kept,
	// so they may alias a request's memory.
	Database, Tenant string
	// Now is the time, in nanoseconds, of records without one; it is
	// truncated to Precision.
	Now int64
	// MinTime is the oldest time accepted, in nanoseconds; older records are
	// refused. Zero means no bound.
	MinTime int64
}

// CacheStats are counters of the raw-key cache since the decoder was made.
type CacheStats struct {
	Hits, Misses, Evictions uint64
	// Entries and Bytes are held now; CapBytes is the bound.
	Entries, Bytes, CapBytes int64
}

// Decoder decodes line protocol. It is safe for concurrent use.
type Decoder struct {
	opts Options
}

// NewDecoder returns a decoder; the error names every invalid option.
func NewDecoder(opts Options) (*Decoder, error) {
	return &Decoder{opts: opts}, opts.Validate()
}

// CacheStats returns the counters of the raw-key cache.
func (d *Decoder) CacheStats() CacheStats { return CacheStats{} }

// Decode adds the records of a whole request body to b and reports what
// became of each line: good lines are added, bad ones are listed. A caller
// that wants all or nothing does not append b where Rejected is not zero.
// body is not kept and not changed.
func (d *Decoder) Decode(body []byte, p Params, b *model.Batch) ingest.Report {
	return ingest.Report{}
}

// ScanOptions configure Scan. The zero value means the defaults.
type ScanOptions struct {
	// BlockBytes is how much input makes one block. Default 1 MiB.
	BlockBytes int
}

// Scan decodes a stream of any length in blocks that are cut between records
// and calls visit for each, in order. It returns the report of the whole
// stream. It ends with ctx's error, the reader's or visit's, whichever comes
// first; blocks visited before stay visited.
func (d *Decoder) Scan(ctx context.Context, r io.Reader, p Params, o ScanOptions, visit func(ingest.Block) error) (ingest.Report, error) {
	return ingest.Report{}, errors.New("not ready")
}
