package logpipe

import (
	"strconv"

	"tidemark/query/ast"
)

// unwrap makes a label or a field the row's value. A row without it is
// dropped. Filters behind it still see the label; the outcome has it only
// where it is grouped by it.
type unwrap struct {
	label string
	conv  func(string) (float64, error)
	plain bool
}

func compileUnwrap(st *ast.Unwrap) (stage, error) {
	u := &unwrap{label: st.Label}
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
	return true
}
