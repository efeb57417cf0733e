package logpipe

import (
	"slices"

	"tidemark/query/ast"
	"tidemark/storage/model"
)

// Labels that mark a row with an error, and the one that names its level.
const (
	ErrorLabel        = "__error__"
	ErrorDetailsLabel = "__error_details__"
	LevelLabel        = "detected_level"
)

// Values of ErrorLabel.
const (
	ErrJSON    = "JSONParserErr"
	ErrLogfmt  = "LogfmtParserErr"
	ErrFilter  = "LabelFilterErr"
	ErrExtract = "SampleExtractionErr"
	ErrFormat  = "TemplateFormatErr"
)

// Options say what the query around a pipeline does with its rows.
type Options struct {
	// Named are labels that the query names outside of the pipeline; fields
	// of these names join the labels.
	Named []string
	// Only, where Grouped is set, are the only labels that matter of the
	// outcome: all others are left out, and parsers need not extract them.
	Only    []string
	Grouped bool
	// Values are labels and fields whose values every row is asked for beside
	// its labels, with their types; see Row.Values.
	Values []string
	// Loki asks for what its documentation does not say; see loki.go.
	Loki bool
}

// Pipeline is a compiled pipeline. It is immutable and may be shared.
type Pipeline struct {
	stages []stage
	// fields are the row fields that may join the labels, sorted.
	fields []string
	// silent are those of fields that only unwrap reads.
	silent map[string]bool
	// level says that the query names the level that is detected.
	level  bool
	unwrap *ast.Unwrap
	opts   Options
	// wanted, where not nil, are the labels that a parser should extract.
	wanted map[string]bool
	// keepErrors says that rows that a parser could not read belong into the
	// answer as such.
	keepErrors bool
	// meta says that all structured metadata matters, not only that of fields.
	meta bool
	noop bool
	// early are filters of labels that parsers apply; see loki.go.
	early map[string]stage
}

// stage is one step. It reports whether the row stays.
type stage interface {
	run(r *row) bool
}

// lineReader is a stage that looks at the line.
type lineReader interface{ readsLine() }

// Compile compiles stages; its errors are *ast.Error.
func Compile(stages []ast.Stage, opts Options) (*Pipeline, error) {
	p := &Pipeline{opts: opts, silent: map[string]bool{}}
	c := &compiler{pipe: p, fields: map[string]bool{}, required: map[string]bool{}}
	for _, n := range opts.Named {
		c.fields[n] = true
	}
	if opts.Grouped {
		for _, n := range opts.Only {
			c.fields[n] = true
		}
	}
	for _, st := range stages {
		s, err := c.stage(st)
		if err != nil {
			return nil, err
		}
		if s != nil {
			p.stages = append(p.stages, s)
		}
	}
	if opts.Loki {
		var err error
		if p.early, err = c.early(stages); err != nil {
			return nil, err
		}
	}
	p.meta = !opts.Grouped || c.all
	if opts.Grouped {
		c.wanted()
	}
	if p.unwrap != nil && !c.fields[p.unwrap.Label] {
		p.silent[p.unwrap.Label] = true
		c.fields[p.unwrap.Label] = true
	}
	for _, n := range opts.Values {
		if n == LevelLabel {
			c.fields[n] = true
		} else if !c.fields[n] {
			p.silent[n] = true
			c.fields[n] = true
		}
	}
	if c.fields[LevelLabel] {
		p.level = true
		for _, n := range levelFields {
			if !c.fields[n] {
				p.silent[n] = true
				c.fields[n] = true
			}
		}
	}
	for _, n := range []string{ErrorLabel, ErrorDetailsLabel, model.LineField} {
		delete(c.fields, n)
	}
	for n := range c.fields {
		p.fields = append(p.fields, n)
	}
	slices.Sort(p.fields)
	p.noop = len(p.stages) == 0 && len(p.fields) == 0 && !opts.Grouped && len(opts.Values) == 0
	return p, nil
}

// compiler gathers what stages say of labels.
type compiler struct {
	pipe *Pipeline
	// fields are names that the query mentions: fields of these names join.
	fields map[string]bool
	// required are labels that stages read.
	required map[string]bool
	// all says that every label may matter, whatever is named.
	all bool
}

// reads notes that a stage reads a label.
func (c *compiler) reads(name string) { c.fields[name], c.required[name] = true, true }

