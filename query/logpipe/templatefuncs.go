package logpipe

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode"
)

// templateFuncs are the functions of templates beside those that need the
// row. They are those of Loki: its own, and a choice of sprig's with sprig's
// order of arguments, which lets a value be piped in as the last one. Times
// are in UTC. What makes text is bounded by MaxFormatted.
var templateFuncs = template.FuncMap{
	"ToLower":    strings.ToLower,
	"ToUpper":    strings.ToUpper,
	"Replace":    func(s, old, to string, n int) (string, error) { return replaced(s, old, to, n) },
	"Trim":       strings.Trim,
	"TrimLeft":   strings.TrimLeft,
	"TrimRight":  strings.TrimRight,
	"TrimPrefix": strings.TrimPrefix,
	"TrimSuffix": strings.TrimSuffix,
	"TrimSpace":  strings.TrimSpace,

	"lower":      strings.ToLower,
	"upper":      strings.ToUpper,
	"title":      title,
	"trunc":      trunc,
	"substr":     substr,
	"contains":   func(part, s string) bool { return strings.Contains(s, part) },
	"hasPrefix":  func(part, s string) bool { return strings.HasPrefix(s, part) },
	"hasSuffix":  func(part, s string) bool { return strings.HasSuffix(s, part) },
	"indent":     indent,
	"nindent":    func(n int, s string) (string, error) { s, err := indent(n, s); return "\n" + s, err },
	"replace":    func(old, to, s string) (string, error) { return replaced(s, old, to, -1) },
	"repeat":     repeat,
	"trim":       strings.TrimSpace,
	"trimAll":    func(cut, s string) string { return strings.Trim(s, cut) },
	"trimSuffix": func(part, s string) string { return strings.TrimSuffix(s, part) },
	"trimPrefix": func(part, s string) string { return strings.TrimPrefix(s, part) },
	"alignLeft":  func(n int, s string) (string, error) { return align(n, s, false) },
	"alignRight": func(n int, s string) (string, error) { return align(n, s, true) },
	"urldecode":  url.QueryUnescape,
	"urlencode":  func(s string) (string, error) { return limited(url.QueryEscape(s)) },
	"b64enc":     func(s string) (string, error) { return limited(base64.StdEncoding.EncodeToString([]byte(s))) },
	"b64dec":     decodeBase64,
	"fromJson":   func(s string) (v any) { _ = json.Unmarshal([]byte(s), &v); return v },
	"default":    fallback,

	// What the language of templates has itself, within bounds.
	"printf":   printf,
	"print":    func(v ...any) (string, error) { return printed(fmt.Sprint, v) },
	"println":  func(v ...any) (string, error) { return printed(fmt.Sprintln, v) },
	"html":     func(v ...any) (string, error) { return printed(template.HTMLEscaper, v) },
	"js":       func(v ...any) (string, error) { return printed(template.JSEscaper, v) },
	"urlquery": func(v ...any) (string, error) { return printed(template.URLQueryEscaper, v) },

	"int":     func(v any) int { return int(toInt(v)) },
	"float64": toFloat,
	"add":     func(v ...any) (n int64) { return fold(0, v, func(a, b int64) int64 { return a + b }) },
	"sub":     func(a, b any) int64 { return toInt(a) - toInt(b) },
	"mul":     func(a any, v ...any) int64 { return fold(toInt(a), v, func(a, b int64) int64 { return a * b }) },
	"div":     func(a, b any) (int64, error) { return divide(toInt(a), toInt(b), false) },
	"mod":     func(a, b any) (int64, error) { return divide(toInt(a), toInt(b), true) },
	"addf":    func(v ...any) float64 { return exactly(0.0, v, (*big.Rat).Add) },
	"subf":    func(a any, v ...any) float64 { return exactly(a, v, (*big.Rat).Sub) },
	"mulf":    func(a any, v ...any) float64 { return exactly(a, v, (*big.Rat).Mul) },
	"divf":    divideFloats,
	"max":     func(a any, v ...any) int64 { return fold(toInt(a), v, func(a, b int64) int64 { return max(a, b) }) },
	"min":     func(a any, v ...any) int64 { return fold(toInt(a), v, func(a, b int64) int64 { return min(a, b) }) },
	"maxf":    func(a any, v ...any) float64 { return foldFloats(a, v, math.Max) },
	"minf":    func(a any, v ...any) float64 { return foldFloats(a, v, math.Min) },
	"ceil":    func(v any) float64 { return math.Ceil(toFloat(v)) },
	"floor":   func(v any) float64 { return math.Floor(toFloat(v)) },
	"round":   round,

	"bytes":            parseBytes,
	"duration":         parseSeconds,
	"duration_seconds": parseSeconds,

	"now":             func() time.Time { return time.Now().UTC() },
	"date":            func(layout string, t any) string { return toTime(t).Format(layout) },
	"toDate":          func(layout, s string) time.Time { t, _ := time.Parse(layout, s); return t },
	"toDateInZone":    toDateInZone,
	"unixToTime":      unixToTime,
	"unixEpoch":       func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) },
	"unixEpochMillis": func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) },
	"unixEpochNanos":  func(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) },
}

