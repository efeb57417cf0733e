package ast

import "strings"

// Nearest returns the candidate that a misspelt name most likely meant, or ""
// where none is near: at most a third of the name's letters may differ
// (Damerau-Levenshtein distance: a letter inserted, left out, replaced, or two
// neighbours swapped), two at least for names of four letters and more. Case
// does not count. Of equally near candidates the first wins. The cost is the
// length of the name times the letters of all candidates.
func Nearest(name string, candidates []string) string {
	const longest = 64 // nobody misspells more, and the cost is quadratic
	if name == "" || len(name) > longest {
		return ""
	}
	limit := len(name) / 3
	if limit < 2 && len(name) >= 4 {
		limit = 2
	}
	if limit < 1 {
		limit = 1
	}
	low := strings.ToLower(name)
	best, at := "", limit+1
	for _, c := range candidates {
		if len(c) > len(name)+limit || len(c)+limit < len(name) || len(c) > longest {
			continue
		}
		d := distance(low, strings.ToLower(c))
		if d >= len(c) { // nothing in common
			continue
		}
		if d < at {
			best, at = c, d
		}
	}
	return best
}

// distance is the optimal string alignment distance, a restricted
// Damerau-Levenshtein distance (a substring is not edited twice), over bytes.
func distance(a, b string) int {
	before, last, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(last[j]+1, cur[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, last, cur = last, cur, before
	}
	return last[len(b)]
}
