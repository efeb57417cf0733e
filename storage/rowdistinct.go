package storage

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"tidemark/storage/internal/colenc"
	"tidemark/storage/model"
)

// distinctSets counts the distinct values that rows have in a label or field,
// interval by interval, in a set of values each: dictionaries are read, not rows,
// as far as a group's rows are all wanted.
type distinctSets struct {
	c    *model.RowCounting
	sets []valueSet
	none []bool // a row without a value
}

func newDistinctSets(c *model.RowCounting) *distinctSets {
	n := len(c.Edges) - 1
	return &distinctSets{c: c, sets: make([]valueSet, n), none: make([]bool, n)}
}

// valueSet is a set of texts. Those that are 32 hexadecimal digits, ids of traces
// mostly, are kept as 16 bytes, parted by their hash into buckets that fit into a
// processor's cache; what comes is appended to its bucket, and from time to time
// a bucket is rid of what it has twice.
type valueSet struct {
	buckets [valueBuckets]valueBucket
	slots   []uint32 // scratch: index into a bucket's ids plus one
	texts   map[string]struct{}
}

type valueBucket struct {
	ids    [][2]uint64
	unique int // the first so many are different
}

const (
	valueBuckets = 64
	// looseValues is how many ids a bucket takes beside its unique ones, as many
	// again, before it is looked through.
	looseValues = 1 << 13
)

// add adds a text, given as the bytes of a buffer.
func (s *valueSet) add(text []byte) {
	if len(text) == 32 {
		var id [16]byte
		if hexID(&id, text) {
			s.addID(id[:])
			return
		}
	}
	if _, ok := s.texts[string(text)]; !ok {
		if s.texts == nil {
			s.texts = make(map[string]struct{})
		}
		s.texts[string(text)] = struct{}{}
	}
}

// hexID reads 32 lower-case hexadecimal digits.
func hexID(id *[16]byte, text []byte) bool {
	for i := range 32 {
		c := text[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		default:
			return false
		}
		id[i/2] = id[i/2]<<4 | c
	}
	return true
}

// addID adds 16 bytes.
func (s *valueSet) addID(b []byte) {
	s.addWords([2]uint64{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])})
}

func (s *valueSet) addWords(id [2]uint64) {
	b := &s.buckets[hashID(id)>>58]
	b.ids = append(b.ids, id)
	if len(b.ids) >= 2*b.unique+looseValues {
		s.settle(b)
	}
}

func hashID(id [2]uint64) uint64 {
	hi, lo := bits.Mul64(id[0]^0x9e3779b97f4a7c15, id[1]^0xe7037ed1a0b428db)
	return hi ^ lo
}

// settle leaves each id in a bucket once.
func (s *valueSet) settle(b *valueBucket) {
	if b.unique == len(b.ids) {
		return
	}
	size := 1 << bits.Len(uint(2*len(b.ids)))
	if len(s.slots) < size {
		s.slots = make([]uint32, size)
	}
	slots := s.slots[:size]
	clear(slots)
	mask := uint64(size - 1)
	n := 0
next:
	for _, id := range b.ids {
		at := hashID(id) & mask
		for slots[at] != 0 {
			if b.ids[slots[at]-1] == id {
				continue next
			}
			at = (at + 1) & mask
		}
		b.ids[n] = id // n never passes the one that is read
		n++
		slots[at] = uint32(n)
	}
	b.ids = b.ids[:n]
	b.unique = n
}

func (s *valueSet) merge(o *valueSet) {
	for i := range o.buckets {
		s.buckets[i].ids = append(s.buckets[i].ids, o.buckets[i].ids...)
		s.settle(&s.buckets[i])
	}
	for t := range o.texts {
		s.add([]byte(t))
	}
}

// size is about the number of texts, at least the number of different ones.
func (s *valueSet) size() (n int64) {
	for i := range s.buckets {
		n += int64(len(s.buckets[i].ids))
	}
	return n + int64(len(s.texts))
}

// len is the number of different texts.
func (s *valueSet) len() int64 {
	for i := range s.buckets {
		s.settle(&s.buckets[i])
	}
	return s.size()
}

// merge adds the values of other sets.
func (d *distinctSets) merge(o *distinctSets) {
	for k := range d.sets {
		d.sets[k].merge(&o.sets[k])
		d.none[k] = d.none[k] || o.none[k]
	}
}

// full reports whether the sets hold more than they may.
func (d *distinctSets) full() bool {
	if d.c.MaxCounters == 0 {
		return false
	}
	n := int64(0)
	for k := range d.sets {
		n += d.sets[k].size()
	}
	return n > d.c.MaxCounters
}

