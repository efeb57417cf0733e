package remoteread

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"tidemark/storage/model"
)

// MaxSamplesAnswer bounds an answer of type Samples in bytes before
// compression. Streamed chunks have no such bound.
const MaxSamplesAnswer = 256 << 20

// ErrTooLarge marks an answer beyond MaxSamplesAnswer.
var ErrTooLarge = errors.New("remote read answer is too large")

// SamplesWriter assembles an answer of type Samples.
type SamplesWriter struct {
	done    []byte // results
	current []byte // series of the query at hand
	series  []byte
	item    []byte
}

// Add adds a series to the result at hand. Labels are all of its labels, sorted;
// of the series times (in milliseconds), values and histograms count.
func (w *SamplesWriter) Add(labels model.Labels, s *model.Series) error {
	w.series = appendLabels(w.series[:0], 1, labels)
	var hists []byte
	for i, t := range s.Times {
		if h := histogramAt(s, i); h != nil {
			w.item = appendHistogram(w.item[:0], t, h, whole(s, i))
			hists = appendBytes(hists, 4, w.item)
			continue
		}
		w.item = appendInt(appendDouble(w.item[:0], 1, s.Values[i]), 2, t)
		w.series = appendBytes(w.series, 2, w.item)
	}
	w.series = append(w.series, hists...)
	w.current = appendBytes(w.current, 1, w.series)
	if n := len(w.done) + len(w.current); n > MaxSamplesAnswer {
		return fmt.Errorf("%w: want at most %d bytes (MaxSamplesAnswer); ask for streamed chunks or a shorter range", ErrTooLarge, MaxSamplesAnswer)
	}
	return nil
}

// EndQuery ends the result at hand; the next one is that of the next query.
func (w *SamplesWriter) EndQuery() {
	w.done = appendBytes(w.done, 1, w.current)
	w.current = w.current[:0]
}

// Message returns the answer, to be compressed.
func (w *SamplesWriter) Message() []byte { return w.done }

func histogramAt(s *model.Series, i int) *model.Histogram {
	if s.Histograms == nil {
		return nil
	}
	return s.Histograms[i]
}

// whole reports whether a histogram has whole counts. A staleness marker has no
// counts: it is taken for what the nearest histogram before it is, or behind it.
func whole(s *model.Series, i int) bool {
	for k := i; k >= 0; k-- {
		if h := histogramAt(s, k); h != nil && !h.Stale() {
			return h.Integer
		}
	}
	for k := i + 1; k < len(s.Times); k++ {
		if h := histogramAt(s, k); h != nil && !h.Stale() {
			return h.Integer
		}
	}
	return false
}

// The wire format of protocol buffers, as ingest/protobuf reads it. Fields of
// value zero are left out.

func appendTag(dst []byte, num int, wire uint64) []byte {
	return binary.AppendUvarint(dst, uint64(num)<<3|wire)
}

func appendBytes(dst []byte, num int, b []byte) []byte {
	dst = binary.AppendUvarint(appendTag(dst, num, 2), uint64(len(b)))
	return append(dst, b...)
}

func appendText(dst []byte, num int, s string) []byte {
	dst = binary.AppendUvarint(appendTag(dst, num, 2), uint64(len(s)))
	return append(dst, s...)
}

func appendUint(dst []byte, num int, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return binary.AppendUvarint(appendTag(dst, num, 0), v)
}

func appendInt(dst []byte, num int, v int64) []byte { return appendUint(dst, num, uint64(v)) }

// appendSint appends a zigzag number.
func appendSint(dst []byte, num int, v int64) []byte {
	return appendUint(dst, num, uint64(v<<1)^uint64(v>>63))
}

func appendDouble(dst []byte, num int, v float64) []byte {
	if math.Float64bits(v) == 0 {
		return dst
	}
	return appendFixed(dst, num, v)
}

// appendFixed is appendDouble for a field that says by being there which of
// several it is.
func appendFixed(dst []byte, num int, v float64) []byte {
	return binary.LittleEndian.AppendUint64(appendTag(dst, num, 1), math.Float64bits(v))
}

func appendLabels(dst []byte, num int, ls model.Labels) []byte {
	var item []byte
	for i := range ls {
		item = appendText(appendText(item[:0], 1, ls[i].Name), 2, ls[i].Value)
		dst = appendBytes(dst, num, item)
	}
	return dst
}

// appendHistogram appends the message Histogram: 1 or 2 count, 3 sum, 4 schema,
// 5 zero threshold, 6 or 7 zero count, 8 to 10 negative and 11 to 13 positive
// spans, deltas and counts, 14 reset hint, 15 time, 16 custom bounds.
func appendHistogram(dst []byte, t int64, h *model.Histogram, whole bool) []byte {
	if whole {
		dst = binary.AppendUvarint(appendTag(dst, 1, 0), uint64(h.Count))
	} else {
		dst = appendFixed(dst, 2, h.Count)
	}
	dst = appendDouble(dst, 3, h.Sum)
	dst = appendSint(dst, 4, int64(h.Schema))
	dst = appendDouble(dst, 5, h.ZeroThreshold)
	if whole {
		dst = binary.AppendUvarint(appendTag(dst, 6, 0), uint64(h.ZeroCount))
	} else {
		dst = appendFixed(dst, 7, h.ZeroCount)
	}
	dst = appendSide(dst, 8, h.Negative, whole)
	dst = appendSide(dst, 11, h.Positive, whole)
	dst = appendUint(dst, 14, uint64(h.Hint))
	dst = appendInt(dst, 15, t)
	if len(h.Custom) > 0 {
		dst = appendDoubles(dst, 16, h.Custom)
	}
	return dst
}

func appendDoubles(dst []byte, num int, vs []float64) []byte {
	dst = binary.AppendUvarint(appendTag(dst, num, 2), uint64(8*len(vs)))
	for _, v := range vs {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
	}
	return dst
}

// appendSide appends the buckets of one sign: spans in field num, deltas of whole
// counts in the next, counts in the one behind it.
func appendSide(dst []byte, num int, b model.Buckets, whole bool) []byte {
	if b.Len() == 0 {
		return dst
	}
	var item []byte
	for _, s := range spansOf(b.Index) {
		item = appendUint(appendSint(item[:0], 1, int64(s.offset)), 2, uint64(s.length))
		dst = appendBytes(dst, num, item)
	}
	if !whole {
		return appendDoubles(dst, num+2, b.Count)
	}
	item = item[:0]
	last := int64(0)
	for _, c := range b.Count {
		item = binary.AppendVarint(item, int64(c)-last)
		last = int64(c)
	}
	return appendBytes(dst, num+1, item)
}

// span is a run of buckets: how many are left out before it (for the first, the
// index that it begins at) and its length.
type span struct {
	offset int32
	length uint32
}

// spansOf returns the runs of ascending indexes.
func spansOf(index []int32) []span {
	var out []span
	next := int32(0)
	for _, i := range index {
		if n := len(out); n > 0 && i == next {
			out[n-1].length++
		} else {
			out = append(out, span{offset: i - next, length: 1})
		}
		next = i + 1
	}
	return out
}
