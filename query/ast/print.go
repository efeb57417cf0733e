package ast

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Print prints a tree in normal form, on one line. Parsing the text in the
// same dialect gives an equal tree (see Equal) for every tree that parsing
// makes; where a tree made by a program lacks parentheses that its shape
// needs, Print adds them. Selectors are written as metrics(…) or logs(…)
// where the bare form would mean something else in the dialect, so a tree
// parsed in one dialect may be printed in another and keeps its meaning.
func Print(e Expr, d Dialect) string {
	p := printer{dialect: d}
	p.expr(e, true)
	return p.b.String()
}

// Pretty prints a tree as Print does, but breaks what is longer than width
// characters over several lines: the sides of an operation, the arguments of a
// function and the stages of a pipeline then stand on lines of their own, two
// spaces deeper. It takes time quadratic in the depth of the tree.
func Pretty(e Expr, d Dialect, width int) string {
	p := printer{dialect: d, width: width}
	p.expr(e, true)
	return p.b.String()
}

type printer struct {
	b       strings.Builder
	dialect Dialect
	width   int // of a line; 0 for one line of any length
	indent  int // of lines that are begun
}

// long reports whether an expression is to be broken.
func (p *printer) long(e Expr, outermost bool) bool {
	if p.width == 0 {
		return false
	}
	flat := printer{dialect: p.dialect}
	flat.expr(e, outermost)
	return 2*p.indent+utf8.RuneCountInString(flat.b.String()) > p.width
}

// line begins a line, deeper by so many steps, in what is broken; else it
// writes what stands there otherwise.
func (p *printer) line(broken bool, by int, otherwise string) {
	if !broken {
		p.str(otherwise)
		return
	}
	p.indent += by
	p.str("\n", strings.Repeat("  ", p.indent))
}

func (p *printer) str(s ...string) {
	for _, x := range s {
		p.b.WriteString(x)
	}
}

// Precedences of operators, the loosest first; see parse.
var precedence = map[string]int{
	"or":  1,
	"and": 2, "unless": 2,
	"==": 3, "!=": 3, "<": 3, ">": 3, "<=": 3, ">=": 3, "</": 3, ">/": 3,
	"+": 4, "-": 4,
	"*": 5, "/": 5, "%": 5, "atan2": 5,
	"^": 6,
}

const (
	signPrecedence = 5
	atomPrecedence = 7
)

// binds returns how tight the outermost operation of an expression binds.
func binds(e Expr) int {
	switch n := e.(type) {
	case *Binary:
		return precedence[n.Op]
	case *Unary:
		return signPrecedence
	case *Number:
		if n.Value < 0 || math.Signbit(n.Value) {
			return signPrecedence
		}
	}
	return atomPrecedence
}

// expr prints an expression; outermost ones need no wrapper for a pipeline
// without a range.
func (p *printer) expr(e Expr, outermost bool) {
	switch n := e.(type) {
	case *Number:
		p.str(formatNumber(n))
	case *String:
		p.str(Quote(n.Value))
	case *Paren:
		broken := p.long(n, outermost)
		p.str("(")
		p.line(broken, 1, "")
		p.expr(n.Expr, false)
		p.line(broken, -1, "")
		p.str(")")
	case *Tuple:
		p.str("(")
		for i, it := range n.Items {
			if i > 0 {
				p.str(", ")
			}
			p.expr(it, false)
		}
		if len(n.Items) == 1 {
			p.str(",")
		}
		p.str(")")
	case *Unary:
		p.str(n.Op)
		// Only ^ binds tighter than a sign, and a sign may follow a sign.
		_, sign := n.Expr.(*Unary)
		p.operand(n.Expr, signPrecedence+1, sign)
	case *Selector:
		p.selector(n, outermost)
	case *Subquery:
		p.operand(n.Expr, atomPrecedence, false)
		p.str("[")
		p.span(n.Range, n.RangeExpr)
		p.str(":")
		if n.Step > 0 || n.StepExpr != nil {
			p.span(n.Step, n.StepExpr)
		}
		p.str("]")
		p.when(n.Offset, n.OffsetExpr, n.At)
	case *Binary:
		p.binary(n)
	case *Aggregate:
		p.aggregate(n)
	case *Call:
		p.call(n)
	}
}

// operand prints e, in parentheses where it binds looser than wanted.
func (p *printer) operand(e Expr, lowest int, always bool) {
	if always || binds(e) >= lowest {
		p.expr(e, false)
		return
	}
	p.str("(")
	p.expr(e, false)
	p.str(")")
}

