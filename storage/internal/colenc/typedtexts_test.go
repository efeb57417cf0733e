package colenc

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func typedColumns() map[string][]string {
	cols := map[string][]string{
		"empty texts": {"", "", ""}, "one": {"x"}, "one empty": {""}, "same": {"abc", "abc", "abc", "abc"},
		"integers": {"0", "-1", "9223372036854775807", "-9223372036854775808"}, "no integers": {"0", "-0", "01"}, "too large": {"9223372036854775808", "1"},
		"decimals": {"0.50", "-1.25", "12.00"}, "signed zero": {"-0.0", "1.0"}, "mixed decimals": {"0.5", "0.25"},
		"addresses": {"10.0.0.1", "255.255.255.255", "0.0.0.0"}, "no addresses": {"10.0.0.01", "10.0.0.256"},
		"digits": {"0012", "9999"}, "hexadecimal": {"deadbeef01", "0123456789"}, "odd": {"abcdef012", "012345678"}, "upper": {"DEADBEEF", "01234567"}, "mixed": {"DEADbeef", "01234567"},
		"UUIDs": {"01234567-89ab-cdef-0123-456789abcdef", "ffffffff-ffff-ffff-ffff-ffffffffffff"}, "no UUID": {"01234567-89ab-cdef-0123-456789ABCDEF"},
		"even": {strings.Repeat("a", 300_000)}, "binary": {"\x00\xff", "\x00", "é"},
	}
	for i := range 3000 {
		cols["words"] = append(cols["words"], []string{"info", "warn", "error"}[i%7%3])
		cols["ids"] = append(cols["ids"], fmt.Sprintf("%032x", i/4*7919))
		cols["lines"] = append(cols["lines"], fmt.Sprintf("line %d of many, %x", i, i*i))
		cols["numbers"] = append(cols["numbers"], fmt.Sprint(i*i))
	}
	return cols
}

func TestTypedTexts(t *testing.T) {
	for name, vals := range typedColumns() {
		order := make([]int32, len(vals))
		for i := range order {
			order[i] = int32(len(vals) - 1 - i)
		}
		for _, mode := range []Mode{Smallest, Best, Plain} {
			checkTyped(t, name, mode, vals, nil)
			checkTyped(t, name, mode, vals, order)
		}
	}
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func checkTyped(t failer, name string, mode Mode, vals []string, order []int32) {
	t.Helper()
	enc := mode.AppendTypedTexts([]byte("x"), vals, order)[1:]
	c, rest, err := OpenTypedTexts(append(bytes.Clone(enc), 7), len(vals))
	if err != nil || len(rest) != 1 {
		t.Fatalf("%s: %v, %d bytes left", name, err, len(rest))
	}
	got, err := c.Append(nil, 0, len(vals))
	if err != nil || !slices.Equal(got, vals) {
		t.Fatalf("%s as %s: got %.200q, want %.200q: %v", name, c.Kind(), got, vals, err)
	}
	var all []byte
	var ends []int
	for _, v := range vals {
		all = append(all, v...)
		ends = append(ends, len(all))
	}
	if err := c.Equal(all, ends); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for i := 0; i < len(vals); i += 1 + len(vals)/7 {
		if b, err := c.AppendAt([]byte("p"), i); err != nil || string(b) != "p"+vals[i] {
			t.Fatalf("%s: text %d: got %q, %v", name, i, b, err)
		}
		var found, tested, want []int
		if err := c.Find(vals[i], func(i int) { found = append(found, i) }); err != nil {
			t.Fatalf("%s: find: %v", name, err)
		}
		if err := c.Test(0, len(vals), func(b []byte) bool { return string(b) == vals[i] }, func(i int) { tested = append(tested, i) }); err != nil {
			t.Fatalf("%s: test: %v", name, err)
		}
		for k, v := range vals {
			if v == vals[i] {
				want = append(want, k)
			}
		}
		if !slices.Equal(found, want) || !slices.Equal(tested, want) {
			t.Fatalf("%s: %.50q: found in %v, tested in %v, want %v", name, vals[i], found, tested, want)
		}
	}
}

// TestTypedTextsCut: no prefix of a column decodes to all of it.
func TestTypedTextsCut(t *testing.T) {
	for name, vals := range typedColumns() {
		enc := Smallest.AppendTypedTexts(nil, vals, nil)
		for n := 0; n < len(enc); n += 1 + n/16 {
			c, _, err := OpenTypedTexts(enc[:n:n], len(vals))
			if err == nil {
				_, err = c.Append(nil, 0, len(vals))
			}
			if err == nil || !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) {
				t.Fatalf("%s cut at %d of %d: got error %v", name, n, len(enc), err)
			}
		}
	}
}

// FuzzTypedTexts opens any bytes as a column and reads it; and takes the lines of
// any text through encoding and back.
func FuzzTypedTexts(f *testing.F) {
	for _, vals := range typedColumns() {
		if enc := Smallest.AppendTypedTexts(nil, vals, nil); len(enc) < 2000 {
			f.Add(enc, uint16(len(vals)))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, n uint16) {
		if c, _, err := OpenTypedTexts(b, int(n)); err == nil {
			texts, err := c.Append(nil, 0, int(n))
			if err == nil && len(texts) != int(n) {
				t.Fatalf("got %d texts, want %d", len(texts), n)
			}
			_ = c.Find("x", func(int) {})
			_ = c.Test(0, int(n), func([]byte) bool { return true }, func(int) {})
		}
		vals := strings.Split(string(b), "\n")
		checkTyped(t, "lines", Smallest, vals, nil)
	})
}
