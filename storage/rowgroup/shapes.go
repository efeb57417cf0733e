package rowgroup

import (
	"encoding/binary"
	"slices"
	"unsafe"

	"tidemark/storage/internal/colenc"
	"tidemark/storage/shape"
)

// Lines are stored as shapes: the column of kindShapes has the distinct
// templates and which one each row has, the column of kindVars what stands in
// their places. A query that asks which kinds of lines there are reads the
// first alone.

// minSlotRows is the number of rows from which on a template's variables are
// columns of their own; those of rarer templates go to the pool, because a
// column has its price.
const minSlotRows = 24

// minSlotBytes is the size of text, of one variable over all its rows, below
// which it is better off in the pool unless it has a form of its own.
const minSlotBytes = 512

// shaped is the lines of a group, parsed.
type shaped struct {
	templates [][]byte
	kinds     [][]shape.Kind
	index     map[string]int32
	ids       []int64   // template of each row
	rows      [][]int32 // of each template
	first     []uint32  // where the variables of each row begin
	vars      []varText

	parsed shape.Parsed
	grams  gramSet
}

// varText is a variable's place in the lines' bytes.
type varText struct{ from, to uint32 }

func (s *shaped) reset() {
	s.templates, s.kinds, s.ids, s.rows, s.first, s.vars = s.templates[:0], s.kinds[:0], s.ids[:0], s.rows[:0], s.first[:0], s.vars[:0]
	if s.index == nil {
		s.index = make(map[string]int32)
	}
	clear(s.index)
}

// parse parses every line.
func (s *shaped) parse(lines *arena) {
	s.reset()
	from := 0
	for i, end := range lines.ends {
		line := lines.bytes[from:end]
		shape.Parse(line, &s.parsed)
		id, ok := s.index[string(s.parsed.Template)]
		if !ok {
			id = int32(len(s.templates))
			t := slices.Clone(s.parsed.Template)
			s.templates = append(s.templates, t)
			s.index[string(t)] = id
			if len(s.rows) < cap(s.rows) {
				s.rows = s.rows[:id+1]
				s.rows[id] = s.rows[id][:0]
			} else {
				s.rows = append(s.rows, nil)
			}
			kinds := make([]shape.Kind, len(s.parsed.Vars))
			for k := range s.parsed.Vars {
				kinds[k] = s.parsed.Vars[k].Kind
			}
			s.kinds = append(s.kinds, kinds)
		}
		s.ids = append(s.ids, int64(id))
		s.rows[id] = append(s.rows[id], int32(i))
		s.first = append(s.first, uint32(len(s.vars)))
		for k := range s.parsed.Vars {
			// A variable is a slice of the line, and so its place follows from
			// where it lies in memory.
			v := s.parsed.Vars[k].Text
			at := from + int(uintptr(unsafe.Pointer(unsafe.SliceData(v)))-uintptr(unsafe.Pointer(unsafe.SliceData(line))))
			s.vars = append(s.vars, varText{uint32(at), uint32(at + len(v))})
		}
		from = end
	}
}

// appendShapes appends the payload of kindShapes:
//
//	templates   uvarint count, texts
//	ids         integers, one a row, absent where there is one template
func (s *shaped) appendShapes(dst []byte, mode colenc.Mode) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s.templates)))
	texts := make([]string, len(s.templates))
	for i, t := range s.templates {
		texts[i] = string(t)
	}
	dst = mode.AppendTypedTexts(dst, texts, nil)
	if len(s.templates) > 1 {
		dst = mode.Ints(dst, s.ids)
	}
	return dst
}

