package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/internal/bitflip"
)

// Damage is what cannot be read of a log although it had been durable: the
// records from First to Last, or what was made good.
type Damage struct {
	First, Last uint64
	// Mended says that a single flipped bit was found by the checksum: the record
	// First is whole.
	Mended bool
	// Path is the segment's; it is empty where a whole segment is missing.
	Path string
	Err  error // of kind ErrDamaged
}

// replay reads one segment.
type replay struct {
	l           *Segments
	seg         *segment
	want        uint64 // the next position
	o           *ReplayOptions
	visit       func(segment, pos uint64, rec []byte) error
	done, total int64
	reported    int64
}

// missing reports that positions have no segment: as an error, or to the
// callback when salvaging.
func (o *ReplayOptions) missing(first, last uint64, format string, args ...any) error {
	d := Damage{First: first, Last: last, Err: fmt.Errorf("%w: "+format, append([]any{ErrDamaged}, args...)...)}
	if !o.Salvage {
		return d.Err
	}
	return o.tell(d)
}

// tell passes damage on.
func (o *ReplayOptions) tell(d Damage) error {
	if o.Damaged == nil {
		return d.Err
	}
	return o.Damaged(d)
}

func (r *replay) run() error {
	path := r.l.path(r.seg.first)
	f, err := r.l.fs.Open(path)
	if err != nil {
		return fmt.Errorf("open log segment %s: %w", path, err)
	}
	defer f.Close()
	end, err := r.sound(f, path)
	if err != nil || end < 0 {
		return err
	}
	return r.salvage(f, path, end)
}

// sound reads records up to the first that cannot be read, and returns its offset,
// or -1 where the segment ends.
func (r *replay) sound(f vfs.File, path string) (int64, error) {
	rd := newReader(record.NewReader, f)
	var buf bytes.Buffer
	for {
		start := rd.Offset()
		buf.Reset()
		rr, err := rd.Next()
		if err == nil {
			_, err = io.Copy(&buf, io.LimitReader(rr, MaxRecord+headerSize+1))
		}
		switch {
		case err == io.EOF:
			return -1, nil
		case err != nil && unreadable(err):
			return start, nil
		case err != nil:
			return -1, fmt.Errorf("read log segment %s at %d: %w", path, start, err)
		}
		if rec := buf.Bytes(); len(rec) < headerSize || len(rec) > MaxRecord+headerSize || binary.LittleEndian.Uint64(rec) != r.want {
			return start, nil
		}
		if err := r.record(path, start, buf.Bytes()); err != nil {
			return -1, err
		}
		r.progress(rd.Offset())
	}
}

// record visits a record at the position wanted.
func (r *replay) record(path string, at int64, rec []byte) error {
	pos := r.want
	r.want++
	if pos <= r.o.After {
		return nil
	}
	if err := r.visit(r.seg.first, pos, rec[headerSize:]); err != nil {
		return fmt.Errorf("log segment %s at %d, position %d: %w", path, at, pos, err)
	}
	return nil
}

func (r *replay) progress(off int64) {
	if r.o.Progress != nil && off-r.reported >= 1<<20 {
		r.reported = off
		r.o.Progress(r.done+off, r.total)
	}
}

// salvage goes on at the record at an offset, which cannot be read. It is read
// nevertheless where a single flipped bit is why. Else, where later ones prove
// that it had been durable, they are read, and what lies between is damage.
// Otherwise the log was never finished there, and ends.
func (r *replay) salvage(f vfs.File, path string, at int64) error {
	s := scanner{f: f, size: r.seg.size.Load()}
	for {
		rec, end, ok, err := s.record(at, true)
		if err != nil {
			return fmt.Errorf("read log segment %s at %d: %w", path, at, err)
		}
		if ok && s.mended > 0 && binary.LittleEndian.Uint64(rec) == r.want {
			d := Damage{First: r.want, Last: r.want, Mended: true, Path: path,
				Err: fmt.Errorf("%w: segment %s at %d: record %d had a flipped bit", ErrDamaged, path, at, r.want)}
			if r.want > r.o.After {
				if err := r.o.tell(d); err != nil {
					return err
				}
			}
			if err := r.record(path, at, rec); err != nil {
				return err
			}
			if at, err = r.onward(&s, path, end); err != nil {
				return err
			}
			continue
		}
		next, pos, proven, err := s.behind(at, r.want)
		if err != nil {
			return fmt.Errorf("read log segment %s at %d: %w", path, at, err)
		}
		if !proven {
			return nil
		}
		d := Damage{First: r.want, Last: pos - 1, Path: path,
			Err: fmt.Errorf("%w: segment %s at %d: records %d to %d cannot be read, and later ones say they were synced", ErrDamaged, path, at, r.want, pos-1)}
		if pos-1 > r.o.After {
			if err := r.o.tell(d); err != nil {
				return err
			}
		}
		r.want = pos
		if at, err = r.onward(&s, path, next); err != nil {
			return err
		}
	}
}

// onward reads records from an offset on, and returns that of the first that cannot
// be read.
func (r *replay) onward(s *scanner, path string, at int64) (int64, error) {
	for {
		rec, end, ok, err := s.record(at, false)
		if err != nil {
			return at, fmt.Errorf("read log segment %s at %d: %w", path, at, err)
		}
		if !ok || binary.LittleEndian.Uint64(rec) != r.want {
			return at, nil
		}
		if err := r.record(path, at, rec); err != nil {
			return at, err
		}
		at = end
		r.progress(at)
	}
}

