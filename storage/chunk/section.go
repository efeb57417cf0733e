package chunk

import (
	"encoding/binary"

	"tidemark/storage/internal/colenc"
)

// Sections of a chunk. A reader that does not know a section skips it if its id
// is at least sectionOptional and otherwise refuses the chunk.
const (
	sectionTimes  = 1
	sectionValues = 2
	sectionStarts = 3
	// 4 to 127 are reserved for what a reader must know.
	sectionOptional  = 128
	sectionSummaries = 128
	// 129 to 255 are reserved for what a reader may skip.
)

// maxSectionHead is the longest section head: id and length.
const maxSectionHead = 1 + binary.MaxVarintLen32

// emptySection is the length of a section without a payload.
const emptySection = 2

// appendSection appends a section whose payload is appended by fill.
func appendSection(dst []byte, id byte, fill func([]byte) []byte) []byte {
	// The length comes first but is known last. Most payloads are below 16 KiB:
	// leave room for two bytes and move the rest otherwise.
	start := len(dst)
	dst = fill(append(dst, id, 0, 0))
	size := len(dst) - start - 3
	var head [maxSectionHead]byte
	h := binary.AppendUvarint(append(head[:0], id), uint64(size))
	if len(h) != 3 {
		dst = append(dst, make([]byte, maxSectionHead)...)
		copy(dst[start+len(h):], dst[start+3:start+3+size])
	}
	copy(dst[start:], h)
	return dst[:start+len(h)+size]
}

// sections are the payloads a chunk has; nil where it lacks one.
type sections struct{ times, values, starts, summaries []byte }

// readSections reads the sections, which fill src.
func readSections(src []byte) (s sections, err error) {
	for len(src) > 0 {
		id := src[0]
		size, rest, err := colenc.ReadUvarint(src[1:], "section length", uint64(len(src)))
		if err != nil {
			return s, err
		}
		payload, rest, err := colenc.ReadBytes(rest, "section", size)
		if err != nil {
			return s, err
		}
		src = rest
		var into *[]byte
		switch id {
		case sectionTimes:
			into = &s.times
		case sectionValues:
			into = &s.values
		case sectionStarts:
			into = &s.starts
		case sectionSummaries:
			into = &s.summaries
		case 0:
			return s, colenc.Corruptf("section id: want at least 1, got 0")
		default:
			if id < sectionOptional {
				return s, colenc.Unsupportedf("section %d", id)
			}
			continue
		}
		if *into != nil {
			return s, colenc.Corruptf("section %d: want it once, got it twice", id)
		}
		*into = payload
	}
	return s, nil
}
