package colenc

import (
	"encoding/binary"
	"slices"
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
		if dst = AppendInts(dst, lengths); len(dst)-start <= 1+(n+7)/8 {
			return dst
		}
		dst = dst[:start]
	}
	return appendBitmap(dst, words)
}

// DecodeBools appends a column of n words, each 0 or 1, from the front of src to
// dst. n is trusted: the caller has bounded it. On an error dst is returned as
// it was.
func DecodeBools(src []byte, n int, dst []uint64) (_ []uint64, rest []byte, err error) {
	if n == 0 {
		return dst, src, nil
	}
	id, src, err := ReadByte(src, "boolean encoding")
	if err != nil {
		return dst, nil, err
	}
	switch id {
	case boolFalse, boolTrue:
		out := slices.Grow(dst, n)[:len(dst)+n]
		fill(signed(out[len(dst):]), int64(id-boolFalse))
		return out, src, nil
	case boolBitmap:
		b, src, err := ReadBytes(src, "boolean bitmap", uint64(n+7)/8)
		if err != nil {
			return dst, nil, err
		}
		out := slices.Grow(dst, n)[:len(dst)+n]
		vals := out[len(dst):]
		for i := range vals {
			vals[i] = uint64(b[i>>3]>>(i&7)) & 1
		}
		return out, src, nil
	case boolRuns:
		return decodeBoolRuns(src, n, dst)
	}
	return dst, nil, Unsupportedf("boolean encoding %d", id)
}

func decodeBoolRuns(src []byte, n int, dst []uint64) (_ []uint64, rest []byte, err error) {
	v, src, err := ReadByte(src, "first boolean")
	if err != nil {
		return dst, nil, err
	}
	if v > 1 {
		return dst, nil, Corruptf("first boolean: want 0 or 1, got %d", v)
	}
	runs, src, err := ReadUvarint(src, "boolean runs", uint64(n))
	if err != nil {
		return dst, nil, err
	}
	s := intScratches.Get().(*intScratch)
	defer intScratches.Put(s)
	if s.runs[0], src, err = DecodeInts(src, int(runs), s.runs[0][:0]); err != nil {
		return dst, nil, err
	}
	out := slices.Grow(dst, n)[:len(dst)+n]
	left := signed(out[len(dst):])
	for i, l := range s.runs[0] {
		if l < 0 || l >= int64(len(left)) {
			return dst, nil, Corruptf("boolean run %d: want a length of 1 to %d, got %d", i, len(left), l+1)
		}
		fill(left[:l+1], int64(v))
		left = left[l+1:]
		v ^= 1
	}
	if len(left) > 0 {
		return dst, nil, Corruptf("boolean runs: want %d values, got %d", n, n-len(left))
	}
	return out, src, nil
}
