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
//	1 constant    varint value
//	2 linear      varint first, varint step
//	3, 4, 5       packed, order 0, 1, 2: varint first, uvarint divisor,
//	              varint first difference of units (order 2), blocks
//	6 runs        uvarint runs, values (integers), lengths less one (integers)
//	7, 8, 9       coded, order 0, 1, 2: varint first, uvarint divisor, Huffman codes
//	              in frames
//	10 raw        8 bytes each; written in mode Plain only
//	11, 12, 13    Rice, order 0, 1, 2: varint first, uvarint divisor,
//	              varint first difference of units (order 2), codes
//	14 framed     frame bits, bytes of each frame (integers), frames: columns of
//	              their own
//	15, 16, 17    coded with a fixed code, order 0, 1, 2: as 7, 8, 9 with the number of
//	              a code that every reader knows
//
// A unit is the distance from the first value over the divisor, the greatest
// common divisor of all distances: times in milliseconds, and counters of
// blocks, lose their zeros. The numbers that are written are the units (order
// 0), the differences of neighbouring units (order 1) or the differences of
// these (order 2); a sample of them decides which. Where only one value of a
// column is known to be near something (the first time of a chunk to mint), the
// From functions count first from there. Columns within columns (runs, sizes of
// frames) are never runs, coded or framed.
//
// Packed blocks are 128 numbers, the last one fewer:
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
// outlier, as a counter's reset is, costs as little as a high one. They suit
// short columns, and those of which all values are equally likely.
//
// Coded columns write what is frequent in few bits: what a gauge or a counter
// adds from sample to sample is mostly near its median. A symbol stands for a
// small distance from there, or for the two leading bits behind the highest of
// a large one, whose other bits follow (symbols.go); symbols have a Huffman
// code of at most 11 bits. Either the column carries its code (huffman.go), or,
// where that makes it hardly larger, it names one of 256 fixed ones (fixed.go), which
// a reader need not prepare for. A table of the next bits, 9 of a column's own
// code and 11 of a fixed one, finds up to six symbols at once and their sums
// (decodetable.go).
//
//	+--------+------------+-----------+-------+--------+-------------+--------
//	| centre | frame bits | lengths   | sizes | starts | differences | frames ...
//	| varint | 1          | 4 bits... | integers       | (order 2)   |
//	|        |            | or 1      |                |             |
//	+--------+------------+-----------+-------+--------+-------------+--------
//
// Frames are 512 values, the last one fewer, and begin at a byte: to read one
// value decodes at most one of them. What a frame adds is its size and its first
// value, some 2.5 bytes (coded.go).
//
// Rice codes have one parameter in place of a table, for columns of up to 1024
// values in which a table would not pay (rice.go). Framed columns are cut into pieces
// of 1024 that choose for themselves, where parts of a column differ much.
//
// # Floats
//
//	1 constant    8 bytes
//	2 decimal     exponent (1 byte), uvarint exceptions, their positions (integers),
//	              their bits (integers), integers
//	3 ordered     integers
//	4 raw         8 bytes each
//	5 dictionary  uvarint entries, entries (integers), indexes (integers)
//
// Most measurements were decimals once: a decimal column holds the integers i
// for which float64(i) / 10^exponent is the value bit for bit. What is no such
// decimal (negative zero, infinities, NaNs of any payload, 1/3) is an
// exception. Where decimals take more than two bytes a value, the bits
// themselves are written: as integers in the order of the floats, so that
// neighbours differ in their low bits (all but the sign bit of a negative one
// inverted), or as a dictionary where few values return. There is no stream of
// exclusive ors as in Gorilla and Chimp: DESIGN.md has the comparison.
//
// # Reading parts
//
// Ints, Floats, Bools and Texts open a column and decode spans of it: the time
// is that of the span and of the frame it begins in; runs, exceptions of
// decimals and dictionaries are read when opened.
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
// Typed texts have these forms, too; in each, the text follows from the value
// byte for byte:
//
//	3 distinct    uvarint entries, entries (texts, no dictionary), indexes
//	              (integers; absent where there is one entry)
//	4 hexadecimal case (1 byte: 0 lower, 1 upper), uvarint digits, half a byte each
//	5 UUIDs       16 bytes each
//	6 IPv4        integers of 32 bits
//	7 integers    integers
//	8 decimals    number of decimals (1 byte), integers
//	9 digits      number of digits (1 byte), integers
//	10 packed     lengths (integers), packed blocks
//
// Packed blocks are those of packed.go: 128 KiB before compression, as they
// are, lz4 or zstd. The blocks of dictionary and plain are these:
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
