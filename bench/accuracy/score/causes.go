package score

import (
	"slices"
	"strings"
)

// RankedCase is one case of a root-cause benchmark: the true service and the
// candidates, best first, each a service or, unless Plain, a
// service_metric.
type RankedCase struct {
	Service string
	Found   []string
	Plain   bool
}

// Ranked returns AC@1 … AC@5: the share of cases whose true service is among
// the first k services found, repeats not counted.
func Ranked(cases []RankedCase) (ac [5]float64) {
	for _, c := range cases {
		var order []string
		for _, e := range c.Found {
			if !c.Plain && e != c.Service {
				if i := strings.LastIndexByte(e, '_'); i >= 0 {
					e = e[:i]
				}
			}
			if !slices.Contains(order, e) {
				order = append(order, e)
			}
		}
		if r := slices.Index(order, c.Service); r >= 0 {
			for k := r; k < len(ac); k++ {
				ac[k] += 1 / float64(len(cases))
			}
		}
	}
	return ac
}

// Sets returns the F1 of found attribute combinations (a=1&b=2, the parts in
// any order) against the true ones, counted over all cases.
func Sets(truth, found map[string][]string) float64 {
	canon := func(items []string) map[string]bool {
		out := map[string]bool{}
		for _, s := range items {
			parts := strings.Split(s, "&")
			slices.Sort(parts)
			out[strings.Join(parts, "&")] = true
		}
		return out
	}
	hits, all := 0, 0
	for name, t := range truth {
		a, b := canon(t), canon(found[name])
		all += len(a) + len(b)
		for s := range b {
			if a[s] {
				hits++
			}
		}
	}
	if all == 0 {
		return 0
	}
	return 2 * float64(hits) / float64(all)
}
