package render

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// number prints a value in full: the shortest digits that read back the same,
// without an exponent where that stays short.
func number(v float64) string {
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.FormatFloat(v, format, -1, 64)
}

// short prints a value in at most seven characters for an axis or a legend:
// three significant digits and a decimal prefix.
func short(v float64) string {
	a := math.Abs(v)
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0) || v == 0:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case a >= 1e15 || a < 1e-4:
		return strconv.FormatFloat(v, 'e', 1, 64)
	}
	unit := ""
	for _, u := range []struct {
		size float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if a >= u.size*0.9995 {
			v, unit = v/u.size, u.name
			break
		}
	}
	digits := 2
	switch a = math.Abs(v); {
	case a >= 99.95:
		digits = 0
	case a >= 9.995:
		digits = 1
	case a < 0.01:
		digits = 5
	case a < 0.1:
		digits = 4
	case a < 1:
		digits = 3
	}
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if digits > 0 {
		for s[len(s)-1] == '0' {
			s = s[:len(s)-1]
		}
		if s[len(s)-1] == '.' {
			s = s[:len(s)-1]
		}
	}
	return s + unit
}

// milli prints Unix milliseconds as UTC, with a fraction only where there is
// one.
func milli(ms int64) string { return stamp(time.UnixMilli(ms)) }

// nano does the same for Unix nanoseconds.
func nano(ns int64) string { return stamp(time.Unix(0, ns)) }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999999Z07:00") }

// width is the number of characters of a text; those of double width and
// combining ones are not told apart.
func width(s string) int { return utf8.RuneCountInString(s) }

// visible replaces what would move a terminal's cursor or change its state.
func visible(s string) string {
	clean := true
	for _, r := range s {
		if control(r) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	out := make([]rune, 0, len(s))
	for _, r := range s {
		switch {
		case r == '\t':
			out = append(out, ' ')
		case r == '\n':
			out = append(out, '⏎')
		case control(r):
			out = append(out, '\uFFFD')
		default:
			out = append(out, r)
		}
	}
	return string(out)
}

func control(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }
