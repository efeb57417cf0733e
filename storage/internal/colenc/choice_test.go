package colenc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func words(n int, f func(i int) float64) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		out[i] = math.Float64bits(f(i))
	}
	return out
}

func numbers(n int, f func(i int) int64) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

// TestIntChoice pins which encoding each shape gets, what it decodes to, and how
// large it may be.
func TestIntChoice(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	walk := int64(0)
	for _, c := range []struct {
		what    string
		vals    []int64
		want    byte
		maxSize int
	}{
		{"one value", []int64{5}, intConst, 2},
		{"constant", numbers(1000, func(int) int64 { return -3 }), intConst, 2},
		{"linear", numbers(1000, func(i int) int64 { return int64(i) * 1e9 }), intLinear, 8},
		{"linear that wraps", numbers(5, func(i int) int64 { return int64(uint64(i) * (1 << 62)) }), intLinear, 12},
		{"noise", numbers(1000, func(int) int64 { return r.Int64N(16) }), intPacked, 520},
		{"noise in thousands", numbers(1000, func(int) int64 { return r.Int64N(16) * 1000 }), intPacked, 522},
		{"counter", numbers(1000, func(i int) int64 { return int64(i)*1e6 + r.Int64N(256) }), intFixed + 1, 1200},
		{"counter with resets", numbers(1000, func(i int) int64 { return int64(i%400)*1e9 + r.Int64N(256) }), intFixed + 1, 1250},
		{"parabola", numbers(1000, func(i int) int64 { return int64(i) * int64(i) }), intPacked + 2, 30},
		{"levels", numbers(1000, func(i int) int64 { return int64(i/100*7919) % 1000 }), intRuns, 50},
		{"walk", numbers(8000, func(int) int64 { walk += int64(math.Round(r.NormFloat64())); return walk }), intFixed + 1, 2300},
		{"two steps", numbers(8000, func(int) int64 { walk += 5 + 90*r.Int64N(2); return walk }), intCoded + 1, 2600},
		{"words", numbers(100, func(int) int64 { return int64(r.Uint64()) }), intRice + 1, 830},
	} {
		b := AppendInts(nil, c.vals)
		if b[0] != c.want {
			t.Errorf("%s: got encoding %d, want %d", c.what, b[0], c.want)
		}
		if len(b) > c.maxSize {
			t.Errorf("%s: got %d bytes, want at most %d", c.what, len(b), c.maxSize)
		}
		got, rest, err := DecodeInts(append(b, 7, 7), len(c.vals), []int64{42})
		if err != nil || len(rest) != 2 || got[0] != 42 || !slices.Equal(got[1:], c.vals) {
			t.Errorf("%s: does not decode to itself: rest %d, error %v", c.what, len(rest), err)
		}
	}
}

// TestCodedOutliers has outliers among coded differences, on both sides.
func TestCodedOutliers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	walk := int64(0)
	vals := numbers(8000, func(i int) int64 {
		walk += int64(math.Round(r.NormFloat64())) - 100
		if i%500 == 77 {
			walk += int64(r.Uint64())
		}
		return walk
	})
	b := AppendInts(nil, vals)
	if b[0] != intFixed+1 {
		t.Fatalf("got encoding %d, want %d", b[0], intFixed+1)
	}
	got, rest, err := DecodeInts(b, len(vals), nil)
	if err != nil || len(rest) != 0 || !slices.Equal(got, vals) {
		t.Fatalf("does not decode to itself: rest %d, error %v", len(rest), err)
	}
	for n := range b {
		if _, _, err := DecodeInts(b[:n:n], len(vals), nil); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut at %d of %d: got error %v", n, len(b), err)
		}
	}
}

