package remoteread

import (
	"encoding/binary"
	"hash/crc32"

	"tidemark/storage/model"
)

// maxFrame is about how many bytes a frame has at most, as in Prometheus: it may
// be a chunk more. Readers refuse frames of more than 50 MB.
const maxFrame = 1 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// FrameWriter turns series into frames of streamed chunks.
type FrameWriter struct {
	chunks, message, item []byte
}

// Append appends the frames of a series to dst. Query is the index of the query it
// answers, labels are all of its labels, sorted; of the series times (in
// milliseconds), values and histograms count. A series without samples has one
// frame without chunks.
func (w *FrameWriter) Append(dst []byte, query int, labels model.Labels, s *model.Series) []byte {
	head := appendLabels(nil, 1, labels)
	for i := 0; ; {
		w.chunks = append(w.chunks[:0], head...)
		for i < len(s.Times) && len(w.chunks) < maxFrame {
			n := cut(s, i)
			c := encodeChunk(s, i, n)
			w.item = appendInt(appendInt(w.item[:0], 1, c.first), 2, c.last)
			w.item = appendBytes(appendUint(w.item, 3, c.encoding), 4, c.data)
			w.chunks = appendBytes(w.chunks, 2, w.item)
			i += n
		}
		w.message = appendUint(appendBytes(w.message[:0], 1, w.chunks), 2, uint64(query))
		dst = binary.AppendUvarint(dst, uint64(len(w.message)))
		dst = binary.BigEndian.AppendUint32(dst, crc32.Checksum(w.message, castagnoli))
		dst = append(dst, w.message...)
		if i == len(s.Times) {
			return dst
		}
	}
}
