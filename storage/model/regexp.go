package model

import (
	"regexp"
	"sync"
)

// regexps remembers compiled expressions: dashboards ask with the same ones
// again and again, and compiling takes longer than looking up a series. It has
// two halves, of which the old one is forgotten when the young one is full.
var regexps struct {
	mu         sync.Mutex
	young, old map[string]*regexp.Regexp
}

// A half holds maxRegexps expressions of at most maxRegexpLen bytes, whose
// programs take some KiB each.
const (
	maxRegexps   = 256
	maxRegexpLen = 512
)

// CompileAnchored compiles an expression as matchers have it: anchored at both
// ends, its dot matching newlines. The result may be shared.
func CompileAnchored(expr string) (*regexp.Regexp, error) {
	c := &regexps
	c.mu.Lock()
	re := c.young[expr]
	if re == nil {
		re = c.old[expr]
	}
	c.mu.Unlock()
	if re != nil {
		return re, nil
	}
	re, err := regexp.Compile("^(?s:" + expr + ")$")
	if err != nil || len(expr) > maxRegexpLen {
		return re, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil || len(c.young) >= maxRegexps {
		c.old, c.young = c.young, make(map[string]*regexp.Regexp)
	}
	c.young[expr] = re
	return re, nil
}
