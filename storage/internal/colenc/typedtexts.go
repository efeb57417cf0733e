package colenc

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sync"
	"unsafe"
)

// distinctLimit is the share of texts, of 16, up to which the distinct ones are
// worth a dictionary. Numbers get one only where they are few: they are small
// already.
const (
	distinctLimit   = 12
	distinctNumbers = 256
)

// AppendTypedTexts appends a column of texts in the smallest of the forms that
// they all have: integers, decimals, hexadecimal digits, UUIDs, IPv4 addresses,
// digits, or packed text; texts that repeat are stored once. order, where not
// nil, is a permutation of the indexes in which repeated texts are numbered:
// where neighbours in it share texts, their numbers are close.
func (m Mode) AppendTypedTexts(dst []byte, vals []string, order []int32) []byte {
	if len(vals) == 0 {
		return dst
	}
	if m == Plain {
		return appendRawTexts(dst, vals)
	}
	d := distinctPool.Get().(*distinct)
	defer distinctPool.Put(d)
	if d.find(vals) {
		if order != nil && len(d.entries) > 1<<12 {
			d.renumber(vals, order)
		}
		dst = binary.AppendUvarint(append(dst, textDistinct), uint64(len(d.entries)))
		dst = m.appendForm(dst, d.entries)
		if len(d.entries) > 1 {
			dst = m.Ints(dst, d.indexes)
		}
		return dst
	}
	return m.appendForm(dst, vals)
}

func (m Mode) appendForm(dst []byte, vals []string) []byte {
	if f, ok := formOf(vals); ok {
		return f.append(dst, m)
	}
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
	return appendPackedBlocks(m.Ints(append(dst, textPacked), lengths), text, m)
}

// distinct finds the distinct texts of a column. It is a hash table of indexes
// into entries, sized for half a column and kept for the next one.
type distinct struct {
	slots   []int32
	entries []string
	indexes []int64
	renames []int64
}

var distinctPool = sync.Pool{New: func() any { return new(distinct) }}

func hashText(s string) uint64 {
	n := len(s)
	h := uint64(n) * 0x9e3779b97f4a7c15
	switch {
	case n >= 8:
		p := unsafe.Pointer(unsafe.StringData(s))
		for i := 0; i+8 <= n; i += 8 {
			h = mix(h ^ *(*uint64)(unsafe.Add(p, i)))
		}
		h = mix(h ^ *(*uint64)(unsafe.Add(p, n-8)))
	default:
		for i := 0; i < n; i++ {
			h = h<<8 | h>>56 ^ uint64(s[i])
		}
		h = mix(h)
	}
	return h
}

func mix(h uint64) uint64 {
	hi, lo := bits.Mul64(h^0xa0761d6478bd642f, 0xe7037ed1a0b428db)
	return hi ^ lo
}

// find fills entries and indexes; it reports false where a dictionary does not
// pay.
func (d *distinct) find(vals []string) bool {
	limit := len(vals) * distinctLimit / 16
	if len(vals) > 1 && limit == 0 {
		limit = 1
	}
	if c := firstByte(vals[0]); (c >= '0' && c <= '9' || c == '-') && len(vals[0]) < 20 {
		limit = min(limit, max(distinctNumbers, 1))
		limit = min(limit, max(1, len(vals)/8))
	}
	if limit == 0 {
		return false
	}
	size := 1 << bits.Len(uint(2*limit))
	if cap(d.slots) < size {
		d.slots = make([]int32, size)
	}
	d.slots = d.slots[:size]
	clear(d.slots)
	clear(d.entries)
	d.entries = d.entries[:0]
	d.indexes = slices.Grow(d.indexes[:0], len(vals))[:len(vals)]
	mask := uint64(size - 1)
	last := int64(-1)
	for i, v := range vals {
		if last >= 0 && v == d.entries[last] {
			d.indexes[i] = last
			continue
		}
		at := hashText(v) & mask
		for {
			e := d.slots[at]
			if e == 0 {
				if len(d.entries) == limit {
					return false
				}
				d.entries = append(d.entries, v)
				d.slots[at] = int32(len(d.entries))
				last = int64(len(d.entries) - 1)
				break
			}
			if d.entries[e-1] == v {
				last = int64(e - 1)
				break
			}
			at = (at + 1) & mask
		}
		d.indexes[i] = last
	}
	return true
}

