package model

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Reserved label names.
const (
	// MetricName carries the full metric name where a metric's identity is
	// expressed as labels alone (PromQL's convention).
	MetricName = "__name__"
	// MeasurementLabel carries the measurement of a log stream.
	MeasurementLabel = "measurement"
	// DatabaseLabel carries the InfluxDB database or bucket of a write.
	DatabaseLabel = "db"
	// TenantLabel carries the tenant of a write.
	TenantLabel = "tenant"
)

// Label is one indexed name/value pair.
type Label struct{ Name, Value string }

// Labels is a label set: sorted by name, names unique and not empty, values
// not empty (an empty value means that the label is absent). NewLabels makes
// such a set from any pairs.
type Labels []Label

// NewLabels returns the label set of the given pairs: sorted, pairs with an
// empty value dropped, the last of equal names kept.
func NewLabels(pairs ...Label) Labels {
	ls := slices.Clone(pairs)
	sort.SliceStable(ls, func(i, j int) bool { return ls[i].Name < ls[j].Name })
	out := ls[:0]
	for i, l := range ls {
		if i+1 < len(ls) && ls[i+1].Name == l.Name {
			continue
		}
		if l.Value != "" {
			out = append(out, l)
		}
	}
	return Labels(out)
}

// FromStrings returns the label set of alternating names and values; it
// panics on an odd count and is meant for tests and literals.
func FromStrings(nv ...string) Labels {
	if len(nv)%2 != 0 {
		panic("model: FromStrings needs pairs")
	}
	ls := make([]Label, 0, len(nv)/2)
	for i := 0; i < len(nv); i += 2 {
		ls = append(ls, Label{nv[i], nv[i+1]})
	}
	return NewLabels(ls...)
}

// FromMap returns the label set of m.
func FromMap(m map[string]string) Labels {
	ls := make([]Label, 0, len(m))
	for n, v := range m {
		ls = append(ls, Label{n, v})
	}
	return NewLabels(ls...)
}

// Get returns the value of the label, or "" where the set has none.
func (ls Labels) Get(name string) string {
	for i := range ls {
		if ls[i].Name == name {
			return ls[i].Value
		}
	}
	return ""
}

// Has reports whether the set has a label of that name.
func (ls Labels) Has(name string) bool {
	for i := range ls {
		if ls[i].Name == name {
			return true
		}
	}
	return false
}

// With returns a copy of the set in which name has the value; an empty value
// removes the label.
func (ls Labels) With(name, value string) Labels {
	out := make(Labels, 0, len(ls)+1)
	done := value == ""
	for _, l := range ls {
		if l.Name == name {
			continue
		}
		if !done && l.Name > name {
			out = append(out, Label{name, value})
			done = true
		}
		out = append(out, l)
	}
	if !done {
		out = append(out, Label{name, value})
	}
	return out
}

// Without returns a copy of the set that lacks the given names.
func (ls Labels) Without(names ...string) Labels {
	out := make(Labels, 0, len(ls))
	for _, l := range ls {
		if !slices.Contains(names, l.Name) {
			out = append(out, l)
		}
	}
	return out
}

// Keep returns a copy of the set that has only the given names.
func (ls Labels) Keep(names ...string) Labels {
	out := make(Labels, 0, len(names))
	for _, l := range ls {
		if slices.Contains(names, l.Name) {
			out = append(out, l)
		}
	}
	return out
}

// Map returns the set as a map.
func (ls Labels) Map() map[string]string {
	m := make(map[string]string, len(ls))
	for _, l := range ls {
		m[l.Name] = l.Value
	}
	return m
}

// Equal reports whether both sets hold the same pairs.
func (ls Labels) Equal(o Labels) bool { return slices.Equal(ls, o) }

// Compare orders label sets by their pairs, name before value, a prefix first.
func (ls Labels) Compare(o Labels) int {
	for i := 0; i < len(ls) && i < len(o); i++ {
		if c := strings.Compare(ls[i].Name, o[i].Name); c != 0 {
			return c
		}
		if c := strings.Compare(ls[i].Value, o[i].Value); c != 0 {
			return c
		}
	}
	return len(ls) - len(o)
}

// String prints the set as {a="b", c="d"}; __name__, where present, leads.
func (ls Labels) String() string {
	var b strings.Builder
	b.WriteString(ls.Get(MetricName))
	b.WriteByte('{')
	n := 0
	for _, l := range ls {
		if l.Name == MetricName {
			continue
		}
		if n > 0 {
			b.WriteString(", ")
		}
		n++
		b.WriteString(l.Name)
		b.WriteByte('=')
		b.WriteString(strconv.Quote(l.Value))
	}
	b.WriteByte('}')
	return b.String()
}

// AppendKey appends the canonical encoding of the set, which is its identity
// in memory, in the write-ahead log and on disk: for each pair in order,
//
//	uvarint(len name) name uvarint(len value) value
func (ls Labels) AppendKey(dst []byte) []byte {
	for _, l := range ls {
		dst = binary.AppendUvarint(dst, uint64(len(l.Name)))
		dst = append(dst, l.Name...)
		dst = binary.AppendUvarint(dst, uint64(len(l.Value)))
		dst = append(dst, l.Value...)
	}
	return dst
}

// Key returns the canonical encoding as a string.
func (ls Labels) Key() string { return string(ls.AppendKey(nil)) }

// Hash returns the xxhash64 of the canonical encoding.
func (ls Labels) Hash() uint64 {
	var buf [512]byte
	return xxhash.Sum64(ls.AppendKey(buf[:0]))
}

// ErrBadLabels marks an encoding that is not a label set's canonical one.
var ErrBadLabels = errors.New("bad label set encoding")

// DecodeLabels decodes a canonical encoding. The input is untrusted: lengths
// are checked, and so are order, uniqueness and emptiness.
func DecodeLabels(key []byte) (Labels, error) {
	var ls Labels
	str := func(what string) (string, error) {
		n, w := binary.Uvarint(key)
		if w <= 0 || n > uint64(len(key)-w) {
			return "", fmt.Errorf("%w: %s %d: want a length within the %d bytes left", ErrBadLabels, what, len(ls), len(key))
		}
		s := string(key[w : w+int(n)])
		key = key[w+int(n):]
		return s, nil
	}
	for len(key) > 0 {
		name, err := str("name")
		if err != nil {
			return nil, err
		}
		value, err := str("value")
		if err != nil {
			return nil, err
		}
		if name == "" || value == "" {
			return nil, fmt.Errorf("%w: pair %d: empty name or value", ErrBadLabels, len(ls))
		}
		if len(ls) > 0 && ls[len(ls)-1].Name >= name {
			return nil, fmt.Errorf("%w: pair %d: names not in ascending order", ErrBadLabels, len(ls))
		}
		ls = append(ls, Label{name, value})
	}
	return ls, nil
}