func (p *printer) binary(n *Binary) {
	prec := precedence[n.Op]
	left, right := prec, prec+1
	if n.Op == "^" {
		left, right = prec+1, prec
	}
	broken := p.long(n, false)
	if broken {
		p.indent++
		p.str("  ")
	}
	p.operand(n.LHS, left, false)
	p.line(broken, -1, " ")
	p.str(n.Op)
	if n.Bool {
		p.str(" bool")
	}
	if n.Matching != nil && n.Matching.Explicit {
		p.str(" ")
		p.matching(n.Matching)
	}
	filled := n.Matching != nil && p.fills(n.Matching)
	p.line(broken, 1, " ")
	if broken {
		defer func() { p.indent-- }()
	}
	if n.Op == "!=" && !n.Bool && !filled && (n.Matching == nil || !n.Matching.Explicit) && beginsWithString(n.RHS) {
		// Before a string, != would filter lines.
		p.str("(")
		p.expr(n.RHS, false)
		p.str(")")
		return
	}
	// A sign after an operator stands for itself: 2 ^ -1.
	p.operand(n.RHS, right, isSigned(n.RHS))
}

func beginsWithString(e Expr) bool {
	switch n := e.(type) {
	case *String:
		return true
	case *Binary:
		return beginsWithString(n.LHS)
	case *Subquery:
		return beginsWithString(n.Expr)
	}
	return false
}

func isSigned(e Expr) bool {
	_, ok := e.(*Unary)
	return ok
}

func (p *printer) matching(m *Matching) {
	if m.On {
		p.str("on ")
	} else {
		p.str("ignoring ")
	}
	p.labels(m.Labels)
	switch m.Card {
	case ManyToOne:
		p.str(" group_left ")
	case OneToMany:
		p.str(" group_right ")
	default:
		return
	}
	p.labels(m.Include)
}

func (p *printer) labels(names []string) {
	p.str("(")
	for i, n := range names {
		if i > 0 {
			p.str(", ")
		}
		p.str(labelName(n))
	}
	p.str(")")
}

func (p *printer) grouping(g *Grouping) {
	if g.Without {
		p.str("without ")
	} else {
		p.str("by ")
	}
	p.labels(g.Labels)
}

func (p *printer) aggregate(n *Aggregate) {
	p.str(n.Op, " ")
	if n.Grouping != nil {
		p.grouping(n.Grouping)
		p.str(" ")
	}
	broken := p.long(n, false)
	p.str("(")
	p.line(broken, 1, "")
	if n.Param != nil {
		p.expr(n.Param, false)
		p.str(",")
		p.line(broken, 0, " ")
	}
	p.expr(n.Expr, false)
	p.line(broken, -1, "")
	p.str(")")
}

func (p *printer) call(n *Call) {
	broken := len(n.Args)+len(n.Named) > 0 && p.long(n, false)
	p.str(n.Func, "(")
	p.line(broken, 1, "")
	for i, a := range n.Args {
		if i > 0 {
			p.str(",")
			p.line(broken, 0, " ")
		}
		p.expr(a, false)
	}
	for i := range n.Named {
		if i > 0 || len(n.Args) > 0 {
			p.str(",")
			p.line(broken, 0, " ")
		}
		p.str(n.Named[i].Name, "=")
		p.expr(n.Named[i].Value, false)
	}
	p.line(broken, -1, "")
	p.str(")")
	if n.Matching != nil {
		p.str(" ")
		p.matching(n.Matching)
	}
	if n.Grouping != nil {
		p.str(" ")
		p.grouping(n.Grouping)
	}
}

func (p *printer) selector(s *Selector, outermost bool) {
	bare := *s
	bare.Domain = Bare
	wrap := s.Domain != Bare && bare.Meaning(p.dialect) != s.Domain
	// A pipeline that no range ends would swallow a comma, an or, an operator
	// that follows it.
	if len(s.Stages) > 0 && !s.HasRange() && !outermost {
		wrap = true
	}
	switch {
	case !wrap:
	case s.Meaning(p.dialect) == Metrics:
		p.str("metrics(")
	default:
		p.str("logs(")
	}
	broken := len(s.Stages) > 0 && p.long(s, outermost)
	p.matchers(s)
	for i, st := range s.Stages {
		p.line(broken, max(1-i, 0), " ")
		p.stage(st)
	}
	if broken {
		p.indent--
	}
	if s.HasRange() {
		if len(s.Stages) > 0 {
			p.line(broken, 0, " ")
		}
		p.str("[")
		p.span(s.Range, s.RangeExpr)
		p.str("]")
	}
	if s.Extend != NotExtended {
		p.str(" ", s.Extend.String())
	}
	p.when(s.Offset, s.OffsetExpr, s.At)
	if wrap {
		p.str(")")
	}
}

