package colenc

import "encoding/binary"

// blockLen is the number of values packed with one width. 128 values share one
// or two header bytes (an eighth of a bit each), and an outlier spoils at
// most its own block.
const blockLen = 128

// packedLen returns the bytes that n values of w bits take.
func packedLen(n int, w uint) int { return (n*int(w) + 7) / 8 }

// appendPacked appends the low w bits of each value, least significant bit
// first, and pads the last byte with zero bits.
func appendPacked(dst []byte, vals []uint64, w uint) []byte {
	if w == 0 {
		return dst
	}
	if w == 64 {
		for _, v := range vals {
			dst = binary.LittleEndian.AppendUint64(dst, v)
		}
		return dst
	}
	end := len(dst) + packedLen(len(vals), w)
	mask := uint64(1)<<w - 1
	var acc uint64 // bits not yet written
	var have uint  // how many; below 64
	for _, v := range vals {
		v &= mask
		acc |= v << have
		have += w
		if have >= 64 {
			dst = binary.LittleEndian.AppendUint64(dst, acc)
			have -= 64
			acc = v >> (w - have) // w-have is at least 1: have < w after the subtraction
		}
	}
	dst = binary.LittleEndian.AppendUint64(dst, acc)
	return dst[:end]
}

// unpackSlack is how many bytes beyond its input unpack may read.
const unpackSlack = 9

// unpack reads len(out) values of w bits from src and adds ref to each. src
// must hold packedLen(len(out), w) + unpackSlack bytes; it is given with its
// length cut to that by the caller, so that a wrong length panics here in
// tests rather than reads what belongs to others.
func unpack(out []int64, src []byte, w uint, ref int64) {
	switch {
	case w == 0:
		for i := range out {
			out[i] = ref
		}
	case w <= 57: // any value lies within 8 bytes: 7 bits of offset and 57 of value
		mask := uint64(1)<<w - 1
		bit := uint(0)
		for i := range out {
			out[i] = ref + int64(binary.LittleEndian.Uint64(src[bit>>3:])>>(bit&7)&mask)
			bit += w
		}
	default:
		mask := ^uint64(0) >> (64 - w)
		bit := uint(0)
		for i := range out {
			p := src[bit>>3:]
			v := binary.LittleEndian.Uint64(p)>>(bit&7) | uint64(p[8])<<(64-bit&7)
			if bit&7 == 0 {
				v = binary.LittleEndian.Uint64(p)
			}
			out[i] = ref + int64(v&mask)
			bit += w
		}
	}
}
