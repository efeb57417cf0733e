package chunk

import (
	"math/rand/v2"
	"testing"

	"tidemark/storage/model"
)

// TestTimeUnit compares what the head of the times says with the times.
func TestTimeUnit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	exact := 0
	for range 2000 {
		n := 1 + rng.IntN(600)
		unit := []int64{1, 7, 1e3, 1e6, 15e9}[rng.IntN(5)]
		c := Column{Type: model.TypeInt}
		at := rng.Int64N(1e15)
		regular, wide := rng.IntN(2) == 0, 1+rng.Int64N(1000)
		for i := range n {
			c.Times, c.Bits = append(c.Times, at), append(c.Bits, uint64(i))
			if at += unit; !regular {
				at += unit * rng.Int64N(wide)
			}
		}
		var r Reader
		if err := r.Open(Append(nil, &c)); err != nil {
			t.Fatal(err)
		}
		got, linear, err := r.TimeUnit()
		if err != nil {
			t.Fatal(err)
		}
		if got < 1 {
			t.Fatalf("unit %d", got)
		}
		if linear && n > 1 && got != c.Times[1]-c.Times[0] {
			t.Fatalf("%d times every %d: said to be linear by %d", n, unit, got)
		}
		for i := range c.Times {
			if d := c.Times[i] - c.Times[0]; d%got != 0 || linear && n > 1 && d != int64(i)*got {
				t.Fatalf("time %d is %d after the first, no multiple of %d", i, d, got)
			}
		}
		if got%unit == 0 {
			exact++
		}
	}
	if exact < 1500 {
		t.Fatalf("only %d of 2000 units were found", exact)
	}
}
