package colenc

import (
	"encoding/binary"
	"math"
	"slices"
	"sync"
	"unsafe"
)

// Encodings of an integer column. Zero is never written.
const (
	intConst  = 1 // varint value
	intLinear = 2 // varint first, varint step
	intPacked = 3 // order 0, 1, 2: 3, 4, 5; see appendPackedInts
	intRuns   = 6 // uvarint runs, values (ints), lengths less one (ints)
	// intEntropy is order 0, 1, 2 with coded numbers: 7, 8, 9; see entropy.go.
	intEntropy = 7
	intRaw     = 10 // 8 bytes per value
	// 11 to 15 are reserved for encodings of the same integers.
)

// AppendInts appends the column in the smallest of the encodings. Arithmetic
// wraps, so every int64 is exact. An empty column takes no bytes. The time is
// linear: some 15 ns per value.
func AppendInts(dst []byte, vals []int64) []byte { return appendInts(dst, vals, 0, true) }

// AppendIntsFrom is AppendInts for values of which the first is known to be
// near base, which the decoder must be given again.
func AppendIntsFrom(dst []byte, base int64, vals []int64) []byte {
	return appendInts(dst, vals, base, false)
}

// Runs are tried where they have maybeRuns values on average, and taken without
// planning anything else from surelyRuns on: a run takes some 3 bytes, and
// nothing else but a line takes less than a bit for each of its values.
const (
	maybeRuns  = 4
	surelyRuns = 32
)

// intScratch is the working memory of one call of appendInts.
type intScratch struct {
	order [3][]int64 // units, their differences, the differences of those
	plans [3][]blockPlan
	runs  [2][]int64 // values, lengths
}

var intScratches = sync.Pool{New: func() any { return new(intScratch) }}

func appendInts(dst []byte, vals []int64, base int64, mayRun bool) []byte {
	n := len(vals)
	if n == 0 {
		return dst
	}
	lo, hi, runs, linear := vals[0], vals[0], 1, true
	for i := 1; i < n; i++ {
		v := vals[i]
		lo, hi = min(lo, v), max(hi, v)
		if v != vals[i-1] {
			runs++
		}
		linear = linear && v-vals[i-1] == vals[1]-vals[0]
	}
	switch {
	case lo == hi:
		return binary.AppendVarint(append(dst, intConst), lo-base)
	case linear:
		dst = binary.AppendVarint(append(dst, intLinear), vals[0]-base)
		return binary.AppendVarint(dst, vals[1]-vals[0])
	}
	s := intScratches.Get().(*intScratch)
	defer intScratches.Put(s)
	if mayRun && runs <= n/surelyRuns {
		return s.appendRuns(dst, vals, runs)
	}

	// Values count in units of their differences' greatest common divisor
	// from the first value on, unless that distance could overflow.
	divisor := uint64(1)
	if uint64(hi)-uint64(lo) <= math.MaxInt64 {
		divisor = commonDivisor(vals)
	}
	q := append(s.order[0][:0], vals...)
	for i, v := range q {
		q[i] = v - vals[0]
	}
	if divisor > 1 {
		for i, v := range q {
			q[i] = v / int64(divisor)
		}
	}
	s.order[0] = q
	s.order[1] = differences(s.order[1], s.order[0])
	s.order[2] = differences(s.order[2], s.order[1])
	best, bestBits := 0, math.MaxInt
	for k := range s.order {
		size := s.plan(k)
		if k == 2 {
			size += 8 * varintLen(s.order[1][0])
		}
		if size < bestBits {
			best, bestBits = k, size
		}
	}
	size := 1 + varintLen(vals[0]-base) + uvarintLen(divisor) + bestBits/8

	if mayRun && runs <= n/maybeRuns {
		start := len(dst)
		if dst = s.appendRuns(dst, vals, runs); len(dst)-start <= size {
			return dst
		}
		dst = dst[:start]
	}
	dst = slices.Grow(dst, size+8)
	start := len(dst)
	dst = binary.AppendVarint(append(dst, intPacked+byte(best)), vals[0]-base)
	dst = binary.AppendUvarint(dst, divisor)
	if best == 2 {
		dst = binary.AppendVarint(dst, s.order[1][0])
	}
	if n >= minEntropyLen {
		if limit := float64(bestBits/8) * (1 - entropyGain); limit <= float64(n)*maxEntropySize {
			var ok bool
			if dst, ok = appendCodes(dst, s.order[best], int(limit)); ok {
				dst[start] = intEntropy + byte(best)
				return dst
			}
		}
	}
	for b, v := range blocks(s.order[best]) {
		dst = appendBlock(dst, v, s.plans[best][b])
	}
	return dst
}

