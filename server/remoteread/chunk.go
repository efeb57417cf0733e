package remoteread

import (
	"encoding/binary"
	"math"
	"slices"

	"tidemark/storage/model"
)

// chunkSamples is how many samples a chunk has at most, as in Prometheus, whose
// readers expect no more.
const chunkSamples = 120

// Encodings of chunks, numbered by the protocol.
const (
	encodingXOR            = 1
	encodingHistogram      = 2
	encodingFloatHistogram = 3
)

// chunk is an encoded run of samples.
type chunk struct {
	first, last int64
	encoding    uint64
	data        []byte
}

// cut returns how many samples from the i-th on make one chunk.
func cut(s *model.Series, i int) int {
	most := min(len(s.Times)-i, chunkSamples)
	first := histogramAt(s, i)
	n := 1
	if first != nil && first.Stale() {
		return n
	}
	for n < most && goesOn(first, histogramAt(s, i+n)) {
		n++
	}
	return n
}

// goesOn reports whether a sample may stand behind others in the chunk that
// begins with first; nil is a number.
func goesOn(first, h *model.Histogram) bool {
	if first == nil || h == nil {
		return first == nil && h == nil
	}
	if h.Stale() || h.Integer != first.Integer || h.Schema != first.Schema || h.ZeroThreshold != first.ZeroThreshold ||
		!slices.Equal(h.Custom, first.Custom) || (h.Hint == model.Gauge) != (first.Hint == model.Gauge) {
		return false
	}
	// A reader takes what follows in a chunk for a continuation.
	return h.Hint == model.Gauge || h.Hint == model.ResetNo
}

// encodeChunk encodes samples i to i+n, as cut has found them.
func encodeChunk(s *model.Series, i, n int) chunk {
	c := chunk{first: s.Times[i], last: s.Times[i+n-1], encoding: encodingXOR}
	switch h := histogramAt(s, i); {
	case h == nil:
		c.data = encodeFloats(s.Times[i:i+n], s.Values[i:i+n])
	case whole(s, i):
		c.encoding, c.data = encodingHistogram, encodeHistograms(s.Times[i:i+n], s.Histograms[i:i+n], true)
	default:
		c.encoding, c.data = encodingFloatHistogram, encodeHistograms(s.Times[i:i+n], s.Histograms[i:i+n], false)
	}
	return c
}

// encodeFloats encodes numbers: the number of samples in two bytes, then for each
// the time (the first as a varint, the second as the distance, others as the
// change of distance) and the value.
func encodeFloats(times []int64, values []float64) []byte {
	w := bitWriter{b: binary.BigEndian.AppendUint16(make([]byte, 0, 2+4*len(times)), uint16(len(times)))}
	var x xorWriter
	var step int64
	for i, t := range times {
		switch i {
		case 0:
			w.bytes(binary.AppendVarint(nil, t))
			w.float(values[0])
			x.last = math.Float64bits(values[0])
			continue
		case 1:
			step = t - times[0]
			w.bytes(binary.AppendUvarint(nil, uint64(step)))
		default:
			next := t - times[i-1]
			change := next - step
			step = next
			switch {
			case change == 0:
				w.bits(0, 1)
			case fits(change, 14):
				w.bits(0b10, 2)
				w.bits(uint64(change), 14)
			case fits(change, 17):
				w.bits(0b110, 3)
				w.bits(uint64(change), 17)
			case fits(change, 20):
				w.bits(0b1110, 4)
				w.bits(uint64(change), 20)
			default:
				w.bits(0b1111, 4)
				w.bits(uint64(change), 64)
			}
		}
		x.write(&w, values[i])
	}
	return w.b
}

// resetHeaders are what a chunk says of its first histogram, by hint.
var resetHeaders = [...]byte{model.ResetUnknown: 0, model.ResetYes: 0x80, model.ResetNo: 0x40, model.Gauge: 0xc0}

// encodeHistograms encodes histograms of one layout: the number of samples in
// two bytes, the reset header, the layout, and for each the time, the count, the
// zero count, the sum and the counts of buckets.
func encodeHistograms(times []int64, hs []*model.Histogram, integer bool) []byte {
	first := hs[0]
	w := bitWriter{b: binary.BigEndian.AppendUint16(make([]byte, 0, 64*len(times)), uint16(len(times)))}
	w.b = append(w.b, resetHeaders[first.Hint])
	if first.Stale() { // alone, and without a layout
		first = &model.Histogram{Sum: first.Sum}
		hs = []*model.Histogram{first}
	}
	positive, negative := layout(hs, false), layout(hs, true)
	w.layout(first, positive, negative)
	e := histogramWriter{w: &w, columns: make([]countColumn, 2+len(positive)+len(negative))}
	for i, h := range hs {
		e.sample(i, times[i], h, positive, negative, integer)
	}
	return w.b
}

