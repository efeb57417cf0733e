package model

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// FuzzDecodeHistogram decodes any bytes: what is accepted is valid and encodes
// to a histogram that says the same.
func FuzzDecodeHistogram(f *testing.F) {
	for _, h := range histogramExamples() {
		f.Add(AppendHistogram(nil, h))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := DecodeHistogram(b)
		if err != nil {
			if !errors.Is(err, ErrBadHistogram) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		if err := h.Validate(); err != nil {
			t.Fatal(err)
		}
		again, err := DecodeHistogram(AppendHistogram(nil, h))
		if err != nil || !again.Equal(h) || again.Hint != h.Hint || again.Integer != h.Integer {
			t.Fatalf("want %+v, got %+v, error %v", h, again, err)
		}
	})
}

func histogramExamples() []*Histogram {
	return []*Histogram{
		{},
		StaleHistogram(),
		{Schema: 3, Hint: ResetNo, Integer: true, ZeroThreshold: 1e-128, ZeroCount: 2, Count: 9, Sum: -3.5,
			Positive: Buckets{[]int32{-20, 0, 1, 9}, []float64{1, 1, 2, 1}}, Negative: Buckets{[]int32{4}, []float64{2}}},
		{Schema: CustomSchema, Hint: Gauge, Custom: []float64{-1, 0, 2.5}, Count: 1.5, Sum: math.NaN(), Positive: Buckets{[]int32{0, 3}, []float64{1, 0.5}}},
		{Schema: -4, Count: math.Inf(1), Sum: math.Inf(1), Positive: Buckets{[]int32{-5, 65}, []float64{math.NaN(), math.Inf(1)}}},
	}
}

func TestHistogramRoundTripAndTruncation(t *testing.T) {
	for i, h := range histogramExamples() {
		if err := h.Validate(); err != nil {
			t.Fatalf("example %d: %v", i, err)
		}
		b := AppendHistogram(nil, h)
		got, err := DecodeHistogram(b)
		if err != nil || !got.Equal(h) || got.Hint != h.Hint || got.Integer != h.Integer {
			t.Errorf("example %d: want %+v, got %+v, error %v", i, h, got, err)
		}
		for n := range b {
			if _, err := DecodeHistogram(b[:n:n]); !errors.Is(err, ErrBadHistogram) {
				t.Errorf("example %d cut at %d of %d: got error %v", i, n, len(b), err)
			}
		}
	}
}

func TestHistogramValidate(t *testing.T) {
	buckets := func(idx ...int32) Buckets {
		var b Buckets
		for _, i := range idx {
			b.Index, b.Count = append(b.Index, i), append(b.Count, 1)
		}
		return b
	}
	for want, h := range map[string]*Histogram{
		"schema: want -4 to 8 or -53, got 9":         {Schema: 9},
		"hint: want 0 to 3, got 4":                   {Hint: 4},
		"want no custom bounds, got 1":               {Custom: []float64{1}},
		"want no zero bucket":                        {Schema: CustomSchema, ZeroCount: 1},
		"no negative ones":                           {Schema: CustomSchema, Negative: buckets(1)},
		"want none below 0":                          {Count: -1},
		"zero threshold: want 0 or more":             {ZeroThreshold: math.NaN()},
		"custom bound 1: want one above":             {Schema: CustomSchema, Custom: []float64{1, 1}},
		"custom bound 0: want one above":             {Schema: CustomSchema, Custom: []float64{math.Inf(1)}},
		"positive bucket 1: want an index above":     {Positive: buckets(2, 2)},
		"positive bucket 0: want an index above the": {Schema: CustomSchema, Positive: buckets(1)},
		"negative bucket 0: want an index above":     {Negative: buckets(1 << 20)},
		"negative bucket 0: want a count above 0":    {Negative: Buckets{[]int32{1}, []float64{0}}},
		"whole in an integer histogram, got 0.5":     {Integer: true, Positive: Buckets{[]int32{1}, []float64{0.5}}},
		"want whole counts up to 2^53":               {Integer: true, Count: 1 << 54},
		"positive buckets: want at most 16384":       {Positive: Buckets{make([]int32, 1), nil}},
	} {
		if err := h.Validate(); !errors.Is(err, ErrBadHistogram) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got error %v, want %q", h, err, want)
		}
	}
}
