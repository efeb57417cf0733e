package demo

import (
	"tidemark/storage/model"
)

// part is a share of the estate that is generated and written on its own.
type part interface {
	// name identifies the part in the store; it never changes.
	name() string
	// step advances the part by one minute, which must be the one after the
	// last, and adds the minute's rows to b, or to nothing where b is nil.
	// Rows have times from the minute's first nanosecond to its last.
	step(minute int64, b *model.Batch)
}

// partNames are the parts of the estate, in order.
var partNames = []string{"hosts-a", "hosts-b", "services", "logs"}

// newParts builds the estate at its first minute.
func newParts(seed uint64, t *timetable, logWeeks int) []part {
	list := newHosts(seed, t)
	half := len(list) / 2
	return []part{
		&hosts{partNames[0], t, list[:half]},
		&hosts{partNames[1], t, list[half:]},
		newServiceMetrics(seed, t),
		newLogs(seed, t, logWeeks),
	}
}

// appendRows copies the rows of src whose time lies in [from, to) to dst.
func appendRows(dst, src *model.Batch, from, to int64) {
	rows := src.Rows()
	for i := range rows {
		r := &rows[i]
		if r.Time < from || r.Time >= to {
			continue
		}
		words := src.Words(r)
		dst.Begin(r.Stream, r.Schema, r.Time)
		for c := range r.Schema.Columns {
			v := model.Value{Type: r.Schema.Columns[c].Type, Bits: words[c]}
			switch v.Type {
			case model.TypeText:
				dst.Text(src.TextOf(words[c]))
			case model.TypeFloat:
				f, _ := v.AsFloat()
				dst.Float(f)
			default:
				dst.Int(int64(words[c]))
			}
		}
	}
}
