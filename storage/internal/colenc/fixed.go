package colenc

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// Fixed codes are Huffman codes that every program knows, so that a column
// names one in a byte in place of the lengths of its own. Most columns fit one
// of them within a hundredth: what a gauge or a counter adds has one of a few
// shapes and some scale. A decoder then has nothing to prepare, which for a
// column of some hundred values took longer than to decode it.
//
//	byte               bits 6, 7: shape, bits 0 to 5: scale index j
//	scale s            2^((j-8)/4) up to j = 24, from there on 2^((j-16)/2)
//	shape 0 normal     a distance d has weight 2^-(d/s)^2
//	shape 1 Laplace    2^-(|d|/s)
//	shape 2 tailed     2^-sqrt(|d|/s)
//	shape 3 resting    as Laplace, and four times as much for no distance
//
// The weight of a symbol is that of the middle of what it stands for, times the
// number of these. Everything is computed in integers (fixedWeights): the codes
// are part of the format, and testdata/fixed.txt holds their lengths. Symbols
// that are less likely than fixedLeast have no code of their own: a distance
// of theirs is escaped. Its symbol is followed by 6 bits, how many bits the
// zigzag distance has less one, and by these. Runs of zeros have no symbols.
const (
	fixedShapes = 4
	fixedScales = 64
	fixedCodes  = fixedShapes * fixedScales
	// fixedTotal is what the weights of the symbols of a code are scaled to.
	fixedTotal  = 1 << 16
	fixedLeast  = fixedTotal >> 13
	fixedEscape = fixedTotal >> 11
)

// fixedCode is one of the codes. Tables of those that are read are kept.
type fixedCode struct {
	huff  huffman
	once  sync.Once
	table decodeTable
}

var fixedCache [fixedCodes]atomic.Pointer[fixedCode]

// fixedCodeOf returns a fixed code; it is made when first asked for.
func fixedCodeOf(id byte) *fixedCode {
	if f := fixedCache[id].Load(); f != nil {
		return f
	}
	f := new(fixedCode)
	weights := fixedWeights(id)
	f.huff.build(&weights)
	if !fixedCache[id].CompareAndSwap(nil, f) {
		return fixedCache[id].Load()
	}
	return f
}

// decoder returns the code's table.
func (f *fixedCode) decoder() *decodeTable {
	f.once.Do(func() { f.table.makeSeveral(&f.huff, maxCodeLen) })
	return &f.table
}

// size returns the number of bits that symbols which occur count times take,
// extra bits left out.
func (f *fixedCode) size(used []uint16, count *[allSymbols]uint32) int {
	size := 0
	for _, s := range used {
		l := int(f.huff.lens[s])
		if l == 0 {
			l = f.escapedBits(s)
		}
		size += int(count[s]) * l
	}
	return size
}

// escapedBits is what an escaped symbol takes beside its extra bits.
func (f *fixedCode) escapedBits(s uint16) int {
	// All bits of the distance follow, of which some count as extra bits.
	return int(f.huff.lens[escapeSymbol]) + escapeBits + escapeLen(leads[s]) - int(extraBits[s])
}

// escapeLen is the number of bits that an escaped distance is written in.
func escapeLen(u uint64) int { return max(bits.Len64(u), 1) }

// bestFixed returns the fixed code that suits the symbols best and its size in
// bits. Among scales of a shape it goes downhill.
func bestFixed(used []uint16, count *[allSymbols]uint32, guess int) (id byte, size int) {
	size = -1
	for shape := range fixedShapes {
		at := func(j int) int { return fixedCodeOf(byte(shape<<6|j)).size(used, count) }
		j := guess
		best := at(j)
		for step := -1; step <= 1; step += 2 {
			for j+step >= 0 && j+step < fixedScales {
				next := at(j + step)
				if next >= best {
					break
				}
				j, best = j+step, next
			}
		}
		if size < 0 || best < size {
			id, size = byte(shape<<6|j), best
		}
	}
	return id, size
}

// guessScale returns the scale index at which half of n symbols are nearer than
// the scale.
func guessScale(used []uint16, count *[allSymbols]uint32, n int) int {
	seen := 0
	for _, s := range used {
		if seen += int(count[s]); 2*seen >= n {
			u := leads[s] + 1<<extraBits[s]
			l := bits.Len64(u)
			if l > 6 {
				return min(16+2*(l-2), fixedScales-1)
			}
			return max(8+4*(l-2), 0)
		}
	}
	return 0
}

// quarterOctaves are 2^(k/4) in units of 2^-14, sixteenths 2^(-k/16) in units of
// 2^-30.
var (
	quarterOctaves = [4]uint64{16384, 19484, 23170, 27554}
	sixteenths     = [16]uint64{
		1073741824, 1028218691, 984625593, 942880699, 902905651, 864625415, 827968132, 792864975,
		759250125, 727060416, 696235448, 666717355, 638450710, 611382473, 585461861, 560640202,
	}
)

// fixedWeights returns the weights of the symbols of a fixed code.
func fixedWeights(id byte) (weights [allSymbols]uint32) {
	shape, quarters := id>>6, 8-int(id&63) // 1/s = 2^(quarters/4)
	if quarters < -16 {
		quarters = 2*quarters + 16
	}
	// 256/s is quarterOctaves[b] * 2^(a-6).
	a, b := quarters>>2, quarters&3
	var exact [numSymbols]uint64
	total := uint64(0)
	for s := range runSymbol {
		u := leads[s] + 1<<extraBits[s]>>1
		d := (u + 1) / 2
		if d > 1<<40 {
			break
		}
		q := d * quarterOctaves[b] >> (6 - a) // d/s in 256ths
		x := min(q, 1<<20)
		switch shape { // in sixteenths of a bit
		case 0:
			x = x * x >> 12
		case 1, 3:
			x >>= 4
		case 2:
			x = root(x)
		}
		if x >= 30*16 {
			break
		}
		w := sixteenths[x&15] >> (x >> 4)
		if shape == 3 && u == 0 {
			w *= 4
		}
		exact[s] = w << extraBits[s]
		total += exact[s]
	}
	for s, w := range exact {
		hi, lo := bits.Mul64(w, fixedTotal)
		share, _ := bits.Div64(hi, lo, total)
		if share >= fixedLeast {
			weights[s] = uint32(share)
		}
	}
	weights[escapeSymbol] = fixedEscape
	return weights
}

// root returns the integer part of the square root.
func root(x uint64) uint64 {
	r := uint64(0)
	for bit := uint64(1) << 31; bit > 0; bit >>= 1 {
		if (r|bit)*(r|bit) <= x {
			r |= bit
		}
	}
	return r
}
