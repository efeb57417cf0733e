package keys

import (
	"encoding/binary"
	"fmt"
)

// Tags of global keys.
const (
	tagMeta       = 0x01
	tagName       = 0x02
	tagMetric     = 0x03
	tagLogName    = 0x04
	tagRequest    = 0x05
	tagPartitions = 0x06
	tagTombstone  = 0x07
	tagPartition  = 0x10
)

// Applied is the key of the position up to which the log is in chunks.
func Applied() []byte { return append([]byte{tagMeta}, "applied"...) }

// Floor is the key of the time below which partitions were dropped to save
// space; its value is the U64 of an int64.
func Floor() []byte { return append([]byte{tagMeta}, "floor"...) }

// Format is the key of the store's format version.
func Format() []byte { return append([]byte{tagMeta}, "format"...) }

// U64 encodes and ReadU64 decodes the value of Applied and Format.
func U64(v uint64) []byte { return appendU64(nil, v) }

// ReadU64 decodes what U64 encoded.
func ReadU64(v []byte) (uint64, error) {
	if len(v) != 8 {
		return 0, fmt.Errorf("%w: value of %d bytes, want 8", ErrBadKey, len(v))
	}
	return binary.BigEndian.Uint64(v), nil
}

// Request is the key of a request key.
func Request(key string) []byte { return append([]byte{tagRequest}, key...) }

// Requests is the range of request keys.
func Requests() (lo, hi []byte) { return []byte{tagRequest}, []byte{tagRequest + 1} }

// ReadRequest decodes a key of Request.
func ReadRequest(key []byte) (string, error) {
	if len(key) < 1 || key[0] != tagRequest {
		return "", bad("request", key)
	}
	return string(key[1:]), nil
}

// RequestValue encodes when a request was received, and its position.
func RequestValue(received int64, pos uint64) []byte {
	return appendU64(appendI64(nil, received), pos)
}

// ReadRequestValue decodes a RequestValue.
func ReadRequestValue(v []byte) (received int64, pos uint64, err error) {
	if len(v) != 16 {
		return 0, 0, fmt.Errorf("%w: request value of %d bytes, want 16", ErrBadKey, len(v))
	}
	return i64(v), binary.BigEndian.Uint64(v[8:]), nil
}

// Tombstone is the key of a deletion that was logged at a position. Its value
// is the deletion as package wal encodes it.
func Tombstone(pos uint64) []byte { return appendU64([]byte{tagTombstone}, pos) }

// Tombstones is the range of Tombstone keys.
func Tombstones() (lo, hi []byte) { return []byte{tagTombstone}, []byte{tagTombstone + 1} }

// ReadTombstone decodes a key of Tombstone.
func ReadTombstone(key []byte) (uint64, error) {
	if len(key) != 9 || key[0] != tagTombstone {
		return 0, bad("tombstone", key)
	}
	return binary.BigEndian.Uint64(key[1:]), nil
}
