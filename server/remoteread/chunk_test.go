package remoteread

import (
	"encoding/hex"
	"fmt"
	"math"
	"testing"

	"tidemark/storage/model"
)

// TestEncodeFloats pins the bytes of a small chunk. That whole answers are
// what Prometheus reads is tested in bench/conformance, with its own client.
func TestEncodeFloats(t *testing.T) {
	got := encodeFloats([]int64{1000, 2000, 3000, 4100}, []float64{1, 1, 2, 2})
	// 0004: four samples; d00f: 1000; 3ff0…: 1; e807: distance 1000; a bit 0: the
	// same value. Then a bit 0: the same distance, and 11 00001 001011: 1
	// leading zero and 11 bits, 11111111111. Then 10 and 14 bits: 100 more; 0.
	if want := "0004d00f3ff0000000000000e8073097ffe01900"; hex.EncodeToString(got) != want {
		t.Errorf("chunk is %x, want %s", got, want)
	}
}

func TestCut(t *testing.T) {
	h := func(hint model.ResetHint, index ...int32) *model.Histogram {
		b := model.Buckets{}
		for _, i := range index {
			b.Add(i, 1)
		}
		return &model.Histogram{Hint: hint, Integer: true, Count: float64(len(index)), Positive: b}
	}
	s := &model.Series{Histograms: []*model.Histogram{nil, nil, h(model.ResetUnknown, 1), h(model.ResetNo, 1, 5), h(model.ResetUnknown, 1), model.StaleHistogram(), h(model.Gauge, 2), h(model.Gauge, 3), nil}}
	for i := range s.Histograms {
		s.Times, s.Values = append(s.Times, int64(i)), append(s.Values, math.NaN())
	}
	var got []int
	for i := 0; i < len(s.Times); {
		n := cut(s, i)
		got = append(got, n)
		i += n
	}
	if want := "[2 2 1 1 2 1]"; fmt.Sprint(got) != want {
		t.Errorf("chunks of %v samples, want %s", got, want)
	}
	if got := layout(s.Histograms[2:4], false); fmt.Sprint(got) != "[1 5]" {
		t.Errorf("layout is %v, want that of both", got)
	}
	long := &model.Series{Times: make([]int64, 500), Values: make([]float64, 500)}
	if n := cut(long, 400); n != 100 {
		t.Errorf("the last chunk has %d samples, want 100", n)
	}
	if n := cut(long, 0); n != chunkSamples {
		t.Errorf("a chunk has %d samples, want %d", n, chunkSamples)
	}
}
