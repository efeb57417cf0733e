package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/cockroachdb/pebble/v2/record"
)

// replay reads one segment.
type replay struct {
	l           *Segments
	seg         *segment
	want        uint64 // the next position
	o           *ReplayOptions
	visit       func(segment, pos uint64, rec []byte) error
	done, total int64
}

// damage reports damage: as an error, or to the callback when salvaging.
func (r *replay) damage(err error) error {
	if !r.o.Salvage {
		return err
	}
	if r.o.Damaged != nil {
		r.o.Damaged(err)
	}
	return nil
}

func (r *replay) run() error {
	path := r.l.path(r.seg.first)
	f, err := r.l.fs.Open(path)
	if err != nil {
		return fmt.Errorf("open log segment %s: %w", path, err)
	}
	defer f.Close()
	rd := newReader(record.NewReader, f)
	var buf bytes.Buffer
	reported := int64(0)
	for {
		start := rd.Offset()
		buf.Reset()
		rr, err := rd.Next()
		if err == nil {
			_, err = io.Copy(&buf, io.LimitReader(rr, MaxRecord+headerSize+1))
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil && unreadable(err):
			return r.ended(f, path, start)
		case err != nil:
			return fmt.Errorf("read log segment %s at %d: %w", path, start, err)
		}
		rec := buf.Bytes()
		if len(rec) < headerSize || len(rec) > MaxRecord+headerSize {
			return r.damage(fmt.Errorf("%w: segment %s at %d: record of %d bytes", ErrDamaged, path, start, len(rec)))
		}
		pos := binary.LittleEndian.Uint64(rec)
		if pos != r.want {
			return r.damage(fmt.Errorf("%w: segment %s at %d: position %d, want %d", ErrDamaged, path, start, pos, r.want))
		}
		r.want++
		if pos > r.o.After {
			if err := r.visit(r.seg.first, pos, rec[headerSize:]); err != nil {
				return fmt.Errorf("log segment %s at %d, position %d: %w", path, start, pos, err)
			}
		}
		if off := rd.Offset(); r.o.Progress != nil && off-reported >= 1<<20 {
			reported = off
			r.o.Progress(r.done+off, r.total)
		}
	}
}

func unreadable(err error) bool {
	return errors.Is(err, record.ErrInvalidChunk) || errors.Is(err, record.ErrZeroedChunk) ||
		errors.Is(err, record.ErrUnexpectedEOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

const blockSize = 32 << 10

// ended looks behind the record at offset start, which cannot be read, for one
// that proves that it had been durable.
func (r *replay) ended(f io.ReaderAt, path string, start int64) error {
	proven := func(rec []byte) bool {
		return len(rec) >= headerSize &&
			binary.LittleEndian.Uint64(rec) > r.want &&
			binary.LittleEndian.Uint64(rec[8:]) >= r.want
	}
	// A damaged length hides where chunks begin, so every offset is tried; few
	// pass the look at the header that precedes the checksum.
	block := make([]byte, blockSize)
	for at := start / blockSize * blockSize; at < r.seg.size.Load(); at += blockSize {
		n, err := f.ReadAt(block, at)
		if err != nil && err != io.EOF {
			return fmt.Errorf("read log segment %s at %d: %w", path, at, err)
		}
		for i := int(max(0, start+1-at)); i < n; i++ {
			if body, ok := firstChunk(block[i:n]); ok && proven(body) {
				return r.damage(fmt.Errorf("%w: segment %s at %d: record %d cannot be read, and later ones say it was synced", ErrDamaged, path, start, r.want))
			}
		}
	}
	return nil
}

// Encodings of the first chunk of a record in Pebble's recyclable format:
// checksum (4), length (2), encoding (1), log number (4), payload.
const (
	chunkHeader = 11
	chunkFull   = 5
	chunkFirst  = 6
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// firstChunk returns the payload of the chunk that begins b, if b begins with
// a valid first or only chunk of a record.
func firstChunk(b []byte) ([]byte, bool) {
	if len(b) < chunkHeader || b[6] != chunkFull && b[6] != chunkFirst || binary.LittleEndian.Uint32(b[7:]) != logNum {
		return nil, false
	}
	n := int(binary.LittleEndian.Uint16(b[4:]))
	if n > len(b)-chunkHeader {
		return nil, false
	}
	c := crc32.Checksum(b[6:chunkHeader+n], castagnoli)
	if (c>>15|c<<17)+0xa282ead8 != binary.LittleEndian.Uint32(b) {
		return nil, false
	}
	return b[chunkHeader : chunkHeader+n], true
}