// differences returns what each of vals adds to the one before it: one less
// than there are vals.
func differences(dst, vals []int64) []int64 {
	dst = dst[:0]
	if len(vals) == 0 {
		return dst
	}
	dst = slices.Grow(dst, len(vals))[:len(vals)-1]
	for i := range dst {
		dst[i] = vals[i+1] - vals[i]
	}
	return dst
}

// commonDivisor returns the greatest common divisor of the differences of
// neighbours, at least 1. It soon is 1 where there is none, and then stops.
func commonDivisor(vals []int64) uint64 {
	g := uint64(0)
	for i := 1; i < len(vals) && g != 1; i++ {
		d := vals[i] - vals[i-1]
		if d < 0 {
			d = -d // the caller has made sure that differences fit
		}
		switch a := uint64(d); {
		case a == 0:
		case g == 0:
			g = a
		default:
			for a %= g; a != 0; { // mostly 0 at once: one division
				g, a = a, g%a
			}
		}
	}
	return max(g, 1)
}

// blocks yields vals in blocks of blockLen.
func blocks(vals []int64) func(yield func(int, []int64) bool) {
	return func(yield func(int, []int64) bool) {
		for b := 0; b*blockLen < len(vals); b++ {
			if !yield(b, vals[b*blockLen:min((b+1)*blockLen, len(vals))]) {
				return
			}
		}
	}
}

// plan plans the blocks of one order and returns their size in bits.
func (s *intScratch) plan(order int) int {
	size := 0
	s.plans[order] = s.plans[order][:0]
	for _, v := range blocks(s.order[order]) {
		p := planBlock(v)
		size += p.bits(len(v))
		s.plans[order] = append(s.plans[order], p)
	}
	return size
}

// appendRuns appends the column as runs of equal values.
func (s *intScratch) appendRuns(dst []byte, vals []int64, runs int) []byte {
	v, l := s.runs[0][:0], s.runs[1][:0]
	first := 0
	for i := 1; i <= len(vals); i++ {
		if i == len(vals) || vals[i] != vals[first] {
			v, l = append(v, vals[first]), append(l, int64(i-first-1))
			first = i
		}
	}
	s.runs[0], s.runs[1] = v, l
	dst = binary.AppendUvarint(append(dst, intRuns), uint64(runs))
	dst = appendInts(dst, v, 0, false)
	return appendInts(dst, l, 0, false)
}

// DecodeInts appends a column of n integers from the front of src to dst. n is
// trusted: the caller has bounded it. On an error dst is returned as it was.
func DecodeInts(src []byte, n int, dst []int64) (out []int64, rest []byte, err error) {
	return decodeInts(src, n, dst, 0, true)
}

// DecodeIntsFrom is DecodeInts for what AppendIntsFrom has written.
func DecodeIntsFrom(src []byte, base int64, n int, dst []int64) (out []int64, rest []byte, err error) {
	return decodeInts(src, n, dst, base, false)
}

