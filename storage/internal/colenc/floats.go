package colenc

import (
	"encoding/binary"
	"math"
	"slices"
	"sync"
)

// Encodings of a float column. Zero is never written.
const (
	floatConst      = 1 // 8 bytes of bits
	floatDecimal    = 2 // exponent, exceptions, integers; see appendDecimals
	floatOrdered    = 3 // ints: the bits as integers in the order of the floats
	floatRaw        = 4 // 8 bytes of bits per value
	floatDictionary = 5 // uvarint entries, ordered (ints), indexes (ints)
	// 6 to 15 are reserved for encodings of the same bits.
)

const (
	// goodDecimalBits is the size per value up to which decimals are taken
	// without trying anything else, which needs dozens of bits for a value
	// that is no decimal.
	goodDecimalBits = 16
	// maxFloatEntries is the greatest size of a dictionary, and floatsPerEntry
	// how many values there must be for each of its entries.
	maxFloatEntries = 1024
	floatsPerEntry  = 4
)

// ordered maps the bits of floats to integers in the order of the floats, which
// makes neighbours of what was near, and back.
func ordered(word uint64) int64 { return int64(word) ^ int64(uint64(int64(word)>>63)>>1) }
func bitsOf(i int64) uint64     { return uint64(i ^ int64(uint64(i>>63)>>1)) }

// AppendFloats appends a column of float64 bits in the smallest of the
// encodings, each bit kept: signs of zeros, payloads of NaNs. The time is
// linear: some 20 ns per value.
func AppendFloats(dst []byte, words []uint64) []byte { return appendFloats(dst, words, Smallest) }

func appendFloats(dst []byte, words []uint64, mode Mode) []byte {
	n := len(words)
	switch {
	case n == 0:
		return dst
	case mode == Plain:
		return appendRawFloats(dst, words)
	case allEqual(words):
		return binary.LittleEndian.AppendUint64(append(dst, floatConst), words[0])
	}
	s := floatScratches.Get().(*floatScratch)
	defer floatScratches.Put(s)
	start := len(dst)
	dst, ok := s.appendDecimals(dst, words, mode)
	best := math.MaxInt
	if ok {
		if best = len(dst) - start; best*8 <= n*goodDecimalBits {
			return dst
		}
	}
	// The smallest so far lies at start, another try behind it.
	try := func(end int, ok bool) {
		if size := len(dst) - end; ok && size < best {
			best = size
			dst = append(dst[:start], dst[end:]...)
		} else {
			dst = dst[:end]
		}
	}
	if !ok {
		dst = dst[:start]
	}
	end := len(dst)
	dst, ok = s.appendDictionary(dst, words, mode)
	try(end, ok)
	end = len(dst)
	dst = s.appendOrdered(append(dst, floatOrdered), words, mode)
	try(end, true)
	if best > 1+8*n {
		return appendRawFloats(dst[:start], words)
	}
	return dst
}

func allEqual(words []uint64) bool {
	for _, w := range words {
		if w != words[0] {
			return false
		}
	}
	return true
}

// appendOrdered appends the words as integers in the order of the floats.
func (s *floatScratch) appendOrdered(dst []byte, words []uint64, mode Mode) []byte {
	s.rest = slices.Grow(s.rest[:0], len(words))[:len(words)]
	for i, w := range words {
		s.rest[i] = ordered(w)
	}
	return mode.Ints(dst, s.rest)
}

