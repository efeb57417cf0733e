package lineprotocol

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// Options configure a Decoder. The zero value means the defaults.
type Options struct {
	ingest.Options
	// CacheBytes bounds the memory of the raw-key cache and, with a quarter
	// of it more, of the schemas. Default 64 MiB.
	CacheBytes int
}

const (
	defaultCacheBytes = 64 << 20
	maxOrigins        = 1024
)

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
type CacheStats = ingest.CacheStats

// Decoder decodes line protocol. It is safe for concurrent use, and meant to
// be kept: what it learned about keys and fields makes later bodies cheap.
type Decoder struct {
	opts    Options
	cache   *cache
	schemas *schemas
	states  sync.Pool
	// batchCap bounds a batch's bytes; its offsets of text have 32 bits.
	batchCap int64

	originMu sync.RWMutex
	origins  map[[2]string]*origin
}

// NewDecoder returns a decoder; the error names every invalid option.
func NewDecoder(opts Options) (*Decoder, error) {
	err := opts.Validate()
	if opts.CacheBytes < 0 {
		err = errors.Join(err, fmt.Errorf("CacheBytes %d: want 0 (default) or more", opts.CacheBytes))
	}
	if err != nil {
		return nil, fmt.Errorf("line protocol options: %w", err)
	}
	opts.Options = opts.WithDefaults()
	if opts.CacheBytes == 0 {
		opts.CacheBytes = defaultCacheBytes
	}
	d := &Decoder{
		opts:     opts,
		batchCap: 1 << 32,
		cache:    newCache(int64(opts.CacheBytes)),
		schemas:  newSchemas(int64(opts.CacheBytes / 4)),
		origins:  map[[2]string]*origin{},
	}
	d.states.New = func() any { return &state{d: d} }
	return d, nil
}

// CacheStats returns the counters of the raw-key cache.
func (d *Decoder) CacheStats() CacheStats {
	c := d.cache
	return CacheStats{
		Hits: c.hits.Load(), Misses: c.misses.Load(), Evictions: c.evictions.Load(),
		Entries: c.entries.Load(), Bytes: c.bytes.Load(), CapBytes: c.cap,
	}
}

// Decode adds the records of a whole request body to b and reports what
// became of each line: good lines are added, bad ones are listed. A caller
// that wants all or nothing does not append b where Rejected is not zero.
// body is not kept and not changed.
//
// The time is linear in the body's length. Once keys and fields are known, no
// memory is allocated but what b and the list of errors need.
func (d *Decoder) Decode(body []byte, p Params, b *model.Batch) ingest.Report {
	rep, _, _ := d.decode(body, p, b, true, 1, d.opts.MaxErrors)
	return rep
}

// decode is Decode for a body that may be the start of a longer one.
func (d *Decoder) decode(body []byte, p Params, b *model.Batch, whole bool, firstLine, maxErrors int) (rep ingest.Report, consumed, newlines int) {
	// A log row can take seven times its bytes, where its line is made of
	// fields with control characters.
	if int64(b.Size())+8*int64(len(body)) >= d.batchCap {
		rep.Lines, rep.Rejected = 1, 1
		rep.Errors = []ingest.LineError{{Line: firstLine, Column: 1,
			Reason: fmt.Sprintf("body has %d bytes: want at most %d beside what the batch holds", len(body), (d.batchCap-1-int64(b.Size()))/8)}}
		return rep, len(body), bytes.Count(body, []byte{'\n'})
	}
	if p.Precision <= 0 {
		p.Precision = Nanosecond
	}
	if d.opts.NoDatabaseLabel {
		p.Database = ""
	}
	s := d.states.Get().(*state)
	s.body, s.p, s.b, s.rep, s.whole = body, p, b, ingest.Report{}, whole
	s.org = d.origin(p.Database, p.Tenant)
	s.now = floor(p.Now, int64(p.Precision))
	s.prev, s.lastRaw, s.hits, s.misses = nil, nil, 0, 0
	s.quiet = maxErrors <= 0
	consumed, newlines = s.run(firstLine)
	d.cache.hits.Add(s.hits)
	d.cache.misses.Add(s.misses)
	rep = s.rep
	s.body, s.b, s.prev, s.lastRaw, s.org = nil, nil, nil, nil, nil
	s.p, s.rep = Params{}, ingest.Report{}
	s.vals.Forget()
	d.states.Put(s)
	return rep, consumed, newlines
}

// floor rounds t down to a multiple of unit, or up where that would leave the
// range of int64.
func floor(t, unit int64) int64 {
	r := t % unit
	if r < 0 {
		r += unit
	}
	if t-r > t {
		return t - r + unit
	}
	return t - r
}

// origin interns a database and a tenant.
func (d *Decoder) origin(db, tenant string) *origin {
	d.originMu.RLock()
	o := d.origins[[2]string{db, tenant}]
	d.originMu.RUnlock()
	if o != nil {
		return o
	}
	d.originMu.Lock()
	defer d.originMu.Unlock()
	if o := d.origins[[2]string{db, tenant}]; o != nil {
		return o
	}
	if len(d.origins) >= maxOrigins {
		// Entries of forgotten origins are found no more and age out.
		clear(d.origins)
	}
	o = &origin{db: strings.Clone(db), tenant: strings.Clone(tenant)}
	o.seed = xxhash.Sum64String(o.db)*3 ^ xxhash.Sum64String(o.tenant)
	d.origins[[2]string{o.db, o.tenant}] = o
	return o
}

// insert puts into the cache what e says, with a stream of the given kind.
// own are the labels of its key.
func (d *Decoder) insert(e *entry, kind model.RowKind, own model.Labels) (*entry, uint32) {
	n := &entry{hash: e.hash, key: e.key, origin: e.origin, meas: e.meas, metric: e.metric, log: e.log}
	st := d.opts.NewStream(kind, e.meas.name, e.origin.db, e.origin.tenant, own)
	if kind == model.LogRow {
		n.log = st
	} else {
		n.metric = st
	}
	n.next.Store(e.next.Load())
	// The entry, its key, and each stream with its own key and labels;
	// allocation classes round up. The labels' text is the key's.
	size := 88 + len(n.key)
	for _, st := range [2]*model.Stream{n.metric, n.log} {
		if st != nil {
			size += 56 + len(st.Key()) + 32*len(st.Labels)
		}
	}
	n.size = int32(min(size, math.MaxInt32))
	return n, d.cache.put(n)
}

// forgetIfFull empties schemas and cache where the schemas outgrow their
// share of memory.
func (d *Decoder) forgetIfFull() {
	if d.schemas.full() {
		d.schemas.reset()
		d.cache.reset()
	}
}

// stream returns the entry's stream for rows of a kind, or nil.
func (e *entry) stream(kind model.RowKind) *model.Stream {
	if kind == model.LogRow {
		return e.log
	}
	return e.metric
}
