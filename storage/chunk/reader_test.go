package chunk

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"tidemark/storage/model"
)

// readerDiff reads a chunk in parts, in an order that r decides, and says where
// that differs from the column, or "".
func readerDiff(rd *Reader, b []byte, c *Column, r *rand.Rand) string {
	if err := rd.Open(b); err != nil {
		return err.Error()
	}
	n := c.Len()
	for range 12 {
		i := r.IntN(n + 1)
		j := i + r.IntN(n-i+1)
		if r.IntN(2) == 0 {
			j = min(j, i+r.IntN(20))
		}
		if why := spanDiff(rd, c, i, j); why != "" {
			return fmt.Sprintf("samples [%d, %d): %s", i, j, why)
		}
		t := c.Times[r.IntN(n)] + r.Int64N(3) - 1
		got, err := rd.Search(t)
		want, found := slices.BinarySearch(c.Times, t)
		if found {
			want++
		}
		if err != nil || got != want {
			return fmt.Sprintf("search of %d: got %d, error %v, want %d", t, got, err, want)
		}
	}
	return windowsDiff(rd, c)
}

func spanDiff(rd *Reader, c *Column, i, j int) string {
	times, err := rd.AppendTimes([]int64{42}, i, j)
	if err != nil || !slices.Equal(times[1:], c.Times[i:j]) || times[0] != 42 {
		return fmt.Sprintf("times differ, error %v", err)
	}
	switch c.Type {
	case model.TypeText, model.TypeHistogram:
		if c.Type == model.TypeText {
			texts, err := rd.AppendTexts(nil, i, j)
			if err != nil || !slices.Equal(texts, c.Texts[i:j]) {
				return fmt.Sprintf("texts differ, error %v", err)
			}
		} else {
			hs, err := rd.AppendHistograms(nil, i, j)
			if err != nil || !slices.EqualFunc(hs, c.Histograms[i:j], sameHistogram) {
				return fmt.Sprintf("histograms differ, error %v", err)
			}
		}
		if _, err := rd.AppendFloats(nil, i, j); !errors.Is(err, ErrTypeMismatch) {
			return fmt.Sprintf("floats of %ss: got error %v", c.Type, err)
		}
	default:
		words, err := rd.AppendBits([]uint64{42}, i, j)
		if err != nil || !equalBits(c.Type, words[1:], c.Bits[i:j]) || words[0] != 42 {
			return fmt.Sprintf("bits differ, error %v", err)
		}
		floats, err := rd.AppendFloats([]float64{42}, i, j)
		if err != nil || len(floats) != j-i+1 || floats[0] != 42 {
			return fmt.Sprintf("%d floats, error %v", len(floats), err)
		}
		for k, f := range floats[1:] {
			if math.Float64bits(f) != math.Float64bits(model.BitsToFloat(c.Type, c.Bits[i+k])) {
				return fmt.Sprintf("float %d: got %v", k, f)
			}
		}
	}
	starts, err := rd.AppendStarts(nil, i, j)
	if err != nil || len(starts) != j-i {
		return fmt.Sprintf("%d start times, error %v", len(starts), err)
	}
	want := make([]int64, j) // NoStart
	copy(want, c.Starts)
	if !slices.Equal(starts, want[i:]) {
		return "start times differ"
	}
	return ""
}

// windowsDiff compares a chunk's summaries with naive ones.
func windowsDiff(rd *Reader, c *Column) string {
	width, err := rd.WindowWidth()
	if err != nil {
		return err.Error()
	}
	got, err := rd.AppendWindows(nil)
	if err != nil {
		return err.Error()
	}
	if (rd.Header().Flags&HasSummaries != 0) != (width > 0) || (width > 0) != (len(got) > 0) {
		return fmt.Sprintf("flags %06b, windows of %d, %d of them", rd.Header().Flags, width, len(got))
	}
	next := 0
	for i := range got {
		w := &got[i]
		if w.First != next || w.Count < 1 {
			return fmt.Sprintf("window %d: %+v: want it to begin with sample %d", i, w, next)
		}
		next += w.Count
		if why := naiveWindowDiff(w, c, width); why != "" {
			return fmt.Sprintf("window %d: %+v: %s", i, w, why)
		}
	}
	if len(got) > 0 && next != c.Len() {
		return fmt.Sprintf("want %d samples in windows, got %d", c.Len(), next)
	}
	return ""
}

