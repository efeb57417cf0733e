// Package native makes native histograms of what senders write.
package native

import (
	"fmt"
	"math"
	"math/bits"

	"tidemark/storage/model"
)

// Builder makes one histogram. The zero value, with Schema set, is ready. The
// buckets of each sign are added in ascending order of their index.
type Builder struct {
	// Schema is that of the buckets added. One finer than the finest stored
	// is made coarser: 2^n buckets become one.
	Schema int64
	// Sums are exact as long as all counts are integers.
	total    uint64
	overflow bool
	pos, neg model.Buckets
	err      error
}

// Finest is the finest schema that can be made coarser.
const Finest = 52

// exact is the last of the integers that a float64 holds exactly.
const exact = 1 << 53

// Add adds a bucket with an integer count.
func (b *Builder) Add(negative bool, index int64, count uint64) {
	sum, carry := bits.Add64(b.total, count, 0)
	b.total, b.overflow = sum, b.overflow || carry != 0
	b.AddFloat(negative, index, float64(count))
}

// AddFloat adds a bucket.
func (b *Builder) AddFloat(negative bool, index int64, count float64) {
	if count == 0 {
		return
	}
	if b.Schema > int64(model.MaxSchema) {
		// Bucket i reaches up to the bound i: with it goes what ends there.
		index = (index-1)>>(b.Schema-int64(model.MaxSchema)) + 1
	}
	if index != int64(int32(index)) {
		if b.err == nil {
			b.err = fmt.Errorf("%w: bucket %d: want an index of 32 bits", model.ErrBadHistogram, index)
		}
		return
	}
	side := &b.pos
	if negative {
		side = &b.neg
	}
	if n := side.Len(); n > 0 && side.Index[n-1] == int32(index) {
		side.Count[n-1] += count
		return
	}
	side.Add(int32(index), count)
}

// Integer fills in h, whose counts are these and whose buckets were added by
// Add. The histogram keeps integers as long as float64 holds them.
func (b *Builder) Integer(h *model.Histogram, count, zero uint64) error {
	sum, carry := bits.Add64(b.total, zero, 0)
	// Observations that are no number are in no bucket.
	if over := b.overflow || carry != 0 || sum > count; over || sum < count && !math.IsNaN(h.Sum) {
		return fmt.Errorf("%w: want the buckets to have all %d observations, got %d", model.ErrBadHistogram, count, sum)
	}
	h.Integer = count <= exact
	return b.Float(h, float64(count), float64(zero))
}

// Float fills in h, whose counts are these, and checks it.
func (b *Builder) Float(h *model.Histogram, count, zero float64) error {
	switch {
	case b.err != nil:
		return b.err
	case b.Schema == int64(model.CustomSchema), b.Schema >= int64(model.MinSchema) && b.Schema <= Finest:
	default:
		return fmt.Errorf("%w: schema: want %d to %d or %d, got %d", model.ErrBadHistogram, model.MinSchema, Finest, model.CustomSchema, b.Schema)
	}
	h.Schema = int8(min(b.Schema, int64(model.MaxSchema)))
	h.Count, h.ZeroCount, h.Positive, h.Negative = count, zero, b.pos, b.neg
	return h.Validate()
}
