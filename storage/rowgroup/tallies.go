package rowgroup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"tidemark/storage/internal/colenc"
	"tidemark/storage/model"
)

// Tallies and totals say of each label set, without a row, what a field adds up
// to: optional columns of the directory, for a question about a whole group. A
// group has them where its label sets have many rows.
//
//	tallies  of a column of few distinct texts: how often each occurs
//	totals   of a field of numbers, integers or others or both, all finite: how
//	         many, their sum, the least and the greatest
//	bytes    of lines: their lengths added up, an integer for each run
//
// The payload of tallies is uvarint length of the field's name and the name;
// uvarint number of texts, 1 to maxTallied, and the texts; and integers, for each
// run one for each text. That of totals is the name likewise; integers, for each
// run the number of values; and four columns of floats: the sums, what their last
// bits have lost (Neumaier 1974), the least and the greatest values, 0 in each
// where a run has none.
const (
	maxTallied = 64
	// talliedRows and totalledRows are the rows of a group for each number of a
	// tally or of bytes, and for each label set of totals, at least: what they cost is then some
	// thousandths of the group.
	talliedRows  = 16
	totalledRows = 128
)

// Tally is how often the texts of a field occur in each run.
type Tally struct {
	Texts  []string
	counts []int64 // for each run one for each text
}

// Count returns how many rows of a run, by its index, have a text, by its index.
func (t *Tally) Count(run, text int) int64 { return t.counts[run*len(t.Texts)+text] }

// Total is what the numbers of a field in a run add up to.
type Total struct {
	Rows       int64 // that have a number
	Sum, Lost  float64
	Least, Max float64
}

// Add adds a number. Lost is what the last bits of the sum have lost.
func (t *Total) Add(v float64) {
	if t.Rows == 0 {
		t.Least, t.Max = v, v
	}
	t.Rows++
	t.Least, t.Max = min(t.Least, v), max(t.Max, v)
	sum := t.Sum + v
	if math.Abs(t.Sum) >= math.Abs(v) {
		t.Lost += t.Sum - sum + v
	} else {
		t.Lost += v - sum + t.Sum
	}
	t.Sum = sum
}

// Totals are the totals of a field, one for each run.
type Totals []Total

// appendExtras appends the payloads of tallies and totals, each with add.
func (b *Builder) appendExtras(payloads []byte, fields []*column, mode colenc.Mode, add func(payloads []byte, kind uint8)) []byte {
	if mode == colenc.Plain {
		return payloads
	}
	if len(b.times)/talliedRows >= len(b.runs) {
		payloads = mode.Ints(payloads, b.lineBytes())
		add(payloads, kindBytes)
	}
	for _, f := range fields {
		if len(f.rows) == 0 {
			continue
		}
		if f.Type == model.TypeText {
			if b.mixed(f) {
				continue
			}
			if tally, ok := b.tally(f); ok {
				payloads = appendName(payloads, f.Name)
				payloads = binary.AppendUvarint(payloads, uint64(len(tally.Texts)))
				payloads = mode.AppendTypedTexts(payloads, tally.Texts, nil)
				payloads = mode.Ints(payloads, tally.counts)
				add(payloads, kindTally)
			}
			continue
		}
		if !f.first() {
			continue // one for a name
		}
		if totals, ok := b.totals(f.name); ok {
			payloads = totals.append(appendName(payloads, f.Name), mode)
			add(payloads, kindTotals)
		}
	}
	return payloads
}

// lineBytes adds up the lengths of the lines of each run.
func (b *Builder) lineBytes() []int64 {
	out := make([]int64, len(b.runs))
	for i, r := range b.runs {
		out[i] = int64(b.lines.ends[r.First+r.Count-1] - b.lines.start(r.First))
	}
	return out
}

