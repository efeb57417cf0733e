package exec

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The k best are what comes first when all are sorted, ties and NaN included.
func TestBestIsTheBeginningOfTheRanking(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		n := 1 + r.IntN(40)
		members, order := make([]*Column, n), make([]int, n)
		for i := range members {
			members[i], order[i] = NewColumn(nil, 1), i
			v := float64(r.IntN(8))
			if v == 7 {
				v = math.NaN()
			}
			members[i].Set(0, v)
		}
		k, largest := 1+r.IntN(n), r.IntN(2) == 0
		want := slices.Clone(order)
		rank(want, members, 0, largest)
		best(order, k, members, 0, largest)
		if !slices.Equal(order[:k], want[:k]) {
			t.Fatalf("best %d of %d: got %v, want %v", k, n, order[:k], want[:k])
		}
		slices.Sort(order)
		for i := range order {
			if order[i] != i {
				t.Fatalf("best %d of %d lost a member: %v", k, n, order)
			}
		}
	}
}

func BenchmarkPickOfMany(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	members, order := make([]*Column, 100_000), make([]int, 100_000)
	for i := range members {
		members[i] = NewColumn(nil, 1)
		members[i].Set(0, r.Float64())
	}
	for _, c := range []struct {
		name string
		pick func()
	}{
		{"sorted", func() { rank(order, members, 0, true) }},
		{"heap", func() { best(order, 5, members, 0, true) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				for i := range order {
					order[i] = i
				}
				c.pick()
			}
		})
	}
}
