package colenc

import "math/bits"

// A coded column writes a number as a symbol, of which there are few and which
// gets a Huffman code, and as extra bits, of which the symbol says how many.
// Numbers are zigzag distances u from the column's centre:
//
//	symbol            stands for                              extra bits
//	0 to 15           u of 0 to 15                            none
//	16 + 4*(l-5) + s  u of l bits, 5 to 64, that begin with   l-3, the lower ones
//	                  1 and the two bits of s
//	256 + k           2^k to 2^(k+1)-1 numbers u of 0,        k, the lower ones
//	                  k of 2 to 12                            of how many
//
// Four symbols for each power of two follow the density of a distribution
// closely enough: within them it is nearly even. A run of zeros has symbols of
// its own because no Huffman code is shorter than a bit.
const (
	directSymbols = 16
	runSymbol     = 256
	maxRunBits    = 12
	numSymbols    = runSymbol + maxRunBits + 1
	// escapeSymbol is of fixed codes alone, see fixed.go.
	escapeSymbol = numSymbols
	escapeBits   = 6
	allSymbols   = numSymbols + 1
)

// symbolOf returns the symbol of a distance and its number of extra bits.
func symbolOf(u uint64) (symbol uint16, extra uint) {
	if u < directSymbols {
		return uint16(u), 0
	}
	l := uint(bits.Len64(u))
	return uint16(directSymbols + (l-5)*4 + uint(u>>(l-3)&3)), l - 3
}

// extraBits has the number of extra bits of each symbol, and leads the distance
// less its extra bits.
var extraBits, leads = func() (extra [allSymbols]uint8, lead [allSymbols]uint64) {
	for s := range directSymbols {
		lead[s] = uint64(s)
	}
	for s := directSymbols; s < runSymbol; s++ {
		l := uint((s-directSymbols)/4 + 5)
		extra[s] = uint8(l - 3)
		lead[s] = (4 | uint64((s-directSymbols)%4)) << (l - 3)
	}
	for k := range maxRunBits + 1 {
		extra[runSymbol+k] = uint8(k)
		lead[runSymbol+k] = 1 << k
	}
	extra[escapeSymbol] = escapeBits // and then as many as these say
	return extra, lead
}()

// unzigzag is the inverse of zigzag.
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }
