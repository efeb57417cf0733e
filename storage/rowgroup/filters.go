package rowgroup

import (
	"encoding/binary"
	"math/bits"

	"tidemark/storage/internal/colenc"
	"tidemark/storage/internal/textmatch"
	"tidemark/storage/model"
)

// Filters say of a group, without its columns, that a text is not in it. They
// are Bloom filters (CACM 1970), optional columns of the directory:
//
//	grams    of the three bytes at every place of every variable that can hold
//	         any characters: a text of three bytes or more is in none of them if
//	         any of its own grams is not
//	values   of the distinct values of a text column that has many
//
// A payload is, for values, uvarint length of the field's name and the name; for
// both then the bits, a multiple of 8 of them. A text sets valueProbes, a gram
// gramProbes of them.
const (
	gramBits, gramProbes   = 8, 2
	valueBits, valueProbes = 10, 4

	// maxGramBytes bounds the filter of a group whose variables are all noise.
	maxGramBytes = 64 << 10
	// manyValues is the number of distinct values from which on a column has a
	// filter: fewer are found sooner than it.
	manyValues = 1 << 10
)

type bloom []byte

// places calls f with the places of a hash: double hashing (Kirsch and
// Mitzenmacher 2006), reduced by multiplication.
func (b bloom) places(h uint64, probes int, f func(i uint64) bool) bool {
	n := uint64(len(b)) * 8
	step := bits.RotateLeft64(h, 32) | 1
	for range probes {
		i, _ := bits.Mul64(h, n)
		if !f(i) {
			return false
		}
		h += step
	}
	return true
}

func (b bloom) add(h uint64, probes int) {
	b.places(h, probes, func(i uint64) bool { b[i>>3] |= 1 << (i & 7); return true })
}

func (b bloom) has(h uint64, probes int) bool {
	return b.places(h, probes, func(i uint64) bool { return b[i>>3]>>(i&7)&1 != 0 })
}

// hashGram mixes three bytes; the constants are those of splitmix64.
func hashGram(g uint32) uint64 { return mix(uint64(g) + 0x9e3779b97f4a7c15) }

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// hashValue is stored: it must never change.
func hashValue(s []byte) uint64 {
	h := uint64(len(s))
	for len(s) >= 8 {
		h = mix(h ^ binary.LittleEndian.Uint64(s))
		s = s[8:]
	}
	var last uint64
	for i, c := range s {
		last |= uint64(c) << (8 * i)
	}
	return mix(h ^ last)
}

// gramSet collects grams: a bit for each there can be.
type gramSet struct {
	seen []uint64
	list []uint32
}

func (s *gramSet) add(text string) {
	for i := 0; i+3 <= len(text); i++ {
		g := uint32(text[i]) | uint32(text[i+1])<<8 | uint32(text[i+2])<<16
		if s.seen[g>>6]>>(g&63)&1 == 0 {
			s.seen[g>>6] |= 1 << (g & 63)
			s.list = append(s.list, g)
		}
	}
}

// appendGrams appends the payload of kindGrams for the variables of the lines.
func (s *shaped) appendGrams(dst []byte, lines *arena) []byte {
	g := &s.grams
	if g.seen == nil {
		g.seen = make([]uint64, 1<<24/64)
	}
	all := lines.text()
	for t, kinds := range s.kinds {
		for k, kind := range kinds {
			if !textmatch.Open(kind) {
				continue
			}
			last := ""
			for _, r := range s.rows[t] {
				v := s.vars[s.first[r]+uint32(k)]
				if text := all[v.from:v.to]; text != last {
					g.add(text)
					last = text
				}
			}
		}
	}
	b := make(bloom, min(max(1, (len(g.list)*gramBits+7)/8), maxGramBytes))
	for _, x := range g.list {
		b.add(hashGram(x), gramProbes)
		g.seen[x>>6] &^= 1 << (x & 63)
	}
	g.list = g.list[:0]
	return append(dst, b...)
}

// appendValues appends the payload of kindValues for a column's payload of
// texts; it reports false where the column needs none.
func appendValues(dst []byte, name string, texts []byte, n int) ([]byte, bool) {
	t, _, err := colenc.OpenTypedTexts(texts, n)
	if err != nil {
		return dst, false // Verify will say so
	}
	if entries, _, ok := t.Dictionary(); ok {
		t = entries
	}
	if t.Len() < manyValues {
		return dst, false
	}
	dst = binary.AppendUvarint(dst, uint64(len(name)))
	dst = append(dst, name...)
	b := make(bloom, (t.Len()*valueBits+7)/8)
	var buf []byte
	for i := range t.Len() {
		if buf, err = t.AppendAt(buf[:0], i); err != nil {
			return dst, false
		}
		b.add(hashValue(buf), valueProbes)
	}
	return append(dst, b...), true
}

// MayContain reports whether a variable that can hold any characters may have
// text in it: false means that none has.
func (g *Group) MayContain(text string) (bool, error) {
	if g.grams == nil || len(text) < 3 {
		return true, nil
	}
	p, err := g.grams.open()
	if err != nil {
		return false, err
	}
	b := bloom(p)
	for i := 0; i+3 <= len(text); i++ {
		if !b.has(hashGram(uint32(text[i])|uint32(text[i+1])<<8|uint32(text[i+2])<<16), gramProbes) {
			return false, nil
		}
	}
	return true, nil
}

// MayHave reports whether a value of the field may be equal to text: false means
// that none is.
func (g *Group) MayHave(name, text string) (bool, error) {
	for i := range g.named(name) {
		if g.named(name)[i].Type != model.TypeText {
			return true, nil
		}
	}
	for i := range g.values {
		field, b, err := valueFilter(&g.values[i])
		if err != nil {
			return false, err
		}
		if field == name {
			return b.has(hashValue([]byte(text)), valueProbes), nil
		}
	}
	return true, nil
}

// valueFilter reads a payload of kindValues.
func valueFilter(e *entry) (name string, b bloom, err error) {
	p, err := e.open()
	if err != nil {
		return "", nil, err
	}
	n, p, err := colenc.ReadUvarint(p, "name of a filter", uint64(len(p)))
	if err != nil {
		return "", nil, err
	}
	if uint64(len(p)) <= n {
		return "", nil, colenc.Corruptf("filter of field %q: want bits, got none", p[:min(n, uint64(len(p)))])
	}
	return string(p[:n]), bloom(p[n:]), nil
}