// reserved words are written as quoted names where they name a metric: some
// could not stand there, and others would be hard to read.
var reserved = []string{
	"and", "or", "unless", "atan2", "bool", "on", "ignoring", "group_left", "group_right", "by", "without", "offset",
	"inf", "nan", "sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio", "approx_topk",
}

func (p *printer) matchers(s *Selector) {
	quoted := s.Name != "" && (!isName(s.Name, true) || slices.Contains(reserved, strings.ToLower(s.Name)))
	if !quoted {
		p.str(s.Name)
		if s.Name != "" && len(s.Matchers) == 0 {
			return
		}
	}
	p.str("{")
	if quoted {
		p.str(strconv.Quote(s.Name))
	}
	for i := range s.Matchers {
		if i > 0 || quoted {
			p.str(", ")
		}
		p.matcher(&s.Matchers[i])
	}
	p.str("}")
}

func (p *printer) matcher(m *Matcher) {
	name := m.Name
	if !isName(name, false) {
		name = strconv.Quote(name)
	}
	p.str(name, m.Type.String(), Quote(m.Value))
}

// span prints a range or a step.
func (p *printer) span(d time.Duration, e Expr) {
	if e != nil {
		p.expr(e, false)
		return
	}
	p.str(FormatDuration(d))
}

// fills prints what stands in for missing series and reports whether anything
// does.
func (p *printer) fills(m *Matching) bool {
	l, r := m.FillLeft, m.FillRight
	put := func(name string, v float64) {
		p.str(" ", name, "(")
		p.expr(&Number{Value: v}, false)
		p.str(")")
	}
	switch {
	case l == nil && r == nil:
		return false
	case l != nil && r != nil && (*l == *r || *l != *l && *r != *r):
		put("fill", *l)
		return true
	}
	if l != nil {
		put("fill_left", *l)
	}
	if r != nil {
		put("fill_right", *r)
	}
	return true
}

func (p *printer) when(offset time.Duration, e Expr, at At) {
	switch at.Kind {
	case AtTime:
		p.str(" @ ", formatMillis(at.Time))
	case AtStart:
		p.str(" @ start()")
	case AtEnd:
		p.str(" @ end()")
	}
	switch e := e.(type) {
	case nil:
		if offset != 0 {
			p.str(" offset ", FormatDuration(offset))
		}
	case *Unary:
		p.str(" offset ", e.Op)
		p.operand(e.Expr, atomPrecedence, false)
	default:
		p.str(" offset ")
		p.operand(e, atomPrecedence, false)
	}
}

// formatMillis prints a time in seconds with three decimals at most.
func formatMillis(ms int64) string {
	return strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64)
}

func formatNumber(n *Number) string {
	if n.Duration {
		if d, ok := exactDuration(n.Value); ok {
			return FormatDuration(d)
		}
	}
	switch {
	case math.IsNaN(n.Value):
		return "NaN"
	case math.IsInf(n.Value, 1):
		return "Inf"
	case math.IsInf(n.Value, -1):
		return "-Inf"
	}
	return strconv.FormatFloat(n.Value, 'g', -1, 64)
}

// exactDuration returns the duration whose Seconds are v.
func exactDuration(v float64) (time.Duration, bool) {
	if !(math.Abs(v) < math.MaxInt64/float64(time.Second)) {
		return 0, false
	}
	// Whole seconds apart from the rest: a float64 holds both without loss
	// where it would not hold their sum in nanoseconds.
	sec, frac := math.Modf(v)
	for _, unit := range []float64{1e3, 1e6, 1e9} {
		d := time.Duration(sec)*time.Second + time.Duration(math.Round(frac*unit))*time.Duration(1e9/unit)
		if d.Seconds() == v {
			return d, true
		}
	}
	return 0, false
}

// Quote quotes a string so that parsing reads it back: in backquotes where
// that saves escapes, otherwise in double quotes.
func Quote(s string) string {
	if strings.ContainsAny(s, `\"`) && strconv.CanBackquote(s) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}

// isName reports whether a name can be written without quotes; colons are for
// metrics only.
func isName(s string, colons bool) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
		case i > 0 && '0' <= c && c <= '9':
		case i > 0 && colons && c == ':':
		default:
			return false
		}
	}
	return s != ""
}

// labelName prints a name for by(…) and on(…), where inf and nan would read
// as numbers.
func labelName(s string) string {
	if low := strings.ToLower(s); !isName(s, false) || low == "inf" || low == "nan" {
		return strconv.Quote(s)
	}
	return s
}
