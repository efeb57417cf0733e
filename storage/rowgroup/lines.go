package rowgroup

import (
	"fmt"
	"slices"
	"unsafe"

	"tidemark/storage/shape"
)

// UseShapes gives a group shapes that were got from it before, so that they are
// not decoded again.
func (g *Group) UseShapes(s *Shapes) { g.known = s }

// Intern has the group's templates made by f, from a text that f must not keep.
func (g *Group) Intern(f func(text []byte) (*Template, error)) { g.intern = f }

func internNothing(text []byte) (*Template, error) { return NewTemplate(slices.Clone(text)) }

// Shapes returns the shapes of the group's lines. No line is decoded, except of
// a group that was written plainly.
func (g *Group) Shapes() (*Shapes, error) {
	if g.known != nil {
		return g.known, nil
	}
	if g.intern == nil {
		g.intern = internNothing
	}
	var err error
	if g.lines != nil {
		g.known, err = g.parsedShapes()
	} else {
		var src []byte
		if src, err = g.shapes.open(); err == nil {
			g.known, err = decodeShapes(src, g.rows, g.intern)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("row group: shapes: %w", err)
	}
	return g.known, nil
}

// parsedShapes parses lines that are stored as text.
func (g *Group) parsedShapes() (*Shapes, error) {
	lines, err := g.Lines(0, g.rows, nil)
	if err != nil {
		return nil, err
	}
	s := &Shapes{IDs: make([]uint16, len(lines))}
	index := make(map[string]int32)
	var p shape.Parsed
	for i, l := range lines {
		shape.Parse([]byte(l), &p)
		id, ok := index[string(p.Template)]
		if !ok {
			t, err := g.intern(p.Template)
			if err != nil {
				return nil, err
			}
			id = int32(len(s.Templates))
			s.Templates = append(s.Templates, t)
			s.counts = append(s.counts, 0)
			s.vars += len(t.Kinds)
			index[string(p.Template)] = id
		}
		s.IDs[i] = uint16(id)
		s.counts[id]++
	}
	return s, nil
}

// withVars decodes what variables need.
func (g *Group) withVars() (*shapeReader, error) {
	if g.reader != nil {
		return g.reader, nil
	}
	s, err := g.Shapes()
	if err != nil {
		return nil, err
	}
	src, err := g.vars.open()
	if err != nil {
		return nil, err
	}
	r := &shapeReader{Shapes: s}
	if err := r.decodeVars(src); err != nil {
		return nil, err
	}
	g.reader = r
	return r, nil
}

// withRanks decodes what lines need.
func (g *Group) withRanks() (*shapeReader, error) {
	r, err := g.withVars()
	if err == nil && r.ranks == nil {
		r.rank()
	}
	return r, err
}

// Lines appends the lines of rows [first, first+count) to dst. It decodes only
// the variables, or blocks of text, that these rows have.
func (g *Group) Lines(first, count int, dst []string) ([]string, error) {
	g.check(first, count)
	if g.lines != nil {
		out, err := g.lines.appendTexts(dst, first, count)
		if err != nil {
			return dst, fmt.Errorf("row group: lines: %w", err)
		}
		return out, nil
	}
	return g.someLines(count, func(i int) int { return first + i }, dst)
}

// LinesAt is Lines for some rows.
func (g *Group) LinesAt(rows []int32, dst []string) ([]string, error) {
	if g.lines == nil {
		return g.someLines(len(rows), func(i int) int { return int(rows[i]) }, dst)
	}
	out := dst
	for _, r := range rows {
		var err error
		g.check(int(r), 1)
		if out, err = g.lines.appendTexts(out, int(r), 1); err != nil {
			return dst, fmt.Errorf("row group: lines: %w", err)
		}
	}
	return out, nil
}

// someLines appends the lines of count rows; row says which.
func (g *Group) someLines(count int, row func(i int) int, dst []string) ([]string, error) {
	r, err := g.withRanks()
	if err != nil {
		return dst, fmt.Errorf("row group: lines: %w", err)
	}
	var text []byte
	ends := make([]int, count)
	for i := range count {
		if text, err = r.appendLine(text, row(i)); err != nil {
			return dst, fmt.Errorf("row group: line %d: %w", row(i), err)
		}
		ends[i] = len(text)
	}
	all := unsafe.String(unsafe.SliceData(text), len(text)) // nobody writes to it any more
	dst = slices.Grow(dst, count)
	from := 0
	for _, end := range ends {
		dst = append(dst, all[from:end])
		from = end
	}
	return dst, nil
}

// LineSizes returns the length of each row's line. No text is put together.
func (g *Group) LineSizes() ([]int32, error) {
	sizes, err := g.lineSizes()
	if err != nil {
		return nil, fmt.Errorf("row group: lengths of lines: %w", err)
	}
	return sizes, nil
}

func (g *Group) lineSizes() ([]int32, error) {
	out := make([]int32, g.rows)
	if g.lines != nil {
		if err := g.lines.decode(); err != nil {
			return nil, err
		}
		for i := range out {
			n, err := g.lines.texts.SizeAt(i)
			if err != nil {
				return nil, err
			}
			out[i] = int32(n)
		}
		return out, nil
	}
	r, err := g.withRanks()
	if err != nil {
		return nil, err
	}
	for row := range out {
		t := int(r.IDs[row])
		n := 0
		for k, text := range r.Templates[t].Constants {
			n += len(text)
			if k == 0 {
				continue
			}
			texts, base, err := r.column(t, k-1)
			if err != nil {
				return nil, err
			}
			size, err := texts.SizeAt(base + int(r.ranks[row]))
			if err != nil {
				return nil, err
			}
			n += size
		}
		out[row] = int32(n)
	}
	return out, nil
}
