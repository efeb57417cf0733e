// Package salvage makes a damaged table of Pebble's readable again. It refuses to
// know what keys and values mean, and who uses the table meanwhile.
//
// The manifest of an index knows the length of each table and which keys it
// spans, but nothing of what is within. So a table is replaced by another of the
// same length that has every entry which can still be read, under the same
// internal keys: the same engine opens it as if it had been written so.
//
// # What is done
//
// Every block of a table has a CRC-32C, and so has the footer. Where one is
// wrong,
//
//   - a single flipped bit is found by the checksum and flipped back
//     (package bitflip): nothing is lost;
//   - of data blocks that stay unreadable the entries are left out, and the keys
//     between which they lay are told: the table is written anew without them,
//     and made as long as it was by bytes before its footer, which nothing
//     refers to;
//   - filters are made anew;
//   - where the index, the properties or the footer stay unreadable, everything in
//     the table is lost.
package salvage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/sstable/colblk"

	"tidemark/storage/internal/bitflip"
)

// Options say how a store writes its tables.
type Options struct {
	Merger *pebble.Merger
	// Level has the block size and the filter.
	Level pebble.LevelOptions
}

// Lost is a stretch of keys of which entries are lost.
type Lost struct {
	// After and Before bound the keys, exclusively; nil is no bound. Whether one of
	// them is the key of a lost entry that had another sequence number cannot be told.
	After, Before []byte
	Why           error
}

// Report says what was found in a table.
type Report struct {
	// Flipped counts the bits that were flipped back.
	Flipped int
	Lost    []Lost
	// Whole says that everything is lost.
	Whole bool
}

// Sound says that nothing is wrong with the table.
func (r *Report) Sound() bool { return r.Flipped == 0 && len(r.Lost) == 0 && !r.Whole }

// Table looks at a table's bytes, and returns those of one of the same length
// that can be read, or nil where it is sound. It changes b. Memory is a few times that
// of the table.
func Table(b []byte, o Options) (out []byte, rep Report, err error) {
	t := &table{b: b, o: o}
	defer func() {
		if r := recover(); r != nil { // of Pebble's, from bytes that pass for a block
			err = fmt.Errorf("panic: %v", r)
		}
		if t.r != nil {
			err = errors.Join(err, t.r.Close())
		}
	}()
	bad, why := t.check()
	rep.Flipped = t.flipped
	switch {
	case why != nil:
		rep.Whole, rep.Lost = true, []Lost{{Why: why}}
		out, err = t.write(nil)
		return out, rep, err
	case !bad && t.flipped > 0:
		return b, rep, nil
	case !bad:
		return nil, rep, nil
	}
	out, err = t.write(&rep)
	return out, rep, err
}

// table is one table at hand.
type table struct {
	b       []byte
	o       Options
	r       *sstable.Reader
	flipped int
	// blocks are the data blocks, each with the separator behind it.
	blocks []dataBlock
}

type dataBlock struct {
	separator []byte
	why       error // it cannot be read
}

// check goes over all checksums and mends what it can. bad says that a block is left
// that cannot be read, why that the whole table cannot.
func (t *table) check() (bad bool, why error) {
	meta, index, err := t.footer()
	if err != nil {
		return false, err
	}
	for _, h := range []block.Handle{meta, index} {
		if err := t.block(h); err != nil {
			return false, err
		}
	}
	if h := t.properties(meta); h.Length > 0 {
		if err := t.block(h); err != nil {
			return false, err
		}
	}
	if t.r, err = sstable.NewMemReader(t.b, sstable.ReaderOptions{Mergers: sstable.Mergers{t.o.Merger.Name: t.o.Merger}}); err != nil {
		return false, err
	}
	// Parts of an index are mended before the layout is read from them.
	if t.r.Attributes.Has(sstable.AttributeTwoLevelIndex) {
		entries, err := t.entries(index)
		if err != nil {
			return false, err
		}
		for _, e := range entries {
			if err := t.block(e.handle); err != nil {
				return false, err
			}
		}
	}
	l, err := t.r.Layout()
	if err != nil {
		return false, err
	}
	for _, h := range append([]block.Handle{l.RangeDel, l.RangeKey, l.ValueIndex, l.BlobReferenceIndex}, l.ValueBlock...) {
		if h.Length > 0 {
			if err := t.block(h); err != nil {
				return false, err
			}
		}
	}
	for _, f := range l.Filter {
		bad = t.block(f.Handle) != nil || bad
	}
	for _, h := range l.Index {
		entries, err := t.entries(h)
		if err != nil {
			return false, err
		}
		for _, e := range entries {
			why := t.block(e.handle)
			bad = bad || why != nil
			t.blocks = append(t.blocks, dataBlock{e.separator, why})
		}
	}
	return bad, nil
}

