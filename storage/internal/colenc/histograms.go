package colenc

import (
	"encoding/binary"
	"math"
	"slices"

	"tidemark/storage/model"
)

// A column of n native histograms is columns itself, one for each thing that
// changes from sample to sample, so that a bucket that counts up costs what a
// counter costs, and one that stands still next to nothing:
//
//	encoding     u8: 1
//	layouts      uvarint k, 1 to n, then for each: flags u8 (bit 0: integer
//	             counts), schema i8, then
//	             exponential: zero threshold f64
//	             custom:      uvarint bounds, f64 each
//	layout       integers (n): which one each sample has; absent where k is 1
//	hints        integers (n): a model.ResetHint each
//	counts       floats (n)
//	sums         floats (n)
//	zero counts  floats (n)
//	positive     uvarint m, indexes (integers, m, ascending), then m floats
//	             columns of n counts, 0 where a sample lacks the bucket
//	negative     the same
//
// The buckets are those that any sample has populated. n times all m is at
// most MaxHistogramCells, for the decoder holds as many numbers.

const histogramColumns = 1

const layoutInteger = 1

// MaxHistogramCells bounds the counts of a column of histograms: its samples
// times the buckets that any of them has.
const MaxHistogramCells = 1 << 17

// HistogramsThatFit returns how many of the first histograms may share a
// column; at least 1 where there are any.
func HistogramsThatFit(hs []*model.Histogram) int {
	pos, neg := map[int32]struct{}{}, map[int32]struct{}{}
	for i, h := range hs {
		for _, idx := range h.Positive.Index {
			pos[idx] = struct{}{}
		}
		for _, idx := range h.Negative.Index {
			neg[idx] = struct{}{}
		}
		if i > 0 && (i+1)*(len(pos)+len(neg)) > MaxHistogramCells {
			return i
		}
	}
	return len(hs)
}

// layoutKey is what a layout says, in the bytes of the format.
func layoutKey(dst []byte, h *model.Histogram) []byte {
	flags := byte(0)
	if h.Integer {
		flags |= layoutInteger
	}
	dst = append(dst, flags, byte(h.Schema))
	if h.Schema != model.CustomSchema {
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(h.ZeroThreshold))
	}
	dst = binary.AppendUvarint(dst, uint64(len(h.Custom)))
	for _, b := range h.Custom {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(b))
	}
	return dst
}

// AppendHistograms appends a column of valid histograms, no more than
// HistogramsThatFit says.
func AppendHistograms(dst []byte, hs []*model.Histogram) []byte { return Smallest.Histograms(dst, hs) }

// Histograms is AppendHistograms in the mode.
func (m Mode) Histograms(dst []byte, hs []*model.Histogram) []byte {
	n := len(hs)
	if n == 0 {
		return dst
	}
	dst = append(dst, histogramColumns)
	var layouts []byte
	seen := map[string]int64{}
	which, hints := make([]int64, n), make([]int64, n)
	words := make([]uint64, n)
	var key []byte
	for i, h := range hs {
		key = layoutKey(key[:0], h)
		id, ok := seen[string(key)]
		if !ok {
			id = int64(len(seen))
			seen[string(key)] = id
			layouts = append(layouts, key...)
		}
		which[i], hints[i] = id, int64(h.Hint)
	}
	dst = binary.AppendUvarint(dst, uint64(len(seen)))
	dst = append(dst, layouts...)
	if len(seen) > 1 {
		dst = m.Ints(dst, which)
	}
	dst = m.Ints(dst, hints)
	floats := func(of func(h *model.Histogram) float64) {
		for i, h := range hs {
			words[i] = math.Float64bits(of(h))
		}
		dst = m.Floats(dst, words)
	}
	floats(func(h *model.Histogram) float64 { return h.Count })
	floats(func(h *model.Histogram) float64 { return h.Sum })
	floats(func(h *model.Histogram) float64 { return h.ZeroCount })
	dst = m.buckets(dst, hs, words, func(h *model.Histogram) model.Buckets { return h.Positive })
	return m.buckets(dst, hs, words, func(h *model.Histogram) model.Buckets { return h.Negative })
}

// buckets appends the buckets of one sign.
func (m Mode) buckets(dst []byte, hs []*model.Histogram, words []uint64, of func(*model.Histogram) model.Buckets) []byte {
	var all []int64
	set := map[int32]struct{}{}
	for _, h := range hs {
		for _, idx := range of(h).Index {
			if _, ok := set[idx]; !ok {
				set[idx] = struct{}{}
				all = append(all, int64(idx))
			}
		}
	}
	slices.Sort(all)
	dst = binary.AppendUvarint(dst, uint64(len(all)))
	dst = m.Ints(dst, all)
	next := make([]int, len(hs)) // the first bucket of each sample not yet written
	for _, idx := range all {
		for i, h := range hs {
			words[i] = 0
			if b := of(h); next[i] < len(b.Index) && int64(b.Index[next[i]]) == idx {
				words[i] = math.Float64bits(b.Count[next[i]])
				next[i]++
			}
		}
		dst = m.Floats(dst, words)
	}
	return dst
}