func TestFloatChoice(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	stale := math.Float64frombits(0x7ff0000000000002)
	for _, c := range []struct {
		what    string
		words   []uint64
		want    byte
		maxSize int
	}{
		{"constant", words(100, func(int) float64 { return math.Pi }), floatConst, 9},
		{"constant NaN", words(100, func(int) float64 { return stale }), floatConst, 9},
		{"integers", words(1000, func(int) float64 { return float64(r.IntN(16)) }), floatDecimal, 525},
		{"tenths", words(1000, func(int) float64 { return float64(r.IntN(16)) / 10 }), floatDecimal, 525},
		{"fifteen digits", words(1000, func(i int) float64 { return float64(123456789012345+i*i) / 1e5 }), floatDecimal, 40},
		{"tenths and stale markers", words(1000, func(i int) float64 {
			if i%100 == 0 {
				return stale
			}
			return float64(r.IntN(16)) / 10
		}), floatDecimal, 650},
		{"negative zeros", words(1000, func(i int) float64 { return math.Copysign(0, float64(i%2)-0.5) }), floatOrdered, 160},
		{"thirds", words(1000, func(i int) float64 { return float64(i) / 3 }), floatOrdered, 5000},
		{"some of few thirds", words(8000, func(int) float64 { return float64(r.IntN(1000)) / 3 }), floatDictionary, 17_000},
		{"smooth", words(8000, func(i int) float64 { return 20 + 5*math.Sin(float64(i)/200) }), floatOrdered, 38_000},
		{"repeated", words(1000, func(i int) float64 { return math.Sqrt(float64(i / 50)) }), floatOrdered, 250},
		{"some of three", words(1000, func(int) float64 { return math.Sqrt(float64(2 + r.IntN(3)*3)) }), floatDictionary, 330},
		{"any bits", words(1000, func(int) float64 { return math.Float64frombits(r.Uint64()) }), floatRaw, 8001},
	} {
		b := AppendFloats(nil, c.words)
		if b[0] != c.want {
			t.Errorf("%s: got encoding %d, want %d", c.what, b[0], c.want)
		}
		if len(b) > c.maxSize {
			t.Errorf("%s: got %d bytes, want at most %d", c.what, len(b), c.maxSize)
		}
		got, rest, err := DecodeFloats(append(b, 7, 7), len(c.words), []uint64{42})
		if err != nil || len(rest) != 2 || got[0] != 42 || !slices.Equal(got[1:], c.words) {
			t.Errorf("%s: does not decode to itself: rest %d, error %v", c.what, len(rest), err)
		}
	}
}

// TestToDecimal: a number printed with up to 15 digits is an exact decimal, and
// the exponent found is the number of its decimals.
func TestToDecimal(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 100_000 {
		decimals := r.IntN(13)
		i := r.Int64N(1e12)
		if i%10 == 0 {
			i++
		}
		f := float64(i) / math.Pow10(decimals)
		e, ok := exponentOf(math.Float64bits(f), 0)
		if !ok || e != decimals {
			t.Fatalf("%v: got exponent %d, %v, want %d", f, e, ok, decimals)
		}
		if got, ok := toDecimal(math.Float64bits(f), e); !ok || got != i {
			t.Fatalf("%v: got %d, %v, want %d", f, got, ok, i)
		}
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), math.Pi, 1e300, math.SmallestNonzeroFloat64} {
		if e, ok := exponentOf(math.Float64bits(f), 0); ok {
			t.Errorf("%v: got exponent %d, want none", f, e)
		}
	}
	for _, f := range []float64{0, 1 << 53, 1 << 62, -1 << 62, 1e18} {
		if e, ok := exponentOf(math.Float64bits(f), 0); !ok || e != 0 {
			t.Errorf("%v: got exponent %d, %v, want 0", f, e, ok)
		}
	}
}

func TestBoolChoice(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		what string
		f    func(i int) bool
		want byte
	}{
		{"false", func(int) bool { return false }, boolFalse},
		{"true", func(int) bool { return true }, boolTrue},
		{"mixed", func(int) bool { return r.IntN(2) == 0 }, boolBitmap},
		{"runs", func(i int) bool { return i/300%2 == 1 }, boolRuns},
	} {
		vals := make([]uint64, 1003)
		for i := range vals {
			if c.f(i) {
				vals[i] = 1
			}
		}
		b := AppendBools(nil, vals)
		if b[0] != c.want {
			t.Errorf("%s: got encoding %d, want %d", c.what, b[0], c.want)
		}
		got, rest, err := DecodeBools(append(b, 7, 7), len(vals), []uint64{42})
		if err != nil || len(rest) != 2 || got[0] != 42 || !slices.Equal(got[1:], vals) {
			t.Errorf("%s: does not decode to itself: rest %d, error %v", c.what, len(rest), err)
		}
	}
}

