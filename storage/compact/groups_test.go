package compact

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestPlanGroups(t *testing.T) {
	small := func(pos uint64, mint, maxt int64) Group {
		return Group{Position: pos, Mint: mint, Maxt: maxt, Fill: 0.1}
	}
	with := func(g Group, fill float64, best bool) Group {
		g.Fill, g.Best = fill, best
		return g
	}
	for _, c := range []struct {
		name           string
		groups         []Group
		tiered, settle string
	}{
		{"nothing", nil, "[]", "[]"},
		{"one that could be smaller", []Group{small(1, 0, 9)}, "[]", "[[0]]"},
		{"one as small as can be", []Group{with(small(1, 0, 9), 0.5, true)}, "[]", "[]"},
		{"neighbours, given in any order", []Group{small(2, 10, 19), small(1, 0, 9), small(3, 20, 29)}, "[[1 0 2]]", "[[1 0 2]]"},
		{"a small one beside a large one waits", []Group{with(small(1, 0, 9), 0.8, false), small(2, 10, 19)}, "[]", "[[0 1]]"},
		{"two that fill more than one group", []Group{with(small(1, 0, 9), 0.7, false), with(small(2, 10, 19), 0.7, false)}, "[]", "[[0] [1]]"},
		{"the same, overlapping, are parted", []Group{with(small(1, 0, 9), 0.7, false), with(small(2, 5, 19), 0.7, false)}, "[]", "[[0 1]]"},
		{"and left alone once they are", []Group{with(small(1, 0, 9), 0.7, true), with(small(2, 5, 19), 0.7, true)}, "[]", "[]"},
		{"one written in between, and before in time, is part of it or there is no merge",
			[]Group{with(small(2, 0, 100), 0.95, true), with(small(1, 10, 20), 0.1, true), with(small(3, 30, 40), 0.1, true)}, "[]", "[[0 1 2]]"},
	} {
		if got := fmt.Sprint(PlanGroups(c.groups, false)); got != c.tiered {
			t.Errorf("%s: tiered: got %s, want %s", c.name, got, c.tiered)
		}
		if got := fmt.Sprint(PlanGroups(c.groups, true)); got != c.settle {
			t.Errorf("%s: settling: got %s, want %s", c.name, got, c.settle)
		}
	}
}

// TestPlanGroupsKeepsOrder: of any groups, no merge passes over a group that
// lies between its members in time and in order of writing, and none is in two.
func TestPlanGroupsKeepsOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		groups := make([]Group, rng.IntN(30))
		for i := range groups {
			at := int64(rng.IntN(100))
			groups[i] = Group{Position: rng.Uint64N(8), Seq: uint32(i), Mint: at, Maxt: at + int64(rng.IntN(20)), Fill: rng.Float64() * rng.Float64(), Best: rng.IntN(2) == 0}
		}
		for _, settle := range []bool{false, true} {
			taken := make([]bool, len(groups))
			for _, m := range PlanGroups(groups, settle) {
				if len(m) == 1 {
					taken[m[0]] = true
					continue // it keeps its place
				}
				youngest := uint64(0)
				for _, i := range m {
					if taken[i] {
						t.Fatalf("group %d is in two merges of %v", i, groups)
					}
					taken[i] = true
					youngest = max(youngest, groups[i].Position)
				}
				for _, i := range m {
					for x := range groups {
						if !slices.Contains(m, x) && groups[i].overlaps(&groups[x]) && groups[i].before(&groups[x]) && groups[x].Position <= youngest {
							t.Fatalf("merge %v passes over group %d of %v", m, x, groups)
						}
					}
				}
			}
		}
	}
}
