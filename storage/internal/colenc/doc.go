// Package colenc encodes columns of integers, floats, booleans and texts. It is
// what chunks and row groups are built of, and the only home of lz4. It is
// pure, and it refuses to know of series, rows, checksums or versions: its
// callers frame a column, keep the number of its values, and bound that number
// before they decode.
//
// # Shape of the interface
//
// AppendX(dst, values) appends an encoded column; DecodeX(src, n, dst) takes n
// values off the front of src, appends them to dst and returns what of src is
// left. An empty column takes no bytes. Every other column starts with the id
// of its encoding, chosen by measured size; ids that this version does not
// know give ErrUnsupported, bytes that cannot be right give ErrCorrupt.
// Decoders check sizes before they allocate: n values cost memory in
// proportion to n, texts at most 255 times the encoded bytes.
//
// A uvarint is the unsigned and a varint the signed (zigzag) variable-length
// integer of encoding/binary. Fixed integers are little-endian. Bits run from
// the least significant up. Arithmetic on 64-bit integers wraps.
//
// # Integers
//
//	1 constant   varint value
//	2 linear     varint first, varint step
//	3 order 0    varint first, uvarint divisor, blocks of n units
//	4 order 1    varint first, uvarint divisor, blocks of n-1 differences of units
//	5 order 2    varint first, uvarint divisor, varint first difference of units,
//	             blocks of n-2 differences of differences
//	6 runs       uvarint runs, values (integers), lengths less one (integers)
//	7, 8, 9      order 0, 1, 2 with Huffman codes in place of blocks; see entropy.go
//	10 raw       8 bytes each; written in mode Plain only
//
// A unit is the distance from the first value over the divisor, the greatest
// common divisor of all distances: times in milliseconds, and counters of
// blocks, lose their zeros. Where only one value of a column is known to be
// near something (the first time of a chunk to mint), the From functions
// count first from there.
//
// A block is 128 numbers, the last one fewer:
//
//	+-----------------+--------+----------------------+
//	| width | patched | ref    | packed distances     |
//	| 7 bit | 1 bit   | varint | width bits each      |
//	+-----------------+--------+----------------------+
//	-- where patched:
//	+------------+------------+-------------+------------------+
//	| exceptions | high width | positions   | packed high bits |
//	| 1 byte     | 1 byte     | 1 byte each | high width each  |
//	+------------+------------+-------------+------------------+
//
// A number is ref plus its distance; the high bits of an exception add to its
// distance above width (patched frame of reference, after Zukowski et al.,
// ICDE 2006). Numbers below ref wrap to large distances, so that one low
// outlier, as a counter's reset is, costs as little as a high one. One width
// for 128 numbers costs an eighth of a bit a number and keeps the inner loop
// free of branches.
//
// # Floats
//
//	1 constant   8 bytes
//	2 decimal    exponent (1 byte), uvarint exceptions, their positions (integers),
//	             their bits (8 bytes each), integers
//	3 xor        uvarint length, bit stream; see xor.go
//	4 raw        8 bytes each
//
// Most measurements were decimals once: a decimal column holds the integers i
// for which float64(i) / 10^exponent is the value bit for bit. What is no such
// decimal (negative zero, infinities, NaNs of any payload, 1/3) is an
// exception. Where decimals take more than two bytes a value, XOR is tried.
//
// # Booleans
//
//	1 false, 2 true
//	3 bitmap     1 bit each, the last byte padded with zeros
//	4 runs       first value (1 byte), uvarint runs, lengths less one (integers)
//
// # Texts
//
//	1 dictionary  uvarint entries, lengths (integers), blocks,
//	              indexes (integers; absent where there is one entry)
//	2 plain       lengths (integers), blocks
//
// Blocks hold the bytes of all texts, one after another, in pieces of 64 KiB
// before compression; a text may lie across two. A reader of few rows
// decompresses only their pieces.
//
//	uvarint bytes of all texts
//	-- for each piece: uvarint length << 1 | compressed, bytes (lz4 block format, or as they are)
//
// # Native histograms
//
//	1 columns    layouts, then columns of layout indexes, hints, counts, sums, zero
//	             counts and one for each populated bucket; see histograms.go
package colenc
