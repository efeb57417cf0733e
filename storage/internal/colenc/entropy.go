package colenc

import (
	"encoding/binary"
	"math"
	"slices"
	"sync"

	"github.com/klauspost/compress/huff0"
)

// Differences that are mostly small but of very different frequency, as those of
// a gauge that moves by a normal step are, take less as Huffman codes than at
// one width. An entropy-coded column of order k (intEntropy + k) is
//
//	varint first, uvarint divisor, as in a packed column
//	varint first difference        order 2 only
//	varint ref
//	uvarint size                   of the codes
//	codes                          huff0, table and four streams, one symbol a number
//	escapes                        varint each
//
// A number is ref plus its symbol; the symbol escapeSymbol stands for the next
// of the escapes. Codes are tried where they can pay for their table and kept
// where they save entropyGain.

const escapeSymbol = 255

const (
	// minEntropyLen is the least number of values: the table takes up to some
	// 100 bytes, and setting up a decoder some microseconds.
	minEntropyLen = 1024
	// entropyGain is how much of the packed size codes must save. They decode
	// as fast as packed blocks once the decoder is set up, which takes some
	// microseconds.
	entropyGain = 1.0 / 32
	// maxEntropySize is the size of a number in bytes beyond which symbols of
	// a byte cannot cover the numbers.
	maxEntropySize = 1.25
	// maxEscapes is the share of numbers that may be escapes.
	maxEscapes = 1.0 / 64
)

type entropyScratch struct {
	huff    huff0.Scratch
	symbols []byte
	escapes []int64
	sample  []int64
}

var entropyScratches = sync.Pool{New: func() any { return new(entropyScratch) }}

// appendCodes appends ref, size, codes and escapes for the numbers; ok is false,
// and dst as it was, where they would take more than limit bytes.
func appendCodes(dst []byte, nums []int64, limit int) (_ []byte, ok bool) {
	s := entropyScratches.Get().(*entropyScratch)
	defer entropyScratches.Put(s)
	ref, ok := s.reference(nums)
	if !ok || !s.convert(nums, ref, limit) {
		return dst, false
	}
	s.huff.Reuse = huff0.ReusePolicyNone
	codes, _, err := huff0.Compress4X(s.symbols, &s.huff)
	if err != nil || len(codes) > limit {
		return dst, false // incompressible, or one symbol only
	}
	start := len(dst)
	dst = binary.AppendVarint(dst, ref)
	dst = binary.AppendUvarint(dst, uint64(len(codes)))
	dst = append(dst, codes...)
	for _, v := range s.escapes {
		dst = binary.AppendVarint(dst, v)
	}
	if len(dst)-start > limit {
		return dst[:start], false
	}
	return dst, true
}

// reference chooses ref so that a sample of the numbers, its extremes left out,
// lies in the middle of the symbols.
func (s *entropyScratch) reference(nums []int64) (ref int64, ok bool) {
	s.sample = s.sample[:0]
	for i := 0; i < len(nums); i += len(nums)/64 + 1 {
		s.sample = append(s.sample, nums[i])
	}
	slices.Sort(s.sample)
	lo, hi := s.sample[1], s.sample[len(s.sample)-2]
	if spread := uint64(hi - lo); spread < escapeSymbol {
		return lo - int64(escapeSymbol-spread)/2, true
	}
	return 0, false
}

// convert fills symbols and escapes; it reports whether their entropy promises
// to stay below limit bytes.
func (s *entropyScratch) convert(nums []int64, ref int64, limit int) bool {
	s.symbols = slices.Grow(s.symbols[:0], len(nums))[:len(nums)]
	s.escapes = s.escapes[:0]
	var count [256]int
	for i, v := range nums {
		d := uint64(v - ref)
		if d >= escapeSymbol {
			d = escapeSymbol
			s.escapes = append(s.escapes, v)
		}
		s.symbols[i] = byte(d)
		count[d&255]++
	}
	if float64(len(s.escapes)) > maxEscapes*float64(len(nums)) {
		return false
	}
	bits := 0.0
	for _, c := range count {
		if c > 0 {
			bits += float64(c) * math.Log2(float64(len(nums))/float64(c))
		}
	}
	return int(bits)/8 < limit
}

// decodeCodes fills out with the numbers at the front of src.
func decodeCodes(out []int64, src []byte) (rest []byte, err error) {
	ref, src, err := ReadVarint(src, "code reference")
	if err != nil {
		return nil, err
	}
	size, src, err := ReadUvarint(src, "codes", uint64(len(src)))
	if err != nil {
		return nil, err
	}
	codes, src, err := ReadBytes(src, "codes", size)
	if err != nil {
		return nil, err
	}
	s := entropyScratches.Get().(*entropyScratch)
	defer entropyScratches.Put(s)
	_, codes, err = huff0.ReadTable(codes, &s.huff)
	if err != nil {
		return nil, Corruptf("code table: %v", err)
	}
	n := len(out)
	s.symbols = slices.Grow(s.symbols[:0], n)
	symbols, err := s.huff.Decoder().Decompress4X(s.symbols[:0:n], codes)
	if err != nil {
		return nil, Corruptf("codes: %v", err)
	}
	if len(symbols) != n {
		return nil, Corruptf("codes: want %d symbols, got %d", n, len(symbols))
	}
	escaped := false
	for i, c := range symbols {
		out[i] = ref + int64(c)
		escaped = escaped || c == escapeSymbol
	}
	if !escaped {
		return src, nil
	}
	for i, c := range symbols {
		if c != escapeSymbol {
			continue
		}
		if out[i], src, err = ReadVarint(src, "escaped number"); err != nil {
			return nil, err
		}
	}
	return src, nil
}
