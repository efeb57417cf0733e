package otlp

import (
	"fmt"
	"math"

	"tidemark/ingest/internal/native"
	"tidemark/ingest/protobuf"
	"tidemark/storage/model"
)

// zeroThreshold is the width of the zero bucket where the point gives none:
// that of Prometheus, which takes no bucket to be narrower.
const zeroThreshold = 1e-128

// exponential makes a native histogram of an exponential one. The two count
// alike, but a bucket's index is that of its upper bound here and that of its
// lower bound there.
func (s *state) exponential(p *point, stale bool) (*model.Histogram, error) {
	if stale {
		return model.StaleHistogram(), nil
	}
	h := &model.Histogram{ZeroThreshold: math.Float64frombits(p.zeroMax)}
	if h.ZeroThreshold == 0 {
		h.ZeroThreshold = zeroThreshold
	}
	if p.hasSum {
		h.Sum = p.sum
	}
	scale := unzigzag(p.scale)
	if scale < int64(model.MinSchema) || scale > native.Finest {
		return nil, fmt.Errorf("%w: scale: want %d to %d, got %d", model.ErrBadHistogram, model.MinSchema, native.Finest, scale)
	}
	b := native.Builder{Schema: scale}
	for i, msg := range p.sides {
		s.counts = s.counts[:0]
		offset := int64(0)
		c := protobuf.NewCursor(msg)
		for c.Next() {
			switch c.Num {
			case 1:
				if c.Want(protobuf.Varint) {
					offset = int64(int32(unzigzag(c.Bits)))
				}
			case 2:
				s.counts = c.Varints(s.counts)
			}
		}
		if c.Err() != nil {
			return nil, c.Err()
		}
		for k, n := range s.counts {
			b.Add(i == 1, offset+int64(k)+1, n)
		}
	}
	return h, b.Integer(h, p.count, p.zeroCount)
}

func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }
