package chunk

import (
	"maps"
	"math"
	"testing"

	"tidemark/storage/model"
	"tidemark/storage/storagetest"
)

// shapes are columns of every type.
func shapes() map[string]*Column {
	all := numberShapes()
	maps.Copy(all, histogramShapes())
	return all
}

func histograms(n int, f func(i int) *model.Histogram) *Column {
	c := &Column{Type: model.TypeHistogram, Times: regular(n)}
	for i := range n {
		c.Histograms = append(c.Histograms, f(i))
	}
	return c
}

// wideHistogram has as many buckets as a histogram may.
func wideHistogram() *model.Histogram {
	h := &model.Histogram{Schema: 8, Count: model.MaxBuckets}
	for i := range int32(model.MaxBuckets) {
		h.Positive.Add(i, 1)
	}
	return h
}

// counting returns the samples of one histogram that a program exposes: every
// sample has some more observations than the one before.
func counting(seed int64, integer bool) func(i int) *model.Histogram {
	g := storagetest.NewGenerator(seed).Rand
	counts := map[int32]float64{}
	h := &model.Histogram{Schema: 3, ZeroThreshold: 1e-128, Integer: integer}
	return func(i int) *model.Histogram {
		for range 20 {
			v := math.Exp(g.NormFloat64())
			idx := int32(math.Ceil(math.Log2(v) * 8))
			counts[idx] += 1
			h.Count++
			h.Sum += v
		}
		out := *h
		if !integer {
			out.Count /= 4
		}
		for idx := int32(-100); idx < 100; idx++ {
			if integer {
				out.Positive.Add(idx, counts[idx])
			} else {
				out.Positive.Add(idx, counts[idx]/4)
			}
		}
		if i > 0 {
			out.Hint = model.ResetNo
		}
		return &out
	}
}

func histogramShapes() map[string]*Column {
	any := storagetest.NewGenerator(5)
	custom := []float64{0.1, 0.5, 1, 5}
	return map[string]*Column{
		"histogram one":      histograms(1, func(int) *model.Histogram { return counting(1, true)(0) }),
		"histogram empty":    histograms(3, func(int) *model.Histogram { return &model.Histogram{} }),
		"histogram stale":    histograms(2, func(int) *model.Histogram { return model.StaleHistogram() }),
		"histogram integers": histograms(300, counting(2, true)),
		"histogram floats":   histograms(300, counting(3, false)),
		"histogram wide":     histograms(2, func(int) *model.Histogram { return wideHistogram() }),
		"histogram any":      histograms(200, func(int) *model.Histogram { return any.Histogram() }),
		"histogram few":      histograms(5, func(int) *model.Histogram { return any.Histogram() }),
		"histogram custom": withStarts(histograms(20, func(i int) *model.Histogram {
			h := &model.Histogram{Schema: model.CustomSchema, Custom: custom, Count: float64(3 * i), Sum: float64(i), Integer: true}
			h.Positive.Add(1, float64(i))
			h.Positive.Add(4, float64(2*i))
			return h
		}), func(i int) int64 { return int64(i / 10) }),
	}
}

// TestHistogramsAreColumns holds what columns are for: a counting histogram
// takes a fraction of what its samples take one by one.
func TestHistogramsAreColumns(t *testing.T) {
	c := histograms(300, counting(2, true))
	rows := 0
	for _, h := range c.Histograms {
		rows += len(model.AppendHistogram(nil, h))
	}
	if n := len(Append(nil, c)); n > rows/2 {
		t.Errorf("%d samples take %d bytes, want at most half of the %d that they take alone", c.Len(), n, rows)
	}
}

// TestHistogramCellsAreBounded: a column that claims more counts than the
// format allows is refused before memory is taken for them.
func TestHistogramCellsAreBounded(t *testing.T) {
	c := histograms(8, func(int) *model.Histogram { return wideHistogram() })
	b := Append(nil, c)
	var got Column
	if err := Decode(b, &got); err != nil || got.Len() != 8 {
		t.Fatalf("at the limit: got %d samples, error %v", got.Len(), err)
	}
	if got := c.Cut(); got != 8 {
		t.Errorf("want all 8 in one chunk, got %d", got)
	}
}
