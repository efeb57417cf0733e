package colenc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"tidemark/storage/model"
)

// FuzzDecode gives any bytes to every decoder: no panic, only the two errors,
// and dst as it was after one.
func FuzzDecode(f *testing.F) {
	walk := int64(0)
	f.Add(AppendInts(nil, numbers(1100, func(i int) int64 { walk += int64(i*i%7) - 3; return walk })), uint16(1100))
	f.Add(AppendInts(nil, numbers(600, func(i int) int64 { walk += int64(i*i%7) - 3 + int64(i%300/299)<<40; return walk })), uint16(600))
	f.Add(AppendInts(nil, numbers(300, func(i int) int64 { return int64(i*i%991) * int64(i%7) })), uint16(300))
	f.Add(AppendInts(nil, []int64{1, 5, -1 << 60, 7, 8, 8, 1 << 62}), uint16(7))
	f.Add(AppendInts(nil, slices.Repeat([]int64{1, 1, 1, 1, 1, 900, 900, 900, 900, 900, -7}, 3)), uint16(33))
	f.Add(AppendFloats(nil, words(9, func(i int) float64 { return 1 / float64(i) })), uint16(9))
	f.Add(AppendFloats(nil, words(9, func(i int) float64 { return float64(i*i) / 100 })), uint16(9))
	f.Add(AppendBools(nil, []uint64{1, 0, 0, 1}), uint16(4))
	f.Add(AppendTexts(nil, []string{"a", "a", "b", "a"}), uint16(4))
	f.Add(AppendTexts(nil, []string{string(make([]byte, 100)), "b"}), uint16(2))
	f.Add(Plain.Ints(nil, []int64{1, -1, 1 << 62}), uint16(3))
	f.Add(Plain.Texts(nil, []string{"a", "", "c"}), uint16(3))
	f.Add(AppendHistograms(nil, []*model.Histogram{
		{Schema: 2, Count: 3, Sum: 1, ZeroCount: 1, Positive: model.Buckets{Index: []int32{-4, 7}, Count: []float64{1, 1}}},
		{Schema: model.CustomSchema, Custom: []float64{1, 2}, Count: 1, Integer: true, Positive: model.Buckets{Index: []int32{2}, Count: []float64{1}}},
	}), uint16(2))
	f.Fuzz(func(t *testing.T, src []byte, n16 uint16) {
		n := int(n16 % 8193)
		check := func(what string, got, kept int, err error) {
			switch {
			case err == nil && got != n+1:
				t.Fatalf("%s: got %d values, want %d", what, got-1, n)
			case err != nil && got != 1:
				t.Fatalf("%s: an error and yet %d values", what, got-1)
			case err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported):
				t.Fatalf("%s: error of neither kind: %v", what, err)
			case kept != 42:
				t.Fatalf("%s: overwrote what was there", what)
			}
		}
		ints, _, err := DecodeInts(src, n, []int64{42})
		check("ints", len(ints), int(ints[0]), err)
		checkParts(t, src, n, ints[1:], err)
		for what, decode := range map[string]func([]byte, int, []uint64) ([]uint64, []byte, error){"floats": DecodeFloats, "bools": DecodeBools, "words": DecodeWords} {
			vals, _, err := decode(src, n, []uint64{42})
			check(what, len(vals), int(vals[0]), err)
		}
		hs, _, err := DecodeHistograms(src, n, []*model.Histogram{{Schema: 42}})
		check("histograms", len(hs), int(hs[0].Schema), err)
		if err == nil && n > 0 && HistogramsThatFit(hs[1:]) == n {
			again, rest, err := DecodeHistograms(AppendHistograms(nil, hs[1:]), n, nil)
			if err != nil || len(rest) > 0 || !slices.EqualFunc(again, hs[1:], (*model.Histogram).Equal) {
				t.Fatalf("histograms: encoded again: got %d of %d, rest %d, error %v", len(again), n, len(rest), err)
			}
		}
		texts, _, err := DecodeTexts(src, n, []string{"*"})
		check("texts", len(texts), int(texts[0][0]), err)
	})
}

// checkParts reads spans of a column that decodes to vals, or to no column.
func checkParts(t *testing.T, src []byte, n int, vals []int64, whole error) {
	var c Ints
	if _, err := c.Open(src, n, 0); err != nil {
		if whole == nil {
			t.Fatalf("decodes, but does not open: %v", err)
		}
		return
	}
	for _, span := range [][2]int{{n / 2, n/2 + n/4}, {n / 3, n / 3 * 2}, {n - n/8, n}, {0, n}} {
		got, err := c.Append([]int64{42}, span[0], span[1])
		switch {
		case whole == nil && err != nil:
			t.Fatalf("decodes, but not %v: %v", span, err)
		case err == nil && whole == nil && !slices.Equal(got[1:], vals[span[0]:span[1]]):
			t.Fatalf("%v differs from the whole", span)
		case err != nil && (len(got) != 1 || got[0] != 42):
			t.Fatalf("%v: an error and yet values", span)
		}
	}
	for _, v := range []int64{0, 1 << 40, -1 << 63, 1<<63 - 1} {
		if got, err := c.Search(v); err == nil && (got < 0 || got > n) {
			t.Fatalf("search of %d among %d values: got %d", v, n, got)
		}
	}
}

// FuzzRoundTrip encodes any words and texts.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("some bytes that stand for three words and a few texts, cut at spaces"))
	f.Add(bytes.Repeat([]byte{1, 0, 0, 0, 0, 0, 0, 0}, 50))
	f.Fuzz(func(t *testing.T, b []byte) {
		var ws []uint64
		for i := 0; i+8 <= len(b); i += 8 {
			ws = append(ws, binary.LittleEndian.Uint64(b[i:]))
		}
		if got, rest, err := DecodeWords(AppendWords(nil, ws), len(ws), nil); err != nil || len(rest) > 0 || !slices.Equal(got, ws) {
			t.Fatalf("integers %x: got %x, rest %d, error %v", ws, got, len(rest), err)
		}
		if got, rest, err := DecodeFloats(AppendFloats(nil, ws), len(ws), nil); err != nil || len(rest) > 0 || !slices.Equal(got, ws) {
			t.Fatalf("floats %x: got %x, rest %d, error %v", ws, got, len(rest), err)
		}
		var texts []string
		for part := range bytes.SplitSeq(b, []byte(" ")) {
			texts = append(texts, string(part))
		}
		if got, rest, err := DecodeTexts(AppendTexts(nil, texts), len(texts), nil); err != nil || len(rest) > 0 || !slices.Equal(got, texts) {
			t.Fatalf("texts %q: got %q, rest %d, error %v", texts, got, len(rest), err)
		}
	})
}
