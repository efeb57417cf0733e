package colenc

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"sync"
	"unsafe"
)

// Encodings of an integer column. Zero is never written.
const (
	intConst  = 1 // varint value
	intLinear = 2 // varint first, varint step
	intPacked = 3 // order 0, 1, 2: 3, 4, 5; blocks, see block.go
	intRuns   = 6 // uvarint runs, values (ints), lengths less one (ints)
	intCoded  = 7 // order 0, 1, 2: 7, 8, 9; frames of codes, see coded.go
	intRaw    = 10
	intRice   = 11 // order 0, 1, 2: 11, 12, 13; see rice.go
	intFramed = 14 // independent columns one after another, see framed.go
	intFixed  = 15 // order 0, 1, 2: 15, 16, 17; as intCoded with a fixed code, see fixed.go
)

const (
	// shortLen is the greatest length of a column, or of a frame, that is
	// decoded from its beginning on to read any of its values.
	shortLen = 1024
	// minCoded is the least length of a coded column: its codes take some
	// bytes, and a decoder a microsecond to set up.
	minCoded = 64
	// Runs are tried where they have maybeRuns values on average, and taken
	// without planning anything else from surelyRuns on: a run takes some 3
	// bytes, and nothing else but a line takes less than a bit for each of
	// its values. There are at most maxRuns of them in a long column, which
	// has to be read from its middle, too.
	maybeRuns  = 4
	surelyRuns = 32
	maxRuns    = 256
	// fastPacked is the greatest length for which mode Fast tries blocks.
	fastPacked = 128
)

// AppendInts appends the column in the smallest of the encodings. Arithmetic
// wraps, so every int64 is exact. An empty column takes no bytes. The time is
// linear: some 10 ns per value.
func AppendInts(dst []byte, vals []int64) []byte { return appendInts(dst, vals, 0, Smallest, false) }

// AppendIntsFrom is AppendInts for values of which the first is known to be
// near base, which the decoder must be given again.
func AppendIntsFrom(dst []byte, base int64, vals []int64) []byte {
	return appendInts(dst, vals, base, Smallest, false)
}

// intScratch is the working memory of one call of appendInts.
type intScratch struct {
	units, nums []int64
	sample      []int64
	plans       []blockPlan
	runs        [2][]int64 // values, lengths
	coder       coder
	framed      []byte
}

var intScratches = sync.Pool{New: func() any { return new(intScratch) }}

// appendInts is AppendIntsFrom in a mode; inner columns lie within another
// column and have none within themselves.
func appendInts(dst []byte, vals []int64, base int64, mode Mode, inner bool) []byte {
	n := len(vals)
	switch {
	case n == 0:
		return dst
	case mode == Plain:
		return appendRawInts(dst, vals)
	}
	lo, hi, runs, linear := shapeOf(vals)
	switch {
	case lo == hi:
		return binary.AppendVarint(append(dst, intConst), lo-base)
	case linear:
		dst = binary.AppendVarint(append(dst, intLinear), vals[0]-base)
		return binary.AppendVarint(dst, vals[1]-vals[0])
	}
	s := intScratches.Get().(*intScratch)
	defer intScratches.Put(s)
	mayRun := !inner && base == 0 && (n <= shortLen || runs <= maxRuns)
	if mayRun && runs <= n/surelyRuns {
		return s.appendRuns(dst, vals, runs)
	}
	divisor := uint64(1)
	if uint64(hi)-uint64(lo) <= math.MaxInt64 {
		divisor = commonDivisor(vals)
	}
	s.setUnits(vals, divisor)
	order, centre := s.order(mode)
	nums := s.numbers(order)

	id, size := byte(intPacked), math.MaxInt
	packed := n <= fastPacked || n <= shortLen && mode == Smallest || inner
	if packed {
		size = s.plan(nums) / 8
		if order == 2 {
			size += varintLen(s.units[1])
		}
	}
	var low uint
	if n <= shortLen || inner {
		var b int
		if low, b = riceSize(nums, centre); (b+7)/8+2 < size {
			id, size = intRice, (b+7)/8+2
		}
	}
	if !inner && n >= minCoded {
		coded, b := s.coder.plan(s.units, order, centre, mode)
		if b < size || coded == intFixed && b <= size+size/32 { // it decodes faster
			id, size = coded, b
		}
	}
	size += 1 + varintLen(vals[0]-base) + uvarintLen(divisor)
	start := len(dst)
	if mayRun && runs <= n/maybeRuns {
		if dst = s.appendRuns(dst, vals, runs); len(dst)-start <= size {
			return dst
		}
		dst = dst[:start]
	}
	if !inner && n > shortLen && mode == Smallest && s.uneven(nums) {
		if dst = s.appendFramed(dst, vals); len(dst)-start < size {
			return dst
		}
		dst = dst[:start]
	}
	dst = binary.AppendVarint(append(dst, id+byte(order)), vals[0]-base)
	dst = binary.AppendUvarint(dst, divisor)
	switch id {
	case intCoded, intFixed:
		return s.coder.append(dst, s.units)
	case intRice:
		if order == 2 {
			dst = binary.AppendVarint(dst, s.units[1])
		}
		return appendRice(dst, nums, centre, low)
	}
	if order == 2 {
		dst = binary.AppendVarint(dst, s.units[1])
	}
	for b, v := range blocks(nums) {
		dst = appendBlock(dst, v, s.plans[b])
	}
	return dst
}

