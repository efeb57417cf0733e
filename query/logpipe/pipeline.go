package logpipe

import (
	"slices"

	"tidemark/query/ast"
	"tidemark/storage/model"
)

// Labels that mark a row with an error.
const (
	ErrorLabel        = "__error__"
	ErrorDetailsLabel = "__error_details__"
)

// Values of ErrorLabel.
const (
	ErrJSON    = "JSONParserErr"
	ErrLogfmt  = "LogfmtParserErr"
	ErrFilter  = "LabelFilterErr"
	ErrExtract = "SampleExtractionErr"
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
}

// Pipeline is a compiled pipeline. It is immutable and may be shared.
type Pipeline struct {
	stages []stage
	// fields are the row fields that may join the labels, sorted.
	fields []string
	// silent are those of fields that only unwrap reads.
	silent map[string]bool
	unwrap *ast.Unwrap
	opts   Options
	// wanted, where not nil, are the labels that a parser should extract.
	wanted map[string]bool
	noop   bool
}

// stage is one step. It reports whether the row stays.
type stage interface {
	run(r *row) bool
}

// Compile compiles stages; its errors are *ast.Error.
func Compile(stages []ast.Stage, opts Options) (*Pipeline, error) {
	p := &Pipeline{opts: opts, silent: map[string]bool{}}
	names := map[string]bool{}
	for _, n := range opts.Named {
		names[n] = true
	}
	if opts.Grouped {
		for _, n := range opts.Only {
			names[n] = true
		}
	}
	touched := map[string]bool{} // by drop: must be seen to be dropped
	for _, st := range stages {
		var s stage
		var err error
		switch st := st.(type) {
		case *ast.LineFilter:
			s, err = compileLineFilter(st)
		case *ast.Parser:
			s, err = compileParser(st)
		case *ast.LabelFilter:
			s, err = compileCond(st.Cond, names)
		case *ast.DropKeep:
			s, err = compileDropKeep(st)
			for _, l := range st.Labels {
				if st.Keep {
					names[l.Name] = true
				} else {
					touched[l.Name] = true
				}
			}
		case *ast.Unwrap:
			if p.unwrap != nil {
				return nil, errorAt(st.Pos, "only one unwrap stage is allowed")
			}
			p.unwrap = st
			s, err = compileUnwrap(st, opts)
		default:
			return nil, errorAt(st.Position(), "this stage cannot be executed")
		}
		if err != nil {
			return nil, err
		}
		p.stages = append(p.stages, s)
	}
	if opts.Grouped {
		p.wanted = map[string]bool{}
		for n := range names {
			p.wanted[n] = true
		}
		for n := range touched {
			p.wanted[n] = true
		}
	}
	if p.unwrap != nil {
		if !names[p.unwrap.Label] {
			p.silent[p.unwrap.Label] = true
			names[p.unwrap.Label] = true
		}
		if p.wanted != nil {
			p.wanted[p.unwrap.Label] = true
		}
	}
	delete(names, ErrorLabel)
	delete(names, ErrorDetailsLabel)
	delete(names, model.LineField)
	for n := range names {
		p.fields = append(p.fields, n)
	}
	slices.Sort(p.fields)
	p.noop = len(p.stages) == 0 && len(p.fields) == 0 && !opts.Grouped
	return p, nil
}

// Fields are the names of the row fields that the pipeline reads, sorted.
func (p *Pipeline) Fields() []string { return p.fields }

// Unwraps reports whether rows get a value.
func (p *Pipeline) Unwraps() bool { return p.unwrap != nil }

// Reads reports whether any stage looks at the line.
func (p *Pipeline) ReadsLine() bool {
	for _, s := range p.stages {
		switch s.(type) {
		case *lineFilter, *parser:
			return true
		}
	}
	return false
}

func errorAt(pos ast.Pos, msg string) error { return &ast.Error{Pos: pos, Message: msg} }

// Set is one label set that rows of a pipeline have. Equal sets of one Stream
// are the same pointer.
type Set struct {
	Labels model.Labels
	Key    string
	// Err and Details are the row's error; empty without one.
	Err, Details string
}

// Row is what a pipeline makes of a row.
type Row struct {
	Line string
	Set  *Set
	// Value is what unwrap made of the row.
	Value float64
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
}

// maxSets bounds the label sets that a stream remembers; beyond it equal sets
// are no longer the same pointer.
const maxSets = 1 << 16

// Stream returns a runner for the rows of a stream.
func (p *Pipeline) Stream(labels model.Labels) *Stream {
	s := &Stream{p: p, base: &Set{Labels: labels, Key: labels.Key()}, sets: map[string]*Set{}}
	s.row.base, s.row.pipe = labels, p
	return s
}

// Run runs the pipeline over a row. fields are the row's values of
// Pipeline.Fields, in that order, of TypeNone where it has none; nil means
// none at all. ok is false where a filter drops the row.
func (s *Stream) Run(line string, fields []model.Value) (out Row, ok bool) {
	if s.p.noop {
		return Row{Line: line, Set: s.base}, true
	}
	r := &s.row
	r.reset(line, fields)
	for _, st := range s.p.stages {
		if !st.run(r) {
			return Row{}, false
		}
	}
	return Row{Line: r.line, Set: s.set(), Value: r.value}, true
}

// set returns the label set of the row as it is now.
func (s *Stream) set() *Set {
	r := &s.row
	if len(r.over) == 0 && r.err == "" && !s.p.opts.Grouped {
		return s.base
	}
	s.out = s.out[:0]
	for _, l := range r.base {
		if !r.overridden(l.Name) {
			s.out = append(s.out, l)
		}
	}
	for _, l := range r.over {
		if l.Value != "" {
			s.out = append(s.out, l)
		}
	}
	if s.p.opts.Grouped {
		s.out = slices.DeleteFunc(s.out, func(l model.Label) bool { return !slices.Contains(s.p.opts.Only, l.Name) })
	}
	if r.err != "" {
		s.out = append(s.out, model.Label{Name: ErrorLabel, Value: r.err})
		if r.details != "" {
			s.out = append(s.out, model.Label{Name: ErrorDetailsLabel, Value: r.details})
		}
	}
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
	if set := s.sets[string(s.key)]; set != nil {
		return set
	}
	set := &Set{Labels: slices.Clone(s.out), Key: string(s.key), Err: r.err, Details: r.details}
	if len(s.sets) < maxSets {
		s.sets[set.Key] = set
	}
	return set
}
