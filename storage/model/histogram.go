package model

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// ResetHint says what is known of a histogram's relation to the one before it
// in its series. The numbers are part of the disk formats and those of
// Prometheus.
type ResetHint uint8

// Reset hints.
const (
	ResetUnknown ResetHint = 0 // compare the two to find out
	ResetYes     ResetHint = 1 // the counters began anew
	ResetNo      ResetHint = 2 // they did not
	Gauge        ResetHint = 3 // no counter: its counts may go down
)

// Schemas of native histograms.
const (
	// MinSchema to MaxSchema are exponential: each bucket's bound is the one
	// before times 2^(2^-schema), and 1 is a bound in all of them.
	MinSchema, MaxSchema int8 = -4, 8
	// CustomSchema has the upper bounds that Custom lists.
	CustomSchema int8 = -53
)

// MaxBuckets bounds the populated buckets of either sign of one histogram, and
// the custom bounds.
const MaxBuckets = 1 << 14

// maxIndex bounds the index of an exponential bucket: in the finest schema,
// 2^8 buckets for each of float64's 2,098 powers of two.
const maxIndex = 1 << 19

// Histogram is one sample of a native histogram: the counts of observations
// by bucket, as Prometheus defines them. Counts are float64s; those of an
// integer histogram are whole numbers up to 2^53, and a histogram that counts
// beyond is a float histogram.
//
// A bucket without observations does not exist: Positive and Negative list
// those that have some. A histogram that is part of a Series is shared: who
// wants to change one makes a Clone.
type Histogram struct {
	Schema int8
	Hint   ResetHint
	// Integer says that the histogram came with whole counts.
	Integer bool
	// ZeroCount observations are at most ZeroThreshold away from zero; both
	// are 0 with custom buckets.
	ZeroThreshold, ZeroCount float64
	// Count is the number of all observations, Sum their sum; the sum of the
	// staleness marker is StaleNaNBits.
	Count, Sum float64
	// Custom has the upper bounds of custom buckets, ascending, without the
	// infinite one. It is shared and never changed.
	Custom []float64
	// Positive are the buckets above zero and, with custom buckets, all;
	// Negative those below, mirrored.
	Positive, Negative Buckets
}

// Buckets are populated buckets by ascending index. Exponential bucket i
// reaches from bound(i-1), excluded, to bound(i) = 2^(i·2^-schema); custom
// bucket i from Custom[i-1] to Custom[i], infinity standing beyond either end.
type Buckets struct {
	Index []int32
	Count []float64
}

// Stale reports whether the histogram is the staleness marker.
func (h *Histogram) Stale() bool { return IsStale(h.Sum) }

// StaleHistogram returns a staleness marker.
func StaleHistogram() *Histogram {
	return &Histogram{Sum: math.Float64frombits(StaleNaNBits)}
}

// Clone returns a copy that shares nothing but the custom bounds.
func (h *Histogram) Clone() *Histogram {
	c := *h
	c.Positive, c.Negative = h.Positive.Clone(), h.Negative.Clone()
	return &c
}

// Clone returns a copy.
func (b Buckets) Clone() Buckets { return Buckets{slices.Clone(b.Index), slices.Clone(b.Count)} }

// Len returns the number of buckets.
func (b Buckets) Len() int { return len(b.Index) }

// Add appends a bucket, unless its count is zero. Indexes must ascend.
func (b *Buckets) Add(index int32, count float64) {
	if count != 0 {
		b.Index, b.Count = append(b.Index, index), append(b.Count, count)
	}
}

// Size returns the bytes of memory that the histogram takes, roughly.
func (h *Histogram) Size() int { return 160 + 12*(len(h.Positive.Index)+len(h.Negative.Index)) }

// Equal reports whether both histograms say the same, bit for bit; the hints
// and whether the counts are whole do not count.
func (h *Histogram) Equal(o *Histogram) bool {
	same := func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }
	return h.Schema == o.Schema && same(h.Count, o.Count) && same(h.Sum, o.Sum) &&
		same(h.ZeroThreshold, o.ZeroThreshold) && same(h.ZeroCount, o.ZeroCount) &&
		slices.Equal(h.Custom, o.Custom) && h.Positive.equal(o.Positive) && h.Negative.equal(o.Negative)
}

func (b Buckets) equal(o Buckets) bool {
	return slices.Equal(b.Index, o.Index) && slices.EqualFunc(b.Count, o.Count, func(x, y float64) bool {
		return math.Float64bits(x) == math.Float64bits(y)
	})
}

