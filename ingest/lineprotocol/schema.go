package lineprotocol

import (
	"strings"
	"sync"
	"sync/atomic"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// signature is a sequence of fields as written, names and types, and the
// layout it leads to. It is immutable and shared by all streams of its
// measurement.
type signature struct {
	names  []string // raw, each with its equals sign
	types  []model.Type
	layout *ingest.Layout
}

// measurement holds the signatures seen with a measurement.
type measurement struct {
	name string
	mu   sync.RWMutex
	sigs map[string]*signature // by raw names and types, see appendSigKey
}

// schemas holds measurements and their signatures within a bound of bytes.
// Beyond it everything is forgotten at once: that takes hundreds of thousands
// of distinct fields, and the caller then resets the key cache too, whose
// entries point here.
type schemas struct {
	cap   int64
	bytes atomic.Int64
	mu    sync.RWMutex
	names map[string]*measurement
}

func newSchemas(capBytes int64) *schemas {
	return &schemas{cap: capBytes, names: map[string]*measurement{}}
}

// measurement returns the measurement of that name.
func (s *schemas) measurement(name string) *measurement {
	s.mu.RLock()
	m := s.names[name]
	s.mu.RUnlock()
	if m != nil {
		return m
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.names[name]; m != nil {
		return m
	}
	name = strings.Clone(name) // not to keep the key it was cut from
	m = &measurement{name: name, sigs: map[string]*signature{}}
	s.names[name] = m
	s.bytes.Add(int64(2*len(name)) + 160)
	return m
}

// full reports whether the bound is exceeded.
func (s *schemas) full() bool { return s.bytes.Load() > s.cap }

func (s *schemas) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names = map[string]*measurement{}
	s.bytes.Store(0)
}

// find returns the signature of a key, or nil, without allocating.
func (m *measurement) find(key []byte) *signature {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.sigs[string(key)]
}

// add returns the signature held under the key, after adding sig where there
// was none.
func (s *schemas) add(m *measurement, key []byte, sig *signature) *signature {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.sigs[string(key)]; old != nil {
		return old
	}
	m.sigs[string(key)] = sig
	// A column's names: raw, with the measurement, and their headers.
	size := int64(len(key)) + 200
	for _, n := range sig.names {
		size += int64(2*len(n)+len(m.name)) + 120
	}
	s.bytes.Add(size)
	return sig
}
