package remoteread

import (
	"math"
	"math/bits"
)

// bitWriter appends bits, the highest first.
type bitWriter struct {
	b    []byte
	free int // bits of the last byte not yet written
}

// bits appends the lowest n bits of v, n at most 64.
func (w *bitWriter) bits(v uint64, n int) {
	for n > 0 {
		if w.free == 0 {
			w.b, w.free = append(w.b, 0), 8
		}
		take := min(n, w.free)
		part := v >> (n - take) & (1<<take - 1)
		w.free -= take
		w.b[len(w.b)-1] |= byte(part << w.free)
		n -= take
	}
}

func (w *bitWriter) float(v float64) { w.bits(math.Float64bits(v), 64) }

// bytes appends whole bytes wherever the writer stands.
func (w *bitWriter) bytes(b []byte) {
	for _, c := range b {
		w.bits(uint64(c), 8)
	}
}

// fits reports whether v is within -(2^(n-1)-1) and 2^(n-1).
func fits(v int64, n int) bool { return -(int64(1)<<(n-1)-1) <= v && v <= int64(1)<<(n-1) }

// varbitSizes are the sizes of a number in histogram chunks: size i is preceded
// by i+1 ones and a zero, the last by eight ones.
var varbitSizes = [...]int{3, 6, 9, 12, 18, 25, 56, 64}

// int appends a signed number: a zero bit for 0, else the smallest size that
// holds it.
func (w *bitWriter) int(v int64) {
	if v == 0 {
		w.bits(0, 1)
		return
	}
	i := 0
	for varbitSizes[i] < 64 && !fits(v, varbitSizes[i]) {
		i++
	}
	w.sized(uint64(v), i)
}

// uint appends an unsigned number in the same way.
func (w *bitWriter) uint(v uint64) {
	if v == 0 {
		w.bits(0, 1)
		return
	}
	i := 0
	for varbitSizes[i] < 64 && v>>varbitSizes[i] != 0 {
		i++
	}
	w.sized(v, i)
}

func (w *bitWriter) sized(v uint64, i int) {
	if varbitSizes[i] == 64 {
		w.bits(0xff, 8)
	} else {
		w.bits(1<<(i+2)-2, i+2)
	}
	w.bits(v, varbitSizes[i])
}

// xorWriter writes a column of floats as exclusive ors with the value before.
type xorWriter struct {
	last              uint64
	leading, trailing int
	framed            bool // leading and trailing are known to the reader
}

func (x *xorWriter) write(w *bitWriter, v float64) {
	delta := math.Float64bits(v) ^ x.last
	x.last = math.Float64bits(v)
	if delta == 0 {
		w.bits(0, 1)
		return
	}
	// Five bits hold up to 31 leading zeros.
	leading, trailing := min(bits.LeadingZeros64(delta), 31), bits.TrailingZeros64(delta)
	if x.framed && leading >= x.leading && trailing >= x.trailing {
		w.bits(0b10, 2)
		w.bits(delta>>x.trailing, 64-x.leading-x.trailing)
		return
	}
	x.leading, x.trailing, x.framed = leading, trailing, true
	n := 64 - leading - trailing
	w.bits(0b11, 2)
	w.bits(uint64(leading), 5)
	w.bits(uint64(n), 6) // 64 is written as 0
	w.bits(delta>>trailing, n)
}
