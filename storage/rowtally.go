package storage

import (
	"strconv"
	"strings"

	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/rowgroup"
)

// countTallied counts the rows of a group by what its tallies and totals say,
// label set by label set: no row is looked at. It can where all rows of the group
// count in one interval and the question, filters included, is about labels, and
// about one field of few texts, the sums of one of numbers, or the bytes of lines.
// ok is false where it has done nothing.
func (t *countTable) countTallied(s *rowScan, c *rowCluster, ref *groupRef) (ok bool, err error) {
	q := t.c
	if len(s.v.tombstones) > 0 || len(s.filter.lines) > 0 || q.Shapes || q.Numbers || t.values != nil || ref.Mint < s.sel.Mint || ref.Maxt > s.sel.Maxt {
		return false, nil
	}
	k := t.interval(ref.Mint)
	if ref.Maxt > q.Edges[k+1] {
		return false, nil
	}
	g, err := s.groups.open(ref)
	if err != nil {
		return false, err
	}
	for _, name := range q.Without {
		if g.Has(name, 0, g.Rows()) {
			return false, nil
		}
	}
	n := &t.tallies
	n.t, n.s = t, s
	if ok, err := n.start(c, g); !ok || err != nil {
		return false, err
	}
	for i, run := range g.Sets() {
		if c.sets.Has(run.ID) {
			if ok, err := n.run(g, i, n.kinds[n.ofSet[run.ID]]); !ok || err != nil {
				return false, err
			}
		}
	}
	for _, a := range n.adds {
		if n.totals != nil {
			a.to.addTotal(k, &n.totals[a.run])
			continue
		}
		a.to.Rows[k] += a.rows
		if n.bytes != nil {
			a.to.Bytes[k] += n.bytes[a.run]
		}
	}
	return true, nil
}

// tallyCount counts groups one by one. Label sets that the question cannot tell
// apart are of one kind, and what it makes of their rows is found out once for
// each text of the field.
type tallyCount struct {
	t     *countTable
	s     *rowScan
	p     keys.Partition
	ofSet map[uint32]int // of the partition: index into kinds
	index map[string]int
	kinds []*tallyKind

	// Of the group at hand.
	tally  *rowgroup.Tally
	of     string // the field of the tally
	totals rowgroup.Totals
	bytes  []int64
	adds   []tallyAdd // made once nothing can go wrong any more
}

// tallyKind is label sets of one kind.
type tallyKind struct {
	labels model.Labels // of one of them
	field  string       // the field that the question is about; "" where labels tell all
	fates  []tallyFate  // of the group at hand: of rows without the field, then by text
}

// tallyFate is what becomes of rows: they are counted, or left out.
type tallyFate struct {
	known bool
	to    *counter // nil where they are left out
}

// tallyAdd is rows of a run to be added to a counter.
type tallyAdd struct {
	to   *counter
	rows int64
	run  int
}

// names are the labels or fields that a question is about.
func (n *tallyCount) names(visit func(name string)) {
	for _, name := range n.t.c.By {
		visit(name)
	}
	for i := range n.s.filter.fields {
		visit(n.s.filter.fields[i].Name)
	}
}

