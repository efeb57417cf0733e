package remotewrite

import (
	"errors"
	"fmt"
	"math"

	"tidemark/ingest/internal/native"
	"tidemark/ingest/protobuf"
	"tidemark/storage/model"
)

// histograms adds the native histograms of a series to the batch and returns
// how many.
func (s *state) histograms(msg []byte, num uint32, count int, id identity, v2 bool) (accepted int, err error) {
	var out outside
	seen := 0
	for c := protobuf.NewCursor(msg); seen < count && c.Next(); {
		if c.Num != num {
			continue
		}
		seen++
		h, ms, start, err := histogram(c.Data, v2)
		if errors.Is(err, model.ErrBadHistogram) {
			s.refuse(1, err.Error())
			continue
		}
		if err != nil {
			return accepted, err
		}
		if t, ok := out.time(ms, s.p.MinTime); ok {
			s.run.AddHistogram(id.stream, id.schema, t, startTime(start, ms), h)
			accepted++
		}
	}
	s.refuseOutside(&out, "native histograms")
	return accepted, nil
}

// wireHistogram is a histogram as it comes. Counts are of one kind: floats where
// the number of observations is one.
type wireHistogram struct {
	floats       bool
	count, zero  uint64
	countF       float64
	zeroF        float64
	schema       int64
	sides        [2]wireBuckets // positive, negative
	sum, zeroMax float64
	hint         uint64
	custom       []uint64
	ms, start    int64
}

type wireBuckets struct {
	spans  []span
	deltas []uint64
	counts []uint64
}

type span struct {
	offset int64
	length uint64
}

// histogram reads a native histogram, of either version. An error that is not
// ErrBadHistogram is about the message.
func histogram(msg []byte, v2 bool) (h *model.Histogram, ms, start int64, err error) {
	var w wireHistogram
	c := protobuf.NewCursor(msg)
	for c.Next() {
		n := c.Num
		switch n {
		case 1, 4, 6, 14, 15, 17:
			if !c.Want(protobuf.Varint) {
				continue
			}
		case 2, 3, 5, 7:
			if !c.Want(protobuf.Fixed64) {
				continue
			}
		case 8, 11:
			if !c.Want(protobuf.Bytes) {
				continue
			}
		}
		side := &w.sides[0]
		if n >= 8 && n <= 10 {
			side = &w.sides[1]
		}
		switch n {
		case 1:
			w.floats, w.count = false, c.Bits
		case 2:
			w.floats, w.countF = true, c.Float()
		case 3:
			w.sum = c.Float()
		case 4:
			w.schema = zigzag(c.Bits)
		case 5:
			w.zeroMax = c.Float()
		case 6:
			w.zero = c.Bits
		case 7:
			w.zeroF = c.Float()
		case 8, 11:
			sp, err := readSpan(c.Data)
			if err != nil {
				return nil, 0, 0, err
			}
			side.spans = append(side.spans, sp)
		case 9, 12:
			side.deltas = c.Varints(side.deltas)
		case 10, 13:
			side.counts = c.Fixed64s(side.counts)
		case 14:
			w.hint = c.Bits
		case 15:
			w.ms = int64(c.Bits)
		case 16:
			w.custom = c.Fixed64s(w.custom)
		case 17:
			if v2 {
				w.start = int64(c.Bits)
			}
		}
	}
	if c.Err() != nil {
		return nil, 0, 0, c.Err()
	}
	h, err = w.histogram()
	return h, w.ms, w.start, err
}

func zigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

func readSpan(msg []byte) (sp span, err error) {
	c := protobuf.NewCursor(msg)
	for c.Next() {
		switch {
		case c.Num == 1 && c.Want(protobuf.Varint):
			sp.offset = zigzag(c.Bits)
		case c.Num == 2 && c.Want(protobuf.Varint):
			sp.length = c.Bits
		}
	}
	return sp, c.Err()
}

// histogram checks and converts.
func (w *wireHistogram) histogram() (*model.Histogram, error) {
	if model.IsStale(w.sum) {
		return model.StaleHistogram(), nil
	}
	if w.hint > uint64(model.Gauge) {
		return nil, bad("counter reset hint: want 0 to 3, got %d", w.hint)
	}
	h := &model.Histogram{Hint: model.ResetHint(w.hint), Sum: w.sum, ZeroThreshold: w.zeroMax}
	for _, b := range w.custom {
		h.Custom = append(h.Custom, math.Float64frombits(b))
	}
	b := native.Builder{Schema: w.schema}
	for i := range w.sides {
		if err := w.sides[i].add(&b, i == 1, w.floats); err != nil {
			return nil, err
		}
	}
	if w.floats {
		return h, b.Float(h, w.countF, w.zeroF)
	}
	return h, b.Integer(h, w.count, w.zero)
}

// add adds the buckets that the spans place.
func (w *wireBuckets) add(b *native.Builder, negative, floats bool) error {
	have := len(w.deltas)
	if floats {
		have = len(w.counts)
	}
	index, count, k := int64(0), int64(0), 0
	for i, sp := range w.spans {
		switch {
		case sp.offset < math.MinInt32 || sp.offset > math.MaxInt32 || i > 0 && sp.offset < 0:
			return bad("span %d: want an offset of 32 bits, none below 0 after the first, got %d", i, sp.offset)
		case sp.length > uint64(have-k):
			return bad("spans of more buckets than the %d counts", have)
		}
		index += sp.offset
		for range sp.length {
			if floats {
				b.AddFloat(negative, index, math.Float64frombits(w.counts[k]))
			} else {
				if count += zigzag(w.deltas[k]); count < 0 {
					return bad("bucket %d: want a count of 0 or more, got %d", index, count)
				}
				b.Add(negative, index, uint64(count))
			}
			index++
			k++
		}
	}
	if k != have {
		return bad("spans of %d buckets with %d counts", k, have)
	}
	return nil
}

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{model.ErrBadHistogram}, args...)...)
}
