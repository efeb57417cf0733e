package jsonlines

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"tidemark/ingest"
	"tidemark/storage/model"
)

// plan says what the leaves of a record become. It is immutable and shared by
// all records of the same signature and names.
type plan struct {
	time     int // index of the leaf that is the time, or -1
	timeName string
	labels   []planLabel // sorted by name
	types    []model.Type
	layout   *ingest.Layout
}

type planLabel struct {
	name string
	leaf int
}

// findPlan finds or makes the plan of the leaves read; the reason says why
// records of this form are refused.
func (r *Rows) findPlan() (*plan, string) {
	r.key = append(append(r.key[:0], r.request...), r.sig...)
	if pl, ok := r.d.plans.Get(r.key); ok {
		return pl, ""
	}
	pl, size, reason := r.newPlan()
	if reason != "" {
		return nil, reason
	}
	return r.d.plans.Put(r.key, pl, size), ""
}

func (r *Rows) newPlan() (pl *plan, size int64, reason string) {
	lim := &r.d.opts.Limits
	n := len(r.leaves)
	pl = &plan{time: -1, types: make([]model.Type, n)}
	fields := make([]ingest.Field, n)
	last := make(map[string]int, n)
	sig := r.sig
	for i := range fields {
		length, w := binary.Uvarint(sig)
		name := string(sig[w : w+int(length)])
		fields[i] = ingest.Field{Name: name, Type: model.Type(sig[w+int(length)])}
		sig = sig[w+int(length)+1:]
		last[name] = i
		size += 2*int64(len(name)) + 150
	}
	// take finds a name and takes its leaf from the fields.
	take := func(name string) (leaf int, ok bool) {
		i, ok := last[name]
		if !ok || fields[i].Type == model.TypeNone {
			return 0, false
		}
		fields[i].Type = model.TypeNone
		return i, true
	}
	for i := range fields {
		if last[fields[i].Name] != i {
			fields[i].Type = model.TypeNone
		}
	}
	for _, name := range r.p.IgnoreFields {
		take(name)
	}
	for _, name := range r.p.TimeFields {
		if i, ok := take(name); ok {
			pl.time, pl.timeName = i, name
			break
		}
	}
	for _, name := range r.p.StreamFields {
		if i, ok := take(name); ok {
			pl.labels = append(pl.labels, planLabel{name, i})
		}
	}
	if len(pl.labels) > lim.MaxLabels {
		return nil, 0, fmt.Sprintf("%d labels: want at most %d (MaxLabels)", len(pl.labels), lim.MaxLabels)
	}
	slices.SortFunc(pl.labels, func(a, b planLabel) int { return strings.Compare(a.name, b.name) })
	line := ingest.NoLine
	for _, name := range r.p.MessageFields {
		if i, ok := take(name); ok {
			line, fields[i].Type = i, model.TypeText
			break
		}
	}
	some := line != ingest.NoLine
	for i := range fields {
		if i == line || fields[i].Type == model.TypeNone {
			continue
		}
		some = true
		if reason := lim.CheckLogField(fields[i].Name); reason != "" {
			return nil, 0, reason
		}
	}
	if !some {
		return nil, 0, "no message and no field: want at least one beside time and stream fields"
	}
	for i := range fields {
		pl.types[i] = fields[i].Type
	}
	pl.layout = r.d.opts.NewLogLayout(fields, line, r.d.metric)
	return pl, size + 300, ""
}
