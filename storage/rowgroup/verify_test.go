package rowgroup

import (
	"errors"
	"fmt"
	"testing"

	"tidemark/storage/model"
)

// TestVerifyFindsEveryDifference gives Verify groups that are sound, and made
// from other rows than the builder's.
func TestVerifyFindsEveryDifference(t *testing.T) {
	rows := func() []testRow {
		return []testRow{
			{1, 10, "a", []testField{{"n", model.Int(1)}, {"s", model.Text("x")}}},
			{1, 11, "b", []testField{{"n", model.Float(1)}, {"b", model.Bool(true)}}},
			{3, 5, "c", []testField{{"s", model.Text("y")}}},
		}
	}
	for i, change := range []func([]testRow){
		func(r []testRow) { r[2].set = 4 },
		func(r []testRow) { r[0].time = 9 },
		func(r []testRow) { r[1].line = "B" },
		func(r []testRow) { r[0].fields[0].value = model.Int(2) },
		func(r []testRow) { r[0].fields[0].value = model.Float(2) },
		func(r []testRow) { r[1].fields[1].value = model.Bool(false) },
		func(r []testRow) { r[2].fields[0].value = model.Text("z") },
		func(r []testRow) { r[2].fields[0].name = "t" },
		func(r []testRow) { r[2].fields = nil },
		func(r []testRow) { r[1].fields, r[2].fields = r[2].fields, r[1].fields },
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			other := rows()
			change(other)
			enc := build(NewBuilder(), other)
			b := NewBuilder()
			build(b, rows())
			if err := b.Verify(enc); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("want %v, got %v", ErrCorrupt, err)
			}
		})
	}
}