func firstByte(s string) byte {
	if s == "" {
		return 0
	}
	return s[0]
}

// renumber numbers the entries in the order in which a permutation meets them.
func (d *distinct) renumber(vals []string, order []int32) {
	d.renames = slices.Grow(d.renames[:0], len(d.entries))[:len(d.entries)]
	for i := range d.renames {
		d.renames[i] = -1
	}
	n := int64(0)
	entries := make([]string, len(d.entries))
	for _, i := range order {
		if e := d.indexes[i]; d.renames[e] < 0 {
			d.renames[e] = n
			entries[n] = d.entries[e]
			n++
		}
	}
	for i, e := range d.indexes {
		d.indexes[i] = d.renames[e]
	}
	copy(d.entries, entries)
}

// TypedTexts is an opened column of typed texts. Not safe for concurrent use.
type TypedTexts struct {
	n       int
	id      byte
	form    form
	packed  packedBlocks
	ends    []int64
	entries *TypedTexts // of a dictionary
	indexes []int64     // into it; nil where it has one entry
	old     *Texts      // columns of other encodings
}

// OpenTypedTexts opens a column of n texts, of any encoding, at the front of
// src, which must not change while the column is in use. n is trusted.
func OpenTypedTexts(src []byte, n int) (t *TypedTexts, rest []byte, err error) {
	t = new(TypedTexts)
	rest, err = t.open(src, n, true)
	if err != nil {
		return nil, nil, err
	}
	return t, rest, nil
}

func (t *TypedTexts) open(src []byte, n int, dictionary bool) (rest []byte, err error) {
	t.n = n
	if n == 0 {
		return src, nil
	}
	whole := src
	if t.id, src, err = ReadByte(src, "text encoding"); err != nil {
		return nil, err
	}
	switch t.id {
	case textDictionary, textPlain:
		t.old, rest, err = OpenTexts(whole, n)
		return rest, err
	case textDistinct:
		if !dictionary {
			return nil, Corruptf("dictionary: want no dictionary within it")
		}
		count, s, err := ReadUvarint(src, "dictionary entries", uint64(n))
		if err != nil {
			return nil, err
		}
		if count == 0 {
			return nil, Corruptf("dictionary entries: want at least 1, got 0")
		}
		t.entries = new(TypedTexts)
		if src, err = t.entries.open(s, int(count), false); err != nil {
			return nil, err
		}
		if count == 1 {
			return src, nil
		}
		if t.indexes, src, err = DecodeInts(src, n, Numbers(n)); err != nil {
			return nil, err
		}
		for i, at := range t.indexes {
			if uint64(at) >= count {
				return nil, Corruptf("dictionary index of text %d: want below %d, got %d", i, count, at)
			}
		}
		return src, nil
	case textPacked:
		if t.ends, src, err = DecodeInts(src, n, Numbers(n)); err != nil {
			return nil, err
		}
		if t.packed, src, err = openPackedBlocks(src); err != nil {
			return nil, err
		}
		end := int64(0)
		for i, l := range t.ends {
			if l < 0 || l > int64(t.packed.size)-end {
				return nil, Corruptf("length of text %d: want 0 to %d, got %d", i, int64(t.packed.size)-end, l)
			}
			end += l
			t.ends[i] = end
		}
		if end != int64(t.packed.size) {
			return nil, Corruptf("text lengths: want %d bytes in all, got %d", t.packed.size, end)
		}
		return src, nil
	case textHex, textUUID, textIPv4, textInts, textDecimals, textDigits:
		t.form, rest, err = openForm(t.id, src, n)
		return rest, err
	}
	return nil, Unsupportedf("text encoding %d", t.id)
}

// Release gives the column's buffers back; it may not be used any more, nor what
// Dictionary returned.
func (t *TypedTexts) Release() {
	Recycle(t.indexes)
	Recycle(t.ends)
	Recycle(t.form.ints)
	if t.entries != nil {
		t.entries.Release()
	}
	*t = TypedTexts{}
}

