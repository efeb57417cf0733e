package storage

import (
	"fmt"

	"tidemark/storage/chunk"
	"tidemark/storage/rowgroup"
)

// encoders are what a flush encodes with: chunk; and compaction, which has more
// time and is the last to touch a chunk: best. Tests put broken ones in their
// place.
type encoders struct {
	chunk func(dst []byte, c *chunk.Column) []byte
	best  func(dst []byte, c *chunk.Column) []byte
	group func(b *rowgroup.Builder, dst []byte) []byte
	// bestGroup is to group as best is to chunk.
	bestGroup func(b *rowgroup.Builder, dst []byte) []byte
}

func defaultEncoders() encoders {
	return encoders{chunk: chunk.AppendFast, best: chunk.Append, group: (*rowgroup.Builder).Append, bestGroup: (*rowgroup.Builder).AppendBest}
}

// encoder encodes and verifies. It is not safe for concurrent use.
type encoder struct {
	db      *DB
	best    bool   // rather small than soon
	buf     []byte // what was encoded last
	decoded chunk.Column
}

// encodeChunk encodes a column into e.buf and verifies it.
//
// Whatever is encoded is decoded and compared before the log may forget it: the
// encoders choose among many forms, and a mistake in one of them would give
// bytes with a good checksum and wrong values. What they get wrong, or panic
// over, is written plainly instead; what even that does not keep fails the
// flush, and stays in the log.
func (e *encoder) encodeChunk(c *chunk.Column) error {
	what := func() string { return fmt.Sprintf("chunk of %d %s samples from %d on", c.Len(), c.Type, c.Times[0]) }
	return e.encode(what, func(plain bool) error {
		switch {
		case plain:
			e.buf = chunk.AppendPlain(e.buf[:0], c)
		case e.best:
			e.buf = e.db.encoders.best(e.buf[:0], c)
		default:
			e.buf = e.db.encoders.chunk(e.buf[:0], c)
		}
		return chunk.Verify(e.buf, c, &e.decoded)
	})
}

// encodeGroup is encodeChunk for a row group.
func (e *encoder) encodeGroup(b *rowgroup.Builder) error {
	what := func() string { return fmt.Sprintf("row group of %d rows", b.Rows()) }
	return e.encode(what, func(plain bool) error {
		switch {
		case plain:
			e.buf = b.AppendPlain(e.buf[:0])
		case e.best:
			e.buf = e.db.encoders.bestGroup(b, e.buf[:0])
		default:
			e.buf = e.db.encoders.group(b, e.buf[:0])
		}
		return b.Verify(e.buf)
	})
}

func (e *encoder) encode(what func() string, try func(plain bool) error) error {
	err := guarded(try, false)
	if err == nil {
		return nil
	}
	e.db.n.encodingFaults.Add(1)
	e.db.opts.EventListener(Event{Kind: EventEncodingFault, Detail: what(), Err: err})
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