func TestTextChoice(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	random := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return string(b)
	}
	for _, c := range []struct {
		what    string
		n       int
		f       func(i int) string
		want    byte
		maxSize int
	}{
		{"one", 1, func(int) string { return "abc" }, textPlain, 8},
		{"constant", 1000, func(int) string { return "abc" }, textDictionary, 12},
		{"few", 1000, func(i int) string { return []string{"a", "bb", "ccc"}[i%3] }, textDictionary, 400},
		{"all differ", 5000, func(i int) string { return fmt.Sprintf("request %d was served", i) }, textPlain, 40_000},
		{"differ at first", 5000, func(i int) string { return fmt.Sprint("request ", min(i, 300)) }, textPlain, 3000},
		{"incompressible", 300, func(int) string { return random(1000) }, textPlain, 301_000},
		{"empty", 100, func(int) string { return "" }, textDictionary, 10},
		{"longer than a block", 5, func(i int) string { return random(100) + strings.Repeat("x", 100_000*i) }, textPlain, 5000},
	} {
		vals := make([]string, c.n)
		for i := range vals {
			vals[i] = c.f(i)
		}
		b := AppendTexts(nil, vals)
		if b[0] != c.want {
			t.Errorf("%s: got encoding %d, want %d", c.what, b[0], c.want)
		}
		if len(b) > c.maxSize {
			t.Errorf("%s: got %d bytes, want at most %d", c.what, len(b), c.maxSize)
		}
		got, rest, err := DecodeTexts(append(b, 7, 7), len(vals), []string{"kept"})
		if err != nil || len(rest) != 2 || got[0] != "kept" || !slices.Equal(got[1:], vals) {
			t.Errorf("%s: does not decode to itself: rest %d, error %v", c.what, len(rest), err)
		}
		texts, _, err := OpenTexts(b, len(vals))
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			first := r.IntN(c.n)
			count := r.IntN(c.n - first + 1)
			got, err := texts.Append(nil, first, count)
			if err != nil || !slices.Equal(got, vals[first:first+count]) {
				t.Fatalf("%s: texts %d to %d differ, error %v", c.what, first, first+count, err)
			}
		}
	}
}

// TestTextClaims: lengths that the input cannot stand for are refused before
// memory is taken for them.
func TestTextClaims(t *testing.T) {
	for what, b := range map[string][]byte{
		"a gigabyte in no block":   append(AppendInts([]byte{textPlain}, []int64{1 << 30}), binary.AppendUvarint(nil, 1<<30)...),
		"64 KiB in a byte of lz4":  append(append(AppendInts([]byte{textPlain}, []int64{65536}), binary.AppendUvarint(nil, 65536)...), slices.Concat([]byte{1<<1 | 1, 0}, make([]byte, 300))...),
		"lengths beyond the text":  append(AppendInts([]byte{textPlain}, []int64{5}), 3, 3<<1, 'a', 'b', 'c'),
		"text beyond the lengths":  append(AppendInts([]byte{textPlain}, []int64{2}), 3, 3<<1, 'a', 'b', 'c'),
		"a negative length":        append(AppendInts([]byte{textPlain}, []int64{-1}), 3, 3<<1, 'a', 'b', 'c'),
		"an empty dictionary":      {textDictionary, 0},
		"more entries than values": append(AppendInts([]byte{textDictionary, 2}, []int64{1, 1}), 2, 2<<1, 'a', 'b'),
	} {
		if _, _, err := OpenTexts(b, 1); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: got error %v", what, err)
		}
	}
	// An index beyond the dictionary.
	b := append(AppendInts([]byte{textDictionary, 2}, []int64{1, 1}), 2, 2<<1, 'a', 'b')
	if _, _, err := DecodeTexts(AppendInts(b, []int64{0, 1, 2}), 3, nil); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "dictionary index of text 2: want below 2, got 2") {
		t.Errorf("index: got error %v", err)
	}
}

// TestRunsDoNotNest: runs of runs of runs could otherwise exhaust the stack.
func TestRunsDoNotNest(t *testing.T) {
	b := slices.Repeat([]byte{intRuns, 1}, 1<<20)
	if _, _, err := DecodeInts(b, 1, nil); err == nil {
		t.Fatal("nested runs were decoded")
	}
}
