package head

import (
	"fmt"
	"runtime"

	"testing"
	"unsafe"

	"tidemark/storage/model"
)

// heapBytes is what lives on the heap now.
func heapBytes() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// fillUnique gives a head n one-column series, each with one label that no other has and a sample.
// The streams are the writer's, and not kept.
func fillUnique(t testing.TB, h *Head, n, label int) {
	t.Helper()
	schema := &model.Schema{Kind: model.MetricRow, Columns: []model.Column{{Name: "m", Measurement: "m", Field: "value", Type: model.TypeFloat}}}
	var b model.Batch
	for i := 0; i < n; {
		b.Reset()
		for range min(1000, n-i) {
			b.Begin(model.NewStream(model.FromStrings("id", fmt.Sprintf("%0*d", label, i))), schema, int64(i))
			b.Float(float64(i))
			i++
		}
		res, err := h.Resolve(&b, Limits{n, 10})
		if err != nil {
			t.Fatal(err)
		}
		h.Publish(h.Insert(&b, res))
	}
}

// TestMemoryPerSeries holds the budget of an active one-column series, and
// that the head knows what it takes: it is flushed by that figure.
func TestMemoryPerSeries(t *testing.T) {
	most := 250.0
	n := 300_000
	if testing.Short() {
		n, most = 20_000, 300 // half-filled tables and blocks weigh more
	}
	before := heapBytes()
	h := New(wholeTime)
	fillUnique(t, h, n, 12)
	took := heapBytes() - before
	perSeries, claimed := float64(took)/float64(n), float64(h.Bytes())/float64(n)
	t.Logf("%d series: %.0f bytes each on the heap, the head says %.0f", n, perSeries, claimed)
	if perSeries > most {
		t.Errorf("a series takes %.0f bytes, want at most %.0f", perSeries, most)
	}
	if claimed < 0.8*perSeries || claimed > 1.25*perSeries {
		t.Errorf("the head says that a series takes %.0f bytes, it takes %.0f", claimed, perSeries)
	}
	if size := unsafe.Sizeof(stream{}); size != streamBytes {
		t.Errorf("a stream has %d bytes, streamBytes says %d", size, streamBytes)
	}
	runtime.KeepAlive(h)
}
