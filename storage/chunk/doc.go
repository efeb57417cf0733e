// Package chunk encodes runs of samples: one column of one series, of one type,
// as one value with a checksum. It is pure, bytes in and columns out, and it
// refuses to know keys, positions, partitions or files: order among chunks,
// and which of two samples at the same time counts, is decided by those who
// keep them.
//
// # What is stored
//
// Up to MaxSamples samples with ascending, unique times: times as a column,
// values as a column, start times as a third where samples carry any. Columns
// because neighbours in a column resemble each other: a scrape interval takes
// a few bytes for a whole chunk, a counter about a byte a sample, a gauge
// between 0 and 100 a third of one. Package colenc describes the encodings;
// each column takes the smallest.
//
// # Layout
//
// Fixed integers are little-endian; uvarint and varint are those of
// encoding/binary. Nothing is aligned. The checksum covers everything after
// itself.
//
//	+----------+---------+------+-------+---------+--------+---------+----------+----
//	| checksum | version | type | flags | count   | mint   | span    | sections ...
//	| 4        | 1       | 1    | 2     | uvarint | varint | uvarint |
//	+----------+---------+------+-------+---------+--------+---------+----------+----
//
//	offset size    name      meaning, valid range
//	0      4       checksum  CRC-32C of all bytes from offset 4 on
//	4      1       version   1
//	5      1       type      of the samples, a model.Type: float 1, int 2, bool 3, text 4,
//	                         native histogram 5
//	6      2       flags     see Flags; bits without a name are zero
//	8      1-2     count     samples, 1 to MaxSamples
//	       1-10    mint      first time, nanoseconds
//	       1-10    span      maxt less mint, at least count-1
//
// The rest are sections up to the end, in any order, each at most once:
//
//	+----+---------+---------+
//	| id | length  | payload |
//	| 1  | uvarint | length  |
//	+----+---------+---------+
//
//	id       payload
//	1        times: encoding (1 byte), then for encoding 1 integers that count from
//	         mint; encoding 2 is reserved for a reference to a time column that
//	         chunks share
//	2        values: a column of floats, integers, booleans, texts or histograms, by
//	         type
//	3        start times: integers; present if and only if the flag HasStarts is set
//	4-127    reserved; a reader that does not know one refuses the chunk
//	128      summaries; present if and only if the flag HasSummaries is set
//	129-255  reserved; a reader that does not know one skips it
//
// # Summaries
//
// A range function over hours need not decode the samples of hours: a chunk that
// is long enough says of each window of the clock, five minutes or a multiple of
// it, how many samples lie in it, their sum, minimum, maximum, first and last
// value, and what would make these misleading. A window is open to the left and
// closed to the right, as the ranges of PromQL are; Window has the meaning of
// each field, and how windows and samples at the edges of a range compose.
// Reader reads them without decoding a sample, and samples by position.
//
//	+---------+---------+------+---------+--------+-------+ +-------+------+-----+------+-----+---------+
//	| width   | windows | form | numbers | counts | flags | | first | last | low | high | sum | changes |
//	| uvarint | uvarint | 1    | integers for each window | | for each window that is not opaque          |
//	+---------+---------+------+---------+--------+-------+ +-------+------+-----+------+-----+---------+
//
//	field    meaning, valid range
//	width    of a window, in seconds, at least 1
//	windows  1 to count; a window without samples is left out
//	form     7 bits: an exponent from 0 to 18, where values are decimals over its power
//	         of ten, or 127, where they are the bits of floats; 1 bit: changes are there
//	numbers  of the windows, from that of mint on, ascending: window k is
//	         ((k-1) * width, k * width]
//	counts   of samples, at least 1, in all the chunk's
//	flags    WindowFlags; a window with Stale, NaN, Inf or Other is opaque
//	first    the first value, less the last of the window before it (opaque ones left out)
//	last     the last value, less the first
//	low      the lesser of first and last, less the minimum
//	high     the maximum, less the greater of first and last
//	sum      less count * (minimum + maximum) / 2, rounded down
//	changes  how often a sample differs from the one before it, both in the window
//
// The differences make small numbers of what is large: a counter's minimum is its
// first value and takes nothing. In the form of bits the five columns are first,
// last, minimum, maximum and sum, as columns of floats, without differences.
//
// A chunk gets the narrowest of the widths 5, 10, 15, 20, 30, 60 and 120 minutes
// whose summaries take at most 0.048 bytes a sample, or a thirty-second of what the
// samples take, where that is more; none where no width is narrow enough for
// four windows, or it has fewer than 128 samples. That is a choice of the
// encoder: a reader takes any width.
//
// # Example
//
// Four float samples, a microsecond apart: (1000, 20.5),
// (2000, 20.75), (3000, 20.25), (4000, 20.5) take 32 bytes:
//
//	3d bd dd d4   checksum
//	01            version 1
//	01            float
//	10 00         flags: HasReset, for 20.25 is below 20.75
//	04            4 samples
//	d0 0f         mint 1000
//	b8 17         maxt is 3000 later
//	01 05         section of times, 5 bytes
//	   01           inline
//	   02           linear
//	   00           the first is mint + 0
//	   d0 0f        each is 1000 later
//	02 0a         section of values, 10 bytes
//	   02           decimal
//	   02           over 10^2
//	   00           no exceptions
//	   03           integers of order 0
//	   84 20        the first is 2050
//	   19           in units of 25: 0, 1, -1, 0
//	   02           a block of width 2
//	   01           distances count from -1: 1, 2, 0, 1
//	   49           01 10 00 01, the first in the lowest bits
//
// testdata/chunks.txt has more, and a test that they stay as they are.
//
// # Damage and versions
//
// A chunk is not recognised by magic bytes: its key says that it is one. Decode
// refuses a version above its own with ErrUnsupported before it looks at
// anything else, and damage with ErrCorrupt: a checksum that does not fit, and
// then, because a checksum is no proof against malice, every count, length,
// position and id out of range, times that do not ascend from mint to maxt,
// bytes left over. It never allocates more than the input can stand for.
//
// New sections, new ids of encodings in a reserved range and new flags need no
// new version: old readers skip or refuse what they do not know, chunk by
// chunk. What changes the meaning of the bytes described here does.
package chunk
