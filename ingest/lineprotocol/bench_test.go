package lineprotocol

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tidemark/storage/model"
)

// cpuBody is the workload of TSBS's cpu-only case: ten tags, ten integer
// fields, a nanosecond timestamp, hosts in turn.
func cpuBody(hosts, rounds int, t0 int64, float bool) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	fields := []string{"usage_user", "usage_system", "usage_idle", "usage_nice", "usage_iowait", "usage_irq", "usage_softirq", "usage_steal", "usage_guest", "usage_guest_nice"}
	var out []byte
	for i := range rounds {
		for h := range hosts {
			out = fmt.Appendf(out, "cpu,hostname=host_%d,region=eu-central-1,datacenter=eu-central-1a,rack=%d,os=Ubuntu15.10,arch=x86,team=SF,service=%d,service_version=1,service_environment=test ", h, h%100, h%20)
			for j, f := range fields {
				if j > 0 {
					out = append(out, ',')
				}
				if float {
					out = fmt.Appendf(out, "%s=%v", f, r.Float64()*100)
				} else {
					out = fmt.Appendf(out, "%s=%di", f, r.IntN(101))
				}
			}
			out = fmt.Appendf(out, " %d\n", t0+int64(i)*10_000_000_000)
		}
	}
	return out
}

func benchmarkDecode(b *testing.B, hosts int, float bool, opts Options) {
	d, err := NewDecoder(opts)
	if err != nil {
		b.Fatal(err)
	}
	const lines = 4000
	body := cpuBody(hosts, lines/hosts, 1451606400000000000, float)
	var batch model.Batch
	d.Decode(body, Params{}, &batch)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset()
		if rep := d.Decode(body, Params{}, &batch); rep.Accepted != lines {
			b.Fatal(rep.Err())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/lines, "ns/line")
}

func BenchmarkDecodeCPU(b *testing.B)      { benchmarkDecode(b, 100, false, Options{}) }
func BenchmarkDecodeCPU4000(b *testing.B)  { benchmarkDecode(b, 4000, false, Options{}) }
func BenchmarkDecodeCPUFloat(b *testing.B) { benchmarkDecode(b, 100, true, Options{}) }
func BenchmarkDecodeCPUNewKey(b *testing.B) {
	benchmarkDecode(b, 4000, false, Options{CacheBytes: 128 << 10})
}