// start prepares for a group: it finds the kind of each label set.
func (n *tallyCount) start(c *rowCluster, g *rowgroup.Group) (ok bool, err error) {
	if n.ofSet == nil || n.p != c.p {
		n.p, n.ofSet, n.index, n.kinds = c.p, make(map[uint32]int), make(map[string]int), nil
	}
	n.adds, n.tally, n.of, n.totals, n.bytes = n.adds[:0], nil, "", nil, nil
	fields := make(map[string]bool) // of those in question, which the group has
	n.names(func(name string) { fields[name] = g.Has(name, 0, g.Rows()) })
	number := n.t.c.Number
	if number != "" {
		if n.totals, err = g.Totals(number); err != nil || n.totals == nil {
			return false, err
		}
	}
	if n.t.c.Bytes {
		if n.bytes, err = g.LineBytes(); err != nil || n.bytes == nil {
			return false, err
		}
	}
	for _, run := range g.Sets() {
		if !c.sets.Has(run.ID) {
			continue
		}
		if _, known := n.ofSet[run.ID]; known {
			continue
		}
		ls, err := n.s.labelsOf(c.p, run.ID)
		if err != nil {
			return false, err
		}
		if number != "" && ls.labels.Get(number) != "" {
			return false, nil
		}
		key := ls.key
		if !n.t.c.ByStream {
			var b strings.Builder
			n.names(func(name string) {
				v := ls.labels.Get(name)
				b.WriteString(strconv.Itoa(len(v)) + ":" + v)
			})
			key = b.String()
		}
		at, known := n.index[key]
		if !known {
			at = len(n.kinds)
			n.index[key] = at
			n.kinds = append(n.kinds, &tallyKind{labels: ls.labels})
		}
		n.ofSet[run.ID] = at
	}
	for _, k := range n.kinds {
		k.fates = k.fates[:0]
		k.field = ""
		several := false
		n.names(func(name string) {
			if fields[name] && k.labels.Get(name) == "" && name != k.field {
				several = several || k.field != ""
				k.field = name
			}
		})
		if several || (number != "" || n.t.c.Bytes) && k.field != "" {
			return false, nil
		}
		if k.field == "" || n.of == k.field {
			continue
		}
		if n.of != "" {
			return false, nil
		}
		n.of = k.field
		if n.tally, err = g.Tally(n.of); err != nil || n.tally == nil {
			return false, err
		}
	}
	return true, nil
}

// run counts a run; ok is false where a filter cannot decide on its rows.
func (n *tallyCount) run(g *rowgroup.Group, run int, k *tallyKind) (ok bool, err error) {
	if len(k.fates) == 0 {
		texts := 1
		if k.field != "" {
			texts += len(n.tally.Texts)
		}
		for range texts {
			k.fates = append(k.fates, tallyFate{})
		}
	}
	rest := int64(g.Sets()[run].Count)
	for i := 1; i < len(k.fates); i++ {
		rows := n.tally.Count(run, i-1)
		rest -= rows
		if !n.add(k, i, run, rows) {
			return false, nil
		}
	}
	return n.add(k, 0, run, rest), nil
}

// add counts rows of a run that have a text in the field of their kind, or none
// where i is 0; it reports false where a filter cannot decide on them.
func (n *tallyCount) add(k *tallyKind, i, run int, rows int64) bool {
	if rows == 0 || n.totals != nil && n.totals[run].Rows == 0 {
		return true
	}
	f := &k.fates[i]
	if !f.known {
		value := func(name string) model.Value {
			if i > 0 && name == k.field {
				return model.Text(n.tally.Texts[i-1])
			}
			return model.Value{}
		}
		*f = tallyFate{known: true}
		keep := true
		for c := range n.s.filter.fields {
			ff := &n.s.filter.fields[c]
			at := value(ff.Name)
			if label := k.labels.Get(ff.Name); label != "" {
				at = model.Text(label)
			}
			switch ff.Decide(at) {
			case model.Drop:
				keep = false
			case model.Undecided:
				return false
			}
		}
		if keep {
			f.to = n.t.counter(n.t.group(k.labels, value), nil)
		}
	}
	if f.to != nil {
		n.adds = append(n.adds, tallyAdd{f.to, rows, run})
	}
	return true
}

// addTotal adds the numbers of many rows to interval k.
func (n *counter) addTotal(k int, t *rowgroup.Total) {
	n.widen(k, t.Least, t.Max)
	n.Rows[k] += t.Rows
	n.plus(k, t.Sum)
	if t.Lost != 0 {
		n.plus(k, t.Lost)
	}
}

// widen makes the least and greatest number of interval k cover others. A number
// takes the place of one that is not a number.
func (n *counter) widen(k int, least, greatest float64) {
	if n.Rows[k] == 0 {
		n.Mins[k], n.Maxs[k] = least, greatest
		return
	}
	if least < n.Mins[k] || n.Mins[k] != n.Mins[k] {
		n.Mins[k] = least
	}
	if greatest > n.Maxs[k] || n.Maxs[k] != n.Maxs[k] {
		n.Maxs[k] = greatest
	}
}
