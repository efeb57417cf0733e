package rowgroup

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"sort"

	"tidemark/storage/internal/colenc"
	"tidemark/storage/model"
)

// Group reads an encoded row group. It keeps what it has decoded of numbers and
// lengths, so that several questions decode once; hence it is not safe for
// concurrent use, but opening a second one is cheap. What it returns stays
// valid for good and does not refer to the encoded bytes.
type Group struct {
	counts
	checksum uint32
	runs     []Run
	times    *entry
	lines    *entry // or, in its place, shapes and vars
	shapes   *entry
	vars     *entry
	fields   []entry
	grams    *entry // filters, where there are
	values   []entry
	extras   []entry      // tallies and totals
	bytes    *entry       // of lines, by run
	columns  []ColumnInfo // of the fields

	parts  int // where the payloads lie apart
	load   func(i int) ([]byte, error)
	loaded map[int][]byte

	known  *Shapes // once decoded
	intern func(text []byte) (*Template, error)
	reader *shapeReader // once decoded
}

// Open checks the header, the directory of columns and their checksum, and
// returns a group that reads from src, which must not change while the
// group is in use. It decodes no column; each column's own checksum is verified
// when it is first decoded.
func Open(src []byte) (*Group, error) {
	g := new(Group)
	head, err := headOf(src)
	if err == nil {
		err = g.open(head, src[len(head):])
	}
	if err != nil {
		return nil, fmt.Errorf("open row group: %w", err)
	}
	return g, nil
}

