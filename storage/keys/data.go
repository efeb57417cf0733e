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
	Position  uint64
	FirstSet  uint32
	FirstTime int64
	Seq       uint32 // running number within the position and partition
	LastSet   uint32
}

// RowGroup is the key of a row group.
func (p Partition) RowGroup(g RowGroup) []byte {
	k := appendU32(appendU64(p.kind(kindRowGroup), g.Position), g.FirstSet)
	return appendU32(appendU32(appendI64(k, g.FirstTime), g.Seq), g.LastSet)
}

// RowGroups is the range of all row groups.
func (p Partition) RowGroups() (lo, hi []byte) { return prefixRange(p.kind(kindRowGroup)) }

// RowGroupsAt is the range of the row groups of one flush.
func (p Partition) RowGroupsAt(pos uint64) (lo, hi []byte) {
	return prefixRange(appendU64(p.kind(kindRowGroup), pos))
}

// RowGroupsFrom is the first possible key of a group of the flush whose first
// label set is set or a later one.
func (p Partition) RowGroupsFrom(pos uint64, set uint32) []byte {
	return appendU32(appendU64(p.kind(kindRowGroup), pos), set)
}

// ReadRowGroup decodes a key of RowGroup.
func (p Partition) ReadRowGroup(key []byte) (RowGroup, error) {
	rest, err := p.rest(key, kindRowGroup, "row group")
	if err != nil || len(rest) != 28 {
		return RowGroup{}, bad("row group", key)
	}
	return RowGroup{
		Position:  binary.BigEndian.Uint64(rest),
		FirstSet:  binary.BigEndian.Uint32(rest[8:]),
		FirstTime: i64(rest[12:]),
		Seq:       binary.BigEndian.Uint32(rest[20:]),
		LastSet:   binary.BigEndian.Uint32(rest[24:]),
	}, nil
}
