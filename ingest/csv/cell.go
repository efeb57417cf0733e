package csv

import (
	"math"
	"strconv"
	"strings"

	"tidemark/storage/model"
)

const wantFinite = "want a finite number"

// parseCell reads a field's cell. The type is TypeNone where it has no value;
// reason says why the record is refused.
func parseCell(s string) (typ model.Type, bits uint64, reason string) {
	t := strings.TrimSpace(s)
	if t == "" {
		return model.TypeNone, 0, ""
	}
	switch c := t[0]; {
	case c-'0' <= 9 || c == '-' || c == '+' || c == '.':
		return parseNumber(t)
	case len(t) > len("infinity"):
	case strings.EqualFold(t, "nan"):
		return model.TypeNone, 0, ""
	case strings.EqualFold(t, "inf"), strings.EqualFold(t, "infinity"):
		return model.TypeNone, 0, wantFinite
	case strings.EqualFold(t, "true"):
		return model.TypeBool, 1, ""
	case strings.EqualFold(t, "false"):
		return model.TypeBool, 0, ""
	}
	return model.TypeText, 0, ""
}

// parseNumber reads a cell that begins like a number, and may turn out to be
// a date, an address or another text.
func parseNumber(s string) (typ model.Type, bits uint64, reason string) {
	integer := true
	for i := range len(s) {
		switch c := s[i]; {
		case c-'0' <= 9, i == 0 && (c == '-' || c == '+'):
		case c == '.', c == 'e', c == 'E', c == '-', c == '+':
			integer = false
		default:
			if rest := strings.TrimLeft(s, "+-"); strings.EqualFold(rest, "inf") || strings.EqualFold(rest, "infinity") {
				return model.TypeNone, 0, wantFinite
			} else if strings.EqualFold(rest, "nan") {
				return model.TypeNone, 0, ""
			}
			return model.TypeText, 0, ""
		}
	}
	if integer {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil && (i > 1<<53 || i < -1<<53) {
			return model.TypeInt, uint64(i), ""
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case err == nil:
		return model.TypeFloat, math.Float64bits(f), ""
	case math.IsInf(f, 0):
		return model.TypeNone, 0, wantFinite
	}
	return model.TypeText, 0, ""
}
