package lineprotocol

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"tidemark/storage/model"
)

// The raw-key cache leads from the bytes of a record's key part, as received,
// to everything they stand for. Readers take no lock and write nothing but a
// reference bit.
//
// It is a hash table of buckets of eight slots; a key lives in its own bucket
// or the neighbour. Each slot holds 32 bits of the hash beside the pointer,
// so that a look-up touches one bucket and one entry. A look-up may see a
// slot while it is being replaced: it then compares the entry's full key and
// reports a miss at worst, and a miss costs only time.
//
// Clients send the same keys in the same order again and again. Each entry
// therefore remembers the slot of the key that followed it, and the decoder
// first compares the input with that key: where it fits, neither the end of
// the key is searched nor a hash computed. Slots rather than pointers are
// remembered so that an evicted entry is free to go.
//
// Growth, insertion and eviction take a mutex; they happen on misses only.
// Eviction is a clock: entries used since the hand last passed are spared
// once. Where more keys take turns than fit, each would be evicted before it
// comes again, and the cache be of no use; so a full cache takes one new key
// of admitOne, which leaves most of what it has in place.

const (
	bucketSlots = 8
	minBuckets  = 64
	bucketBytes = bucketSlots * (4 + 8)

	// noSlot is of an entry that is not kept: its slot+1 means none.
	noSlot = ^uint32(0)

	admitOne = 8
)

// entry is immutable but for its hints.
type entry struct {
	hash   uint64
	key    string
	origin *origin
	meas   *measurement
	metric *model.Stream
	log    *model.Stream
	size   int32

	used atomic.Uint32             // the clock's reference bit
	next atomic.Uint32             // slot + 1 of the key that followed
	sig  atomic.Pointer[signature] // the fields seen last
}

// origin is a database and a tenant; entries are compared by its address.
type origin struct {
	db, tenant string
	seed       uint64
}

type bucket struct {
	tags  [bucketSlots]atomic.Uint32
	slots [bucketSlots]atomic.Pointer[entry]
}

type table struct {
	mask    uint64
	buckets []bucket
}

type cache struct {
	table atomic.Pointer[table]

	hits, misses, evictions atomic.Uint64
	bytes, entries          atomic.Int64 // written under mu
	cap                     int64

	mu     sync.Mutex
	hand   int
	turned int // new keys met while full
}

func newCache(capBytes int64) *cache {
	c := &cache{cap: capBytes}
	c.resetLocked()
	return c
}

func (c *cache) resetLocked() {
	c.table.Store(newTable(minBuckets))
	c.bytes.Store(minBuckets * bucketBytes)
	c.entries.Store(0)
	c.hand = 0
}

// reset forgets every entry.
func (c *cache) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.evictions.Add(uint64(c.entries.Load()))
	c.resetLocked()
}

func newTable(buckets int) *table {
	return &table{mask: uint64(buckets - 1), buckets: make([]bucket, buckets)}
}

// tag is the part of the hash kept beside the slot; it is never 0.
func tag(hash uint64) uint32 { return uint32(hash>>32) | 1 }

// at returns the entry of a slot, or nil.
func (t *table) at(slot uint32) *entry {
	b := slot / bucketSlots
	if uint64(b) > t.mask {
		return nil
	}
	return t.buckets[b].slots[slot%bucketSlots].Load()
}

// find returns the entry of a key and its slot, or nil.
func (t *table) find(hash uint64, o *origin, key []byte) (*entry, uint32) {
	want := tag(hash)
	for probe := range uint64(2) {
		n := hash&t.mask ^ probe
		b := &t.buckets[n]
		for i := range b.tags {
			if b.tags[i].Load() != want {
				continue
			}
			if e := b.slots[i].Load(); e != nil && e.hash == hash && e.origin == o && e.key == string(key) {
				return e, uint32(n)*bucketSlots + uint32(i)
			}
		}
	}
	return nil, 0
}

// touch marks an entry as used.
func (e *entry) touch() {
	if e.used.Load() == 0 {
		e.used.Store(1)
	}
}

