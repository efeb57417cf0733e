package otlp

import (
	"slices"
	"strings"
)

// unitNames are full names of units by their UCUM codes.
var unitNames = map[string]string{
	"d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds",
	"By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes", "TiBy": "tibibytes",
	"KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes",
	"m": "meters", "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams",
	"Cel": "celsius", "Hz": "hertz", "1": "", "%": "percent",
}

// perNames are the names of units behind a slash.
var perNames = map[string]string{
	"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year",
}

func letterOrDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func words(s string, colon bool) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r >= 0x80 || !letterOrDigit(byte(r)) && !(colon && r == ':') })
}

// unitWord is the full name of one side of a unit, in the bytes that names
// may have.
func unitWord(unit string, names map[string]string) string {
	if unit = strings.TrimSpace(unit); strings.ContainsAny(unit, "{}") {
		return ""
	}
	if full, ok := names[unit]; ok {
		return full
	}
	return strings.Join(words(unit, true), "_")
}

// metricName makes the metric's name for Prometheus; it is empty where the
// original has no byte that a name may have.
func metricName(name, unit string, monotonic, gauge bool) string {
	parts := words(name, true)
	if len(parts) == 0 {
		return ""
	}
	add := func(w string) {
		if w != "" && !slices.Contains(parts, w) {
			parts = append(parts, w)
		}
	}
	main, per, _ := strings.Cut(unit, "/")
	add(unitWord(main, unitNames))
	if w := unitWord(per, perNames); w != "" {
		add("per_" + w)
	}
	last := func(w string) {
		parts = append(slices.DeleteFunc(parts, func(p string) bool { return p == w }), w)
	}
	if monotonic {
		last("total")
	}
	if gauge && unit == "1" {
		last("ratio")
	}
	out := strings.Join(parts, "_")
	if out[0] >= '0' && out[0] <= '9' {
		out = "_" + out
	}
	return out
}

// labelName makes the label's name of an attribute's; it is empty where the
// original has no byte that a name may have.
func labelName(name string) string {
	around := ""
	if n := len(name); n >= 4 && strings.HasPrefix(name, "__") && strings.HasSuffix(name, "__") {
		around, name = "__", name[2:n-2] // reserved names stay so
	}
	out := make([]byte, 0, len(name)+4)
	some := false
	for i := range len(name) {
		switch {
		case letterOrDigit(name[i]):
			out, some = append(out, name[i]), true
		case len(out) == 0 || out[len(out)-1] != '_':
			out = append(out, '_')
		}
	}
	if !some {
		return ""
	}
	if around == "" && out[0] >= '0' && out[0] <= '9' {
		return "key_" + string(out)
	}
	return around + string(out) + around
}
