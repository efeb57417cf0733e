package colenc

import "math/bits"

// A framed column is cut into frames of 2^framedBits values, each a column of
// its own with an encoding of its own:
//
//	1 byte   frame bits
//	integers bytes of each frame
//	frames   integer columns without columns within them
//
// It is for columns of which one part resembles another little.
const framedBits = 10 // shortLen

// unevenBits is by how many bits the numbers of two frames must differ on
// average for frames to be tried.
const unevenBits = 2

// uneven reports whether some frames need much larger numbers than others.
func (s *intScratch) uneven(nums []int64) bool {
	const probes = 32
	lo, hi := 64*probes, 0
	for from := 0; from < len(nums); from += 1 << framedBits {
		f := nums[from:min(from+1<<framedBits, len(nums))]
		if len(f) < 1<<framedBits/2 && from > 0 {
			break
		}
		size := 0
		for i := range probes {
			size += bits.Len64(zigzag(f[i*len(f)/probes]))
		}
		lo, hi = min(lo, size), max(hi, size)
	}
	return hi-lo > unevenBits*probes
}

// appendFramed appends the values in frames.
func (s *intScratch) appendFramed(dst []byte, vals []int64) []byte {
	sizes, frames := s.runs[0][:0], s.framed[:0]
	for from := 0; from < len(vals); from += 1 << framedBits {
		at := len(frames)
		frames = appendInts(frames, vals[from:min(from+1<<framedBits, len(vals))], 0, Smallest, true)
		sizes = append(sizes, int64(len(frames)-at))
	}
	s.runs[0], s.framed = sizes, frames
	dst = appendInts(append(dst, intFramed, framedBits), sizes, 0, Smallest, true)
	return append(dst, frames...)
}