// wanted decides what parsers need to extract for a grouped outcome. They
// stop early where nothing else matters, and do not run at all where nothing
// does: an error behind that point is then not seen, as in Loki.
func (c *compiler) wanted() {
	p := c.pipe
	if c.all {
		return
	}
	names := map[string]bool{}
	for n := range c.required {
		names[n] = true
	}
	for _, n := range p.opts.Only {
		names[n] = true
	}
	if p.unwrap != nil {
		names[p.unwrap.Label] = true
	}
	for _, n := range p.opts.Values {
		names[n] = true
	}
	p.keepErrors = names[ErrorLabel]
	p.wanted = map[string]bool{}
	for n := range names {
		p.wanted[n] = true
		if k := len(n) - len(extracted); k > 0 && n[k:] == extracted {
			p.wanted[n[:k]] = true
			c.fields[n[:k]] = true
		}
	}
	if len(names) == 0 {
		p.stages = slices.DeleteFunc(p.stages, func(s stage) bool {
			switch s.(type) {
			case *parser, *shapes, *unpack:
				return true
			}
			return false
		})
	}
}

func (c *compiler) stage(st ast.Stage) (stage, error) {
	switch st := st.(type) {
	case *ast.LineFilter:
		return compileLineFilter(st)
	case *ast.Parser:
		switch st.Name {
		case "regexp":
			return compileRegexp(st)
		case "pattern":
			return compilePattern(st)
		case "unpack":
			return &unpack{}, nil
		}
		return compileParser(st)
	case *ast.LabelFilter:
		return c.cond(st.Cond)
	case *ast.LineFormat:
		return c.lineFormat(st)
	case *ast.LabelFormat:
		return c.labelFormat(st)
	case *ast.Decolorize:
		return decolorize{}, nil
	case *ast.Shape:
		return &shapes{}, nil
	case *ast.DropKeep:
		for _, l := range st.Labels {
			if st.Keep {
				c.fields[l.Name] = true
			}
		}
		return compileDropKeep(st)
	case *ast.Unwrap:
		if c.pipe.unwrap != nil {
			return nil, errorAt(st.Pos, "only one unwrap stage is allowed")
		}
		c.pipe.unwrap = st
		return compileUnwrap(st)
	}
	return nil, errorAt(st.Position(), "this stage cannot be executed")
}

// Fields are the names of the row fields that the pipeline reads, sorted.
func (p *Pipeline) Fields() []string { return p.fields }

func (p *Pipeline) fieldIndex(name string) (int, bool) { return slices.BinarySearch(p.fields, name) }

// Unwraps reports whether rows get a value.
func (p *Pipeline) Unwraps() bool { return p.unwrap != nil }

// KeepsErrors reports whether rows that a parser could not read belong into the
// answer: the query asks for __error__ by name.
func (p *Pipeline) KeepsErrors() bool { return p.keepErrors }

// Meta reports whether structured metadata matters beyond Fields: not where
// the outcome has named labels only and no stage looks at all of them.
func (p *Pipeline) Meta() bool { return p.meta }

// ReadsLine reports whether any stage looks at the line.
func (p *Pipeline) ReadsLine() bool {
	if p.level {
		return true
	}
	for _, s := range p.stages {
		if _, ok := s.(lineReader); ok {
			return true
		}
	}
	return false
}

func errorAt(pos ast.Pos, msg string) error { return &ast.Error{Pos: pos, Message: msg} }

// Set is one label set that rows of a pipeline have. Equal sets of one Stream
// are the same pointer. As in Loki a label may be there with an empty value.
type Set struct {
	Labels model.Labels
	Key    string
	// Err and Details are the row's error; empty without one.
	Err, Details string
	// Stream, Meta and Parsed are the labels by where they came from: the
	// stream's own, structured metadata and joined fields, and what stages made.
	Stream, Meta, Parsed model.Labels
}

// Input is a row as it comes from a store. Fields are its values of
// Pipeline.Fields, in that order, of TypeNone where it has none; nil means
// none at all. Meta is its structured metadata, which joins its labels.
type Input struct {
	Time   int64
	Line   string
	Fields []model.Value
	Meta   []model.Label
}

