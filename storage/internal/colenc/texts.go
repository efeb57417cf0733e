package colenc

import (
	"encoding/binary"
	"slices"
	"unsafe"
)

// Encodings of a text column. Zero is never written.
const (
	textDictionary = 1 // uvarint entries, lengths (ints), blocks, indexes (ints) where entries > 1
	textPlain      = 2 // lengths (ints), blocks
	// Typed texts; see typedtexts.go and forms.go.
	textDistinct = 3  // uvarint entries, entries (texts, no dictionary), indexes (ints) where entries > 1
	textHex      = 4  // case (1 byte), uvarint digits, half a byte a digit
	textUUID     = 5  // 16 bytes each
	textIPv4     = 6  // ints of 32 bits
	textInts     = 7  // ints
	textDecimals = 8  // decimals (1 byte), ints
	textDigits   = 9  // digits (1 byte), ints
	textPacked   = 10 // lengths (ints), packed blocks
	// 11 to 63 are reserved.
)

// A column is given up for a dictionary once at least dictionaryTrial texts have
// been seen and more than every second was new.
const dictionaryTrial = 256

// AppendTexts appends a column of texts, which may hold any bytes: as a
// dictionary where at least every second text repeats an earlier one, else
// as compressed blocks.
func AppendTexts(dst []byte, vals []string) []byte {
	n := len(vals)
	if n == 0 {
		return dst
	}
	if entries, indexes := dictionary(vals); entries != nil {
		dst = binary.AppendUvarint(append(dst, textDictionary), uint64(len(entries)))
		dst = appendTexts(dst, entries)
		if len(entries) > 1 {
			dst = AppendInts(dst, indexes)
		}
		return dst
	}
	return appendTexts(append(dst, textPlain), vals)
}

// dictionary returns the distinct texts, in order of their first appearance, and
// the index of each text among them; nil where a dictionary does not pay.
func dictionary(vals []string) (entries []string, indexes []int64) {
	limit := len(vals) / 2
	if limit == 0 {
		return nil, nil
	}
	seen := make(map[string]int64, min(limit, 64))
	indexes = make([]int64, len(vals))
	for i, v := range vals {
		at, ok := seen[v]
		if !ok {
			if len(entries) == limit || i >= dictionaryTrial && len(entries) > i/2 {
				return nil, nil
			}
			at = int64(len(entries))
			seen[v] = at
			entries = append(entries, v)
		}
		indexes[i] = at
	}
	return entries, indexes
}

// appendTexts appends lengths and blocks.
func appendTexts(dst []byte, vals []string) []byte {
	lengths := make([]int64, len(vals))
	size := 0
	for i, v := range vals {
		lengths[i] = int64(len(v))
		size += len(v)
	}
	text := make([]byte, 0, size)
	for _, v := range vals {
		text = append(text, v...)
	}
	return appendTextBlocks(AppendInts(dst, lengths), text)
}

// Texts is a column of texts that has been opened: its lengths or indexes are
// decoded, its texts are decompressed when asked for.
type Texts struct {
	blocks  textBlocks
	ends    []int64 // where each text, or each entry of the dictionary, ends
	entries []string
	indexes []int64
	n       int
}

// OpenTexts opens a column of n texts at the front of src, which must not change
// while the column is in use. n is trusted: the caller has bounded it.
func OpenTexts(src []byte, n int) (t *Texts, rest []byte, err error) {
	t = &Texts{n: n}
	if n == 0 {
		return t, src, nil
	}
	id, src, err := ReadByte(src, "text encoding")
	if err != nil {
		return nil, nil, err
	}
	switch id {
	case textPlain:
		if src, err = t.open(src, n); err != nil {
			return nil, nil, err
		}
	case textDictionary:
		count, s, err := ReadUvarint(src, "dictionary entries", uint64(n))
		if err != nil {
			return nil, nil, err
		}
		if count == 0 {
			return nil, nil, Corruptf("dictionary entries: want at least 1, got 0")
		}
		if src, err = t.open(s, int(count)); err != nil {
			return nil, nil, err
		}
		if t.entries, err = t.slice(nil, 0, int(count)); err != nil {
			return nil, nil, err
		}
		if count == 1 {
			break
		}
		if t.indexes, src, err = DecodeInts(src, n, nil); err != nil {
			return nil, nil, err
		}
		for i, at := range t.indexes {
			if uint64(at) >= count {
				return nil, nil, Corruptf("dictionary index of text %d: want below %d, got %d", i, count, at)
			}
		}
	default:
		return nil, nil, Unsupportedf("text encoding %d", id)
	}
	return t, src, nil
}

// open reads lengths and blocks of n texts.
func (t *Texts) open(src []byte, n int) (rest []byte, err error) {
	if t.ends, src, err = DecodeInts(src, n, nil); err != nil {
		return nil, err
	}
	if t.blocks, src, err = openTextBlocks(src); err != nil {
		return nil, err
	}
	end := int64(0)
	for i, l := range t.ends {
		if l < 0 || l > int64(t.blocks.size)-end {
			return nil, Corruptf("length of text %d: want 0 to %d, got %d", i, int64(t.blocks.size)-end, l)
		}
		end += l
		t.ends[i] = end
	}
	if end != int64(t.blocks.size) {
		return nil, Corruptf("text lengths: want %d bytes in all, got %d", t.blocks.size, end)
	}
	return src, nil
}

// slice appends count texts from the first on, cut from one new piece of memory.
func (t *Texts) slice(dst []string, first, count int) ([]string, error) {
	if count == 0 {
		return dst, nil
	}
	from := int64(0)
	if first > 0 {
		from = t.ends[first-1]
	}
	b, err := t.blocks.span(int(from), int(t.ends[first+count-1]))
	if err != nil {
		return dst, err
	}
	// b is new and nobody else's, and from here on nobody writes to it.
	text := unsafe.String(unsafe.SliceData(b), len(b))
	dst = slices.Grow(dst, count)
	last := int64(0)
	for _, end := range t.ends[first : first+count] {
		end -= from
		dst = append(dst, text[last:end])
		last = end
	}
	return dst, nil
}

// Len returns the number of texts.
func (t *Texts) Len() int { return t.n }

// Append appends the texts [first, first+count), which must be in range, to dst.
// It decompresses only the blocks they lie in; of those it keeps the last. What
// it appends lies in memory of its own. On an error dst is returned as it was.
// Not safe for concurrent use.
func (t *Texts) Append(dst []string, first, count int) ([]string, error) {
	switch {
	case t.indexes != nil:
		dst = slices.Grow(dst, count)
		for _, at := range t.indexes[first : first+count] {
			dst = append(dst, t.entries[at])
		}
		return dst, nil
	case t.entries != nil:
		dst = slices.Grow(dst, count)
		for range count {
			dst = append(dst, t.entries[0])
		}
		return dst, nil
	}
	return t.slice(dst, first, count)
}

// DecodeTexts appends a column of n texts from the front of src to dst. On an
// error dst is returned as it was.
func DecodeTexts(src []byte, n int, dst []string) (_ []string, rest []byte, err error) {
	t, rest, err := OpenTexts(src, n)
	if err != nil {
		return dst, nil, err
	}
	out, err := t.Append(dst, 0, n)
	if err != nil {
		return dst, nil, err
	}
	return out, rest, nil
}
