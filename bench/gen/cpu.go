// Package gen makes seeded workloads for benchmarks: the same seed gives the
// same bytes on every machine. It refuses to be a data set: nothing here is
// meant to look like an outage or a season (cmd's demo estate is).
package gen

import (
	"fmt"
	"math/rand/v2"
	"strconv"
)

// cpuFields are the ten fields of the cpu measurement in the Time Series
// Benchmark Suite's "cpu-only" use case.
var cpuFields = []string{"usage_user", "usage_system", "usage_idle", "usage_nice", "usage_iowait",
	"usage_irq", "usage_softirq", "usage_steal", "usage_guest", "usage_guest_nice"}

var regions = []string{"us-east-1", "us-west-1", "us-west-2", "eu-west-1", "eu-central-1",
	"ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "sa-east-1"}

// CPU generates one line of line protocol per host and step in the shape of
// the Time Series Benchmark Suite's cpu-only use case: ten tags, ten integer
// fields, each a random walk with normal steps of deviation 1, held in
// [0, 100].
type CPU struct {
	keys  []string
	state []float64
	rng   *rand.Rand
}

// NewCPU returns a generator for a number of hosts.
func NewCPU(hosts int, seed uint64) *CPU {
	g := &CPU{rng: rand.New(rand.NewPCG(seed, 0))}
	pick := func(ss ...string) string { return ss[g.rng.IntN(len(ss))] }
	for h := range hosts {
		region := regions[g.rng.IntN(len(regions))]
		g.keys = append(g.keys, fmt.Sprintf("cpu,hostname=host_%d,region=%s,datacenter=%s%s,rack=%d,os=%s,arch=%s,team=%s,service=%d,service_version=%d,service_environment=%s ",
			h, region, region, pick("a", "b", "c"), g.rng.IntN(100), pick("Ubuntu16.10", "Ubuntu16.04LTS", "Ubuntu15.10"), pick("x64", "x86"),
			pick("SF", "NYC", "LON", "CHI"), g.rng.IntN(20), g.rng.IntN(2), pick("production", "staging", "test")))
		for range cpuFields {
			g.state = append(g.state, g.rng.Float64()*100)
		}
	}
	return g
}

// Hosts returns the number of lines a step has.
func (g *CPU) Hosts() int { return len(g.keys) }

// AppendStep appends one line for each host at time t (nanoseconds) and moves
// every walk on. It returns the extended slice.
func (g *CPU) AppendStep(dst []byte, t int64) []byte {
	for h, key := range g.keys {
		dst = append(dst, key...)
		for f, name := range cpuFields {
			v := &g.state[h*len(cpuFields)+f]
			*v = min(max(*v+g.rng.NormFloat64(), 0), 100)
			if f > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, name...)
			dst = append(dst, '=')
			dst = strconv.AppendInt(dst, int64(*v), 10)
			dst = append(dst, 'i')
		}
		dst = append(dst, ' ')
		dst = strconv.AppendInt(dst, t, 10)
		dst = append(dst, '\n')
	}
	return dst
}
