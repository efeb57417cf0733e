package rowgroup

import (
	"hash/crc32"
	"sort"

	"tidemark/storage/internal/colenc"
	"tidemark/storage/model"
)

// open verifies the checksum, once, and returns the payload.
func (e *entry) open() ([]byte, error) {
	if e.encoding != encodingPlain {
		return nil, colenc.Unsupportedf("column encoding %d", e.encoding)
	}
	if e.payload == nil && e.group != nil && e.Size > 0 {
		part, err := e.group.part(e.part)
		if err != nil {
			return nil, err
		}
		if e.offset+e.Size > len(part) {
			return nil, colenc.Corruptf("part %d: want %d bytes, got %d", e.part, e.offset+e.Size, len(part))
		}
		e.payload = part[e.offset : e.offset+e.Size : e.offset+e.Size]
	}
	if !e.verified {
		if got := crc32.Checksum(e.payload, castagnoli); got != e.checksum {
			return nil, colenc.Corruptf("checksum: want %08x, got %08x", e.checksum, got)
		}
		e.verified = true
	}
	return e.payload, nil
}

// decoded reports whether decode has succeeded.
func (e *entry) decoded() bool { return e.bits != nil || e.texts != nil }

// decode decodes presence and numbers, and opens texts.
func (e *entry) decode() error {
	src, err := e.open()
	if err != nil {
		return err
	}
	var present []int64
	if span := e.Last - e.First + 1; e.Present < span {
		var words []uint64
		if words, src, err = colenc.DecodeBools(src, span, colenc.Words(span)); err != nil {
			return err
		}
		present = colenc.Numbers(e.Present)
		for i, w := range words {
			if w == 0 {
				continue
			}
			if len(present) == e.Present {
				return colenc.Corruptf("presence: want %d rows, got more", e.Present)
			}
			present = append(present, int64(e.First+i))
		}
		if len(present) < e.Present {
			return colenc.Corruptf("presence: want %d rows, got %d", e.Present, len(present))
		}
		colenc.RecycleWords(words)
	}
	var bits []uint64
	var texts *colenc.TypedTexts
	switch e.Type {
	case model.TypeFloat:
		bits, src, err = colenc.DecodeFloats(src, e.Present, colenc.Words(e.Present))
	case model.TypeInt:
		bits, src, err = colenc.DecodeWords(src, e.Present, colenc.Words(e.Present))
	case model.TypeBool:
		bits, src, err = colenc.DecodeBools(src, e.Present, colenc.Words(e.Present))
	case model.TypeText:
		texts, src, err = colenc.OpenTypedTexts(src, e.Present)
	default:
		err = colenc.Unsupportedf("type %s", e.Type)
	}
	if err != nil {
		return err
	}
	if len(src) > 0 {
		return colenc.Corruptf("want no byte after the values, got %d", len(src))
	}
	e.present, e.bits, e.texts = present, bits, texts
	return nil
}

// release gives the buffers of what was decoded back.
func (e *entry) release() {
	colenc.Recycle(e.present)
	colenc.RecycleWords(e.bits)
	colenc.Recycle(e.times)
	if e.texts != nil {
		e.texts.Release()
	}
	e.present, e.bits, e.texts, e.times = nil, nil, nil, nil
}

// index returns how many rows before row have a value.
func (e *entry) index(row int) int {
	if e.present == nil {
		return min(max(row-e.First, 0), e.Present)
	}
	return sort.Search(len(e.present), func(i int) bool { return e.present[i] >= int64(row) })
}

// row returns the row of value i.
func (e *entry) row(i int) int {
	if e.present == nil {
		return e.First + i
	}
	return int(e.present[i])
}

// values puts the column's values in rows from first on into vals, one per row,
// and leaves the others alone.
func (e *entry) values(first int, vals []model.Value) error {
	if e.First >= first+len(vals) || e.Last < first {
		return nil
	}
	if !e.decoded() {
		if err := e.decode(); err != nil {
			return err
		}
	}
	from, to := e.index(first), e.index(first+len(vals))
	if e.Type != model.TypeText {
		for i := from; i < to; i++ {
			vals[e.row(i)-first] = model.Value{Type: e.Type, Bits: e.bits[i]}
		}
		return nil
	}
	texts, err := e.texts.Append(nil, from, to-from)
	if err != nil {
		return err
	}
	for i, s := range texts {
		vals[e.row(from+i)-first] = model.Value{Type: model.TypeText, Text: s}
	}
	return nil
}

// appendTexts appends the texts of a column that every row has.
func (e *entry) appendTexts(dst []string, first, count int) ([]string, error) {
	if !e.decoded() {
		if err := e.decode(); err != nil {
			return dst, err
		}
	}
	return e.texts.Append(dst, first, count)
}
