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

// BenchmarkInts measures each encoding on a shape that gets it.
func BenchmarkInts(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	walk := int64(0)
	for _, k := range []struct {
		name string
		vals []int64
	}{
		{"linear", numbers(benchLen, func(i int) int64 { return int64(i) * 1e9 })},
		{"order0", numbers(benchLen, func(int) int64 { return r.Int64N(1000) })},
		{"order1", numbers(benchLen, func(i int) int64 { return int64(i)*1e6 + r.Int64N(256) })},
		{"order1divided", numbers(benchLen, func(i int) int64 { return (int64(i)*1e3 + r.Int64N(256)) * 1e6 })},
		{"order2", numbers(benchLen, func(i int) int64 { return int64(i) * int64(i) * 1000 })},
		{"outliers", numbers(benchLen, func(i int) int64 {
			if r.IntN(50) == 0 {
				return int64(r.Uint64())
			}
			return r.Int64N(1000)
		})},
		{"runs", numbers(benchLen, func(i int) int64 { return int64(i/100*7919) % 1000 })},
		{"codes", numbers(benchLen, func(int) int64 { walk += int64(math.Round(r.NormFloat64())); return walk })},
	} {
		enc := AppendInts(nil, k.vals)
		b.Run("decode/"+k.name, func(b *testing.B) {
			var out []int64
			for b.Loop() {
				out, _, _ = DecodeInts(enc, benchLen, out[:0])
			}
			perValue(b, benchLen, len(enc))
		})
		b.Run("encode/"+k.name, func(b *testing.B) {
			var buf []byte
			for b.Loop() {
				buf = AppendInts(buf[:0], k.vals)
			}
			perValue(b, benchLen, len(enc))
		})
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
		{"xor", words(benchLen, func(int) float64 { return r.Float64() })},
		{"xorRepeats", words(benchLen, func(i int) float64 { return math.Sqrt(float64(i / 10)) })},
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