func unreadable(err error) bool {
	return errors.Is(err, record.ErrInvalidChunk) || errors.Is(err, record.ErrZeroedChunk) ||
		errors.Is(err, record.ErrUnexpectedEOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

const blockSize = 32 << 10

// scanner reads records wherever they are, for behind damage neither lengths nor
// blocks can be trusted to lead to the next.
type scanner struct {
	f     io.ReaderAt
	size  int64
	block []byte
	at    int64 // of the block

	mended int // bits of the record that was read last
}

// load returns the block that an offset lies in, from the offset on.
func (s *scanner) load(off int64) ([]byte, error) {
	start := off / blockSize * blockSize
	if s.block == nil || s.at != start {
		if s.block == nil {
			s.block = make([]byte, blockSize)
		}
		s.block = s.block[:blockSize]
		n, err := s.f.ReadAt(s.block, start)
		if err != nil && err != io.EOF {
			s.block = nil
			return nil, err
		}
		s.block, s.at = s.block[:n], start
	}
	if i := off - start; i < int64(len(s.block)) {
		return s.block[i:], nil
	}
	return nil, nil
}

// behind looks behind an offset for the first record that begins there with a
// position above want, and for one that says that want had been durable.
func (s *scanner) behind(at int64, want uint64) (next int64, pos uint64, proven bool, err error) {
	next = -1
	// A damaged length hides where chunks begin, so every offset is tried; few
	// pass the look at the header that precedes the checksum.
	for off := at + 1; off < s.size; off++ {
		b, err := s.load(off)
		if err != nil {
			return 0, 0, false, err
		}
		body, kind, _ := chunkAt(b)
		if kind != chunkFull && kind != chunkFirst || len(body) < headerSize {
			continue
		}
		p, durable := binary.LittleEndian.Uint64(body), binary.LittleEndian.Uint64(body[8:])
		if p <= want {
			continue
		}
		if next < 0 {
			if _, _, ok, err := s.record(off, false); err != nil {
				return 0, 0, false, err
			} else if ok {
				next, pos = off, p
			}
		}
		if durable >= want {
			proven = true
		}
		if proven && next >= 0 {
			return next, pos, true, nil
		}
	}
	if proven { // by the first chunk of a record that cannot be read whole
		return s.size, want + 1, true, nil
	}
	return 0, 0, false, nil
}

// record reads the record that begins at an offset and returns where the next
// one may begin. ok is false where there is none. With mend, it makes good one
// flipped bit in each of the record's chunks.
func (s *scanner) record(off int64, mend bool) (rec []byte, end int64, ok bool, err error) {
	s.mended = 0
	for first := true; ; first = false {
		if blockSize-off%blockSize < chunkHeader {
			off += blockSize - off%blockSize
		}
		b, err := s.load(off)
		if err != nil {
			return nil, 0, false, err
		}
		body, kind, n := chunkAt(b)
		if n == 0 && mend && mendChunk(b) {
			s.mended++
			body, kind, n = chunkAt(b)
		}
		if n == 0 || first != (kind == chunkFull || kind == chunkFirst) || len(rec)+len(body) > MaxRecord+headerSize {
			return nil, 0, false, nil
		}
		rec = append(rec, body...)
		off += int64(n)
		if kind == chunkFull || kind == chunkLast {
			return rec, off, len(rec) >= headerSize, nil
		}
	}
}

// Encodings of a chunk in Pebble's recyclable format: checksum (4), length (2),
// encoding (1), log number (4), payload.
const (
	chunkHeader = 11
	chunkFull   = 5
	chunkFirst  = 6
	chunkMiddle = 7
	chunkLast   = 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// mendChunk flips back the one bit of the chunk that begins b, if one is flipped.
func mendChunk(b []byte) bool {
	if len(b) < chunkHeader || allZero(b[:chunkHeader]) {
		return false
	}
	stored := func() uint32 {
		c := binary.LittleEndian.Uint32(b) - 0xa282ead8
		return c<<15 | c>>17
	}
	sound := func() bool { _, _, n := chunkAt(b); return n > 0 }
	if n := int(binary.LittleEndian.Uint16(b[4:])); n <= len(b)-chunkHeader {
		if bit, ok := bitflip.Find(b[6:chunkHeader+n], stored()); ok {
			bitflip.Flip(b[6:], bit)
			return sound()
		}
	}
	for bit := range 48 { // of the checksum and the length
		bitflip.Flip(b, bit)
		if sound() {
			return true
		}
		bitflip.Flip(b, bit)
	}
	return false
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// chunkAt returns the payload, encoding and length of the chunk that begins b;
// the length is 0 where none does.
func chunkAt(b []byte) (body []byte, kind byte, size int) {
	if len(b) < chunkHeader || b[6] < chunkFull || b[6] > chunkLast || binary.LittleEndian.Uint32(b[7:]) != logNum {
		return nil, 0, 0
	}
	n := int(binary.LittleEndian.Uint16(b[4:]))
	if n > len(b)-chunkHeader {
		return nil, 0, 0
	}
	c := crc32.Checksum(b[6:chunkHeader+n], castagnoli)
	if (c>>15|c<<17)+0xa282ead8 != binary.LittleEndian.Uint32(b) {
		return nil, 0, 0
	}
	return b[chunkHeader : chunkHeader+n], b[6], chunkHeader + n
}