// open reads the head; payloads is nil where they lie apart.
func (g *Group) open(head, payloads []byte) (err error) {
	g.checksum = binary.LittleEndian.Uint32(head)
	if got := crc32.Checksum(head[offVersion:], castagnoli); got != g.checksum {
		return colenc.Corruptf("checksum of the head: want %08x, got %08x", g.checksum, got)
	}
	g.counts, g.runs, err = readHead(head, payloads, func(e *entry, _ []byte) error {
		if payloads == nil {
			e.group, g.parts = g, e.part+1
		}
		switch e.kind {
		case kindTimes:
			return only(&g.times, e, model.TypeInt)
		case kindLines:
			return only(&g.lines, e, model.TypeText)
		case kindShapes:
			return only(&g.shapes, e, model.TypeText)
		case kindVars:
			return only(&g.vars, e, model.TypeText)
		case kindGrams:
			if e.Size > 0 {
				kept := *e
				g.grams = &kept
			}
		case kindValues:
			g.values = append(g.values, *e)
		case kindBytes:
			kept := *e
			g.bytes = &kept
		case kindTally, kindTotals:
			g.extras = append(g.extras, *e)
		case kindField:
			if n := len(g.fields); n > 0 && !g.fields[n-1].before(e) {
				return colenc.Corruptf("column %q of %s: want columns sorted by name and type", e.Name, e.Type)
			}
			g.fields = append(g.fields, *e)
			g.columns = append(g.columns, e.ColumnInfo)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if g.times == nil || (g.lines == nil) == (g.shapes == nil) || (g.shapes == nil) != (g.vars == nil) {
		return colenc.Corruptf("directory: want times, and lines or their shapes")
	}
	return nil
}

// only keeps e as the only column of its kind.
func only(into **entry, e *entry, t model.Type) error {
	if *into != nil || e.Type != t {
		return colenc.Corruptf("column of kind %d: want one, of type %s", e.kind, t)
	}
	kept := *e
	*into = &kept
	return nil
}

// Release gives the memory of what was decoded back, for other groups. What
// belongs to the group, such as the result of Fields and Slot, may not be used
// any more; the group may, and decodes again.
func (g *Group) Release() {
	for _, e := range []*entry{g.times, g.lines} {
		if e != nil {
			e.release()
		}
	}
	for i := range g.fields {
		g.fields[i].release()
	}
	if r := g.reader; r != nil {
		for _, slots := range r.slots {
			for i := range slots {
				if t := slots[i].texts; t != nil {
					t.Release()
				}
			}
		}
		r.pool.Release()
		g.reader = nil
	}
}

// Checksum returns the checksum of the head, which has those of all columns.
func (g *Group) Checksum() uint32 { return g.checksum }

// Rows returns the number of rows.
func (g *Group) Rows() int { return g.rows }

// Mint returns the earliest time of any row.
func (g *Group) Mint() int64 { return g.mint }

// Maxt returns the latest time of any row.
func (g *Group) Maxt() int64 { return g.maxt }

// Sets returns the runs of label sets, ascending by id and by first row. The
// slice belongs to the group.
func (g *Group) Sets() []Run { return g.runs }

// Columns returns the columns of fields, sorted by name and type. A name
// appears once per type its values have. The slice belongs to the group.
func (g *Group) Columns() []ColumnInfo { return g.columns }

// check panics on rows that the group does not have: an error of the program,
// as an index out of range is.
func (g *Group) check(first, count int) {
	if first < 0 || count < 0 || first > g.rows-count {
		panic(fmt.Sprintf("rowgroup: rows: want some of %d, got %d from %d on", g.rows, count, first))
	}
}

// Times appends the times of rows [first, first+count) to dst. After an error it
// returns dst as it was, as the other methods do; rows that the group does
// not have are an error of the program and panic, as in the other methods.
func (g *Group) Times(first, count int, dst []int64) ([]int64, error) {
	g.check(first, count)
	if g.times.times == nil {
		if err := g.decodeTimes(); err != nil {
			return dst, fmt.Errorf("row group: times: %w", err)
		}
	}
	return append(dst, g.times.times[first:first+count]...), nil
}

// decodeTimes decodes the times and checks them against the runs.
func (g *Group) decodeTimes() error {
	src, err := g.times.open()
	if err != nil {
		return err
	}
	times, rest, err := colenc.DecodeIntsFrom(src, g.mint, g.rows, colenc.Numbers(g.rows))
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return colenc.Corruptf("want no byte after them, got %d", len(rest))
	}
	for _, r := range g.runs {
		ts := times[r.First : r.First+r.Count]
		if ts[0] != r.Mint || ts[len(ts)-1] != r.Maxt {
			return colenc.Corruptf("of label set %d: want %d to %d, got %d to %d", r.ID, r.Mint, r.Maxt, ts[0], ts[len(ts)-1])
		}
		if !slices.IsSorted(ts) {
			return colenc.Corruptf("of label set %d: want them ascending", r.ID)
		}
	}
	g.times.times = times
	return nil
}

// named returns the columns of a field.
func (g *Group) named(name string) []entry {
	i := sort.Search(len(g.fields), func(i int) bool { return g.fields[i].Name >= name })
	k := i
	for k < len(g.fields) && g.fields[k].Name == name {
		k++
	}
	return g.fields[i:k]
}

// Has reports, from the directory alone, whether rows [first, first+count) may
// have a value of the field: false means that none has.
func (g *Group) Has(name string, first, count int) bool {
	g.check(first, count)
	for _, e := range g.named(name) {
		if e.First < first+count && e.Last >= first {
			return true
		}
	}
	return false
}

// Column appends the values of a field in rows [first, first+count) to dst, one
// per row, merged over the types the field has; TypeNone where a row lacks the
// field. A field that the group lacks is lacking in every row.
func (g *Group) Column(name string, first, count int, dst []model.Value) ([]model.Value, error) {
	g.check(first, count)
	out := slices.Grow(dst, count)[:len(dst)+count]
	vals := out[len(dst):]
	clear(vals)
	es := g.named(name)
	for i := range es {
		if err := es[i].values(first, vals); err != nil {
			return dst, fmt.Errorf("row group: column %q of %s: %w", name, es[i].Type, err)
		}
	}
	return out, nil
}
