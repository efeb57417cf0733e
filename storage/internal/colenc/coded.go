package colenc

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// A coded column of order k (intCoded + k, intFixed + k) is
//
//	varint   first, uvarint divisor, as in a packed column
//	varint   centre: numbers are zigzag distances from it
//	1 byte   frameBits: a frame has 2^frameBits values, the last one fewer
//	lengths  of the codes, see huffman; for intFixed + k the byte of a fixed
//	         code, see fixed.go
//	integers bytes of each frame
//	integers units of the first value of each frame but the first; order 1 and 2 only
//	integers first difference of each frame; order 2 only, 0 for a frame of one value
//	frames   each the codes and extra bits of its numbers, see symbols.go, in whole bytes
//
// Any frame can be decoded without the others: its numbers are those of its
// values after the first k. The code is one for all of them.

const (
	// codedFrameBits: 512 values to a frame, because what a frame adds (its entry
	// in the directory, its first value, bits of padding) is then some 2.5
	// bytes, half a hundredth of a byte a value.
	codedFrameBits = 9
	minFrameBits   = 4
	maxFrameBits   = 16
)

// coder is the working memory of encoding coded columns.
type coder struct {
	huff    huffman
	count   [allSymbols]uint32
	code    *huffman // that is written: huff, or that of a fixed code
	fixed   byte
	symbols []uint16 // of all frames
	extras  []uint64 // of the symbols that have some
	marks   []mark   // end of each frame
	ends    []int64
	starts  []int64
	seconds []int64
	frames  []byte

	order     int
	centre    int64
	extraSize int // bits
}

// mark is a place among symbols and extras.
type mark struct{ symbols, extras int }

// fixedShare is by which share of it a column may grow to have a fixed code,
// which is decoded without preparation; in mode Fast by more.
const (
	fixedShare     = 1.0 / 64
	fastFixedShare = 1.0 / 32
)

// plan takes the units of a column apart into symbols and chooses their code. It
// returns the encoding, and the size of the codes and of an estimate of
// everything around them, in bytes.
func (c *coder) plan(units []int64, order int, centre int64, mode Mode) (id byte, bytes int) {
	c.order, c.centre, c.extraSize = order, centre, 0
	c.count = [allSymbols]uint32{}
	c.symbols = slices.Grow(c.symbols[:0], len(units)+1)
	c.extras, c.marks = c.extras[:0], c.marks[:0]
	zeros := 0
	for i := order; i < len(units) && i < order+256; i++ {
		if numberAt(units, i, order) == centre {
			zeros++
		}
	}
	runs := zeros*10 > 7*min(256, len(units)-order)
	for from := 0; from < len(units); from += 1 << codedFrameBits {
		c.frame(units[from:min(from+1<<codedFrameBits, len(units))], runs)
		c.marks = append(c.marks, mark{len(c.symbols), len(c.extras)})
	}
	c.huff.build(&c.count)
	size := c.extraSize
	for _, s := range c.huff.used {
		size += int(c.count[s]) * int(c.huff.lens[s])
	}
	own := (len(c.huff.used) + 1) / 2 * 8
	id, c.code = intCoded, &c.huff
	if !runs {
		share := fixedShare
		if mode == Fast {
			share = fastFixedShare
		}
		fixed, b := bestFixed(c.huff.used, &c.count, guessScale(c.huff.used, &c.count, len(c.symbols)))
		if b += c.extraSize; float64(b) <= float64(size+own)*(1+share) {
			id, size, own, c.fixed, c.code = intFixed, b, 8, fixed, &fixedCodeOf(fixed).huff
		}
	}
	perFrame := 2
	if order > 0 {
		perFrame += order
	}
	return id, (size+own)/8 + perFrame*len(c.marks) + 8
}

// numberAt returns the i-th difference of the order, i >= order.
func numberAt(units []int64, i, order int) int64 {
	switch order {
	case 0:
		return units[i]
	case 1:
		return units[i] - units[i-1]
	}
	return units[i] - 2*units[i-1] + units[i-2]
}

// frame appends the symbols of the numbers of a frame.
func (c *coder) frame(units []int64, runs bool) {
	if runs {
		c.frameWithRuns(units)
		return
	}
	symbols := c.symbols
	add := func(d int64) {
		u := zigzag(d)
		if u < directSymbols {
			c.count[u]++
			symbols = append(symbols, uint16(u))
			return
		}
		symbols = append(symbols, c.large(u))
	}
	switch c.order {
	case 0:
		for _, v := range units {
			add(v - c.centre)
		}
	case 1:
		prev := units[0] + c.centre
		for _, v := range units[1:] {
			add(v - prev)
			prev = v + c.centre
		}
	case 2:
		for i := 2; i < len(units); i++ {
			add(units[i] - 2*units[i-1] + units[i-2] - c.centre)
		}
	}
	c.symbols = symbols
}

