package chunk_test

import (
	"fmt"
	"math"

	"tidemark/storage/chunk"
	"tidemark/storage/model"
)

// A column is encoded, its header read at little cost, and decoded behind what a
// reader has already.
func Example() {
	col := chunk.Column{Type: model.TypeFloat}
	for i := range 240 {
		col.Times = append(col.Times, int64(i)*15e9)
		col.Bits = append(col.Bits, math.Float64bits(20+float64(i%4)/10))
	}
	encoded := chunk.Append(nil, &col)

	h, err := chunk.ReadHeader(encoded)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(h.Count, h.Type, "samples from", h.Mint, "to", h.Maxt, "in", len(encoded), "bytes")

	var read chunk.Column
	if err := chunk.Decode(encoded, &read); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(read.Times[239], math.Float64frombits(read.Bits[239]))
	// Output:
	// 240 float samples from 0 to 3585000000000 in 100 bytes
	// 3585000000000 20.3
}
