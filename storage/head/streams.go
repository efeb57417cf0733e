package head

import (
	"iter"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"tidemark/storage/model"
	"tidemark/storage/postings"
)

// stream is a label set of the head. Most have one schema, whose slot lies
// within.
type stream struct {
	labels model.Labels
	key    string // canonical labels
	one    slot
	more   *moreSlots // where there are several
}

// moreSlots are the slots of a stream behind its first.
type moreSlots struct {
	list     []*slot
	bySchema map[uint32]*slot // of all, where they are many
}

// slot is the rows of one stream with one schema.
type slot struct {
	sc         *model.Schema
	mint, maxt atomic.Int64
	schema     uint32
	first      uint32 // at or below the address of the first row
	last       atomic.Uint32
}

// manySlots is where a map replaces looking at each.
const manySlots = 16

// find returns the slot of a schema, or nil.
func (st *stream) find(schema uint32) *slot {
	if st.one.sc == nil {
		return nil
	}
	if st.one.schema == schema {
		return &st.one
	}
	switch m := st.more; {
	case m == nil:
		return nil
	case m.bySchema != nil:
		return m.bySchema[schema]
	default:
		for _, s := range m.list {
			if s.schema == schema {
				return s
			}
		}
		return nil
	}
}

// add returns a new slot and what it takes in bytes beyond the stream.
func (st *stream) add(schema uint32) (sl *slot, bytes int64) {
	if st.one.sc == nil {
		return &st.one, 0
	}
	if st.more == nil {
		st.more = &moreSlots{}
		bytes += 48
	}
	sl = &slot{schema: schema}
	m := st.more
	m.list = append(m.list, sl)
	bytes += 64
	if len(m.list) >= manySlots {
		if m.bySchema == nil {
			m.bySchema = make(map[uint32]*slot)
			for _, s := range m.list {
				m.bySchema[s.schema] = s
			}
		}
		m.bySchema[schema] = sl
		bytes += 24
	}
	return sl, bytes
}

// slots yields the slots that the stream has now. The index lock must be held
// for the call, not for the loop.
func (st *stream) slots() iter.Seq[*slot] {
	var list []*slot
	if st.more != nil {
		list = st.more.list
	}
	has := st.one.sc != nil
	return func(yield func(*slot) bool) {
		if !has || !yield(&st.one) {
			return
		}
		for _, sl := range list {
			if !yield(sl) {
				return
			}
		}
	}
}

const (
	streamBits  = 8
	streamBlock = 1 << streamBits
	streamBytes = 88
)

// streams are the label sets of a head in blocks, which are never moved.
type streams struct {
	blocks []*[streamBlock]stream
	n      int
	table  postings.Table
}

func (s *streams) len() int { return s.n }

func (s *streams) at(ref uint32) *stream { return &s.blocks[ref>>streamBits][ref&(streamBlock-1)] }

// find returns the number of a label set.
func (s *streams) find(key string) (uint32, bool) {
	for p := s.table.Find(xxhash.Sum64String(key)); p.OK(); p = s.table.Next(p) {
		if s.at(p.Ref()).key == key {
			return p.Ref(), true
		}
	}
	return 0, false
}

// add adds a label set that is new, and returns its number and what it takes
// in bytes.
func (s *streams) add(labels model.Labels, key string) (ref uint32, bytes int64) {
	ref = uint32(s.n)
	if s.n == len(s.blocks)*streamBlock {
		s.blocks = append(s.blocks, new([streamBlock]stream))
		bytes += streamBytes * streamBlock
	}
	s.n++
	st := s.at(ref)
	st.labels, st.key = labels, key
	s.table.Put(xxhash.Sum64String(key), ref)
	// The place in the table, the labels, and their text: once in the key,
	// once where the labels point to.
	return ref, bytes + 13 + 32*int64(len(labels)) + 2*int64(len(key)+8)
}
