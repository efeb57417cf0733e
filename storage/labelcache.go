package storage

import (
	"sync"
	"sync/atomic"

	"tidemark/storage/keys"
	"tidemark/storage/model"
)

// labelSet is the decoded labels of a label set, with their canonical key.
type labelSet struct {
	labels model.Labels
	key    string
}

type labelKey struct {
	p  keys.Partition
	id uint32
}

// labelCache keeps label sets read from disk, so that a query over many
// partitions does not decode them again. It has two halves: what is used moves
// to the young one, and when that is full the old one is forgotten. That
// approximates least recently used at the cost of a map access.
type labelCache struct {
	hits, misses atomic.Int64
	half         int

	mu         sync.Mutex
	young, old map[labelKey]*labelSet
}

func newLabelCache(entries int) *labelCache {
	return &labelCache{half: max(1, entries/2), young: make(map[labelKey]*labelSet)}
}

func (c *labelCache) get(k labelKey) *labelSet {
	c.mu.Lock()
	defer c.mu.Unlock()
	ls := c.young[k]
	if ls == nil {
		if ls = c.old[k]; ls != nil {
			c.putLocked(k, ls)
		}
	}
	if ls != nil {
		c.hits.Add(1)
	} else {
		c.misses.Add(1)
	}
	return ls
}

func (c *labelCache) put(k labelKey, ls *labelSet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.putLocked(k, ls)
}

func (c *labelCache) putLocked(k labelKey, ls *labelSet) {
	if len(c.young) >= c.half {
		c.old, c.young = c.young, make(map[labelKey]*labelSet)
	}
	c.young[k] = ls
}

func (c *labelCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.young, c.old = make(map[labelKey]*labelSet), nil
}
