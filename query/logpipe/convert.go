package logpipe

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"tidemark/storage/model"
)

// parseSeconds reads a duration such as 1.5s, 200ms or 1h30m in seconds.
func parseSeconds(s string) (float64, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, err // says what it wants
	}
	return d.Seconds(), nil
}

// sizes are the units of byte sizes: powers of 1000, and with an i of 1024.
var sizes = map[string]float64{
	"": 1, "b": 1,
	"k": 1e3, "kb": 1e3, "ki": 1 << 10, "kib": 1 << 10,
	"m": 1e6, "mb": 1e6, "mi": 1 << 20, "mib": 1 << 20,
	"g": 1e9, "gb": 1e9, "gi": 1 << 30, "gib": 1 << 30,
	"t": 1e12, "tb": 1e12, "ti": 1 << 40, "tib": 1 << 40,
	"p": 1e15, "pb": 1e15, "pi": 1 << 50, "pib": 1 << 50,
	"e": 1e18, "eb": 1e18, "ei": 1 << 60, "eib": 1 << 60,
}

// parseBytes reads a size such as 20MB, 1.5 KiB or 1,024 in whole bytes.
func parseBytes(s string) (float64, error) {
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.' || s[i] == ',') {
		i++
	}
	n, err := strconv.ParseFloat(strings.ReplaceAll(s[:i], ",", ""), 64)
	if err != nil {
		return 0, err
	}
	unit, ok := sizes[strings.ToLower(strings.TrimSpace(s[i:]))]
	if !ok {
		return 0, fmt.Errorf("unhandled size name: %v, want one such as MB", s[i:])
	}
	return math.Floor(n * unit), nil
}

// Number reads a value as a number: a field's own, a text as one, or converted as
// by unwrap (conv is then duration, duration_seconds or bytes).
func Number(v model.Value, conv string) (float64, error) {
	if conv == "" && v.Type.Numeric() {
		return model.BitsToFloat(v.Type, v.Bits), nil
	}
	switch conv {
	case "duration", "duration_seconds":
		return parseSeconds(v.String())
	case "bytes":
		return parseBytes(v.String())
	}
	return strconv.ParseFloat(v.String(), 64)
}

// Quantity reads a duration in seconds or a size in bytes, with their units.
func Quantity(s string) (float64, bool) {
	if f, err := parseSeconds(s); err == nil {
		return f, true
	}
	f, err := parseBytes(s)
	return f, err == nil
}
