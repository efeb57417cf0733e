package server

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/valyala/fasthttp"
)

// maxQueryPoints is how many outputs per series a range query may ask for, as
// in Prometheus and Loki.
const maxQueryPoints = 11000

// params reads a request's parameters: the form in the body first, then the
// URL's. What it returns is copied and may be kept.
type params struct{ ctx *fasthttp.RequestCtx }

// get returns the first value of a parameter, or "".
func (p params) get(name string) string {
	if v := p.ctx.PostArgs().Peek(name); len(v) > 0 {
		return string(v)
	}
	return string(p.ctx.QueryArgs().Peek(name))
}

// url returns the first value of a parameter of the URL, or "".
func (p params) url(name string) string { return string(p.ctx.QueryArgs().Peek(name)) }

// all returns every value of the named parameters.
func (p params) all(names ...string) []string {
	var out []string
	for _, n := range names {
		for _, v := range p.ctx.PostArgs().PeekMulti(n) {
			out = append(out, string(v))
		}
		for _, v := range p.ctx.QueryArgs().PeekMulti(n) {
			out = append(out, string(v))
		}
	}
	return out
}

// query returns a query's text, which must be there and be UTF-8.
func (p params) query() (string, error) {
	q := p.get("query")
	if strings.TrimSpace(q) == "" {
		return "", badParam("query", errors.New("is empty: want an expression"))
	}
	if !utf8.ValidString(q) {
		return "", badParam("query", errors.New("is not valid UTF-8"))
	}
	return q, nil
}

// limit returns a non-negative whole number, or def where the parameter is
// absent.
func (p params) limit(name string, def int) (int, error) {
	v := p.get(name)
	if v == "" {
		return def, nil
	}
	n, err := strconv.ParseUint(v, 10, 31)
	if err != nil {
		return 0, badParam(name, fmt.Errorf("cannot parse %q: want a whole number from 0 to %d", v, math.MaxInt32))
	}
	return int(n), nil
}

// duration returns a duration, or 0 where the parameter is absent. What is
// given must be positive.
func (p params) duration(name string) (time.Duration, error) {
	v := p.get(name)
	if v == "" {
		return 0, nil
	}
	d, err := parseDuration(v)
	if err != nil {
		return 0, badParam(name, err)
	}
	if d <= 0 {
		return 0, badParam(name, fmt.Errorf("%q is not positive", v))
	}
	return d, nil
}

// timeFormat reads a time in Unix nanoseconds.
type timeFormat func(string) (int64, error)

// time returns a time, or def where the parameter is absent.
func (p params) time(name string, format timeFormat, def int64) (int64, error) {
	v := p.get(name)
	if v == "" {
		return def, nil
	}
	t, err := format(v)
	if err != nil {
		return 0, badParam(name, err)
	}
	return t, nil
}

// needTime is time for a parameter that must be there.
func (p params) needTime(name string, format timeFormat) (int64, error) {
	t, err := format(p.get(name))
	if err != nil {
		return 0, badParam(name, err)
	}
	return t, nil
}

func badParam(name string, err error) error {
	return &apiError{status: 400, kind: kindBadData, msg: fmt.Sprintf("invalid parameter %q: %s", name, err), cause: err}
}

// The texts by which Prometheus's clients name the ends of time.
const (
	promMinTime = "-292273086-05-16T16:47:06Z"
	promMaxTime = "292277025-08-18T07:12:54.999999999Z"
)

// parsePromTime reads Unix seconds, whole or fractional, or RFC 3339. As in
// Prometheus a fraction is rounded to milliseconds. Times outside the years
// 1677 to 2262, which int64 nanoseconds cannot hold, are refused.
func parsePromTime(s string) (int64, error) {
	switch s {
	case promMinTime:
		return math.MinInt64, nil
	case promMaxTime:
		return math.MaxInt64, nil
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		sec, frac := math.Modf(f)
		return nanos(s, sec, math.Round(frac*1000)*1e6)
	}
	return parseRFC3339(s)
}

// parseLokiTime reads Unix nanoseconds (a whole number of more than ten
// digits), Unix seconds (a shorter one, or one with a point or an exponent)
// or RFC 3339, as Loki does.
func parseLokiTime(s string) (int64, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if len(strings.TrimLeft(s, "+-")) > 10 {
			return n, nil
		}
		return nanos(s, float64(n), 0)
	} else if errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("cannot parse %q to a valid timestamp: beyond the years 1677 to 2262", s)
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		sec, frac := math.Modf(f)
		return nanos(s, sec, math.Round(frac*1e9))
	}
	return parseRFC3339(s)
}

// nanos joins seconds and nanoseconds, both whole and of one sign.
func nanos(text string, sec, ns float64) (int64, error) {
	const most = math.MaxInt64 / 1e9 // exact enough: the edge itself is refused
	if math.IsNaN(sec) || sec <= -most+1 || sec >= most-1 {
		return 0, fmt.Errorf("cannot parse %q to a valid timestamp: beyond the years 1677 to 2262", text)
	}
	return int64(sec)*1e9 + int64(ns), nil
}

