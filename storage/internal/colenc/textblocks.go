package colenc

import (
	"encoding/binary"
	"sync"

	"github.com/pierrec/lz4/v4"
)

// textBlockLen is the number of bytes of text, before compression, in every
// block but the last: blocks of 64 KiB compress within a few percent of larger
// ones, and lz4 looks no further back than that anyway. As all are of equal
// length, the block of a byte is found by division.
const textBlockLen = 64 << 10

// minCompressed is the length below which a block is not worth compressing.
const minCompressed = 32

// maxExpansion is how many bytes a byte of lz4 can stand for at most: a match
// grows by up to 255 with each further byte of its length.
const maxExpansion = 255

var compressors = sync.Pool{New: func() any { return new(lz4.Compressor) }}

// appendTextBlocks appends text as blocks:
//
//	length of the text         uvarint
//	-- for each block:
//	length << 1 | compressed   uvarint
//	bytes                      lz4 block format, or as they are
func appendTextBlocks(dst, text []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	if len(text) == 0 {
		return dst
	}
	c := compressors.Get().(*lz4.Compressor)
	defer compressors.Put(c)
	buf := blockBuffers.Get().(*[textBlockLen]byte)
	defer blockBuffers.Put(buf)
	for len(text) > 0 {
		block := text[:min(textBlockLen, len(text))]
		text = text[len(block):]
		size := 0
		if len(block) >= minCompressed {
			// Compression must save an eighth to be worth undoing. What does
			// not fit is reported as an error or as size 0.
			n, err := c.CompressBlock(block, buf[:len(block)-len(block)/8])
			if err == nil {
				size = n
			}
		}
		if size > 0 {
			dst = binary.AppendUvarint(dst, uint64(size)<<1|1)
			dst = append(dst, buf[:size]...)
		} else {
			dst = binary.AppendUvarint(dst, uint64(len(block))<<1)
			dst = append(dst, block...)
		}
	}
	return dst
}

var blockBuffers = sync.Pool{New: func() any { return new([textBlockLen]byte) }}

// textBlocks is text whose blocks have been found but not decompressed.
type textBlocks struct {
	size   int // of the text
	blocks []textBlock

	// The block that was decompressed last for a part of it: the next question
	// is often about the part that follows.
	cache  []byte
	cached int // its index plus one; 0 where there is none
}

type textBlock struct {
	data       []byte
	compressed bool
}

// openTextBlocks finds the blocks at the front of src. What it returns has been
// checked against the input: size is at most maxExpansion times len(src).
func openTextBlocks(src []byte) (t textBlocks, rest []byte, err error) {
	size, src, err := ReadUvarint(src, "text length", uint64(len(src))*maxExpansion)
	if err != nil {
		return t, nil, err
	}
	t.size = int(size)
	for left := t.size; left > 0; {
		want := min(textBlockLen, left)
		left -= want
		var head uint64
		var b textBlock
		if head, src, err = ReadUvarint(src, "text block length", textBlockLen<<1); err != nil {
			return t, nil, err
		}
		b.compressed = head&1 == 1
		if b.data, src, err = ReadBytes(src, "text block", head>>1); err != nil {
			return t, nil, err
		}
		if !b.compressed && len(b.data) != want {
			return t, nil, Corruptf("text block: want %d bytes, got %d", want, len(b.data))
		}
		if b.compressed && len(b.data)*maxExpansion < want {
			return t, nil, Corruptf("text block: want bytes for %d of text, got %d", want, len(b.data))
		}
		t.blocks = append(t.blocks, b)
	}
	return t, src, nil
}

// span returns the bytes [from, to) of the text in memory of their own, no more
// than they need. It decompresses only the blocks they lie in.
func (t *textBlocks) span(from, to int) ([]byte, error) {
	out := make([]byte, to-from)
	for rest := out; len(rest) > 0; {
		i := from / textBlockLen
		start := i * textBlockLen
		end := min(start+textBlockLen, t.size)
		n := min(end-from, len(rest))
		if err := t.part(rest[:n], i, from-start, end-start); err != nil {
			return nil, err
		}
		rest = rest[n:]
		from += n
	}
	return out, nil
}

// part fills out with the bytes of block i, which is of the given size, from
// the given one on.
func (t *textBlocks) part(out []byte, i, from, size int) error {
	b := &t.blocks[i]
	switch {
	case !b.compressed:
		copy(out, b.data[from:])
		return nil
	case len(out) == size:
		return b.decode(out)
	}
	if t.cached != i+1 {
		t.cached = 0
		if cap(t.cache) < size {
			t.cache = make([]byte, size)
		}
		t.cache = t.cache[:size]
		if err := b.decode(t.cache); err != nil {
			return err
		}
		t.cached = i + 1
	}
	copy(out, t.cache[from:])
	return nil
}

// decode fills out, which has the size of the block, from a compressed one.
func (b *textBlock) decode(out []byte) error {
	n, err := lz4.UncompressBlock(b.data, out)
	if err != nil {
		return Corruptf("text block: %v", err)
	}
	if n != len(out) {
		return Corruptf("text block: want %d bytes of text, got %d", len(out), n)
	}
	return nil
}
