package chunk

import "math"

// TimeUnit says, without decoding times, of what number of nanoseconds all
// distances between the chunk's times are multiples: at least 1. linear means
// that neighbours are exactly so far apart, so that sample i is at
// mint + i·unit.
func (r *Reader) TimeUnit() (unit int64, linear bool, err error) {
	if r.h.Count == 1 {
		return math.MaxInt64, true, nil
	}
	if err := r.openTimes(); err != nil {
		return 0, false, err
	}
	unit, linear = r.times.Unit()
	span := uint64(r.h.Maxt) - uint64(r.h.Mint)
	if linear && (span%uint64(unit) != 0 || span/uint64(unit) != uint64(r.h.Count-1)) {
		return 1, false, nil // damage, which decoding finds
	}
	return unit, linear, nil
}