func parseRFC3339(s string) (int64, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0, fmt.Errorf("cannot parse %q to a valid timestamp", s)
	}
	n := t.UnixNano()
	if !time.Unix(0, n).Equal(t) {
		return 0, fmt.Errorf("cannot parse %q to a valid timestamp: beyond the years 1677 to 2262", s)
	}
	return n, nil
}

// durationUnits are the units of a duration, largest first, which is the
// order they must be written in.
var durationUnits = []struct {
	name string
	unit time.Duration
}{
	{"y", 365 * 24 * time.Hour}, {"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour},
	{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond},
}

// parseDuration reads seconds, whole or fractional, or a duration such as
// 1h30m with the units y w d h m s ms, each at most once and in this order.
func parseDuration(s string) (time.Duration, error) {
	bad := func(why string) (time.Duration, error) {
		return 0, fmt.Errorf("cannot parse %q to a valid duration: %s", s, why)
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		ns := f * 1e9
		if math.IsNaN(ns) || ns >= math.MaxInt64 || ns <= math.MinInt64 {
			return bad("beyond 292 years")
		}
		return time.Duration(math.Round(ns)), nil
	}
	rest, total, next := s, time.Duration(0), 0
	for rest != "" {
		digits := 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil {
			return bad("want seconds or a duration such as 1h30m")
		}
		rest = rest[digits:]
		letters := 0
		for letters < len(rest) && rest[letters] >= 'a' && rest[letters] <= 'z' {
			letters++
		}
		name := rest[:letters]
		rest = rest[letters:]
		i := next
		for i < len(durationUnits) && durationUnits[i].name != name {
			i++
		}
		if i == len(durationUnits) {
			return bad("want the units y w d h m s ms, each at most once and in this order")
		}
		unit := durationUnits[i].unit
		if n > int64((math.MaxInt64-total)/unit) {
			return bad("beyond 292 years")
		}
		total += time.Duration(n) * unit
		next = i + 1
	}
	if s == "" {
		return bad("it is empty")
	}
	return total, nil
}

// span is what a range query asks for.
type span struct {
	start, end int64 // Unix nanoseconds, inclusive
	step       time.Duration
}

// check refuses what would be empty, endless or too fine.
func (sp span) check() error {
	if sp.end < sp.start {
		return badParam("end", errors.New("end timestamp must not be before start time"))
	}
	if sp.step <= 0 {
		return badParam("step", errors.New("zero or negative query resolution step widths are not accepted. Try a positive integer"))
	}
	// Unsigned, because the distance of two int64 may not fit one.
	if (uint64(sp.end)-uint64(sp.start))/uint64(sp.step) > maxQueryPoints {
		return &apiError{status: 400, kind: kindBadData, msg: "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"}
	}
	return nil
}

// promSpan reads start, end and step as Prometheus does: all are needed.
func (p params) promSpan() (sp span, err error) {
	if sp.start, err = p.needTime("start", parsePromTime); err != nil {
		return sp, err
	}
	if sp.end, err = p.needTime("end", parsePromTime); err != nil {
		return sp, err
	}
	step := p.get("step")
	if sp.step, err = parseDuration(step); err != nil {
		return sp, badParam("step", err)
	}
	return sp, sp.check()
}

// lokiSpan reads start, end, since and step as Loki does: by default the hour
// before now, in 250 steps of at least a second.
func (p params) lokiSpan(now int64, def time.Duration) (sp span, err error) {
	if sp.end, err = p.time("end", parseLokiTime, now); err != nil {
		return sp, err
	}
	since, err := p.duration("since")
	if err != nil {
		return sp, err
	}
	if since == 0 {
		since = def
	}
	// Relative to now where the end lies ahead of it, as in Loki.
	if sp.start, err = p.time("start", parseLokiTime, subtract(min(sp.end, now), since)); err != nil {
		return sp, err
	}
	if sp.step, err = p.duration("step"); err != nil {
		return sp, err
	}
	if sp.step == 0 {
		secs := (uint64(sp.end) - uint64(sp.start)) / 250 / uint64(time.Second)
		if sp.end < sp.start {
			secs = 0
		}
		sp.step = time.Duration(max(secs, 1)) * time.Second
	}
	return sp, sp.check()
}

// subtract is t−d, kept within int64.
func subtract(t int64, d time.Duration) int64 {
	if t < math.MinInt64+int64(d) {
		return math.MinInt64
	}
	return t - int64(d)
}

// unescapeLabel reads a label name in the U__ form, by which names that are
// not plain identifiers travel in paths: after U__, __ is an underscore and
// _HEX_ the character of that code point. Other names are returned as they
// are.
func unescapeLabel(name string) string {
	rest, ok := strings.CutPrefix(name, "U__")
	if !ok {
		return name
	}
	var b strings.Builder
	for rest != "" {
		if rest[0] != '_' {
			b.WriteByte(rest[0])
			rest = rest[1:]
			continue
		}
		end := strings.IndexByte(rest[1:], '_')
		switch {
		case end < 0 || end > 6:
			return name
		case end == 0:
			b.WriteByte('_')
		default:
			r, err := strconv.ParseUint(rest[1:1+end], 16, 32)
			if err != nil || !utf8.ValidRune(rune(r)) {
				return name
			}
			b.WriteRune(rune(r))
		}
		rest = rest[end+2:]
	}
	return b.String()
}