// appendDictionary appends the distinct words, ascending, and the index of each
// word among them; ok is false, and nothing of use appended, where there are
// too many.
func (s *floatScratch) appendDictionary(dst []byte, words []uint64, mode Mode) (_ []byte, ok bool) {
	limit := min(len(words)/floatsPerEntry, maxFloatEntries)
	if s.seen == nil {
		s.seen = make(map[uint64]int64)
	}
	clear(s.seen)
	for i, w := range words {
		s.seen[w] = 0
		if len(s.seen) > limit || i == 511 && len(s.seen) > 448 {
			return dst, false
		}
	}
	s.entries = s.entries[:0]
	for w := range s.seen {
		s.entries = append(s.entries, ordered(w))
	}
	slices.Sort(s.entries)
	for i, e := range s.entries {
		s.seen[bitsOf(e)] = int64(i)
	}
	s.rest = slices.Grow(s.rest[:0], len(words))[:len(words)]
	for i, w := range words {
		s.rest[i] = s.seen[w]
	}
	dst = binary.AppendUvarint(append(dst, floatDictionary), uint64(len(s.entries)))
	dst = mode.Ints(dst, s.entries)
	return mode.Ints(dst, s.rest), true
}

// DecodeFloats appends a column of n floats from the front of src to dst. n is
// trusted: the caller has bounded it. On an error dst is returned as it was.
func DecodeFloats(src []byte, n int, dst []uint64) (_ []uint64, rest []byte, err error) {
	c := floatReaders.Get().(*Floats)
	defer floatReaders.Put(c)
	if rest, err = c.Open(src, n); err != nil {
		return dst, nil, err
	}
	if dst, err = c.AppendBits(dst, 0, n); err != nil {
		return dst, nil, err
	}
	return dst, rest, nil
}

var floatReaders = sync.Pool{New: func() any { return new(Floats) }}

// maxExponent is the largest decimal exponent: 10^22 is the last power of ten
// that a float64 holds exactly, but no exact integer below 2^51 needs more
// than 18 decimals to differ from a shorter one.
const maxExponent = 18

// powers of ten, each exact.
var powers = [maxExponent + 1]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// roundMagic added to and taken from a float below 2^51 rounds it to an integer.
const roundMagic = 1<<52 + 1<<51

// toDecimal returns the integer i for which float64(i)/10^e is the float, bit
// for bit; ok is false where there is none. The division of two exactly held
// numbers is correctly rounded, so that every decimal of up to 15 digits, as a
// program would print it, has one. (The idea is that of ALP, Afroozeh et al.,
// SIGMOD 2023, which multiplies where this divides.)
func toDecimal(word uint64, e int) (i int64, ok bool) {
	f := math.Float64frombits(word)
	if e == 0 { // any integer a float holds, also beyond 2^53
		if !(f > -(1<<63) && f < 1<<63) {
			return 0, false
		}
		i = int64(f)
		return i, math.Float64bits(float64(i)) == word
	}
	p := powers[e]
	x := float64(f * p) // the conversion forbids a fused multiply-add
	if !(x > -(1<<51) && x < 1<<51) {
		return 0, false
	}
	i = int64(float64(x+roundMagic) - roundMagic)
	return i, math.Float64bits(float64(i)/p) == word
}

// exponentOf returns the smallest exponent, from e on, at which the float is a
// decimal.
func exponentOf(word uint64, e int) (int, bool) {
	for ; e <= maxExponent; e++ {
		if _, ok := toDecimal(word, e); ok {
			return e, true
		}
	}
	return 0, false
}

// sampledFloats is how many values are asked for the exponent of a column.
const sampledFloats = 16

// exponentOfColumn returns the largest exponent that a sample of the words, at
// the given positions (all, where nil), needs, from e on; ok is false where
// half of the sample are no decimals.
func exponentOfColumn(words []uint64, positions []int64, e int) (_ int, ok bool) {
	n := len(words)
	if positions != nil {
		n = len(positions)
	}
	step := max(1, n/sampledFloats)
	asked, none := 0, 0
	for i := 0; i < n; i += step {
		at := i
		if positions != nil {
			at = int(positions[i])
		}
		asked++
		if f := math.Float64frombits(words[at]); f != f || math.IsInf(f, 0) {
			continue // an exception at any exponent
		}
		if x, ok := exponentOf(words[at], e); ok {
			e = x
		} else if none++; none > sampledFloats/2 {
			return 0, false
		}
	}
	return e, none*2 < asked
}