// shapeOf returns what one look at the values tells: their extremes, the number
// of runs of equal ones, and whether they are on a line.
func shapeOf(vals []int64) (lo, hi int64, runs int, linear bool) {
	lo, hi, runs = vals[0], vals[0], 1
	if len(vals) == 1 {
		return lo, hi, runs, true
	}
	step, bent := vals[1]-vals[0], int64(0)
	prev := vals[0]
	for _, v := range vals[1:] {
		d := v - prev
		bent |= d ^ step
		if d != 0 {
			runs++
		}
		lo, hi = min(lo, v), max(hi, v)
		prev = v
	}
	return lo, hi, runs, bent == 0
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
		case a == 0 || a == g:
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

// setUnits fills units with the distances of the values from the first, over
// the divisor, which divides them.
func (s *intScratch) setUnits(vals []int64, divisor uint64) {
	s.units = slices.Grow(s.units[:0], len(vals))[:len(vals)]
	first := vals[0]
	if divisor == 1 {
		for i, v := range vals {
			s.units[i] = v - first
		}
		return
	}
	// What is a multiple of an odd number is divided by multiplying with its
	// inverse modulo 2^64, which Newton's iteration finds.
	shift := uint(bits.TrailingZeros64(divisor))
	odd := divisor >> shift
	inverse := odd
	for range 5 {
		inverse *= 2 - odd*inverse
	}
	for i, v := range vals {
		s.units[i] = (v - first) >> shift * int64(inverse)
	}
}

// numbers fills nums with the differences of an order of the units.
func (s *intScratch) numbers(order int) []int64 {
	u := s.units
	if order == 0 {
		return u
	}
	nums := slices.Grow(s.nums[:0], len(u))[:len(u)-order]
	s.nums = nums
	if order == 1 {
		prev := u[0]
		for i, v := range u[1:] {
			nums[i] = v - prev
			prev = v
		}
		return nums
	}
	prev, delta := u[1], u[1]-u[0]
	for i, v := range u[2:] {
		d := v - prev
		nums[i] = d - delta
		prev, delta = v, d
	}
	return nums
}

const (
	// sampled is how many numbers decide on the order, fastSampled in mode Fast.
	sampled     = 256
	fastSampled = 64
	// smallNumber is the bits of a number on average below which order 2 is not
	// tried.
	smallNumber = 2
)

// order chooses the order whose numbers, in a sample, lie nearest to their
// median, which is the centre.
func (s *intScratch) order(mode Mode) (order int, centre int64) {
	n, sampled := len(s.units), sampled
	if mode == Fast {
		sampled = fastSampled
	}
	best := math.MaxInt
	for k := range min(3, n) {
		s.sample = s.sample[:0]
		if n <= sampled {
			for i := k; i < n; i++ {
				s.sample = append(s.sample, numberAt(s.units, i, k))
			}
		} else {
			for i := range sampled {
				s.sample = append(s.sample, numberAt(s.units, 2+i*(n-2)/sampled, k))
			}
		}
		slices.Sort(s.sample)
		c := s.sample[len(s.sample)/2]
		cost := 0
		for _, v := range s.sample {
			cost += bits.Len64(zigzag(v - c))
		}
		cost += 2 * k
		if k == 2 {
			cost += cost / 16 // it decodes slower, and has one more number to tell
		}
		if cost < best {
			best, order, centre = cost, k, c
		}
		if k == 1 && best < smallNumber*len(s.sample) {
			break // there is little to gain
		}
	}
	return order, centre
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

// plan plans the blocks of the numbers and returns their size in bits.
func (s *intScratch) plan(nums []int64) int {
	size := 0
	s.plans = s.plans[:0]
	for _, v := range blocks(nums) {
		p := planBlock(v)
		size += p.bits(len(v))
		s.plans = append(s.plans, p)
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
	dst = appendInts(dst, v, 0, Smallest, true)
	return appendInts(dst, l, 0, Smallest, true)
}

// DecodeInts appends a column of n integers from the front of src to dst. n is
// trusted: the caller has bounded it. On an error dst is returned as it was.
func DecodeInts(src []byte, n int, dst []int64) (out []int64, rest []byte, err error) {
	return decodeInts(src, n, dst, 0, false)
}

// DecodeIntsFrom is DecodeInts for what AppendIntsFrom has written.
func DecodeIntsFrom(src []byte, base int64, n int, dst []int64) (out []int64, rest []byte, err error) {
	return decodeInts(src, n, dst, base, false)
}

var intReaders = sync.Pool{New: func() any { return new(Ints) }}

// decodeInts decodes a column whole.
func decodeInts(src []byte, n int, dst []int64, base int64, inner bool) (_ []int64, rest []byte, err error) {
	c := intReaders.Get().(*Ints)
	defer intReaders.Put(c)
	if rest, err = c.open(src, n, base, inner); err != nil {
		return dst, nil, err
	}
	if dst, err = c.Append(dst, 0, n); err != nil {
		return dst, nil, err
	}
	return dst, rest, nil
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

func fill(vals []int64, v int64) {
	for i := range vals {
		vals[i] = v
	}
}
