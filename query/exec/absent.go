package exec

import (
	"context"

	"tidemark/query/plan"
	"tidemark/storage/model"
)

// absentLabels returns the labels that a selector asks for by equality once
// and for all: those that a missing series would certainly have.
func absentLabels(n plan.Node) model.Labels {
	var ms []*model.Matcher
	switch n := n.(type) {
	case *plan.Select:
		ms = n.Matchers
	case *plan.SelectLogs:
		ms = n.Matchers
	}
	times := map[string]int{}
	for _, m := range ms {
		times[m.Name]++
	}
	var ls []model.Label
	for _, m := range ms {
		if m.Type == model.MatchEqual && times[m.Name] == 1 && m.Name != model.MetricName {
			ls = append(ls, model.Label{Name: m.Name, Value: m.Value})
		}
	}
	return model.NewLabels(ls...)
}

// emitAbsent emits 1 at the steps that are not in the set.
func (ev *evaluator) emitAbsent(ls model.Labels, present Bitmap, g Grid, emit func(*Column) error) error {
	col, err := ev.newColumn(ls, g.Len())
	if err != nil {
		return err
	}
	col.fill(1)
	col.Present.AndNot(present)
	if col.Present.Empty() {
		ev.recycle(col)
		return nil
	}
	return emit(col)
}

// absent is absent(v): 1 at steps at which v has no series.
func absent(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
	present := NewBitmap(g.Len())
	err := ev.each(ctx, call.Args[0], g, func(c *Column) error {
		present.Or(c.Present)
		ev.recycle(c)
		return nil
	})
	if err != nil {
		return err
	}
	return ev.emitAbsent(absentLabels(call.Args[0]), present, g, emit)
}

// absentOverTime is absent_over_time(r): 1 at steps whose window is empty.
func absentOverTime(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
	present := NewBitmap(g.Len())
	err := ev.eachRange(ctx, call.Args[0], g, func(sl *slider, s *rangeSeries) error {
		for i := range sl.steps {
			if sl.lo[i] < sl.hi[i] {
				present.Set(i)
			}
		}
		if s.hist != nil {
			s.hist.seek(sl)
			for i := range sl.steps {
				if s.hist.lo[i] < s.hist.hi[i] {
					present.Set(i)
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return ev.emitAbsent(absentLabels(call.Args[0]), present, g, emit)
}
