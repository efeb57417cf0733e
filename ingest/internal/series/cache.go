// Package series leads from the bytes that name a series in a request, as
// they are encoded there, to its interned stream and schema: the raw-key
// cache of the protocols that send one value at a time.
//
// It parses nothing; who misses parses, checks, and adds. It is bounded, and
// refuses to grow beyond its bound by forgetting what was not used lately.
//
// # How it works
//
// Two generations of open-addressed tables. Readers take no lock: they probe
// the young generation, then the old one, and what is found in the old one
// moves to the young. When the young one has half of the bound, it becomes the
// old one and what the old one still held is gone. Entries are immutable, and a
// table only ever gains entries, so a reader sees an entry whole or not at
// all; a miss costs only time.
//
// Series that differ in nothing but the metric share one *model.Stream, and
// series of one metric one *model.Schema, as far as the generation knows them:
// the store then resolves each once.
//
// A protocol whose bytes have the metric apart from the other labels looks
// these two up by themselves (FindLabels, FindMetric): neighbours mostly have
// one of them in common, so that nothing need be looked up for it, and a label
// set is kept once for all of its metrics.
package series

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// Series is what a key stands for. It is immutable.
type Series struct {
	// Stream is nil for a metric alone.
	Stream *model.Stream
	// Schema has one float column, named as the metric. It is nil for labels
	// alone.
	Schema *model.Schema

	hash   uint64
	key    string
	origin *Origin
	size   int64
}

// Origin is a database and a tenant. Series are kept apart by its address.
type Origin struct {
	db, tenant string
	seed       uint64
	labels     *Origin // of keys that are labels without the metric
}

// metrics is the origin of keys that are metrics alone; they are the same for
// everyone.
var metrics = &Origin{}

// maxOrigins bounds the origins remembered; beyond it they are forgotten, and
// their entries found no more.
const maxOrigins = 1024

// Cache is a bounded map of keys to series, safe for concurrent use.
type Cache struct {
	opts ingest.Options
	cap  int64

	young, old atomic.Pointer[generation]
	layouts    layouts
	variants   variants

	hits, misses, evictions atomic.Uint64

	originMu sync.RWMutex
	origins  map[[2]string]*Origin // guarded by originMu

	mu sync.Mutex // of whatever adds
}

type generation struct {
	table   atomic.Pointer[table]
	entries atomic.Int64
	bytes   atomic.Int64
	// streams and schemas are guarded by Cache.mu.
	streams map[string]*model.Stream
	schemas map[string]*model.Schema
}

type table struct {
	mask  uint64
	slots []slot
}

type slot struct {
	hash   atomic.Uint64 // 0 where the slot is free; set after series
	series atomic.Pointer[Series]
}

const (
	minSlots  = 256
	slotBytes = 16
)

// NewCache returns a cache of at most capBytes, as far as its estimates of
// memory go. opts must have its defaults filled in.
func NewCache(opts ingest.Options, capBytes int64) *Cache {
	c := &Cache{opts: opts, cap: capBytes, origins: map[[2]string]*Origin{}}
	c.young.Store(newGeneration())
	c.old.Store(newGeneration())
	return c
}

func newGeneration() *generation {
	g := &generation{streams: map[string]*model.Stream{}, schemas: map[string]*model.Schema{}}
	g.table.Store(newTable(minSlots))
	g.bytes.Store(minSlots * slotBytes)
	return g
}

func newTable(n int) *table { return &table{mask: uint64(n - 1), slots: make([]slot, n)} }

// Origin interns a database and a tenant, which are copied.
func (c *Cache) Origin(db, tenant string) *Origin {
	if c.opts.NoDatabaseLabel {
		db = ""
	}
	c.originMu.RLock()
	o := c.origins[[2]string{db, tenant}]
	c.originMu.RUnlock()
	if o != nil {
		return o
	}
	c.originMu.Lock()
	defer c.originMu.Unlock()
	if o := c.origins[[2]string{db, tenant}]; o != nil {
		return o
	}
	if len(c.origins) >= maxOrigins {
		clear(c.origins)
	}
	o = &Origin{db: strings.Clone(db), tenant: strings.Clone(tenant)}
	o.seed = xxhash.Sum64String(o.db)*3 ^ xxhash.Sum64String(o.tenant)
	o.labels = &Origin{db: o.db, tenant: o.tenant, seed: o.seed + 1}
	c.origins[[2]string{o.db, o.tenant}] = o
	return o
}

func (o *Origin) hash(key []byte) uint64 {
	h := xxhash.Sum64(key) ^ o.seed
	if h == 0 {
		return 1
	}
	return h
}

// Find returns the series of a key, or nil. It does not allocate.
func (c *Cache) Find(o *Origin, key []byte) *Series {
	h := o.hash(key)
	if s := c.young.Load().table.Load().find(h, o, key); s != nil {
		return s
	}
	if s := c.old.Load().table.Load().find(h, o, key); s != nil {
		c.promote(s)
		return s
	}
	return nil
}

func (t *table) find(h uint64, o *Origin, key []byte) *Series {
	for i := h; ; i++ {
		sl := &t.slots[i&t.mask]
		switch sl.hash.Load() {
		case 0:
			return nil
		case h:
			if s := sl.series.Load(); s.origin == o && s.key == string(key) {
				return s
			}
		}
	}
}

