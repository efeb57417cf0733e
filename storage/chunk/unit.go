package chunk

import (
	"math"

	"tidemark/storage/internal/colenc"
)

// TimeUnit says, without decoding times, of what number of nanoseconds all
// distances between the chunk's times are multiples: at least 1. linear means
// that neighbours are exactly so far apart, so that sample i is at
// mint + i·unit.
func (r *Reader) TimeUnit() (unit int64, linear bool) {
	if r.h.Count == 1 {
		return math.MaxInt64, true
	}
	if len(r.s.times) == 0 || r.s.times[0] != timesInline {
		return 1, false
	}
	unit, linear = colenc.IntsUnit(r.s.times[1:])
	span := uint64(r.h.Maxt) - uint64(r.h.Mint)
	if linear && (span%uint64(unit) != 0 || span/uint64(unit) != uint64(r.h.Count-1)) {
		return 1, false // damage, which decoding would find
	}
	return unit, linear
}
