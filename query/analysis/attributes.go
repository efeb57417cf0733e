package analysis

import (
	"math"
	"math/bits"
)

// Attributes compares how often a combination of values occurs in two sets.
type Attributes struct {
	Values    []int32
	Bad, Good float64
	// Lift is its share of the bad over its share of the good, with half a
	// count added to either, and P the G-test's for 2×2 counts.
	Lift, P float64
}

// DiffAttributes counts every combination of at most maxDims dimension values
// in the bad (Observed of a cell) and the good (Expected), and tests whether
// their shares differ: the G-test (Wilks 1938), whose power, unlike that of a
// test on proportions, grows with the counts. O(cells · combinations).
func DiffAttributes(cells []Cell, maxDims int) []Attributes {
	if len(cells) == 0 {
		return nil
	}
	var bad, good float64
	for _, c := range cells {
		bad += c.Observed
		good += c.Expected
	}
	var out []Attributes
	for mask := uint32(1); mask < 1<<len(cells[0].Values); mask++ {
		if bits.OnesCount32(mask) > maxDims {
			continue
		}
		for _, e := range elements(cells, mask) {
			g := gStatistic(e.obs, bad-e.obs) + gStatistic(e.exp, good-e.exp) - gStatistic(e.obs+e.exp, bad+good-e.obs-e.exp)
			out = append(out, Attributes{Values: e.values, Bad: e.obs, Good: e.exp,
				Lift: (e.obs + 0.5) / (bad + 1) / ((e.exp + 0.5) / (good + 1)),
				P:    math.Erfc(math.Sqrt(max(g, 0)))}) // χ² with one degree of freedom, of 2g
		}
	}
	return out
}

// gStatistic is the log-likelihood of counts by their own shares.
func gStatistic(a, b float64) float64 {
	sum := 0.0
	for _, x := range [...]float64{a, b} {
		if x > 0 {
			sum += x * math.Log(x/(a+b))
		}
	}
	return sum
}
