package colenc

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

const benchLen = 8192

// BenchmarkUnpack is the inner loop of every packed column.
func BenchmarkUnpack(b *testing.B) {
	for _, w := range []uint{1, 3, 8, 13, 20, 33, 57, 60, 64} {
		b.Run(fmt.Sprint("width", w), func(b *testing.B) {
			src := make([]byte, packedLen(blockLen, w)+unpackSlack)
			out := make([]int64, blockLen)
			for b.Loop() {
				unpack(out, src, w, 5)
			}
			perValue(b, blockLen, 0)
		})
	}
}

func perValue(b *testing.B, n, size int) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mvalues/s")
	if size > 0 {
		b.ReportMetric(float64(size)/float64(n), "B/value")
	}
}

// BenchmarkInts measures each encoding on a shape that gets it, and coded columns
// on numbers of several sizes: small ones are found several at once, large ones
// have extra bits.
func BenchmarkInts(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	walk, large := int64(0), int64(0)
	for _, k := range []struct {
		name string
		vals []int64
	}{
		{"linear", numbers(benchLen, func(i int) int64 { return int64(i) * 1e9 })},
		{"packed", numbers(fastPacked, func(int) int64 { return r.Int64N(256) })},
		{"rice", numbers(288, func(int) int64 { return int64(r.NormFloat64() * 100) })},
		{"codedWalk", numbers(benchLen, func(int) int64 { walk += int64(math.Round(r.NormFloat64())); return walk })},
		{"codedLargeWalk", numbers(benchLen, func(int) int64 { large += int64(r.NormFloat64() * 1e8); return large })},
		{"codedNoise", numbers(benchLen, func(int) int64 { return r.Int64N(1000) })},
		{"codedDivided", numbers(benchLen, func(i int) int64 { return (int64(i)*1e3 + r.Int64N(256)) * 1e6 })},
		{"codedOrder2", numbers(benchLen, func(i int) int64 { return int64(i)*int64(i)*1000 + r.Int64N(3) })},
		{"codedOutliers", numbers(benchLen, func(int) int64 {
			if r.IntN(50) == 0 {
				return int64(r.Uint64())
			}
			return r.Int64N(1000)
		})},
		{"codedStill", numbers(benchLen, func(int) int64 {
			if r.IntN(20) == 0 {
				walk++
			}
			return walk
		})},
		{"runs", numbers(benchLen, func(i int) int64 { return int64(i/100*7919) % 1000 })},
		{"framed", numbers(benchLen, func(i int) int64 {
			if i/1024%2 == 0 {
				return int64(r.Uint64() >> 20)
			}
			return r.Int64N(4)
		})},
	} {
		n := len(k.vals)
		enc := AppendInts(nil, k.vals)
		b.Run("decode/"+k.name, func(b *testing.B) {
			var out []int64
			for b.Loop() {
				out, _, _ = DecodeInts(enc, n, out[:0])
			}
			perValue(b, n, len(enc))
		})
		for m, name := range []string{Smallest: "encode/", Fast: "encodeFast/"} {
			b.Run(name+k.name, func(b *testing.B) {
				var buf []byte
				for b.Loop() {
					buf = Mode(m).Ints(buf[:0], k.vals)
				}
				perValue(b, n, len(buf))
			})
		}
	}
}

// BenchmarkPart opens a long coded column and reads sixty values in its middle.
func BenchmarkPart(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	walk := int64(0)
	enc := AppendInts(nil, numbers(benchLen, func(int) int64 { walk += int64(math.Round(r.NormFloat64())); return walk }))
	var c Ints
	var out []int64
	for b.Loop() {
		if _, err := c.Open(enc, benchLen, 0); err != nil {
			b.Fatal(err)
		}
		out, _ = c.Append(out[:0], 5000, 5060)
	}
	if len(out) != 60 {
		b.Fatal(len(out))
	}
}

// BenchmarkFloats measures each encoding on a shape that gets it.
func BenchmarkFloats(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, k := range []struct {
		name  string
		words []uint64
	}{
		{"decimal", words(benchLen, func(int) float64 { return float64(r.IntN(10000)) / 100 })},
		{"integral", words(benchLen, func(int) float64 { return float64(r.IntN(10000)) })},
		{"orderedSmooth", words(benchLen, func(i int) float64 { return 20 + 5*math.Sin(float64(i)/200) })},
		{"orderedNoise", words(benchLen, func(int) float64 { return r.Float64() })},
		{"dictionary", words(benchLen, func(int) float64 { return math.Sqrt(float64(r.IntN(30))) })},
		{"raw", words(benchLen, func(int) float64 { return math.Float64frombits(r.Uint64()) })},
	} {
		enc := AppendFloats(nil, k.words)
		b.Run("decode/"+k.name, func(b *testing.B) {
			var out []uint64
			for b.Loop() {
				out, _, _ = DecodeFloats(enc, benchLen, out[:0])
			}
			perValue(b, benchLen, len(enc))
		})
		b.Run("encode/"+k.name, func(b *testing.B) {
			var buf []byte
			for b.Loop() {
				buf = AppendFloats(buf[:0], k.words)
			}
			perValue(b, benchLen, len(enc))
		})
	}
}

// BenchmarkBools measures bitmaps and runs.
func BenchmarkBools(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for name, f := range map[string]func(i int) bool{
		"bitmap": func(int) bool { return r.IntN(2) == 0 },
		"runs":   func(i int) bool { return i/300%2 == 0 },
	} {
		vals := make([]uint64, benchLen)
		for i := range vals {
			if f(i) {
				vals[i] = 1
			}
		}
		enc := AppendBools(nil, vals)
		b.Run("decode/"+name, func(b *testing.B) {
			var out []uint64
			for b.Loop() {
				out, _, _ = DecodeBools(enc, benchLen, out[:0])
			}
			perValue(b, benchLen, len(enc))
		})
		b.Run("encode/"+name, func(b *testing.B) {
			var buf []byte
			for b.Loop() {
				buf = AppendBools(buf[:0], vals)
			}
			perValue(b, benchLen, len(enc))
		})
	}
}
