package postings

import (
	"strings"

	"tidemark/storage/model"
)

// Mem is an Index in memory. It is not safe for concurrent use.
type Mem struct {
	all    Set
	labels map[string]map[string]*Set
}

// NewMem returns an empty index.
func NewMem() *Mem { return &Mem{labels: make(map[string]map[string]*Set)} }

// Add adds an id with its labels.
func (x *Mem) Add(id uint32, ls model.Labels) {
	x.all.Add(id)
	for _, l := range ls {
		values := x.labels[l.Name]
		if values == nil {
			values = make(map[string]*Set)
			x.labels[l.Name] = values
		}
		s := values[l.Value]
		if s == nil {
			s = &Set{}
			values[l.Value] = s
		}
		s.Add(id)
	}
}

// All implements Index.
func (x *Mem) All() (*Set, error) { return &x.all, nil }

// Get implements Index.
func (x *Mem) Get(name, value string) (*Set, error) { return x.labels[name][value], nil }

// Values implements Index.
func (x *Mem) Values(name, prefix string, f func(string, func() (*Set, error)) error) error {
	for v, s := range x.labels[name] {
		if strings.HasPrefix(v, prefix) {
			if err := f(v, func() (*Set, error) { return s, nil }); err != nil {
				return err
			}
		}
	}
	return nil
}

// Names calls f for each label name.
func (x *Mem) Names(f func(name string)) {
	for n := range x.labels {
		f(n)
	}
}