// LineBytes returns, for each run, the lengths of its lines added up; nil where
// the group does not say.
func (g *Group) LineBytes() ([]int64, error) {
	if g.bytes == nil {
		return nil, nil
	}
	p, err := g.bytes.open()
	if err != nil {
		return nil, fmt.Errorf("row group: bytes of lines: %w", err)
	}
	out, p, err := colenc.DecodeInts(p, len(g.runs), nil)
	if err == nil && len(p) > 0 {
		err = colenc.Corruptf("want no byte after them, got %d", len(p))
	}
	for i, n := range out {
		if err == nil && n < 0 {
			err = colenc.Corruptf("run %d: want at least 0, got %d", i, n)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("row group: bytes of lines: %w", err)
	}
	return out, nil
}

// mixed reports whether a field has values of several types.
func (b *Builder) mixed(f *column) bool {
	n := 0
	for _, c := range f.name.byType {
		if c != nil && len(c.rows) > 0 {
			n++
		}
	}
	return n > 1
}

// tally counts the texts of a column; ok is false where they are too many.
func (b *Builder) tally(f *column) (t *Tally, ok bool) {
	t = &Tally{}
	most := min(maxTallied, len(b.times)/talliedRows/len(b.runs))
	index := make(map[string]int)
	which := make([]uint8, len(f.rows))
	all := f.text.text()
	for i, end := range f.text.ends {
		s := all[f.text.start(i):end]
		at, known := index[s]
		if !known {
			if at = len(t.Texts); at == most {
				return nil, false
			}
			index[s] = at
			t.Texts = append(t.Texts, s)
		}
		which[i] = uint8(at)
	}
	t.counts = make([]int64, len(b.runs)*len(t.Texts))
	b.eachRun(f, func(run, from, to int) {
		for _, at := range which[from:to] {
			t.counts[run*len(t.Texts)+int(at)]++
		}
	})
	return t, true
}

// first reports whether the column is the first of its name.
func (c *column) first() bool {
	for _, o := range c.name.byType {
		if o != nil && len(o.rows) > 0 {
			return o == c
		}
	}
	return false
}

// totals adds up the numbers of a field, integers and others; ok is false where
// the group is not to have totals of it.
func (b *Builder) totals(nm *name) (ts Totals, ok bool) {
	if len(b.times)/totalledRows < len(b.runs) {
		return nil, false
	}
	ts = make(Totals, len(b.runs))
	ok = true
	for _, f := range nm.byType {
		if f == nil || len(f.rows) == 0 {
			continue
		}
		if f.Type != model.TypeFloat && f.Type != model.TypeInt {
			return nil, false
		}
		b.eachRun(f, func(run, from, to int) {
			for _, bits := range f.bits[from:to] {
				ts[run].Add(model.BitsToFloat(f.Type, bits))
			}
		})
	}
	for i := range ts {
		ok = ok && finite(ts[i].Least) && finite(ts[i].Max) && finite(ts[i].Sum)
	}
	return ts, ok
}

func finite(v float64) bool { return v-v == 0 }

// eachRun calls visit with the values [from, to) of a column that each run has.
func (b *Builder) eachRun(f *column, visit func(run, from, to int)) {
	i := 0
	for k, r := range b.runs {
		from := i
		for i < len(f.rows) && f.rows[i] < int64(r.First+r.Count) {
			i++
		}
		visit(k, from, i)
	}
}

func appendName(dst []byte, name string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(name))), name...)
}

func (ts Totals) append(dst []byte, mode colenc.Mode) []byte {
	rows := make([]int64, len(ts))
	for i := range ts {
		rows[i] = ts[i].Rows
	}
	dst = mode.Ints(dst, rows)
	bits := make([]uint64, len(ts))
	for _, get := range totalColumns {
		for i := range ts {
			bits[i] = math.Float64bits(*get(&ts[i]))
		}
		dst = mode.Floats(dst, bits)
	}
	return dst
}

// totalColumns are the columns of floats of totals, in order.
var totalColumns = [...]func(t *Total) *float64{
	func(t *Total) *float64 { return &t.Sum },
	func(t *Total) *float64 { return &t.Lost },
	func(t *Total) *float64 { return &t.Least },
	func(t *Total) *float64 { return &t.Max },
}

// extra returns the payload of a field's tallies or totals, behind its name; nil
// where there are none.
func (g *Group) extra(kind uint8, name string) ([]byte, error) {
	if len(g.named(name)) == 0 {
		return nil, nil
	}
	for i := range g.extras {
		e := &g.extras[i]
		if e.kind != kind {
			continue
		}
		p, err := e.open()
		if err != nil {
			return nil, err
		}
		n, p, err := colenc.ReadUvarint(p, "name of a tallied field", uint64(len(p)))
		if err != nil {
			return nil, err
		}
		field, p, err := colenc.ReadBytes(p, "name of a tallied field", n)
		if err != nil {
			return nil, err
		}
		if string(field) == name {
			return p, nil
		}
	}
	return nil, nil
}

// present returns the number of rows that have a field.
func (g *Group) present(name string) (rows int64) {
	for _, e := range g.named(name) {
		rows += int64(e.Present)
	}
	return rows
}

// Tally returns the tally of a field of texts; nil where the group has none.
func (g *Group) Tally(name string) (*Tally, error) {
	t, err := g.readTally(name)
	if err != nil {
		return nil, fmt.Errorf("row group: tally of %q: %w", name, err)
	}
	return t, nil
}

