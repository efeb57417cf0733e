package textmatch

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"unicode"
	"unsafe"
)

func str(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Bounds of the automaton of an expression; beyond them lines are looked at.
const (
	maxStates  = 2048
	maxClasses = 256
	maxProg    = 2000
	maxNow     = 256 // states at one time
)

// expression is a regular expression with what can be known of it before lines
// are looked at. It is not safe for concurrent use.
type expression struct {
	prog *syntax.Prog // nil where the automaton cannot be built
	cuts []rune       // first rune of each class; runes of a class behave alike

	classes   [0x80]int32 // of each byte of ASCII
	ofChars   map[*charset][]int32
	automaton *dfa
	begun     bool
	first     int32
	now, then []int32 // scratch

	// needles are texts that every match has.
	needles []*needle
}

func newExpression(re *regexp.Regexp) *expression {
	e := new(expression)
	tree, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return e
	}
	e.require(tree)
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil || len(prog.Inst) > maxProg {
		return e
	}
	cuts := []rune{0, 0x80}
	for i := range prog.Inst {
		in := &prog.Inst[i]
		switch in.Op {
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^(syntax.EmptyBeginText|syntax.EmptyEndText) != 0 {
				return e // needs to know its neighbours
			}
		case syntax.InstRune, syntax.InstRune1:
			for k := 0; k < len(in.Rune); k += 2 {
				lo, hi := in.Rune[k], in.Rune[k]
				if k+1 < len(in.Rune) {
					hi = in.Rune[k+1]
				}
				cuts = append(cuts, lo, hi+1)
				if len(in.Rune) == 1 && syntax.Flags(in.Arg)&syntax.FoldCase != 0 {
					for f := unicode.SimpleFold(lo); f != lo; f = unicode.SimpleFold(f) {
						cuts = append(cuts, f, f+1)
					}
				}
			}
		case syntax.InstRuneAnyNotNL:
			cuts = append(cuts, '\n', '\n'+1)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	if len(cuts) > maxClasses {
		return e
	}
	e.prog, e.cuts, e.ofChars = prog, cuts, make(map[*charset][]int32)
	for b := range e.classes {
		class, found := slices.BinarySearch(cuts, rune(b))
		if !found {
			class--
		}
		e.classes[b] = int32(class)
	}
	return e
}

// dfa is an expression's automaton, built as templates need it and kept for the
// templates that follow.
type dfa struct {
	e      *expression
	states map[string]int32
	sets   [][]uint32 // program counters of each state
	next   []int32    // by state and class; -1 where not known
	failed bool
}

// accepted is the state that nothing leaves.
const accepted = 0

// newDFA returns the automaton with its accepting state.
func newDFA(e *expression) *dfa {
	d := &dfa{e: e, states: make(map[string]int32)}
	d.add(nil)
	return d
}

// require gathers the texts that every match of an expression has.
func (e *expression) require(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 && len(re.Rune) > 1 {
			e.needles = append(e.needles, &needle{string(re.Rune)})
		}
	case syntax.OpCapture, syntax.OpPlus, syntax.OpConcat:
		for _, sub := range re.Sub {
			e.require(sub)
		}
	case syntax.OpRepeat:
		if re.Min > 0 {
			e.require(re.Sub[0])
		}
	}
}

// outcome decides on a template: by the texts that a match must have, then by
// the automaton.
func (e *expression) outcome(t *Template) Outcome {
	for _, n := range e.needles {
		if o, _, _ := n.find(t); o == None {
			return None
		}
	}
	if e.prog == nil {
		return Some
	}
	for _, c := range t.Constants {
		for _, b := range c {
			if b >= 0x80 {
				return Some // may be half of a character
			}
		}
	}
	d := e.automaton
	if d == nil {
		d = newDFA(e)
		e.automaton = d
	}
	now := append(e.now[:0], d.start())
	then := e.then[:0]
	for i, text := range t.Constants {
		for _, b := range text {
			class := e.classes[b]
			if len(now) == 1 {
				now[0] = d.step(now[0], class)
				continue
			}
			then = then[:0]
			for _, s := range now {
				if to := d.step(s, class); !slices.Contains(then, to) {
					then = append(then, to)
				}
			}
			now, then = then, now
		}
		if i == len(t.Kinds) {
			break
		}
		first, others := e.charClasses(chars(t.Kinds[i])), e.charClasses(rest(t.Kinds[i]))
		then = then[:0]
		advance := func(s int32, classes []int32) {
			for _, c := range classes {
				if to := d.step(s, c); !slices.Contains(then, to) {
					then = append(then, to)
				}
			}
		}
		if empty(t.Kinds[i]) {
			then = append(then, now...)
		}
		for _, s := range now {
			advance(s, first)
		}
		for k := 0; k < len(then) && !d.failed && len(then) <= maxNow; k++ {
			advance(then[k], others)
		}
		now, then = then, now
		if d.failed || len(now) > maxNow {
			return Some
		}
	}
	e.now, e.then = now, then
	yes, no := false, false
	for _, s := range now {
		if d.accepts(s) {
			yes = true
		} else {
			no = true
		}
	}
	switch {
	case d.failed || yes && no:
		return Some
	case yes:
		return All
	}
	return None
}

// charClasses returns the classes that have a character of the set.
func (e *expression) charClasses(c *charset) []int32 {
	if out, ok := e.ofChars[c]; ok {
		return out
	}
	var out []int32
	for i, lo := range e.cuts {
		hi := rune(unicode.MaxRune)
		if i+1 < len(e.cuts) {
			hi = e.cuts[i+1] - 1
		}
		has := lo >= 0x80 && c[0x80]
		for r := lo; r <= hi && r < 0x80 && !has; r++ {
			has = c[r]
		}
		if has {
			out = append(out, int32(i))
		}
	}
	e.ofChars[c] = out
	return out
}

// start is the state before the first character.
func (d *dfa) start() int32 {
	if d.e.begun {
		return d.e.first
	}
	d.e.begun = true
	var pcs []uint32
	if d.follow(&pcs, uint32(d.e.prog.Start), syntax.EmptyBeginText, nil) {
		d.e.first = accepted
	} else {
		d.e.first = d.state(pcs)
	}
	return d.e.first
}

// follow adds what can be reached from pc without a character; it reports true
// where that is a match. Conditions on the end of the text wait in the set.
func (d *dfa) follow(pcs *[]uint32, pc uint32, flags syntax.EmptyOp, seen map[uint32]bool) bool {
	if seen == nil {
		seen = make(map[uint32]bool)
	}
	if seen[pc] {
		return false
	}
	seen[pc] = true
	in := &d.e.prog.Inst[pc]
	switch in.Op {
	case syntax.InstMatch:
		return true
	case syntax.InstFail:
		return false
	case syntax.InstAlt, syntax.InstAltMatch:
		l := d.follow(pcs, in.Out, flags, seen)
		return d.follow(pcs, in.Arg, flags, seen) || l
	case syntax.InstCapture, syntax.InstNop:
		return d.follow(pcs, in.Out, flags, seen)
	case syntax.InstEmptyWidth:
		need := syntax.EmptyOp(in.Arg)
		if need&^flags == 0 {
			return d.follow(pcs, in.Out, flags, seen)
		}
		if need&^flags == syntax.EmptyEndText {
			*pcs = append(*pcs, pc)
		}
		return false
	}
	*pcs = append(*pcs, pc)
	return false
}

// add adds a state.
func (d *dfa) add(pcs []uint32) int32 {
	d.sets = append(d.sets, pcs)
	for range d.e.cuts {
		d.next = append(d.next, -1)
	}
	return int32(len(d.sets) - 1)
}

// state returns the state of a set of program counters.
func (d *dfa) state(pcs []uint32) int32 {
	slices.Sort(pcs)
	pcs = slices.Compact(pcs)
	key := unsafe.String((*byte)(unsafe.Pointer(unsafe.SliceData(pcs))), 4*len(pcs))
	if s, ok := d.states[key]; ok {
		return s
	}
	if len(d.sets) >= maxStates {
		d.failed = true
		return accepted
	}
	s := d.add(pcs)
	d.states[key] = s
	return s
}

// step is the state after a character of a class; a match may also begin at it.
func (d *dfa) step(s, class int32) int32 {
	if s == accepted || d.failed {
		return accepted
	}
	at := int(s)*len(d.e.cuts) + int(class)
	if to := d.next[at]; to >= 0 {
		return to
	}
	r := d.e.cuts[class]
	var pcs []uint32
	seen := make(map[uint32]bool)
	match := false
	for _, pc := range d.sets[s] {
		in := &d.e.prog.Inst[pc]
		ok := false
		switch in.Op {
		case syntax.InstRune, syntax.InstRune1:
			ok = in.MatchRune(r)
		case syntax.InstRuneAny:
			ok = true
		case syntax.InstRuneAnyNotNL:
			ok = r != '\n'
		}
		if ok && d.follow(&pcs, in.Out, 0, seen) {
			match = true
		}
	}
	match = d.follow(&pcs, uint32(d.e.prog.Start), 0, seen) || match
	to := int32(accepted)
	if !match {
		to = d.state(pcs)
	}
	d.next[at] = to
	return to
}

// accepts reports whether a text that ends in the state matches.
func (d *dfa) accepts(s int32) bool {
	if s == accepted {
		return true
	}
	for _, pc := range d.sets[s] {
		in := &d.e.prog.Inst[pc]
		if in.Op == syntax.InstEmptyWidth {
			var rest []uint32
			if d.follow(&rest, in.Out, syntax.EmptyEndText, nil) {
				return true
			}
		}
	}
	return false
}