// layout returns the indexes that any of the histograms has.
func layout(hs []*model.Histogram, negative bool) []int32 {
	var out []int32
	for i, h := range hs {
		b := h.Positive
		if negative {
			b = h.Negative
		}
		if i > 0 && slices.Equal(out, b.Index) {
			continue
		}
		out = append(out, b.Index...)
		slices.Sort(out)
		out = slices.Compact(out)
	}
	return out
}

// layout appends the zero threshold, the schema, the spans and the custom bounds.
func (w *bitWriter) layout(h *model.Histogram, positive, negative []int32) {
	// Powers of two from 2^-243 to 2^10 take a byte, which is the exponent.
	frac, exp := math.Frexp(h.ZeroThreshold)
	switch {
	case h.ZeroThreshold == 0:
		w.bits(0, 8)
	case frac != 0.5 || exp < -242 || exp > 11:
		w.bits(255, 8)
		w.float(h.ZeroThreshold)
	default:
		w.bits(uint64(exp+243), 8)
	}
	w.int(int64(h.Schema))
	for _, side := range [][]int32{positive, negative} {
		spans := spansOf(side)
		w.uint(uint64(len(spans)))
		for _, s := range spans {
			w.uint(uint64(s.length))
			w.int(int64(s.offset))
		}
	}
	if h.Schema != model.CustomSchema {
		return
	}
	w.uint(uint64(len(h.Custom)))
	for _, b := range h.Custom {
		// Thousandths up to 33554.430 take up to four bytes.
		if m := math.Round(b * 1000); b*1000 >= 0 && b*1000 <= 33554430 && m/1000 == b {
			w.uint(uint64(m) + 1)
		} else {
			w.bits(0, 1)
			w.float(b)
		}
	}
}

// countColumn is the state of one column of counts: a whole one is written as the
// change of its change, a float as an exclusive or.
type countColumn struct {
	last, delta int64
	xor         xorWriter
}

// histogramWriter writes the samples of a chunk.
type histogramWriter struct {
	w       *bitWriter
	columns []countColumn // count, zero count, buckets
	sum     xorWriter
	t, step int64
	dense   []float64
}

func (e *histogramWriter) sample(i int, t int64, h *model.Histogram, positive, negative []int32, integer bool) {
	if i == 0 {
		e.w.int(t)
	} else {
		step := t - e.t
		e.w.int(step - e.step)
		e.step = step
	}
	e.t = t
	e.dense = append(e.dense[:0], h.Count, h.ZeroCount)
	e.dense = appendDense(e.dense, h.Positive, positive)
	e.dense = appendDense(e.dense, h.Negative, negative)
	if !integer {
		for k, v := range e.dense {
			e.float(i, &e.columns[k].xor, v)
			if k == 1 {
				e.float(i, &e.sum, h.Sum)
			}
		}
		return
	}
	// Buckets are written as the differences of neighbours.
	last, from := int64(0), 2
	for k, v := range e.dense {
		n := int64(v)
		if k == from || k == 2+len(positive) {
			last = 0
		}
		if k >= from {
			n, last = n-last, n
		}
		e.whole(i, &e.columns[k], n, k < 2)
		if k == 1 {
			e.float(i, &e.sum, h.Sum)
		}
	}
}

func (e *histogramWriter) float(i int, x *xorWriter, v float64) {
	if i == 0 {
		e.w.float(v)
		x.last = math.Float64bits(v)
		return
	}
	x.write(e.w, v)
}

func (e *histogramWriter) whole(i int, c *countColumn, n int64, unsigned bool) {
	switch {
	case i == 0 && unsigned:
		e.w.uint(uint64(n))
	case i == 0:
		e.w.int(n)
	default:
		delta := n - c.last
		e.w.int(delta - c.delta)
		c.delta = delta
	}
	c.last = n
}

// appendDense appends the count of each bucket of a layout.
func appendDense(dst []float64, b model.Buckets, layout []int32) []float64 {
	k := 0
	for _, i := range layout {
		if k < len(b.Index) && b.Index[k] == i {
			dst = append(dst, b.Count[k])
			k++
		} else {
			dst = append(dst, 0)
		}
	}
	return dst
}
