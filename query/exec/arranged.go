package exec

import (
	"context"
	"slices"

	"tidemark/query/ast"
	"tidemark/query/plan"
	"tidemark/storage/model"
)

// sortNames are the labels and fields by which rows are sorted.
func sortNames(n *plan.Arranged) []string {
	var names []string
	for _, st := range n.Stages {
		if s, ok := st.(*ast.Sort); ok {
			for _, k := range s.Keys {
				names = append(names, k.Name)
			}
		}
	}
	return names
}

// arrangedRows answers a log query with sort and limit stages. Each stage keeps
// the first rows of its order, and the answer has as many as the request allows
// at most. Rows that are equal in what they are sorted by stay in the direction
// of the request.
func (ev *evaluator) arrangedRows(ctx context.Context, n *plan.Arranged) ([]LogStream, error) {
	stages := n.Stages
	// A stage is an order, and how many rows of it are kept.
	next := func() (keys []ast.SortKey, limit int) {
		limit = int(min(ev.MaxRows, 1<<30))
		if s, ok := stages[0].(*ast.Sort); ok {
			keys, stages = s.Keys, stages[1:]
		}
		for len(stages) > 0 {
			l, ok := stages[0].(*ast.Limit)
			if !ok {
				return keys, limit
			}
			limit, stages = min(limit, l.N), stages[1:]
		}
		return keys, min(limit, ev.Limit)
	}
	all := &topRows{backward: ev.Direction == model.Backward}
	all.keys, all.limit = next()
	values := len(all.keys)
	if err := ev.firstRows(ctx, n.Logs, all); err != nil {
		return nil, err
	}
	all.prune()
	sorted := all.keys != nil
	for len(stages) > 0 {
		keys, limit := next()
		offset := values // the values of rows are those of all keys in order
		values += len(keys)
		slices.SortStableFunc(all.rows, func(a, b heldRow) int {
			for k := range keys {
				if d := compareValues(a.values[offset+k], b.values[offset+k], keys[k].Desc); d != 0 {
					return d
				}
			}
			return 0
		})
		all.rows = all.rows[:min(len(all.rows), limit)]
		sorted = true
	}
	if !sorted {
		return all.streams(ev.Categorize), nil
	}
	return all.inOrder(ev.Categorize), nil
}

// inOrder returns rows in their order: a stream comes again where rows of others
// lie between.
func (t *topRows) inOrder(categorize bool) []LogStream {
	var out []LogStream
	last := ""
	for i := range t.rows {
		key, labels, e := t.rows[i].entry(categorize)
		if len(out) == 0 || key != last {
			out = append(out, LogStream{Labels: labels})
			last = key
		}
		s := &out[len(out)-1]
		s.Entries = append(s.Entries, e)
	}
	return out
}
