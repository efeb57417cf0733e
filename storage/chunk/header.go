package chunk

import (
	"encoding/binary"
	"hash/crc32"

	"tidemark/storage/internal/colenc"
	"tidemark/storage/model"
)

// Version is the version that Append writes.
//
//   - 1: the first.
const Version = 1

// Flags say what a chunk's samples contain. A set flag is exact: it is set if
// and only if a sample of the chunk has the property.
type Flags uint16

// Flags. The numbers are part of the format.
const (
	// HasStarts: samples carry start times.
	HasStarts Flags = 1 << iota
	// HasSummaries: the chunk has summaries of clock windows.
	HasSummaries
	// HasStale: a float sample is the staleness marker.
	HasStale
	// HasNaN: a float sample is a NaN other than the staleness marker.
	HasNaN
	// HasReset: a numeric sample is below the one before it (NaN left out), as
	// a counter's is after a reset. Not set for histograms.
	HasReset
	// HasInf: a float sample is infinite.
	HasInf
)

// Header is what a chunk says of itself in its first bytes.
type Header struct {
	Version    uint8
	Type       model.Type
	Flags      Flags
	Count      int   // samples, 1 to MaxSamples
	Mint, Maxt int64 // times of the first and last sample
}

// Offsets of the fixed fields.
const (
	offChecksum = 0
	offVersion  = 4
	offType     = 5
	offFlags    = 6
	fixedLen    = 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Seal recomputes the checksum of an encoded chunk in place. Append has done
// so; it is for tools that change a chunk's bytes, and for tests. A chunk too
// short to have a checksum is left alone.
func Seal(chunk []byte) {
	if len(chunk) >= offVersion {
		binary.LittleEndian.PutUint32(chunk, crc32.Checksum(chunk[offVersion:], castagnoli))
	}
}

// ReadHeader reads a chunk's header. It checks the header's fields but not the
// checksum, which Decode does. It takes constant time.
func ReadHeader(src []byte) (Header, error) {
	h, _, err := readHeader(src)
	return h, err
}

// readHeader returns the header and the sections that follow it.
func readHeader(src []byte) (h Header, sections []byte, err error) {
	if len(src) < fixedLen {
		return h, nil, colenc.Corruptf("chunk header: want at least %d bytes, got %d", fixedLen, len(src))
	}
	h.Version = src[offVersion]
	h.Type = model.Type(src[offType])
	h.Flags = Flags(binary.LittleEndian.Uint16(src[offFlags:]))
	switch {
	case h.Version == 0:
		return h, nil, colenc.Corruptf("chunk version: want at least 1, got 0")
	case h.Version > Version:
		return h, nil, colenc.Unsupportedf("chunk version: want at most %d, got %d", Version, h.Version)
	case h.Type == model.TypeNone:
		return h, nil, colenc.Corruptf("chunk type: want a type, got none")
	case !encodable(h.Type):
		return h, nil, colenc.Unsupportedf("chunk type: want float, int, bool, text or histogram, got %s", h.Type)
	}
	count, src, err := colenc.ReadUvarint(src[fixedLen:], "chunk count", MaxSamples)
	if err != nil {
		return h, nil, err
	}
	if count == 0 {
		return h, nil, colenc.Corruptf("chunk count: want at least 1, got 0")
	}
	mint, src, err := colenc.ReadVarint(src, "chunk mint")
	if err != nil {
		return h, nil, err
	}
	span, src, err := colenc.ReadUvarint(src, "chunk time span", 1<<64-1)
	if err != nil {
		return h, nil, err
	}
	h.Count, h.Mint, h.Maxt = int(count), mint, mint+int64(span)
	// Unique times need a span of count-1, and the span must not leave the
	// range of times. mint+span wraps below mint if and only if it does.
	if span < count-1 || h.Maxt < mint || (count == 1) != (span == 0) {
		return h, nil, colenc.Corruptf("chunk time span: want one for %d unique times from %d on, got %d", count, mint, span)
	}
	return h, src, nil
}

// encodable reports whether chunks hold samples of the type.
func encodable(t model.Type) bool {
	return t == model.TypeFloat || t == model.TypeInt || t == model.TypeBool || t == model.TypeText || t == model.TypeHistogram
}

// appendHeader appends a header with room for the checksum.
func appendHeader(dst []byte, h *Header) []byte {
	dst = append(dst, 0, 0, 0, 0, h.Version, byte(h.Type))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(h.Flags))
	dst = binary.AppendUvarint(dst, uint64(h.Count))
	dst = binary.AppendVarint(dst, h.Mint)
	return binary.AppendUvarint(dst, uint64(h.Maxt)-uint64(h.Mint))
}

// addFlags sets flags of an encoded chunk.
func addFlags(chunk []byte, f Flags) {
	f |= Flags(binary.LittleEndian.Uint16(chunk[offFlags:]))
	binary.LittleEndian.PutUint16(chunk[offFlags:], uint16(f))
}
