package rowgroup

import (
	"fmt"

	"tidemark/storage/internal/colenc"
	"tidemark/storage/model"
)

// FieldColumn is a decoded column of a field: its values, in the order of the
// rows that have one.
type FieldColumn struct {
	Type model.Type
	// Bits are the values of a numeric column, as in model.Value.
	Bits []uint64
	// Texts are those of a column of texts.
	Texts *colenc.TypedTexts

	e *entry
}

// Len returns the number of values.
func (c *FieldColumn) Len() int { return c.e.Present }

// Rows returns the row of each value; nil means that value i is of row
// First() + i.
func (c *FieldColumn) Rows() []int64 { return c.e.present }

// First returns the first row that has a value.
func (c *FieldColumn) First() int { return c.e.First }

// Row returns the row of value i.
func (c *FieldColumn) Row(i int) int { return c.e.row(i) }

// From returns the index of the first value in a row not before row.
func (c *FieldColumn) From(row int) int { return c.e.index(row) }

// Fields returns the columns of a field, one for each type that its values
// have, each row in one of them at most. They belong to the group.
func (g *Group) Fields(name string) ([]FieldColumn, error) {
	var out []FieldColumn
	es := g.named(name)
	for i := range es {
		e := &es[i]
		if !e.decoded() {
			if err := e.decode(); err != nil {
				return nil, fmt.Errorf("row group: column %q of %s: %w", name, e.Type, err)
			}
		}
		out = append(out, FieldColumn{Type: e.Type, Bits: e.bits, Texts: e.texts, e: e})
	}
	return out, nil
}

// ColumnAt is Column for some rows, ascending.
func (g *Group) ColumnAt(name string, rows []int32, dst []model.Value) ([]model.Value, error) {
	start := len(dst)
	dst = append(dst, make([]model.Value, len(rows))...)
	vals := dst[start:]
	cols, err := g.Fields(name)
	if err != nil {
		return dst[:start], err
	}
	var buf []byte
	for k := range cols {
		c := &cols[k]
		for i, r := range rows {
			row := int(r)
			if row < c.e.First || row > c.e.Last {
				continue
			}
			at := c.e.index(row)
			if at == c.e.Present || c.e.row(at) != row {
				continue
			}
			if c.Type != model.TypeText {
				vals[i] = model.Value{Type: c.Type, Bits: c.Bits[at]}
				continue
			}
			if buf, err = c.Texts.AppendAt(buf[:0], at); err != nil {
				return dst[:start], fmt.Errorf("row group: column %q of %s: %w", name, c.Type, err)
			}
			vals[i] = model.Text(string(buf))
		}
	}
	return dst, nil
}

// Shaped reports whether the group's lines are stored as shapes: only then may
// Slot be asked for.
func (g *Group) Shaped() bool { return g.lines == nil }

// Slot returns the variables of one placeholder of a template: the one of the
// template's i-th row is text base+i.
func (g *Group) Slot(t, k int) (texts *colenc.TypedTexts, base int, err error) {
	r, err := g.withVars()
	if err == nil {
		texts, base, err = r.column(t, k)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("row group: variable %d of template %d: %w", k, t, err)
	}
	return texts, base, nil
}
