package colenc

import (
	"encoding/binary"
)

// A Mode says how columns are encoded: the decoders take any.
type Mode uint8

const (
	// Smallest chooses the smallest encoding, as the Append functions do.
	Smallest Mode = iota
	// Fast looks at a sample to choose, and does not try what seldom pays.
	Fast
	// Plain writes values as they are and chooses nothing. It is for columns
	// that Smallest was seen to get wrong: large, and too simple to fail in
	// the same way.
	Plain
	// Best is Smallest with the slow level of general compression, for what is
	// written once more and then kept.
	Best
)

// Ints is AppendInts in the mode.
func (m Mode) Ints(dst []byte, vals []int64) []byte { return appendInts(dst, vals, 0, m, false) }

// IntsFrom is AppendIntsFrom in the mode.
func (m Mode) IntsFrom(dst []byte, base int64, vals []int64) []byte {
	return appendInts(dst, vals, base, m, false)
}

// Words is AppendWords in the mode.
func (m Mode) Words(dst []byte, words []uint64) []byte { return m.Ints(dst, signed(words)) }

// Floats is AppendFloats in the mode.
func (m Mode) Floats(dst []byte, words []uint64) []byte { return appendFloats(dst, words, m) }

// Bools is AppendBools in the mode.
func (m Mode) Bools(dst []byte, words []uint64) []byte {
	if m == Plain {
		return appendBitmap(dst, words)
	}
	return AppendBools(dst, words)
}

// Texts is AppendTexts in the mode.
func (m Mode) Texts(dst []byte, vals []string) []byte {
	if m == Plain {
		return appendRawTexts(dst, vals)
	}
	return AppendTexts(dst, vals)
}

// appendRawInts appends integers of 8 bytes each; no value counts from a base.
func appendRawInts(dst []byte, vals []int64) []byte {
	if len(vals) == 0 {
		return dst
	}
	dst = append(dst, intRaw)
	for _, v := range vals {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(v))
	}
	return dst
}

// rawInts fills out from integers of 8 bytes each.
func rawInts(out []int64, src []byte) {
	for i := range out {
		out[i] = int64(binary.LittleEndian.Uint64(src[8*i:]))
	}
}

func appendRawFloats(dst []byte, words []uint64) []byte {
	if len(words) == 0 {
		return dst
	}
	dst = append(dst, floatRaw)
	for _, w := range words {
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	return dst
}

func appendBitmap(dst []byte, words []uint64) []byte {
	if len(words) == 0 {
		return dst
	}
	dst = append(dst, boolBitmap)
	at := len(dst)
	dst = append(dst, make([]byte, (len(words)+7)/8)...)
	for i, w := range words {
		dst[at+i/8] |= byte(w&1) << (i % 8)
	}
	return dst
}

// appendRawTexts appends plain texts with raw lengths and blocks as they are.
func appendRawTexts(dst []byte, vals []string) []byte {
	if len(vals) == 0 {
		return dst
	}
	lengths := make([]int64, len(vals))
	for i, v := range vals {
		lengths[i] = int64(len(v))
	}
	dst = appendRawInts(append(dst, textPlain), lengths)
	var text []byte
	for _, v := range vals {
		text = append(text, v...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	for len(text) > 0 {
		n := min(textBlockLen, len(text))
		dst = binary.AppendUvarint(dst, uint64(n)<<1)
		dst = append(dst, text[:n]...)
		text = text[n:]
	}
	return dst
}
