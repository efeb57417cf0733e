package colenc

import "encoding/binary"

// The readers below take a field off the front of src and return what follows
// it. An error names the field and what was wanted.

// ReadUvarint reads an unsigned varint of at most max.
func ReadUvarint(src []byte, field string, max uint64) (v uint64, rest []byte, err error) {
	v, w := binary.Uvarint(src)
	if w <= 0 {
		return 0, nil, Corruptf("%s: want a varint, got %d bytes that are none", field, len(src))
	}
	if v > max {
		return 0, nil, Corruptf("%s: want at most %d, got %d", field, max, v)
	}
	return v, src[w:], nil
}

// ReadVarint reads a signed (zigzag) varint.
func ReadVarint(src []byte, field string) (v int64, rest []byte, err error) {
	v, w := binary.Varint(src)
	if w <= 0 {
		return 0, nil, Corruptf("%s: want a varint, got %d bytes that are none", field, len(src))
	}
	return v, src[w:], nil
}

// ReadByte reads one byte.
func ReadByte(src []byte, field string) (b byte, rest []byte, err error) {
	if len(src) == 0 {
		return 0, nil, Corruptf("%s: want 1 byte, got none", field)
	}
	return src[0], src[1:], nil
}

// ReadBytes reads n bytes; they alias src.
func ReadBytes(src []byte, field string, n uint64) (b, rest []byte, err error) {
	if n > uint64(len(src)) {
		return nil, nil, Corruptf("%s: want %d bytes, got %d", field, n, len(src))
	}
	return src[:n:n], src[n:], nil
}

// uvarintLen returns the length of v as an unsigned varint.
func uvarintLen(v uint64) int {
	n := 1
	for v >= 0x80 {
		v >>= 7
		n++
	}
	return n
}

// varintLen returns the length of v as a signed varint.
func varintLen(v int64) int { return uvarintLen(zigzag(v)) }

// zigzag maps small magnitudes of either sign to small unsigned numbers.
func zigzag(v int64) uint64 { return uint64(v)<<1 ^ uint64(v>>63) }
