package storagetest

import (
	"math"

	"tidemark/storage/model"
)

// Delete returns what is left of a batch after a deletion: a store that had
// got that instead answers as one that deleted, but for the labels it lists.
func Delete(b *model.Batch, d *model.Deletion) *model.Batch {
	out := &model.Batch{}
	rows := b.Rows()
	for i := range rows {
		r := &rows[i]
		sc := r.Schema
		keep := func(model.Column) bool { return true }
		if r.Time >= d.Mint && r.Time <= d.Maxt {
			if sc.Kind == model.LogRow {
				if d.DeletesLogs(r.Stream.Labels) {
					continue
				}
			} else {
				keep = func(c model.Column) bool {
					return c.Type == model.TypeStart || !d.DeletesMetric(c.Name, r.Stream.Labels)
				}
			}
		}
		left := &model.Schema{Kind: sc.Kind}
		values := 0
		for _, c := range sc.Columns {
			if keep(c) {
				left.Columns = append(left.Columns, c)
				if c.Type != model.TypeStart {
					values++
				}
			}
		}
		if values == 0 {
			continue
		}
		if len(left.Columns) == len(sc.Columns) {
			left = sc
		}
		out.Begin(r.Stream, left, r.Time)
		for c, w := range b.Words(r) {
			if !keep(sc.Columns[c]) {
				continue
			}
			switch sc.Columns[c].Type {
			case model.TypeFloat:
				out.Float(math.Float64frombits(w))
			case model.TypeInt, model.TypeStart:
				out.Int(int64(w))
			case model.TypeBool:
				out.Bool(w != 0)
			default:
				out.Text(b.TextOf(w))
			}
		}
	}
	return out
}

// Deletion draws a deletion.
func (g *Generator) Deletion() model.Deletion {
	d := model.Deletion{Scope: model.Scope(g.Rand.Intn(3))}
	d.Mint, d.Maxt = g.Range()
	for d.Check() != nil {
		d.Selectors = nil
		for range 1 + g.Rand.Intn(2) {
			d.Selectors = append(d.Selectors, g.Matchers())
		}
	}
	return d
}
