package histogram_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tidemark/query/histogram"
	"tidemark/storage/model"
)

// The twin of every calculation here is the list of observations: a histogram
// of two lists together is the sum of their histograms, its quantile lies in
// the bucket of the observation of that rank.

// count returns the histogram of observations.
func count(schema int8, threshold float64, obs []float64) *model.Histogram {
	h := &model.Histogram{Schema: schema, ZeroThreshold: threshold}
	put := func(b *model.Buckets, v float64) {
		index := int32(0)
		for histogram.Bound(schema, index) < v {
			index++
		}
		for histogram.Bound(schema, index-1) >= v {
			index--
		}
		i, found := slices.BinarySearch(b.Index, index)
		if !found {
			b.Index, b.Count = slices.Insert(b.Index, i, index), slices.Insert(b.Count, i, 0)
		}
		b.Count[i]++
	}
	for _, v := range obs {
		h.Count++
		h.Sum += v
		switch {
		case math.Abs(v) <= threshold:
			h.ZeroCount++
		case v > 0:
			put(&h.Positive, v)
		default:
			put(&h.Negative, -v)
		}
	}
	return h
}

// observations draws whole numbers, so that sums are exact.
func observations(t *rapid.T, name string, least int) []float64 {
	return rapid.Map(rapid.SliceOfN(rapid.IntRange(-300, 300), least, 60), func(is []int) []float64 {
		out := make([]float64, len(is))
		for i, v := range is {
			out[i] = float64(v)
		}
		return out
	}).Draw(t, name)
}

func schemas(t *rapid.T, name string) int8 { return rapid.Int8Range(-2, 5).Draw(t, name) }

func same(a, b *model.Histogram) bool {
	return a.Schema == b.Schema && a.ZeroThreshold == b.ZeroThreshold && a.ZeroCount == b.ZeroCount && a.Count == b.Count && a.Sum == b.Sum &&
		slices.Equal(a.Positive.Index, b.Positive.Index) && slices.Equal(a.Positive.Count, b.Positive.Count) &&
		slices.Equal(a.Negative.Index, b.Negative.Index) && slices.Equal(a.Negative.Count, b.Negative.Count)
}

func TestBounds(t *testing.T) {
	for _, c := range []struct {
		schema int8
		index  int32
		want   float64
	}{{0, 0, 1}, {0, 3, 8}, {0, -2, 0.25}, {1, 1, math.Sqrt2}, {1, 2, 2}, {3, -8, 0.5}, {-1, 2, 16}, {-4, -1, 1.0 / 65536}, {0, 1024, math.MaxFloat64}, {8, 1024 << 8, math.MaxFloat64}, {-4, 64, math.MaxFloat64}} {
		if got := histogram.Bound(c.schema, c.index); math.Abs(got/c.want-1) > 1e-15 {
			t.Errorf("bound %d of schema %d is %v, want %v", c.index, c.schema, got, c.want)
		}
	}
}

func TestSumsAreOfObservations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := observations(t, "a", 0), observations(t, "b", 0)
		sa, sb := schemas(t, "schema of a"), schemas(t, "schema of b")
		threshold := rapid.SampledFrom([]float64{0, 1, 2}).Draw(t, "threshold")
		want := count(min(sa, sb), threshold, append(slices.Clone(a), b...))

		sum := count(sa, threshold, a)
		if _, err := histogram.Add(sum, count(sb, threshold, b)); err != nil {
			t.Fatal(err)
		}
		if !same(sum, want) {
			t.Fatalf("a + b is %s, want %s", histogram.String(sum), histogram.String(want))
		}
		if _, err := histogram.Sub(sum, count(sb, threshold, b)); err != nil {
			t.Fatal(err)
		}
		if back := count(min(sa, sb), threshold, a); !same(sum, back) {
			t.Fatalf("a + b - b is %s, want %s", histogram.String(sum), histogram.String(back))
		}
		var s histogram.Sum
		for _, h := range []*model.Histogram{count(sa, threshold, a), count(sb, threshold, b)} {
			if err := s.Add(h); err != nil {
				t.Fatal(err)
			}
		}
		if !same(s.Value(), want) {
			t.Fatalf("Sum is %s, want %s", histogram.String(s.Value()), histogram.String(want))
		}
		var m histogram.Mean
		for range 2 {
			if err := m.Add(want.Clone()); err != nil {
				t.Fatal(err)
			}
		}
		if !same(m.Value(), want) {
			t.Fatalf("the mean of two equal ones is %s, want %s", histogram.String(m.Value()), histogram.String(want))
		}
		if len(a) > 0 && len(b) > 0 && !histogram.IsReset(count(sa, threshold, a), count(min(sa, sb), threshold, append(slices.Clone(a), b...))) {
			t.Fatal("a histogram of fewer observations is a reset of one of more")
		}
		if histogram.IsReset(want, count(sa, threshold, a)) && sa <= sb {
			t.Fatal("a histogram of more observations at the same schema is no reset")
		}
	})
}

func TestCoarsenIsOfObservations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obs, fine := observations(t, "observations", 0), schemas(t, "schema")
		coarse := rapid.Int8Range(-4, fine).Draw(t, "coarse")
		if got, want := histogram.Coarsen(count(fine, 1, obs), coarse), count(coarse, 1, obs); !same(got, want) {
			t.Fatalf("%s, want %s", histogram.String(got), histogram.String(want))
		}
	})
}

