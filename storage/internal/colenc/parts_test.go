package colenc

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// columns are integer columns of every encoding, long and short.
func columns() map[string][]int64 {
	r := rand.New(rand.NewPCG(11, 1))
	walk, big := int64(0), int64(0)
	return map[string][]int64{
		"constant": numbers(2000, func(int) int64 { return 7 }),
		"linear":   numbers(2000, func(i int) int64 { return int64(i)*15 - 9 }),
		"walk":     numbers(5000, func(int) int64 { walk += int64(math.Round(r.NormFloat64())); return walk }),
		"walk with leaps": numbers(5000, func(i int) int64 {
			walk += int64(math.Round(r.NormFloat64()))
			if i%700 == 13 {
				walk = int64(r.Uint64())
			}
			return walk
		}),
		"large walk":   numbers(5000, func(int) int64 { big += int64(r.NormFloat64() * 1e9); return big }),
		"noise":        numbers(3000, func(int) int64 { return r.Int64N(1000) }),
		"any integers": numbers(3000, func(int) int64 { return int64(r.Uint64()) }),
		"mostly still": numbers(5000, func(i int) int64 {
			if r.IntN(10) == 0 {
				walk++
			}
			return walk
		}),
		"parabola":       numbers(5000, func(i int) int64 { return int64(i)*int64(i)*3 + r.Int64N(2) }),
		"noisy parabola": numbers(5000, func(i int) int64 { return int64(i)*int64(i)*1000 + int64(r.NormFloat64()*3) }),
		"two steps":      numbers(5000, func(int) int64 { walk += 5 + 90*r.Int64N(2); return walk }),
		"ascending":      numbers(5000, func(i int) int64 { walk += 1 + r.Int64N(1000); return walk }),
		"runs":           numbers(5000, func(i int) int64 { return int64(i/90*7919) % 1000 }),
		"uneven": numbers(9000, func(i int) int64 {
			if i/1024%2 == 0 {
				return int64(r.Uint64() >> 20)
			}
			return r.Int64N(4)
		}),
		"a frame and one": numbers(513, func(int) int64 { return int64(r.NormFloat64() * 4) }),
		"short":           numbers(100, func(int) int64 { return int64(r.NormFloat64() * 40) }),
		"even":            numbers(120, func(int) int64 { return r.Int64N(256) }),
		"even steps":      numbers(120, func(int) int64 { walk += r.Int64N(256); return walk }),
		"short walk":      numbers(60, func(int) int64 { walk += int64(r.NormFloat64() * 40); return walk }),
		"three":           {5, -9, 1 << 60},
		"two":             {math.MinInt64, math.MaxInt64},
		"one":             {3},
	}
}

// TestParts decodes spans and searches, in any order, and compares with the
// values; every encoding comes up.
func TestParts(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 1))
	seen := map[byte]bool{}
	var c Ints // one for all: it must not remember
	for name, vals := range columns() {
		for mode, m := range map[string]Mode{"smallest": Smallest, "fast": Fast, "plain": Plain} {
			b := m.IntsFrom(nil, 1000, vals)
			seen[b[0]] = true
			rest, err := c.Open(append(b, 7), len(vals), 1000)
			if err != nil || len(rest) != 1 {
				t.Fatalf("%s, %s: rest %d, error %v", name, mode, len(rest), err)
			}
			for range 100 {
				i := r.IntN(len(vals) + 1)
				j := min(i+r.IntN(len(vals)+1-i), i+r.IntN(1500))
				got, err := c.Append([]int64{42}, i, j)
				if err != nil || got[0] != 42 || !slices.Equal(got[1:], vals[i:j]) {
					t.Fatalf("%s, %s (encoding %d): [%d, %d) differs, error %v", name, mode, b[0], i, j, err)
				}
			}
			if !ascends(vals) {
				continue
			}
			for range 100 {
				v := vals[r.IntN(len(vals))] + r.Int64N(3) - 1
				want := 0
				for want < len(vals) && vals[want] <= v {
					want++
				}
				if got, err := c.Search(v); err != nil || got != want {
					t.Fatalf("%s, %s (encoding %d): search of %d: got %d, error %v, want %d", name, mode, b[0], v, got, err, want)
				}
			}
		}
	}
	for id := byte(intConst); id <= intFixed+2; id++ {
		if !seen[id] && id != intRuns && id != intRice+2 && id != intPacked+2 {
			t.Errorf("no column had encoding %d", id)
		}
	}
}

