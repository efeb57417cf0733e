package analysis

import (
	"errors"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"
)

func TestCorrelateClosedForms(t *testing.T) {
	f := func(what string, want, tol float64, n int, o CorrelationOptions, a, b func(i int) float64) {
		t.Helper()
		x, y := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i], y[i] = a(i), b(i)
		}
		got, err := Correlate(x, y, o)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if math.IsNaN(want) != math.IsNaN(got) || math.Abs(got-want) > tol {
			t.Errorf("%s: got %.9f, want %g within %g", what, got, want, tol)
		}
	}
	line := func(i int) float64 { return float64(i) }
	e, g := noise(1), noise(2)
	f("linear", 1, 1e-12, 50, CorrelationOptions{}, line, func(i int) float64 { return 3*float64(i) - 7 })
	f("falling", -1, 1e-12, 50, CorrelationOptions{}, line, func(i int) float64 { return 5 - 2*float64(i) })
	f("independent", 0, 0.1, 2000, CorrelationOptions{}, func(int) float64 { return e() }, func(int) float64 { return g() })
	f("monotone by rank", 1, 1e-12, 50, CorrelationOptions{Method: "spearman"}, line, func(i int) float64 { return math.Exp(float64(i)) })
	f("common trend by differences", 0, 0.1, 2000, CorrelationOptions{Diff: true},
		func(i int) float64 { return 10*float64(i) + e() }, func(i int) float64 { return 5*float64(i) + g() })
	f("constant", math.NaN(), 0, 50, CorrelationOptions{}, line, func(int) float64 { return 0.1 })
	f("a level that swallows float sums", 1, 1e-6, 500, CorrelationOptions{},
		func(i int) float64 { return 1e15 + float64(i%7) }, func(i int) float64 { return float64(i % 7) })
	f("extreme magnitudes", 1, 1e-9, 50, CorrelationOptions{},
		func(i int) float64 { return 1e307 * float64(i-25) / 5 }, func(i int) float64 { return 1e-300 * float64(i) })
	f("gaps and infinities", 1, 1e-12, 60, CorrelationOptions{}, func(i int) float64 {
		switch i % 5 {
		case 0:
			return math.NaN()
		case 1:
			return math.Inf(1)
		}
		return float64(i)
	}, line)
}

func TestCorrelateAgainstTwin(t *testing.T) {
	e := noise(3)
	for n := 10; n < 200; n += 13 {
		x, y := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i] = e()
			y[i] = 0.6*x[i] + e()
		}
		got, err := Correlate(x, y, CorrelationOptions{})
		if want := stat.Correlation(x, y, nil); err != nil || math.Abs(got-want) > 1e-12 {
			t.Fatalf("%d pairs: got %g (%v), want %g", n, got, err, want)
		}
	}
}

func TestCorrelateNeedsPairs(t *testing.T) {
	x := slices.Repeat([]float64{1, 2}, 20)
	y := slices.Repeat([]float64{math.NaN()}, 40)
	copy(y, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9})
	_, err := Correlate(x, y, CorrelationOptions{})
	var s *ShortHistory
	if !errors.As(err, &s) || s.Have != 9 || s.Want != MinPairs {
		t.Errorf("got %v, want nine of ten pairs", err)
	}
	if _, err := Correlate(x, x, CorrelationOptions{Method: "kendall"}); err == nil {
		t.Error("want an error for an unknown method")
	}
	if _, err := Correlate(x, x[:3], CorrelationOptions{}); err == nil {
		t.Error("want an error for columns of different length")
	}
}

func TestRanksShareTies(t *testing.T) {
	if got := ranks([]float64{3, 1, 3, 2}); !slices.Equal(got, []float64{3.5, 1, 3.5, 2}) {
		t.Errorf("got %v", got)
	}
}