func TestQuantilesAreNearObservations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obs, schema := observations(t, "observations", 1), schemas(t, "schema")
		h := count(schema, 0, obs)
		slices.Sort(obs)
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		got, nans := histogram.Quantile(q, h)
		if nans != histogram.NoNaNs {
			t.Fatal("there are no NaNs")
		}
		// The observations next to the rank, each anywhere in its bucket.
		rank := q * float64(len(obs))
		lo, hi := obs[max(0, int(math.Ceil(rank-1e-9))-1)], obs[min(len(obs)-1, int(math.Floor(rank+1e-9)))]
		for _, b := range histogram.Buckets(nil, h) {
			if b.Lower < lo && lo <= b.Upper || lo < 0 && b.Lower <= lo && lo < b.Upper {
				lo = b.Lower
			}
			if b.Lower < hi && hi <= b.Upper || hi < 0 && b.Lower <= hi && hi < b.Upper {
				hi = b.Upper
			}
		}
		const rounding = 1e-12
		if got < lo-rounding*math.Abs(lo) || got > hi+rounding*math.Abs(hi) {
			t.Fatalf("quantile %v of %v is %v, want %v to %v", q, obs, got, lo, hi)
		}
		if before, _ := histogram.Quantile(q/2, h); before > got+rounding*math.Abs(got) {
			t.Fatalf("quantile %v is %v, quantile %v is %v", q/2, before, q, got)
		}
	})
	h := count(0, 0, []float64{1, 2, 3})
	for q, want := range map[float64]float64{-1: math.Inf(-1), 2: math.Inf(1)} {
		if got, _ := histogram.Quantile(q, h); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if got, _ := histogram.Quantile(0.5, &model.Histogram{}); !math.IsNaN(got) {
		t.Errorf("a quantile of nothing is %v, want NaN", got)
	}
}

func TestFractions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obs, schema := observations(t, "observations", 1), schemas(t, "schema")
		h := count(schema, 0, obs)
		all, _ := histogram.Fraction(math.Inf(-1), math.Inf(1), h)
		if all != 1 {
			t.Fatalf("all are a share of %v", all)
		}
		// At the bounds of buckets the share is exact.
		bound := histogram.Bound(schema, rapid.Int32Range(-4, 12).Draw(t, "bound"))
		below := 0.0
		for _, v := range obs {
			if v <= bound {
				below++
			}
		}
		got, _ := histogram.Fraction(math.Inf(-1), bound, h)
		if want := below / float64(len(obs)); math.Abs(got-want) > 1e-12 {
			t.Fatalf("up to %v a share of %v, want %v of %v", bound, got, want, obs)
		}
		above, _ := histogram.Fraction(bound, math.Inf(1), h)
		if math.Abs(got+above-1) > 1e-12 {
			t.Fatalf("shares of %v and %v", got, above)
		}
	})
}

// A histogram trimmed at the bound of a bucket is that of the observations left.
func TestTrims(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obs, schema := observations(t, "observations", 0), schemas(t, "schema")
		bound := histogram.Bound(schema, rapid.Int32Range(-4, 12).Draw(t, "bound"))
		low := slices.DeleteFunc(slices.Clone(obs), func(v float64) bool { return v > bound })
		for _, below := range []bool{true, false} {
			kept := low
			if !below {
				kept = slices.DeleteFunc(slices.Clone(obs), func(v float64) bool { return v <= bound })
			}
			got, want := histogram.Trim(count(schema, 0, obs), bound, below), count(schema, 0, kept)
			got.Sum = want.Sum // which is estimated from the middles of buckets
			if !same(got, want) {
				t.Fatalf("below=%v at %v: %s, want %s", below, bound, histogram.String(got), histogram.String(want))
			}
		}
	})
}

func TestCustomBuckets(t *testing.T) {
	h := &model.Histogram{Schema: model.CustomSchema, Custom: []float64{1, 2, 4}, Count: 8, Sum: 20,
		Positive: model.Buckets{Index: []int32{0, 1, 3}, Count: []float64{2, 4, 2}}}
	for q, want := range map[float64]float64{0: 0, 0.25: 1, 0.5: 1.5, 0.7: 1.9, 1: 4} {
		if got, _ := histogram.Quantile(q, h); math.Abs(got-want) > 1e-12 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	other := &model.Histogram{Schema: model.CustomSchema, Custom: []float64{1, 4}, Count: 3, Sum: 5,
		Positive: model.Buckets{Index: []int32{0, 1}, Count: []float64{1, 2}}}
	sum := h.Clone()
	if _, err := histogram.Add(sum, other); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(sum.Custom, []float64{1, 4}) || sum.Count != 11 || !slices.Equal(sum.Positive.Count, []float64{3, 6, 2}) {
		t.Errorf("custom buckets that meet at 1 and 4 are %s", histogram.String(sum))
	}
	if _, err := histogram.Add(sum, count(0, 0, []float64{1})); err != histogram.ErrIncompatible {
		t.Errorf("custom and exponential buckets give %v, want ErrIncompatible", err)
	}
	if v := histogram.Variance(count(0, 0, nil)); !math.IsNaN(v) {
		t.Errorf("the variance of nothing is %v", v)
	}
}
