package exec

import (
	"math/bits"

	"tidemark/storage/model"
)

// newColumn returns an empty column over n steps, accounted for. It reuses
// the memory of recycled columns.
func (ev *evaluator) newColumn(ls model.Labels, n int) (*Column, error) {
	if err := ev.hold(n); err != nil {
		return nil, err
	}
	if k := len(ev.spare) - 1; k >= 0 && len(ev.spare[k].Values) == n {
		c := ev.spare[k]
		ev.spare = ev.spare[:k]
		c.Labels = ls
		clear(c.Present)
		return c, nil
	}
	return NewColumn(ls, n), nil
}

// recycle takes back a column that nobody reads any more.
func (ev *evaluator) recycle(c *Column) {
	ev.release(len(c.Values))
	if k := len(ev.spare); k > 0 && (k >= 64 || len(ev.spare[0].Values) != len(c.Values)) {
		if k >= 64 {
			return
		}
		ev.spare = ev.spare[:0]
	}
	ev.spare = append(ev.spare, c)
}

// forEach calls f for every step of the set, ascending.
func (b Bitmap) forEach(f func(i int)) {
	for w, word := range b {
		for ; word != 0; word &= word - 1 {
			f(w<<6 + bits.TrailingZeros64(word))
		}
	}
}

// full reports whether the set has all of n steps.
func (b Bitmap) full(n int) bool {
	for i, w := range b {
		want := ^uint64(0)
		if i == len(b)-1 && n&63 != 0 {
			want = 1<<(n&63) - 1
		}
		if w != want {
			return false
		}
	}
	return true
}

// fill gives every step the value.
func (c *Column) fill(v float64) {
	for i := range c.Values {
		c.Values[i] = v
	}
	c.Present.SetAll(len(c.Values))
}

// merge takes over the other column's steps, none of which it may have.
func (c *Column) merge(o *Column) {
	o.Present.forEach(func(i int) { c.Values[i] = o.Values[i] })
	c.Present.Or(o.Present)
}

// dropName returns the labels without those that describe the metric itself:
// its name, type and unit. It allocates only where these are not in front.
func dropName(ls model.Labels) model.Labels {
	for len(ls) > 0 && describesMetric(ls[0].Name) {
		ls = ls[1:]
	}
	for _, l := range ls {
		if describesMetric(l.Name) {
			return ls.Without(model.MetricName, "__type__", "__unit__")
		}
	}
	return ls
}

func describesMetric(name string) bool {
	return len(name) > 7 && (name == model.MetricName || name == "__type__" || name == "__unit__")
}

// withName returns the labels with the metric's name among them.
func withName(name string, ls model.Labels) model.Labels {
	if name == "" {
		return ls
	}
	if len(ls) == 0 || ls[0].Name > model.MetricName {
		out := make(model.Labels, 0, len(ls)+1)
		out = append(out, model.Label{Name: model.MetricName, Value: name})
		return append(out, ls...)
	}
	return ls.With(model.MetricName, name)
}
