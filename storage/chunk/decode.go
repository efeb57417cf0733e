package chunk

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"tidemark/storage/internal/colenc"
	"tidemark/storage/model"
)

// Decode verifies the checksum and appends the chunk's samples to the slices of
// into, which it reuses and grows as needed. An empty column takes the
// chunk's type; otherwise the types must be equal (ErrTypeMismatch). Order
// among the chunks is the caller's business: Decode checks only that the
// chunk's own times ascend. Where only one of both has start times, the
// others' are NoStart. After an error into is as it was before.
//
// Texts share one new piece of memory and do not refer to src. Safe for
// concurrent use with different columns.
func Decode(src []byte, into *Column) error {
	h, s, err := open(src)
	if err != nil {
		return err
	}
	had := into.Len()
	if had > 0 && into.Type != h.Type {
		return fmt.Errorf("decode chunk: %w: want %s, got %s", ErrTypeMismatch, into.Type, h.Type)
	}
	c := *into
	c.Type = h.Type
	if c.Times, err = decodeTimes(s.times, &h, c.Times); err != nil {
		return decodeError(err)
	}
	if err = c.decodeValues(s.values, h.Count); err != nil {
		return decodeError(err)
	}
	if err = c.decodeStarts(s.starts, had, h.Count); err != nil {
		return decodeError(err)
	}
	*into = c
	return nil
}

// DecodeTimes verifies the checksum and appends the chunk's times to dst. After
// an error it returns dst as it was.
func DecodeTimes(src []byte, dst []int64) ([]int64, error) {
	h, s, err := open(src)
	if err != nil {
		return dst, err
	}
	if dst, err = decodeTimes(s.times, &h, dst); err != nil {
		return dst, decodeError(err)
	}
	return dst, nil
}

func decodeError(err error) error { return fmt.Errorf("decode chunk: %w", err) }

// open reads the header, verifies the checksum and finds the sections.
func open(src []byte) (h Header, s sections, err error) {
	h, payload, err := readHeader(src)
	if err != nil {
		return h, s, decodeError(err)
	}
	want := binary.LittleEndian.Uint32(src)
	if got := crc32.Checksum(src[offVersion:], castagnoli); got != want {
		return h, s, decodeError(colenc.Corruptf("checksum: want %08x, got %08x", want, got))
	}
	if s, err = readSections(payload); err != nil {
		return h, s, decodeError(err)
	}
	if (h.Flags&HasStarts != 0) != (s.starts != nil) {
		return h, s, decodeError(colenc.Corruptf("start times: want the flag if and only if there are any, got flags %04x", uint16(h.Flags)))
	}
	if (h.Flags&HasSummaries != 0) != (s.summaries != nil) {
		return h, s, decodeError(colenc.Corruptf("summaries: want the flag if and only if there are any, got flags %04x", uint16(h.Flags)))
	}
	return h, s, nil
}

func (c *Column) decodeValues(src []byte, n int) (err error) {
	switch c.Type {
	case model.TypeFloat:
		c.Bits, src, err = colenc.DecodeFloats(src, n, c.Bits)
	case model.TypeInt:
		c.Bits, src, err = colenc.DecodeWords(src, n, c.Bits)
	case model.TypeBool:
		c.Bits, src, err = colenc.DecodeBools(src, n, c.Bits)
	case model.TypeText:
		c.Texts, src, err = colenc.DecodeTexts(src, n, c.Texts)
	case model.TypeHistogram:
		c.Histograms, src, err = colenc.DecodeHistograms(src, n, c.Histograms)
	}
	if err == nil && len(src) > 0 {
		err = colenc.Corruptf("values: want no byte after them, got %d", len(src))
	}
	return err
}

// decodeStarts appends n start times after those of the samples the column had;
// either may be without.
func (c *Column) decodeStarts(src []byte, had, n int) (err error) {
	if src == nil {
		if len(c.Starts) > 0 {
			c.Starts = append(c.Starts, make([]int64, n)...)
		}
		return nil
	}
	if len(c.Starts) == 0 {
		c.Starts = slices.Grow(c.Starts[:0], had+n)[:had]
		for i := range c.Starts {
			c.Starts[i] = NoStart
		}
	}
	if c.Starts, src, err = colenc.DecodeInts(src, n, c.Starts); err != nil {
		return err
	}
	if len(src) > 0 {
		return colenc.Corruptf("start times: want no byte after them, got %d", len(src))
	}
	return nil
}
