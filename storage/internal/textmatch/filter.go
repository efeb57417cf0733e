package textmatch

import (
	"strings"

	"tidemark/storage/model"
	"tidemark/storage/shape"
)

// Template is a shape, taken apart.
type Template struct {
	// Constants stand around the variables: one more than there are kinds.
	Constants [][]byte
	Kinds     []shape.Kind
}

// Outcome is what a filter says of the lines of a shape.
type Outcome uint8

// Outcomes.
const (
	None Outcome = iota // keeps no line
	All                 // keeps every line
	Some                // depends on the variables
)

// Op says how a variable is compared.
type Op uint8

// Comparisons.
const (
	Contains Op = iota
	Prefix
	Suffix
	Equal
)

// Condition is on the variable of a slot.
type Condition struct {
	Slot int
	Op   Op
	Text string
}

// Holds reports whether a variable satisfies the condition.
func (c *Condition) Holds(v []byte) bool {
	switch c.Op {
	case Contains:
		return strings.Contains(str(v), c.Text)
	case Prefix:
		return len(v) >= len(c.Text) && string(v[:len(c.Text)]) == c.Text
	case Suffix:
		return len(v) >= len(c.Text) && string(v[len(v)-len(c.Text):]) == c.Text
	}
	return string(v) == c.Text
}

// Verdict is the outcome for a shape and, where it is Some, how to find the
// lines.
type Verdict struct {
	Outcome Outcome
	// Ways are alternatives, each a list of conditions that hold together, for
	// the lines that contain or match (before negation). Where Ways is nil the
	// lines have to be looked at.
	Ways [][]Condition
}

// Filter is a compiled line filter. It is not safe for concurrent use, but for
// Keep. What it learns of a template it forgets: callers keep the verdicts.
type Filter struct {
	negate   bool
	contains []*needle
	regexps  []*expression
	source   *model.LineFilter
}

// New compiles a line filter.
func New(f *model.LineFilter) *Filter {
	c := &Filter{negate: f.Negate, source: f}
	for _, s := range f.Contains {
		c.contains = append(c.contains, &needle{s})
	}
	for _, re := range f.Regexps {
		c.regexps = append(c.regexps, newExpression(re))
	}
	return c
}

// Negated reports whether the filter drops what it finds.
func (f *Filter) Negated() bool { return f.negate }

// Keep reports whether the filter keeps a line.
func (f *Filter) Keep(line string) bool { return f.source.Keep(line) }

// Verdict decides on a shape.
func (f *Filter) Verdict(t *Template) Verdict {
	v := f.found(t)
	if f.negate && v.Outcome != Some {
		v.Outcome = All - v.Outcome // None and All change places
	}
	return v
}

// found decides before negation.
func (f *Filter) found(t *Template) Verdict {
	v := Verdict{Outcome: None}
	lines := false // an alternative needs the lines
	for _, n := range f.contains {
		switch o, ways, ok := n.find(t); o {
		case All:
			return Verdict{Outcome: All}
		case Some:
			v.Outcome = Some
			lines = lines || !ok
			v.Ways = append(v.Ways, ways...)
		}
	}
	for _, e := range f.regexps {
		switch e.outcome(t) {
		case All:
			return Verdict{Outcome: All}
		case Some:
			v.Outcome, lines = Some, true
		}
	}
	if lines {
		v.Ways = nil
	}
	return v
}

// needle is a text that is searched for.
type needle struct{ text string }

// find decides on a template: where no constant has the text whole, by the ways
// to lay it out over variables. ok is false where there are too many.
func (n *needle) find(t *Template) (o Outcome, ways [][]Condition, ok bool) {
	for _, c := range t.Constants {
		if strings.Contains(str(c), n.text) {
			return All, nil, true
		}
	}
	ways, ok = n.ways(t)
	if ok && len(ways) == 0 {
		return None, nil, true
	}
	return Some, ways, ok
}

// maxWays bounds the ways to lay out a text over a template.
const maxWays = 64

// ways lists how the text can lie in a line so that it touches a variable; ok is
// false where there are too many.
func (n *needle) ways(t *Template) (out [][]Condition, ok bool) {
	l := &layout{t: t, ok: true}
	for i, text := range t.Constants {
		for at := max(0, len(text)-len(n.text)); at < len(text); at++ {
			if text[at] != n.text[0] {
				continue
			}
			if rest, fits := after(n.text, str(text[at:])); fits && rest != "" {
				l.intoVar(i, rest, nil)
			}
		}
		if i == len(t.Kinds) {
			break
		}
		c := chars(t.Kinds[i])
		if c.has(n.text) {
			l.add([]Condition{{i, Contains, n.text}})
		}
		for k := 1; k < len(n.text) && c[n.text[k-1]]; k++ {
			l.intoConst(i+1, n.text[k:], []Condition{{i, Suffix, n.text[:k]}})
		}
	}
	return l.out, l.ok
}

// after lays text over the beginning of a constant: what of it is left behind
// the constant. fits is false where they differ.
func after(text, constant string) (rest string, fits bool) {
	if len(constant) >= len(text) {
		return "", strings.HasPrefix(constant, text)
	}
	return text[len(constant):], strings.HasPrefix(text, constant)
}

type layout struct {
	t   *Template
	out [][]Condition
	ok  bool
}

func (l *layout) add(way []Condition) {
	if len(l.out) == maxWays {
		l.ok = false
		return
	}
	l.out = append(l.out, way)
}

// intoConst goes on with text at the start of constant i.
func (l *layout) intoConst(i int, text string, way []Condition) {
	rest, fits := after(text, str(l.t.Constants[i]))
	switch {
	case !l.ok || !fits:
	case rest == "":
		l.add(way)
	default:
		l.intoVar(i, rest, way)
	}
}

// intoVar goes on with text at the start of variable i.
func (l *layout) intoVar(i int, text string, way []Condition) {
	if !l.ok || i == len(l.t.Kinds) {
		return
	}
	with := func(op Op, s string) []Condition {
		return append(way[:len(way):len(way)], Condition{i, op, s})
	}
	c := chars(l.t.Kinds[i])
	if c.has(text) {
		l.add(with(Prefix, text))
	}
	first := 1
	if empty(l.t.Kinds[i]) {
		first = 0
	}
	for k := first; k < len(text) && (k == 0 || c[text[k-1]]); k++ {
		l.intoConst(i+1, text[k:], with(Equal, text[:k]))
	}
}