func ascends(vals []int64) bool {
	for i := 1; i < len(vals); i++ {
		if vals[i] <= vals[i-1] {
			return false
		}
	}
	return true
}

// TestFloatParts is TestParts for floats.
func TestFloatParts(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 1))
	var c Floats
	for name, words := range map[string][]uint64{
		"constant": words(100, func(int) float64 { return math.NaN() }),
		"decimals": words(3000, func(i int) float64 {
			if i%211 == 0 {
				return math.Sqrt(float64(i))
			}
			return float64(r.IntN(1000)) / 10
		}),
		"smooth":   words(3000, func(i int) float64 { return -20 + 50*math.Sin(float64(i)/200) }),
		"of a few": words(3000, func(int) float64 { return math.Sqrt(float64(r.IntN(7) - 1)) }),
		"any bits": words(3000, func(int) float64 { return math.Float64frombits(r.Uint64()) }),
	} {
		b := AppendFloats(nil, words)
		if _, err := c.Open(b, len(words)); err != nil {
			t.Fatal(name, err)
		}
		for range 100 {
			i := r.IntN(len(words) + 1)
			j := i + r.IntN(len(words)+1-i)
			got, err := c.AppendBits([]uint64{42}, i, j)
			if err != nil || got[0] != 42 || !slices.Equal(got[1:], words[i:j]) {
				t.Fatalf("%s (encoding %d): [%d, %d) differs, error %v", name, b[0], i, j, err)
			}
			floats, err := c.AppendFloats(nil, i, j)
			if err != nil || len(floats) != j-i {
				t.Fatal(name, err)
			}
			for k, f := range floats {
				if math.Float64bits(f) != words[i+k] {
					t.Fatalf("%s: float %d differs", name, i+k)
				}
			}
		}
	}
}

// TestHuffmanLimits builds codes of skewed counts: they must fit the limit of
// lengths, be complete and survive being written.
func TestHuffmanLimits(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 1))
	for range 500 {
		var count [allSymbols]uint32
		n := 1 + r.IntN(numSymbols)
		weight := 1.0
		for i := range n {
			count[r.IntN(numSymbols)] = uint32(weight)
			if weight *= 1 + r.Float64(); weight > 1e8 || i%50 == 49 {
				weight = 1
			}
		}
		var h, back huffman
		h.build(&count)
		rest, err := back.readLens(append(h.appendLens(nil), 7))
		if err != nil || len(rest) != 1 || !slices.Equal(h.used, back.used) {
			t.Fatalf("%d symbols: rest %d, error %v", len(h.used), len(rest), err)
		}
		for _, s := range h.used {
			if h.lens[s] != back.lens[s] || h.codes[s] != back.codes[s] || h.lens[s] > maxCodeLen {
				t.Fatalf("symbol %d: length %d and %d", s, h.lens[s], back.lens[s])
			}
		}
	}
}

// TestSymbols: every distance has a symbol that leads back to it.
func TestSymbols(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 1))
	check := func(u uint64) {
		s, extra := symbolOf(u)
		if s >= runSymbol || uint(extraBits[s]) != extra || leads[s]+u&(1<<extra-1) != u {
			t.Fatalf("%d: symbol %d, %d extra bits, lead %d", u, s, extra, leads[s])
		}
	}
	for u := range uint64(5000) {
		check(u)
	}
	for range 5000 {
		check(r.Uint64() >> r.IntN(64))
	}
	check(math.MaxUint64)
}
