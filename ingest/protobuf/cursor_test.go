package protobuf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

func walk(msg []byte) (string, error) {
	var out []string
	c := NewCursor(msg)
	for c.Next() {
		if c.Type == Bytes {
			out = append(out, fmt.Sprintf("%d:%q", c.Num, c.Data))
		} else {
			out = append(out, fmt.Sprintf("%d:%d", c.Num, c.Bits))
		}
	}
	return strings.Join(out, " "), c.Err()
}

var sample = append(append([]byte{1 << 3, 0x96, 1, 2<<3 | 2, 3, 'a', 'b', 'c', 3<<3 | 5, 1, 0, 0, 0, 0xfa, 0xff, 0xff, 0xff, 0x0f, 0},
	4<<3|1), binary.LittleEndian.AppendUint64(nil, math.MaxUint64)...)

func TestCursor(t *testing.T) {
	got, err := walk(sample)
	if want := `1:150 2:"abc" 3:1 536870911:"" 4:18446744073709551615`; got != want || err != nil {
		t.Errorf("fields are %s, %v; want %s", got, err, want)
	}
	whole := map[int]bool{0: true, 3: true, 8: true, 13: true, 19: true, len(sample): true}
	for n := range sample {
		_, err := walk(sample[:n])
		if (err == nil) != whole[n] || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	for _, bad := range []string{"\x00", "\x03", "\x0c", "\x0e", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "\x80\x80\x80\x80\x80\x01\x00"} {
		if got, err := walk([]byte(bad)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q gives %s, %v", bad, got, err)
		}
	}
}

func TestRepeated(t *testing.T) {
	f := func(msg string, fixed bool, want string) {
		t.Helper()
		var vs []uint64
		c := NewCursor([]byte(msg))
		for c.Next() {
			if fixed {
				vs = c.Fixed64s(vs)
			} else {
				vs = c.Varints(vs)
			}
		}
		got := fmt.Sprint(vs)
		if c.Err() != nil {
			got = "malformed"
		}
		if got != want {
			t.Errorf("%q gives %s, want %s", msg, got, want)
		}
	}
	f("\x0a\x03\x01\x80\x01\x08\x05", false, "[1 128 5]")
	f("\x0a\x01\x80", false, "malformed")
	f("\x0d\x00\x00\x00\x00", false, "malformed")
	f("\x0a\x08\x01\x00\x00\x00\x00\x00\x00\x00\x09\x02\x00\x00\x00\x00\x00\x00\x00", true, "[1 2]")
	f("\x0a\x07\x01\x00\x00\x00\x00\x00\x00", true, "malformed")
}

func FuzzCursor(f *testing.F) {
	f.Add(sample)
	f.Fuzz(func(t *testing.T, in []byte) {
		c := NewCursor(in)
		for last := 0; c.Next(); last = c.Pos() {
			if c.Pos() <= last || c.Pos() > len(in) {
				t.Fatalf("cursor went from %d to %d of %d", last, c.Pos(), len(in))
			}
		}
		if c.Err() == nil && c.Pos() != len(in) {
			t.Fatalf("walk ended at %d of %d without an error", c.Pos(), len(in))
		}
	})
}