// decodeInts is DecodeInts; runs nest only where mayRun is true, once.
func decodeInts(src []byte, n int, dst []int64, base int64, mayRun bool) (_ []int64, rest []byte, err error) {
	if n == 0 {
		return dst, src, nil
	}
	id, src, err := ReadByte(src, "integer encoding")
	if err != nil {
		return dst, nil, err
	}
	if id == intRuns && mayRun {
		return decodeRuns(src, n, dst)
	}
	if id == intRaw {
		return decodeRawInts(src, n, dst)
	}
	if id < intConst || id == intRuns || id > intEntropy+2 {
		return dst, nil, Unsupportedf("integer encoding %d", id)
	}
	first, src, err := ReadVarint(src, "first integer")
	if err != nil {
		return dst, nil, err
	}
	first += base
	out := slices.Grow(dst, n)[:len(dst)+n]
	vals := out[len(dst):]
	switch id {
	case intConst:
		fill(vals, first)
		return out, src, nil
	case intLinear:
		step, src, err := ReadVarint(src, "integer step")
		if err != nil {
			return dst, nil, err
		}
		v := first
		for i := range vals {
			vals[i] = v
			v += step
		}
		return out, src, nil
	}
	order, coded := int(id-intPacked), false
	if id >= intEntropy {
		order, coded = int(id-intEntropy), true
	}
	divisor, src, err := ReadUvarint(src, "integer divisor", math.MaxInt64)
	if err != nil {
		return dst, nil, err
	}
	if divisor == 0 {
		return dst, nil, Corruptf("integer divisor: want at least 1, got 0")
	}
	if n <= order {
		return dst, nil, Corruptf("integers: want more than %d for differences of order %d, got %d", order, order, n)
	}
	delta := int64(0)
	if order == 2 {
		if delta, src, err = ReadVarint(src, "first difference"); err != nil {
			return dst, nil, err
		}
	}
	if coded {
		if src, err = decodeCodes(vals[order:], src); err != nil {
			return dst, nil, err
		}
	} else {
		for _, b := range blocks(vals[order:]) {
			if src, err = decodeBlock(b, src); err != nil {
				return dst, nil, err
			}
		}
	}
	accumulate(vals, order, first, int64(divisor), delta)
	return out, src, nil
}

// accumulate turns differences, in units of the divisor, back into values.
func accumulate(vals []int64, order int, first, divisor, delta int64) {
	switch order {
	case 0:
		for i, q := range vals {
			vals[i] = first + q*divisor
		}
	case 1:
		v := first
		vals[0] = v
		if divisor == 1 {
			for i, d := range vals[1:] {
				v += d
				vals[i+1] = v
			}
			return
		}
		for i, d := range vals[1:] {
			v += d * divisor
			vals[i+1] = v
		}
	case 2:
		delta *= divisor
		v := first + delta
		vals[0], vals[1] = first, v
		for i, dd := range vals[2:] {
			delta += dd * divisor
			v += delta
			vals[i+2] = v
		}
	}
}

func fill(vals []int64, v int64) {
	for i := range vals {
		vals[i] = v
	}
}

func decodeRuns(src []byte, n int, dst []int64) (_ []int64, rest []byte, err error) {
	runs, src, err := ReadUvarint(src, "integer runs", uint64(n))
	if err != nil {
		return dst, nil, err
	}
	s := intScratches.Get().(*intScratch)
	defer intScratches.Put(s)
	if s.runs[0], src, err = decodeInts(src, int(runs), s.runs[0][:0], 0, false); err != nil {
		return dst, nil, err
	}
	if s.runs[1], src, err = decodeInts(src, int(runs), s.runs[1][:0], 0, false); err != nil {
		return dst, nil, err
	}
	out := slices.Grow(dst, n)[:len(dst)+n]
	left := out[len(dst):]
	for i, l := range s.runs[1] {
		if l < 0 || l >= int64(len(left)) {
			return dst, nil, Corruptf("integer run %d: want a length of 1 to %d, got %d", i, len(left), l+1)
		}
		fill(left[:l+1], s.runs[0][i])
		left = left[l+1:]
	}
	if len(left) > 0 {
		return dst, nil, Corruptf("integer runs: want %d values, got %d", n, n-len(left))
	}
	return out, src, nil
}

// signed views words as integers of the same memory.
func signed(words []uint64) []int64 {
	return unsafe.Slice((*int64)(unsafe.Pointer(unsafe.SliceData(words))), cap(words))[:len(words)]
}

// AppendWords is AppendInts for integers held as words.
func AppendWords(dst []byte, words []uint64) []byte { return AppendInts(dst, signed(words)) }

// DecodeWords is DecodeInts for integers held as words.
func DecodeWords(src []byte, n int, dst []uint64) (_ []uint64, rest []byte, err error) {
	out := slices.Grow(dst, n)
	if _, rest, err = DecodeInts(src, n, signed(out)); err != nil {
		return dst, nil, err
	}
	return out[:len(dst)+n], rest, nil
}
