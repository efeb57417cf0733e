package storage

import (
	"fmt"

	"tidemark/storage/chunk"
	"tidemark/storage/rowgroup"
)

// encoders are what a flush encodes with. Tests put broken ones in their
// place.
type encoders struct {
	chunk func(dst []byte, c *chunk.Column) []byte
	group func(b *rowgroup.Builder, dst []byte) []byte
}

func defaultEncoders() encoders {
	return encoders{chunk: chunk.Append, group: (*rowgroup.Builder).Append}
}

// encodeChunk encodes a column into f.buf and verifies it.
//
// Whatever is encoded is decoded and compared before the log may forget it: the
// encoders choose among many forms, and a mistake in one of them would give
// bytes with a good checksum and wrong values. What they get wrong, or panic
// over, is written plainly instead; what even that does not keep fails the
// flush, and stays in the log.
func (f *flush) encodeChunk(c *chunk.Column) error {
	what := func() string { return fmt.Sprintf("chunk of %d %s samples from %d on", c.Len(), c.Type, c.Times[0]) }
	return f.encode(what, func(plain bool) error {
		if plain {
			f.buf = chunk.AppendPlain(f.buf[:0], c)
		} else {
			f.buf = f.db.encoders.chunk(f.buf[:0], c)
		}
		return chunk.Verify(f.buf, c, &f.decoded)
	})
}

// encodeGroup is encodeChunk for a row group.
func (f *flush) encodeGroup(b *rowgroup.Builder) error {
	what := func() string { return fmt.Sprintf("row group of %d rows", b.Rows()) }
	return f.encode(what, func(plain bool) error {
		if plain {
			f.buf = b.AppendPlain(f.buf[:0])
		} else {
			f.buf = f.db.encoders.group(b, f.buf[:0])
		}
		return b.Verify(f.buf)
	})
}

func (f *flush) encode(what func() string, try func(plain bool) error) error {
	err := guarded(try, false)
	if err == nil {
		return nil
	}
	f.db.n.encodingFaults.Add(1)
	f.db.opts.EventListener(Event{Kind: EventEncodingFault, Detail: what(), Err: err})
	if err := guarded(try, true); err != nil {
		return fmt.Errorf("%s: written plainly: %w", what(), err)
	}
	return nil
}

// guarded makes an error of a panic.
func guarded(try func(bool) error, plain bool) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return try(plain)
}
