package colenc

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
)

// form is how texts that are all written alike are stored as values.
type form struct {
	id    byte
	upper bool // hexadecimal digits
	width int  // digits of each text, or decimals
	ints  []int64
	raw   []byte // width-sized values one after another
}

// formOf finds the form that all texts have; ok is false where there is none.
// The text of every form follows from its value, byte for byte.
func formOf(vals []string) (f form, ok bool) {
	switch s := vals[0]; {
	case len(s) == 0:
		return f, false
	case len(s) == uuidLen && s[8] == '-':
		return uuidForm(vals)
	case len(s) >= 8 && len(s) <= 256 && hexDigits(s, false):
		if f, ok = hexForm(vals, false); ok {
			return f, true
		}
	case len(s) >= 8 && len(s) <= 256 && hexDigits(s, true):
		if f, ok = hexForm(vals, true); ok {
			return f, true
		}
	}
	if c := vals[0][0]; c != '-' && (c < '0' || c > '9') {
		return f, false
	}
	if f, ok = intForm(vals); ok {
		return f, true
	}
	if f, ok = decimalForm(vals); ok {
		return f, true
	}
	if f, ok = ipForm(vals); ok {
		return f, true
	}
	return digitForm(vals)
}

const uuidLen = 36

func hexDigits(s string, upper bool) bool {
	a := byte('a')
	if upper {
		a = 'A'
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < a || c > a+5) {
			return false
		}
	}
	return true
}

func hexForm(vals []string, upper bool) (form, bool) {
	n := len(vals[0])
	for _, v := range vals {
		if len(v) != n || !hexDigits(v, upper) {
			return form{}, false
		}
	}
	f := form{id: textHex, upper: upper, width: n, raw: make([]byte, 0, len(vals)*((n+1)/2))}
	for _, v := range vals {
		f.raw = appendNibbles(f.raw, v)
	}
	return f, true
}

// appendNibbles packs hexadecimal digits of either case, the last one alone
// where their number is odd.
func appendNibbles(dst []byte, s string) []byte {
	for len(s) >= 2 {
		dst = append(dst, nibble[s[0]]<<4|nibble[s[1]])
		s = s[2:]
	}
	if len(s) == 1 {
		dst = append(dst, nibble[s[0]]<<4)
	}
	return dst
}

