package keys

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Kind is a kind of key.
type Kind string

// Kinds of keys.
const (
	KindMeta          Kind = "meta"
	KindName          Kind = "name"
	KindMetric        Kind = "metric"
	KindLogName       Kind = "log name"
	KindRequest       Kind = "request"
	KindPartition     Kind = "partition"
	KindTombstone     Kind = "tombstone"
	KindLabels        Kind = "labels"
	KindHash          Kind = "labels hash"
	KindPosting       Kind = "posting"
	KindMetricSets    Kind = "metric sets"
	KindClassSets     Kind = "class sets"
	KindLogField      Kind = "log field"
	KindStateSets     Kind = "state sets"
	KindFlush         Kind = "flush"
	KindIndexed       Kind = "indexed"
	KindLastFlush     Kind = "last flush"
	KindLastCompacted Kind = "last compaction"
	KindChunk         Kind = "chunk"
	KindRowGroup      Kind = "row group"
	KindRowPart       Kind = "part of a row group"
	// KindUnknown is a key that this version has no name for.
	KindUnknown Kind = "unknown"
)

var partitionKinds = map[byte]Kind{
	kindLabels: KindLabels, kindHash: KindHash, kindPosting: KindPosting, kindMetric: KindMetricSets, kindClass: KindClassSets,
	kindLogField: KindLogField, kindState: KindStateSets, kindFlush: KindFlush, kindIndexed: KindIndexed, kindFlushed: KindLastFlush,
	kindCompacted: KindLastCompacted, kindChunk: KindChunk, kindRowGroup: KindRowGroup, kindRowPart: KindRowPart,
}

// KindOf returns the kind of a key and, where it belongs to one, its partition.
func KindOf(key []byte) (Kind, Partition) {
	if len(key) == 0 {
		return KindUnknown, Partition{}
	}
	switch key[0] {
	case tagMeta:
		return KindMeta, Partition{}
	case tagName:
		return KindName, Partition{}
	case tagMetric:
		return KindMetric, Partition{}
	case tagLogName:
		return KindLogName, Partition{}
	case tagRequest:
		return KindRequest, Partition{}
	case tagPartitions:
		return KindPartition, Partition{}
	case tagTombstone:
		return KindTombstone, Partition{}
	}
	if key[0] != tagPartition || len(key) <= prefixLen {
		return KindUnknown, Partition{}
	}
	p := Partition{i64(key[1:]), binary.BigEndian.Uint32(key[9:])}
	if k, ok := partitionKinds[key[prefixLen]]; ok {
		return k, p
	}
	return KindUnknown, p
}

// Describe tells what a key says, in one line: its kind, its partition and its
// parts. A key that is none is told in hexadecimal digits, with an error.
func Describe(key []byte) (string, error) {
	kind, p := KindOf(key)
	var (
		text string
		err  error
	)
	parts := func(format string, args ...any) { text = fmt.Sprintf(format, args...) }
	switch kind {
	case KindMeta, KindName, KindRequest:
		parts("%q", key[1:])
	case KindMetric:
		var id uint32
		id, err = ReadMetric(key)
		parts("%d", id)
	case KindLogName:
		var name, measurement, field string
		name, measurement, field, err = ReadLogName(key)
		parts("%q of measurement %q, field %q", name, measurement, field)
	case KindPartition:
		p, err = ReadPartitionMark(key)
		parts("%s", p)
		return string(kind) + " " + text, err
	case KindTombstone:
		var pos uint64
		pos, err = ReadTombstone(key)
		parts("at position %d", pos)
	case KindLabels:
		var id uint32
		id, err = p.ReadLabels(key)
		parts("of set %d", id)
	case KindHash:
		var hash uint64
		var id uint32
		hash, id, err = p.ReadHash(key)
		parts("%016x: set %d", hash, id)
	case KindPosting:
		var name, value string
		name, value, err = p.ReadPosting(key)
		parts("%s=%q", name, value)
	case KindMetricSets:
		var id uint32
		id, err = p.ReadMetricSets(key)
		parts("of metric %d", id)
	case KindStateSets:
		var id uint32
		id, err = p.ReadStateSets(key)
		parts("of metric %d", id)
	case KindClassSets:
		parts("%x", key[prefixLen+1:])
	case KindLogField:
		var id uint32
		var field string
		id, field, err = p.ReadLogField(key)
		parts("of metric %d, field %q", id, field)
	case KindFlush:
		var pos uint64
		pos, err = p.ReadFlush(key)
		parts("at position %d", pos)
	case KindChunk:
		var c Chunk
		c, err = p.ReadChunk(key)
		parts("of metric %d, set %d, %s, from %s, position %d", c.Metric, c.Set, c.Type, timeText(c.Start), c.Position)
	case KindRowGroup:
		var g RowGroup
		g, err = p.ReadRowGroup(key)
		parts("position %d, %d: %d rows, sets %d to %d, %s to %s", g.Position, g.Seq, g.Rows, g.FirstSet, g.LastSet, timeText(g.Mint), timeText(g.Maxt))
	case KindRowPart:
		var pos uint64
		var seq uint32
		var part uint16
		pos, seq, part, err = p.ReadRowGroupPart(key)
		parts("position %d, %d: part %d", pos, seq, part)
	case KindUnknown:
		err = bad("kind", key)
	}
	if err != nil {
		return fmt.Sprintf("%s %x", kind, key), err
	}
	line := string(kind)
	if key[0] == tagPartition {
		line = p.String() + " " + line
	}
	if text != "" {
		line += " " + text
	}
	return line, nil
}

// String is the start of the partition and its width.
func (p Partition) String() string {
	return fmt.Sprintf("%s+%s", timeText(p.Start), time.Duration(p.Width)*time.Second)
}

func timeText(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }
