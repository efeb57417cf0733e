package colenc

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// naivePack packs bit by bit.
func naivePack(vals []uint64, w uint) []byte {
	out := make([]byte, packedLen(len(vals), w))
	for i, v := range vals {
		for k := range w {
			bit := uint(i)*w + k
			out[bit/8] |= byte(v>>k&1) << (bit % 8)
		}
	}
	return out
}

func TestPackEveryWidth(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for w := uint(0); w <= 64; w++ {
		for _, n := range []int{1, 2, 7, 8, 63, 127, blockLen} {
			vals := make([]uint64, n)
			want := make([]int64, n)
			for i := range vals {
				vals[i] = r.Uint64()
				if i%3 == 0 {
					vals[i] = ^uint64(0)
				}
				want[i] = int64(vals[i]&(1<<w-1)) - 77
			}
			packed := appendPacked([]byte{9}, vals, w)
			if packed[0] != 9 || !slices.Equal(packed[1:], naivePack(vals, w)) {
				t.Fatalf("width %d, %d values: packed differently than bit by bit", w, n)
			}
			for _, more := range []int{0, 1, unpackSlack - 1, unpackSlack, 50} {
				src := append(slices.Clone(packed[1:]), slices.Repeat([]byte{0xff}, more)...)
				got := make([]int64, n)
				rest, err := unpackField(got, src, w, -77, "test")
				if err != nil || len(rest) != more || !slices.Equal(got, want) {
					t.Fatalf("width %d, %d values, %d bytes behind: got %v, rest %d, error %v", w, n, more, got, len(rest), err)
				}
			}
		}
	}
}

// TestBlockPlans: whatever values a block has, its plan's size is the size of
// its bytes, and no plain width is smaller.
func TestBlockPlans(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 3000 {
		n := 1 + r.IntN(blockLen)
		width, offset := r.IntN(65), int64(r.Uint64())>>r.IntN(64)
		vals := make([]int64, n)
		for i := range vals {
			vals[i] = offset + int64(r.Uint64()>>(64-width))
			if r.IntN(20) == 0 {
				vals[i] = int64(r.Uint64()) >> r.IntN(64)
			}
		}
		p := planBlock(vals)
		b := appendBlock(nil, vals, p)
		if p.bits(n) != 8*len(b) {
			t.Fatalf("%v: planned %d bits, took %d bytes", vals, p.bits(n), len(b))
		}
		lo, hi := slices.Min(vals), slices.Max(vals)
		plain := blockPlan{ref: lo, width: uint8(bitsLen(uint64(hi - lo)))}
		if p.bits(n) > plain.bits(n) {
			t.Fatalf("%v: plan %+v takes %d bits, %+v takes %d", vals, p, p.bits(n), plain, plain.bits(n))
		}
		got := make([]int64, n)
		rest, err := decodeBlock(got, append(b, 1, 2))
		if err != nil || len(rest) != 2 || !slices.Equal(got, vals) {
			t.Fatalf("%v: got %v, rest %d, error %v", vals, got, len(rest), err)
		}
	}
}

func bitsLen(v uint64) (n int) {
	for ; v > 0; v >>= 1 {
		n++
	}
	return n
}
