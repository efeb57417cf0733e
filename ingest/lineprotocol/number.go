package lineprotocol

import (
	"math"
	"strconv"
	"unsafe"

	"tidemark/storage/model"
)

// pow10 has the powers of ten that are exact as float64.
var pow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// Reasons for numbers that are refused. They are constants so that the fast
// path carries no formatting.
const (
	reasonNumber   = "want a number such as 1.5, an integer such as 15i, t or f, or a quoted string"
	reasonInt      = "want an integer from -9223372036854775808i to 9223372036854775807i"
	reasonIntForm  = "want digits before the i, with an optional minus sign"
	reasonUint     = "want an unsigned integer up to 9223372036854775807u, the largest that is kept exactly"
	reasonUintForm = "want digits before the u"
	reasonFloat    = "want a number within the range of float64"
	reasonNaN      = "NaN and infinity are not accepted: want a finite number"
)

// parseNumber reads the number that b begins with, up to a comma, a space or
// a line end:
//
//	float    [-] digits [. [digits]] | [-] . digits, then [e|E [+|-] digits]
//	integer  [-] digits i
//	unsigned digits u
//
// It returns the number's bits, its type, and the bytes read; where reason is
// not empty the number is refused. Integers are exact. A float is exact by
// construction where mantissa and power of ten both are (Clinger, "How to
// read floating point numbers accurately", 1990); strconv reads all others.
func parseNumber(b []byte) (bits uint64, typ model.Type, n int, reason string) {
	i := 0
	neg := len(b) > 0 && b[0] == '-'
	if neg {
		i = 1
	}
	var mant uint64
	first := i
	for i < len(b) {
		c := b[i] - '0'
		if c > 9 {
			break
		}
		mant = mant*10 + uint64(c) // may wrap: digits are counted below
		i++
	}
	digits := i - first
	if i < len(b) && digits > 0 && (b[i] == 'i' || b[i] == 'u') {
		return finishInt(b, first, i, neg, mant)
	}
	exp := 0
	if i < len(b) && b[i] == '.' {
		i++
		point := i
		for i < len(b) {
			c := b[i] - '0'
			if c > 9 {
				break
			}
			mant = mant*10 + uint64(c)
			i++
		}
		exp = point - i
		digits += i - point
	}
	if digits == 0 {
		return 0, 0, 0, notANumber(b)
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		negExp := false
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			negExp = b[i] == '-'
			i++
		}
		e, start := 0, i
		for i < len(b) {
			c := b[i] - '0'
			if c > 9 {
				break
			}
			if e < 1<<20 {
				e = e*10 + int(c)
			}
			i++
		}
		if i == start {
			return 0, 0, 0, reasonNumber
		}
		if negExp {
			e = -e
		}
		exp += e
	}
	if !endsValue(b, i) {
		return 0, 0, 0, notANumber(b)
	}
	if digits <= 19 && mant < 1<<53 && exp >= -22 && exp <= 22 {
		f := float64(mant)
		if exp < 0 {
			f /= pow10[-exp]
		} else {
			f *= pow10[exp]
		}
		if neg {
			f = -f
		}
		return math.Float64bits(f), model.TypeFloat, i, ""
	}
	// ParseFloat keeps no reference to its argument.
	f, err := strconv.ParseFloat(unsafe.String(&b[0], i), 64)
	if err != nil {
		return 0, 0, 0, reasonFloat
	}
	return math.Float64bits(f), model.TypeFloat, i, ""
}

// finishInt ends parseNumber for digits b[first:i] followed by i or u.
func finishInt(b []byte, first, i int, neg bool, mant uint64) (bits uint64, typ model.Type, n int, reason string) {
	unsigned := b[i] == 'u'
	for first < i-1 && b[first] == '0' {
		first++
	}
	wide := i-first > 19 // 19 digits never wrap uint64
	i++
	switch {
	case !endsValue(b, i) && unsigned, unsigned && neg:
		return 0, 0, 0, reasonUintForm
	case !endsValue(b, i):
		return 0, 0, 0, reasonIntForm
	case unsigned && (wide || mant > math.MaxInt64):
		return 0, 0, 0, reasonUint
	case neg && (wide || mant > 1<<63), !neg && (wide || mant > math.MaxInt64):
		return 0, 0, 0, reasonInt
	}
	if neg {
		mant = -mant
	}
	return mant, model.TypeInt, i, ""
}

// notANumber chooses the reason for a value that is no number.
func notANumber(b []byte) string {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		b = b[1:]
	}
	if hasFold(b, "nan") || hasFold(b, "inf") {
		return reasonNaN
	}
	return reasonNumber
}

// hasFold reports whether b begins with the lower-case word, in any case.
func hasFold(b []byte, word string) bool {
	if len(b) < len(word) {
		return false
	}
	for i := range len(word) {
		if b[i]|0x20 != word[i] {
			return false
		}
	}
	return true
}

// endsValue reports whether a value may end before b[i].
func endsValue(b []byte, i int) bool {
	return i >= len(b) || b[i] == ',' || b[i] == ' ' || endsLine(b, i)
}

// endsLine reports whether b[i:] begins with a line end or is empty; a
// carriage return counts before a newline and at the end of input.
func endsLine(b []byte, i int) bool {
	return i >= len(b) || b[i] == '\n' || b[i] == '\r' && (i+1 == len(b) || b[i+1] == '\n')
}

// parseBool reads the boolean that b begins with; n is 0 where it has none.
func parseBool(b []byte) (v bool, n int) {
	n = 1
	for n < len(b) && n <= len("false") && !endsValue(b, n) {
		n++
	}
	switch string(b[:min(n, len(b))]) {
	case "t", "T", "true", "True", "TRUE":
		return true, n
	case "f", "F", "false", "False", "FALSE":
		return false, n
	}
	return false, 0
}

// parseTime reads digits with an optional minus sign that must fill b, and
// scales them to nanoseconds.
func parseTime(b []byte, unit Precision) (t int64, reason string) {
	digits := b
	neg := len(b) > 0 && b[0] == '-'
	if neg {
		digits = b[1:]
	}
	var u uint64
	for _, c := range digits {
		c -= '0'
		if c > 9 {
			return 0, reasonTime
		}
		if u > (math.MaxInt64-9)/10+1 {
			return 0, reasonTimeRange
		}
		u = u*10 + uint64(c)
	}
	// MinInt64 and MaxInt64 are left out, as InfluxDB does: they mean
	// "unbounded" in queries.
	switch {
	case len(digits) == 0:
		return 0, reasonTime
	case u > (math.MaxInt64-1)/uint64(unit):
		return 0, reasonTimeRange
	case neg:
		return -int64(u * uint64(unit)), ""
	}
	return int64(u * uint64(unit)), ""
}

const (
	reasonTime      = "want a whole number in the unit of the precision"
	reasonTimeRange = "want a time from 1677-09-21 to 2262-04-11, in the unit of the precision"
)