// result is the number of values in each interval; rows without one are one more.
func (d *distinctSets) result() *model.RowCount {
	rc := &model.RowCount{Rows: make([]int64, len(d.sets))}
	for k := range d.sets {
		rc.Rows[k] = d.sets[k].len()
		if d.none[k] {
			rc.Rows[k]++
		}
	}
	return rc
}

// put adds a value to an interval.
func (d *distinctSets) put(k int, text string) {
	if text == "" {
		d.none[k] = true
		return
	}
	d.sets[k].add([]byte(text))
}

// addRows adds the rows of a stream, given whole.
func (d *distinctSets) addRows(t *countTable, ls model.Labels, data *rowData) {
	name := d.c.By[0]
	label := ls.Get(name)
	for i, time := range data.times {
		v := label
		if c := data.columns[name]; v == "" && c != nil {
			v = c[i].String()
		}
		d.put(t.interval(time), v)
	}
}

// addGroup adds the rows wanted of a group.
func (d *distinctSets) addGroup(t *countTable, s *rowScan, c *rowCluster, m *groupMatch) error {
	name := d.c.By[0]
	g := m.g
	times, err := []int64(nil), error(nil)
	single := t.interval(max(g.Mint(), s.sel.Mint))
	if min(g.Maxt(), s.sel.Maxt) > d.c.Edges[single+1] {
		single = -1
		if times, err = g.Times(0, g.Rows(), nil); err != nil {
			return err
		}
	}
	interval := func(row int) int {
		if single >= 0 {
			return single
		}
		return t.interval(times[row])
	}
	// Rows whose stream has the label are done at once.
	var open []matchedRun
	rows := 0
	for i := range m.runs {
		r := &m.runs[i]
		ls, err := s.labelsOf(c.p, r.set)
		if err != nil {
			return err
		}
		v := ls.labels.Get(name)
		if v == "" {
			open = append(open, *r)
			rows += r.to - r.from
			continue
		}
		for _, row := range m.rowsOf(r) {
			d.put(interval(int(row)), v)
			if single >= 0 {
				break
			}
		}
	}
	if len(open) == 0 {
		return nil
	}
	whole := rows == g.Rows() && m.mask == nil && single >= 0 // every value counts
	wanted := newRowMask(g.Rows())
	for _, r := range open {
		wanted.setRange(r.from, r.to)
	}
	if m.mask != nil {
		wanted.and(m.mask)
	}
	cols, err := g.Fields(name)
	if err != nil {
		return err
	}
	var buf []byte
	for i := range cols {
		col := &cols[i]
		if col.Type != model.TypeText {
			for i, b := range col.Bits {
				if row := col.Row(i); wanted.has(row) {
					wanted.clear(row)
					d.put(interval(row), model.Value{Type: col.Type, Bits: b}.String())
				}
			}
			continue
		}
		texts := col.Texts
		entries, indexes, ok := texts.Dictionary()
		if whole && ok {
			if err := d.addAll(single, entries, nil); err != nil {
				return err
			}
			for i := range col.Len() {
				wanted.clear(col.Row(i))
			}
			continue
		}
		if ok && single >= 0 {
			used := newRowMask(entries.Len())
			for i := range col.Len() {
				if row := col.Row(i); wanted.has(row) {
					wanted.clear(row)
					at := 0
					if indexes != nil {
						at = int(indexes[i])
					}
					used.set(at)
				}
			}
			if err := d.addAll(single, entries, used); err != nil {
				return err
			}
			continue
		}
		for i := range col.Len() {
			row := col.Row(i)
			if !wanted.has(row) {
				continue
			}
			wanted.clear(row)
			if buf, err = texts.AppendAt(buf[:0], i); err != nil {
				return err
			}
			d.put(interval(row), byteString(buf))
		}
	}
	for _, row := range wanted.rows(nil, 0, g.Rows()) { // those without a value
		d.none[interval(int(row))] = true
	}
	return nil
}

// addAll adds the texts of a dictionary, of which used says which; nil means all.
func (d *distinctSets) addAll(k int, texts *colenc.TypedTexts, used rowMask) error {
	set := &d.sets[k]
	if raw, ok := texts.HexIDs(); ok {
		for i := range texts.Len() {
			if used == nil || used.has(i) {
				set.addID(raw[16*i : 16*i+16])
			}
		}
		return nil
	}
	var buf []byte
	var err error
	for i := range texts.Len() {
		if used != nil && !used.has(i) {
			continue
		}
		if buf, err = texts.AppendAt(buf[:0], i); err != nil {
			return err
		}
		d.put(k, byteString(buf))
	}
	return nil
}

// distinct reports whether the question is about the number of values of one
// label or field.
func distinct(c *model.RowCounting) bool {
	return c.Distinct && len(c.By) == 1 && !c.ByStream && !c.Shapes && !c.Bytes && c.Number == "" && !slices.Contains(c.Without, c.By[0])
}
