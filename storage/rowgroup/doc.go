// Package rowgroup encodes log rows of one or more label sets as one value
// whose columns can be decoded one by one. It is pure, bytes in and rows out,
// and it refuses to know keys, labels, partitions or files: a label set is a
// number here.
//
// # What is stored
//
// Rows sorted by (label set id, time, arrival), so that quiet streams share a
// group and each is one run of rows in it. Equal times, equal rows and their
// order are kept; lines are kept byte for byte, valid text or not. A row has a
// time, a line and typed fields.
//
// Times, lines and each field of each type are columns of their own, found
// through a directory and guarded by checksums of their own: a query that counts
// lines reads the times, one that filters by a field reads that field. A field
// whose values have several types is several columns, merged when read. A
// column that not all rows between its first and its last have starts with the
// rows that do.
//
// A line is stored as its shape and its variables (package shape, in the manner
// of CLP: Rodrigues et al., OSDI 2021). One column has the distinct templates
// and which of them each row has, another the variables: those of one
// placeholder of one template lie together and take the form that fits them,
// integers, decimals, hexadecimal digits, UUIDs, addresses, a dictionary; what
// fits nothing is compressed text. So a question about kinds of lines reads the
// first column alone, and a search looks at each template once, and at the
// variables of those templates only that it could not decide.
//
// Values that repeat, such as ids of traces, are stored once in a group. They are
// numbered in order of time, in which their rows lie close together, although
// the rows are sorted by label set.
//
// # Layout
//
// Fixed integers are little-endian; uvarint and varint are those of
// encoding/binary; columns are those of package colenc. Nothing is aligned.
//
//	+----------+---------+-------+----------+------+--------+------+-----------+----------
//	| checksum | version | flags | writing  | head | counts | runs | directory | payloads
//	| 4        | 1       | 1     | 2        | 4    |        |      |           |
//	+----------+---------+-------+----------+------+--------+------+-----------+----------
//	           |<----------- covered by the checksum ----------------------->|
//
//	offset size  name      meaning, valid range
//	0      4     checksum  CRC-32C of the bytes from offset 4 to the end of the directory
//	4      1     version   1
//	5      1     flags     0; a reader refuses others
//	6      1     level     1 where texts were compressed with the slow level, or the
//	                       group is plain, else 0
//	7      1     fill      rows, bytes and columns before encoding, the largest of their
//	                       shares of a full group, in 255ths rounded up; 0 where the
//	                       writer did not say. Neither is needed to read a group
//	8      4     head      bytes before the payloads
//	12     1-3   rows      uvarint, 1 to MaxRows
//	       1-3   runs      uvarint, 1 to rows
//	       1-3   columns   uvarint, those of times and lines included
//	       1-10  mint      varint, earliest time of any row
//	       1-10  span      uvarint, latest time less mint
//
// The runs are four columns of integers, one value for each run: what the label
// set id adds to the id before (the first to -1), rows less one, the first time
// (counting from mint), the last time less the first.
//
// The directory has an entry for each column, in the order of the payloads:
//
//	size   name      meaning, valid range
//	1      kind      1 times, once; 2 lines, once, or in its place 4 shapes and
//	                 5 variables; 3 field: sorted by name and type;
//	                 6-127 reserved, a reader refuses the group;
//	                 128 grams, at most once; 129 values, one for each field that
//	                 has it: filters, described in filters.go; 130 tally, 131
//	                 totals, one for each field that has it, and 132 bytes of
//	                 lines, at most once, described in tallies.go;
//	                 133-255 reserved, a reader skips the column
//	1      type      of the values, a model.Type; times are int, lines, shapes and
//	                 variables are text
//	1      encoding  1; a reader that does not know another one refuses the column
//	                 when it is read
//	-- of fields:
//	1-     name      uvarint length, bytes
//	1-3    first     uvarint, first row that has a value
//	1-3    last      uvarint, last row that has one, less the first
//	1-3    present   uvarint, number of rows that have one, less one; over all
//	                 fields at most MaxValues rows
//	-- of all:
//	1-5    size      uvarint, bytes of the payload
//	4      checksum  CRC-32C of the payload
//
// The payload of times are integers that count from mint. That of lines, which
// only groups have that were written plainly, are texts. That of a field is,
// where present is less than the rows from first to last, a column of booleans,
// one for each of these rows, true where it has a value; then the column of the
// values: floats, integers, booleans or texts.
//
//	shapes     templates  uvarint count, then so many texts
//	           ids        integers, one a row: its template; absent where there
//	                      is one template
//	variables  sizes      for each placeholder of each template, in order: uvarint
//	                      bytes of its column, 0 where it is in the pool
//	           columns    texts, one for each row of the template
//	           pool       the texts of the others, placeholder by placeholder: of
//	                      templates that few rows have, for a column has its price
//
// # Parts
//
// A store may keep a group in pieces (Split): the head, and parts of about 16 KiB
// or one larger column each. Which column lies in which part follows from the
// sizes in the directory, so that nothing else has to be stored, and a reader
// loads what it reads.
//
// # Example
//
// Three rows of two label sets:
//
//	label set 4, time 1000, "GET /", ms=0.5
//	label set 4, time 1000, "GET /a"
//	label set 9, time 990, "bye", ms=2
//
// take 124 bytes:
//
//	c3 f9 83 b1 01 00 00 01   checksum, version 1, flags, level, fill
//	4a 00 00 00               the head has 74 bytes
//	03 02 05 bc 0f 0a         3 rows, 2 runs, 5 columns, from 990 to 10 later
//	01 0a                     ids: constant 5, thus 4 and 9
//	02 02 01                  rows less one: linear from 1 in steps of -1
//	02 14 13                  first times: linear from 990 + 10 in steps of -10
//	01 00                     last less first: constant 0
//	01 02 01                  times, int, encoding 1
//	   06 a9 d1 61 e0           6 bytes, checksum
//	04 04 01                  shapes, text, encoding 1
//	   1b 7b 0d 87 0f           27 bytes, checksum
//	05 04 01                  variables, text, encoding 1
//	   08 3a 27 1f 91           8 bytes, checksum
//	80 04 01                  grams, text, encoding 1
//	   01 51 53 7d 52           1 byte, checksum
//	03 01 01                  a field, float, encoding 1
//	   02 6d 73                 "ms"
//	   00 02 01                 in 2 rows from row 0 to row 2
//	   08 86 ca 0a 30           8 bytes, checksum
//	03 14 0a 01 01 03         times: order 0 from 990 + 10 in units of 10, a block of
//	                          width 1 that counts from -1: 1, 1, 0
//	03                        shapes: 3 templates
//	   0a                       packed
//	   03 0a 01 02 03 0e        lengths: order 0 from 5 in units of 1, a block of
//	                            width 2 that counts from -2: 2, 3, 0, thus 5, 6, 3
//	   0e                       14 bytes of text
//	   38 "GET /GET /\0pbye"    a block of 14 bytes as they are
//	   02 00 02                 ids: linear from 0 in steps of 1
//	00                        variables: the one there is lies in the pool
//	   0a 01 04                 packed, length constant 2
//	   02 08 "/a"               2 bytes, a block of 2 as they are
//	00                        grams: a filter without a bit, for there are no words
//	03 05                     ms: a bitmap, rows 0 and 2
//	   02 01 00                 decimals over 10^1, no exceptions
//	   02 0a 1e                 linear from 5 in steps of 15: 5 and 20
//
// testdata/groups.txt has more, and a test that they stay as they are.
//
// # Damage and versions
//
// A group is not recognised by magic bytes: its key says that it is one. Open
// refuses a version above its own with ErrUnsupported before it looks at
// anything else, and a damaged head with ErrCorrupt. A damaged column is
// noticed when it is first read, and leaves the others readable. As a checksum
// is no proof against malice, counts, lengths, positions and ids are checked
// against what is left of the input before they are used, and nothing is
// allocated that the input cannot stand for.
//
// New kinds of columns, types and encodings need no new version: old readers
// skip or refuse what they do not know, column by column where they can. What
// changes the meaning of the bytes described here does.
package rowgroup
