package score

import (
	"maps"
	"slices"
)

// changeMargin is how many rows a change point may be off.
const changeMargin = 5

// ChangePoints returns the F1 and the covering of found change points against
// those of several annotators, as the Turing Change Point Benchmark defines
// them (van den Burg and Williams 2020). n is the length of the series.
func ChangePoints(annotators [][]int, found []int, n int) (f1, covering float64) {
	x := withZero(found)
	union := map[int]bool{}
	recall := 0.0
	for _, a := range annotators {
		t := withZero(a)
		for _, c := range t {
			union[c] = true
		}
		recall += float64(matched(t, x)) / float64(len(t)) / float64(len(annotators))
	}
	precision := float64(matched(slices.Sorted(maps.Keys(union)), x)) / float64(len(x))
	if precision+recall > 0 {
		f1 = 2 * precision * recall / (precision + recall)
	}
	pred := segments(found, n)
	for _, a := range annotators {
		for _, s := range segments(a, n) {
			best := 0.0
			for _, p := range pred {
				if inter := min(s[1], p[1]) - max(s[0], p[0]); inter > 0 {
					best = max(best, float64(inter)/float64(max(s[1], p[1])-min(s[0], p[0])))
				}
			}
			covering += float64(s[1]-s[0]) * best / float64(n) / float64(len(annotators))
		}
	}
	return f1, covering
}

// withZero returns the points, ascending and once each, with the trivial one.
func withZero(cps []int) []int {
	out := append(slices.Clone(cps), 0)
	slices.Sort(out)
	return slices.Compact(out)
}

// matched counts the true points that a point of x within the margin can be
// given to, each once: the nearest free one.
func matched(truth, x []int) int {
	free := slices.Clone(x)
	n := 0
	for _, t := range truth {
		best := -1
		for i, f := range free {
			if d := max(t-f, f-t); d <= changeMargin && (best < 0 || d < max(t-free[best], free[best]-t)) {
				best = i
			}
		}
		if best >= 0 {
			free = slices.Delete(free, best, best+1)
			n++
		}
	}
	return n
}

func segments(cps []int, n int) [][2]int {
	var out [][2]int
	from := 0
	for _, c := range withZero(cps) {
		if c > 0 && c < n {
			out = append(out, [2]int{from, c})
			from = c
		}
	}
	return append(out, [2]int{from, n})
}
