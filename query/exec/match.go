package exec

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tidemark/query/ast"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// signature appends the encoding of the labels by which series are paired.
func signature(m *ast.Matching, ls model.Labels, dst []byte) []byte {
	return matchLabels(m, ls).AppendKey(dst)
}

// matchLabels returns the labels by which a series is paired.
func matchLabels(m *ast.Matching, ls model.Labels) model.Labels {
	if m.On {
		return ls.Keep(m.Labels...)
	}
	if len(m.Labels) > 0 {
		ls = ls.Without(m.Labels...)
	}
	return nameless(ls)
}

// matchGroup is the series of one signature.
type matchGroup struct {
	one []*Column // of the side that must be unique
	// matched are the steps at which a one-to-one match was made.
	matched Bitmap
	// results are, for many-to-one matches, those steps by result labels.
	results map[string]Bitmap
	// twice are the steps at which the unique side is not.
	twice Bitmap
	// touched are the steps at which a match was made, noted where missing
	// series are to be filled in.
	touched Bitmap
}

func (gr *matchGroup) touch(steps Bitmap) {
	if gr.touched == nil {
		gr.touched = slices.Clone(steps)
		return
	}
	gr.touched.Or(steps)
}

// filling returns what stands in for the partner of a series at the steps at
// which none of the others is there: the value, under the labels by which
// they are paired; nil where there is no such step.
//
// As in Prometheus, fill_left stands in for the side of many series and
// fill_right for the other, whichever is written on the left.
func filling(m *ast.Matching, c *Column, others []*Column, value float64) *Column {
	missing := slices.Clone(c.Present)
	for _, o := range others {
		if o.Present != nil {
			missing.AndNot(o.Present)
		}
	}
	if missing.Empty() {
		return nil
	}
	return &Column{Labels: matchLabels(m, c.Labels), Values: constant(value, len(c.Values)), Present: missing}
}