// large counts a symbol with extra bits.
func (c *coder) large(u uint64) uint16 {
	s, extra := symbolOf(u)
	c.count[s]++
	c.extras = append(c.extras, u&(1<<extra-1))
	c.extraSize += int(extra)
	return s
}

func (c *coder) frameWithRuns(units []int64) {
	zeros := 0
	end := func() {
		for zeros > 0 {
			if zeros < 4 {
				c.count[0]++
				c.symbols = append(c.symbols, 0)
				zeros--
				continue
			}
			k := min(bits.Len(uint(zeros))-1, maxRunBits)
			n := min(zeros, 2<<k-1)
			c.count[runSymbol+k]++
			c.symbols = append(c.symbols, uint16(runSymbol+k))
			c.extras = append(c.extras, uint64(n)&(1<<k-1))
			c.extraSize += k
			zeros -= n
		}
	}
	for i := c.order; i < len(units); i++ {
		u := zigzag(numberAt(units, i, c.order) - c.centre)
		if u == 0 {
			zeros++
			continue
		}
		end()
		if u < directSymbols {
			c.count[u]++
			c.symbols = append(c.symbols, uint16(u))
		} else {
			c.symbols = append(c.symbols, c.large(u))
		}
	}
	end()
}

// append appends what was planned, behind first and divisor.
func (c *coder) append(dst []byte, units []int64) []byte {
	dst = append(binary.AppendVarint(dst, c.centre), codedFrameBits)
	if c.code == &c.huff {
		dst = c.huff.appendLens(dst)
	} else {
		dst = append(dst, c.fixed)
	}
	c.ends, c.starts, c.seconds = c.ends[:0], c.starts[:0], c.seconds[:0]
	w := bitWriter{dst: slices.Grow(c.frames[:0], len(units)/4)}
	var from mark
	for f, to := range c.marks {
		at := len(w.dst)
		extras := c.extras[from.extras:to.extras]
		acc, have := uint64(0), uint(0)
		for _, s := range c.symbols[from.symbols:to.symbols] {
			l := c.code.lens[s]
			if l == 0 || s >= directSymbols {
				w.acc, w.have = acc, have
				extra := uint64(0)
				if s >= directSymbols {
					extra, extras = extras[0], extras[1:]
				}
				w.putSymbol(c.code, s, extra)
				acc, have = w.acc, w.have
			} else {
				acc |= uint64(c.code.codes[s]) << have
				have += uint(l)
			}
			if have >= 64-maxCodeLen { // room for one more code
				w.flushWord(&acc, &have)
			}
		}
		w.acc, w.have = acc, have
		w.dst = w.close()
		c.ends = append(c.ends, int64(len(w.dst)-at))
		from = to
		u := units[f<<codedFrameBits:]
		if f > 0 {
			c.starts = append(c.starts, u[0])
		}
		second := int64(0)
		if len(u) > 1 {
			second = u[1] - u[0]
		}
		c.seconds = append(c.seconds, second)
	}
	c.frames = w.dst
	dst = appendInts(dst, c.ends, 0, Smallest, true)
	if c.order > 0 {
		dst = appendInts(dst, c.starts, 0, Smallest, true)
	}
	if c.order == 2 {
		dst = appendInts(dst, c.seconds, 0, Smallest, true)
	}
	return append(dst, c.frames...)
}

// putSymbol writes a symbol with extra bits, or one that has no code and is
// escaped.
func (w *bitWriter) putSymbol(code *huffman, s uint16, extra uint64) {
	if l := code.lens[s]; l > 0 {
		w.put(uint64(code.codes[s]), uint(l))
		if x := uint(extraBits[s]); x > 0 {
			w.put(extra, x)
		}
		return
	}
	u := leads[s] + extra
	l := escapeLen(u)
	w.put(uint64(code.codes[escapeSymbol]), uint(code.lens[escapeSymbol]))
	w.put(uint64(l-1), escapeBits)
	w.put(u, uint(l))
}

// flushWord writes the whole bytes of acc.
func (w *bitWriter) flushWord(acc *uint64, have *uint) {
	w.dst = binary.LittleEndian.AppendUint64(w.dst, *acc)
	n := *have &^ 7
	w.dst = w.dst[:len(w.dst)-8+int(n/8)]
	*acc >>= n
	*have -= n
}

