package colenc

import (
	"encoding/binary"
	"sync"

	"github.com/pierrec/lz4/v4"
)

// appendPackedBlocks appends text as blocks of packedBlockLen bytes, of which
// the last may be shorter:
//
//	length of the text   uvarint
//	-- for each block:
//	length << 2 | codec  uvarint; codec 0 as it is, 1 lz4, 2 zstd
//	bytes
//
// No block stands for more than maxExpansion times its bytes, so that a
// decoder's memory is bounded by its input.
func appendPackedBlocks(dst, text []byte, mode Mode) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	for len(text) > 0 {
		block := text[:min(packedBlockLen, len(text))]
		text = text[len(block):]
		if len(block) >= minCompressed && mode != Plain {
			b := packBuffers.Get().(*[]byte)
			*b = mode.compressor().EncodeAll(block, (*b)[:0])
			packed := *b
			ok := len(packed)*maxExpansion >= len(block) && len(packed) <= len(block)-len(block)/16
			if ok {
				dst = binary.AppendUvarint(dst, uint64(len(packed))<<2|codecZstd)
				dst = append(dst, packed...)
			}
			packBuffers.Put(b)
			if ok {
				continue
			}
			if len(packed)*maxExpansion < len(block) { // what is as even as that, lz4 keeps within the bound
				c := compressors.Get().(*lz4.Compressor)
				buf := make([]byte, lz4.CompressBlockBound(len(block)))
				n, err := c.CompressBlock(block, buf)
				compressors.Put(c)
				if err == nil && n > 0 && n*maxExpansion >= len(block) {
					dst = binary.AppendUvarint(dst, uint64(n)<<2|codecLZ4)
					dst = append(dst, buf[:n]...)
					continue
				}
			}
		}
		dst = binary.AppendUvarint(dst, uint64(len(block))<<2|codecNone)
		dst = append(dst, block...)
	}
	return dst
}

// packedBlocks is packed text whose blocks have been found; each is
// decompressed once, when it is first wanted, and kept.
type packedBlocks struct {
	size   int
	blocks []packedBlock
}

type packedBlock struct {
	data  []byte
	codec byte
	text  []byte // decompressed
}

func openPackedBlocks(src []byte) (t packedBlocks, rest []byte, err error) {
	size, src, err := ReadUvarint(src, "text length", uint64(len(src))*maxExpansion)
	if err != nil {
		return t, nil, err
	}
	t.size = int(size)
	for left := t.size; left > 0; {
		want := min(packedBlockLen, left)
		left -= want
		var head uint64
		var b packedBlock
		if head, src, err = ReadUvarint(src, "text block length", packedBlockLen<<2|3); err != nil {
			return t, nil, err
		}
		b.codec = byte(head & 3)
		if b.data, src, err = ReadBytes(src, "text block", head>>2); err != nil {
			return t, nil, err
		}
		switch {
		case b.codec > codecZstd:
			return t, nil, Unsupportedf("text block codec %d", b.codec)
		case b.codec == codecNone && len(b.data) != want:
			return t, nil, Corruptf("text block: want %d bytes, got %d", want, len(b.data))
		case len(b.data)*maxExpansion < want:
			return t, nil, Corruptf("text block: want bytes for %d of text, got %d", want, len(b.data))
		}
		t.blocks = append(t.blocks, b)
	}
	return t, src, nil
}

// block returns the text of block i.
func (t *packedBlocks) block(i int) ([]byte, error) {
	b := &t.blocks[i]
	if b.text != nil {
		return b.text, nil
	}
	size := min(packedBlockLen, t.size-i*packedBlockLen)
	switch b.codec {
	case codecNone:
		b.text = b.data
	case codecLZ4:
		out := make([]byte, size)
		n, err := lz4.UncompressBlock(b.data, out)
		if err != nil || n != size {
			return nil, Corruptf("text block: want %d bytes of text, got %d: %v", size, n, err)
		}
		b.text = out
	default:
		out, err := decoder().DecodeAll(b.data, make([]byte, 0, size))
		if err != nil || len(out) != size {
			return nil, Corruptf("text block: want %d bytes of text, got %d: %v", size, len(out), err)
		}
		b.text = out
	}
	return b.text, nil
}

// appendSpan appends the bytes [from, to) of the text.
func (t *packedBlocks) appendSpan(dst []byte, from, to int) ([]byte, error) {
	for from < to {
		i := from / packedBlockLen
		b, err := t.block(i)
		if err != nil {
			return dst, err
		}
		at := from - i*packedBlockLen
		n := min(len(b)-at, to-from)
		dst = append(dst, b[at:at+n]...)
		from += n
	}
	return dst, nil
}

var packBuffers = sync.Pool{New: func() any { return new([]byte) }}