// appendVars appends the payload of kindVars. A slot is one placeholder of one
// template; slots are in the order of the templates.
//
//	sizes     of each slot: uvarint bytes of its column, 0 where it is in the pool
//	columns   texts, one a row of the template
//	pool      texts of the other slots, slot by slot
func (s *shaped) appendVars(dst []byte, lines *arena, mode colenc.Mode) []byte {
	all := lines.text()
	var columns []byte
	var vals, pool []string
	for t := range s.templates {
		rows := s.rows[t]
		for k := range s.kinds[t] {
			vals = vals[:0]
			size := 0
			for _, r := range rows {
				v := s.vars[s.first[r]+uint32(k)]
				vals = append(vals, all[v.from:v.to])
				size += int(v.to - v.from)
			}
			if len(rows) < minSlotRows || size < minSlotBytes && !formed(s.kinds[t][k]) {
				pool = append(pool, vals...)
				dst = append(dst, 0)
				continue
			}
			before := len(columns)
			columns = mode.AppendTypedTexts(columns, vals, nil)
			dst = binary.AppendUvarint(dst, uint64(len(columns)-before))
		}
	}
	dst = append(dst, columns...)
	return mode.AppendTypedTexts(dst, pool, nil)
}

// formed reports whether values of the kind have a form of their own.
func formed(k shape.Kind) bool {
	switch k {
	case shape.Int, shape.Dec, shape.Digits, shape.HexLower, shape.HexUpper, shape.UUID, shape.IPv4:
		return true
	}
	return false
}

// Shapes is the templates of a group's lines and which of them each row has. It
// is immutable, may be shared by goroutines, and does not refer to the group's
// bytes: a store may keep it for the next call.
type Shapes struct {
	Templates []*Template
	IDs       []uint16 // template of each row: no group has more than MaxRows
	counts    []int32  // rows of each template
	vars      int      // placeholders of all templates
}

// Template is a template taken apart. A store may share equal ones among groups.
type Template struct {
	Text []byte
	// ID is a small number that who shares templates gives them; 0 means none.
	ID int
	// Constants are the texts around the placeholders, one more than those.
	Constants [][]byte
	Kinds     []shape.Kind
}

// NewTemplate takes a template apart; the error is that of package shape.
func NewTemplate(text []byte) (*Template, error) {
	kinds, err := shape.Kinds(nil, text)
	if err != nil {
		return nil, err
	}
	return &Template{Text: text, Kinds: kinds, Constants: constants(text, len(kinds))}, nil
}

// Count returns the number of rows that have template t.
func (s *Shapes) Count(t int) int { return int(s.counts[t]) }

// Size is about the bytes that the shapes take in memory, but for the
// templates.
func (s *Shapes) Size() int { return 2*len(s.IDs) + 12*len(s.Templates) }

// shapeReader reads lines that are stored as shapes.
type shapeReader struct {
	*Shapes
	ranks []int32 // of each row among those of its template
	slots [][]slot
	pool  *colenc.TypedTexts
}

// slot is the column of one placeholder.
type slot struct {
	src   []byte // nil where in the pool
	base  int    // index of its first text in the pool
	texts *colenc.TypedTexts
}

// decodeShapes decodes the payload of kindShapes; intern makes a template of
// its text, which it may keep.
func decodeShapes(src []byte, rows int, intern func(text []byte) (*Template, error)) (*Shapes, error) {
	count, src, err := colenc.ReadUvarint(src, "templates", uint64(rows))
	if err != nil {
		return nil, err
	}
	if count == 0 {
		return nil, colenc.Corruptf("templates: want at least 1, got 0")
	}
	texts, src, err := colenc.OpenTypedTexts(src, int(count))
	if err != nil {
		return nil, err
	}
	s := &Shapes{Templates: make([]*Template, count), IDs: make([]uint16, rows), counts: make([]int32, count)}
	var buf []byte
	for i := range s.Templates {
		if buf, err = texts.AppendAt(buf[:0], i); err != nil {
			return nil, err
		}
		if s.Templates[i], err = intern(buf); err != nil {
			return nil, colenc.Corruptf("template %d: %v", i, err)
		}
		if s.vars += len(s.Templates[i].Kinds); s.vars > MaxValues {
			return nil, colenc.Corruptf("variables of all templates: want at most %d, got more", MaxValues)
		}
	}
	if count == 1 {
		s.counts[0] = int32(rows)
	} else {
		var ids []int64
		if ids, src, err = colenc.DecodeInts(src, rows, colenc.Numbers(rows)); err != nil {
			return nil, err
		}
		for i, id := range ids {
			if uint64(id) >= count {
				return nil, colenc.Corruptf("template of row %d: want below %d, got %d", i, count, id)
			}
			s.IDs[i] = uint16(id)
			s.counts[id]++
		}
		colenc.Recycle(ids)
	}
	if len(src) > 0 {
		return nil, colenc.Corruptf("want no byte after the templates, got %d", len(src))
	}
	return s, nil
}

