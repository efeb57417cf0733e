package keys

import (
	"encoding/binary"

	"tidemark/storage/model"
)

// Chunk names a chunk within its partition.
type Chunk struct {
	Metric, Set uint32
	Type        model.Type
	Start       int64 // time of the first sample
	Position    uint64
}

// Chunk is the key of a chunk.
func (p Partition) Chunk(c Chunk) []byte {
	k := appendU32(appendU32(p.kind(kindChunk), c.Metric), c.Set)
	return appendU64(appendI64(append(k, byte(c.Type)), c.Start), c.Position)
}

// AppendChunks appends what the keys of the chunks of one metric of one label
// set begin with.
func (p Partition) AppendChunks(dst []byte, metric, set uint32) []byte {
	dst = append(p.appendPrefix(dst), kindChunk)
	return appendU32(appendU32(dst, metric), set)
}

// Chunks is the range of the chunks of one metric of one label set.
func (p Partition) Chunks(metric, set uint32) (lo, hi []byte) {
	return prefixRange(appendU32(appendU32(p.kind(kindChunk), metric), set))
}

// MetricChunks is the range of the chunks of one metric.
func (p Partition) MetricChunks(metric uint32) (lo, hi []byte) {
	return prefixRange(appendU32(p.kind(kindChunk), metric))
}

// AllChunks is the range of all chunks.
func (p Partition) AllChunks() (lo, hi []byte) { return prefixRange(p.kind(kindChunk)) }

// ReadChunk decodes a key of Chunk.
func (p Partition) ReadChunk(key []byte) (Chunk, error) {
	rest, err := p.rest(key, kindChunk, "chunk")
	if err != nil || len(rest) != 25 {
		return Chunk{}, bad("chunk", key)
	}
	return Chunk{
		Metric:   binary.BigEndian.Uint32(rest),
		Set:      binary.BigEndian.Uint32(rest[4:]),
		Type:     model.Type(rest[8]),
		Start:    i64(rest[9:]),
		Position: binary.BigEndian.Uint64(rest[17:]),
	}, nil
}

// RowGroup names a row group within its partition.
type RowGroup struct {
	Position          uint64
	Seq               uint32 // running number within the position and partition
	FirstSet, LastSet uint32
	Mint, Maxt        int64
	Rows              uint32
}

// RowGroup is the key of a row group's head.
func (p Partition) RowGroup(g RowGroup) []byte {
	k := appendU32(appendU64(p.kind(kindRowGroup), g.Position), g.Seq)
	return appendU32(appendI64(appendI64(appendU32(appendU32(k, g.FirstSet), g.LastSet), g.Mint), g.Maxt), g.Rows)
}

// RowGroups is the range of the heads of all row groups.
func (p Partition) RowGroups() (lo, hi []byte) { return prefixRange(p.kind(kindRowGroup)) }

// RowGroupsAt is the range of the heads of the row groups of one position.
func (p Partition) RowGroupsAt(pos uint64) (lo, hi []byte) {
	return prefixRange(appendU64(p.kind(kindRowGroup), pos))
}

// ReadRowGroup decodes a key of RowGroup.
func (p Partition) ReadRowGroup(key []byte) (RowGroup, error) {
	rest, err := p.rest(key, kindRowGroup, "row group")
	if err != nil || len(rest) != 40 {
		return RowGroup{}, bad("row group", key)
	}
	return RowGroup{
		Position: binary.BigEndian.Uint64(rest),
		Seq:      binary.BigEndian.Uint32(rest[8:]),
		FirstSet: binary.BigEndian.Uint32(rest[12:]),
		LastSet:  binary.BigEndian.Uint32(rest[16:]),
		Mint:     i64(rest[20:]),
		Maxt:     i64(rest[28:]),
		Rows:     binary.BigEndian.Uint32(rest[36:]),
	}, nil
}

// RowGroupPart is the key of a part of the row group that has the position and
// running number.
func (p Partition) RowGroupPart(pos uint64, seq uint32, part uint16) []byte {
	return binary.BigEndian.AppendUint16(appendU32(appendU64(p.kind(kindRowPart), pos), seq), part)
}

// RowGroupParts is the range of the parts of one row group.
func (p Partition) RowGroupParts(pos uint64, seq uint32) (lo, hi []byte) {
	return prefixRange(appendU32(appendU64(p.kind(kindRowPart), pos), seq))
}

// RowGroupPartsAt is the range of the parts of the row groups of one position.
func (p Partition) RowGroupPartsAt(pos uint64) (lo, hi []byte) {
	return prefixRange(appendU64(p.kind(kindRowPart), pos))
}

// AllRowGroupParts is the range of the parts of all row groups.
func (p Partition) AllRowGroupParts() (lo, hi []byte) { return prefixRange(p.kind(kindRowPart)) }

// ReadRowGroupPart decodes a key of RowGroupPart.
func (p Partition) ReadRowGroupPart(key []byte) (pos uint64, seq uint32, part uint16, err error) {
	rest, err := p.rest(key, kindRowPart, "part of a row group")
	if err != nil || len(rest) != 14 {
		return 0, 0, 0, bad("part of a row group", key)
	}
	return binary.BigEndian.Uint64(rest), binary.BigEndian.Uint32(rest[8:]), binary.BigEndian.Uint16(rest[12:]), nil
}
