package main

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestCollectorPercentFor(t *testing.T) {
	f := func(live uint64, want int) {
		t.Helper()
		if got := collectorPercentFor(live); got != want {
			t.Errorf("%d bytes live: got %d %%, want %d", live, got, want)
		}
	}
	f(0, 1600)
	f(4<<20, 1600)
	f(64<<20, 100)
	f(128<<20, 50)
	f(8<<30, 50)
}

// TestPaceCollector: the pace follows what lives, after each collection anew.
func TestPaceCollector(t *testing.T) {
	was := debug.SetGCPercent(100)
	debug.SetGCPercent(was)
	defer debug.SetGCPercent(was)
	paceCollector()
	percent := func() int {
		p := debug.SetGCPercent(100)
		debug.SetGCPercent(p)
		return p
	}
	if p := percent(); p <= collectorPercent {
		t.Fatalf("with a small heap: got %d %%, want more than %d", p, collectorPercent)
	}
	large := make([]byte, 256<<20)
	for range 100 {
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
		if percent() == collectorPercent {
			break
		}
	}
	if p := percent(); p != collectorPercent {
		t.Errorf("with %d bytes: got %d %%, want %d", len(large), p, collectorPercent)
	}
	runtime.KeepAlive(large)
}
