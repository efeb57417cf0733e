// Package gencache is a cache of what decoders learn, from bytes to values,
// within a bound of memory.
//
// It keeps two generations. New entries go to the young one; when that has
// half of the bound, it becomes the old one, and what was old is forgotten. A
// hit in the old generation moves the entry to the young one: what is used at
// least once per generation stays. That needs no list of uses, and a hit in
// the young generation writes nothing, so readers share a lock.
package gencache

import "sync"

// entryBytes is what an entry costs beside key and value: the map's share and
// headers.
const entryBytes = 100

// Cache leads from keys to values of type V. It is safe for concurrent use.
type Cache[V any] struct {
	cap int64 // of one generation

	mu         sync.RWMutex
	young, old map[string]entry[V]
	size       int64 // of young; guarded by mu, as the maps
	oldSize    int64
}

type entry[V any] struct {
	v    V
	size int64
}

// New returns a cache that holds at most capBytes.
func New[V any](capBytes int64) *Cache[V] {
	return &Cache[V]{cap: capBytes / 2, young: map[string]entry[V]{}}
}

// Get returns the value of a key. It allocates nothing where the key is in
// the young generation.
func (c *Cache[V]) Get(key []byte) (v V, ok bool) {
	c.mu.RLock()
	e, ok := c.young[string(key)]
	if ok {
		c.mu.RUnlock()
		return e.v, true
	}
	e, ok = c.old[string(key)]
	c.mu.RUnlock()
	if ok {
		return c.Put(key, e.v, e.size), true
	}
	return v, false
}

// Put keeps a value of size bytes, key not counted, unless the key has one
// already, and returns the one that is kept. A value that would take a
// generation alone is not kept.
func (c *Cache[V]) Put(key []byte, v V, size int64) V {
	n := size + int64(len(key)) + entryBytes
	if n > c.cap {
		return v
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.young[string(key)]; ok {
		return e.v
	}
	if e, ok := c.old[string(key)]; ok {
		v = e.v
	}
	if c.size+n > c.cap {
		c.old, c.oldSize = c.young, c.size
		c.young, c.size = map[string]entry[V]{}, 0
	}
	c.young[string(key)] = entry[V]{v, size}
	c.size += n
	return v
}

// Stats returns the entries and bytes held, entries of both generations
// counted twice.
func (c *Cache[V]) Stats() (entries int, bytes int64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.young) + len(c.old), c.size + c.oldSize
}
