package model

import (
	"fmt"
	"regexp"
	"strconv"
)

// MatchType is the operator of a matcher.
type MatchType uint8

// The four operators of a label matcher.
const (
	MatchEqual MatchType = iota
	MatchNotEqual
	MatchRegexp
	MatchNotRegexp
)

// String returns the operator as written in a query.
func (t MatchType) String() string {
	switch t {
	case MatchEqual:
		return "="
	case MatchNotEqual:
		return "!="
	case MatchRegexp:
		return "=~"
	case MatchNotRegexp:
		return "!~"
	}
	return "match(" + strconv.Itoa(int(t)) + ")"
}

// Matcher is a predicate on the value of one label; an absent label has the
// empty value. Regular expressions are RE2, anchored at both ends, and their
// dot matches newlines, as in Prometheus.
type Matcher struct {
	Type  MatchType
	Name  string
	Value string

	re *regexp.Regexp
}

// NewMatcher compiles a matcher; the error names a bad regular expression.
func NewMatcher(t MatchType, name, value string) (*Matcher, error) {
	m := &Matcher{Type: t, Name: name, Value: value}
	if t == MatchRegexp || t == MatchNotRegexp {
		re, err := CompileAnchored(value)
		if err != nil {
			return nil, fmt.Errorf("matcher %s: %w", m, err)
		}
		m.re = re
	}
	return m, nil
}

// MustMatcher is NewMatcher for literals; it panics on a bad expression.
func MustMatcher(t MatchType, name, value string) *Matcher {
	m, err := NewMatcher(t, name, value)
	if err != nil {
		panic(err)
	}
	return m
}

// Matches reports whether a label value satisfies the matcher.
func (m *Matcher) Matches(v string) bool {
	switch m.Type {
	case MatchEqual:
		return v == m.Value
	case MatchNotEqual:
		return v != m.Value
	case MatchRegexp:
		return m.re.MatchString(v)
	case MatchNotRegexp:
		return !m.re.MatchString(v)
	}
	return false
}

// MatchesEmpty reports whether a label set without the label satisfies it.
func (m *Matcher) MatchesEmpty() bool { return m.Matches("") }

// MatchesAll reports whether a label set satisfies every matcher.
func MatchesAll(ms []*Matcher, ls Labels) bool {
	for _, m := range ms {
		if !m.Matches(ls.Get(m.Name)) {
			return false
		}
	}
	return true
}

// String prints the matcher as written in a query.
func (m *Matcher) String() string {
	return m.Name + m.Type.String() + strconv.Quote(m.Value)
}