type floatScratch struct {
	ints       [2][]int64
	exceptions [2][]int64
	rest       []int64
	entries    []int64
	seen       map[uint64]int64
}

var floatScratches = sync.Pool{New: func() any { return new(floatScratch) }}

// appendDecimals appends the column as integers over a power of ten:
//
//	floatDecimal      1 byte
//	exponent          1 byte, 0 to maxExponent
//	exceptions        uvarint
//	positions         ints, ascending
//	exceptional bits  ints: the bits as integers in the order of the floats
//	integers          ints; at an exception the one before is repeated
//
// ok is false, and nothing of use appended, where too few are decimals.
func (s *floatScratch) appendDecimals(dst []byte, words []uint64, mode Mode) (_ []byte, ok bool) {
	e, ok := exponentOfColumn(words, nil, 0)
	if !ok {
		return dst, false
	}
	s.convert(0, words, e)
	used := 0
	if len(s.exceptions[0]) > len(words)/16 {
		if more, ok := exponentOfColumn(words, s.exceptions[0], e+1); ok && more > e {
			s.convert(1, words, more)
			if len(s.exceptions[1]) < len(s.exceptions[0]) {
				used, e = 1, more
			}
		}
	}
	exceptions := s.exceptions[used]
	if len(exceptions) > len(words)/2 {
		return dst, false
	}
	dst = append(dst, floatDecimal, byte(e))
	dst = binary.AppendUvarint(dst, uint64(len(exceptions)))
	dst = mode.Ints(dst, exceptions)
	s.rest = s.rest[:0]
	for _, i := range exceptions {
		s.rest = append(s.rest, ordered(words[i]))
	}
	dst = mode.Ints(dst, s.rest)
	return mode.Ints(dst, s.ints[used]), true
}

// convert fills ints and exceptions k with the words at exponent e.
func (s *floatScratch) convert(k int, words []uint64, e int) {
	ints := slices.Grow(s.ints[k][:0], len(words))[:len(words)]
	exceptions := s.exceptions[k][:0]
	last := int64(0)
	for i, w := range words {
		if v, ok := toDecimal(w, e); ok {
			last = v
		} else {
			exceptions = append(exceptions, int64(i))
		}
		ints[i] = last
	}
	// Leading exceptions repeat the first decimal, not zero.
	if lead := leading(exceptions); lead > 0 && lead < len(ints) {
		fill(ints[:lead], ints[lead])
	}
	s.ints[k], s.exceptions[k] = ints, exceptions
}

// leading returns how many of the ascending positions are 0, 1, 2 and so on.
func leading(positions []int64) int {
	n := 0
	for n < len(positions) && positions[n] == int64(n) {
		n++
	}
	return n
}

// MaxExponent is the largest exponent of a decimal.
const MaxExponent = maxExponent

// ToDecimal returns the integer i for which FromDecimal(i, e) is the float of
// those bits, bit for bit; ok is false where there is none. e is 0 to
// MaxExponent.
func ToDecimal(word uint64, e int) (i int64, ok bool) { return toDecimal(word, e) }

// NearestDecimal returns the integer over 10^e that is nearest to f; ok is
// false where it may not be exact, and where f is no number.
func NearestDecimal(f float64, e int) (i int64, ok bool) {
	x := float64(f * powers[e])
	if e == 0 && x > -(1<<63) && x < 1<<63 {
		return int64(math.RoundToEven(x)), true
	}
	return int64(math.RoundToEven(x)), x > -(1<<51) && x < 1<<51
}

// FromDecimal returns i over 10^e.
func FromDecimal(i int64, e int) float64 { return float64(i) / powers[e] }

// DecimalExponent returns the smallest exponent at which all of the floats are
// decimals, an eighth of them left out if need be; ok is false where there is
// none.
func DecimalExponent(words []uint64) (e int, ok bool) {
	left := len(words) / 8
	for _, w := range words {
		if x, ok := exponentOf(w, e); ok {
			e = x
		} else if left--; left < 0 {
			return 0, false
		}
	}
	return e, len(words) > 0
}