func (g *Group) readTally(name string) (*Tally, error) {
	p, err := g.extra(kindTally, name)
	if p == nil || err != nil {
		return nil, err
	}
	n, p, err := colenc.ReadUvarint(p, "tallied texts", maxTallied)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, colenc.Corruptf("tallied texts: want at least 1, got 0")
	}
	texts, p, err := colenc.OpenTypedTexts(p, int(n))
	if err != nil {
		return nil, err
	}
	t := &Tally{}
	if t.Texts, err = texts.Append(nil, 0, int(n)); err != nil {
		return nil, err
	}
	if uint64(len(g.runs))*n > uint64(g.rows) {
		return nil, colenc.Corruptf("tally: want at most a number a row, got %d for %d", uint64(len(g.runs))*n, g.rows)
	}
	if t.counts, p, err = colenc.DecodeInts(p, len(g.runs)*int(n), nil); err != nil {
		return nil, err
	}
	if len(p) > 0 {
		return nil, colenc.Corruptf("want no byte after the tally, got %d", len(p))
	}
	all := int64(0)
	for i, r := range g.runs {
		left := int64(r.Count)
		for _, c := range t.counts[i*int(n) : (i+1)*int(n)] {
			if c < 0 || c > left {
				return nil, colenc.Corruptf("tally of run %d: want 0 to %d, got %d", i, left, c)
			}
			left -= c
			all += c
		}
	}
	if want := g.present(name); all != want {
		return nil, colenc.Corruptf("tally: want %d in all, got %d", want, all)
	}
	return t, nil
}

// Totals returns the totals of a field that has only numbers; nil where the group has none.
func (g *Group) Totals(name string) (Totals, error) {
	ts, err := g.readTotals(name)
	if err != nil {
		return nil, fmt.Errorf("row group: totals of %q: %w", name, err)
	}
	return ts, nil
}

func (g *Group) readTotals(name string) (Totals, error) {
	p, err := g.extra(kindTotals, name)
	if p == nil || err != nil {
		return nil, err
	}
	rows, p, err := colenc.DecodeInts(p, len(g.runs), nil)
	if err != nil {
		return nil, err
	}
	ts := make(Totals, len(g.runs))
	all := int64(0)
	for i, n := range rows {
		if n < 0 || n > int64(g.runs[i].Count) {
			return nil, colenc.Corruptf("rows of run %d: want 0 to %d, got %d", i, g.runs[i].Count, n)
		}
		ts[i].Rows = n
		all += n
	}
	if want := g.present(name); all != want {
		return nil, colenc.Corruptf("rows: want %d in all, got %d", want, all)
	}
	var bits []uint64
	for _, at := range totalColumns {
		if bits, p, err = colenc.DecodeFloats(p, len(ts), bits[:0]); err != nil {
			return nil, err
		}
		for i, b := range bits {
			*at(&ts[i]) = math.Float64frombits(b)
		}
	}
	if len(p) > 0 {
		return nil, colenc.Corruptf("want no byte after the totals, got %d", len(p))
	}
	return ts, nil
}

// verifyExtras compares tallies and totals with what they were made from.
func (b *Builder) verifyExtras(g *Group) error {
	if bytes, err := g.LineBytes(); err != nil || bytes != nil && !slices.Equal(bytes, b.lineBytes()) {
		return errors.Join(err, colenc.Corruptf("bytes of lines: want those encoded"))
	}
	found := 0
	for _, f := range b.columns {
		if len(f.rows) == 0 {
			continue
		}
		if f.Type == model.TypeText {
			got, err := g.Tally(f.Name)
			if err != nil {
				return err
			}
			if got == nil {
				continue
			}
			found++
			want, ok := b.tally(f)
			if !ok || b.mixed(f) || !slices.Equal(got.Texts, want.Texts) || !slices.Equal(got.counts, want.counts) {
				return colenc.Corruptf("tally of %q: want the one encoded, got another", f.Name)
			}
			continue
		}
		if !f.first() {
			continue
		}
		got, err := g.Totals(f.Name)
		if err != nil {
			return err
		}
		if got == nil {
			continue
		}
		found++
		want, ok := b.totals(f.name)
		if !ok || len(got) != len(want) {
			return colenc.Corruptf("totals of %q: want none", f.Name)
		}
		for i := range want {
			if got[i] != want[i] {
				return colenc.Corruptf("total of %q in run %d: want %v, got %v", f.Name, i, want[i], got[i])
			}
		}
	}
	if found != len(g.extras) {
		return colenc.Corruptf("want %d tallies and totals of fields, got %d", found, len(g.extras))
	}
	return nil
}
