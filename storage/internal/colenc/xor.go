package colenc

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// The XOR stream holds floats whose decimals are too many: each value as the
// exclusive or with the one before, in the manner of Chimp (Liakos et al.,
// VLDB 2022). The first value takes 64 bits; a further one starts with two:
//
//	0  nothing differs
//	1  leading class (3 bits), significant bits (6 bits, 0 means 64), these bits
//	2  64 - leading bits, leading zeros as last time
//	3  leading class (3 bits), 64 - leading bits
//
// Bits run from the least significant up. A leading class names a number of
// leading zeros, rounded down to one of eight.

const (
	xorSame = iota
	xorInside
	xorAgain
	xorNew
)

// leadingZeros has the zeros of each leading class.
var leadingZeros = [8]uint8{0, 8, 12, 16, 18, 20, 22, 24}

// leadingClass has the class for each number of leading zeros.
var leadingClass = func() (c [65]uint8) {
	for z := range c {
		for k, l := range leadingZeros {
			if int(l) <= z {
				c[z] = uint8(k)
			}
		}
	}
	return c
}()

// minTrailing is the number of trailing zeros from which on it pays to say how
// many there are: that takes 6 bits.
const minTrailing = 7

// bitWriter appends bits from the least significant up.
type bitWriter struct {
	dst  []byte
	acc  uint64
	have uint // bits in acc, below 64
}

// put appends the low n bits of v, n in 1 to 64; the others must be zero.
func (w *bitWriter) put(v uint64, n uint) {
	w.acc |= v << w.have
	if w.have += n; w.have >= 64 {
		w.dst = binary.LittleEndian.AppendUint64(w.dst, w.acc)
		w.have -= 64
		w.acc = v >> (n - w.have) // 0 where n-have is 64
	}
}

// close pads the last byte and returns the bytes.
func (w *bitWriter) close() []byte {
	end := len(w.dst) + int(w.have+7)/8
	return binary.LittleEndian.AppendUint64(w.dst, w.acc)[:end]
}

// appendXOR appends the length of the stream and the stream.
func appendXOR(dst []byte, words []uint64) []byte {
	// The length comes first but is known last: leave room for the longest.
	const room = binary.MaxVarintLen32
	start := len(dst)
	w := bitWriter{dst: append(dst, make([]byte, room)...)}
	prev := words[0]
	w.put(prev, 64)
	class := uint8(0)
	for _, v := range words[1:] {
		x := v ^ prev
		prev = v
		if x == 0 {
			w.put(xorSame, 2)
			continue
		}
		c := leadingClass[bits.LeadingZeros64(x)]
		lead := uint(leadingZeros[c])
		trail := uint(bits.TrailingZeros64(x))
		switch {
		case trail >= minTrailing:
			sig := 64 - lead - trail
			w.put(xorInside|uint64(c)<<2|uint64(sig&63)<<5, 11)
			w.put(x>>trail, sig)
		case c == class:
			w.put(xorAgain, 2)
			w.put(x, 64-lead)
		default:
			class = c
			w.put(xorNew|uint64(c)<<2, 5)
			w.put(x, 64-lead)
		}
	}
	dst = w.close()
	size := len(dst) - start - room
	head := binary.AppendUvarint(dst[start:start], uint64(size))
	copy(dst[start+len(head):], dst[start+room:])
	return dst[:start+len(head)+size]
}

// xorSlack is how many bytes from its first on one value may read: 11 bits of
// control, up to 64 of payload, read as 9 bytes.
const xorSlack = 2 + 9

// xorState is where a decoder of the stream stands.
type xorState struct {
	bit  uint // next bit
	prev uint64
	lead uint
}

func decodeXOR(src []byte, n int, dst []uint64) (_ []uint64, rest []byte, err error) {
	size, src, err := ReadUvarint(src, "xor stream", uint64(len(src)))
	if err != nil {
		return dst, nil, err
	}
	stream, rest, err := ReadBytes(src, "xor stream", size)
	if err != nil {
		return dst, nil, err
	}
	if size < 8 || uint64(n-1) > (size-8)*4 { // 2 bits for a value at least
		return dst, nil, Corruptf("xor stream: want %d values, got %d bytes", n, size)
	}
	out := slices.Grow(dst, n)[:len(dst)+n]
	vals := out[len(dst):]
	s := xorState{bit: 64, prev: binary.LittleEndian.Uint64(stream)}
	vals[0] = s.prev
	done := 1
	if len(stream) > xorSlack {
		done += s.decode(vals[1:], stream, uint(len(stream)-xorSlack)*8)
	}
	// The last values might read beyond the stream: let them read zeros.
	var tail [2*xorSlack + 2 + 8]byte
	from := s.bit / 8
	if from > uint(len(stream)) {
		return dst, nil, Corruptf("xor stream: want %d values, got the end after %d", n, done)
	}
	left := copy(tail[:], stream[from:])
	s.bit -= 8 * from
	done += s.decode(vals[done:], tail[:], uint(left)*8)
	if done < n || s.bit > uint(left)*8 {
		return dst, nil, Corruptf("xor stream: want %d values, got the end after %d", n, done)
	}
	return out, rest, nil
}

// decode decodes values that start before the bit limit, which is at least
// xorSlack bytes before the end of src, and returns how many.
func (s *xorState) decode(vals []uint64, src []byte, limit uint) int {
	bit, prev, lead := s.bit, s.prev, s.lead
	i := 0
	for ; i < len(vals) && bit < limit; i++ {
		w := binary.LittleEndian.Uint64(src[bit>>3:]) >> (bit & 7)
		size, shift := uint(0), uint(0)
		switch w & 3 {
		case xorSame:
			bit += 2
			vals[i] = prev
			continue
		case xorInside:
			size = (uint(w>>5)-1)&63 + 1
			shift = 64 - uint(leadingZeros[w>>2&7]) - size
			bit += 11
		case xorAgain:
			size = 64 - lead
			bit += 2
		case xorNew:
			lead = uint(leadingZeros[w>>2&7])
			size = 64 - lead
			bit += 5
		}
		p := src[bit>>3:]
		x := binary.LittleEndian.Uint64(p) >> (bit & 7)
		if off := bit & 7; off+size > 64 {
			x |= uint64(p[8]) << (64 - off)
		}
		// A shift of 64 and more, from sizes no encoder writes, gives 0.
		prev ^= x & (^uint64(0) >> (64 - size)) << shift
		bit += size
		vals[i] = prev
	}
	s.bit, s.prev, s.lead = bit, prev, lead
	return i
}
