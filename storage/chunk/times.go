package chunk

import (
	"sync"

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

// openTimes opens the times of a chunk.
func openTimes(c *colenc.Ints, src []byte, h *Header) error {
	id, src, err := colenc.ReadByte(src, "time encoding")
	if err != nil {
		return err
	}
	if id != timesInline {
		return colenc.Unsupportedf("time encoding %d", id)
	}
	rest, err := c.Open(src, h.Count, h.Mint)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return colenc.Corruptf("times: want no byte after them, got %d", len(rest))
	}
	return nil
}

var timeReaders = sync.Pool{New: func() any { return new(colenc.Ints) }}

// decodeTimes appends the times of a chunk to dst; it verifies that they ascend
// from mint to maxt. On an error it returns dst as it was.
func decodeTimes(src []byte, h *Header, dst []int64) ([]int64, error) {
	c := timeReaders.Get().(*colenc.Ints)
	defer timeReaders.Put(c)
	if err := openTimes(c, src, h); err != nil {
		return dst, err
	}
	out, err := c.Append(dst, 0, h.Count)
	if err != nil {
		return dst, err
	}
	if err := checkTimes(out[len(dst):], 0, h); err != nil {
		return dst, err
	}
	return out, nil
}

// checkTimes verifies that the times of samples [first, first+len) of a chunk
// ascend, within mint and maxt, from the one and to the other where the first
// and last sample are among them.
func checkTimes(times []int64, first int, h *Header) error {
	lo, hi := times[0], times[len(times)-1]
	if lo < h.Mint || hi > h.Maxt || (lo == h.Mint) != (first == 0) || (hi == h.Maxt) != (first+len(times) == h.Count) {
		return colenc.Corruptf("times: want %d to %d, got %d to %d", h.Mint, h.Maxt, lo, hi)
	}
	if i := descent(times); i > 0 {
		return colenc.Corruptf("time %d: want one after %d, got %d", first+i, times[i-1], times[i])
	}
	return nil
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
