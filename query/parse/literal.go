package parse

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"tidemark/query/ast"
)

// namedNumbers are the numbers written as words, in any case.
var namedNumbers = map[string]float64{"inf": math.Inf(1), "nan": math.NaN()}

// numberLen returns the length of the run that begins like a number: digits,
// letters, dots and underscores, and the sign of a decimal exponent.
func numberLen(s string) int {
	n := 0
	decimal := true // so far only digits, dots and underscores
	for n < len(s) {
		c := s[n]
		switch {
		case isDigit(c) || c == '.' || c == '_':
		case (c == 'e' || c == 'E') && decimal && n+2 < len(s) && (s[n+1] == '+' || s[n+1] == '-') && isDigit(s[n+2]):
			n++
			decimal = false
		case isLetter(c):
			decimal = false
		case strings.HasPrefix(s[n:], "µ") || strings.HasPrefix(s[n:], "μ"): // micro sign and mu, both two bytes
			n++
			decimal = false
		default:
			return n
		}
		n++
	}
	return n
}

// parseNumeric reads a number, a duration or a size.
func parseNumeric(s string) (Kind, Literal, error) {
	if f, ok := parseNumber(s); ok {
		return Number, Literal{Number: f}, nil
	}
	d, err := ast.ParseDuration(s)
	if err == nil {
		return Duration, Literal{Number: d.Seconds(), Nanos: int64(d)}, nil
	}
	if errors.Is(err, ast.ErrDurationRange) {
		return 0, Literal{}, err
	}
	if f, ok := parseBytes(s); ok {
		return Bytes, Literal{Number: f}, nil
	}
	return 0, Literal{}, fmt.Errorf("bad number or duration `%s`", s)
}

// parseNumber reads every form of number that PromQL has: 1, 1.5, .5, 1e3,
// 0x1F, 1_000, and as Prometheus a leading zero means octal.
func parseNumber(s string) (float64, bool) {
	if strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") {
		return 0, false
	}
	if strings.ContainsAny(s, "pP") { // a hexadecimal number with an exponent, as LogQL has it
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil && !strings.Contains(s, "_")
	}
	if i, err := strconv.ParseInt(s, 0, 64); err == nil {
		return float64(i), true
	}
	low := strings.ToLower(s)
	if strings.HasPrefix(low, "0x") || strings.HasPrefix(low, "0b") || strings.HasPrefix(low, "0o") {
		u, err := strconv.ParseUint(s, 0, 64) // beyond int64
		return float64(u), err == nil
	}
	if strings.Contains(s, "._") || strings.Contains(s, "_.") || strings.Contains(low, "_e") || strings.Contains(low, "e_") ||
		strings.Contains(low, "inf") || strings.Contains(low, "nan") {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	return f, err == nil
}

// parseBytes reads a size: a number with a unit of powers of 1000 (kB, MB …)
// or 1024 (KiB, MiB …), whose B may be missing where a prefix is there.
func parseBytes(s string) (float64, bool) {
	n := 0
	for n < len(s) && (isDigit(s[n]) || s[n] == '.') {
		n++
	}
	f, err := strconv.ParseFloat(s[:n], 64)
	if err != nil {
		return 0, false
	}
	unit := strings.TrimSuffix(strings.TrimSuffix(s[n:], "B"), "b")
	if unit == "" {
		return f, n < len(s)
	}
	base := 1000.0
	if strings.HasSuffix(unit, "i") {
		base = 1024
		unit = unit[:len(unit)-1]
	}
	power := strings.Index("kmgtpe", strings.ToLower(unit))
	if len(unit) != 1 || power < 0 {
		return 0, false
	}
	return f * math.Pow(base, float64(power+1)), true
}

// unquote reads the string literal at the start of s and returns its value
// and length; with an error, the length is the place of the fault. Escapes are
// those of Go, and either quote may be escaped in either kind of string.
func unquote(s string) (value string, n int, err error) {
	quote := s[0]
	if quote == '`' {
		end := strings.IndexByte(s[1:], '`')
		if end < 0 {
			return "", 0, errors.New("the string is never closed, expected a closing `")
		}
		value, n = s[1:1+end], end+2
		if i := invalidUTF8(value); i >= 0 {
			return "", 1 + i, fmt.Errorf("invalid UTF-8 byte 0x%02x in a string", value[i])
		}
		return value, n, nil
	}
	var b strings.Builder
	for i := 1; i < len(s); {
		switch c := s[i]; {
		case c == quote:
			return b.String(), i + 1, nil
		case c == '\n':
			return "", 0, fmt.Errorf("the string is not closed on its line, expected a closing %c", quote)
		case c == '\\':
			n, err := escape(&b, s[i:])
			if err != nil {
				return "", i, err
			}
			i += n
		case c < utf8.RuneSelf:
			b.WriteByte(c)
			i++
		default:
			r, w := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && w == 1 {
				return "", i, fmt.Errorf("invalid UTF-8 byte 0x%02x in a string", c)
			}
			b.WriteString(s[i : i+w])
			i += w
		}
	}
	return "", 0, fmt.Errorf("the string is never closed, expected a closing %c", quote)
}

func invalidUTF8(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, w := utf8.DecodeRuneInString(s[i:]); w == 1 {
				return i
			}
		}
	}
	return -1
}

// escape writes the value of the escape at the start of s and returns its
// length.
func escape(b *strings.Builder, s string) (int, error) {
	if len(s) < 2 {
		return 0, errors.New("the escape is not finished")
	}
	digits, base := 0, 16
	switch c := s[1]; c {
	case 'a', 'b', 'f', 'n', 'r', 't', 'v':
		b.WriteByte("\a\b\f\n\r\t\v"[strings.IndexByte("abfnrtv", c)])
		return 2, nil
	case '\\', '\'', '"':
		b.WriteByte(c)
		return 2, nil
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	case '0', '1', '2', '3', '4', '5', '6', '7':
		digits, base = 3, 8
	default:
		r, _ := utf8.DecodeRuneInString(s[1:])
		return 0, fmt.Errorf("unknown escape `\\%c`; in a regular expression write `\\\\%c` or use backquotes", r, r)
	}
	at := 2
	if base == 8 {
		at = 1
	}
	if len(s) < at+digits {
		return 0, errors.New("the escape is not finished")
	}
	v, err := strconv.ParseUint(s[at:at+digits], base, 32)
	if err != nil {
		return 0, fmt.Errorf("bad escape `%s`", s[:at+digits])
	}
	switch {
	case digits <= 3 && v > 255:
		return 0, fmt.Errorf("bad escape `%s`, it exceeds a byte", s[:at+digits])
	case digits <= 3:
		b.WriteByte(byte(v))
	case !utf8.ValidRune(rune(v)):
		return 0, fmt.Errorf("bad escape `%s`, not a Unicode character", s[:at+digits])
	default:
		b.WriteRune(rune(v))
	}
	return at + digits, nil
}
