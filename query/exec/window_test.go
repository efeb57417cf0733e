package exec

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// series draws ascending times and values with the odd NaN, infinity and
// large number.
func drawSeries(t *rapid.T) (times []int64, values []float64) {
	n := rapid.IntRange(0, 60).Draw(t, "n")
	now := rapid.Int64Range(-50, 50).Draw(t, "first")
	for range n {
		now += rapid.Int64Range(1, 20).Draw(t, "gap")
		v := float64(rapid.IntRange(-5, 20).Draw(t, "v"))
		switch rapid.IntRange(0, 30).Draw(t, "odd") {
		case 0:
			v = math.NaN()
		case 1:
			v = math.Inf(1)
		case 2:
			v = 1e100
		case 3:
			v = -1e100
		}
		times, values = append(times, now), append(values, v)
	}
	return times, values
}

func drawWindows(t *rapid.T) Windows {
	g := Grid{Start: rapid.Int64Range(-50, 100).Draw(t, "start"), Step: rapid.Int64Range(1, 60).Draw(t, "step")}
	g.End = g.Start + rapid.Int64Range(0, 600).Draw(t, "span")
	return Windows{Grid: g, Range: rapid.Int64Range(1, 300).Draw(t, "range"), Offset: rapid.Int64Range(-30, 30).Draw(t, "offset"),
		Fixed: rapid.IntRange(0, 9).Draw(t, "fixed") == 0, End: rapid.Int64Range(0, 500).Draw(t, "end")}
}

// naive picks the samples of a window one by one.
func naive(w Windows, i int, times []int64, values []float64) (ts []int64, vs []float64) {
	lo, hi := w.Bounds(i)
	for k, t := range times {
		if t > lo && t <= hi {
			ts, vs = append(ts, t), append(vs, values[k])
		}
	}
	return ts, vs
}

func same(a, b float64) bool {
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.IsNaN(a) && math.IsNaN(b)
	}
	return a == b || math.Abs(a-b) <= 1e-9*math.Max(math.Abs(a), math.Abs(b))
}

func checkKernel(t *testing.T, name string, naiveOf func(w Windows, i int, ts []int64, vs []float64) (float64, bool)) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		times, values := drawSeries(t)
		w := drawWindows(t)
		sl := newSlider(w, 1)
		sl.seek(times)
		out := NewColumn(nil, w.Grid.Len())
		if err := rangeFuncs[name].kernel(context.Background(), sl, values, nil, out); err != nil {
			t.Fatal(err)
		}
		for i := range w.Grid.Len() {
			ts, vs := naive(w, i, times, values)
			want, ok := 0.0, false
			if len(vs) > 0 {
				want, ok = naiveOf(w, i, ts, vs)
			}
			if ok != out.Present.Has(i) || ok && !same(out.Values[i], want) {
				t.Fatalf("%s of %v at step %d: got %v (%t), want %v (%t)", name, vs, i, out.Values[i], out.Present.Has(i), want, ok)
			}
		}
	})
}

func TestKernelsAgreeWithNaiveTwins(t *testing.T) {
	always := func(f func(vs []float64) float64) func(Windows, int, []int64, []float64) (float64, bool) {
		return func(_ Windows, _ int, _ []int64, vs []float64) (float64, bool) { return f(vs), true }
	}
	checkKernel(t, "count_over_time", always(func(vs []float64) float64 { return float64(len(vs)) }))
	checkKernel(t, "sum_over_time", always(exactSum))
	checkKernel(t, "avg_over_time", always(func(vs []float64) float64 { return exactSum(vs) / float64(len(vs)) }))
	checkKernel(t, "max_over_time", always(func(vs []float64) float64 {
		best := math.NaN()
		for _, v := range vs {
			if v > best || math.IsNaN(best) {
				best = v
			}
		}
		return best
	}))
	checkKernel(t, "min_over_time", always(func(vs []float64) float64 {
		best := math.NaN()
		for _, v := range vs {
			if v < best || math.IsNaN(best) {
				best = v
			}
		}
		return best
	}))
	checkKernel(t, "resets", always(func(vs []float64) (n float64) {
		for i := 1; i < len(vs); i++ {
			if vs[i] < vs[i-1] {
				n++
			}
		}
		return n
	}))
	checkKernel(t, "changes", always(func(vs []float64) (n float64) {
		for i := 1; i < len(vs); i++ {
			if vs[i] != vs[i-1] && !(math.IsNaN(vs[i]) && math.IsNaN(vs[i-1])) {
				n++
			}
		}
		return n
	}))
	for _, name := range []string{"rate", "increase", "delta"} {
		checkKernel(t, name, func(w Windows, i int, ts []int64, vs []float64) (float64, bool) {
			lo, hi := w.Bounds(i)
			return naiveRate(lo, hi, ts, vs, name != "delta", name == "rate")
		})
	}
}

