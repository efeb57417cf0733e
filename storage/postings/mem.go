package postings

import (
	"strings"

	"github.com/cespare/xxhash/v2"

	"tidemark/storage/model"
)

// Mem is an Index in memory. It is not safe for concurrent use.
//
// A label that is unique to its label set is the common case of many series.
// So a value with one id has no set: the id leads to the labels, and those to
// the value, and an entry is eight bytes beside its place in the hash table.
type Mem struct {
	labels func(id uint32) model.Labels
	all    Set
	names  map[string]*memValues
	bytes  int64
}

// memValues are the values of one label.
type memValues struct {
	table   Table
	entries []memEntry
	sets    []*Set // of values that several ids have
}

type memEntry struct {
	first uint32 // the first id with the value
	set   uint32 // where the others are: index in sets + 1, or 0
}

// NewMem returns an empty index. labels returns the labels of an id that was
// added or is being added.
func NewMem(labels func(id uint32) model.Labels) *Mem {
	return &Mem{labels: labels, names: make(map[string]*memValues)}
}

// Estimates of what parts take, in bytes.
const (
	memNameBytes  = 250 // a label name with its table
	memValueBytes = 26  // an entry and its place in the table, each growing by doubling
	memSetBytes   = 220 // a set of two ids
	memIDBytes    = 3   // another id in a set
)

// Add adds an id with its labels.
func (x *Mem) Add(id uint32, ls model.Labels) {
	x.all.Add(id)
	for _, l := range ls {
		v := x.names[l.Name]
		if v == nil {
			v = &memValues{}
			x.names[l.Name] = v
			x.bytes += memNameBytes
		}
		hash := xxhash.Sum64String(l.Value)
		e := x.find(v, hash, l.Name, l.Value)
		switch {
		case e == nil:
			v.table.Put(hash, uint32(len(v.entries)))
			v.entries = append(v.entries, memEntry{first: id})
			x.bytes += memValueBytes
		case e.set == 0:
			v.sets = append(v.sets, Of(e.first, id))
			e.set = uint32(len(v.sets))
			x.bytes += memSetBytes
		default:
			v.sets[e.set-1].Add(id)
			x.bytes += memIDBytes
		}
	}
}

func (x *Mem) find(v *memValues, hash uint64, name, value string) *memEntry {
	for p := v.table.Find(hash); p.OK(); p = v.table.Next(p) {
		if e := &v.entries[p.Ref()]; x.value(e, name) == value {
			return e
		}
	}
	return nil
}

func (x *Mem) value(e *memEntry, name string) string { return x.labels(e.first).Get(name) }

func (v *memValues) ids(e *memEntry) *Set {
	if e.set == 0 {
		return Of(e.first)
	}
	return v.sets[e.set-1]
}

// All implements Index.
func (x *Mem) All() (*Set, error) { return &x.all, nil }

// Get implements Index.
func (x *Mem) Get(name, value string) (*Set, error) {
	v := x.names[name]
	if v == nil {
		return nil, nil
	}
	e := x.find(v, xxhash.Sum64String(value), name, value)
	if e == nil {
		return nil, nil
	}
	return v.ids(e), nil
}

// Values implements Index.
func (x *Mem) Values(name, prefix string, f func(string, func() (*Set, error)) error) error {
	v := x.names[name]
	if v == nil {
		return nil
	}
	for i := range v.entries {
		e := &v.entries[i]
		if value := x.value(e, name); strings.HasPrefix(value, prefix) {
			if err := f(value, func() (*Set, error) { return v.ids(e), nil }); err != nil {
				return err
			}
		}
	}
	return nil
}

// Names calls f for each label name.
func (x *Mem) Names(f func(name string)) {
	for n := range x.names {
		f(n)
	}
}

// Bytes estimates the memory that the index takes.
func (x *Mem) Bytes() int64 { return x.bytes }
