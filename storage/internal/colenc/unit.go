package colenc

import "math"

// IntsUnit says, without decoding them, of what number all differences of a
// column of integers are multiples: at least 1. linear means that the unit is
// the difference of any two neighbours and positive. It looks at the column's
// head alone; where that does not say, or is damaged, the unit is 1.
func IntsUnit(src []byte) (unit int64, linear bool) {
	id, src, err := ReadByte(src, "integer encoding")
	if err != nil {
		return 1, false
	}
	if _, src, err = ReadVarint(src, "first integer"); err != nil {
		return 1, false
	}
	switch {
	case id == intLinear:
		if step, _, err := ReadVarint(src, "integer step"); err == nil && step > 0 {
			return step, true
		}
	case id >= intPacked && id < intPacked+3, id >= intCoded && id < intCoded+3, id >= intRice && id < intRice+3:
		if d, _, err := ReadUvarint(src, "integer divisor", math.MaxInt64); err == nil && d > 0 {
			return int64(d), false
		}
	}
	return 1, false
}