// naiveWindowDiff checks a window against its definition, with arithmetic
// that does not round.
func naiveWindowDiff(w *Window, c *Column, width int64) string {
	end, step := big.NewInt(w.End), big.NewInt(width)
	if w.End != math.MaxInt64 && new(big.Int).Rem(end, step).Sign() != 0 {
		return "the end is no multiple of the width"
	}
	// (end-width, end], where the last window's end is cut.
	low := new(big.Int).Sub(end, step)
	if w.End == math.MaxInt64 {
		low = new(big.Int).Mul(new(big.Int).Quo(end, step), step)
	}
	last := w.First + w.Count - 1
	for _, i := range [...]int{w.First - 1, w.First, last, last + 1} { // times ascend
		if i < 0 || i == len(c.Times) {
			continue
		}
		t := c.Times[i]
		inside := t <= w.End && low.Cmp(big.NewInt(t)) < 0
		if inside != (i >= w.First && i < w.First+w.Count) {
			return fmt.Sprintf("sample %d at %d: inside %v", i, t, inside)
		}
	}
	var flags WindowFlags
	sum, magnitudes := new(big.Float).SetPrec(300), 0.0
	lo, hi := math.Inf(1), math.Inf(-1)
	var seen []float64
	for _, b := range c.Bits[w.First : w.First+w.Count] {
		v := model.BitsToFloat(c.Type, b)
		switch {
		case c.Type == model.TypeFloat && b == model.StaleNaNBits:
			flags |= WindowStale
		case math.IsNaN(v):
			flags |= WindowNaN
		case math.IsInf(v, 0):
			flags |= WindowInf
			seen = append(seen, v)
		default:
			seen = append(seen, v)
			sum.Add(sum, new(big.Float).SetFloat64(v))
			magnitudes += math.Abs(v)
			lo, hi = math.Min(lo, v), math.Max(hi, v)
		}
	}
	changes := 0
	for i := 1; i < len(seen); i++ {
		if seen[i] < seen[i-1] {
			flags |= WindowReset
		}
		if seen[i] != seen[i-1] {
			changes++
		}
	}
	exact, _ := sum.Float64()
	if math.IsInf(exact, 0) || math.IsInf(magnitudes, 0) {
		flags |= w.Flags & WindowInf // where sums are near the largest float
	}
	if w.Flags&^WindowOther != flags {
		return fmt.Sprintf("want flags %05b", flags)
	}
	if w.Flags&Opaque != 0 {
		return ""
	}
	if w.FirstValue != seen[0] || w.LastValue != seen[len(seen)-1] || w.Min != lo || w.Max != hi {
		return fmt.Sprintf("want first %v, last %v, minimum %v, maximum %v", seen[0], seen[len(seen)-1], lo, hi)
	}
	if math.Abs(w.Sum-exact) > magnitudes*0x1p-52 {
		return fmt.Sprintf("want sum %v", exact)
	}
	if w.Changes != UnknownChanges && w.Changes != changes {
		return fmt.Sprintf("want %d changes", changes)
	}
	return ""
}

// TestSummaries has columns as they are scraped, and what their chunks say of
// them.
func TestSummaries(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	walk, counter := 50.0, 0.0
	every := func(seconds int64, c *Column) *Column {
		return withTimes(c, func(i int) int64 { return (1_700_000_000 + int64(i)*seconds) * second })
	}
	gauge := func(int) float64 { walk = min(100, max(0, walk+r.NormFloat64())); return math.Floor(walk) }
	for _, k := range []struct {
		what    string
		c       *Column
		minutes int64 // of a window at most; 0 for no summaries
		opaque  int   // windows
	}{
		{"a gauge of integers", every(10, floats(8192, gauge)), 15, 0},
		{"a counter", every(10, floats(8192, func(int) float64 { counter += float64(50 + r.IntN(3)); return counter })), 10, 0},
		{"a state that seldom changes", every(15, ints(4000, func(i int) int64 { return int64(i) / 1000 })), 5, 0},
		{"scraped each minute", every(60, floats(8192, gauge)), 120, 0},
		{"booleans", every(10, bools(5000, func(i int) bool { return i%3000 < 50 })), 5, 0},
		{"short", every(1, floats(minSummarised-1, gauge)), 0, 0},
		{"texts", texts(5000, func(i int) string { return "up" }), 0, 0},
		{"sparse", every(86400, floats(5000, gauge)), 0, 0},
		{"stale now and then", every(10, floats(8192, func(i int) float64 {
			if i%4000 == 3999 {
				return math.Float64frombits(model.StaleNaNBits)
			}
			return gauge(i)
		})), 15, 2},
		{"of full precision", every(10, floats(8192, func(int) float64 { return r.Float64() })), 30, 0},
	} {
		t.Run(k.what, func(t *testing.T) {
			b := checkRoundTrip(t, k.c)
			var rd Reader
			if err := rd.Open(b); err != nil {
				t.Fatal(err)
			}
			width, _ := rd.WindowWidth()
			ws, err := rd.AppendWindows(nil)
			if err != nil || (width > 0) != (k.minutes > 0) || width > k.minutes*60*second {
				t.Fatalf("want windows of at most %d minutes, got %v seconds, error %v", k.minutes, width/second, err)
			}
			opaque := 0
			for i := range ws {
				if ws[i].Flags&Opaque != 0 {
					opaque++
				}
			}
			if opaque != k.opaque {
				t.Errorf("want %d opaque windows, got %d", k.opaque, opaque)
			}
			size := len(rd.s.summaries)
			t.Logf("%d windows in %d bytes: %.3f bytes a sample of %.3f", len(ws), size, float64(size)/float64(k.c.Len()), float64(len(b))/float64(k.c.Len()))
			if limit := max(summaryBytes*float64(k.c.Len()), summaryShare*float64(len(b))); float64(size) > limit {
				t.Errorf("want summaries of at most %v bytes, got %d", limit, size)
			}
		})
	}
}

