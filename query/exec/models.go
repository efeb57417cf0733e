package exec

import (
	"fmt"
	"hash/maphash"
	"math"
	"math/bits"
	"sync"

	"tidemark/query/analysis"
)

// Models keeps fitted baselines between queries. A model is found by what it
// was fitted on (a hash of the samples of its training window, and the options), so a
// late write into the window misses it and nothing has to be told of writes.
// What has not been asked for the longest goes when the limit is
// reached: entries live in two generations, of which the older is dropped whole.
// It is safe for concurrent use.
type Models struct {
	max int64

	mu       sync.Mutex
	bytes    int64 // of the young generation
	young    map[modelKey]fitted
	old      map[modelKey]fitted
	hit, new int64
}

// modelKey is what a model was fitted on.
type modelKey struct {
	data, options uint64
	from, to, res int64
}

// NewModels returns an empty cache of at most max bytes.
func NewModels(max int64) *Models {
	return &Models{max: max, young: map[modelKey]fitted{}}
}

// get returns what is kept under a key.
func (c *Models) get(k modelKey) (fitted, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f, ok := c.young[k]
	if !ok {
		if f, ok = c.old[k]; ok {
			c.keep(k, f)
		}
	}
	if ok {
		c.hit++
	} else {
		c.new++
	}
	return f, ok
}

// put keeps a model.
func (c *Models) put(k modelKey, f fitted) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(k, f)
}

// keep adds to the young generation; c.mu is held.
func (c *Models) keep(k modelKey, f fitted) {
	size := int64(256)
	if f.model != nil {
		size += f.model.Size()
	}
	if c.bytes += size; c.bytes > c.max/2 {
		c.old, c.young, c.bytes = c.young, map[modelKey]fitted{}, size
	}
	c.young[k] = f
}

// Counts returns how many models were found and how many were not.
func (c *Models) Counts() (found, missed int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hit, c.new
}

// seed makes hashes of one process only.
var seed = maphash.MakeSeed()

// hashOptions tells the options of fits apart.
func hashOptions(o analysis.BaselineOptions) uint64 {
	return maphash.String(seed, fmt.Sprintf("%v|%v|%g|%g|%g|%v", o.Seasons, o.Zone, o.Q, o.MinAbs, o.MinRel, o.Exclude))
}

// hashSamples hashes the samples in (from, to]: one multiplication a word, two
// lanes so that they overlap.
func hashSamples(s *Samples) uint64 {
	const a, b = 0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f
	x, y := uint64(len(s.Times)), uint64(b)
	for i, t := range s.Times {
		x = bits.RotateLeft64(x^uint64(t), 29) * a
		y = bits.RotateLeft64(y^math.Float64bits(s.Values[i]), 31) * b
	}
	return maphash.Comparable(seed, [2]uint64{x, y})
}