// codedInts is a coded column that has been opened.
type codedInts struct {
	order     int
	centre    int64
	frameBits uint
	ends      []int64 // of each frame
	starts    []int64 // units of each frame's first value
	seconds   []int64 // first difference of each frame
	frames    []byte
	src       []byte // frames and what follows them

	huff  huffman
	own   *decodeTable // of huff
	table *decodeTable // own, or that of a fixed code
	ready bool         // own is for many numbers
	buf   []byte
}

// open reads everything but the frames of a column of n values, with a fixed
// code or one of its own.
func (c *codedInts) open(src []byte, order, n int, fixed bool) (rest []byte, err error) {
	c.order = order
	if c.centre, src, err = ReadVarint(src, "centre"); err != nil {
		return nil, err
	}
	fb, src, err := ReadByte(src, "frame bits")
	if err != nil {
		return nil, err
	}
	if fb < minFrameBits || fb > maxFrameBits {
		return nil, Corruptf("frame bits: want %d to %d, got %d", minFrameBits, maxFrameBits, fb)
	}
	c.frameBits = uint(fb)
	if src, err = c.readCode(src, fixed); err != nil {
		return nil, err
	}
	frames := (n-1)>>fb + 1
	if c.ends, src, err = decodeInts(src, frames, c.ends[:0], 0, true); err != nil {
		return nil, In("frame sizes", err)
	}
	c.starts, c.seconds = append(c.starts[:0], 0), c.seconds[:0]
	if order > 0 {
		if c.starts, src, err = decodeInts(src, frames-1, c.starts, 0, true); err != nil {
			return nil, In("frame starts", err)
		}
	}
	if order == 2 {
		if c.seconds, src, err = decodeInts(src, frames, c.seconds, 0, true); err != nil {
			return nil, In("frame differences", err)
		}
	}
	end := int64(0)
	for i, size := range c.ends {
		if size < 0 || size > int64(len(src))-end {
			return nil, Corruptf("size of frame %d: want 0 to %d, got %d", i, int64(len(src))-end, size)
		}
		end += size
		c.ends[i] = end
	}
	c.src, c.frames = src, src[:end]
	return src[end:], nil
}

// readCode reads the code and makes its table ready.
func (c *codedInts) readCode(src []byte, fixed bool) (rest []byte, err error) {
	if fixed {
		id, rest, err := ReadByte(src, "fixed code")
		if err == nil {
			c.table, c.ready = fixedCodeOf(id).decoder(), true
		}
		return rest, err
	}
	if src, err = c.huff.readLens(src); err != nil {
		return nil, err
	}
	if c.own == nil {
		c.own = new(decodeTable)
	}
	c.own.make(&c.huff, 1)
	c.table, c.ready = c.own, false
	return src, nil
}

// frame decodes the first len(out) values of frame f, which has at least so many:
// first plus their units times the divisor.
func (c *codedInts) frame(out []int64, f int, first, divisor int64) error {
	from, to := 0, int(c.ends[f])
	if f > 0 {
		from = int(c.ends[f-1])
	}
	src := withSlack(c.src, from, to, &c.buf)
	limit := uint(to-from) * 8
	if c.order == 0 {
		if err := c.table.sums(out, src, limit, 0); err != nil {
			return err
		}
		before := int64(0)
		for i, sum := range out {
			out[i] = first + (c.centre+sum-before)*divisor
			before = sum
		}
		return nil
	}
	out[0] = first + c.starts[f]*divisor
	if len(out) == 1 {
		return nil
	}
	if c.order == 1 {
		return c.climb(out, src, limit, divisor)
	}
	out[1] = out[0] + c.seconds[f]*divisor
	if err := c.table.sums(out[2:], src, limit, c.seconds[f]); err != nil {
		return err
	}
	v, centres := out[1], int64(0)
	for i, difference := range out[2:] {
		centres += c.centre
		v += (difference + centres) * divisor
		out[i+2] = v
	}
	return nil
}

// climb decodes a frame of order 1 behind its first value.
func (c *codedInts) climb(out []int64, src []byte, limit uint, divisor int64) error {
	first := out[0]
	if c.centre == 0 && divisor == 1 { // most gauges
		return c.table.sums(out[1:], src, limit, first)
	}
	if err := c.table.sums(out[1:], src, limit, 0); err != nil {
		return err
	}
	for i, sum := range out[1:] {
		first += c.centre * divisor
		out[i+1] = first + sum*divisor
	}
	return nil
}
