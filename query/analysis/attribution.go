package analysis

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// Cell is the finest cell of a table of counts: one value for each dimension,
// with the observed and the expected count, and the size that an excess is
// related to: the number of all events where the counts are a part of them,
// the larger of the counts otherwise.
type Cell struct {
	// Values has one entry per dimension, a number that stands for a value;
	// negative where the cell lacks the dimension.
	Values                   []int32
	Observed, Expected, Size float64
}

// Part is a combination of dimension values that explains a change.
type Part struct {
	// Values has one entry per dimension: the value wanted, or −1 for any.
	Values []int32
	// Observed and Expected are the sums of its cells, Share what part of the
	// whole excess it explains.
	Observed, Expected, Share float64
}

// AttributionOptions declare how a change is attributed.
type AttributionOptions struct {
	// MaxDims bounds the dimensions of a combination; zero means three.
	MaxDims int
	// MaxParts bounds the combinations; zero means five.
	MaxParts int
	// Sign says which excess is looked for: +1 more than expected, −1 less;
	// zero takes that of the whole.
	Sign float64
}

const (
	// shareWeight is how much more a per cent of the excess explained counts
	// than a per cent of excess rate.
	shareWeight = 7
	// alsoPenalty is what an answer of several combinations must be better per
	// further one.
	alsoPenalty = 0.3
	// alike is the least excess rate of a further combination as a share of the
	// first one's.
	alike = 0.5
)

// Attribute finds the combinations of dimension values that explain why the
// observed counts differ from the expected ones, the largest share first.
//
// An answer is one combination or several over the same dimensions. It is the
// better the larger the share of the whole excess that it explains and the
// higher the excess rate within it (its excess by its size): share to the power
// 7 times rate. A combination that is too broad has a low rate, one that is too narrow a
// low share; of combinations of exactly the same cells the most detailed is taken.
// Combinations whose excess chance explains (Poisson likelihood ratio,
// Bonferroni over all combinations) take no part.
//
// That a cause is where both coverage and purity are high is the common ground
// of multi-dimensional localisation (Squeeze, Li et al. 2019; RiskLoc, Kalander
// 2022); the trade-off between them is ours.
//
// O(cells · combinations of dimensions) time and memory. Failure modes: causes
// over different dimensions at the same time: the larger is found alone.
func Attribute(cells []Cell, o AttributionOptions) []Part {
	if len(cells) == 0 {
		return nil
	}
	if o.MaxDims <= 0 {
		o.MaxDims = 3
	}
	if o.MaxParts <= 0 {
		o.MaxParts = 5
	}
	var obs, exp float64
	for _, c := range cells {
		obs += c.Observed
		exp += c.Expected
	}
	sign := o.Sign
	if sign == 0 {
		sign = math.Copysign(1, obs-exp)
	}
	dims := len(cells[0].Values)
	whole := sign * (obs - exp)
	if !(whole > 0) {
		return nil
	}
	var cuboids [][]*element
	tried := 0
	for mask := uint32(1); mask < 1<<dims; mask++ {
		if bits.OnesCount32(mask) > o.MaxDims {
			continue
		}
		es := elements(cells, mask)
		tried += len(es)
		cuboids = append(cuboids, es)
	}
	least := 2 * math.Log(float64(max(tried, 2)))
	var best []*element
	top := 0.0
	for _, es := range cuboids {
		es = slices.DeleteFunc(es, func(e *element) bool {
			e.excess = sign * (e.obs - e.exp)
			e.rate = e.excess / max(e.size, 1e-9)
			return e.excess <= 0 || 2*poissonGain(e.obs, e.exp) < least
		})
		if len(es) == 0 {
			continue
		}
		value := func(excess, size float64, n int) float64 {
			share := min(excess/whole, 1)
			return math.Pow(share, shareWeight) * excess / max(size, 1e-9) * math.Pow(alsoPenalty, float64(n-1))
		}
		slices.SortStableFunc(es, func(a, b *element) int {
			return cmp.Compare(value(b.excess, b.size, 1), value(a.excess, a.size, 1))
		})
		var excess, size float64
		var chosen []*element
		for _, e := range es {
			if len(chosen) > 0 && e.rate < alike*chosen[0].rate {
				continue
			}
			if len(chosen) == o.MaxParts {
				break
			}
			if n := len(chosen) + 1; n == 1 || value(excess+e.excess, size+e.size, n) > value(excess, size, n-1) {
				chosen = append(chosen, e)
				excess += e.excess
				size += e.size
			}
		}
		v := value(excess, size, len(chosen))
		if v > top*(1+1e-9) || v >= top*(1-1e-9) && len(best) > 0 && chosen[0].detail > best[0].detail {
			best, top = chosen, max(top, v)
		}
	}
	var out []Part
	for _, e := range best {
		out = append(out, Part{Values: e.values, Observed: e.obs, Expected: e.exp, Share: e.excess / whole})
	}
	slices.SortStableFunc(out, func(a, b Part) int { return cmp.Compare(b.Share, a.Share) })
	return out
}

// element is a combination of values of some dimensions.
type element struct {
	values         []int32
	detail         int // dimensions
	obs, exp, size float64
	excess, rate   float64
}

// elements groups the cells by the dimensions of a mask; cells that lack one
// of them are in no group.
func elements(cells []Cell, mask uint32) []*element {
	groups := map[string]*element{}
	var order []*element
	var key []byte
cells:
	for _, c := range cells {
		key = key[:0]
		for d, v := range c.Values {
			if mask>>d&1 == 0 {
				continue
			}
			if v < 0 {
				continue cells
			}
			key = binary.LittleEndian.AppendUint32(key, uint32(v))
		}
		e := groups[string(key)]
		if e == nil {
			e = &element{values: slices.Clone(c.Values), detail: bits.OnesCount32(mask)}
			for d := range e.values {
				if mask>>d&1 == 0 {
					e.values[d] = -1
				}
			}
			groups[string(key)] = e
			order = append(order, e)
		}
		e.obs += c.Observed
		e.exp += c.Expected
		e.size += c.Size
	}
	return order
}

// poissonGain is the logarithm of the likelihood ratio of an observed count
// with a rate of its own against the expected one.
func poissonGain(obs, exp float64) float64 {
	exp = max(exp, 1e-9)
	if obs <= 0 {
		return max(exp, 0)
	}
	return obs*math.Log(obs/exp) - (obs - exp)
}

// ExpectRatio returns what counts of a total are expected by the ratio of
// part to whole before: (part + k·overall) / (whole + k), times the total now.
// k draws cells with little history towards the overall ratio.
func ExpectRatio(part, whole, overall, total float64) float64 {
	const k = 10
	if !(whole >= 0) || !(part >= 0) {
		part, whole = 0, 0
	}
	return total * (part + k*overall) / (whole + k)
}
