package colenc

import (
	"bytes"
	"flag"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/fixed.txt anew")

// TestFixedLengths compares the lengths of all fixed codes with those that
// testdata/fixed.txt has: they are part of the format and must not change.
// They fit the limit and leave no sequence of bits without a meaning.
func TestFixedLengths(t *testing.T) {
	const file = "testdata/fixed.txt"
	var b bytes.Buffer
	b.WriteString("# Lengths of the fixed codes, a hexadecimal digit for each symbol from 0 on, the last one that of the escape.\n")
	for id := range fixedCodes {
		f := fixedCodeOf(byte(id))
		if _, complete := f.huff.assign(); !complete {
			t.Errorf("code %d is not complete", id)
		}
		fmt.Fprintf(&b, "%02x ", id)
		for s := range f.huff.used[len(f.huff.used)-2] + 1 {
			fmt.Fprintf(&b, "%x", f.huff.lens[s])
		}
		fmt.Fprintf(&b, " %x\n", f.huff.lens[escapeSymbol])
	}
	if *rewrite {
		if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("fixed codes differ from %s, which stored columns were written with", file)
	}
}

// TestFixedCodes writes numbers of many scales with every fixed code, also with
// those that do not suit, which escapes most of them, and reads them back.
func TestFixedCodes(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 1))
	var c coder
	var d codedInts
	for id := range fixedCodes {
		scale := math.Exp2(r.Float64() * 40)
		n := 2 + r.IntN(1500)
		order := r.IntN(3)
		units := make([]int64, n) // the first is 0
		for i := 1; i < n; i++ {
			units[i] = int64(r.NormFloat64() * scale)
			if r.IntN(100) == 0 {
				units[i] = int64(r.Uint64())
			}
		}
		c.plan(units, order, r.Int64N(9)-4, Smallest)
		c.fixed, c.code = byte(id), &fixedCodeOf(byte(id)).huff
		if slices.Contains(c.symbols, runSymbol) {
			t.Fatal("noise has runs")
		}
		b := c.append(nil, units)
		rest, err := d.open(append(b, 1, 2), order, n, true)
		if err != nil || len(rest) != 2 {
			t.Fatalf("code %d: rest %d, error %v", id, len(rest), err)
		}
		got := make([]int64, 512)
		for f := range d.ends {
			want := units[f<<codedFrameBits : min((f+1)<<codedFrameBits, n)]
			if err := d.frame(got[:len(want)], f, 0, 1); err != nil {
				t.Fatalf("code %d, frame %d: %v", id, f, err)
			}
			if !slices.Equal(got[:len(want)], want) {
				t.Fatalf("code %d, order %d, frame %d differs", id, order, f)
			}
		}
	}
}

// TestFixedGolden: these bytes, two frames in the normal code of scale 1 with an
// escaped outlier, decode to these values for as long as there is encoding 16.
func TestFixedGolden(t *testing.T) {
	var want []int64
	for i := range 520 {
		want = append(want, 100+int64(i%7)-int64(i%5)+int64(i/300)<<20)
	}
	var c coder
	units := make([]int64, len(want))
	for i, v := range want {
		units[i] = v - want[0]
	}
	c.plan(units, 1, 0, Smallest)
	c.fixed, c.code = 8, &fixedCodeOf(8).huff
	b := c.append([]byte{intFixed + 1, 200, 1, 1}, units) // first 100, divisor 1
	sum := fmt.Sprintf("%d bytes, crc32 %08x", len(b), crc32.ChecksumIEEE(b))
	if golden := "389 bytes, crc32 b2ce2e8d"; sum != golden {
		t.Errorf("got %s, want %s", sum, golden)
	}
	got, rest, err := DecodeInts(b, len(want), nil)
	if err != nil || len(rest) > 0 || !slices.Equal(got, want) {
		t.Errorf("does not decode to itself: rest %d, error %v", len(rest), err)
	}
}

// TestFixedSize: columns of the shapes that fixed codes are made for take at
// most a hundredth more than with a code of their own.
func TestFixedSize(t *testing.T) {
	r := rand.New(rand.NewPCG(22, 1))
	var c coder
	for scale := 0.5; scale < 1e6; scale *= 1.37 {
		for name, draw := range map[string]func() float64{
			"normal":  r.NormFloat64,
			"Laplace": func() float64 { return r.ExpFloat64() * float64(1-2*r.IntN(2)) },
		} {
			units := numbers(8192, func(int) int64 { return int64(math.Round(draw() * scale)) })
			if id, _ := c.plan(units, 0, 0, Smallest); id != intFixed && scale > 0.7 {
				t.Errorf("%s of scale %.2f: has a code of its own", name, scale)
			}
		}
	}
}
