package storage

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sort"
	"sync"

	"tidemark/storage/model"
	"tidemark/storage/rowgroup"
)

var _ model.RowSelector = (*view)(nil)

// SelectsRows implements model.RowSelector.
func (v *view) SelectsRows() bool { return true }

// CountRows implements model.RowSelector. Groups are counted in parallel, each
// by columns: no line is decoded, and the times only where a label set's rows of
// a group lie in several intervals.
func (v *view) CountRows(ctx context.Context, sel model.RowSelection, c model.RowCounting, visit func(*model.RowCount) error) error {
	if err := v.enter(); err != nil {
		return err
	}
	defer v.leave()
	return v.finish("count rows", v.countRows(ctx, sel, c, visit))
}

func (v *view) countRows(ctx context.Context, sel model.RowSelection, c model.RowCounting, visit func(*model.RowCount) error) error {
	if len(c.Edges) < 2 || !slices.IsSorted(c.Edges) {
		return fmt.Errorf("want at least two edges, ascending, got %d", len(c.Edges))
	}
	if c.Edges[0] == maxInt64 {
		return nil
	}
	if c.Distinct && !distinct(&c) || c.Bytes && c.Number != "" {
		return model.ErrUndecided
	}
	sel.Mint, sel.Maxt = max(sel.Mint, c.Edges[0]+1), min(sel.Maxt, c.Edges[len(c.Edges)-1])
	sel.NoLine, sel.AllFields, sel.Limit = !c.Shapes && !c.Bytes, false, 0
	sel.Fields = append(slices.Clone(c.By), c.Without...)
	if c.Number != "" {
		sel.Fields = append(sel.Fields, c.Number)
	}
	main := &rowScan{v: v, ctx: ctx, sel: sel}
	var stored []*rowCluster
	table := newCountTable(&c)
	err := main.clusters(func(cl *rowCluster) error {
		if len(cl.groups) > 0 {
			stored = append(stored, cl)
		}
		for i := range cl.memory {
			m := &cl.memory[i]
			d, err := m.read()
			if err != nil {
				return err
			}
			if err := table.addRows(m.labels, d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if main.undecided {
		return model.ErrUndecided
	}
	// Which worker counts what is fixed, so that sums are too.
	workers := min(parallelism(), len(stored))
	tables := make([]*countTable, workers)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		tables[w] = newCountTable(&c)
		wg.Go(func() {
			s := &rowScan{v: v, ctx: ctx, sel: main.sel, groups: newGroupReader(v), filter: newRowFilter(&main.sel.Filter)}
			for i := w; i < len(stored) && errs[w] == nil; i += workers {
				if errs[w] = ctx.Err(); errs[w] == nil {
					errs[w] = tables[w].addCluster(s, stored[i])
					s.groups.done(stored[i])
				}
			}
		})
	}
	wg.Wait()
	for w := range workers {
		if errs[w] != nil {
			return errs[w]
		}
		table.merge(tables[w])
		if table.full() {
			return model.ErrUndecided
		}
	}
	if table.values != nil {
		return visit(table.values.result())
	}
	for _, n := range table.counters {
		if err := visit(n.result()); err != nil {
			return err
		}
	}
	return nil
}

// countTable has the counters of one worker.
type countTable struct {
	c        *model.RowCounting
	index    map[string]*counter
	counters []*counter    // in order of appearance
	held     int64         // counters of all intervals, and numbers
	values   *distinctSets // in place of counters
	tallies  tallyCount
	key      []byte
	labels   model.Labels
}

// counter counts the rows of one group of rows. Sums carry what their last bit
// has lost (Neumaier 1974), so that the order of rows hardly matters.
type counter struct {
	model.RowCount
	lost []float64
}

func newCountTable(c *model.RowCounting) *countTable {
	t := &countTable{c: c, index: make(map[string]*counter)}
	if c.Distinct {
		t.values = newDistinctSets(c)
	}
	return t
}

// counter returns the counter of labels (in order) and a shape.
func (t *countTable) counter(labels model.Labels, shape []byte) *counter {
	t.key = labels.AppendKey(t.key[:0])
	if t.c.Shapes {
		t.key = append(append(t.key, 0xff), shape...)
	}
	n := t.index[string(t.key)]
	if n == nil {
		n = &counter{RowCount: model.RowCount{Labels: slices.Clone(labels), Rows: make([]int64, len(t.c.Edges)-1)}}
		if t.c.Shapes {
			n.Shape = slices.Clone(shape)
		}
		if t.c.Bytes {
			n.Bytes = make([]int64, len(n.Rows))
		}
		if t.c.Number != "" {
			k := len(n.Rows)
			all := make([]float64, 4*k)
			n.Sums, n.Mins, n.Maxs, n.lost = all[:k:k], all[k:2*k:2*k], all[2*k:3*k:3*k], all[3*k:]
			if t.c.Numbers {
				n.Numbers = make([][]float64, k)
			}
		}
		t.held += int64(len(n.Rows))
		t.index[string(t.key)] = n
		t.counters = append(t.counters, n)
	}
	return n
}

// add adds a number to interval k.
func (n *counter) add(k int, v float64) {
	n.widen(k, v, v)
	n.Rows[k]++
	n.plus(k, v)
}

// addAll adds floats to interval k.
func (n *counter) addAll(k int, bits []uint64) {
	sum, lost, least, greatest := n.Sums[k], n.lost[k], n.Mins[k], n.Maxs[k]
	if n.Rows[k] == 0 {
		least = math.Float64frombits(bits[0])
		greatest = least
	}
	for _, b := range bits {
		v := math.Float64frombits(b)
		if v < least || least != least {
			least = v
		}
		if v > greatest || greatest != greatest {
			greatest = v
		}
		// The error of an addition, whatever the sizes (Knuth's TwoSum).
		s := sum + v
		z := s - sum
		lost += (sum - (s - z)) + (v - z)
		sum = s
	}
	n.Rows[k] += int64(len(bits))
	n.Sums[k], n.Mins[k], n.Maxs[k] = sum, least, greatest
	if lost != lost || math.IsInf(sum, 0) {
		lost = 0
	}
	n.lost[k] = lost
}

func (n *counter) plus(k int, v float64) {
	sum := n.Sums[k] + v
	if math.IsInf(sum, 0) {
		n.lost[k] = 0
	} else if math.Abs(n.Sums[k]) >= math.Abs(v) {
		n.lost[k] += n.Sums[k] - sum + v
	} else {
		n.lost[k] += v - sum + n.Sums[k]
	}
	n.Sums[k] = sum
}

func (n *counter) result() *model.RowCount {
	for k := range n.Sums {
		n.Sums[k] += n.lost[k]
	}
	return &n.RowCount
}

// merge adds the counts of another table.
func (t *countTable) merge(o *countTable) {
	if t.values != nil {
		t.values.merge(o.values)
		return
	}
	for _, m := range o.counters {
		n := t.counter(m.Labels, m.Shape)
		for k, rows := range m.Rows {
			if rows == 0 {
				continue
			}
			if m.Sums != nil {
				n.widen(k, m.Mins[k], m.Maxs[k])
				n.plus(k, m.Sums[k])
				n.lost[k] += m.lost[k]
				if m.Numbers != nil {
					n.Numbers[k] = append(n.Numbers[k], m.Numbers[k]...)
				}
			}
			n.Rows[k] += rows
			if m.Bytes != nil {
				n.Bytes[k] += m.Bytes[k]
			}
		}
	}
}

// interval returns the interval of a time, which lies in one.
func (t *countTable) interval(time int64) int {
	return sort.Search(len(t.c.Edges), func(i int) bool { return t.c.Edges[i] >= time }) - 1
}

// group returns the labels that rows of a stream are counted under; value gives
// their fields.
func (t *countTable) group(ls model.Labels, value func(name string) model.Value) model.Labels {
	if t.c.ByStream && len(t.c.By) == 0 {
		return ls
	}
	t.labels = t.labels[:0]
	if t.c.ByStream {
		t.labels = append(t.labels, ls...)
	}
	for _, name := range t.c.By {
		v := ls.Get(name)
		if v != "" && t.c.ByStream {
			continue
		}
		if v == "" && value != nil {
			v = value(name).String()
		}
		if v != "" {
			t.labels = append(t.labels, model.Label{Name: name, Value: v})
		}
	}
	slices.SortFunc(t.labels, func(a, b model.Label) int { return cmp.Compare(a.Name, b.Name) })
	return t.labels
}

// full reports whether the table holds more than it may.
func (t *countTable) full() bool {
	if t.values != nil {
		return t.values.full()
	}
	return t.c.MaxCounters > 0 && t.held > t.c.MaxCounters
}

// addRows counts rows of a stream, given whole.
func (t *countTable) addRows(ls model.Labels, d *rowData) error {
	for _, name := range t.c.Without {
		if d.columns[name] != nil {
			return model.ErrUndecided
		}
	}
	if t.values != nil {
		t.values.addRows(t, ls, d)
		return nil
	}
	for i, time := range d.times {
		value := func(name string) (v model.Value) {
			if c := d.columns[name]; c != nil {
				v = c[i]
			}
			return v
		}
		number := 0.0
		if t.c.Number != "" {
			v, err := numberOf(ls, t.c.Number, value(t.c.Number))
			if err != nil {
				return err
			}
			if v.Type == model.TypeNone {
				continue
			}
			number = model.BitsToFloat(v.Type, v.Bits)
		}
		var template []byte
		if t.c.Shapes {
			template = templateOf(d.lines[i])
		}
		n := t.counter(t.group(ls, value), template)
		k := t.interval(time)
		if t.c.Bytes {
			n.Bytes[k] += int64(len(d.lines[i]))
		}
		if t.c.Number != "" {
			t.add(n, k, number)
		} else {
			n.Rows[k]++
		}
		if t.full() {
			return model.ErrUndecided
		}
	}
	return nil
}

// add adds a number to interval k of a counter.
func (t *countTable) add(n *counter, k int, v float64) {
	n.add(k, v)
	if t.c.Numbers {
		n.Numbers[k] = append(n.Numbers[k], v)
		t.held++
	}
}

// numberOf returns a row's number, of TypeNone where it has none.
func numberOf(ls model.Labels, name string, v model.Value) (model.Value, error) {
	if ls.Get(name) != "" {
		return v, model.ErrUndecided // a text that may be a number
	}
	switch v.Type {
	case model.TypeNone, model.TypeFloat, model.TypeInt:
		return v, nil
	case model.TypeText:
		if v.Text == "" {
			return model.Value{}, nil
		}
	}
	return v, model.ErrUndecided
}

// addCluster counts the rows of a cluster's groups.
func (t *countTable) addCluster(s *rowScan, c *rowCluster) error {
	for _, ref := range c.groups {
		if t.countWhole(s, c, ref) {
			continue
		}
		if ok, err := t.countTallied(s, c, ref); ok || err != nil {
			if err != nil {
				return corrupt(ref.String(), err)
			}
			if t.full() {
				return model.ErrUndecided
			}
			continue
		}
		m, err := s.match(c, ref)
		if err != nil {
			return err
		}
		if m.undecided {
			return model.ErrUndecided
		}
		if len(m.runs) == 0 {
			continue
		}
		for _, name := range t.c.Without {
			if slices.ContainsFunc(m.runs, func(r matchedRun) bool { return m.g.Has(name, r.from, r.to-r.from) }) {
				return model.ErrUndecided
			}
		}
		if t.values != nil {
			if err := t.values.addGroup(t, s, c, m); err != nil {
				return corrupt(ref.String(), err)
			}
			if t.full() {
				return model.ErrUndecided
			}
			continue
		}
		g := &groupCount{t: t, s: s, c: c, ref: ref, m: m}
		if err := g.run(); err != nil {
			return corrupt(ref.String(), err)
		}
	}
	return nil
}

// countWhole counts a group by its key alone, where all of its rows count and
// nothing else is asked for.
func (t *countTable) countWhole(s *rowScan, c *rowCluster, ref *groupRef) bool {
	q := t.c
	if !c.every || len(s.v.tombstones) > 0 || !s.filter.keepsAll() || len(q.By) > 0 || q.ByStream || len(q.Without) > 0 || q.Shapes || q.Bytes || q.Number != "" ||
		ref.Mint < s.sel.Mint || ref.Maxt > s.sel.Maxt {
		return false
	}
	k := t.interval(ref.Mint)
	if ref.Maxt > q.Edges[k+1] {
		return false
	}
	t.counter(nil, nil).Rows[k] += int64(ref.Rows)
	return true
}

// groupCount counts the rows of one row group.
type groupCount struct {
	t   *countTable
	s   *rowScan
	c   *rowCluster
	ref *groupRef
	m   *groupMatch

	times  []int64
	codes  []codedField // of the fields among By
	shapes []*rowgroup.Template
	ids    []uint16
	number []numberColumn
	sizes  []int32 // lengths of lines, where asked for
	edges  []int64

	slots   []*counter // by code, of the run; nil where not looked up
	sparse  map[int]*counter
	touched []int
}

// codedField is a field of the group as small numbers, one a row: 0 for rows
// without a value, else one more than the index of the value.
type codedField struct {
	name   string
	values []string
	rows   []int32
}

type numberColumn struct {
	rowgroup.FieldColumn
	float bool
}

// maxSlots is the number of combinations of codes up to which counters are
// found by index.
const maxSlots = 1 << 12

func (g *groupCount) run() error {
	t, m := g.t, g.m
	g.edges = t.c.Edges
	sets := make([]model.Labels, len(m.runs))
	for i := range m.runs {
		ls, err := g.s.labelsOf(g.c.p, m.runs[i].set)
		if err != nil {
			return err
		}
		sets[i] = ls.labels
	}
	combos := 1
	for _, name := range t.c.By {
		if !slices.ContainsFunc(sets, func(ls model.Labels) bool { return ls.Get(name) == "" }) {
			continue
		}
		f, err := g.coded(name)
		if err != nil {
			return err
		}
		if f != nil {
			g.codes = append(g.codes, *f)
			combos *= len(f.values) + 1
		}
	}
	if t.c.Shapes {
		shapes, err := g.s.groups.shapes(g.ref, m.g)
		if err != nil {
			return err
		}
		g.shapes, g.ids = shapes.Templates, shapes.IDs
		combos *= len(g.shapes)
	}
	if t.c.Number != "" {
		cols, err := m.g.Fields(t.c.Number)
		if err != nil {
			return err
		}
		for i := range cols {
			if cols[i].Type != model.TypeFloat && cols[i].Type != model.TypeInt {
				return model.ErrUndecided
			}
			g.number = append(g.number, numberColumn{cols[i], cols[i].Type == model.TypeFloat})
		}
		if slices.ContainsFunc(sets, func(ls model.Labels) bool { return ls.Get(t.c.Number) != "" }) {
			return model.ErrUndecided
		}
	}
	if t.c.Bytes {
		var err error
		if g.sizes, err = m.g.LineSizes(); err != nil {
			return err
		}
	}
	if combos <= maxSlots && combos > 0 {
		g.slots = make([]*counter, combos)
	} else {
		g.sparse = make(map[int]*counter)
	}
	for i := range m.runs {
		if err := g.countRun(&m.runs[i], sets[i]); err != nil {
			return err
		}
		if t.full() {
			return model.ErrUndecided
		}
	}
	return nil
}

// coded returns a field as codes; nil where no row of the group has it.
func (g *groupCount) coded(name string) (*codedField, error) {
	cols, err := g.m.g.Fields(name)
	if err != nil || len(cols) == 0 {
		return nil, err
	}
	f := &codedField{name: name, rows: make([]int32, g.m.g.Rows())}
	index := make(map[string]int32)
	code := func(s string) int32 {
		if s == "" {
			return 0
		}
		at, ok := index[s]
		if !ok {
			f.values = append(f.values, s)
			at = int32(len(f.values))
			index[s] = at
		}
		return at
	}
	for k := range cols {
		c := &cols[k]
		if c.Type != model.TypeText {
			var last uint64
			at := int32(-1)
			for i, b := range c.Bits {
				if at < 0 || b != last {
					last, at = b, code(model.Value{Type: c.Type, Bits: b}.String())
				}
				f.rows[c.Row(i)] = at
			}
			continue
		}
		entries, indexes, ok := c.Texts.Dictionary()
		if !ok {
			texts, err := c.Texts.Append(nil, 0, c.Len())
			if err != nil {
				return nil, err
			}
			for i, s := range texts {
				f.rows[c.Row(i)] = code(s)
			}
			continue
		}
		texts, err := entries.Append(nil, 0, entries.Len())
		if err != nil {
			return nil, err
		}
		of := make([]int32, len(texts))
		for i, s := range texts {
			of[i] = code(s)
		}
		switch rows := c.Rows(); {
		case indexes == nil:
			for i := range c.Len() {
				f.rows[c.Row(i)] = of[0]
			}
		case rows == nil:
			out := f.rows[c.First():]
			for i, at := range indexes {
				out[i] = of[at]
			}
		default:
			for i, at := range indexes {
				f.rows[rows[i]] = of[at]
			}
		}
	}
	return f, nil
}

// counterOf returns the counter of rows of a run that have a combination of
// codes.
func (g *groupCount) counterOf(ls model.Labels, combo int) *counter {
	if g.slots != nil {
		if n := g.slots[combo]; n != nil {
			return n
		}
	} else if n := g.sparse[combo]; n != nil {
		return n
	}
	rest := combo
	var shape []byte
	if g.shapes != nil {
		shape = g.shapes[rest%len(g.shapes)].Text
		rest /= len(g.shapes)
	}
	values := make([]int, len(g.codes))
	for i := len(g.codes) - 1; i >= 0; i-- {
		values[i] = rest % (len(g.codes[i].values) + 1)
		rest /= len(g.codes[i].values) + 1
	}
	n := g.t.counter(g.t.group(ls, func(name string) (v model.Value) {
		for i := range g.codes {
			if g.codes[i].name == name && values[i] > 0 {
				v = model.Text(g.codes[i].values[values[i]-1])
			}
		}
		return v
	}), shape)
	if g.slots != nil {
		g.slots[combo] = n
		g.touched = append(g.touched, combo)
	} else {
		g.sparse[combo] = n
	}
	return n
}

// countRun counts the rows of a run.
func (g *groupCount) countRun(r *matchedRun, ls model.Labels) error {
	for _, i := range g.touched {
		g.slots[i] = nil
	}
	g.touched = g.touched[:0]
	if g.sparse != nil {
		clear(g.sparse)
	}
	run, _ := g.m.g.Run(r.set)
	single := -1 // the interval that all rows lie in
	if k := g.t.interval(max(run.Mint, g.s.sel.Mint)); min(run.Maxt, g.s.sel.Maxt) <= g.edges[k+1] {
		single = k
	}
	plain := len(g.codes) == 0 && g.shapes == nil
	if single >= 0 && plain && g.t.c.Number == "" && g.sizes == nil {
		n := r.to - r.from
		if g.m.mask != nil {
			n = g.m.mask.count(r.from, r.to)
		}
		g.counterOf(ls, 0).Rows[single] += int64(n)
		return nil
	}
	if single < 0 && g.times == nil {
		var err error
		if g.times, err = g.m.g.Times(0, g.m.g.Rows(), nil); err != nil {
			return err
		}
	}
	if g.t.c.Number != "" {
		return g.addNumbers(r, ls, single)
	}
	var n *counter
	if plain {
		n = g.counterOf(ls, 0)
	}
	k := single
	if single < 0 {
		k = g.t.interval(g.times[r.from])
	}
	one := len(g.codes) == 1 && g.shapes == nil && g.slots != nil
	var codes []int32
	if one {
		codes = g.codes[0].rows
	}
	for i := r.from; i < r.to; i++ {
		if g.m.mask != nil && !g.m.mask.has(i) {
			continue
		}
		if single < 0 {
			for t := g.times[i]; t > g.edges[k+1]; {
				k++
			}
		}
		switch {
		case plain:
		case one:
			if n = g.slots[codes[i]]; n == nil {
				n = g.counterOf(ls, int(codes[i]))
			}
		default:
			n = g.counterOf(ls, g.combo(i))
		}
		n.Rows[k]++
		if g.sizes != nil {
			n.Bytes[k] += int64(g.sizes[i])
		}
	}
	return nil
}

// combo returns the combination of codes that a row has.
func (g *groupCount) combo(row int) int {
	at := 0
	for i := range g.codes {
		at = at*(len(g.codes[i].values)+1) + int(g.codes[i].rows[row])
	}
	if g.shapes != nil {
		at = at*len(g.shapes) + int(g.ids[row])
	}
	return at
}

// addNumbers adds up the numbers of a run's rows.
func (g *groupCount) addNumbers(r *matchedRun, ls model.Labels, single int) error {
	for c := range g.number {
		col := &g.number[c]
		k := single
		var n *counter
		plain := len(g.codes) == 0 && g.shapes == nil
		rows := col.Rows()
		if plain && single >= 0 && g.m.mask == nil && col.float && !g.t.c.Numbers {
			from, to := col.From(r.from), col.From(r.to)
			if from < to {
				g.counterOf(ls, 0).addAll(single, col.Bits[from:to])
			}
			continue
		}
		for i := col.From(r.from); i < col.Len(); i++ {
			row := col.First() + i
			if rows != nil {
				row = int(rows[i])
			}
			if row >= r.to {
				break
			}
			if g.m.mask != nil && !g.m.mask.has(row) {
				continue
			}
			if single < 0 {
				if k < 0 {
					k = g.t.interval(g.times[row])
				}
				for g.times[row] > g.edges[k+1] {
					k++
				}
			}
			if n == nil || !plain {
				n = g.counterOf(ls, g.combo(row))
			}
			v := math.Float64frombits(col.Bits[i])
			if !col.float {
				v = float64(int64(col.Bits[i]))
			}
			g.t.add(n, k, v)
		}
	}
	return nil
}