// exactSum adds up with 1e100 and 1e-100 apart, as no float64 sum could.
func exactSum(vs []float64) float64 {
	small, large, odd := 0.0, 0, 0.0
	for _, v := range vs {
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			odd += v
		case v == 1e100:
			large++
		case v == -1e100:
			large--
		default:
			small += v
		}
	}
	return float64(large)*1e100 + small + odd
}

// naiveRate is the definition of extrapolated rates, for one window.
func naiveRate(lo, hi int64, ts []int64, vs []float64, counter, perSecond bool) (float64, bool) {
	n := len(vs)
	if n < 2 {
		return 0, false
	}
	diff := vs[n-1] - vs[0]
	if counter {
		for i := 1; i < n; i++ {
			if vs[i] < vs[i-1] {
				diff += vs[i-1]
			}
		}
	}
	span := float64(ts[n-1]-ts[0]) / 1000
	average := span / float64(n-1)
	left, right := float64(ts[0]-lo)/1000, float64(hi-ts[n-1])/1000
	if left >= average*1.1 {
		left = average / 2
	}
	if right >= average*1.1 {
		right = average / 2
	}
	if counter && diff > 0 && vs[0] >= 0 {
		left = math.Min(left, span*(vs[0]/diff))
	}
	factor := (span + left + right) / span
	if perSecond {
		factor /= float64(hi-lo) / 1000
	}
	return diff * factor, true
}

func TestLargeValueLeavesNoTrace(t *testing.T) {
	var times []int64
	var values []float64
	for i := range int64(100) {
		times, values = append(times, i), append(values, 0.1)
	}
	values[10] = 1e300
	w := Windows{Grid: Grid{Start: 20, End: 99, Step: 1}, Range: 15}
	sl := newSlider(w, 1)
	sl.seek(times)
	out := NewColumn(nil, w.Grid.Len())
	if err := sumKernel(context.Background(), sl, values, nil, out); err != nil {
		t.Fatal(err)
	}
	if got := out.Values[w.Grid.Len()-1]; math.Abs(got-1.5) > 1e-15 {
		t.Errorf("sum after the large value left: got %v, want 1.5", got)
	}
}

func TestMeanOfHugeValuesDoesNotOverflow(t *testing.T) {
	if got := directMean([]float64{1.5e308, 1.5e308, 1.5e308}); !same(got, 1.5e308) {
		t.Errorf("got %v", got)
	}
}

func TestStepsOfAgreesWithBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWindows(t)
		at := rapid.Int64Range(-400e6, 900e6).Draw(t, "t")
		from, to := w.stepsOf(at)
		var got, want []int
		for i := from; i <= to; i++ {
			got = append(got, i)
		}
		for i := range w.Grid.Len() {
			if lo, hi := w.Bounds(i); at > lo*nanosPerMilli && at <= hi*nanosPerMilli {
				want = append(want, i)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("time %d in %+v: got steps %v, want %v", at, w, got, want)
		}
	})
}

func TestToMillisKeepsTheLastOfAMillisecond(t *testing.T) {
	times, values := toMillis([]int64{-1_500_000, -1_000_001, -1_000_000, -1, 0, 999_999, 1_000_000}, []float64{1, 2, 3, 4, 5, 6, 7})
	if got := fmt.Sprint(times, values); got != "[-2 -1 0 1] [2 4 6 7]" {
		t.Errorf("got %s", got)
	}
}