// Continues reports whether h may be the sample after prev of the same counters:
// it has the same layout, and nothing in it is less.
func (h *Histogram) Continues(prev *Histogram) bool {
	return h.Schema == prev.Schema && h.ZeroThreshold == prev.ZeroThreshold && slices.Equal(h.Custom, prev.Custom) &&
		h.Count >= prev.Count && h.ZeroCount >= prev.ZeroCount &&
		h.Positive.continues(prev.Positive) && h.Negative.continues(prev.Negative)
}

func (b Buckets) continues(prev Buckets) bool {
	k := 0
	for i, idx := range prev.Index {
		for k < len(b.Index) && b.Index[k] < idx {
			k++
		}
		if k == len(b.Index) || b.Index[k] != idx || !(b.Count[k] >= prev.Count[i]) {
			return false
		}
	}
	return true
}

// ResolveResets gives the histograms of a series, in order of time and nil
// where a sample is none, the hints that their neighbours allow: one that
// continues the counters of the sample before it is ResetNo, and any other but
// a gauge ResetUnknown. What a sample's source said of the sample before is not
// trusted, as samples may have come between them since, or be missing. It
// changes the histograms.
func ResolveResets(hs []*Histogram) {
	var prev *Histogram
	for _, h := range hs {
		if h != nil && h.Hint != Gauge {
			known := h.Hint == ResetYes
			h.Hint = ResetUnknown
			if !known && prev != nil && prev.Hint != Gauge && (h.Stale() || !prev.Stale() && h.Continues(prev)) {
				h.Hint = ResetNo
			}
		}
		prev = h
	}
}

// ErrBadHistogram marks a histogram, or the bytes of one, that contradicts
// itself.
var ErrBadHistogram = errors.New("bad native histogram")

// Validate checks a histogram from outside.
func (h *Histogram) Validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrBadHistogram}, args...)...)
	}
	custom := h.Schema == CustomSchema
	switch {
	case !custom && (h.Schema < MinSchema || h.Schema > MaxSchema):
		return bad("schema: want %d to %d or %d, got %d", MinSchema, MaxSchema, CustomSchema, h.Schema)
	case h.Hint > Gauge:
		return bad("counter reset hint: want 0 to 3, got %d", h.Hint)
	case !custom && len(h.Custom) > 0:
		return bad("schema %d: want no custom bounds, got %d", h.Schema, len(h.Custom))
	case custom && (h.ZeroCount != 0 || h.ZeroThreshold != 0 || h.Negative.Len() > 0):
		return bad("custom buckets: want no zero bucket and no negative ones")
	case len(h.Custom) > MaxBuckets:
		return bad("custom bounds: want at most %d, got %d", MaxBuckets, len(h.Custom))
	case h.Count < 0 || h.ZeroCount < 0:
		return bad("counts: want none below 0, got %g observations, %g around zero", h.Count, h.ZeroCount)
	case !(h.ZeroThreshold >= 0) || math.IsInf(h.ZeroThreshold, 1):
		return bad("zero threshold: want 0 or more, got %g", h.ZeroThreshold)
	}
	for i, b := range h.Custom {
		if math.IsNaN(b) || math.IsInf(b, 1) || i > 0 && !(h.Custom[i-1] < b) {
			return bad("custom bound %d: want one above the bound before, below infinity, got %g", i, b)
		}
	}
	lo, hi := int32(-maxIndex), int32(maxIndex)
	if custom {
		lo, hi = 0, int32(len(h.Custom))
	}
	for _, side := range []struct {
		name string
		b    Buckets
	}{{"positive", h.Positive}, {"negative", h.Negative}} {
		if n := side.b.Len(); n > MaxBuckets || n != len(side.b.Count) {
			return bad("%s buckets: want at most %d with a count each, got %d and %d counts", side.name, MaxBuckets, n, len(side.b.Count))
		}
		for i, idx := range side.b.Index {
			if c := side.b.Count[i]; idx < lo || idx > hi || i > 0 && side.b.Index[i-1] >= idx {
				return bad("%s bucket %d: want an index above the one before, in %d to %d, got %d", side.name, i, lo, hi, idx)
			} else if c < 0 || c == 0 || h.Integer && !whole(c) {
				return bad("%s bucket %d: want a count above 0, whole in an integer histogram, got %g", side.name, i, c)
			}
		}
	}
	if h.Integer && !(whole(h.Count) && whole(h.ZeroCount)) {
		return bad("integer histogram: want whole counts up to 2^53, got %g and %g", h.Count, h.ZeroCount)
	}
	return nil
}

// whole reports whether a count is an integer that a float64 holds exactly.
func whole(c float64) bool { return c >= 0 && c <= 1<<53 && c == math.Trunc(c) }

