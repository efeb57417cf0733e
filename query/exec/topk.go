package exec

import (
	"context"
	"math"
	"slices"

	"tidemark/query/plan"
)

// eachPick evaluates the aggregations that keep some of a group's series:
// topk, bottomk, limitk, limit_ratio, and approx_topk, which is LogQL's name
// for an estimate of topk and exact here. The series keep all their labels.
func (ev *evaluator) eachPick(ctx context.Context, n *plan.Aggregate, g Grid, emit func(*Column) error) error {
	if n.Op == "approx_topk" && ev.LogQL && !ev.Instant {
		return errorAt(n.Pos, "approx_topk is only supported on instant queries")
	}
	steps := g.Len()
	param, err := ev.scalar(ctx, n.Param, g)
	if err != nil {
		return err
	}
	if err := ev.checkPick(n, param); err != nil {
		return err
	}
	all, err := ev.collectSorted(ctx, n.Expr, g)
	if err != nil {
		return err
	}
	if n.Op == "limit_ratio" {
		return ev.emitRatio(all, param, emit)
	}
	if n.Op != "limitk" {
		for _, c := range all {
			if c.dropHists() {
				ev.info(n.Pos, "ignored histogram in %s aggregation", n.Op)
			}
		}
	}
	groups := map[string][]*Column{}
	var order []string
	var key []byte
	for _, c := range all {
		key = appendGroup(key[:0], &n.Grouping, c.Labels)
		if groups[string(key)] == nil {
			order = append(order, string(key))
		}
		groups[string(key)] = append(groups[string(key)], c)
	}
	for _, k := range order {
		members := groups[k]
		kept := make([]Bitmap, len(members))
		for j := range kept {
			kept[j] = NewBitmap(steps)
		}
		var ranked []int
		for i := range steps {
			if i&255 == 0 {
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			ranked = ranked[:0]
			for j, c := range members {
				if c.Present.Has(i) {
					ranked = append(ranked, j)
				}
			}
			k := int(max(0, min(param[i], float64(len(ranked)))))
			if n.Op != "limitk" && k > 0 {
				best(ranked, k, members, i, n.Op != "bottomk")
			}
			ranked = ranked[:k]
			for _, j := range ranked {
				kept[j].Set(i)
			}
		}
		first := g.Len() == 1 && ev.outermost(n) && n.Op != "limitk"
		if first { // an instant answer comes in order of rank
			ev.sorted = true
		} else {
			ranked = ranked[:0]
			for j := range members {
				ranked = append(ranked, j)
			}
		}
		for _, j := range ranked {
			c := members[j]
			copy(c.Present, kept[j])
			if c.Present.Empty() {
				ev.recycle(c)
				continue
			}
			if err := emit(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// rank sorts members by their value at a step, the best first; NaN is last,
// and equal ones stay in order.
func rank(order []int, members []*Column, step int, largest bool) {
	slices.SortFunc(order, func(a, b int) int { return ranks(a, b, members, step, largest) })
}

// ranks compares two members by their value at a step: negative where a comes
// first. Members of equal value keep their order.
func ranks(a, b int, members []*Column, step int, largest bool) int {
	x, y := members[a].Values[step], members[b].Values[step]
	switch {
	case x == y || x != x && y != y:
		return a - b
	case x != x:
		return 1
	case y != y || (x > y) == largest:
		return -1
	}
	return 1
}

// best brings the k best members to the front, in order; O(n log k). A heap of
// them has the worst on top, so that most members cost one comparison.
func best(order []int, k int, members []*Column, step int, largest bool) {
	if k >= len(order) {
		rank(order, members, step, largest)
		return
	}
	worse := func(a, b int) bool { return ranks(a, b, members, step, largest) > 0 }
	heap := order[:k]
	sink := func(i int) {
		for {
			c := 2*i + 1
			if c >= k {
				return
			}
			if c+1 < k && worse(heap[c+1], heap[c]) {
				c++
			}
			if !worse(heap[c], heap[i]) {
				return
			}
			heap[i], heap[c] = heap[c], heap[i]
			i = c
		}
	}
	for i := k/2 - 1; i >= 0; i-- {
		sink(i)
	}
	for i := k; i < len(order); i++ {
		if worse(heap[0], order[i]) {
			heap[0], order[i] = order[i], heap[0]
			sink(0)
		}
	}
	rank(heap, members, step, largest)
}

func (ev *evaluator) checkPick(n *plan.Aggregate, param []float64) error {
	if n.Op != "limit_ratio" && slices.Max(param) < 1 {
		return nil // nothing is picked at any step
	}
	for _, v := range param {
		switch {
		case n.Op == "limit_ratio" && math.IsNaN(v):
			return errorAt(n.Param.Position(), "Ratio value is NaN")
		case n.Op == "limit_ratio":
			if v < -1 || v > 1 {
				ev.warn(n.Param.Position(), "ratio value should be between -1 and 1, got %g, capping to %g", v, max(-1, min(1, v)))
			}
		case math.IsNaN(v):
			return errorAt(n.Param.Position(), "Parameter value is NaN")
		case v <= math.MinInt64:
			return errorAt(n.Param.Position(), "Scalar value %g underflows int64", v)
		case v >= math.MaxInt64:
			return errorAt(n.Param.Position(), "Scalar value %g overflows int64", v)
		}
	}
	return nil
}

// emitRatio keeps a share of the series, chosen by a hash of their labels: a
// ratio r keeps those whose hash is below it, and r - 1 exactly the others.
func (ev *evaluator) emitRatio(all []*Column, param []float64, emit func(*Column) error) error {
	for _, c := range all {
		place := float64(c.Labels.Hash()) / float64(math.MaxUint64)
		c.Present.forEach(func(i int) {
			r := max(-1, min(1, param[i]))
			if r >= 0 && place < r || r < 0 && place >= 1+r {
				return
			}
			c.Present.Unset(i)
		})
		if c.Present.Empty() {
			ev.recycle(c)
			continue
		}
		if err := emit(c); err != nil {
			return err
		}
	}
	return nil
}