// The footer of tables from Pebble's format 7 on: the kind of checksum (1), the
// handles of the metaindex and the index (40, padded), attributes (4), its own
// checksum (4), the version (4) and a magic number (8).
const (
	footerSize   = 61
	footerSum    = footerSize - 16
	footerMagic  = "\xf0\x9f\xaa\xb3\xf0\x9f\xaa\xb3"
	blockTrailer = block.TrailerLen // kind of compression (1), checksum (4)
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is how Pebble writes a CRC-32C.
func masked(c uint32) uint32 { return (c>>15 | c<<17) + 0xa282ead8 }

func unmasked(m uint32) uint32 {
	c := m - 0xa282ead8
	return c<<15 | c>>17
}

// footer reads the footer, and mends it.
func (t *table) footer() (meta, index block.Handle, err error) {
	if len(t.b) < footerSize {
		return meta, index, fmt.Errorf("%d bytes, want at least %d", len(t.b), footerSize)
	}
	at := len(t.b) - footerSize
	summed := append(bytes.Clone(t.b[at:at+footerSum]), t.b[at+footerSum+4:]...)
	stored := t.b[at+footerSum:]
	if masked(crc32.Checksum(summed, castagnoli)) != binary.LittleEndian.Uint32(stored) {
		if bit, ok := bitflip.Find(summed, unmasked(binary.LittleEndian.Uint32(stored))); ok {
			if bit >= 8*footerSum {
				bit += 32
			}
			bitflip.Flip(t.b[at:], bit)
		} else if !mendSum(stored, crc32.Checksum(summed, castagnoli)) {
			return meta, index, errors.New("the footer's checksum is wrong")
		}
		t.flipped++
	}
	f := t.b[at:]
	if string(f[footerSize-8:]) != footerMagic || f[0] != byte(block.ChecksumTypeCRC32c) {
		return meta, index, fmt.Errorf("footer %x: want one of a table of this program", f)
	}
	meta, n := block.DecodeHandle(f[1:])
	if n == 0 {
		return meta, index, errors.New("footer: no handle")
	}
	index, n = block.DecodeHandle(f[1+n:])
	if n == 0 {
		return meta, index, errors.New("footer: no handle of the index")
	}
	return meta, index, nil
}

// mendSum flips back the one bit of a stored checksum, if one is flipped.
func mendSum(stored []byte, sum uint32) bool {
	diff := binary.LittleEndian.Uint32(stored) ^ masked(sum)
	if diff == 0 || diff&(diff-1) != 0 {
		return false
	}
	binary.LittleEndian.PutUint32(stored, masked(sum))
	return true
}

// block checks a block, and mends it.
func (t *table) block(h block.Handle) error {
	if h.Length > uint64(len(t.b)) || h.Offset > uint64(len(t.b)) || h.Offset+h.Length+blockTrailer > uint64(len(t.b)) {
		return fmt.Errorf("block at %d of %d bytes lies outside of the table", h.Offset, h.Length)
	}
	b := t.b[h.Offset : h.Offset+h.Length+blockTrailer]
	summed, stored := b[:h.Length+1], b[h.Length+1:]
	sum := crc32.Checksum(summed, castagnoli)
	if masked(sum) == binary.LittleEndian.Uint32(stored) {
		return nil
	}
	if bit, ok := bitflip.Find(summed, unmasked(binary.LittleEndian.Uint32(stored))); ok {
		bitflip.Flip(summed, bit)
	} else if !mendSum(stored, sum) {
		return fmt.Errorf("block at %d of %d bytes has a wrong checksum", h.Offset, h.Length)
	}
	t.flipped++
	return nil
}

// properties finds the block of properties, without which no reader is made.
func (t *table) properties(meta block.Handle) block.Handle {
	var d colblk.KeyValueBlockDecoder
	d.Init(bytes.Clone(t.b[meta.Offset : meta.Offset+meta.Length]))
	for k, v := range d.All() {
		if string(k) == "rocksdb.properties" {
			h, _ := block.DecodeHandle(v)
			return h
		}
	}
	return block.Handle{}
}

type indexEntry struct {
	separator []byte
	handle    block.Handle
}

// entries decodes an index block whose checksum is right.
func (t *table) entries(h block.Handle) (out []indexEntry, err error) {
	raw := t.b[h.Offset : h.Offset+h.Length]
	kind := block.CompressionIndicator(t.b[h.Offset+h.Length])
	n, err := block.DecompressedLen(kind, raw)
	if err != nil {
		return nil, err
	}
	if n > bitflip.MaxBytes {
		return nil, fmt.Errorf("index block of %d bytes", n)
	}
	data := bytes.Clone(raw)
	if kind != block.NoCompressionIndicator {
		data = make([]byte, n)
		if err := block.DecompressInto(kind, raw, data); err != nil {
			return nil, err
		}
	}
	var it colblk.IndexIter
	if err := it.Init(pebble.DefaultComparer, data, block.NoTransforms); err != nil {
		return nil, err
	}
	for ok := it.First(); ok; ok = it.Next() {
		bh, err := it.BlockHandleWithProperties()
		if err != nil {
			return nil, err
		}
		out = append(out, indexEntry{bytes.Clone(it.Separator()), bh.Handle})
	}
	return out, it.Close()
}

// write writes what can be read into a table of the same length, and nothing at
// all where rep is nil.
func (t *table) write(rep *Report) ([]byte, error) {
	var last error
	// Without its damaged blocks a table is mostly shorter; where only a filter was
	// damaged, or blocks are cut differently, it may be a little longer.
	for _, o := range []struct {
		filter      bool
		compression *sstable.CompressionProfile
	}{{true, nil}, {false, nil}, {false, sstable.ZstdCompression}} {
		var buf buffer
		wo := sstable.WriterOptions{BlockSize: t.o.Level.BlockSize, MergerName: t.o.Merger.Name, TableFormat: sstable.TableFormatMax, Compression: o.compression}
		if o.filter {
			wo.FilterPolicy = t.o.Level.FilterPolicy
		}
		if t.r != nil {
			if f, err := t.r.TableFormat(); err == nil {
				wo.TableFormat = f
			}
		}
		w := sstable.NewRawWriter(&buf, wo)
		if rep != nil {
			rep.Lost = rep.Lost[:0]
			if err := t.copy(w, rep); err != nil {
				return nil, errors.Join(err, w.Close())
			}
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		if out := buf.Bytes(); len(out) <= len(t.b) {
			return pad(out, len(t.b)), nil
		}
		last = fmt.Errorf("what is left takes %d bytes, the table has %d", buf.Len(), len(t.b))
	}
	return nil, last
}

// pad makes a table longer by bytes before its footer.
func pad(b []byte, size int) []byte {
	out := make([]byte, size)
	copy(out, b[:len(b)-footerSize])
	copy(out[size-footerSize:], b[len(b)-footerSize:])
	return out
}

// copy copies the entries of the readable blocks, and tells what is between them.
func (t *table) copy(w sstable.RawWriter, rep *Report) (err error) {
	var prev []byte // the last key that was copied
	open := false   // the last stretch of lost keys has no end yet
	for i := 0; i < len(t.blocks); {
		if why := t.blocks[i].why; why != nil {
			if !open {
				rep.Lost = append(rep.Lost, Lost{After: bytes.Clone(prev), Why: why})
				open = true
			}
			i++
			continue
		}
		end := i // of the readable stretch
		for end < len(t.blocks) && t.blocks[end].why == nil {
			end++
		}
		var from []byte
		if i > 0 {
			from = append(bytes.Clone(t.blocks[i-1].separator), 0)
		}
		first, last, err := t.stretch(w, from, t.blocks[end-1].separator)
		if err != nil {
			return err
		}
		if first != nil {
			if open {
				rep.Lost[len(rep.Lost)-1].Before = first
				open = false
			}
			prev = last
		}
		i = end
	}
	return t.spans(w)
}

// stretch copies the entries from a key on, which lies behind what cannot be read,
// up to a separator, inclusive.
func (t *table) stretch(w sstable.RawWriter, from, to []byte) (first, last []byte, err error) {
	it, err := t.r.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	if err != nil {
		return nil, nil, err
	}
	// Stepping over the end looks at the next block, whose damage is known.
	defer func() { _ = it.Close() }()
	cur := it.First()
	if from != nil {
		cur = it.SeekGE(from, 0)
	}
	for ; cur != nil && bytes.Compare(cur.K.UserKey, to) <= 0; cur = it.Next() {
		v, _, err := cur.Value(nil)
		if err != nil {
			return nil, nil, err
		}
		if err := w.Add(cur.K, v, false); err != nil {
			return nil, nil, err
		}
		if first == nil {
			first = bytes.Clone(cur.K.UserKey)
		}
		last = append(last[:0], cur.K.UserKey...)
	}
	return first, last, nil
}

// spans copies deletions of ranges.
func (t *table) spans(w sstable.RawWriter) error {
	it, err := t.r.NewRawRangeDelIter(context.Background(), sstable.NoFragmentTransforms, sstable.NoReadEnv)
	if err != nil || it == nil {
		return err
	}
	defer it.Close()
	s, err := it.First()
	for ; s != nil && err == nil; s, err = it.Next() {
		if err := w.EncodeSpan(*s); err != nil {
			return err
		}
	}
	return err
}

// buffer is a table in memory.
type buffer struct{ bytes.Buffer }

func (b *buffer) Write(p []byte) error {
	_, err := b.Buffer.Write(p)
	return err
}

func (b *buffer) Finish() error { return nil }
func (b *buffer) Abort()        {}
