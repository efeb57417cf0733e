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
//	5      1       type      of the samples, a model.Type: float 1, int 2, bool 3, text 4;
//	                         5, native histograms, is reserved
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
//	2        values: a column of floats, integers, booleans or texts, by type
//	3        start times: integers; present if and only if the flag HasStarts is set
//	4-127    reserved; a reader that does not know one refuses the chunk
//	128      reserved for summaries of clock windows
//	129-255  reserved; a reader that does not know one skips it
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
