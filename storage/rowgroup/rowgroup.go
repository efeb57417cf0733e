package rowgroup

import (
	"tidemark/storage/internal/colenc"
	"tidemark/storage/model"
)

const (
	// TargetRows is the number of rows at which Builder.Full says to cut a
	// group. A reader of one quiet stream decodes the times of the whole group:
	// 8192 take some 30 µs.
	TargetRows = 8192
	// TargetBytes is the size of lines and fields, before encoding, at which
	// Builder.Full says to cut: large enough for text to compress in blocks of
	// 64 KiB, small enough to be held in memory by every reader.
	TargetBytes = 1 << 20
	// MaxRows is the largest number of rows of a group. A decoder trusts no
	// larger count.
	MaxRows = 1 << 16
	// MaxColumns is the largest number of columns of a group, a name counting
	// once per type. Builder.Full says to cut before a row could exceed it.
	MaxColumns = 1 << 14
)

var (
	// ErrCorrupt marks bytes that are not a row group, or no longer the one
	// that was written. Test with errors.Is.
	ErrCorrupt = colenc.ErrCorrupt
	// ErrUnsupported marks a group of a newer version, or a column of a type or
	// encoding that this version lacks.
	ErrUnsupported = colenc.ErrUnsupported
)

// Field is a typed field of a row being added. Bits is used for TypeFloat,
// TypeInt and TypeBool as in model.Value, Text for TypeText. A field of
// TypeNone is absent.
type Field struct {
	Name string
	Type model.Type
	Bits uint64
	Text []byte
}

// FieldOf returns the field of a value.
func FieldOf(name string, v model.Value) Field {
	return Field{Name: name, Type: v.Type, Bits: v.Bits, Text: []byte(v.Text)}
}

// Run is the consecutive rows of one label set in a group.
type Run struct {
	ID         uint32 // label set
	First      int    // index of the first row
	Count      int    // number of rows, at least 1
	Mint, Maxt int64  // times of the first and the last row
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
