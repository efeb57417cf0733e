package chunk

import (
	"tidemark/storage/internal/colenc"
)

// Encodings of the times of a chunk. Zero is never written.
const (
	timesInline = 1 // ints, from mint on
	// 2 is reserved for a reference to a time column that chunks share.
)

// appendTimes appends the payload of the section of times.
func appendTimes(dst []byte, times []int64, mode colenc.Mode) []byte {
	return mode.IntsFrom(append(dst, timesInline), times[0], times)
}

// decodeTimes appends the times of a chunk to dst; it verifies that they ascend
// from mint to maxt. On an error it returns dst as it was.
func decodeTimes(src []byte, h *Header, dst []int64) ([]int64, error) {
	id, src, err := colenc.ReadByte(src, "time encoding")
	if err != nil {
		return dst, err
	}
	if id != timesInline {
		return dst, colenc.Unsupportedf("time encoding %d", id)
	}
	out, rest, err := colenc.DecodeIntsFrom(src, h.Mint, h.Count, dst)
	if err != nil {
		return dst, err
	}
	if len(rest) > 0 {
		return dst, colenc.Corruptf("times: want no byte after them, got %d", len(rest))
	}
	times := out[len(dst):]
	if times[0] != h.Mint || times[len(times)-1] != h.Maxt {
		return dst, colenc.Corruptf("times: want %d to %d, got %d to %d", h.Mint, h.Maxt, times[0], times[len(times)-1])
	}
	if i := descent(times); i > 0 {
		return dst, colenc.Corruptf("time %d: want one after %d, got %d", i, times[i-1], times[i])
	}
	return out, nil
}

// descent returns the index of the first time that is not after the one before
// it, or 0.
func descent(times []int64) int {
	prev := times[0]
	for i, t := range times[1:] {
		if t <= prev {
			return i + 1
		}
		prev = t
	}
	return 0
}
