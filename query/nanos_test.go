package query

import (
	"math"
	"testing"
	"time"
)

// TestNanosKeepsEveryTimeOfTheStore: the ends of int64 nanoseconds are times
// like others, and only what lies beyond is moved to them.
func TestNanosKeepsEveryTimeOfTheStore(t *testing.T) {
	for _, n := range []int64{math.MinInt64, math.MinInt64 + 1, -9_223_372_036_000_000_001, -1, 0, 1, 9_223_372_035_000_000_001, 9_223_372_036_854_000_000, math.MaxInt64 - 1, math.MaxInt64} {
		if got := nanos(time.Unix(0, n)); got != n {
			t.Errorf("%d: got %d", n, got)
		}
	}
	if got := nanos(time.Unix(0, math.MaxInt64).Add(1)); got != math.MaxInt64 {
		t.Errorf("beyond the end: got %d", got)
	}
	if got := nanos(time.Unix(0, math.MinInt64).Add(-1)); got != math.MinInt64 {
		t.Errorf("before the beginning: got %d", got)
	}
	if got := nanos(time.Time{}); got != math.MinInt64 {
		t.Errorf("year 1: got %d", got)
	}
}
