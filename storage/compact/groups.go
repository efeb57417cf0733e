package compact

import (
	"cmp"
	"slices"
)

// Group is what PlanGroups knows of a row group.
type Group struct {
	Position   uint64
	Seq        uint32
	Mint, Maxt int64
	// Fill is how much of the largest group it takes, 0 to 1, by rows or by
	// bytes.
	Fill float64
	// Best says that it was written with the slow level of compression.
	Best bool
}

// before orders groups by when they were written.
func (g *Group) before(o *Group) bool {
	return g.Position < o.Position || g.Position == o.Position && g.Seq < o.Seq
}

func (g *Group) overlaps(o *Group) bool { return g.Mint <= o.Maxt && o.Mint <= g.Maxt }

const (
	// maxMergedGroups bounds the groups of one merge.
	maxMergedGroups = 1 << 10
	// overlapFill is how full a merge's groups may be together where they overlap:
	// they are cut anew, by time.
	overlapFill = 2
)

// PlanGroups chooses which row groups of a partition are rewritten together, as
// indexes of its input, ascending by time; the sets have no group in common.
//
// A tiered pass joins neighbours in time that fit into one group, where none is
// more than half of it: a row is then rewritten no more often than its group can
// double. A settling pass joins whatever becomes fewer groups, parts those that
// overlap, and rewrites once what was not compressed with the slow level.
//
// Rows of a stream with equal times are read in the order of writing, and the
// result of a merge counts as written when its youngest group was: what lies
// between in both time and writing must be part of the merge, or it is not made.
//
// It takes time n log n, and n a merge.
func PlanGroups(groups []Group, settle bool) [][]int {
	order := make([]int, len(groups))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := &groups[a], &groups[b]
		return cmp.Or(cmp.Compare(x.Mint, y.Mint), cmp.Compare(x.Position, y.Position), cmp.Compare(x.Seq, y.Seq))
	})
	var out [][]int
	for i := 0; i < len(order); {
		first := &groups[order[i]]
		end, fill, largest, overlap, best := first.Maxt, first.Fill, first.Fill, false, first.Best
		j := i + 1
		for ; j < len(order) && j-i < maxMergedGroups; j++ {
			g := &groups[order[j]]
			bound := 1.0
			if g.Mint <= end && settle {
				bound = overlapFill
			}
			if fill+g.Fill > bound {
				break
			}
			overlap = overlap || g.Mint <= end
			end = max(end, g.Maxt)
			fill += g.Fill
			largest = max(largest, g.Fill)
			best = best && g.Best
		}
		n := j - i
		for n > 1 && !inOrder(groups, order, i, i+n) {
			n--
		}
		if n < j-i {
			overlap, best, largest, fill = summary(groups, order[i:i+n])
		}
		worth := !settle && n > 1 && 2*largest <= fill ||
			settle && n == 1 && !best ||
			settle && n > 1 && (!best || fill <= 1 || overlap && fill < float64(n-1))
		if worth {
			out = append(out, slices.Clone(order[i:i+n]))
		}
		i += n
	}
	return out
}

// summary says of groups, ascending by time, whether any overlap, whether all
// are compressed with the slow level, and how full the largest and all are.
func summary(groups []Group, members []int) (overlap, best bool, largest, fill float64) {
	best = true
	end := groups[members[0]].Maxt
	for k, i := range members {
		g := &groups[i]
		overlap = overlap || k > 0 && g.Mint <= end
		end = max(end, g.Maxt)
		best = best && g.Best
		largest = max(largest, g.Fill)
		fill += g.Fill
	}
	return overlap, best, largest, fill
}

// inOrder reports whether the merge of order[from:to] keeps the order of writing
// against the groups that are not in it.
func inOrder(groups []Group, order []int, from, to int) bool {
	last := uint64(0)
	for _, i := range order[from:to] {
		last = max(last, groups[i].Position)
	}
	for k, i := range order {
		x := &groups[i]
		if k >= from && k < to || x.Position > last {
			continue
		}
		for _, m := range order[from:to] {
			if g := &groups[m]; g.overlaps(x) && g.before(x) {
				return false
			}
		}
	}
	return true
}