// A histogram as bytes, as it lies in a batch, the log and the head:
//
//	flags      u8: hint in bits 0 and 1, bit 2 integer counts
//	schema     i8
//	sum        f64 LE
//	count      count
//	without custom buckets: zero threshold f64 LE, zero count count
//	with custom buckets:    uvarint n, then n bounds f64 LE
//	positive   uvarint n, then for each: index varint (the first) or uvarint
//	           distance to the one before less 1, count
//	negative   the same, without custom buckets
//
// where a count is a uvarint with integer counts and otherwise f64 LE.

const flagInteger = 1 << 2

// AppendHistogram appends the encoding of a valid histogram.
func AppendHistogram(dst []byte, h *Histogram) []byte {
	flags := byte(h.Hint)
	count := func(c float64) { dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(c)) }
	float := count
	if h.Integer {
		flags |= flagInteger
		count = func(c float64) { dst = binary.AppendUvarint(dst, uint64(c)) }
	}
	dst = append(dst, flags, byte(h.Schema))
	float(h.Sum)
	count(h.Count)
	buckets := func(b Buckets) {
		dst = binary.AppendUvarint(dst, uint64(len(b.Index)))
		for i, idx := range b.Index {
			if i == 0 {
				dst = binary.AppendVarint(dst, int64(idx))
			} else {
				dst = binary.AppendUvarint(dst, uint64(idx-b.Index[i-1]-1))
			}
			count(b.Count[i])
		}
	}
	if h.Schema == CustomSchema {
		dst = binary.AppendUvarint(dst, uint64(len(h.Custom)))
		for _, b := range h.Custom {
			float(b)
		}
		buckets(h.Positive)
		return dst
	}
	float(h.ZeroThreshold)
	count(h.ZeroCount)
	buckets(h.Positive)
	buckets(h.Negative)
	return dst
}

// DecodeHistogram decodes and validates a histogram. The input is untrusted and
// must be the whole encoding; the result does not refer to it.
func DecodeHistogram(src []byte) (*Histogram, error) {
	r := histogramReader{b: src}
	flags := r.byte()
	h := &Histogram{Hint: ResetHint(flags & 3), Integer: flags&flagInteger != 0, Schema: int8(r.byte())}
	if flags > flagInteger|3 {
		r.bad = true
	}
	r.integer = h.Integer
	h.Sum, h.Count = r.float(), r.count()
	if h.Schema == CustomSchema {
		n := r.length(8)
		h.Custom = make([]float64, 0, n)
		for range n {
			h.Custom = append(h.Custom, r.float())
		}
		h.Positive = r.buckets()
	} else {
		h.ZeroThreshold, h.ZeroCount = r.float(), r.count()
		h.Positive, h.Negative = r.buckets(), r.buckets()
	}
	if r.bad || len(r.b) > 0 {
		return nil, fmt.Errorf("%w: want its %d bytes to be one histogram, got something else at %d", ErrBadHistogram, len(src), len(src)-len(r.b))
	}
	if err := h.Validate(); err != nil {
		return nil, err
	}
	return h, nil
}

// histogramReader takes fields from untrusted bytes; once bad, it returns
// zeros.
type histogramReader struct {
	b            []byte
	integer, bad bool
}

func (r *histogramReader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *histogramReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *histogramReader) float() float64 {
	if len(r.b) < 8 {
		r.bad, r.b = true, nil
		return 0
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(r.b))
	r.b = r.b[8:]
	return v
}

func (r *histogramReader) count() float64 {
	if !r.integer {
		return r.float()
	}
	v := r.uvarint()
	if v > 1<<53 {
		r.bad = true
	}
	return float64(v)
}

// length reads a number of items of at least size bytes each.
func (r *histogramReader) length(size int) int {
	n := r.uvarint()
	if n > MaxBuckets || n > uint64(len(r.b)/size) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *histogramReader) buckets() (b Buckets) {
	n := r.length(2)
	if n == 0 {
		return b
	}
	b.Index, b.Count = make([]int32, 0, n), make([]float64, 0, n)
	idx := int64(0)
	for i := range n {
		if i == 0 {
			v, w := binary.Varint(r.b)
			if w <= 0 {
				r.bad, r.b = true, nil
				return b
			}
			idx, r.b = v, r.b[w:]
		} else {
			step := r.uvarint()
			if step > 2*maxIndex {
				r.bad = true
				return b
			}
			idx += int64(step) + 1
		}
		if idx < -maxIndex || idx > maxIndex {
			r.bad = true
			return b
		}
		b.Index, b.Count = append(b.Index, int32(idx)), append(b.Count, r.count())
	}
	return b
}
