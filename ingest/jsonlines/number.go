package jsonlines

import (
	"math"
	"strconv"

	"tidemark/storage/model"
)

// pow10 has the powers of ten that float64 holds exactly.
var pow10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// parseNumber reads a JSON number: an int64 where it is an integer that fits,
// a float64 where it has a fraction or exponent and fits, else a text, so that
// no digit is lost.
func parseNumber(b []byte, integer bool) (model.Type, uint64) {
	neg := b[0] == '-'
	digits := b
	if neg {
		digits = b[1:]
	}
	if integer && len(digits) <= 18 {
		var v int64
		for _, c := range digits {
			v = v*10 + int64(c-'0')
		}
		if neg {
			if v == 0 {
				return model.TypeFloat, math.Float64bits(math.Copysign(0, -1))
			}
			v = -v
		}
		return model.TypeInt, uint64(v)
	}
	if integer {
		v, err := strconv.ParseInt(string(b), 10, 64)
		if err != nil {
			return model.TypeText, 0
		}
		return model.TypeInt, uint64(v)
	}
	// A mantissa below 2^53 over an exact power of ten: one correctly rounded
	// division gives the nearest float64 (Clinger 1990).
	if len(digits) <= 16 {
		var m uint64
		frac, point := 0, false
		plain := true
		for _, c := range digits {
			switch {
			case c == '.':
				point = true
			case c-'0' <= 9:
				m = m*10 + uint64(c-'0')
				if point {
					frac++
				}
			default:
				plain = false
			}
		}
		if plain {
			f := float64(m) / pow10[frac]
			if neg {
				f = -f
			}
			return model.TypeFloat, math.Float64bits(f)
		}
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return model.TypeText, 0
	}
	return model.TypeFloat, math.Float64bits(f)
}