// DecodeHistograms appends a column of n histograms from the front of src to
// dst. n is trusted: the caller has bounded it. Every histogram is valid; those
// of one column share memory. On an error dst is returned as it was.
func DecodeHistograms(src []byte, n int, dst []*model.Histogram) (_ []*model.Histogram, rest []byte, err error) {
	if n == 0 {
		return dst, src, nil
	}
	id, src, err := ReadByte(src, "histogram encoding")
	if err != nil {
		return dst, nil, err
	}
	if id != histogramColumns {
		return dst, nil, Unsupportedf("histogram encoding %d", id)
	}
	layouts, src, err := readLayouts(src, n)
	if err != nil {
		return dst, nil, err
	}
	out := make([]model.Histogram, n)
	which := make([]int64, n)
	if len(layouts) > 1 {
		if which, src, err = DecodeInts(src, n, which[:0]); err != nil {
			return dst, nil, err
		}
	}
	for i, w := range which {
		if w < 0 || w >= int64(len(layouts)) {
			return dst, nil, Corruptf("histogram %d: want a layout below %d, got %d", i, len(layouts), w)
		}
		out[i] = layouts[w]
	}
	hints, src, err := DecodeInts(src, n, which[:0])
	if err != nil {
		return dst, nil, err
	}
	for i, h := range hints {
		if h < 0 || h > int64(model.Gauge) {
			return dst, nil, Corruptf("histogram %d: want a hint of 0 to %d, got %d", i, model.Gauge, h)
		}
		out[i].Hint = model.ResetHint(h)
	}
	var words []uint64
	for _, into := range []func(h *model.Histogram) *float64{
		func(h *model.Histogram) *float64 { return &h.Count },
		func(h *model.Histogram) *float64 { return &h.Sum },
		func(h *model.Histogram) *float64 { return &h.ZeroCount },
	} {
		if words, src, err = DecodeFloats(src, n, words[:0]); err != nil {
			return dst, nil, err
		}
		for i, w := range words {
			*into(&out[i]) = math.Float64frombits(w)
		}
	}
	cells := MaxHistogramCells / n
	for _, into := range []func(h *model.Histogram) *model.Buckets{
		func(h *model.Histogram) *model.Buckets { return &h.Positive },
		func(h *model.Histogram) *model.Buckets { return &h.Negative },
	} {
		used := 0
		if used, src, err = decodeBuckets(src, out, cells, into); err != nil {
			return dst, nil, err
		}
		cells -= used
	}
	for i := range out {
		if err := out[i].Validate(); err != nil {
			return dst[:len(dst)-i], nil, Corruptf("histogram %d: %v", i, err)
		}
		dst = append(dst, &out[i])
	}
	return dst, src, nil
}

// readLayouts reads the layouts, as histograms without counts.
func readLayouts(src []byte, n int) (_ []model.Histogram, rest []byte, err error) {
	k, src, err := ReadUvarint(src, "histogram layouts", uint64(n))
	if err != nil {
		return nil, nil, err
	}
	if k == 0 {
		return nil, nil, Corruptf("histogram layouts: want at least 1, got 0")
	}
	out := make([]model.Histogram, 0, min(int(k), len(src)/3))
	for range k {
		head, tail, err := ReadBytes(src, "histogram layout", 2)
		if err != nil {
			return nil, nil, err
		}
		src = tail
		if head[0] > layoutInteger {
			return nil, nil, Corruptf("histogram layout flags: want at most %d, got %d", layoutInteger, head[0])
		}
		h := model.Histogram{Integer: head[0]&layoutInteger != 0, Schema: int8(head[1])}
		bounds := uint64(1)
		if h.Schema == model.CustomSchema {
			if bounds, src, err = ReadUvarint(src, "custom bounds", model.MaxBuckets); err != nil {
				return nil, nil, err
			}
		}
		b, tail, err := ReadBytes(src, "histogram bounds", 8*bounds)
		if err != nil {
			return nil, nil, err
		}
		src = tail
		if h.Schema != model.CustomSchema {
			h.ZeroThreshold = math.Float64frombits(binary.LittleEndian.Uint64(b))
		} else {
			h.Custom = make([]float64, bounds)
			for i := range h.Custom {
				h.Custom[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
			}
		}
		out = append(out, h)
	}
	return out, src, nil
}

// decodeBuckets reads the buckets of one sign, at most limit of them, into the
// histograms and returns how many there are.
func decodeBuckets(src []byte, hs []model.Histogram, limit int, into func(*model.Histogram) *model.Buckets) (_ int, rest []byte, err error) {
	m, src, err := ReadUvarint(src, "histogram buckets", uint64(limit))
	if err != nil {
		return 0, nil, err
	}
	indexes, src, err := DecodeInts(src, int(m), nil)
	if err != nil {
		return 0, nil, err
	}
	for i, idx := range indexes {
		if idx < math.MinInt32 || idx > math.MaxInt32 || i > 0 && idx <= indexes[i-1] {
			return 0, nil, Corruptf("histogram bucket %d: want an index above the one before, of 32 bits, got %d", i, idx)
		}
	}
	n := len(hs)
	cells := make([]uint64, 0, n*int(m))
	for range m {
		if cells, src, err = DecodeFloats(src, n, cells); err != nil {
			return 0, nil, err
		}
	}
	populated := 0
	for _, w := range cells {
		if w != 0 {
			populated++
		}
	}
	index, count := make([]int32, 0, populated), make([]float64, 0, populated)
	for i := range hs {
		first := len(index)
		for k, idx := range indexes {
			if w := cells[k*n+i]; w != 0 {
				index, count = append(index, int32(idx)), append(count, math.Float64frombits(w))
			}
		}
		if last := len(index); last > first {
			*into(&hs[i]) = model.Buckets{Index: index[first:last:last], Count: count[first:last:last]}
		}
	}
	return int(m), src, nil
}
