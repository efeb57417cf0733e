package colenc

import (
	"encoding/binary"
	"math/bits"
)

// A Rice-coded column of order k (intRice + k) is
//
//	varint   first, uvarint divisor, as in a packed column
//	varint   first difference: order 2 only
//	varint   centre
//	1 byte   low: bits of a number that are written as they are, 0 to 62
//	codes    of the zigzag distances u of the numbers from the centre: u >> low zero bits,
//	         a one bit, low bits; or riceEscape zero bits, a one bit, 64 bits
//
// It needs no table: it is for columns that are too short for one to pay. (Rice,
// "Some practical universal noiseless coding techniques", JPL 1979.)
const (
	riceEscape = 24
	maxRiceLow = 62
	// riceReach is how many bytes from its first one on a code may be read.
	riceReach = (7+riceEscape+1+64)/8 + bitSlack + 1
)

// riceSize returns the number of low bits, and the size in bits, that suit the
// numbers best.
func riceSize(nums []int64, centre int64) (low uint, size int) {
	sum := 0.0
	for _, v := range nums {
		sum += float64(zigzag(v - centre))
	}
	guess := bits.Len64(uint64(min(sum/float64(len(nums)), 1<<61)))
	size = -1
	for l := max(guess-2, 0); l <= min(guess+1, maxRiceLow); l++ {
		s := 0
		for _, v := range nums {
			if q := zigzag(v-centre) >> l; q < riceEscape {
				s += int(q) + 1 + l
			} else {
				s += riceEscape + 1 + 64
			}
		}
		if size < 0 || s < size {
			low, size = uint(l), s
		}
	}
	return low, size
}

// appendRice appends centre, low and the codes.
func appendRice(dst []byte, nums []int64, centre int64, low uint) []byte {
	w := bitWriter{dst: append(binary.AppendVarint(dst, centre), byte(low))}
	for _, v := range nums {
		u := zigzag(v - centre)
		q := u >> low
		if q >= riceEscape {
			w.put(1<<riceEscape, riceEscape+1)
			w.put(u, 64)
			continue
		}
		w.put(1<<q, uint(q)+1)
		if low > 0 {
			w.put(u&(1<<low-1), low)
		}
	}
	return w.close()
}

// decodeRice fills out from the front of src.
func decodeRice(out []int64, src []byte) (rest []byte, err error) {
	centre, src, err := ReadVarint(src, "centre")
	if err != nil {
		return nil, err
	}
	low, src, err := ReadByte(src, "low bits")
	if err != nil {
		return nil, err
	}
	if low > maxRiceLow {
		return nil, Corruptf("low bits: want at most %d, got %d", maxRiceLow, low)
	}
	i, bit := 0, uint(0)
	if len(src) > riceReach {
		if i, bit, err = riceSpan(out, src, 0, uint(len(src)-riceReach)*8, centre, uint(low)); err != nil {
			return nil, err
		}
	}
	if i == len(out) {
		return src[(bit+7)/8:], nil
	}
	// The last codes might be read beyond the end: let them read zeros.
	var tail [3 * riceReach]byte
	from := bit / 8
	left := uint(copy(tail[:2*riceReach], src[from:]))
	n, at, err := riceSpan(out[i:], tail[:], bit-8*from, left*8, centre, uint(low))
	if err != nil {
		return nil, err
	}
	if i+n < len(out) || at > left*8 {
		return nil, Corruptf("codes: want %d numbers, got the end after %d", len(out), i+n)
	}
	return src[from+(at+7)/8:], nil
}

// riceSpan decodes numbers that begin before the bit limit and returns how many,
// and where they end.
func riceSpan(out []int64, src []byte, bit, limit uint, centre int64, low uint) (int, uint, error) {
	mask := uint64(1)<<low - 1
	i := 0
	for ; i < len(out) && bit < limit; i++ {
		w := peek(src, bit)
		q := uint(bits.TrailingZeros64(w))
		if q > riceEscape {
			return 0, 0, Corruptf("codes: want at most %d zero bits, got more", riceEscape)
		}
		bit += q + 1
		var u uint64
		switch {
		case q == riceEscape:
			u = bitsAt(src, bit, 64)
			bit += 64
		case q+1+low <= 57:
			u = uint64(q)<<low | w>>(q+1)&mask
			bit += low
		default:
			u = uint64(q)<<low | bitsAt(src, bit, low)
			bit += low
		}
		out[i] = centre + unzigzag(u)
	}
	return i, bit, nil
}
