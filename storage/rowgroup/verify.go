package rowgroup

import (
	"fmt"
	"slices"

	"tidemark/storage/internal/colenc"
	"tidemark/storage/model"
)

// Verify decodes an encoded group and reports how it differs from what the
// builder holds, which it was made from: the error of an encoder, found before
// the rows are forgotten.
func (b *Builder) Verify(src []byte) error {
	if err := b.verify(src); err != nil {
		return fmt.Errorf("verify row group: %w", err)
	}
	return nil
}

func (b *Builder) verify(src []byte) error {
	g, err := Open(src)
	if err != nil {
		return err
	}
	if g.rows != len(b.times) || !slices.Equal(g.runs, b.runs) {
		return colenc.Corruptf("runs of label sets: want those encoded, got others")
	}
	if err := g.decodeTimes(); err != nil {
		return fmt.Errorf("times: %w", err)
	}
	if !slices.Equal(g.times.times, b.times) {
		return colenc.Corruptf("times: want those encoded, got others")
	}
	if err := g.lines.equalTexts(&b.lines); err != nil {
		return fmt.Errorf("lines: %w", err)
	}
	fields := 0
	for _, c := range b.columns {
		if len(c.rows) == 0 {
			continue
		}
		fields++
		found := false
		for _, e := range g.named(c.Name) {
			if e.Type != c.Type {
				continue
			}
			found = true
			if err := e.equal(c); err != nil {
				return fmt.Errorf("column %q of %s: %w", c.Name, c.Type, err)
			}
		}
		if !found {
			return colenc.Corruptf("column %q of %s: want it, got none", c.Name, c.Type)
		}
	}
	if fields != len(g.fields) {
		return colenc.Corruptf("want %d columns, got %d", fields, len(g.fields))
	}
	return nil
}

// equal compares a column with the one it was made from.
func (e *entry) equal(c *column) error {
	if err := e.decode(); err != nil {
		return err
	}
	if e.Present != len(c.rows) {
		return colenc.Corruptf("want %d values, got %d", len(c.rows), e.Present)
	}
	for i, row := range c.rows {
		if e.row(i) != int(row) {
			return colenc.Corruptf("value %d: want it in row %d, got row %d", i, row, e.row(i))
		}
	}
	if e.Type == model.TypeText {
		return e.equalTexts(&c.text)
	}
	// Of a bool only the lowest bit counts.
	mask := ^uint64(0)
	if e.Type == model.TypeBool {
		mask = 1
	}
	if !slices.EqualFunc(e.bits, c.bits, func(x, y uint64) bool { return x&mask == y&mask }) {
		return colenc.Corruptf("values: want those encoded, got others")
	}
	return nil
}

func (e *entry) equalTexts(a *arena) error {
	if !e.decoded() {
		if err := e.decode(); err != nil {
			return err
		}
	}
	texts, err := e.texts.Append(nil, 0, len(a.ends))
	if err != nil {
		return err
	}
	if !slices.Equal(texts, a.strings()) {
		return colenc.Corruptf("texts: want those encoded, got others")
	}
	return nil
}
