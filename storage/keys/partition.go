package keys

import (
	"encoding/binary"
	"math"

	"tidemark/storage/model"
)

// Partition is a slice of time: its start in nanoseconds and its width in
// seconds.
type Partition struct {
	Start int64
	Width uint32
}

const (
	second   = int64(1e9)
	daySecs  = 24 * 60 * 60
	dayNanos = daySecs * second
)

// Day returns the partition, a UTC day, that t lies in. The first day of
// int64's range begins before that range; its start is then math.MinInt64.
func Day(t int64) Partition {
	d := t / dayNanos
	if t%dayNanos < 0 {
		d--
	}
	if d*dayNanos > t { // wrapped around
		return Partition{math.MinInt64, daySecs}
	}
	return Partition{d * dayNanos, daySecs}
}

// Range returns the times of the partition, inclusive at both ends.
func (p Partition) Range() model.TimeRange {
	end := p.Start + int64(p.Width)*second - 1
	if p.Start == math.MinInt64 {
		// The first, cut day ends where the next one begins.
		end = (math.MinInt64/dayNanos)*dayNanos - 1
	}
	if end < p.Start {
		end = math.MaxInt64
	}
	return model.TimeRange{Mint: p.Start, Maxt: end}
}

// PartitionMark is the key that lists a partition.
func PartitionMark(p Partition) []byte {
	return appendU32(appendI64([]byte{tagPartitions}, p.Start), p.Width)
}

// PartitionMarks is the range of all partition marks.
func PartitionMarks() (lo, hi []byte) { return []byte{tagPartitions}, []byte{tagPartitions + 1} }

// ReadPartitionMark decodes a key of PartitionMark.
func ReadPartitionMark(key []byte) (Partition, error) {
	if len(key) != 13 || key[0] != tagPartitions {
		return Partition{}, bad("partition mark", key)
	}
	return Partition{i64(key[1:]), binary.BigEndian.Uint32(key[9:])}, nil
}

const prefixLen = 13

// Prefix begins every key of the partition.
func (p Partition) Prefix() []byte { return p.appendPrefix(make([]byte, 0, 64)) }

func (p Partition) appendPrefix(dst []byte) []byte {
	return appendU32(appendI64(append(dst, tagPartition), p.Start), p.Width)
}

// Bounds is the range of all keys of the partition.
func (p Partition) Bounds() (lo, hi []byte) {
	lo = p.Prefix()
	return lo, After(lo)
}

func (p Partition) kind(k byte) []byte { return append(p.Prefix(), k) }

// prefixRange is the range of keys that begin with lo.
func prefixRange(lo []byte) ([]byte, []byte) { return lo, After(lo) }

// rest returns what follows the kind in a key of the partition.
func (p Partition) rest(key []byte, k byte, what string) ([]byte, error) {
	if len(key) < prefixLen+1 || key[0] != tagPartition || i64(key[1:]) != p.Start ||
		binary.BigEndian.Uint32(key[9:]) != p.Width || key[prefixLen] != k {
		return nil, bad(what, key)
	}
	return key[prefixLen+1:], nil
}

// AllPartitions is the range of the keys of all partitions.
func AllPartitions() (lo, hi []byte) { return []byte{tagPartition}, []byte{tagPartition + 1} }

// ReadPrefix returns the partition that a key belongs to, if it does to one.
func ReadPrefix(key []byte) (Partition, bool) {
	if len(key) < prefixLen || key[0] != tagPartition {
		return Partition{}, false
	}
	return Partition{i64(key[1:]), binary.BigEndian.Uint32(key[9:])}, true
}
