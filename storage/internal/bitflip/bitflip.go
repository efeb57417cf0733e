// Package bitflip finds the one bit that was flipped in bytes of which a CRC-32C is
// known. It refuses to know where they come from.
//
// A CRC is linear: the difference between the checksum of the bytes as they are and the
// one that they should have depends on the flipped bits alone, and for a single
// bit on how far from the end it lies. CRC-32C tells any two such places apart in
// up to 2^31 bits, and tells one bit from two (Castagnoli, Bräuer and Herrmann,
// "Optimization of cyclic redundancy-check codes with 24 and 32 parity bits",
// 1993). Other damage looks like one flipped bit with a chance of the number of
// bits in 2^32, so whoever makes good what Find found checks the outcome by what
// else is known of it.
package bitflip

import "hash/crc32"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// MaxBytes bounds what Find looks through: it takes a few nanoseconds a byte.
const MaxBytes = 64 << 20

// Find returns the bit, counted from the lowest of the first byte, that has to be
// flipped for b to have the CRC-32C sum. ok is false where no single one does.
func Find(b []byte, sum uint32) (bit int, ok bool) {
	if len(b) > MaxBytes {
		return 0, false
	}
	diff := crc32.Checksum(b, castagnoli) ^ sum
	if diff == 0 {
		return 0, false
	}
	// effect[i] is what flipping bit i of the byte at hand changes.
	var effect [8]uint32
	for i := range effect {
		effect[i] = castagnoli[1<<i]
	}
	for at := len(b) - 1; at >= 0; at-- {
		for i, e := range effect {
			if e == diff {
				return at*8 + i, true
			}
			effect[i] = castagnoli[e&0xff] ^ e>>8
		}
	}
	return 0, false
}

// Flip flips a bit.
func Flip(b []byte, bit int) { b[bit/8] ^= 1 << (bit % 8) }