// Len returns the number of texts.
func (t *TypedTexts) Len() int { return t.n }

// Dictionary returns the distinct texts and the index of each text among them,
// which is nil where all are the same; ok is false where the column has no
// dictionary.
func (t *TypedTexts) Dictionary() (entries *TypedTexts, indexes []int64, ok bool) {
	return t.entries, t.indexes, t.entries != nil
}

// AppendAt appends text i, which must be in range, to dst.
func (t *TypedTexts) AppendAt(dst []byte, i int) ([]byte, error) {
	switch {
	case t.entries != nil:
		if t.indexes == nil {
			return t.entries.AppendAt(dst, 0)
		}
		return t.entries.AppendAt(dst, int(t.indexes[i]))
	case t.id == textPacked:
		from := int64(0)
		if i > 0 {
			from = t.ends[i-1]
		}
		return t.packed.appendSpan(dst, int(from), int(t.ends[i]))
	case t.old != nil:
		s, err := t.old.Append(nil, i, 1)
		if err != nil {
			return dst, err
		}
		return append(dst, s[0]...), nil
	}
	return t.form.appendAt(dst, i), nil
}

// SizeAt returns the length of text i, which must be in range.
func (t *TypedTexts) SizeAt(i int) (int, error) {
	switch {
	case t.entries != nil:
		if t.indexes == nil {
			return t.entries.SizeAt(0)
		}
		return t.entries.SizeAt(int(t.indexes[i]))
	case t.id == textPacked:
		if i == 0 {
			return int(t.ends[0]), nil
		}
		return int(t.ends[i] - t.ends[i-1]), nil
	}
	var buf [64]byte
	text, err := t.AppendAt(buf[:0], i)
	return len(text), err
}

// Append appends the texts [first, first+count), which must be in range, to
// dst; they lie in memory of their own. On an error dst is returned as it was.
func (t *TypedTexts) Append(dst []string, first, count int) ([]string, error) {
	if count == 0 {
		return dst, nil
	}
	if t.old != nil {
		return t.old.Append(dst, first, count)
	}
	if t.entries != nil && count*2 > t.entries.n {
		entries, err := t.entries.Append(nil, 0, t.entries.n)
		if err != nil {
			return dst, err
		}
		dst = slices.Grow(dst, count)
		for i := range count {
			at := int64(0)
			if t.indexes != nil {
				at = t.indexes[first+i]
			}
			dst = append(dst, entries[at])
		}
		return dst, nil
	}
	var err error
	var text []byte
	ends := make([]int, count)
	for i := range count {
		if text, err = t.AppendAt(text, first+i); err != nil {
			return dst, err
		}
		ends[i] = len(text)
	}
	all := unsafe.String(unsafe.SliceData(text), len(text)) // nobody writes to it any more
	dst = slices.Grow(dst, count)
	from := 0
	for _, end := range ends {
		dst = append(dst, all[from:end])
		from = end
	}
	return dst, nil
}

// Test calls hit with the index of each text of [first, first+count), ascending,
// for which pred holds. A text that a dictionary has is tested once. pred must
// not keep its argument.
func (t *TypedTexts) Test(first, count int, pred func(text []byte) bool, hit func(i int)) error {
	var buf []byte
	var err error
	if t.entries != nil {
		if t.indexes == nil {
			if buf, err = t.entries.AppendAt(nil, 0); err == nil && pred(buf) {
				for i := range count {
					hit(first + i)
				}
			}
			return err
		}
		passed := make([]int8, t.entries.n) // 0 where not tested
		for i := first; i < first+count; i++ {
			at := t.indexes[i]
			if passed[at] == 0 {
				if buf, err = t.entries.AppendAt(buf[:0], int(at)); err != nil {
					return err
				}
				passed[at] = -1
				if pred(buf) {
					passed[at] = 1
				}
			}
			if passed[at] > 0 {
				hit(i)
			}
		}
		return nil
	}
	for i := first; i < first+count; i++ {
		text, err := t.at(buf[:0], i)
		if err != nil {
			return err
		}
		if pred(text) {
			hit(i)
		}
		if cap(text) > cap(buf) && t.id != textPacked {
			buf = text
		}
	}
	return nil
}