// regexps remembers compiled expressions of one template.
type regexps map[string]*regexp.Regexp

const maxRegexps = 64

func (m *regexps) get(s string) (*regexp.Regexp, error) {
	if re := (*m)[s]; re != nil {
		return re, nil
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, err
	}
	if *m == nil {
		*m = regexps{}
	}
	if len(*m) < maxRegexps {
		(*m)[s] = re
	}
	return re, nil
}

func limited(s string) (string, error) {
	if len(s) > MaxFormatted {
		return "", errTooMuchText
	}
	return s, nil
}

// roomFor refuses n pieces of so many bytes.
func roomFor(n, bytes int) error {
	if n > 0 && bytes > 0 && n > MaxFormatted/bytes {
		return errTooMuchText
	}
	return nil
}

// printed prints values whose texts are not too long together.
func printed(print func(...any) string, vs []any) (string, error) {
	if err := fits(vs, 0); err != nil {
		return "", err
	}
	return limited(print(vs...))
}

// printf is Sprintf with bounds on widths as well.
func printf(format string, vs ...any) (string, error) {
	width, run := len(format), 0
	for i := range len(format) {
		if c := format[i]; c >= '0' && c <= '9' && run < MaxFormatted {
			run = 10*run + int(c-'0')
			continue
		}
		width, run = width+run, 0
	}
	for _, v := range vs {
		if n, ok := v.(int); ok && strings.Contains(format, "*") {
			width += min(max(n, -n), MaxFormatted)
		}
	}
	if err := fits(vs, width); err != nil {
		return "", err
	}
	return limited(fmt.Sprintf(format, vs...))
}

func fits(vs []any, n int) error {
	for _, v := range vs {
		if s, ok := v.(string); ok {
			n += len(s)
		}
	}
	if n > MaxFormatted {
		return errTooMuchText
	}
	return nil
}

func replaced(s, old, to string, n int) (string, error) {
	if err := roomFor(strings.Count(s, old), len(to)); err != nil {
		return "", err
	}
	return limited(strings.Replace(s, old, to, n))
}

func repeat(n int, s string) (string, error) {
	if n < 0 {
		return "", errors.New("repeat: negative count")
	}
	if err := roomFor(n, len(s)); err != nil {
		return "", err
	}
	return strings.Repeat(s, n), nil
}

func indent(n int, s string) (string, error) {
	if n < 0 {
		return "", errors.New("indent: negative count")
	}
	if err := roomFor(strings.Count(s, "\n")+1, n); err != nil {
		return "", err
	}
	pad := strings.Repeat(" ", n)
	return limited(pad + strings.ReplaceAll(s, "\n", "\n"+pad))
}

// align cuts a text to n characters or fills it up with blanks.
func align(n int, s string, right bool) (string, error) {
	runes := []rune(s)
	pad := n - len(runes)
	switch {
	case n < 0 || pad == 0:
		return s, nil
	case pad < 0 && right:
		return string(runes[-pad:]), nil
	case pad < 0:
		return string(runes[:n]), nil
	case pad > MaxFormatted:
		return "", errTooMuchText
	case right:
		return limited(strings.Repeat(" ", pad) + s)
	}
	return limited(s + strings.Repeat(" ", pad))
}

// title makes the first letter of every word a capital one.
func title(s string) string {
	within := false
	return strings.Map(func(c rune) rune {
		letter := unicode.IsLetter(c) || unicode.IsDigit(c) || c == '_' || c == '\''
		first := letter && !within
		within = letter
		if first {
			return unicode.ToTitle(c)
		}
		return c
	}, s)
}

// trunc keeps the first n bytes, or the last ones where n is negative.
func trunc(n int, s string) string {
	switch {
	case n < 0 && len(s)+n > 0:
		return s[len(s)+n:]
	case n >= 0 && len(s) > n:
		return s[:n]
	}
	return s
}

func substr(start, end int, s string) (string, error) {
	if start < 0 {
		start = 0
	}
	if end < 0 || end > len(s) {
		end = len(s)
	}
	if start > end {
		return "", fmt.Errorf("substr: want start <= end <= %d, got %d and %d", len(s), start, end)
	}
	return s[start:end], nil
}

