package exec

import (
	"errors"
	"slices"

	"tidemark/query/ast"
	"tidemark/query/histogram"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// isTrim reports whether an operator cuts a histogram: h </ 5 keeps the
// observations below 5, h >/ 5 those above.
func isTrim(op string) bool { return op == "</" || op == ">/" }

// Operations of histograms, as notes name them.
const (
	addition    = "addition"
	subtraction = "subtraction"
	aggregation = "aggregation"
)

// typeName is the type of a value, as notes name it.
func typeName(h *model.Histogram) string {
	if h != nil {
		return "histogram"
	}
	return "float"
}

// incompatible notes an operation on types that it does not take.
func (ev *evaluator) incompatible(n *plan.Binary, l, r *model.Histogram) {
	ev.info(beginning(n), "incompatible sample types encountered for binary operator %q: %s %s %s", n.Op, typeName(l), n.Op, typeName(r))
}

// beginning is where an expression begins in the text: of a binary operation
// the first operand.
func beginning(n plan.Node) ast.Pos {
	for {
		b, ok := n.(*plan.Binary)
		if !ok {
			return n.Position()
		}
		n = b.LHS
	}
}

// noteSum notes what a sum or difference of histograms found.
func (ev *evaluator) noteSum(n *plan.Binary, notes histogram.Notes, operation string) {
	pos := beginning(n)
	if notes.Collision {
		ev.warn(pos, "conflicting counter resets during histogram %s", operation)
	}
	if notes.Reconciled {
		ev.info(pos, "mismatched custom buckets were reconciled during %s", operation)
	}
}

// operate applies an operator to two values of which at least one is a
// histogram, or which are numbers to be trimmed. The result is a histogram, or
// for a comparison whether it holds; ok is false where there is none.
func (ev *evaluator) operate(n *plan.Binary, lv, rv float64, l, r *model.Histogram) (h *model.Histogram, holds, ok bool) {
	switch {
	case l == nil && r != nil && n.Op == "*":
		return histogram.Mul(r.Clone(), lv), true, true
	case l != nil && r == nil:
		switch n.Op {
		case "*":
			return histogram.Mul(l.Clone(), rv), true, true
		case "/":
			return histogram.Div(l.Clone(), rv), true, true
		case "</", ">/":
			return histogram.Trim(l.Clone(), rv, n.Op == "</"), true, true
		}
	case l != nil && r != nil:
		switch n.Op {
		case "+", "-":
			h, f, operation := l.Clone(), histogram.Add, addition
			if n.Op == "-" {
				f, operation = histogram.Sub, subtraction
			}
			notes, err := f(h, r)
			if errors.Is(err, histogram.ErrIncompatible) {
				ev.warn(beginning(n), "incompatible bucket layout encountered for binary operator %s", n.Op)
				return nil, false, false
			}
			if n.Op == "-" {
				h.Hint = model.Gauge
			}
			ev.noteSum(n, notes, operation)
			return h, true, true
		case "==", "!=":
			return l, l.Equal(r) == (n.Op == "=="), true
		}
	}
	ev.incompatible(n, l, r)
	return nil, false, false
}

// combineMixed computes the steps that out has already been given, where
// either side has histograms.
//
// It returns the steps at which there was something to compute, whether or not
// a comparison held: what cannot be combined is no match.
func (ev *evaluator) combineMixed(n *plan.Binary, out, l, r *Column) Bitmap {
	tried := slices.Clone(out.Present)
	op, cmp := arithmetic(n.Op), comparison(n.Op)
	out.Present.forEach(func(i int) {
		lh, rh := l.hist(i), r.hist(i)
		if lh == nil && rh == nil && !isTrim(n.Op) {
			switch {
			case op != nil:
				out.Values[i] = op(l.Values[i], r.Values[i])
			case n.Bool:
				out.Values[i] = truth(cmp(l.Values[i], r.Values[i]))
			case cmp(l.Values[i], r.Values[i]):
				out.Values[i] = l.Values[i]
			default:
				out.Present.Unset(i)
			}
			return
		}
		h, holds, ok := ev.operate(n, l.Values[i], r.Values[i], lh, rh)
		switch {
		case ok && n.Bool:
			out.Values[i] = truth(holds)
		case ok && holds:
			out.setHist(i, h)
		default:
			out.Present.Unset(i)
			if !ok {
				tried.Unset(i)
			}
		}
	})
	return tried
}

// emitWithScalarHists computes the histograms of a column's operation with a
// scalar, whose numbers are done, and emits what is left.
func (ev *evaluator) emitWithScalarHists(n *plan.Binary, c *Column, s []float64, swapped bool, emit func(*Column) error) error {
	if c.Hists == nil && !isTrim(n.Op) {
		return emit(c)
	}
	hists := c.Hists
	c.Hists = nil
	c.Present.forEach(func(i int) {
		var h *model.Histogram
		if hists != nil {
			h = hists[i]
		}
		if h == nil && !isTrim(n.Op) {
			return
		}
		l, r := h, (*model.Histogram)(nil)
		lv, rv := c.Values[i], s[i]
		if swapped {
			l, r, lv, rv = nil, h, s[i], c.Values[i]
		}
		out, holds, ok := ev.operate(n, lv, rv, l, r)
		switch {
		case ok && n.Bool:
			c.Values[i] = truth(holds)
		case ok && holds:
			c.setHist(i, out)
		default:
			c.Present.Unset(i)
		}
	})
	if c.Present.Empty() {
		ev.recycle(c)
		return nil
	}
	return emit(c)
}

// incompatibleScalar removes the histograms of a column that is compared with
// a scalar, and notes it.
func (ev *evaluator) incompatibleScalar(n *plan.Binary, c *Column, swapped bool) {
	for i, h := range c.Hists {
		if h == nil || !c.Present.Has(i) {
			continue
		}
		if swapped {
			ev.incompatible(n, nil, h)
		} else {
			ev.incompatible(n, h, nil)
		}
	}
	c.dropHists()
}
