package colenc

import (
	"encoding/binary"
	"slices"
	"sync"
)

// Encodings of a boolean column. Zero is never written.
const (
	boolFalse  = 1 // all false
	boolTrue   = 2 // all true
	boolBitmap = 3 // one bit per value, least significant first
	boolRuns   = 4 // first value (1 byte), uvarint runs, lengths less one (ints)
)

// AppendBools appends a column of words of which only the lowest bit counts.
func AppendBools(dst []byte, words []uint64) []byte {
	n := len(words)
	if n == 0 {
		return dst
	}
	runs := 1
	for i := 1; i < n; i++ {
		runs += int((words[i] ^ words[i-1]) & 1)
	}
	if runs == 1 {
		return append(dst, boolFalse+byte(words[0]&1))
	}
	start := len(dst)
	if runs <= n/16 {
		dst = append(dst, boolRuns, byte(words[0]&1))
		dst = binary.AppendUvarint(dst, uint64(runs))
		lengths := make([]int64, 0, runs)
		first := 0
		for i := 1; i <= n; i++ {
			if i == n || (words[i]^words[first])&1 == 1 {
				lengths = append(lengths, int64(i-first-1))
				first = i
			}
		}
		if dst = appendInts(dst, lengths, 0, Smallest, true); len(dst)-start <= 1+(n+7)/8 {
			return dst
		}
		dst = dst[:start]
	}
	return appendBitmap(dst, words)
}

// Bools is a boolean column that has been opened. The zero Bools is ready for
// Open. Not safe for concurrent use.
type Bools struct {
	id     byte
	first  byte // of runs
	bitmap []byte
	ends   []int64 // of runs
}

// Open opens a column of n booleans at the front of src, which must not change
// while the column is in use, and returns what follows it. n is trusted: the
// caller has bounded it.
func (c *Bools) Open(src []byte, n int) (rest []byte, err error) {
	c.id = 0
	if n == 0 {
		return src, nil
	}
	if c.id, src, err = ReadByte(src, "boolean encoding"); err != nil {
		return nil, err
	}
	switch c.id {
	case boolFalse, boolTrue:
		return src, nil
	case boolBitmap:
		c.bitmap, src, err = ReadBytes(src, "boolean bitmap", uint64(n+7)/8)
		return src, err
	case boolRuns:
		return c.openRuns(src, n)
	}
	return nil, Unsupportedf("boolean encoding %d", c.id)
}

func (c *Bools) openRuns(src []byte, n int) (rest []byte, err error) {
	if c.first, src, err = ReadByte(src, "first boolean"); err != nil {
		return nil, err
	}
	if c.first > 1 {
		return nil, Corruptf("first boolean: want 0 or 1, got %d", c.first)
	}
	runs, src, err := ReadUvarint(src, "boolean runs", uint64(n))
	if err != nil {
		return nil, err
	}
	if c.ends, src, err = decodeInts(src, int(runs), c.ends[:0], 0, true); err != nil {
		return nil, In("boolean runs", err)
	}
	return src, endsOf(c.ends, n, "boolean run")
}

// endsOf turns lengths less one, which must add up to n, into ends.
func endsOf(lengths []int64, n int, field string) error {
	end := int64(0)
	for i, l := range lengths {
		if l < 0 || l >= int64(n)-end {
			return Corruptf("%s %d: want a length of 1 to %d, got %d", field, i, int64(n)-end, l+1)
		}
		end += l + 1
		lengths[i] = end
	}
	if end != int64(n) {
		return Corruptf("%ss: want %d values, got %d", field, n, end)
	}
	return nil
}

// AppendBits appends the values [i, j), which must be in range, as words of 0
// or 1.
func (c *Bools) AppendBits(dst []uint64, i, j int) []uint64 {
	if i == j {
		return dst
	}
	out := slices.Grow(dst, j-i)[:len(dst)+j-i]
	vals := out[len(dst):]
	switch c.id {
	case boolFalse, boolTrue:
		fill(signed(vals), int64(c.id-boolFalse))
	case boolBitmap:
		for k := range vals {
			at := i + k
			vals[k] = uint64(c.bitmap[at>>3]>>(at&7)) & 1
		}
	case boolRuns:
		r, _ := slices.BinarySearch(c.ends, int64(i)+1)
		for len(vals) > 0 {
			n := min(int(c.ends[r])-i, len(vals))
			fill(signed(vals[:n]), int64(c.first)^int64(r&1))
			vals, i, r = vals[n:], i+n, r+1
		}
	}
	return out
}

var boolReaders = sync.Pool{New: func() any { return new(Bools) }}

// DecodeBools appends a column of n words, each 0 or 1, from the front of src to
// dst. n is trusted: the caller has bounded it. On an error dst is returned as
// it was.
func DecodeBools(src []byte, n int, dst []uint64) (_ []uint64, rest []byte, err error) {
	c := boolReaders.Get().(*Bools)
	defer boolReaders.Put(c)
	if rest, err = c.Open(src, n); err != nil {
		return dst, nil, err
	}
	return c.AppendBits(dst, 0, n), rest, nil
}
