package exec

import (
	"math/bits"
	"sync"

	"tidemark/storage/model"
)

// newColumn returns an empty column over n steps, accounted for. It reuses
// the memory of recycled columns.
func (ev *evaluator) newColumn(ls model.Labels, n int) (*Column, error) {
	if err := ev.hold(n); err != nil {
		return nil, err
	}
	c := ev.columns.take(n)
	if c == nil {
		return NewColumn(ls, n), nil
	}
	c.Labels, c.Nameless, c.Hists = ls, false, nil
	return c, nil
}

// columnPool is memory for columns.
type columnPool struct {
	mu sync.Mutex
	// spare are recycled columns by their number of steps, slab is fresh ones
	// of few steps, which are made many at a time.
	spare map[int][]*Column
	slab  []Column
}

// take returns an empty column of n steps, or nil.
func (p *columnPool) take(n int) *Column {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.spare[n]; len(s) > 0 {
		c := s[len(s)-1]
		p.spare[n] = s[:len(s)-1]
		clear(c.Present)
		return c
	}
	if n > slabSteps {
		return nil
	}
	if len(p.slab) == 0 || len(p.slab[0].Values) != n {
		p.slab = makeSlab(n)
	}
	c := &p.slab[0]
	p.slab = p.slab[1:]
	return c
}

// Columns of up to slabSteps steps, as instant queries have them, are made
// slabColumns at a time: three allocations instead of three each.
const (
	slabSteps   = 16
	slabColumns = 64
	maxSpare    = 1 << 20 // numbers
)

func makeSlab(n int) []Column {
	words := len(NewBitmap(n))
	cols := make([]Column, slabColumns)
	values, bits := make([]float64, n*slabColumns), make(Bitmap, words*slabColumns)
	for i := range cols {
		cols[i].Values = values[i*n : (i+1)*n : (i+1)*n]
		cols[i].Present = bits[i*words : (i+1)*words : (i+1)*words]
	}
	return cols
}

// recycle takes back a column that nobody reads any more.
func (ev *evaluator) recycle(c *Column) {
	n := len(c.Values)
	ev.release(n)
	p := &ev.columns
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.spare == nil {
		p.spare = map[int][]*Column{}
	}
	if len(p.spare[n])*n < maxSpare {
		p.spare[n] = append(p.spare[n], c)
	}
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
	o.Present.forEach(func(i int) {
		c.Values[i] = o.Values[i]
		if c.Hists != nil {
			c.Hists[i] = nil // of a step that was taken out
		}
	})
	c.Present.Or(o.Present)
	c.mergeHists(o)
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

// nameless returns the labels without the metric's name; its type and unit
// still tell series apart.
func nameless(ls model.Labels) model.Labels {
	if len(ls) > 0 && ls[0].Name == model.MetricName {
		return ls[1:]
	}
	if ls.Has(model.MetricName) {
		return ls.Without(model.MetricName)
	}
	return ls
}

func describesMetric(name string) bool {
	return len(name) > 7 && (name == model.MetricName || name == "__type__" || name == "__unit__")
}

// final returns a column's labels as the answer has them.
func (c *Column) final() model.Labels {
	if c.Nameless {
		return dropName(c.Labels)
	}
	return c.Labels
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
