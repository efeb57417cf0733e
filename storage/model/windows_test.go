package model

import (
	"math"
	"testing"
)

// TestUntil compares Until with a search among all bounds.
func TestUntil(t *testing.T) {
	for _, w := range []Windows{
		{End: 0, Step: 7, Range: 3, Count: 5},
		{End: -20, Step: 4, Range: 9, Count: 8},
		{End: 13, Step: 1, Range: 30, Count: 1},
	} {
		for at := int64(-60); at < 60; at++ {
			want := int64(math.MaxInt64)
			for i := range int64(w.Count) {
				for _, bound := range []int64{w.End + i*w.Step, w.End + i*w.Step - w.Range} {
					if bound >= at {
						want = min(want, bound)
					}
				}
			}
			if got := w.Until(at); got != want {
				t.Errorf("%+v: until %d: got %d, want %d", w, at, got, want)
			}
		}
	}
}
