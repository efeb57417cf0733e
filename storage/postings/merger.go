package postings

import (
	"io"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/cockroachdb/pebble/v2"
)

// MergerName is recorded in the store and must not change.
const MergerName = "tidemark.postings.or.1"

// Merger is Pebble's merge operator of the store: the union of sets.
var Merger = &pebble.Merger{
	Name: MergerName,
	Merge: func(_, value []byte) (pebble.ValueMerger, error) {
		m := &union{}
		return m, m.add(value)
	},
}

// union is commutative, so that newer and older operands are alike.
type union struct{ b *roaring.Bitmap }

func (m *union) add(value []byte) error {
	s, err := Decode(value)
	if err != nil {
		return err
	}
	if m.b == nil {
		m.b = s.b
	} else {
		m.b.Or(s.b)
	}
	return nil
}

func (m *union) MergeNewer(value []byte) error { return m.add(value) }
func (m *union) MergeOlder(value []byte) error { return m.add(value) }

func (m *union) Finish(bool) ([]byte, io.Closer, error) {
	return (&Set{m.b}).Bytes(), nil, nil
}
