package demo

import (
	"math"

	"github.com/cespare/xxhash/v2"
)

// random is a SplitMix64 generator (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", 2014): eight bytes of state, so that every
// process of the estate has its own and none disturbs another.
type random struct{ state uint64 }

// newRandom returns the generator of a named process under a seed.
func newRandom(seed uint64, name string) random {
	r := random{state: seed*0x9e3779b97f4a7c15 ^ xxhash.Sum64String(name)}
	r.next()
	return r
}

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// float returns a number in [0, 1).
func (r *random) float() float64 { return float64(r.next()>>11) / (1 << 53) }

// below returns a number in [0, n), n > 0; its bias for n far under 2^32 does
// not matter here.
func (r *random) below(n int) int { return int(r.next() >> 32 * uint64(n) >> 32) }

// norm returns a nearly normal number of mean 0 and deviation 1 from one draw:
// the sum of four uniform 16-bit numbers, bounded by ±3.46.
func (r *random) norm() float64 {
	z := r.next()
	sum := z&0xffff + z>>16&0xffff + z>>32&0xffff + z>>48
	return (float64(sum)/65535 - 2) * 1.7320508075688772
}

// poisson returns a count of the given mean: Knuth's product of uniforms for
// small means, a rounded normal for large ones.
func (r *random) poisson(mean float64) int {
	if mean <= 0 {
		return 0
	}
	if mean > 16 {
		return max(0, int(mean+math.Sqrt(mean)*r.norm()+0.5))
	}
	limit, p, n := math.Exp(-mean), 1.0, 0
	for {
		if p *= r.float(); p <= limit {
			return n
		}
		n++
	}
}

// drift is a first-order autoregressive process of mean 0: noise that has a
// memory, as loads have.
type drift struct {
	value, keep, scale float64
}

// newDrift returns a process of the given standard deviation whose memory
// fades to 1/e within so many minutes.
func newDrift(deviation, minutes float64) drift {
	keep := math.Exp(-1 / minutes)
	return drift{keep: keep, scale: deviation * math.Sqrt(1-keep*keep)}
}

func (d *drift) step(r *random) float64 {
	d.value = d.keep*d.value + d.scale*r.norm()
	return d.value
}
