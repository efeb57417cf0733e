package storage

import (
	"math"
	"math/rand/v2"
	"testing"

	"tidemark/storage/chunk"
	"tidemark/storage/model"
)

// TestPutRegular compares the parts of chunks of regular times with their
// samples, as TestPutSpans does.
func TestPutRegular(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 2))
	regulars := 0
	for round := range 1500 {
		n := 1 + rnd.IntN(300)
		unit, start := 10*(1+rnd.Int64N(20)), 10*(rnd.Int64N(400)-200)
		col := chunk.Column{Type: model.TypeFloat}
		if round%3 == 0 {
			col.Type = model.TypeInt
		}
		values := make([]float64, n)
		scale := []float64{1, 10, 1000, math.Pi, 0x1p-60, 0x1p-200}[rnd.IntN(6)] // of which some are no decimals
		walk := 0
		for k := range n {
			if walk += rnd.IntN(20) - 5; rnd.IntN(60) == 0 {
				walk = -walk
			}
			col.Times = append(col.Times, start+int64(k)*unit)
			if col.Type == model.TypeInt {
				v := int64(walk)
				if round%2 == 0 {
					v <<= 45 // sums would overflow
				}
				col.Bits, values[k] = append(col.Bits, uint64(v)), float64(v)
				continue
			}
			values[k] = float64(walk) / scale
			if round%7 == 0 && rnd.IntN(40) == 0 {
				values[k] = math.Copysign(0, -1) // an exception
			}
			col.Bits = append(col.Bits, math.Float64bits(values[k]))
		}
		w := model.Windows{Floor: 10, Step: 10 * (1 + rnd.Int64N(200)), Range: 10 * (1 + rnd.Int64N(400)), Count: 1 + rnd.IntN(12), End: 10 * (rnd.Int64N(600) - 200)}
		r := seriesReader{buf: chunk.Append(nil, &col), set: &seriesSet{windows: &w, maxt: math.MaxInt64}, mint: math.MinInt64}
		if err := r.chunk.Open(r.buf); err != nil {
			t.Fatal(err)
		}
		if round%2 == 0 {
			r.mint = start + rnd.Int64N(unit*int64(n)+200) - 100
			r.set.maxt = r.mint + rnd.Int64N(unit*int64(n)+200)
		}
		i := rnd.IntN(n)
		j := i + 1 + rnd.IntN(n-i)
		lo, hi := within(col.Times[i:j], r.mint, r.set.maxt)
		held := heldChunk{header: r.chunk.Header(), hi: len(r.buf)}
		for _, w.Want = range allWants {
			s := model.Series{Parts: &model.Parts{}}
			if _, ok, _ := r.regularSpan(&held); ok {
				regulars++
			}
			if err := r.putRange(&held, i, j, &s); err != nil {
				t.Fatal(err)
			}
			checkParts(t, &w, &s, col.Times[i:j][lo:hi], values[i:j][lo:hi])
			if t.Failed() {
				t.Fatalf("round %d: %s of [%d, %d), %d ns apart from %d on: %+v", round, col.Type, i, j, unit, start, w)
			}
		}
	}
	if regulars == 0 {
		t.Fatal("no chunk was regular")
	}
}
