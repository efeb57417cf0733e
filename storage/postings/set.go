package postings

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"
)

// ErrCorrupt marks bytes that are no set.
var ErrCorrupt = errors.New("corrupt postings")

// Set is a set of ids. The zero value is empty and ready for use. A set may be
// read by many goroutines while none changes it.
type Set struct{ b *roaring.Bitmap }

// Of returns the set of the given ids.
func Of(ids ...uint32) *Set { return &Set{roaring.BitmapOf(ids...)} }

// Add adds an id.
func (s *Set) Add(id uint32) {
	if s.b == nil {
		s.b = roaring.New()
	}
	s.b.Add(id)
}

// bitmap returns the set's bitmap, an empty one for a nil or empty set.
func (s *Set) bitmap() *roaring.Bitmap {
	if s == nil || s.b == nil {
		return roaring.New()
	}
	return s.b
}

// Len returns the number of ids.
func (s *Set) Len() int {
	if s == nil || s.b == nil {
		return 0
	}
	return int(s.b.GetCardinality())
}

// Empty reports whether the set has no id.
func (s *Set) Empty() bool { return s == nil || s.b == nil || s.b.IsEmpty() }

// Has reports whether the set has the id.
func (s *Set) Has(id uint32) bool { return s != nil && s.b != nil && s.b.Contains(id) }

// Each calls f for each id in ascending order until f returns false.
func (s *Set) Each(f func(id uint32) bool) {
	if s != nil && s.b != nil {
		s.b.Iterate(f)
	}
}

// IDs returns the ids in ascending order.
func (s *Set) IDs() []uint32 {
	if s.Empty() {
		return nil
	}
	return s.b.ToArray()
}

// Clone returns a copy.
func (s *Set) Clone() *Set { return &Set{s.bitmap().Clone()} }

// Intersects reports whether both sets have an id in common.
func (s *Set) Intersects(o *Set) bool {
	return s != nil && o != nil && s.b != nil && o.b != nil && s.b.Intersects(o.b)
}

// And returns the ids that are in both sets.
func And(a, b *Set) *Set { return &Set{roaring.And(a.bitmap(), b.bitmap())} }

// AndNot returns the ids of a that are not in b.
func AndNot(a, b *Set) *Set { return &Set{roaring.AndNot(a.bitmap(), b.bitmap())} }

// Or returns the ids that are in any of the sets.
func Or(sets ...*Set) *Set {
	bs := make([]*roaring.Bitmap, len(sets))
	for i, s := range sets {
		bs[i] = s.bitmap()
	}
	return &Set{roaring.FastOr(bs...)}
}

// Equal reports whether both sets have the same ids.
func (s *Set) Equal(o *Set) bool { return s.bitmap().Equals(o.bitmap()) }

// Bytes returns the stored form. It makes the set smaller in memory where it
// can.
func (s *Set) Bytes() []byte {
	b := s.bitmap()
	b.RunOptimize()
	v, err := b.ToBytes()
	if err != nil { // only a failing writer makes one, and memory does not fail
		panic("postings: encode: " + err.Error())
	}
	return v
}

// Decode reads a stored set. The bytes are untrusted and are copied.
func Decode(v []byte) (s *Set, err error) {
	defer func() {
		// The library has had panics on crafted input; such bytes are corrupt.
		if p := recover(); p != nil {
			s, err = nil, fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
	}()
	b := roaring.New()
	n, err := b.ReadFrom(bytes.NewReader(v))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if n != int64(len(v)) {
		return nil, fmt.Errorf("%w: %d bytes, the set has %d", ErrCorrupt, len(v), n)
	}
	if err := b.Validate(); err != nil && !b.IsEmpty() {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return &Set{b}, nil
}
