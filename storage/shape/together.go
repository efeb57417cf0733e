package shape

import "slices"

// openTogether turns places into placeholders that vary at the same time, which
// open cannot see: where a user and a host of letters only change in every line,
// no two rows are equal but for one place. Like open it decides everything on one
// state and reports whether anything changed.
//
// Rows are partitioned by length and separators, and then again by the place
// with the fewest different words as long as these are few for the rows there
// are: such words tell events apart, as IPLoM (Makanju et al., KDD 2009) splits by
// them. What still varies widely in a part at the end are values.
func (v vocabulary) openTogether(rows []row) bool {
	frames := map[uint64][]int{}
	for i, r := range rows {
		sum := mix(uint64(len(r.seen)), 1<<32)
		for j, w := range r.seen {
			if !free(w) {
				sum += mix(w.hash, uint64(j))
			}
		}
		frames[sum] = append(frames[sum], i)
	}
	changed := false
	for _, part := range frames {
		if len(part) >= minTogether && v.partition(rows, part) {
			changed = true
		}
	}
	return changed
}

// free reports whether a place with this word may vary.
func free(w *word) bool { return w.sort == plainWord || w.sort == nameWord }

// partition splits the rows named by part, which agree in length and separators,
// and opens places in what cannot be split. Each call keeps one place more
// constant, so the depth is bounded by the words of a row.
func (v vocabulary) partition(rows []row, part []int) bool {
	first := rows[part[0]].seen
	var varying []int
	fewest, split := 0, -1
	anchors := 0
	words := map[*word]struct{}{}
	for j, w := range first {
		if !free(w) {
			continue
		}
		clear(words)
		for _, i := range part {
			words[rows[i].seen[j]] = struct{}{}
		}
		switch n := len(words); {
		case n == 1:
			if w.sort == plainWord {
				anchors++
			}
		case n*n <= len(part) || n < minTogether:
			if split < 0 || n < fewest {
				fewest, split = n, j
			}
		default:
			varying = append(varying, j)
		}
	}
	if split >= 0 {
		parts := map[*word][]int{}
		for _, i := range part {
			w := rows[i].seen[split]
			parts[w] = append(parts[w], i)
		}
		changed := false
		for _, p := range parts {
			if len(p) >= minTogether && v.partition(rows, p) {
				changed = true
			}
		}
		return changed
	}
	if len(varying) == 0 || anchors < minAnchors {
		return false
	}
	hole := v.word(hole)
	for _, i := range part {
		words := slices.Clone(rows[i].seen)
		for _, j := range varying {
			words[j] = hole
		}
		rows[i].seen = words
	}
	return true
}
