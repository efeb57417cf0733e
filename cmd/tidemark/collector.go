package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The pace of Go's collector. Most of a server's heap has no pointers, so that
// collecting at half as much again as what lives, where Go's own default is
// twice, costs little and saves a quarter of the memory. A heap in which hardly
// anything lives would then be collected every few dozen queries, each time
// for more than these took: it grows by collectorSlack at least.
const (
	collectorPercent = 50
	collectorSlack   = 64 << 20
)

// paceCollector sets the pace now and after each collection.
func paceCollector() {
	p := &collectorPace{sample: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}
	p.set()
}

type collectorPace struct {
	sample  []metrics.Sample
	percent int
}

// set sets the pace for what lives, and itself to be called after the next
// collection, which finds nobody holding the new object.
func (p *collectorPace) set() {
	metrics.Read(p.sample)
	live := uint64(0)
	if v := p.sample[0].Value; v.Kind() == metrics.KindUint64 {
		live = v.Uint64()
	}
	percent := collectorPercentFor(live)
	if d := percent - p.percent; d > p.percent/8 || d < -p.percent/8 { // setting it stops the world
		p.percent = percent
		debug.SetGCPercent(percent)
	}
	runtime.AddCleanup(&struct{ self *collectorPace }{p}, (*collectorPace).set, p)
}

// collectorPercentFor returns by which share of what lives the heap may grow.
func collectorPercentFor(live uint64) int {
	live = max(live, 4<<20) // Go's own least heap
	return max(collectorPercent, int(100*collectorSlack/live))
}
