package logpipe

import (
	"slices"
	"strconv"

	"tidemark/query/ast"
)

// unwrap makes a label or a field the row's value and removes the label. A
// row without it is dropped.
type unwrap struct {
	label string
	conv  func(string) (float64, error)
	plain bool
	keep  bool
}

func compileUnwrap(st *ast.Unwrap, opts Options) (stage, error) {
	u := &unwrap{label: st.Label, keep: opts.Grouped && slices.Contains(opts.Only, st.Label)}
	switch st.Conv {
	case "":
		u.plain = true
		u.conv = func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }
	case "duration", "duration_seconds":
		u.conv = parseSeconds
	case "bytes":
		u.conv = parseBytes
	default:
		return nil, errorAt(st.Pos, "unknown conversion "+st.Conv+" of unwrap")
	}
	return u, nil
}

func (u *unwrap) run(r *row) bool {
	text, ok := r.get(u.label)
	field, isField := r.field(u.label)
	if !ok && isField {
		text = field.String()
	}
	if text == "" {
		return false
	}
	var err error
	if f, numeric := field.AsFloat(); isField && numeric && u.plain && (!ok || text == field.String()) {
		r.value = f
	} else if r.value, err = u.conv(text); err != nil {
		r.fail(ErrExtract, err.Error())
	}
	if ok && !u.keep {
		r.set(u.label, "")
	}
	return true
}
