package bitflip

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

// TestEveryBitIsFound flips every bit of some bytes.
func TestEveryBitIsFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 7, 300} {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		sum := crc32.Checksum(b, castagnoli)
		if bit, ok := Find(b, sum); ok {
			t.Errorf("%d sound bytes: found %d", n, bit)
		}
		for want := range 8 * n {
			Flip(b, want)
			if bit, ok := Find(b, sum); !ok || bit != want {
				t.Errorf("%d bytes: bit %d: got %d, %v", n, want, bit, ok)
			}
			Flip(b, want)
		}
	}
}

// TestOtherDamageIsNotFound flips two bits, and overwrites bytes.
func TestOtherDamageIsNotFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	b := make([]byte, 4000)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	sum := crc32.Checksum(b, castagnoli)
	for range 300 {
		bad := append([]byte(nil), b...)
		x, y := rng.IntN(8*len(b)), rng.IntN(8*len(b))
		Flip(bad, x)
		Flip(bad, y)
		if bit, ok := Find(bad, sum); ok {
			t.Errorf("bits %d and %d are flipped: found %d", x, y, bit)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	bytes := make([]byte, 32<<10)
	sum := crc32.Checksum(bytes, castagnoli)
	Flip(bytes, 3)
	b.SetBytes(int64(len(bytes)))
	for b.Loop() {
		if _, ok := Find(bytes, sum); !ok {
			b.Fatal("not found")
		}
	}
}
