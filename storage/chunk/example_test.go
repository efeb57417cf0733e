package chunk_test

import (
	"fmt"
	"math"
	"time"

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
	// 240 float samples from 0 to 3585000000000 in 73 bytes
	// 3585000000000 20.3
}

// The average of a day is composed from the summaries of its windows; only at
// the edges of a range would samples be decoded.
func ExampleReader() {
	col := chunk.Column{Type: model.TypeFloat}
	for i := range 5760 {
		col.Times = append(col.Times, int64(i+1)*15e9)
		col.Bits = append(col.Bits, math.Float64bits(float64(i/240)))
	}
	var r chunk.Reader
	if err := r.Open(chunk.Append(nil, &col)); err != nil {
		fmt.Println(err)
		return
	}
	width, err := r.WindowWidth()
	if err != nil {
		fmt.Println(err)
		return
	}
	windows, err := r.AppendWindows(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	sum, count := 0.0, 0
	for i := range windows {
		sum, count = sum+windows[i].Sum, count+windows[i].Count
	}
	fmt.Println(len(windows), "windows of", time.Duration(width), "average", sum/float64(count))

	// Samples after 06:00:00 and up to 06:01:00.
	i, err := r.Search(6 * 3600e9)
	if err != nil {
		fmt.Println(err)
		return
	}
	j, err := r.Search(6*3600e9 + 60e9)
	if err != nil {
		fmt.Println(err)
		return
	}
	values, err := r.AppendFloats(nil, i, j)
	fmt.Println(values, err)
	// Output:
	// 288 windows of 5m0s average 11.5
	// [6 6 6 6] <nil>
}