// Count adds to the counters of records by whether their series was known; a
// decoder calls it once per request.
func (c *Cache) Count(hits, misses uint64) {
	c.hits.Add(hits)
	c.misses.Add(misses)
}

// FindLabels returns the stream of labels without the metric, or nil.
func (c *Cache) FindLabels(o *Origin, key []byte) *model.Stream {
	if s := c.Find(o.labels, key); s != nil {
		return s.Stream
	}
	return nil
}

// FindMetric returns the schema of a metric, or nil.
func (c *Cache) FindMetric(name []byte) *model.Schema {
	if s := c.Find(metrics, name); s != nil {
		return s.Schema
	}
	return nil
}

// Add makes the series of a metric and its own labels, which must have passed
// ingest.Limits.SeriesLabels, and keeps it under the key. own is not kept;
// its strings are.
func (c *Cache) Add(o *Origin, key, metric string, own model.Labels) *Series {
	st := c.opts.NewStream(model.MetricRow, "", o.db, o.tenant, own)
	s := &Series{hash: o.hash([]byte(key)), key: key, origin: o}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Stream, s.Schema = c.streamLocked(st), c.schemaLocked(metric)
	c.addLocked(s)
	return s
}

// AddParts is Add for a metric and labels that are looked up by themselves;
// key is of the labels.
func (c *Cache) AddParts(o *Origin, key, metric string, own model.Labels) (*model.Stream, *model.Schema) {
	st := c.opts.NewStream(model.MetricRow, "", o.db, o.tenant, own)
	labels := &Series{hash: o.labels.hash([]byte(key)), key: key, origin: o.labels}
	name := &Series{hash: metrics.hash([]byte(metric)), origin: metrics}
	c.mu.Lock()
	defer c.mu.Unlock()
	labels.Stream, name.Schema = c.streamLocked(st), c.schemaLocked(metric)
	name.key = name.Schema.Columns[0].Name
	c.addLocked(labels)
	c.addLocked(name)
	return labels.Stream, name.Schema
}

// streamLocked returns the stream that has the labels of st.
func (c *Cache) streamLocked(st *model.Stream) *model.Stream {
	for _, g := range [2]*generation{c.young.Load(), c.old.Load()} {
		if known := g.streams[st.Key()]; known != nil {
			return known
		}
	}
	return st
}

func (c *Cache) schemaLocked(metric string) *model.Schema {
	for _, g := range [2]*generation{c.young.Load(), c.old.Load()} {
		if known := g.schemas[metric]; known != nil {
			return known
		}
	}
	name := strings.Clone(metric)
	return &model.Schema{Kind: model.MetricRow, Columns: []model.Column{{Name: name, Measurement: name, Field: "value", Type: model.TypeFloat}}}
}

func (c *Cache) addLocked(s *Series) {
	s.size = 96 + int64(len(s.key))
	if s.size <= c.cap/8 {
		c.keepLocked(s)
	}
}

func (c *Cache) promote(s *Series) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keepLocked(s)
}

// keepLocked puts a series into the young generation.
func (c *Cache) keepLocked(s *Series) {
	g := c.young.Load()
	t := g.table.Load()
	if t.find(s.hash, s.origin, []byte(s.key)) != nil {
		return
	}
	if g.bytes.Load()+s.size > c.cap/2 {
		c.evictions.Add(uint64(c.old.Load().entries.Load()))
		c.old.Store(g)
		g = newGeneration()
		c.young.Store(g)
		t = g.table.Load()
	}
	if n := len(t.slots); int(g.entries.Load()) >= n/2 {
		grown := newTable(2 * n)
		for i := range t.slots {
			if e := t.slots[i].series.Load(); e != nil {
				grown.put(e)
			}
		}
		g.bytes.Add(int64(n) * slotBytes)
		g.table.Store(grown)
		t = grown
	}
	t.put(s)
	g.entries.Add(1)
	size := s.size
	if s.Stream != nil && g.streams[s.Stream.Key()] == nil {
		key := s.Stream.Key()
		g.streams[key] = s.Stream
		// The stream, its key, its labels and its place in the map; the
		// labels' text is that of a key.
		size += 144 + int64(len(key)) + 32*int64(len(s.Stream.Labels))
	}
	if s.Schema != nil && g.schemas[s.Schema.Columns[0].Name] == nil {
		name := s.Schema.Columns[0].Name
		g.schemas[name] = s.Schema
		size += 240 + int64(len(name))
	}
	g.bytes.Add(size)
}

// put stores a series that the table lacks; there is a free slot.
func (t *table) put(s *Series) {
	for i := s.hash; ; i++ {
		sl := &t.slots[i&t.mask]
		if sl.hash.Load() == 0 {
			sl.series.Store(s)
			sl.hash.Store(s.hash)
			return
		}
	}
}

// Stats returns the cache's counters.
func (c *Cache) Stats() ingest.CacheStats {
	young, old := c.young.Load(), c.old.Load()
	return ingest.CacheStats{
		Hits: c.hits.Load(), Misses: c.misses.Load(), Evictions: c.evictions.Load(),
		Entries: young.entries.Load() + old.entries.Load(), Bytes: young.bytes.Load() + old.bytes.Load(), CapBytes: c.cap,
	}
}
