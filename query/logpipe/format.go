package logpipe

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"tidemark/query/ast"
)

const (
	// MaxFormatted bounds what one template makes of one row, in bytes.
	MaxFormatted = 1 << 20
	// MaxIterations bounds the turns of loops and the calls of named templates
	// that one template takes for one row.
	MaxIterations = 10_000
	// MaxCommands bounds the commands that a template is made of.
	MaxCommands = 1000
	// MaxFormatTime bounds how long loops and regular expressions may keep one
	// template busy with one row.
	MaxFormatTime = time.Second
)

var (
	errTooLong     = fmt.Errorf("the template runs for more than %s (limit MaxFormatTime)", MaxFormatTime)
	errTooMuchText = fmt.Errorf("the template makes more than %d bytes (limit MaxFormatted)", MaxFormatted)
	errTooManyTurn = fmt.Errorf("the template loops more than %d times (limit MaxIterations)", MaxIterations)
)

// tick is the name of the function that counts turns; it is called at the
// start of every loop's body and of every named template, where parsing
// puts the call. No text can name it: the name is no identifier to a user,
// as it may not be called (see compileTemplate).
const tick = "__tick__"

// formatter is a compiled template. What it needs of a row it gets through an
// execution, one per stream, because functions of a template are bound to it.
type formatter struct {
	tmpl *template.Template
	// simple is the one label that the whole template consists of, if so.
	simple string
	reads  []string
	all    bool // it reads the labels as a whole
	size   int  // commands
}

// execution is a formatter at work on the rows of one stream.
type execution struct {
	tmpl   *template.Template
	row    *row
	turns  int
	begun  time.Time
	regexs regexps
	out    bounded
}

// bounded is a writer that refuses what exceeds MaxFormatted.
type bounded struct{ b strings.Builder }

func (w *bounded) Write(p []byte) (int, error) {
	if w.b.Len()+len(p) > MaxFormatted {
		return 0, errTooMuchText
	}
	return w.b.Write(p)
}

func compileTemplate(text string) (*formatter, error) {
	if strings.Contains(text, tick) {
		return nil, errors.New("function " + tick + " not defined")
	}
	t, err := template.New("").Option("missingkey=zero").Funcs((&execution{row: &row{}}).funcs()).Parse(text)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	f := &formatter{tmpl: t}
	for _, one := range t.Templates() {
		if one.Tree == nil || one.Root == nil {
			continue
		}
		f.inspect(one.Root)
		if one.Name() != "" {
			f.all = true // its dot is an argument
			countTurns(one.Tree, one.Root)
		}
	}
	if f.size > MaxCommands {
		return nil, fmt.Errorf("the template has %d commands, the limit (MaxCommands) is %d", f.size, MaxCommands)
	}
	if t.Tree == nil || t.Root == nil { // an empty text has no tree
		f.tmpl = nil
		return f, nil
	}
	if len(t.Root.Nodes) == 1 {
		if a, ok := t.Root.Nodes[0].(*parse.ActionNode); ok && len(a.Pipe.Decl) == 0 && len(a.Pipe.Cmds) == 1 && len(a.Pipe.Cmds[0].Args) == 1 {
			if fn, ok := a.Pipe.Cmds[0].Args[0].(*parse.FieldNode); ok && len(fn.Ident) == 1 {
				f.simple = fn.Ident[0]
			}
		}
	}
	return f, nil
}

// countTurns puts a call of tick in front of a list.
func countTurns(t *parse.Tree, list *parse.ListNode) {
	call := &parse.CommandNode{NodeType: parse.NodeCommand, Args: []parse.Node{parse.NewIdentifier(tick).SetTree(t).SetPos(list.Pos)}}
	pipe := &parse.PipeNode{NodeType: parse.NodePipe, Pos: list.Pos, Cmds: []*parse.CommandNode{call}}
	action := &parse.ActionNode{NodeType: parse.NodeAction, Pos: list.Pos, Pipe: pipe}
	list.Nodes = append([]parse.Node{action}, list.Nodes...)
}

// inspect notes the labels that a template reads, and makes loops count.
func (f *formatter) inspect(n parse.Node) {
	branch := func(b *parse.BranchNode) {
		f.inspect(b.Pipe)
		f.inspect(b.List)
		if b.ElseList != nil {
			f.inspect(b.ElseList)
		}
	}
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, c := range n.Nodes {
			f.inspect(c)
		}
	case *parse.ActionNode:
		f.inspect(n.Pipe)
	case *parse.PipeNode:
		if n == nil {
			return
		}
		for _, c := range n.Cmds {
			f.inspect(c)
		}
	case *parse.CommandNode:
		f.size++
		for _, a := range n.Args {
			f.inspect(a)
		}
	case *parse.FieldNode:
		f.reads = append(f.reads, n.Ident[0])
	case *parse.ChainNode:
		f.inspect(n.Node)
		f.reads = append(f.reads, n.Field...)
	case *parse.DotNode:
		f.all = true
	case *parse.VariableNode:
		if len(n.Ident) > 1 {
			f.reads = append(f.reads, n.Ident[1:]...)
		}
		f.all = f.all || n.Ident[0] == "$"
	case *parse.TemplateNode:
		f.inspect(n.Pipe)
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
		countTurns(f.tmpl.Tree, n.List)
	}
}