// at returns text i, in buf or where it lies.
func (t *TypedTexts) at(buf []byte, i int) ([]byte, error) {
	if t.id == textPacked {
		from := 0
		if i > 0 {
			from = int(t.ends[i-1])
		}
		to := int(t.ends[i])
		if b := from / packedBlockLen; from < to && (to-1)/packedBlockLen == b {
			text, err := t.packed.block(b)
			if err != nil {
				return nil, err
			}
			return text[from-b*packedBlockLen : to-b*packedBlockLen : to-b*packedBlockLen], nil
		}
	}
	return t.AppendAt(buf, i)
}

// Find calls hit for each text, ascending, that is equal to text. Values are
// compared in their encoded form.
func (t *TypedTexts) Find(text string, hit func(i int)) error {
	switch {
	case t.entries != nil:
		at := int64(-1)
		if err := t.entries.Find(text, func(i int) { at = int64(i) }); err != nil || at < 0 {
			return err
		}
		for i := range t.n {
			if t.indexes == nil || t.indexes[i] == at {
				hit(i)
			}
		}
		return nil
	case t.id == textPacked:
		from := int64(0)
		var buf []byte
		var err error
		for i, end := range t.ends {
			if end-from == int64(len(text)) {
				if buf, err = t.packed.appendSpan(buf[:0], int(from), int(end)); err != nil {
					return err
				}
				if string(buf) == text {
					hit(i)
				}
			}
			from = end
		}
		return nil
	case t.old != nil:
		return t.Test(0, t.n, func(b []byte) bool { return string(b) == text }, hit)
	}
	x, raw, ok := t.form.value(text)
	if !ok {
		return nil
	}
	if raw == nil {
		for i, v := range t.form.ints {
			if v == x {
				hit(i)
			}
		}
		return nil
	}
	w := len(raw)
	for i := range t.n {
		if string(t.form.raw[i*w:i*w+w]) == string(raw) {
			hit(i)
		}
	}
	return nil
}

// Kind says, for people, how the column is stored.
func (t *TypedTexts) Kind() string {
	if t.n == 0 {
		return "empty"
	}
	if t.entries != nil {
		return "dictionary of " + t.entries.Kind()
	}
	return map[byte]string{textDictionary: "dictionary", textPlain: "plain", textHex: "hexadecimal", textUUID: "UUID", textIPv4: "IPv4",
		textInts: "integers", textDecimals: "decimals", textDigits: "digits", textPacked: "packed"}[t.id]
}

// Equal compares the column with the texts it was made from: text i lies in all
// from ends[i-1] to ends[i]. A difference is ErrCorrupt.
func (t *TypedTexts) Equal(all []byte, ends []int) error {
	if t.n != len(ends) {
		return Corruptf("texts: want %d, got %d", len(ends), t.n)
	}
	entries, err := []string(nil), error(nil)
	if t.entries != nil {
		if entries, err = t.entries.Append(nil, 0, t.entries.n); err != nil {
			return err
		}
	}
	var buf []byte
	from := 0
	for i, end := range ends {
		want := all[from:end]
		from = end
		if entries != nil {
			at := int64(0)
			if t.indexes != nil {
				at = t.indexes[i]
			}
			if entries[at] != string(want) {
				return Corruptf("text %d: want the one encoded, got another", i)
			}
			continue
		}
		if buf, err = t.AppendAt(buf[:0], i); err != nil {
			return err
		}
		if string(buf) != string(want) {
			return Corruptf("text %d: want the one encoded, got another", i)
		}
	}
	return nil
}

// HexIDs returns the values, 16 bytes each, of a column whose texts are all 32
// lower-case hexadecimal digits; ok is false for others.
func (t *TypedTexts) HexIDs() (raw []byte, ok bool) {
	if t.id != textHex || t.form.upper || t.form.width != 32 {
		return nil, false
	}
	return t.form.raw, true
}
