package remotewrite

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tidemark/storage/model"
)

// cpuSeries is the workload of TSBS's cpu-only case as a scraper sends it: ten
// metrics of hosts with ten labels, one sample each.
func cpuSeries(samples int) []tSeries {
	r := rand.New(rand.NewPCG(1, 2))
	fields := []string{"user", "system", "idle", "nice", "iowait", "irq", "softirq", "steal", "guest", "guest_nice"}
	var out []tSeries
	for i := range samples {
		h := i / 10
		out = append(out, tSeries{labels: []string{"__name__", "cpu_usage_" + fields[i%10], "arch", "x86", "datacenter", "eu-central-1a", "hostname", fmt.Sprint("host_", h), "os", "Ubuntu15.10",
			"rack", fmt.Sprint(h % 100), "region", "eu-central-1", "service", fmt.Sprint(h % 20), "service_environment", "test", "service_version", "1", "team", "SF"},
			samples: []tSample{{float64(r.IntN(101)), 1451606400000}}})
	}
	return out
}

func benchmarkDecode(b *testing.B, v Version) {
	const samples = 2000
	body := encodeV1(cpuSeries(samples)...)
	if v == V2 {
		body = encodeV2(cpuSeries(samples)...)
	}
	d := newDecoder(b, Options{})
	var batch model.Batch
	d.Decode(body, Params{Version: v}, &batch)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset()
		if res, err := d.Decode(body, Params{Version: v}, &batch); err != nil || res.Accepted != samples {
			b.Fatal(err, res.Err())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/samples, "ns/sample")
}

func BenchmarkDecodeV1(b *testing.B) { benchmarkDecode(b, V1) }
func BenchmarkDecodeV2(b *testing.B) { benchmarkDecode(b, V2) }

// TestNothingIsAllocated in steady state.
func TestNothingIsAllocated(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	for _, v := range []Version{V1, V2} {
		body := encodeV1(cpuSeries(500)...)
		if v == V2 {
			body = encodeV2(cpuSeries(500)...)
		}
		d := newDecoder(t, Options{})
		var b model.Batch
		n := testing.AllocsPerRun(20, func() {
			b.Reset()
			d.Decode(body, Params{Version: v, Tenant: "t"}, &b)
		})
		if n > 1 { // a pool may be emptied meanwhile
			t.Errorf("%s: %v allocations for a request of 500 samples", v, n)
		}
	}
}