// apply runs the template over the row as it is now.
func (f *formatter) apply(r *row, labels map[string]string) (string, error) {
	if f.tmpl == nil {
		return "", nil
	}
	x := r.own.templates[f]
	if x == nil {
		x = &execution{row: r}
		t, err := f.tmpl.Clone()
		if err != nil {
			return "", err
		}
		x.tmpl = t.Funcs(x.funcs())
		if r.own.templates == nil {
			r.own.templates = map[*formatter]*execution{}
		}
		r.own.templates[f] = x
	}
	x.turns, x.begun = 0, time.Now()
	x.out.b.Reset()
	if err := x.tmpl.Execute(&x.out, labels); err != nil {
		return "", err
	}
	return x.out.b.String(), nil
}

// labels returns the row's labels as templates see them.
func (r *row) labels() map[string]string {
	m := r.own.labels
	if m == nil {
		m = map[string]string{}
		r.own.labels = m
	}
	clear(m)
	r.each(func(name, value string) { m[name] = value })
	if r.err == "" {
		delete(m, ErrorDetailsLabel)
	}
	return m
}

// lineFormat is the stage `| line_format "…"`.
type lineFormat struct{ f *formatter }

func (*lineFormat) readsLine() {}

func (c *compiler) lineFormat(st *ast.LineFormat) (stage, error) {
	f, err := compileTemplate(st.Template)
	if err != nil {
		return nil, errorAt(st.Pos, "invalid line template: "+err.Error())
	}
	c.template(f)
	return &lineFormat{f}, nil
}

func (c *compiler) template(f *formatter) {
	for _, n := range f.reads {
		c.reads(n)
	}
	c.all = c.all || f.all
}

func (s *lineFormat) run(r *row) bool {
	if s.f.simple != "" {
		r.line, _ = r.get(s.f.simple)
		return true
	}
	text, err := s.f.apply(r, r.labels())
	if err != nil {
		r.fail(ErrFormat, err.Error())
		return true
	}
	r.line = text
	return true
}

// labelFormat is the stage `| label_format dst=src, dst="…"`. Its templates
// see the labels as they were when the first of them ran.
type labelFormat struct{ items []labelItem }

type labelItem struct {
	label, from string
	f           *formatter
}

// readsLine: a template may use __line__.
func (*labelFormat) readsLine() {}

func (c *compiler) labelFormat(st *ast.LabelFormat) (stage, error) {
	s := &labelFormat{}
	seen := map[string]bool{}
	for i := range st.Items {
		it := &st.Items[i]
		if it.Label == ErrorLabel {
			return nil, errorAt(it.Pos, ErrorLabel+" cannot be formatted")
		}
		if seen[it.Label] {
			return nil, errorAt(it.Pos, "multiple label name '"+it.Label+"' not allowed in a single format operation")
		}
		seen[it.Label] = true
		if it.From != "" {
			c.reads(it.From)
			s.items = append(s.items, labelItem{label: it.Label, from: it.From})
			continue
		}
		f, err := compileTemplate(it.Template)
		if err != nil {
			return nil, errorAt(it.Pos, "invalid template for label '"+it.Label+"': "+err.Error())
		}
		c.template(f)
		s.items = append(s.items, labelItem{label: it.Label, f: f})
	}
	return s, nil
}

func (s *labelFormat) run(r *row) bool {
	var labels map[string]string
	for i := range s.items {
		it := &s.items[i]
		if it.f == nil {
			if v, ok := r.get(it.from); ok {
				r.set(it.label, v)
				r.remove(it.from)
			}
			continue
		}
		if labels == nil {
			labels = r.labels()
		}
		v, err := it.f.apply(r, labels)
		if err != nil {
			r.fail(ErrFormat, err.Error())
			continue
		}
		r.set(it.label, v)
	}
	return true
}

// inTime fails once the template has run for too long.
func (x *execution) inTime() error {
	if time.Since(x.begun) > MaxFormatTime {
		return errTooLong
	}
	return nil
}

func (x *execution) regexp(s string) (*regexp.Regexp, error) {
	if err := x.inTime(); err != nil {
		return nil, err
	}
	return x.regexs.get(s)
}

// funcs are the functions of a template at work.
func (x *execution) funcs() template.FuncMap {
	m := template.FuncMap{
		tick: func() (string, error) {
			if x.turns++; x.turns > MaxIterations {
				return "", errTooManyTurn
			}
			return "", x.inTime()
		},
		"__line__":      func() string { return x.row.line },
		"__timestamp__": func() time.Time { return time.Unix(0, x.row.time).UTC() },
		"regexReplaceAll": func(re, s, repl string) (string, error) {
			r, err := x.regexp(re)
			if err != nil {
				return "", err
			}
			return limited(r.ReplaceAllString(s, repl))
		},
		"regexReplaceAllLiteral": func(re, s, repl string) (string, error) {
			r, err := x.regexp(re)
			if err != nil {
				return "", err
			}
			return limited(r.ReplaceAllLiteralString(s, repl))
		},
		"count": func(re, s string) (int, error) {
			r, err := x.regexp(re)
			if err != nil {
				return 0, err
			}
			return len(r.FindAllStringIndex(s, -1)), nil
		},
	}
	for n, f := range templateFuncs {
		m[n] = f
	}
	return m
}
