package colenc

import (
	"encoding/binary"
	"math"
	"slices"
	"unsafe"
)

// Floats is a float column that has been opened: its values are decoded when
// asked for, from any position on. The zero Floats is ready for Open; it keeps
// its working memory from column to column. Not safe for concurrent use.
type Floats struct {
	id       byte
	constant uint64
	raw      []byte
	exponent int
	ints     Ints // decimals, ordered bits or indexes
	entries  []int64

	positions, exceptions []int64
}

// Open opens a column of n floats at the front of src, which must not change
// while the column is in use, and returns what follows it. n is trusted: the
// caller has bounded it.
func (c *Floats) Open(src []byte, n int) (rest []byte, err error) {
	c.id, c.positions = 0, c.positions[:0]
	if n == 0 {
		return src, nil
	}
	if c.id, src, err = ReadByte(src, "float encoding"); err != nil {
		return nil, err
	}
	switch c.id {
	case floatConst:
		b, src, err := ReadBytes(src, "constant float", 8)
		if err != nil {
			return nil, err
		}
		c.constant = binary.LittleEndian.Uint64(b)
		return src, nil
	case floatRaw:
		c.raw, src, err = ReadBytes(src, "raw floats", 8*uint64(n))
		return src, err
	case floatOrdered:
		return c.ints.Open(src, n, 0)
	case floatDictionary:
		count, src, err := ReadUvarint(src, "float entries", uint64(n))
		if err != nil {
			return nil, err
		}
		if count == 0 {
			return nil, Corruptf("float entries: want at least 1, got 0")
		}
		if c.entries, src, err = DecodeInts(src, int(count), c.entries[:0]); err != nil {
			return nil, In("float entries", err)
		}
		return c.ints.Open(src, n, 0)
	case floatDecimal:
		return c.openDecimals(src, n)
	}
	return nil, Unsupportedf("float encoding %d", c.id)
}

func (c *Floats) openDecimals(src []byte, n int) (rest []byte, err error) {
	e, src, err := ReadByte(src, "decimal exponent")
	if err != nil {
		return nil, err
	}
	if e > maxExponent {
		return nil, Corruptf("decimal exponent: want at most %d, got %d", maxExponent, e)
	}
	c.exponent = int(e)
	count, src, err := ReadUvarint(src, "decimal exceptions", uint64(n))
	if err != nil {
		return nil, err
	}
	if c.positions, src, err = DecodeInts(src, int(count), c.positions[:0]); err != nil {
		return nil, In("decimal exceptions", err)
	}
	if c.exceptions, src, err = DecodeInts(src, int(count), c.exceptions[:0]); err != nil {
		return nil, In("exceptional floats", err)
	}
	last := int64(-1)
	for k, i := range c.positions {
		if i <= last || i >= int64(n) {
			return nil, Corruptf("decimal exception %d: want a position after %d and below %d, got %d", k, last, n, i)
		}
		last = i
	}
	return c.ints.Open(src, n, 0)
}

// AppendBits appends the bits of the values [i, j), which must be in range, to
// dst. The time is linear in j-i and the length of a frame. On an error dst is
// returned as it was.
func (c *Floats) AppendBits(dst []uint64, i, j int) ([]uint64, error) {
	if i == j {
		return dst, nil
	}
	out := slices.Grow(dst, j-i)[:len(dst)+j-i]
	vals := out[len(dst):]
	switch c.id {
	case floatConst:
		fill(signed(vals), int64(c.constant))
		return out, nil
	case floatRaw:
		rawInts(signed(vals), c.raw[8*i:])
		return out, nil
	}
	if _, err := c.ints.Append(signed(vals)[:0], i, j); err != nil {
		return dst, err
	}
	switch c.id {
	case floatOrdered:
		for k, v := range vals {
			vals[k] = bitsOf(int64(v))
		}
	case floatDictionary:
		for k, v := range vals {
			if v >= uint64(len(c.entries)) {
				return dst, Corruptf("index of float %d: want below %d, got %d", i+k, len(c.entries), v)
			}
			vals[k] = bitsOf(c.entries[v])
		}
	case floatDecimal:
		c.decimals(vals, i, j)
	}
	return out, nil
}

// decimals turns the integers [i, j) into floats and puts exceptions in their
// places.
func (c *Floats) decimals(vals []uint64, i, j int) {
	if c.exponent == 0 {
		for k, v := range vals {
			vals[k] = math.Float64bits(float64(int64(v)))
		}
	} else {
		p := powers[c.exponent]
		for k, v := range vals {
			vals[k] = math.Float64bits(float64(int64(v)) / p)
		}
	}
	k, _ := slices.BinarySearch(c.positions, int64(i))
	for ; k < len(c.positions) && c.positions[k] < int64(j); k++ {
		vals[int(c.positions[k])-i] = bitsOf(c.exceptions[k])
	}
}

// AppendFloats is AppendBits for floats.
func (c *Floats) AppendFloats(dst []float64, i, j int) ([]float64, error) {
	out := slices.Grow(dst, j-i)
	if _, err := c.AppendBits(floatBits(out), i, j); err != nil {
		return dst, err
	}
	return out[:len(dst)+j-i], nil
}

// AppendDecimals appends the values [i, j), which must be in range, as integers
// over a power of ten, where all of them are held as such: FromDecimal turns
// each into its float. Otherwise ok is false, and nothing is appended.
func (c *Floats) AppendDecimals(dst []int64, i, j int) (_ []int64, exponent int, ok bool, err error) {
	if c.id != floatDecimal {
		return dst, 0, false, nil
	}
	if k, _ := slices.BinarySearch(c.positions, int64(i)); k < len(c.positions) && c.positions[k] < int64(j) {
		return dst, 0, false, nil
	}
	dst, err = c.ints.Append(dst, i, j)
	return dst, c.exponent, err == nil, err
}

// floatBits views floats as words of the same memory.
func floatBits(f []float64) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(f))), cap(f))[:len(f)]
}

// AppendFloats appends the values [i, j) of an integer column as floats; those
// beyond 2^53 are rounded.
func (c *Ints) AppendFloats(dst []float64, i, j int) ([]float64, error) {
	out := slices.Grow(dst, j-i)
	words := floatBits(out)
	if _, err := c.Append(signed(words), i, j); err != nil {
		return dst, err
	}
	out = out[:len(dst)+j-i]
	for k := len(dst); k < len(out); k++ {
		out[k] = float64(int64(math.Float64bits(out[k])))
	}
	return out, nil
}

// AppendWords is Append for integers held as words.
func (c *Ints) AppendWords(dst []uint64, i, j int) ([]uint64, error) {
	out := slices.Grow(dst, j-i)
	if _, err := c.Append(signed(out), i, j); err != nil {
		return dst, err
	}
	return out[:len(dst)+j-i], nil
}

// AppendFloats appends the values [i, j) of a boolean column as 0 and 1.
func (c *Bools) AppendFloats(dst []float64, i, j int) []float64 {
	out := slices.Grow(dst, j-i)
	words := c.AppendBits(floatBits(out), i, j)
	for k := len(dst); k < len(words); k++ {
		words[k] = math.Float64bits(float64(words[k]))
	}
	return out[:len(words)]
}
