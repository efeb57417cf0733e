package colenc

import "encoding/binary"

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
	w.dst = binary.LittleEndian.AppendUint64(w.dst, w.acc)[:end]
	w.acc, w.have = 0, 0
	return w.dst
}

// bitSlack is how many bytes after the one that a bit lies in the readers
// below may read.
const bitSlack = 9

// peek returns at least 57 bits from the given one on.
func peek(src []byte, bit uint) uint64 {
	return binary.LittleEndian.Uint64(src[bit>>3:]) >> (bit & 7)
}

// bitsAt returns n bits, 0 to 64, from the given one on.
func bitsAt(src []byte, bit, n uint) uint64 {
	if n == 0 {
		return 0
	}
	p := src[bit>>3:]
	v := binary.LittleEndian.Uint64(p) >> (bit & 7)
	if off := bit & 7; off+n > 64 {
		v |= uint64(p[8]) << (64 - off)
	}
	return v & (^uint64(0) >> (64 - n))
}

// withSlack returns src[from:to] followed by at least bitSlack bytes that may be
// read: a part of src where it has them, else a copy in buf, which is grown and
// kept.
func withSlack(src []byte, from, to int, buf *[]byte) []byte {
	if len(src)-to >= bitSlack {
		return src[from : to+bitSlack]
	}
	b := append((*buf)[:0], src[from:to]...)
	b = append(b, make([]byte, bitSlack)...)
	*buf = b
	return b
}
