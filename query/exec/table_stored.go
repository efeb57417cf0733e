package exec

import (
	"context"

	"tidemark/storage/model"
)

// fillStored makes the table of what the store counts and adds up, one question
// for each field and one where rows are counted; ok is false where the store
// cannot, or a function needs the rows.
func (t *table) fillStored(ctx context.Context, rr *rowReader) (ok bool, err error) {
	var fields []string // "" for the count of rows
	at := map[string][]int{}
	for f := range t.n.Funcs {
		fn := &t.n.Funcs[f]
		if _, ok := newCell(fn).(storedCell); !ok || fn.Conv != "" || fn.Func == "count" && fn.Field != "" || fn.Field != "" && reserved(fn.Field) {
			return false, nil
		}
		if at[fn.Field] == nil {
			fields = append(fields, fn.Field)
		}
		at[fn.Field] = append(at[fn.Field], f)
	}
	held := 0
	for _, field := range fields {
		q := t.ev.counting(rr, t.win)
		if q == nil {
			return false, nil
		}
		q.c.Number = field
		for _, f := range at[field] {
			_, values := newCell(&t.n.Funcs[f]).(*quantileCell)
			q.c.Numbers = q.c.Numbers || values
		}
		ok, err := q.run(ctx, func(rc *model.RowCount) error {
			g, err := t.group(q.labels(rc))
			if err != nil || g == nil {
				return err
			}
			for k, n := range rc.Rows {
				for step := q.first[k]; n > 0 && step <= q.last[k]; step++ {
					for _, f := range at[field] {
						g.cellAt(t, f, step).(storedCell).merge(rc, k)
						if q.c.Numbers {
							held += len(rc.Numbers[k])
							if err := t.ev.hold(len(rc.Numbers[k])); err != nil {
								return err
							}
						}
					}
				}
			}
			return nil
		})
		if !ok || err != nil {
			t.ev.release(held)
			t.groups = nil
			clear(t.byKey)
			return false, err
		}
	}
	return true, nil
}
