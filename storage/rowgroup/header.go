package rowgroup

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"tidemark/storage/internal/colenc"
)

// Version is the version that Builder.Append writes.
//
//   - 1: the first.
const Version = 1

// Offsets of the fixed fields.
const (
	offChecksum = 0
	offVersion  = 4
	offFlags    = 5
	offLevel    = 6
	offFill     = 7
	offHeadLen  = 8
	fixedLen    = 12
)

// seal fills in the length of the head, which dst ends with, and its checksum.
func seal(head []byte) {
	binary.LittleEndian.PutUint32(head[offHeadLen:], uint32(len(head)))
	binary.LittleEndian.PutUint32(head, crc32.Checksum(head[offVersion:], castagnoli))
}

// Seal recomputes the checksums of an encoded group in place, as far as its
// directory can be read. Append has done so; it is for tools that change a
// group's bytes, and for tests.
func Seal(group []byte) {
	head, err := headOf(group)
	if err != nil {
		return
	}
	_ = walkDirectory(head, group[len(head):], func(e *entry, sum []byte) error {
		binary.LittleEndian.PutUint32(sum, crc32.Checksum(e.payload, castagnoli))
		return nil
	})
	binary.LittleEndian.PutUint32(head, crc32.Checksum(head[offVersion:], castagnoli))
}

// headOf returns the head of a group: everything before the payloads.
func headOf(src []byte) ([]byte, error) {
	if len(src) < fixedLen {
		return nil, colenc.Corruptf("header: want at least %d bytes, got %d", fixedLen, len(src))
	}
	switch v := src[offVersion]; {
	case v == 0:
		return nil, colenc.Corruptf("version: want at least 1, got 0")
	case v > Version:
		return nil, colenc.Unsupportedf("version: want at most %d, got %d", Version, v)
	}
	if f := src[offFlags]; f != 0 {
		return nil, colenc.Unsupportedf("flags: want none, got %02x", f)
	}
	n := binary.LittleEndian.Uint32(src[offHeadLen:])
	if n < fixedLen || uint64(n) > uint64(len(src)) {
		return nil, colenc.Corruptf("head length: want %d to %d, got %d", fixedLen, len(src), n)
	}
	return src[:n:n], nil
}

// levelBest is the level of a group that compaction need not write again.
const levelBest = 1

// State is what a head says of how its group was written.
type State struct {
	// Best is set by AppendBest and AppendPlain.
	Best bool
	// Fill is how much of a full group the rows take, above 0 and up to 1, by
	// their number, their bytes or their columns before encoding; 0 where the
	// writer did not say.
	Fill float64
}

// ReadState reads the state from the front of a group's head, and checks no
// more than it has to.
func ReadState(head []byte) (State, error) {
	if _, err := headOf(head); err != nil {
		return State{}, fmt.Errorf("row group: %w", err)
	}
	return State{Best: head[offLevel] == levelBest, Fill: float64(head[offFill]) / math.MaxUint8}, nil
}

// counts are the first fields after the fixed ones.
type counts struct {
	rows, runs, columns int
	mint, maxt          int64
}

func (c *counts) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(c.rows))
	dst = binary.AppendUvarint(dst, uint64(c.runs))
	dst = binary.AppendUvarint(dst, uint64(c.columns))
	dst = binary.AppendVarint(dst, c.mint)
	return binary.AppendUvarint(dst, uint64(c.maxt)-uint64(c.mint))
}

func decodeCounts(src []byte) (c counts, rest []byte, err error) {
	rows, src, err := colenc.ReadUvarint(src, "rows", MaxRows)
	if err != nil {
		return c, nil, err
	}
	if rows == 0 {
		return c, nil, colenc.Corruptf("rows: want at least 1, got 0")
	}
	runs, src, err := colenc.ReadUvarint(src, "runs", rows)
	if err != nil {
		return c, nil, err
	}
	if runs == 0 {
		return c, nil, colenc.Corruptf("runs: want at least 1, got 0")
	}
	columns, src, err := colenc.ReadUvarint(src, "columns", uint64(len(src))/minEntryLen)
	if err != nil {
		return c, nil, err
	}
	mint, src, err := colenc.ReadVarint(src, "mint")
	if err != nil {
		return c, nil, err
	}
	span, src, err := colenc.ReadUvarint(src, "time span", 1<<64-1)
	if err != nil {
		return c, nil, err
	}
	c = counts{rows: int(rows), runs: int(runs), columns: int(columns), mint: mint, maxt: mint + int64(span)}
	if c.maxt < mint {
		return c, nil, colenc.Corruptf("time span: want a maxt after %d, got %d more", mint, span)
	}
	return c, src, nil
}

// walkDirectory calls visit for every entry of the directory with its payload
// and the place of its checksum; payloads is what follows the head.
func walkDirectory(head, payloads []byte, visit func(e *entry, sum []byte) error) error {
	_, _, err := readHead(head, payloads, visit)
	return err
}

// readHead reads everything in the head. Where payloads is nil they lie apart,
// in parts, and the entries say where.
func readHead(head, payloads []byte, visit func(e *entry, sum []byte) error) (c counts, runs []Run, err error) {
	c, src, err := decodeCounts(head[fixedLen:])
	if err != nil {
		return c, nil, err
	}
	if runs, src, err = decodeRuns(src, c.runs, c.rows, c.mint, c.maxt); err != nil {
		return c, nil, err
	}
	values, limit := 0, len(payloads)
	var cut cutter
	for range c.columns {
		if payloads == nil {
			limit = maxDetached
		}
		e, rest, err := decodeEntry(src, c.rows, limit)
		if err != nil {
			return c, nil, err
		}
		if e.kind == kindField {
			values += e.Present
		}
		if values > MaxValues {
			return c, nil, colenc.Corruptf("values of all fields: want at most %d, got more", MaxValues)
		}
		sum := src[len(src)-len(rest)-4:][:4]
		if payloads == nil {
			e.part, e.offset = cut.next(e.Size)
		} else {
			e.payload, payloads = payloads[:e.Size:e.Size], payloads[e.Size:]
			limit -= e.Size
		}
		if err := visit(&e, sum); err != nil {
			return c, nil, err
		}
		src = rest
	}
	if len(src) > 0 {
		return c, nil, colenc.Corruptf("head: want no byte after the directory, got %d", len(src))
	}
	if len(payloads) > 0 {
		return c, nil, colenc.Corruptf("group: want no byte after the last column, got %d", len(payloads))
	}
	return c, runs, nil
}
