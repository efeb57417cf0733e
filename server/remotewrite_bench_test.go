package server

import (
	"fmt"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/storage"
)

// BenchmarkRemoteWrite sends requests of 2,000 samples, one of each of 2,000
// series with eleven labels as TSBS's cpu-only case has them, through HTTP to
// a store that syncs; the client's share is included. Encoded beforehand are
// 100 requests ten seconds apart, so run it with -benchtime 100x.
func BenchmarkRemoteWrite(b *testing.B) {
	clock := func() time.Time { return testNow }
	db, err := storage.Open(b.TempDir(), storage.Options{Now: clock})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	h := start(b, Options{Sink: db, Engine: query.NewEngine(db, query.Options{Now: clock}), Now: clock})
	const samples, requests = 2000, 100
	var bodies []string
	for r := range requests {
		var parts [][]byte
		for i := range samples {
			parts = append(parts, writeSeries(fmt.Sprintf("__name__ cpu_usage_%d arch x86 datacenter eu-central-1a hostname host_%d os Ubuntu15.10 rack %d region eu-central-1 service %d service_environment test service_version 1 team SF",
				i%10, i/10, i/10%100, i/10%20), sampleField(float64((i*7+r)%101), nowSeconds*1000-int64(requests-r)*10_000)))
		}
		bodies = append(bodies, snappied(parts...))
	}
	h.write("/api/v1/write", bodies[0])
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		h.write("/api/v1/write", bodies[n%requests])
		n++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n)/samples, "ns/sample")
}
