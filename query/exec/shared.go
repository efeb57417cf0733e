package exec

import (
	"context"
	"slices"

	"tidemark/query/plan"
)

// sharing keeps the series of expressions that a plan has more than once, until
// the query ends.
type sharing struct {
	number map[plan.Node]int
	kept   map[sharedKey][]*Column
	given  map[sharedKey]bool // up: too large to be kept
}

// sharedKey is an expression over a grid: within a subquery it has other steps.
type sharedKey struct {
	number int
	grid   Grid
}

// shareOf is the part of MaxSamples that a kept expression may take: what does
// not fit is computed again.
const shareOf = 8

func newSharing(root plan.Node) *sharing {
	number := plan.Shared(root)
	if number == nil {
		return nil
	}
	return &sharing{number: number, kept: map[sharedKey][]*Column{}, given: map[sharedKey]bool{}}
}

// eachOnce is each of an expression that may have been evaluated before: then
// its series are given again.
func (ev *evaluator) eachOnce(ctx context.Context, n plan.Node, g Grid, emit func(*Column) error) error {
	if ev.shared == nil || ev.shared.number[n] == 0 {
		return ev.eachNode(ctx, n, g, emit)
	}
	key := sharedKey{ev.shared.number[n], g}
	if kept, ok := ev.shared.kept[key]; ok {
		for _, c := range kept {
			again, err := ev.copyColumn(c)
			if err != nil {
				return err
			}
			if ev.trace != nil {
				ev.trace.of(n).Reused++
			}
			if err := emit(again); err != nil {
				return err
			}
		}
		return nil
	}
	if ev.shared.given[key] {
		return ev.eachNode(ctx, n, g, emit)
	}
	kept, most := []*Column{}, int(ev.MaxSamples/shareOf)
	keep := true
	drop := func() {
		for _, c := range kept {
			ev.recycle(c)
		}
		keep, kept, ev.shared.given[key] = false, nil, true
	}
	err := ev.eachNode(ctx, n, g, func(c *Column) error {
		if keep && (len(kept)+1)*len(c.Values) > most {
			drop()
		}
		if keep {
			again, err := ev.copyColumn(c)
			if err != nil {
				return err
			}
			kept = append(kept, again)
		}
		return emit(c)
	})
	if err == nil && keep {
		ev.shared.kept[key] = kept
	}
	return err
}

// copyColumn returns a column of the same labels and values, accounted for.
func (ev *evaluator) copyColumn(c *Column) (*Column, error) {
	out, err := ev.newColumn(c.Labels, len(c.Values))
	if err != nil {
		return nil, err
	}
	copy(out.Values, c.Values)
	copy(out.Present, c.Present)
	out.Nameless, out.Hists = c.Nameless, slices.Clone(c.Hists)
	return out, nil
}