var nibble = func() (t [256]byte) {
	for i := range 10 {
		t['0'+i] = byte(i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = byte(10+i), byte(10+i)
	}
	return t
}()

func isUUID(s string) bool {
	return len(s) == uuidLen && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' &&
		hexDigits(s[:8], false) && hexDigits(s[9:13], false) && hexDigits(s[14:18], false) && hexDigits(s[19:23], false) && hexDigits(s[24:], false)
}

func uuidForm(vals []string) (form, bool) {
	for _, v := range vals {
		if !isUUID(v) {
			return form{}, false
		}
	}
	f := form{id: textUUID, width: 32, raw: make([]byte, 0, len(vals)*16)}
	for _, v := range vals {
		f.raw = appendUUID(f.raw, v)
	}
	return f, true
}

func appendUUID(dst []byte, v string) []byte {
	for _, part := range [5]string{v[:8], v[9:13], v[14:18], v[19:23], v[24:]} {
		dst = appendNibbles(dst, part)
	}
	return dst
}

// canonicalInt reads s if strconv prints its value the same way.
func canonicalInt(s string) (int64, bool) {
	d := s
	if len(d) > 0 && d[0] == '-' {
		d = d[1:]
	}
	if len(d) == 0 || len(d) > 19 || d[0] == '0' && len(s) > 1 {
		return 0, false
	}
	u := uint64(0)
	for i := 0; i < len(d); i++ {
		c := d[i] - '0'
		if c > 9 {
			return 0, false
		}
		u = u*10 + uint64(c)
	}
	if len(d) == 19 && (u>>63 != 0) { // 19 digits do not overflow a uint64
		return 0, false
	}
	if len(d) < len(s) {
		return -int64(u), true
	}
	return int64(u), true
}

func intForm(vals []string) (form, bool) {
	f := form{id: textInts, ints: make([]int64, len(vals))}
	for i, v := range vals {
		var ok bool
		if f.ints[i], ok = canonicalInt(v); !ok {
			return form{}, false
		}
	}
	return f, true
}

// canonicalDecimal reads -?(0|[1-9]digits).digits with at most 18 digits in all
// and without "-0.000".
func canonicalDecimal(s string, decimals int) (int64, bool) {
	dot := len(s) - 1 - decimals
	if dot < 1 || len(s) > 20 || s[dot] != '.' {
		return 0, false
	}
	whole := s[:dot]
	neg := whole[0] == '-'
	if neg {
		whole = whole[1:]
	}
	if len(whole) == 0 || whole[0] == '0' && len(whole) > 1 || len(whole)+decimals > 18 {
		return 0, false
	}
	v := int64(0)
	for _, part := range [2]string{whole, s[dot+1:]} {
		for i := 0; i < len(part); i++ {
			c := part[i] - '0'
			if c > 9 {
				return 0, false
			}
			v = v*10 + int64(c)
		}
	}
	if neg {
		if v == 0 {
			return 0, false
		}
		v = -v
	}
	return v, true
}

func decimalForm(vals []string) (form, bool) {
	decimals := 0
	for i := len(vals[0]) - 1; i >= 0 && vals[0][i] != '.'; i-- {
		decimals++
	}
	if decimals == 0 || decimals >= len(vals[0])-1 || decimals > 17 {
		return form{}, false
	}
	f := form{id: textDecimals, width: decimals, ints: make([]int64, len(vals))}
	for i, v := range vals {
		var ok bool
		if f.ints[i], ok = canonicalDecimal(v, decimals); !ok {
			return form{}, false
		}
	}
	return f, true
}

// parseIPv4 reads a dotted quad without leading zeros.
func parseIPv4(s string) (v int64, ok bool) {
	for part := 0; part < 4; part++ {
		if part > 0 {
			if len(s) == 0 || s[0] != '.' {
				return 0, false
			}
			s = s[1:]
		}
		n, x := 0, int64(0)
		for n < len(s) && n < 4 && s[n]-'0' <= 9 {
			x = x*10 + int64(s[n]-'0')
			n++
		}
		if n == 0 || n > 3 || x > 255 || n > 1 && s[0] == '0' {
			return 0, false
		}
		v = v<<8 | x
		s = s[n:]
	}
	return v, len(s) == 0
}

func appendIPv4(dst []byte, v int64) []byte {
	for shift := 24; shift >= 0; shift -= 8 {
		dst = strconv.AppendInt(dst, v>>shift&255, 10)
		if shift > 0 {
			dst = append(dst, '.')
		}
	}
	return dst
}

func ipForm(vals []string) (form, bool) {
	f := form{id: textIPv4, ints: make([]int64, len(vals))}
	for i, v := range vals {
		var ok bool
		if f.ints[i], ok = parseIPv4(v); !ok {
			return form{}, false
		}
	}
	return f, true
}

// digitForm is of equally many digits each, leading zeros included.
func digitForm(vals []string) (form, bool) {
	n := len(vals[0])
	if n > 18 {
		return form{}, false
	}
	f := form{id: textDigits, width: n, ints: make([]int64, len(vals))}
	for i, v := range vals {
		if len(v) != n {
			return form{}, false
		}
		x := int64(0)
		for k := 0; k < n; k++ {
			c := v[k] - '0'
			if c > 9 {
				return form{}, false
			}
			x = x*10 + int64(c)
		}
		f.ints[i] = x
	}
	return f, true
}

var powersOf10 = func() (t [19]int64) {
	t[0] = 1
	for i := 1; i < len(t); i++ {
		t[i] = t[i-1] * 10
	}
	return t
}()

func appendPadded(dst []byte, v int64, width int) []byte {
	for p := width - 1; p >= 0; p-- {
		dst = append(dst, byte('0'+v/powersOf10[p]%10))
	}
	return dst
}

// append appends the encoded form.
func (f *form) append(dst []byte, mode Mode) []byte {
	dst = append(dst, f.id)
	switch f.id {
	case textHex:
		up := byte(0)
		if f.upper {
			up = 1
		}
		dst = binary.AppendUvarint(append(dst, up), uint64(f.width))
		return append(dst, f.raw...)
	case textUUID:
		return append(dst, f.raw...)
	case textDecimals, textDigits:
		dst = append(dst, byte(f.width))
	}
	return mode.Ints(dst, f.ints)
}

// openForm opens n texts of form id at the front of src.
func openForm(id byte, src []byte, n int) (f form, rest []byte, err error) {
	f.id = id
	switch id {
	case textHex:
		up, s, err := ReadByte(src, "case of digits")
		if err != nil {
			return f, nil, err
		}
		if up > 1 {
			return f, nil, Corruptf("case of digits: want 0 or 1, got %d", up)
		}
		f.upper = up == 1
		w, s, err := ReadUvarint(s, "digits", 256)
		if err != nil {
			return f, nil, err
		}
		if w == 0 {
			return f, nil, Corruptf("digits: want at least 1, got 0")
		}
		f.width = int(w)
		f.raw, rest, err = ReadBytes(s, "hexadecimal values", uint64(n*((f.width+1)/2)))
		return f, rest, err
	case textUUID:
		f.width = 32
		f.raw, rest, err = ReadBytes(src, "UUIDs", uint64(n*16))
		return f, rest, err
	case textDecimals, textDigits:
		w, s, err := ReadByte(src, "width of numbers")
		if err != nil {
			return f, nil, err
		}
		if w == 0 || w > 18 {
			return f, nil, Corruptf("width of numbers: want 1 to 18, got %d", w)
		}
		f.width, src = int(w), s
	}
	f.ints, rest, err = DecodeInts(src, n, Numbers(n))
	if err != nil {
		return f, nil, err
	}
	switch id {
	case textIPv4:
		for i, v := range f.ints {
			if v < 0 || v > 1<<32-1 {
				return f, nil, Corruptf("address %d: want at most 32 bits, got %d", i, v)
			}
		}
	case textDigits:
		for i, v := range f.ints {
			if v < 0 || v >= powersOf10[f.width] {
				return f, nil, Corruptf("digits of text %d: want at most %d, got %d", i, f.width, v)
			}
		}
	}
	return f, rest, nil
}

// appendAt appends text i.
func (f *form) appendAt(dst []byte, i int) []byte {
	switch f.id {
	case textInts:
		return strconv.AppendInt(dst, f.ints[i], 10)
	case textDecimals:
		v := f.ints[i]
		u := uint64(v)
		if v < 0 {
			dst = append(dst, '-')
			u = -u
		}
		p := uint64(powersOf10[f.width])
		dst = append(strconv.AppendUint(dst, u/p, 10), '.')
		return appendPadded(dst, int64(u%p), f.width)
	case textIPv4:
		return appendIPv4(dst, f.ints[i])
	case textDigits:
		return appendPadded(dst, f.ints[i], f.width)
	case textUUID:
		b := f.raw[16*i : 16*i+16]
		for k, part := range [5][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:]} {
			if k > 0 {
				dst = append(dst, '-')
			}
			dst = hex.AppendEncode(dst, part)
		}
		return dst
	}
	size := (f.width + 1) / 2
	digits := "0123456789abcdef"
	if f.upper {
		digits = "0123456789ABCDEF"
	}
	for k, b := range f.raw[size*i : size*(i+1)] {
		dst = append(dst, digits[b>>4])
		if 2*k+1 < f.width {
			dst = append(dst, digits[b&15])
		}
	}
	return dst
}

// value returns the encoded value of a text, for comparison; ok is false where
// no text of the form is written like that.
func (f *form) value(s string) (x int64, raw []byte, ok bool) {
	switch f.id {
	case textInts:
		x, ok = canonicalInt(s)
	case textDecimals:
		x, ok = canonicalDecimal(s, f.width)
	case textIPv4:
		x, ok = parseIPv4(s)
	case textDigits:
		if len(s) != f.width {
			return 0, nil, false
		}
		for k := 0; k < len(s); k++ {
			if s[k]-'0' > 9 {
				return 0, nil, false
			}
			x = x*10 + int64(s[k]-'0')
		}
		ok = true
	case textUUID:
		if ok = isUUID(s); ok {
			raw = appendUUID(nil, s)
		}
	case textHex:
		if ok = len(s) == f.width && hexDigits(s, f.upper); ok {
			raw = appendNibbles(nil, s)
		}
	}
	return x, raw, ok
}
