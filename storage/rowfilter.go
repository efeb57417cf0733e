package storage

import (
	"slices"

	"tidemark/storage/internal/textmatch"
	"tidemark/storage/model"
	"tidemark/storage/rowgroup"
)

// rowFilter is a compiled filter of one call, with what it has learnt of
// templates. It is not safe for concurrent use.
type rowFilter struct {
	lines  []lineFilter
	fields []model.FieldFilter
}

type lineFilter struct {
	*textmatch.Filter
	verdicts []textmatch.Verdict // by template id
	known    []bool
}

func newRowFilter(f *model.RowFilter) *rowFilter {
	c := &rowFilter{fields: f.Fields}
	for i := range f.Lines {
		c.lines = append(c.lines, lineFilter{Filter: textmatch.New(&f.Lines[i])})
	}
	return c
}

// verdict decides on a template.
func (f *lineFilter) verdict(t *rowgroup.Template) textmatch.Verdict {
	if t.ID < len(f.known) && f.known[t.ID] {
		return f.verdicts[t.ID]
	}
	v := f.Verdict(&textmatch.Template{Constants: t.Constants, Kinds: t.Kinds})
	if t.ID > 0 {
		if n := t.ID + 1 - len(f.known); n > 0 {
			n += t.ID / 4
			f.known = append(f.known, make([]bool, n)...)
			f.verdicts = append(f.verdicts, make([]textmatch.Verdict, n)...)
		}
		f.known[t.ID], f.verdicts[t.ID] = true, v
	}
	return v
}

// keepsAll reports whether there is nothing to filter by.
func (f *rowFilter) keepsAll() bool { return len(f.lines) == 0 && len(f.fields) == 0 }

// streamFilter is the filter for the rows of one stream.
type streamFilter struct {
	f      *rowFilter
	fields []*model.FieldFilter // that its labels do not decide
	drops  bool                 // its labels decide: no row is kept
	// undecided is set where a label cannot be decided on, or a row was kept
	// because its field could not.
	undecided bool
}

// of returns the filter for the rows of a stream.
func (f *rowFilter) of(ls model.Labels) *streamFilter {
	s := &streamFilter{f: f}
	for i := range f.fields {
		ff := &f.fields[i]
		v := ls.Get(ff.Name)
		if v == "" {
			s.fields = append(s.fields, ff)
			continue
		}
		switch ff.Decide(model.Text(v)) {
		case model.Drop:
			s.drops = true
		case model.Undecided:
			s.undecided = true
		}
	}
	return s
}

// keep reports whether a row is kept.
func (s *streamFilter) keep(line string, field func(name string) model.Value) bool {
	if s.drops {
		return false
	}
	undecided := false
	for _, ff := range s.fields {
		switch ff.Decide(field(ff.Name)) {
		case model.Drop:
			return false
		case model.Undecided:
			undecided = true
		}
	}
	for i := range s.f.lines {
		if !s.f.lines[i].Keep(line) {
			return false
		}
	}
	s.undecided = s.undecided || undecided
	return true
}

// rows keeps those rows of d, which has all columns and lines, that satisfy
// the filter, and of them what a selection asked for.
func (f *rowFilter) rows(ls model.Labels, d *rowData, sel *model.RowSelection) (_ *rowData, undecided bool) {
	s := f.of(ls)
	n := 0
	for i := range d.times {
		if !s.keep(d.lines[i], func(name string) (v model.Value) {
			if c := d.columns[name]; c != nil {
				v = c[i]
			}
			return v
		}) {
			continue
		}
		d.times[n], d.lines[n] = d.times[i], d.lines[i]
		for _, c := range d.columns {
			c[n] = c[i]
		}
		n++
	}
	d.times, d.lines = d.times[:n], d.lines[:n]
	for name, c := range d.columns {
		d.columns[name] = c[:n]
		if !sel.AllFields && !slices.Contains(sel.Fields, name) { // a state has no metadata
			delete(d.columns, name)
		}
	}
	if sel.NoLine {
		d.lines = nil
	}
	return d, s.undecided
}
