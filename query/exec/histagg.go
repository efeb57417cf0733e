package exec

import (
	"tidemark/query/histogram"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// histGroup sums up the histograms of one group, by step.
type histGroup struct {
	sums []summing // nil where a step has none
	// bad are the steps at which histograms do not meet.
	bad Bitmap
}

// addHists takes the histograms out of a column: an aggregation that sums adds
// them to the group's, one that counts leaves them where they are, and others
// leave them out. numbers are the steps at which the group has a number already:
// whatever comes there, the step will have no value.
func (ev *evaluator) addHists(n *plan.Aggregate, hg *histGroup, numbers Bitmap, c *Column) *histGroup {
	pos := n.Expr.Position()
	switch n.Op {
	case "sum", "avg":
	case "count", "group":
		return nil
	default:
		if c.dropHists() {
			ev.info(pos, "ignored histogram in %s aggregation", n.Op)
		}
		return nil
	}
	if hg == nil {
		hg = &histGroup{sums: make([]summing, len(c.Values)), bad: NewBitmap(len(c.Values))}
	}
	for i, h := range c.Hists {
		if h == nil || !c.Present.Has(i) {
			continue
		}
		s := hg.sums[i]
		if s == nil && numbers.Has(i) && !hg.bad.Has(i) {
			hg.bad.Set(i)
			ev.warn(pos, mixedNote)
		}
		if hg.bad.Has(i) {
			continue
		}
		if s == nil {
			s = &histogram.Sum{}
			if n.Op == "avg" {
				s = &histogram.Mean{}
			}
			hg.sums[i] = s
		}
		if s.Add(h) != nil {
			hg.bad.Set(i)
			ev.warn(pos, "vector contains a mix of histograms with exponential and custom buckets schemas for metric name %q", c.Labels.Get(model.MetricName))
		}
	}
	c.dropHists()
	return hg
}

const mixedNote = "encountered a mix of histograms and floats for aggregation"

// histResult puts the sums of histograms beside those of numbers, which out
// has. Both at one step do not mix.
func (ev *evaluator) histResult(n *plan.Aggregate, hg *histGroup, out *Column) {
	pos := n.Expr.Position()
	for i, s := range hg.sums {
		switch {
		case hg.bad.Has(i):
			out.Present.Unset(i)
		case s == nil:
		case out.Present.Has(i):
			out.Present.Unset(i)
			ev.warn(pos, mixedNote)
		default:
			if s.Conflict() {
				ev.warn(pos, "conflicting counter resets during histogram %s", aggregation)
			}
			out.setHist(i, s.Value())
		}
		if s != nil && s.Mismatched() {
			ev.info(pos, "mismatched custom buckets were reconciled during %s", aggregation)
		}
	}
}