// put inserts an entry, replaces the one with the same key where there is
// one, and returns its slot. It evicts as the bound asks; an entry that would
// take a quarter of it alone, or is not admitted, is not kept, and has the slot
// noSlot.
func (c *cache) put(e *entry) uint32 {
	if int64(e.size) > c.cap/4 {
		return noSlot
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.table.Load()
	if old, slot := t.find(e.hash, e.origin, []byte(e.key)); old != nil {
		c.bytes.Add(int64(e.size) - int64(old.size))
		t.buckets[slot/bucketSlots].slots[slot%bucketSlots].Store(e)
		return slot
	}
	for n := int64(len(t.buckets)); c.entries.Load() > n*bucketSlots*3/8 && n < 1<<28 &&
		c.bytes.Load()+n*bucketBytes <= c.cap; n = int64(len(t.buckets)) {
		t = c.growLocked(t)
	}
	if over := c.bytes.Load() + int64(e.size) - c.cap; over > 0 {
		if c.turned++; c.turned%admitOne != 0 {
			return noSlot
		}
		c.evictLocked(t, over)
	}
	return c.placeLocked(t, e)
}

// placeLocked stores an entry in its bucket or the neighbour, in a free slot
// or that of an entry that was not used lately.
func (c *cache) placeLocked(t *table, e *entry) uint32 {
	home := e.hash & t.mask
	victim := uint32(home)*bucketSlots + uint32(bits.RotateLeft64(e.hash, 17)%bucketSlots)
	spared := true
	for probe := range uint64(2) {
		n := home ^ probe
		for i := range bucketSlots {
			slot := uint32(n)*bucketSlots + uint32(i)
			old := t.buckets[n].slots[i].Load()
			if old == nil {
				c.storeLocked(t, slot, e)
				return slot
			}
			if spared && old.used.Load() == 0 {
				victim, spared = slot, false
			}
			old.used.Store(0)
		}
	}
	c.dropLocked(t, victim)
	c.storeLocked(t, victim, e)
	return victim
}

func (c *cache) storeLocked(t *table, slot uint32, e *entry) {
	b := &t.buckets[slot/bucketSlots]
	b.slots[slot%bucketSlots].Store(e)
	b.tags[slot%bucketSlots].Store(tag(e.hash))
	c.entries.Add(1)
	c.bytes.Add(int64(e.size))
}

func (c *cache) dropLocked(t *table, slot uint32) {
	b := &t.buckets[slot/bucketSlots]
	e := b.slots[slot%bucketSlots].Load()
	b.tags[slot%bucketSlots].Store(0)
	b.slots[slot%bucketSlots].Store(nil)
	c.entries.Add(-1)
	c.bytes.Add(-int64(e.size))
	c.evictions.Add(1)
}

// evictLocked frees at least n bytes, or everything there is.
func (c *cache) evictLocked(t *table, n int64) {
	until := c.bytes.Load() - n
	slots := len(t.buckets) * bucketSlots
	for pass := 0; pass < 2*slots && c.bytes.Load() > until; pass++ {
		if c.hand >= slots {
			c.hand = 0
		}
		slot := uint32(c.hand)
		c.hand++
		e := t.at(slot)
		if e == nil {
			continue
		}
		if e.used.Load() != 0 {
			e.used.Store(0)
			continue
		}
		c.dropLocked(t, slot)
	}
}

// growLocked doubles the table. Readers of the old one miss new entries until
// they load the new one; remembered slots go stale and are found out.
func (c *cache) growLocked(old *table) *table {
	t := newTable(2 * len(old.buckets))
	c.bytes.Add(int64(len(old.buckets)) * bucketBytes)
	for i := range old.buckets {
		for j := range old.buckets[i].slots {
			e := old.buckets[i].slots[j].Load()
			if e == nil {
				continue
			}
			c.entries.Add(-1)
			c.bytes.Add(-int64(e.size))
			c.placeLocked(t, e)
		}
	}
	c.table.Store(t)
	return t
}
