package chunk

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tidemark/storage/model"
)

// equal reports in which part two columns differ, or "".
func diff(got, want *Column) string {
	switch {
	case got.Type != want.Type:
		return fmt.Sprintf("type: got %s, want %s", got.Type, want.Type)
	case !slices.Equal(got.Times, want.Times):
		return fmt.Sprintf("times: got %v, want %v", got.Times, want.Times)
	case !slices.Equal(got.Bits, want.Bits):
		return fmt.Sprintf("bits: got %x, want %x", got.Bits, want.Bits)
	case !slices.Equal(got.Texts, want.Texts):
		return fmt.Sprintf("texts: got %q, want %q", got.Texts, want.Texts)
	case !slices.EqualFunc(got.Histograms, want.Histograms, sameHistogram):
		return fmt.Sprintf("histograms: got %v, want %v", got.Histograms, want.Histograms)
	case !slices.Equal(got.Starts, want.Starts):
		return fmt.Sprintf("starts: got %v, want %v", got.Starts, want.Starts)
	}
	return ""
}

// checkRoundTrip encodes and decodes the column into a fresh one and behind
// samples that are already there.
func checkRoundTrip(t testing.TB, c *Column) []byte {
	t.Helper()
	b := Append([]byte("before"), c)
	if string(b[:6]) != "before" {
		t.Fatalf("Append changed what was in dst: %q", b[:6])
	}
	b = b[6:]
	var got Column
	if err := Decode(b, &got); err != nil {
		t.Fatal(err)
	}
	if d := diff(&got, c); d != "" {
		t.Fatal(d)
	}
	var scratch Column
	plain := AppendPlain(nil, c)
	fast := AppendFast(nil, c)
	for what, enc := range map[string][]byte{"smallest": b, "fast": fast, "plain": plain} {
		if err := Verify(enc, c, &scratch); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	n := c.Len()
	if err := Decode(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.Len() != 2*n {
		t.Fatalf("decoded twice: got %d samples, want %d", got.Len(), 2*n)
	}
	for _, half := range []Column{got.Slice(0, n), got.Slice(n, 2*n)} {
		if d := diff(&half, c); d != "" {
			t.Fatal("decoded twice: " + d)
		}
	}
	times, err := DecodeTimes(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(times, c.Times) {
		t.Fatalf("DecodeTimes: got %v, want %v", times, c.Times)
	}
	h, err := ReadHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	want := Header{Version: 1, Type: c.Type, Flags: h.Flags, Count: n, Mint: c.Times[0], Maxt: c.Times[n-1]}
	if h != want {
		t.Fatalf("header: got %+v, want %+v", h, want)
	}
	if got, want := h.Flags&^HasSummaries, naiveFlags(c); got != want {
		t.Fatalf("flags: got %06b, want %06b", got, want)
	}
	r := rand.New(rand.NewPCG(uint64(n), uint64(len(b))))
	for what, enc := range map[string][]byte{"smallest": b, "fast": fast, "plain": plain} {
		if why := readerDiff(new(Reader), enc, c, r); why != "" {
			t.Fatalf("read in parts, %s: %s", what, why)
		}
	}
	return b
}

// naiveFlags computes the flags by their definitions, one by one.
func naiveFlags(c *Column) (f Flags) {
	if len(c.Starts) > 0 {
		f |= HasStarts
	}
	var seen []float64
	for _, w := range c.Bits {
		v := model.BitsToFloat(c.Type, w)
		switch {
		case c.Type == model.TypeFloat && w == model.StaleNaNBits:
			f |= HasStale
		case math.IsNaN(v):
			f |= HasNaN
		default:
			seen = append(seen, v)
		}
		if math.IsInf(v, 0) {
			f |= HasInf
		}
	}
	for i := 1; i < len(seen); i++ {
		if seen[i] < seen[i-1] {
			f |= HasReset
		}
	}
	for _, h := range c.Histograms {
		switch {
		case math.Float64bits(h.Sum) == model.StaleNaNBits:
			f |= HasStale
		case math.IsNaN(h.Sum):
			f |= HasNaN
		case math.IsInf(h.Sum, 0):
			f |= HasInf
		}
	}
	if c.Type == model.TypeInt { // beyond 2^53 floats cannot tell
		f &^= HasReset
		for i := 1; i < len(c.Bits); i++ {
			if int64(c.Bits[i]) < int64(c.Bits[i-1]) {
				f |= HasReset
			}
		}
	}
	return f
}

const second = int64(1e9)

// regular returns n times a minute apart.
func regular(n int) []int64 {
	ts := make([]int64, n)
	for i := range ts {
		ts[i] = 1_700_000_000*second + int64(i)*60*second
	}
	return ts
}

func floats(n int, f func(i int) float64) *Column {
	c := &Column{Type: model.TypeFloat, Times: regular(n)}
	for i := range n {
		c.Bits = append(c.Bits, math.Float64bits(f(i)))
	}
	return c
}

func ints(n int, f func(i int) int64) *Column {
	c := &Column{Type: model.TypeInt, Times: regular(n)}
	for i := range n {
		c.Bits = append(c.Bits, uint64(f(i)))
	}
	return c
}

func bools(n int, f func(i int) bool) *Column {
	c := &Column{Type: model.TypeBool, Times: regular(n)}
	for i := range n {
		c.Bits = append(c.Bits, model.Bool(f(i)).Bits)
	}
	return c
}

func texts(n int, f func(i int) string) *Column {
	c := &Column{Type: model.TypeText, Times: regular(n)}
	for i := range n {
		c.Texts = append(c.Texts, f(i))
	}
	return c
}

func withTimes(c *Column, f func(i int) int64) *Column {
	for i := range c.Times {
		c.Times[i] = f(i)
	}
	return c
}

func withStarts(c *Column, f func(i int) int64) *Column {
	for i := range c.Times {
		c.Starts = append(c.Starts, f(i))
	}
	return c
}

// numberShapes are columns of numbers and texts as they occur, and as they
// should not but may.
func numberShapes() map[string]*Column {
	r := rand.New(rand.NewPCG(1, 2))
	walk, counter, resets, clamp := 20.0, 0.0, 0.0, 50.0
	specials := []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, math.SmallestNonzeroFloat64,
		math.Float64frombits(model.StaleNaNBits), math.Float64frombits(0xfff8dead0000beef), 1 << 53, 1<<53 + 2, 1 << 62, -1 << 63, 1 << 63, 0.1, 1e-18, 1e22, 4503599627370495.5}
	return map[string]*Column{
		"float constant":    floats(1000, func(int) float64 { return 12.5 }),
		"float one":         floats(1, func(int) float64 { return 0.1 }),
		"float two":         floats(2, func(i int) float64 { return float64(i) / 3 }),
		"float three":       floats(3, func(i int) float64 { return float64(i * i) }),
		"float all stale":   floats(10, func(int) float64 { return math.Float64frombits(model.StaleNaNBits) }),
		"float gauge":       floats(8192, func(int) float64 { clamp = min(100, max(0, clamp+math.Round(r.NormFloat64()))); return clamp }),
		"float decimals":    floats(3000, func(int) float64 { walk += math.Round(r.NormFloat64()*10) / 100; return math.Round(walk*100) / 100 }),
		"float counter":     floats(3000, func(int) float64 { counter += float64(r.IntN(1000)); return counter }),
		"float scaled":      floats(500, func(i int) float64 { return float64(i*i%91) * 1e6 }),
		"float nanoseconds": floats(500, func(i int) float64 { return float64(1_700_000_000*second + int64(i)*256*977) }),
		"float tiny":        floats(500, func(i int) float64 { return float64(i) * 1e-9 }),
		"float full":        floats(8192, func(int) float64 { return r.Float64() }),
		"float any bits":    floats(8191, func(int) float64 { return math.Float64frombits(r.Uint64()) }),
		"float repeats":     floats(3000, func(i int) float64 { return math.Sqrt(float64(i / 7)) }),
		"float short bits":  floats(3000, func(i int) float64 { return float64(float32(math.Sin(float64(i)))) }),
		"float specials":    floats(1000, func(i int) float64 { return specials[i%len(specials)] }),
		"float gaps": floats(1000, func(i int) float64 {
			if i%50 == 0 || i < 3 {
				return math.NaN()
			}
			return float64(i) / 10
		}),
		"float few decimals": floats(1000, func(i int) float64 {
			if i%3 == 0 {
				return 0.001 * float64(i)
			}
			return float64(i)
		}),
		"float half decimal": floats(1000, func(i int) float64 {
			if i%2 == 0 {
				return math.Sqrt(float64(i))
			}
			return float64(i)
		}),
		"float resets": floats(3000, func(i int) float64 {
			if i%997 == 996 {
				resets = 0
			}
			resets += 1e6 + float64(r.IntN(100))
			return resets
		}),
		"int one":      ints(1, func(int) int64 { return math.MinInt64 }),
		"int extremes": ints(100, func(i int) int64 { return []int64{math.MinInt64, math.MaxInt64, 0, -1, 1}[i%5] }),
		"int min max":  ints(2, func(i int) int64 { return []int64{math.MinInt64, math.MaxInt64}[i] }),
		"int linear":   ints(8192, func(i int) int64 { return int64(i) * 5 }),
		"int overflow": ints(300, func(i int) int64 { return int64(uint64(i) * 0x7fffffffffffffff / 3) }),
		"int random":   ints(1000, func(int) int64 { return int64(r.Uint64()) }),
		"int 60 bits":  ints(1000, func(int) int64 { return int64(r.Uint64() >> 4) }),
		"int outliers": ints(1000, func(i int) int64 {
			if i%90 == 5 {
				return -1 << 50
			}
			if i%110 == 7 {
				return 1 << 60
			}
			return int64(r.IntN(16))
		}),
		"int divisible": ints(1000, func(i int) int64 { return int64(r.IntN(50)) * 12345678 }),
		"int quadratic": ints(1000, func(i int) int64 { return int64(i) * int64(i) * 1000 }),
		"int runs":      ints(5000, func(i int) int64 { return int64(i/700) % 3 }),
		"int power gcd": ints(3, func(i int) int64 { return int64(i*i) << 61 }),
		"bool true":     bools(77, func(int) bool { return true }),
		"bool false":    bools(1, func(int) bool { return false }),
		"bool runs":     bools(8192, func(i int) bool { return i > 5000 }),
		"bool mixed":    bools(1001, func(int) bool { return r.IntN(2) == 0 }),
		"text one":      texts(1, func(int) string { return "\x00\xff" }),
		"text same":     texts(1000, func(int) string { return "3 days" }),
		"text empty":    texts(10, func(int) string { return "" }),
		"text states":   texts(8192, func(i int) string { return []string{"ok", "warn", "crit"}[i/100%3] }),
		"text distinct": texts(3000, func(i int) string { return fmt.Sprintf("up %d days, %d:%02d", i/1440, i/60%24, i%60) }),
		"text random": texts(100, func(i int) string {
			b := make([]byte, r.IntN(2000))
			for k := range b {
				b[k] = byte(r.Uint32())
			}
			return string(b)
		}),
		"text long":       texts(3, func(i int) string { return string(make([]byte, i*70_000)) + fmt.Sprint(i) }),
		"times negative":  withTimes(ints(500, func(i int) int64 { return int64(i) }), func(i int) int64 { return -9e18 + int64(i)*second }),
		"times extremes":  withTimes(ints(3, func(i int) int64 { return 0 }), func(i int) int64 { return []int64{math.MinInt64, 0, math.MaxInt64}[i] }),
		"times widest":    withTimes(ints(2, func(i int) int64 { return 0 }), func(i int) int64 { return []int64{math.MinInt64, math.MaxInt64}[i] }),
		"times jitter":    withTimes(ints(3000, func(i int) int64 { return 7 }), func(i int) int64 { return int64(i)*10*second + int64(r.IntN(int(second))) }),
		"times millis":    withTimes(ints(3000, func(i int) int64 { return 7 }), func(i int) int64 { return int64(i)*15*second + int64(r.IntN(20))*1e6 }),
		"times gaps":      withTimes(ints(3000, func(i int) int64 { return 7 }), func(i int) int64 { return int64(i+i/300*500) * 60 * second }),
		"times dense":     withTimes(ints(3000, func(i int) int64 { return 7 }), func(i int) int64 { return int64(i) }),
		"starts":          withStarts(floats(500, func(i int) float64 { return float64(i) }), func(i int) int64 { return int64(i/100) * second }),
		"starts and text": withStarts(texts(5, func(i int) string { return fmt.Sprint(i) }), func(i int) int64 { return NoStart }),
	}
}

func TestRoundTrip(t *testing.T) {
	for name, c := range shapes() {
		t.Run(name, func(t *testing.T) {
			b := checkRoundTrip(t, c)
			t.Logf("%d samples in %d bytes: %.2f bytes each", c.Len(), len(b), float64(len(b))/float64(c.Len()))
		})
	}
}

// drawColumn draws a column whose values are of one of several kinds, so that
// each encoding comes up: it is short in half of the cases, and otherwise long
// enough for codes.
func drawColumn(t *rapid.T) *Column {
	n := rapid.OneOf(rapid.IntRange(1, 300), rapid.IntRange(1000, 3000)).Draw(t, "n")
	c := &Column{Type: rapid.SampledFrom([]model.Type{model.TypeFloat, model.TypeInt, model.TypeBool, model.TypeText}).Draw(t, "type")}
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	// Times: from anywhere, steps of one kind, as far as they fit.
	at := rapid.Int64().Draw(t, "mint")
	step := rapid.Int64Range(1, 1<<40).Draw(t, "step")
	jitter := rapid.SampledFrom([]int64{1, 2, 1000, 1 << 30, 1 << 50}).Draw(t, "jitter")
	for len(c.Times) < n {
		c.Times = append(c.Times, at)
		d := step + r.Int64N(jitter)
		if at > math.MaxInt64-d {
			break
		}
		at += d
	}
	n = len(c.Times)
	width := rapid.OneOf(rapid.IntRange(0, 10), rapid.IntRange(0, 64)).Draw(t, "width")
	kind := rapid.IntRange(0, 5).Draw(t, "kind")
	outlier := rapid.SampledFrom([]int{0, 2, 20, 200}).Draw(t, "outliers")
	v := int64(0)
	for range n {
		small := int64(r.Uint64() >> (64 - width)) // a shift of 64 gives 0
		switch kind {
		case 0:
			v = small
		case 1:
			v += small
		case 2:
			v += small - 1<<width/2
		case 3:
			if r.IntN(30) == 0 {
				v = small
			}
		case 4:
			v = int64(math.Round(r.NormFloat64() * math.Pow(2, float64(width%8))))
		case 5:
			v += int64(math.Round(r.NormFloat64() * math.Pow(2, float64(width%8))))
		}
		w := uint64(v)
		odd := outlier > 0 && r.IntN(outlier) == 0
		if odd {
			w = r.Uint64()
		}
		switch c.Type {
		case model.TypeInt:
			c.Bits = append(c.Bits, w)
		case model.TypeBool:
			c.Bits = append(c.Bits, w&1)
		case model.TypeFloat:
			if !odd {
				w = math.Float64bits(float64(v) / math.Pow10(width%7))
			}
			c.Bits = append(c.Bits, w)
		case model.TypeText:
			c.Texts = append(c.Texts, fmt.Sprintf("state %x", w))
		}
	}
	if rapid.Bool().Draw(t, "starts") {
		for i := range n {
			c.Starts = append(c.Starts, int64(i)*v)
		}
	}
	return c
}

func TestRoundTripDrawn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkRoundTripDrawn(t, drawColumn(t)) })
}

// checkRoundTripDrawn is checkRoundTrip for rapid's kind of test.
func checkRoundTripDrawn(t *rapid.T, c *Column) {
	var got Column
	b := Append(nil, c)
	if err := Decode(b, &got); err != nil {
		t.Fatal(err)
	}
	if d := diff(&got, c); d != "" {
		t.Fatal(d)
	}
	h, err := ReadHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := h.Flags&^HasSummaries, naiveFlags(c); got != want {
		t.Fatalf("flags: got %06b, want %06b", got, want)
	}
	if why := readerDiff(new(Reader), b, c, rand.New(rand.NewPCG(uint64(len(b)), 1))); why != "" {
		t.Fatalf("read in parts: %s", why)
	}
}
