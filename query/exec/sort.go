package exec

import (
	"context"
	"slices"
	"strings"

	"tidemark/query/plan"
)

// sortByValue is sort(v) and sort_desc(v): they order the answer of an
// instant query, NaN last, and mean nothing elsewhere.
func sortByValue(descending bool) vectorFunc {
	return func(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
		return ev.ordered(ctx, call, g, numbersOnly, func(cs []*Column) {
			order := make([]int, len(cs))
			for i := range order {
				order[i] = i
			}
			rank(order, cs, 0, descending)
			from := slices.Clone(cs)
			for i, j := range order {
				cs[i] = from[j]
			}
		}, emit)
	}
}

// sortByLabel is sort_by_label(v, label...) and its reverse: natural order
// of the labels' values, then of all labels.
func sortByLabel(descending bool) vectorFunc {
	return func(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
		names, err := ev.texts(call, 1)
		if err != nil {
			return err
		}
		return ev.ordered(ctx, call, g, everything, func(cs []*Column) {
			slices.SortStableFunc(cs, func(a, b *Column) int {
				c := 0
				for _, n := range names {
					if c = naturalCompare(a.Labels.Get(n), b.Labels.Get(n)); c != 0 {
						break
					}
				}
				if c == 0 {
					c = a.Labels.Compare(b.Labels)
				}
				if descending {
					return -c
				}
				return c
			})
		}, emit)
	}
}

// sorts says what can be put in order.
type sorts bool

const (
	numbersOnly sorts = false
	everything  sorts = true
)

// ordered arranges the series of an instant query's outermost function. By
// value only numbers have an order, and histograms are left out.
func (ev *evaluator) ordered(ctx context.Context, call *plan.Call, g Grid, what sorts, arrange func([]*Column), emit func(*Column) error) error {
	if what == numbersOnly {
		all := emit
		emit = func(c *Column) error {
			if c.dropHists() && c.Present.Empty() {
				ev.recycle(c)
				return nil
			}
			return all(c)
		}
	}
	if !ev.Instant && g.Len() > 1 {
		ev.warn(call.Pos, "sort is ineffective for range queries since results are always ordered by labels")
	}
	if !ev.Instant || !ev.outermost(call) {
		return ev.each(ctx, call.Args[0], g, emit)
	}
	cs, err := ev.collectSorted(ctx, call.Args[0], g)
	if err != nil {
		return err
	}
	if what == numbersOnly {
		cs = slices.DeleteFunc(cs, func(c *Column) bool { return c.dropHists() && c.Present.Empty() })
	}
	arrange(cs)
	ev.sorted = true
	for _, c := range cs {
		if err := emit(c); err != nil {
			return err
		}
	}
	return nil
}

// naturalCompare compares text with runs of digits compared as numbers.
func naturalCompare(a, b string) int {
	for a != "" && b != "" {
		na, nb := digits(a), digits(b)
		if na > 0 && nb > 0 {
			x, y := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
			if len(x) != len(y) {
				return len(x) - len(y)
			}
			if c := strings.Compare(x, y); c != 0 {
				return c
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

// digits counts the digits that s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
