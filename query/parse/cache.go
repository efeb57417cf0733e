package parse

import "sync"

// shapeCache remembers what the grammar makes of token shapes. Programs ask
// the same few shapes again and again with other literals (a dashboard's panel
// for another host), and the grammar takes ten times as long as everything
// else that happens to a text. Trees are never changed, so that queries share
// them.
//
// It has two halves: what is used moves to the young one, and when that is full
// the old one is forgotten, which approximates least recently used.
type shapeCache struct {
	mu         sync.Mutex
	young, old map[string]*exprG
	tokens     int // of the trees in young
}

// A half holds trees of halfTokens tokens, which take some 300 bytes each. Longer
// shapes than maxCached are rare and would push out many others.
const (
	halfTokens = 16 << 10
	maxCached  = 1 << 10
)

// shapes is shared by everything that parses: a shape means the same to all.
var shapes = &shapeCache{young: make(map[string]*exprG)}

// match runs the grammar over tokens, or remembers what it said. at is the
// index of the token that cannot be right, or -1.
func (c *shapeCache) match(ts *Tokens) (g *exprG, at int) {
	if len(ts.List) > maxCached {
		return match(ts.List)
	}
	shape := ts.Shape()
	if g := c.get(shape, len(ts.List)); g != nil {
		return g, -1
	}
	if g, at = match(ts.List); g != nil {
		c.put(shape, g, len(ts.List))
	}
	return g, at
}

func (c *shapeCache) get(shape string, tokens int) *exprG {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.young[shape]
	if g == nil {
		if g = c.old[shape]; g != nil {
			c.putLocked(shape, g, tokens)
		}
	}
	return g
}

func (c *shapeCache) put(shape string, g *exprG, tokens int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.putLocked(shape, g, tokens)
}

func (c *shapeCache) putLocked(shape string, g *exprG, tokens int) {
	if c.tokens+tokens > halfTokens {
		c.old, c.young, c.tokens = c.young, make(map[string]*exprG), 0
	}
	if c.young[shape] == nil {
		c.tokens += tokens
	}
	c.young[shape] = g
}
