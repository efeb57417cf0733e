package colenc

import (
	"math"
	"slices"
)

// Ints is an integer column that has been opened: its values are decoded when
// asked for, from any position on. The zero Ints is ready for Open; it keeps
// its working memory from column to column. Not safe for concurrent use.
type Ints struct {
	n     int
	id    byte // of the encoding, without its order
	order int

	first, step int64  // step is that of a linear column, else the divisor
	delta       int64  // units of the first difference
	src         []byte // of the numbers

	coded  codedInts
	read   int     // values of the coded column that have been asked for
	units  []int64 // of the frame that was read last, from its first value on
	cached int     // its number plus one

	found []int64 // of a frame, while it is searched

	vals []int64 // of a short column, or a frame, once it has been decoded
	ends []int64 // of frames
	bits uint    // of frames
}

// Open opens a column of n integers at the front of src, which must not change
// while the column is in use, and returns what follows it. n is trusted: the
// caller has bounded it. base is what AppendIntsFrom was given, 0 for
// AppendInts.
func (c *Ints) Open(src []byte, n int, base int64) (rest []byte, err error) {
	return c.open(src, n, base, false)
}

func (c *Ints) open(src []byte, n int, base int64, inner bool) (rest []byte, err error) {
	c.n, c.id, c.cached, c.read, c.vals = n, 0, 0, 0, c.vals[:0]
	if n == 0 {
		return src, nil
	}
	id, src, err := ReadByte(src, "integer encoding")
	if err != nil {
		return nil, err
	}
	c.id, c.order = id, 0
	for _, k := range [...]byte{intPacked, intCoded, intRice, intFixed} {
		if id >= k && id < k+3 {
			c.id, c.order = k, int(id-k)
		}
	}
	switch {
	case c.id == intRaw:
		c.src, src, err = ReadBytes(src, "raw integers", 8*uint64(n))
		return src, err
	case c.id == intRuns && !inner:
		return c.openRuns(src)
	case c.id == intFramed && !inner:
		return c.openFramed(src)
	case id < intConst || c.id > intFixed || c.id == intFramed || inner && (c.id == intRuns || c.isCoded()):
		return nil, Unsupportedf("integer encoding %d", id)
	}
	if c.first, src, err = ReadVarint(src, "first integer"); err != nil {
		return nil, err
	}
	c.first += base
	switch c.id {
	case intConst:
		c.step = 0
		return src, nil
	case intLinear:
		c.step, src, err = ReadVarint(src, "integer step")
		return src, err
	}
	divisor, src, err := ReadUvarint(src, "integer divisor", math.MaxInt64)
	if err != nil {
		return nil, err
	}
	if divisor == 0 {
		return nil, Corruptf("integer divisor: want at least 1, got 0")
	}
	if n <= c.order {
		return nil, Corruptf("integers: want more than %d for differences of order %d, got %d", c.order, c.order, n)
	}
	c.step = int64(divisor)
	if c.isCoded() {
		return c.coded.open(src, c.order, n, c.id == intFixed)
	}
	if c.order == 2 {
		if c.delta, src, err = ReadVarint(src, "first difference"); err != nil {
			return nil, err
		}
	}
	return c.decodeAll(src)
}

// isCoded reports whether the column has frames of Huffman codes.
func (c *Ints) isCoded() bool { return c.id == intCoded || c.id == intFixed }