// decodeVars finds the slots in the payload of kindVars.
func (r *shapeReader) decodeVars(src []byte) error {
	sizes, total := make([]uint64, 0, r.vars), uint64(0)
	pooled := 0
	all := make([]slot, r.vars)
	r.slots = make([][]slot, len(r.Templates))
	for t := range r.slots {
		n := len(r.Templates[t].Kinds)
		r.slots[t], all = all[:n:n], all[n:]
		for range r.slots[t] {
			size, rest, err := colenc.ReadUvarint(src, "size of a variable's column", uint64(len(src)))
			if err != nil {
				return err
			}
			src = rest
			sizes = append(sizes, size)
			total += size
		}
	}
	if total > uint64(len(src)) {
		return colenc.Corruptf("columns of variables: want %d bytes, got %d", total, len(src))
	}
	i := 0
	for t := range r.slots {
		for k := range r.slots[t] {
			s := &r.slots[t][k]
			if sizes[i] == 0 {
				s.base = pooled
				pooled += int(r.counts[t])
			} else {
				s.src, src = src[:sizes[i]:sizes[i]], src[sizes[i]:]
			}
			i++
		}
	}
	if pooled > MaxValues {
		return colenc.Corruptf("pooled variables: want at most %d, got %d", MaxValues, pooled)
	}
	pool, rest, err := colenc.OpenTypedTexts(src, pooled)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return colenc.Corruptf("want no byte after the variables, got %d", len(rest))
	}
	r.pool = pool
	return nil
}

// rank computes the ranks.
func (r *shapeReader) rank() {
	r.ranks = make([]int32, len(r.IDs))
	next := make([]int32, len(r.Templates))
	for i, id := range r.IDs {
		r.ranks[i] = next[id]
		next[id]++
	}
}

// column returns the texts of a slot: value i is text base+i.
func (r *shapeReader) column(t, k int) (texts *colenc.TypedTexts, base int, err error) {
	s := &r.slots[t][k]
	if s.src == nil {
		return r.pool, s.base, nil
	}
	if s.texts == nil {
		texts, rest, err := colenc.OpenTypedTexts(s.src, int(r.counts[t]))
		if err != nil {
			return nil, 0, err
		}
		if len(rest) > 0 {
			return nil, 0, colenc.Corruptf("variable %d of template %d: want no byte after it, got %d", k, t, len(rest))
		}
		s.texts = texts
	}
	return s.texts, 0, nil
}

// constants returns the constant texts around the slots of a template that is
// known to be well formed.
func constants(template []byte, slots int) [][]byte {
	out := make([][]byte, 0, slots+1)
	text := make([]byte, 0, len(template))
	from := 0
	for i := 0; i < len(template); i++ {
		if template[i] != shape.Mark {
			text = append(text, template[i])
			continue
		}
		i++
		if template[i] == shape.MarkLiteral {
			text = append(text, shape.Mark)
			continue
		}
		out = append(out, text[from:len(text):len(text)])
		from = len(text)
	}
	return append(out, text[from:])
}

// appendLine appends the line of a row. Ranks must have been computed.
func (r *shapeReader) appendLine(dst []byte, row int) ([]byte, error) {
	t := int(r.IDs[row])
	for k, text := range r.Templates[t].Constants {
		if k > 0 {
			texts, base, err := r.column(t, k-1)
			if err != nil {
				return dst, err
			}
			if dst, err = texts.AppendAt(dst, base+int(r.ranks[row])); err != nil {
				return dst, err
			}
		}
		dst = append(dst, text...)
	}
	return dst, nil
}
