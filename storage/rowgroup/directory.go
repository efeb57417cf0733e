package rowgroup

import (
	"encoding/binary"
	"hash/crc32"

	"tidemark/storage/internal/colenc"
	"tidemark/storage/model"
)

// Kinds of columns. A reader that does not know a kind skips the column if the
// kind is at least kindOptional and otherwise refuses the group.
const (
	kindTimes  = 1
	kindLines  = 2
	kindField  = 3
	kindShapes = 4 // with kindVars, in place of kindLines
	kindVars   = 5
	// 6 to 127 are reserved for what a reader must know.
	kindOptional = 128
	kindGrams    = 128 // filters; see filters.go
	kindValues   = 129
	kindTally    = 130 // what fields add up to; see tallies.go
	kindTotals   = 131
	kindBytes    = 132
)

// encodingPlain says that a column's payload is as this version writes it.
// Others are reserved: shapes, tokens, columns that refer to shared values.
const encodingPlain = 1

// minEntryLen is the shortest entry of the directory.
const minEntryLen = 1 + 1 + 1 + 1 + 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// entry is a column in the directory.
type entry struct {
	ColumnInfo
	kind, encoding uint8
	payload        []byte
	group          *Group // that loads the payload, where it lies apart
	part, offset   int    // where in which part it lies
	checksum       uint32
	verified       bool // the payload has this checksum

	// What has been decoded, and is kept for the next question.
	present []int64 // rows that have a value; nil where all of First to Last have
	bits    []uint64
	texts   *colenc.TypedTexts
	times   []int64
}

// ColumnInfo describes one typed column of a group.
type ColumnInfo struct {
	Name string
	Type model.Type
	// First and Last are the first and the last row that have a value.
	First, Last int
	// Present is the number of rows that have one.
	Present int
	// Size is the number of encoded bytes.
	Size int
}

// appendEntry appends the entry of a column to the directory:
//
//	kind       1 byte
//	type       1 byte
//	encoding   1 byte
//	-- of a field:
//	name       uvarint length, bytes
//	first row  uvarint
//	last row less first row  uvarint
//	rows with a value less one  uvarint
//	-- of all:
//	size       uvarint
//	checksum   4 bytes, CRC-32C of the payload
func appendEntry(dst []byte, e *entry, size int, checksum uint32) []byte {
	dst = append(dst, e.kind, byte(e.Type), e.encoding)
	if e.kind == kindField {
		dst = binary.AppendUvarint(dst, uint64(len(e.Name)))
		dst = append(dst, e.Name...)
		dst = binary.AppendUvarint(dst, uint64(e.First))
		dst = binary.AppendUvarint(dst, uint64(e.Last-e.First))
		dst = binary.AppendUvarint(dst, uint64(e.Present-1))
	}
	dst = binary.AppendUvarint(dst, uint64(size))
	return binary.LittleEndian.AppendUint32(dst, checksum)
}

// decodeEntry reads the entry at the front of src, of a group of so many rows
// with so many bytes of payloads left.
func decodeEntry(src []byte, rows, payloads int) (e entry, rest []byte, err error) {
	fixed, src, err := colenc.ReadBytes(src, "directory entry", 3)
	if err != nil {
		return e, nil, err
	}
	e.kind, e.Type, e.encoding = fixed[0], model.Type(fixed[1]), fixed[2]
	e.Last, e.Present = rows-1, rows
	switch {
	case e.kind == 0 || e.Type == model.TypeNone || e.encoding == 0:
		return e, nil, colenc.Corruptf("directory entry: want a kind, a type and an encoding, got %d, %d, %d", e.kind, e.Type, e.encoding)
	case e.kind == kindField:
		if src, err = e.decodeField(src, rows); err != nil {
			return e, nil, err
		}
	case e.kind > kindVars && e.kind < kindOptional:
		return e, nil, colenc.Unsupportedf("column kind %d", e.kind)
	}
	size, src, err := colenc.ReadUvarint(src, "column size", uint64(payloads))
	if err != nil {
		return e, nil, err
	}
	sum, src, err := colenc.ReadBytes(src, "column checksum", 4)
	if err != nil {
		return e, nil, err
	}
	e.Size = int(size)
	e.checksum = binary.LittleEndian.Uint32(sum)
	return e, src, nil
}

// decodeField reads what only the entries of fields have.
func (e *entry) decodeField(src []byte, rows int) (rest []byte, err error) {
	length, src, err := colenc.ReadUvarint(src, "column name length", uint64(len(src)))
	if err != nil {
		return nil, err
	}
	name, src, err := colenc.ReadBytes(src, "column name", length)
	if err != nil {
		return nil, err
	}
	e.Name = string(name)
	first, src, err := colenc.ReadUvarint(src, "first row of column", uint64(rows-1))
	if err != nil {
		return nil, err
	}
	span, src, err := colenc.ReadUvarint(src, "last row of column", uint64(rows-1)-first)
	if err != nil {
		return nil, err
	}
	present, src, err := colenc.ReadUvarint(src, "rows of column", span)
	if err != nil {
		return nil, err
	}
	e.First, e.Last, e.Present = int(first), int(first+span), int(present)+1
	if e.Present == 1 && span > 0 {
		return nil, colenc.Corruptf("rows of column: want at least 2, the first and the last, got 1")
	}
	return src, nil
}

// before orders fields by name, then by type.
func (e *entry) before(o *entry) bool {
	if e.Name != o.Name {
		return e.Name < o.Name
	}
	return e.Type < o.Type
}
