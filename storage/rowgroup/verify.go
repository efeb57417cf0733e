package rowgroup

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"tidemark/storage/internal/colenc"
	"tidemark/storage/internal/textmatch"
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
	if err := g.equalLines(&b.lines); err != nil {
		return fmt.Errorf("lines: %w", err)
	}
	if err := b.verifyFilters(g); err != nil {
		return fmt.Errorf("filters: %w", err)
	}
	if err := b.verifyExtras(g); err != nil {
		return err
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
	return e.texts.Equal(a.bytes, a.ends)
}

// equalLines compares the lines with those they were made from.
func (g *Group) equalLines(a *arena) error {
	if g.lines != nil {
		return g.lines.equalTexts(a)
	}
	r, err := g.withRanks()
	if err != nil {
		return err
	}
	var line []byte
	from := 0
	for i, end := range a.ends {
		if line, err = r.appendLine(line[:0], i); err != nil {
			return err
		}
		if !bytes.Equal(line, a.bytes[from:end]) {
			return colenc.Corruptf("line %d: want the one encoded, got another", i)
		}
		from = end
	}
	return nil
}

// verifyFilters checks that the filters admit everything that is there.
func (b *Builder) verifyFilters(g *Group) error {
	if g.grams != nil {
		all := b.lines.text()
		for t, kinds := range b.shapes.kinds {
			for k, kind := range kinds {
				if !textmatch.Open(kind) {
					continue
				}
				last := ""
				for _, r := range b.shapes.rows[t] {
					v := b.shapes.vars[b.shapes.first[r]+uint32(k)]
					text := all[v.from:v.to]
					if text == last {
						continue
					}
					last = text
					if ok, err := g.MayContain(text); err != nil || !ok {
						return errors.Join(err, colenc.Corruptf("grams: want those of %q", text))
					}
				}
			}
		}
	}
	for i := range g.values {
		name, b0, err := valueFilter(&g.values[i])
		if err != nil {
			return err
		}
		nm := b.names[name]
		if nm == nil || nm.byType[model.TypeText] == nil {
			return colenc.Corruptf("values of %q: want no such filter", name)
		}
		last := ""
		for _, s := range nm.byType[model.TypeText].text.strings() {
			if s != last && !b0.has(hashValue([]byte(s)), valueProbes) {
				return colenc.Corruptf("values of %q: want %q", name, s)
			}
			last = s
		}
	}
	return nil
}