// eachMatch evaluates an arithmetic or comparison operation of two vectors.
func (ev *evaluator) eachMatch(ctx context.Context, n *plan.Binary, g Grid, emit func(*Column) error) error {
	m := n.Matching
	if m == nil {
		m = &ast.Matching{}
	}
	many, one, side := n.LHS, n.RHS, "right"
	swapped := m.Card == ast.OneToMany
	if swapped {
		many, one, side = n.RHS, n.LHS, "left"
	}
	steps := g.Len()
	groups := map[string]*matchGroup{}
	var key []byte
	var doubtful []*matchGroup
	err := ev.each(ctx, one, g, func(c *Column) error {
		key = signature(m, c.Labels, key[:0])
		gr := groups[string(key)]
		if gr == nil {
			gr = &matchGroup{}
			groups[string(key)] = gr
		}
		for _, o := range gr.one {
			if !o.Present.Intersects(c.Present) {
				continue
			}
			if gr.twice == nil {
				gr.twice = NewBitmap(steps)
				doubtful = append(doubtful, gr)
			}
			both := slices.Clone(o.Present)
			both.And(c.Present)
			gr.twice.Or(both)
		}
		gr.one = append(gr.one, c)
		return nil
	})
	if err != nil {
		return err
	}
	if len(groups) == 0 && m.FillRight == nil {
		if !ev.LogQL {
			return nil
		}
		// Rows of the other side may have errors, which are the query's.
		return ev.each(ctx, many, g, func(c *Column) error {
			ev.recycle(c)
			return nil
		})
	}
	op, cmp := arithmetic(n.Op), comparison(n.Op)
	if op == nil && cmp == nil && !isTrim(n.Op) {
		return errorAt(n.Pos, "unknown operator %q", n.Op)
	}
	present := NewBitmap(steps) // steps at which the many side has anything, or will be filled in
	if m.FillLeft != nil || m.FillRight != nil {
		for i := range steps {
			present.Set(i)
		}
	}
	// pair emits what comes of a series of each side, at the steps they share.
	pair := func(gr *matchGroup, c, o *Column, emit func(*Column) error) error {
		if !o.Present.Intersects(c.Present) {
			return nil
		}
		out, err := ev.newColumn(resultLabels(n, m, c.Labels, o.Labels), steps)
		if err != nil {
			return err
		}
		copy(out.Present, c.Present)
		out.Present.And(o.Present)
		l, r := c, o
		if swapped {
			l, r = o, c
		}
		matched := out.Present
		mixed := l.Hists != nil || r.Hists != nil || isTrim(n.Op)
		if mixed {
			matched = ev.combineMixed(n, out, l, r)
		}
		if err := gr.claim(n, m, out.Labels, matched); err != nil {
			return err
		}
		if m.FillLeft != nil {
			gr.touch(matched)
		}
		if !mixed {
			combine(out, l, r, op, cmp, n.Bool)
		}
		out.Nameless = (n.Bool || c.Nameless) && !slices.Contains(m.Include, model.MetricName)
		if out.Present.Empty() {
			ev.recycle(out)
			return nil
		}
		return emit(out)
	}
	produce := func(emit func(*Column) error) error {
		err := ev.each(ctx, many, g, func(c *Column) error {
			if len(doubtful) > 0 {
				present.Or(c.Present)
			}
			key = signature(m, c.Labels, key[:0])
			gr := groups[string(key)]
			if gr == nil && m.FillRight != nil {
				gr = &matchGroup{}
				groups[string(key)] = gr
			}
			if gr == nil {
				ev.recycle(c)
				return nil
			}
			if gr.twice != nil && gr.twice.Intersects(c.Present) {
				return ev.checkTwice(n, m, side, []*matchGroup{gr}, c.Present)
			}
			for _, o := range gr.one {
				if err := pair(gr, c, o, emit); err != nil {
					return err
				}
			}
			if m.FillRight != nil {
				if o := filling(m, c, gr.one, *m.FillRight); o != nil {
					if err := pair(gr, c, o, emit); err != nil {
						return err
					}
				}
			}
			ev.recycle(c)
			return nil
		})
		if err != nil || m.FillLeft == nil {
			return err
		}
		for _, gr := range groups {
			for _, o := range gr.one {
				if c := filling(m, o, []*Column{{Present: gr.touched}}, *m.FillLeft); c != nil {
					if err := pair(gr, c, o, emit); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}
	err = ev.merged(n.Pos, produce, func(c *Column) error {
		if len(doubtful) > 0 { // an answer may turn out to be an error
			if err := ev.checkTwice(n, m, side, doubtful, present); err != nil {
				return err
			}
		}
		return emit(c)
	})
	if err != nil {
		return err
	}
	for _, gr := range groups {
		for _, o := range gr.one {
			ev.recycle(o)
		}
	}
	return ev.checkTwice(n, m, side, doubtful, present)
}

// checkTwice fails where the side that must be unique is not at a step at
// which the other side has something.
func (ev *evaluator) checkTwice(n *plan.Binary, m *ast.Matching, side string, doubtful []*matchGroup, present Bitmap) error {
	for _, gr := range doubtful {
		if !gr.twice.Intersects(present) {
			continue
		}
		var dup []string
		for _, o := range gr.one {
			if o.Present.Intersects(gr.twice) && len(dup) < 2 {
				dup = append(dup, pairsText(o.Labels))
			}
		}
		slices.Sort(dup)
		if ev.LogQL {
			return errorAt(n.Pos, "found duplicate series on the %s hand-side for the match group %s: [%s, %s];many-to-many matching not allowed: matching labels must be unique on one side",
				side, pairsText(matchLabels(m, gr.one[0].Labels)), dup[0], dup[1])
		}
		return errorAt(n.Pos, "found duplicate series for the match group %s on the %s hand-side of the operation: %s;many-to-many matching not allowed: matching labels must be unique on one side",
			pairsText(matchLabels(m, gr.one[0].Labels)), side, fmt.Sprintf("[%s, %s]", dup[0], dup[1]))
	}
	return nil
}

// claim notes the steps of a match and fails where one was made before.
func (gr *matchGroup) claim(n *plan.Binary, m *ast.Matching, ls model.Labels, steps Bitmap) error {
	if m.Card == ast.OneToOne {
		if gr.matched == nil {
			gr.matched = slices.Clone(steps)
			return nil
		}
		if gr.matched.Intersects(steps) {
			return errorAt(n.Pos, "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)")
		}
		gr.matched.Or(steps)
		return nil
	}
	if gr.results == nil {
		gr.results = map[string]Bitmap{}
	}
	key := ls.Key()
	if before := gr.results[key]; before != nil {
		if before.Intersects(steps) {
			return errorAt(n.Pos, "multiple matches for labels: grouping labels must ensure unique matches")
		}
		before.Or(steps)
		return nil
	}
	gr.results[key] = slices.Clone(steps)
	return nil
}

// combine computes the steps that out has already been given.
func combine(out, l, r *Column, op func(l, r float64) float64, cmp func(l, r float64) bool, asBool bool) {
	if op != nil {
		if out.Present.full(len(out.Values)) {
			for i, v := range l.Values {
				out.Values[i] = op(v, r.Values[i])
			}
			return
		}
		out.Present.forEach(func(i int) { out.Values[i] = op(l.Values[i], r.Values[i]) })
		return
	}
	out.Present.forEach(func(i int) {
		holds := cmp(l.Values[i], r.Values[i])
		switch {
		case asBool:
			out.Values[i] = truth(holds)
		case holds:
			out.Values[i] = l.Values[i]
		default:
			out.Present.Unset(i)
		}
	})
}

// resultLabels returns the labels of a match's result: those of the many
// side, reduced to the matching ones where the match is one to one, with the
// included labels of the other side.
func resultLabels(n *plan.Binary, m *ast.Matching, many, one model.Labels) model.Labels {
	ls := many
	if arithmetic(n.Op) != nil {
		ls = dropName(ls)
	}
	if m.Card == ast.OneToOne {
		switch {
		case m.On:
			ls = ls.Keep(m.Labels...)
		case len(m.Labels) > 0:
			ls = ls.Without(m.Labels...)
		}
	}
	for _, name := range m.Include {
		ls = ls.With(name, one.Get(name))
	}
	return ls
}

// pairsText prints labels with the name among them.
func pairsText(ls model.Labels) string {
	var b strings.Builder
	for i, l := range ls {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(l.Name + "=" + strconv.Quote(l.Value))
	}
	return "{" + b.String() + "}"
}
