package exec

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSelectQuantile(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		vs := make([]float64, 1+r.IntN(200))
		for i := range vs {
			switch r.IntN(12) {
			case 0:
				vs[i] = math.NaN()
			case 1:
				vs[i] = math.Inf(1 - 2*r.IntN(2))
			default:
				vs[i] = float64(r.IntN(50))
			}
		}
		q := float64(r.IntN(21))/20 + 0.001*float64(r.IntN(3)-1)
		want := quantile(q, slices.Clone(vs))
		if got := selectQuantile(q, slices.Clone(vs)); got != want && (got == got || want == want) {
			t.Fatalf("quantile %g of %v: got %g, want %g", q, vs, got, want)
		}
	}
}