// decodeAll decodes a packed or Rice-coded column into vals.
func (c *Ints) decodeAll(src []byte) (rest []byte, err error) {
	c.vals = slices.Grow(c.vals[:0], c.n)[:c.n]
	nums := c.vals[c.order:]
	if c.id == intRice {
		if src, err = decodeRice(nums, src); err != nil {
			return nil, err
		}
	} else {
		for _, b := range blocks(nums) {
			if src, err = decodeBlock(b, src); err != nil {
				return nil, err
			}
		}
	}
	accumulate(c.vals, c.order, c.first, c.step, c.delta)
	return src, nil
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

func (c *Ints) openRuns(src []byte) (rest []byte, err error) {
	runs, src, err := ReadUvarint(src, "integer runs", uint64(c.n))
	if err != nil {
		return nil, err
	}
	// The values of the runs are in vals, the index behind each in ends.
	if c.vals, src, err = decodeInts(src, int(runs), c.vals[:0], 0, true); err != nil {
		return nil, err
	}
	if c.ends, src, err = decodeInts(src, int(runs), c.ends[:0], 0, true); err != nil {
		return nil, err
	}
	return src, endsOf(c.ends, c.n, "integer run")
}

func (c *Ints) openFramed(src []byte) (rest []byte, err error) {
	fb, src, err := ReadByte(src, "frame bits")
	if err != nil {
		return nil, err
	}
	if fb < minFrameBits || fb > maxFrameBits {
		return nil, Corruptf("frame bits: want %d to %d, got %d", minFrameBits, maxFrameBits, fb)
	}
	c.bits = uint(fb)
	frames := (c.n-1)>>fb + 1
	if c.ends, src, err = decodeInts(src, frames, c.ends[:0], 0, true); err != nil {
		return nil, In("frame sizes", err)
	}
	end := int64(0)
	for i, size := range c.ends {
		if size < 0 || size > int64(len(src))-end {
			return nil, Corruptf("size of frame %d: want 0 to %d, got %d", i, int64(len(src))-end, size)
		}
		end += size
		c.ends[i] = end
	}
	c.src = src[:end]
	return src[end:], nil
}

// Linear returns first and step of a column whose values are on a line: value i
// is first + i*step.
func (c *Ints) Linear() (first, step int64, ok bool) {
	return c.first, c.step, c.id == intConst || c.id == intLinear
}

// Append appends the values [i, j), which must be in range, to dst. The time is
// linear in j-i and the length of a frame. On an error dst is returned as it
// was.
func (c *Ints) Append(dst []int64, i, j int) ([]int64, error) {
	if i == j {
		return dst, nil
	}
	out := slices.Grow(dst, j-i)[:len(dst)+j-i]
	vals := out[len(dst):]
	switch c.id {
	case intConst:
		fill(vals, c.first)
	case intLinear:
		v := c.first + int64(i)*c.step
		for k := range vals {
			vals[k] = v
			v += c.step
		}
	case intRaw:
		rawInts(vals, c.src[8*i:])
	case intRuns:
		c.appendRuns(vals, i)
	case intCoded, intFixed:
		if err := c.appendCoded(vals, i); err != nil {
			return dst, err
		}
	case intFramed:
		if err := c.appendFramed(vals, i); err != nil {
			return dst, err
		}
	default:
		copy(vals, c.vals[i:])
	}
	return out, nil
}

func (c *Ints) appendRuns(out []int64, i int) {
	r, _ := slices.BinarySearch(c.ends, int64(i)+1)
	for len(out) > 0 {
		n := min(int(c.ends[r])-i, len(out))
		fill(out[:n], c.vals[r])
		out = out[n:]
		i += n
		r++
	}
}

// severalAfter is how many values of a coded column are decoded symbol by symbol
// before a table of several symbols at once pays.
const severalAfter = 1024

func (c *Ints) appendCoded(out []int64, i int) error {
	if c.read += len(out); c.read > severalAfter && !c.coded.ready {
		c.coded.own.makeSeveral(&c.coded.huff, severalBits)
		c.coded.ready = true
	}
	size := 1 << c.coded.frameBits
	for len(out) > 0 {
		f := i >> c.coded.frameBits
		from := f << c.coded.frameBits
		n := min(size-(i-from), len(out))
		if i == from {
			// Whole frames, and beginnings of frames, go where they belong.
			if err := c.coded.frame(out[:n], f, c.first, c.step); err != nil {
				return err
			}
		} else {
			if c.cached != f+1 || len(c.units) < i-from+n {
				c.cached = 0
				to := min(size, c.n-from)
				if i-from+n < to/2 {
					to = i - from + n
				}
				c.units = slices.Grow(c.units[:0], to)[:to]
				if err := c.coded.frame(c.units, f, c.first, c.step); err != nil {
					return err
				}
				c.cached = f + 1
			}
			copy(out[:n], c.units[i-from:])
		}
		out = out[n:]
		i += n
	}
	return nil
}

func (c *Ints) appendFramed(out []int64, i int) error {
	size := 1 << c.bits
	for len(out) > 0 {
		f := i >> c.bits
		at := i - f<<c.bits
		n := min(size-at, len(out))
		if c.cached != f+1 {
			c.cached = 0
			from := int64(0)
			if f > 0 {
				from = c.ends[f-1]
			}
			vals, rest, err := decodeInts(c.src[from:c.ends[f]], min(size, c.n-f<<c.bits), c.vals[:0], 0, true)
			if err != nil {
				return In("frame", err)
			}
			if len(rest) > 0 {
				return Corruptf("frame %d: want no byte after it, got %d", f, len(rest))
			}
			c.vals, c.cached = vals, f+1
		}
		copy(out[:n], c.vals[at:])
		out = out[n:]
		i += n
	}
	return nil
}

// Search returns how many of the values, which must ascend, are at most v. The
// time is that of a frame, and of a binary search among the frames.
func (c *Ints) Search(v int64) (int, error) {
	if first, step, ok := c.Linear(); ok {
		switch {
		case v < first || c.n == 0:
			return 0, nil
		case step == 0:
			return c.n, nil
		}
		return int(min((uint64(v)-uint64(first))/uint64(step)+1, uint64(c.n))), nil
	}
	frameBits := uint(framedBits)
	if c.isCoded() {
		frameBits = c.coded.frameBits
	}
	if c.id == intFramed {
		frameBits = c.bits
	}
	// The last frame that begins at or before v.
	lo, hi := 0, (c.n-1)>>frameBits // in [lo, hi], or none
	for lo < hi {
		mid := (lo + hi + 1) / 2
		at, err := c.at(mid << frameBits)
		if err != nil {
			return 0, err
		}
		if at <= v {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	from := lo << frameBits
	var err error
	if c.found, err = c.Append(c.found[:0], from, min(from+1<<frameBits, c.n)); err != nil {
		return 0, err
	}
	k, equal := slices.BinarySearch(c.found, v)
	if equal {
		k++
	}
	return from + k, nil
}

// at returns the value at the beginning of a frame.
func (c *Ints) at(i int) (int64, error) {
	if c.isCoded() && c.order > 0 {
		return c.first + c.coded.starts[i>>c.coded.frameBits]*c.step, nil
	}
	var err error
	if c.found, err = c.Append(c.found[:0], i, i+1); err != nil {
		return 0, err
	}
	return c.found[0], nil
}