func decodeBase64(s string) string {
	if n := len(s) % 4; n > 1 {
		s += strings.Repeat("=", 4-n)
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// fallback returns its second argument, or the first where that is empty.
func fallback(d any, given ...any) any {
	if len(given) == 0 || given[0] == nil {
		return d
	}
	switch v := reflect.ValueOf(given[0]); v.Kind() {
	case reflect.Struct: // a time
	case reflect.Slice, reflect.Map, reflect.String, reflect.Array:
		if v.Len() == 0 {
			return d
		}
	default:
		if v.IsZero() {
			return d
		}
	}
	return given[0]
}

// toInt reads any value as an integer: texts as Go writes numbers, with a
// fraction of zeros; what is no number is 0.
func toInt(v any) int64 {
	switch v := v.(type) {
	case string:
		if head, frac, ok := strings.Cut(v, "."); ok && strings.Trim(frac, "0") == "" {
			v = head
		}
		if n, err := strconv.ParseInt(v, 0, 64); err == nil {
			return n
		}
		n, _ := strconv.ParseInt(v, 10, 64)
		return n
	case bool:
		if v {
			return 1
		}
		return 0
	}
	switch r := reflect.ValueOf(v); {
	case !r.IsValid():
		return 0
	case r.CanInt():
		return r.Int()
	case r.CanUint():
		return int64(r.Uint())
	case r.CanFloat():
		return int64(r.Float())
	}
	return 0
}

// toFloat reads any value as a number; what is none is 0.
func toFloat(v any) float64 {
	switch v := v.(type) {
	case string:
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return 0
		}
		return f
	case float64:
		return v
	case float32:
		return float64(v)
	}
	return float64(toInt(v))
}

func fold(n int64, vs []any, f func(a, b int64) int64) int64 {
	for _, v := range vs {
		n = f(n, toInt(v))
	}
	return n
}

func foldFloats(a any, vs []any, f func(a, b float64) float64) float64 {
	n := toFloat(a)
	for _, v := range vs {
		n = f(n, toFloat(v))
	}
	return n
}

// exactly calculates in decimal, so that 0.1 + 0.2 is 0.3.
func exactly(a any, vs []any, f func(z, a, b *big.Rat) *big.Rat) float64 {
	n, ok := decimal(toFloat(a))
	for _, v := range vs {
		m, fine := decimal(toFloat(v))
		if ok = ok && fine; ok {
			f(n, n, m)
		}
	}
	if !ok {
		return math.NaN()
	}
	out, _ := n.Float64()
	return out
}

// decimal returns a number as its shortest decimal says it.
func decimal(f float64) (*big.Rat, bool) {
	return new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
}

func divide(a, b int64, rest bool) (int64, error) {
	switch {
	case b == 0:
		return 0, errors.New("integer divide by zero")
	case rest:
		return a % b, nil
	}
	return a / b, nil
}

func divideFloats(a any, vs ...any) (float64, error) {
	for _, v := range vs {
		if toFloat(v) == 0 {
			return 0, errors.New("decimal division by 0")
		}
	}
	return exactly(a, vs, (*big.Rat).Quo), nil
}

// round rounds half away from zero, or from a fraction given last.
func round(a any, places int, from ...float64) float64 {
	half := 0.5
	if len(from) > 0 {
		half = from[0]
	}
	scale := math.Pow(10, float64(places))
	whole, frac := math.Modf(scale * toFloat(a))
	if frac >= half {
		whole++
	} else if frac <= -half {
		whole--
	}
	return whole / scale
}

// toTime reads a time, or a number of Unix seconds.
func toTime(v any) time.Time {
	switch v := v.(type) {
	case time.Time:
		return v.UTC()
	case *time.Time:
		if v != nil {
			return v.UTC()
		}
	case int64, int, int32:
		return time.Unix(toInt(v), 0).UTC()
	}
	return time.Now().UTC()
}

func toDateInZone(layout, zone, s string) time.Time {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	t, _ := time.ParseInLocation(layout, s, loc)
	return t
}

// unixToTime reads an epoch in days, seconds, milliseconds, microseconds or
// nanoseconds, told apart by the number of digits.
func unixToTime(s string) (time.Time, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil {
		switch len(s) {
		case 5:
			return time.Unix(n*86400, 0).UTC(), nil
		case 10:
			return time.Unix(n, 0).UTC(), nil
		case 13:
			return time.UnixMilli(n).UTC(), nil
		case 16:
			return time.UnixMicro(n).UTC(), nil
		case 19:
			return time.Unix(0, n).UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("unable to parse time '%s': want an epoch of 5, 10, 13, 16 or 19 digits", s)
}