// Row is what a pipeline makes of a row.
type Row struct {
	Line string
	Set  *Set
	// Value is what unwrap made of the row.
	Value float64
	// Values are those of Options.Values, of TypeNone where the row has none: a
	// field's own where no stage has changed it, otherwise a text. They are valid
	// until the next row is run.
	Values []model.Value
}

// Stream runs a pipeline over the rows of one stream. It belongs to one
// goroutine.
type Stream struct {
	p    *Pipeline
	base *Set
	row  row
	sets map[string]*Set
	key  []byte
	out  model.Labels
	// names are the names that parsers found, and suffixes the same with
	// extracted behind.
	names, suffixes map[string]string
	templates       map[*formatter]*execution
	labels          map[string]string
	values          []model.Value
	shapes          shapeNames
}

// Bounds on what a stream remembers of names and label sets; beyond them it
// still works, at a higher price.
const (
	maxSets  = 1 << 16
	maxNames = 1 << 12
)

// Stream returns a runner for the rows of a stream.
func (p *Pipeline) Stream(labels model.Labels) *Stream {
	s := &Stream{p: p, base: &Set{Labels: labels, Key: labels.Key(), Stream: labels}, sets: map[string]*Set{}}
	s.row.base, s.row.pipe, s.row.own = labels, p, s
	return s
}

func (s *Stream) intern(name []byte) string {
	if n, ok := s.names[string(name)]; ok {
		return n
	}
	n := string(name)
	if s.names == nil {
		s.names = map[string]string{}
	}
	if len(s.names) < maxNames {
		s.names[n] = n
	}
	return n
}

func (s *Stream) suffixed(name string) string {
	if n, ok := s.suffixes[name]; ok {
		return n
	}
	n := name + extracted
	if s.suffixes == nil {
		s.suffixes = map[string]string{}
	}
	if len(s.suffixes) < maxNames {
		s.suffixes[name] = n
	}
	return n
}

// Run runs the pipeline over a row. ok is false where a filter drops it.
func (s *Stream) Run(in *Input) (out Row, ok bool) {
	if s.p.noop && len(in.Meta) == 0 {
		return Row{Line: in.Line, Set: s.base}, true
	}
	r := &s.row
	r.reset(in)
	for _, st := range s.p.stages {
		if !st.run(r) || r.dropped {
			return Row{}, false
		}
	}
	s.values = s.values[:0]
	for _, n := range s.p.opts.Values {
		s.values = append(s.values, r.valueOf(n))
	}
	return Row{Line: r.line, Set: s.set(), Value: r.value, Values: s.values}, true
}

// set returns the label set of the row as it is now.
func (s *Stream) set() *Set {
	r := &s.row
	o := &s.p.opts
	if len(r.over) == 0 && r.err == "" && !o.Grouped && s.p.unwrap == nil {
		return s.base
	}
	s.out = s.out[:0]
	r.each(func(name, value string) {
		special := name == ErrorLabel || name == ErrorDetailsLabel
		if o.Grouped && !slices.Contains(o.Only, name) && (!special || s.p.keepErrors) {
			return
		}
		if u := s.p.unwrap; u != nil && u.Label == name && !o.Grouped {
			return
		}
		s.out = append(s.out, model.Label{Name: name, Value: value})
	})
	slices.SortFunc(s.out, func(a, b model.Label) int {
		switch {
		case a.Name < b.Name:
			return -1
		case a.Name > b.Name:
			return 1
		}
		return 0
	})
	s.key = s.out.AppendKey(s.key[:0])
	plain := len(s.key)
	kept := s.p.keepErrors && r.unread
	if r.err != "" && !kept { // a set of its own
		s.key = append(s.key, 0)
		s.key = append(s.key, r.err...)
	}
	if set := s.sets[string(s.key)]; set != nil {
		return set
	}
	key := string(s.key)
	set := &Set{Labels: slices.Clone(s.out), Key: key[:plain]}
	if !kept {
		set.Err, set.Details = r.err, r.details
	}
	for _, l := range set.Labels {
		switch o := r.slot(l.Name); {
		case l.Name == ErrorLabel || l.Name == ErrorDetailsLabel || o != nil && !o.meta:
			set.Parsed = append(set.Parsed, l)
		case o != nil:
			set.Meta = append(set.Meta, l)
		default:
			set.Stream = append(set.Stream, l)
		}
	}
	if len(s.sets) < maxSets {
		s.sets[key] = set
	}
	return set
}
