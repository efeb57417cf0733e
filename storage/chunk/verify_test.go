package chunk

import (
	"errors"
	"fmt"
	"testing"

	"tidemark/storage/model"
)

// TestVerifyFindsEveryDifference gives Verify chunks that are sound, and made
// from another column than the one asked about.
func TestVerifyFindsEveryDifference(t *testing.T) {
	base := func() *Column {
		return &Column{Type: model.TypeFloat, Times: []int64{1, 2, 3}, Bits: []uint64{7, 8, 9}, Starts: []int64{0, 0, 1}}
	}
	text := func() *Column {
		return &Column{Type: model.TypeText, Times: []int64{1, 2, 3}, Texts: []string{"a", "", "c"}}
	}
	for i, c := range []struct {
		from   *Column
		change func(*Column)
	}{
		{base(), func(c *Column) { c.Times[1] = 1<<40 - 1; c.Times[2] = 1 << 40 }},
		{base(), func(c *Column) { c.Bits[2]++ }},
		{base(), func(c *Column) { c.Starts[2]++ }},
		{base(), func(c *Column) { c.Type = model.TypeInt }},
		{base(), func(c *Column) { c.Times, c.Bits, c.Starts = c.Times[:2], c.Bits[:2], c.Starts[:2] }},
		{text(), func(c *Column) { c.Texts[1] = "b" }},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			var scratch Column
			for _, enc := range [][]byte{Append(nil, c.from), AppendPlain(nil, c.from)} {
				if err := Verify(enc, c.from, &scratch); err != nil {
					t.Fatalf("the same column: %v", err)
				}
			}
			enc := Append(nil, c.from)
			c.change(c.from)
			if err := Verify(enc, c.from, &scratch); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("another column: want %v, got %v", ErrCorrupt, err)
			}
		})
	}
}