// TestSummariesCompose answers for ranges from windows and from samples at the
// edges, and compares with the samples alone.
func TestSummariesCompose(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	walk := 500.0
	c := withTimes(floats(5000, func(int) float64 { walk += math.Round(r.NormFloat64()*10) / 10; return math.Round(walk*10) / 10 }),
		func(i int) int64 { return int64(i)*10*second + r.Int64N(5)*second })
	var rd Reader
	if err := rd.Open(Append(nil, c)); err != nil {
		t.Fatal(err)
	}
	ws, err := rd.AppendWindows(nil)
	if err != nil || len(ws) < 10 {
		t.Fatal(len(ws), err)
	}
	width, _ := rd.WindowWidth()
	for range 300 {
		lo, hi := r.Int64N(c.Times[4999]), r.Int64N(c.Times[4999])
		lo, hi = min(lo, hi), max(lo, hi)
		i, _ := rd.Search(lo)
		j, _ := rd.Search(hi)
		var count, whole int
		var sum, most, magnitude float64
		add := func(n int, s, top, m float64) {
			count, sum, most, magnitude = count+n, sum+s, max(most, top), magnitude+m
		}
		samples := func(from, to int) {
			vals, err := rd.AppendFloats(nil, from, to)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range vals {
				add(1, v, v, v)
			}
		}
		at := i
		for k := range ws {
			if w := &ws[k]; w.End-width >= lo && w.End <= hi {
				samples(at, w.First)
				add(w.Count, w.Sum, w.Max, w.Sum)
				at = w.First + w.Count
				whole++
			}
		}
		samples(at, j)
		var want, top float64
		for _, b := range c.Bits[i:j] {
			want, top = want+math.Float64frombits(b), max(top, math.Float64frombits(b))
		}
		if count != j-i || most != top || math.Abs(sum-want) > magnitude*1e-14 {
			t.Fatalf("(%d, %d], %d whole windows: got %d samples, maximum %v, sum %v, want %d, %v, %v", lo, hi, whole, count, most, sum, j-i, top, want)
		}
	}
}

// TestWindowEnds has the ends of windows at the edges of time.
func TestWindowEnds(t *testing.T) {
	const width = 300 * second
	for _, c := range []struct{ t, want int64 }{
		{0, 0}, {1, width}, {width, width}, {width + 1, 2 * width}, {-1, 0}, {-width, -width}, {-width - 1, -width},
		{math.MaxInt64, math.MaxInt64}, {math.MinInt64, math.MinInt64 / width * width},
	} {
		if got := windowEnd(c.t, width); got != c.want {
			t.Errorf("%d: got %d, want %d", c.t, got, c.want)
		}
	}
}

func TestReaderPanicsOutOfRange(t *testing.T) {
	var rd Reader
	if err := rd.Open(Append(nil, ints(3, func(i int) int64 { return 1 }))); err != nil {
		t.Fatal(err)
	}
	for _, span := range [][2]int{{-1, 2}, {2, 1}, {0, 4}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("[%d, %d): no panic", span[0], span[1])
				}
			}()
			_, _ = rd.AppendBits(nil, span[0], span[1])
		}()
	}
}

// TestDamagedSummaries: a chunk whose summaries are wrong and whose checksum fits
// gives an error or windows that cover the samples, and Verify notices.
func TestDamagedSummaries(t *testing.T) {
	c := withTimes(ints(3000, func(i int) int64 { return int64(i) / 40 % 7 }), func(i int) int64 { return int64(i) * 20 * second })
	b := Append(nil, c)
	var rd Reader
	if err := rd.Open(b); err != nil {
		t.Fatal(err)
	}
	size := len(rd.s.summaries)
	if size == 0 {
		t.Fatal("no summaries")
	}
	var scratch Column
	for i := (len(b) - size) * 8; i < len(b)*8; i++ {
		bad := slices.Clone(b)
		bad[i/8] ^= 1 << (i % 8)
		Seal(bad)
		err := rd.Open(bad)
		if err == nil {
			var ws []Window
			if ws, err = rd.AppendWindows(nil); err == nil && (len(ws) == 0 || ws[len(ws)-1].First+ws[len(ws)-1].Count != 3000) {
				t.Fatalf("bit %d: windows do not cover the samples", i)
			}
		}
		if err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) {
			t.Fatalf("bit %d: error of neither kind: %v", i, err)
		}
		if Verify(bad, c, &scratch) == nil && !verifiable(t, &rd, c) {
			t.Fatalf("bit %d: verified", i)
		}
	}
}

// verifiable reports whether the windows of an open chunk are what they may be.
func verifiable(t *testing.T, rd *Reader, c *Column) bool {
	why := windowsDiff(rd, c)
	if why != "" {
		t.Log(why)
	}
	return why == ""
}
