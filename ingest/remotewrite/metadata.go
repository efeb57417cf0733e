package remotewrite

import (
	"encoding/binary"
	"strings"

	"tidemark/ingest"
	"tidemark/ingest/protobuf"
)

// metadataV1 is the field of WriteRequest that holds the metadata of families,
// metadataV2 that of a series of 2.0.
const (
	metadataV1 = 3
	metadataV2 = 5
)

// familyV1 passes on a message MetricMetadata: 1 type, 2 name of the family, 4
// help, 5 unit.
func (s *state) familyV1(msg []byte) error {
	if s.p.Describe == nil {
		return nil
	}
	var m ingest.Metadata
	kind := uint64(0)
	c := protobuf.NewCursor(msg)
	for c.Next() {
		switch {
		case c.Num == 1 && c.Want(protobuf.Varint):
			kind = c.Bits
		case c.Num == 2 && c.Want(protobuf.Bytes):
			m.Name = word(c.Data)
		case c.Num == 4 && c.Want(protobuf.Bytes):
			m.Help = word(c.Data)
		case c.Num == 5 && c.Want(protobuf.Bytes):
			m.Unit = word(c.Data)
		}
	}
	if c.Err() == nil && m.Name != "" {
		m.Type = typeName(kind)
		s.p.Describe(m)
	}
	return c.Err()
}

// describeV2 passes on a message Metadata of a series of 2.0: 1 type, 3 and 4
// the symbols of help and unit.
func (s *state) describeV2(msg []byte, name string) error {
	var kind, help, unit uint64
	c := protobuf.NewCursor(msg)
	for c.Next() {
		switch {
		case c.Num == 1 && c.Want(protobuf.Varint):
			kind = c.Bits
		case c.Num == 3 && c.Want(protobuf.Varint):
			help = c.Bits
		case c.Num == 4 && c.Want(protobuf.Varint):
			unit = c.Bits
		}
	}
	if c.Err() == nil && kind|help|unit != 0 {
		s.p.Describe(ingest.Metadata{Name: name, Type: typeName(kind), Help: s.symbol(help), Unit: s.symbol(unit)})
	}
	return c.Err()
}

func typeName(kind uint64) string {
	if kind >= uint64(len(ingest.MetricTypes)) {
		kind = 0
	}
	return ingest.MetricTypes[kind]
}

// symbol returns a symbol, or nothing where there is none: metadata is no reason
// to refuse samples.
func (s *state) symbol(ref uint64) string {
	if ref >= uint64(len(s.symbols)) {
		return ""
	}
	n, w := binary.Uvarint(s.symbols[ref])
	if w <= 0 || n != uint64(len(s.symbols[ref])-w) {
		return ""
	}
	return word(s.symbols[ref][w:])
}

// word copies a text, valid and not too long.
func word(b []byte) string { return strings.ToValidUTF8(string(b[:min(len(b), ingest.MaxHelp)]), "") }
