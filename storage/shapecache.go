package storage

import (
	"slices"
	"sync"
	"unsafe"

	"tidemark/storage/rowgroup"
)

// shapeCache keeps the shapes of row groups, so that a query does not take the
// same templates apart that the one before did, and shares equal templates
// among groups: a filter then decides on a template once, whatever the number
// of groups. What is used moves to the young half of the cache, and when that is
// full the old one is forgotten.
type shapeCache struct {
	half int // bytes

	mu         sync.Mutex
	young, old map[shapeKey]*rowgroup.Shapes
	size       int // bytes of the young half
	templates  map[string]*rowgroup.Template
	texts      int // bytes of templates
	last       int // id of the newest template
}

// shapeKey names the content of a group: its head's checksum covers those of
// everything else, so that a rewritten group is another one.
type shapeKey struct {
	groupID
	checksum uint32
}

func newShapeCache(bytes int64) *shapeCache {
	return &shapeCache{half: int(bytes / 2), young: make(map[shapeKey]*rowgroup.Shapes), templates: make(map[string]*rowgroup.Template)}
}

func (c *shapeCache) get(id shapeKey) *rowgroup.Shapes {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.young[id]
	if s == nil {
		if s = c.old[id]; s != nil {
			c.putLocked(id, s)
		}
	}
	return s
}

func (c *shapeCache) put(id shapeKey, s *rowgroup.Shapes) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young[id] == nil {
		c.putLocked(id, s)
	}
}

func (c *shapeCache) putLocked(id shapeKey, s *rowgroup.Shapes) {
	if n := s.Size(); c.size+n > c.half {
		c.old, c.young, c.size = c.young, make(map[shapeKey]*rowgroup.Shapes), 0
	}
	c.young[id] = s
	c.size += s.Size()
}

// templateOverhead is about what a template takes beside its text.
const templateOverhead = 256

// intern returns the template of a text, which it does not keep.
func (c *shapeCache) intern(text []byte) (*rowgroup.Template, error) {
	c.mu.Lock()
	t := c.templates[byteString(text)]
	c.mu.Unlock()
	if t != nil {
		return t, nil
	}
	t, err := rowgroup.NewTemplate(slices.Clone(text))
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.templates[byteString(text)]; other != nil {
		return other, nil
	}
	if c.texts += 2*len(text) + templateOverhead; c.texts > c.half {
		// Groups that are cached keep what they have.
		clear(c.templates)
		c.texts = 2*len(text) + templateOverhead
	}
	c.last++
	t.ID = c.last
	c.templates[byteString(t.Text)] = t
	return t, nil
}

func (c *shapeCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.young, c.old, c.size = make(map[shapeKey]*rowgroup.Shapes), nil, 0
	clear(c.templates)
	c.texts = 0
}

// byteString is b as a string, for as long as b does not change.
func byteString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
