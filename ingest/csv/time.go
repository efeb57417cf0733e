package csv

import (
	"math"
	"strings"
	"time"
)

// autoLayouts are the spellings of dates that the format "auto" knows, each
// with or without a fraction of the second.
var autoLayouts = []string{
	time.RFC3339,
	"2006-01-02 15:04:05",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05 Z07:00",
	"2006-01-02 15:04",
	"2006-01-02T15:04",
	"2006-01-02",
	"2006/01/02 15:04:05",
	"2006/01/02 15:04",
	"2006/01/02",
}

// clock reads times in one format. It tries the layout first that fitted
// last.
type clock struct {
	layouts []string
	unit    int64 // of numbers; 0 for none, -1 for by magnitude
	loc     *time.Location
	last    int
}

func newClock(format string, loc *time.Location) *clock {
	c := &clock{loc: loc}
	switch format {
	case "auto":
		c.layouts, c.unit = autoLayouts, -1
	case "rfc3339":
		c.layouts = []string{time.RFC3339}
	case "s":
		c.unit = 1e9
	case "ms":
		c.unit = 1e6
	case "us":
		c.unit = 1e3
	case "ns":
		c.unit = 1
	default:
		c.layouts = []string{format}
	}
	return c
}

const (
	wantTime      = "want a time in the format given"
	wantTimeRange = "want a time from 1677-09-21 to 2262-04-11"
)

// parse returns the nanoseconds of a time, or why there are none.
func (c *clock) parse(s string) (int64, string) {
	s = strings.TrimSpace(s)
	if c.unit != 0 {
		if t, ok, reason := parseUnix(s, c.unit); ok {
			return t, reason
		}
	}
	for i := range c.layouts {
		n := (c.last + i) % len(c.layouts)
		t, err := time.ParseInLocation(c.layouts[n], s, c.loc)
		if err != nil {
			continue
		}
		c.last = n
		if sec := t.Unix(); sec <= math.MinInt64/1_000_000_000 || sec >= math.MaxInt64/1_000_000_000 {
			return 0, wantTimeRange
		}
		return t.UnixNano(), ""
	}
	return 0, wantTime
}

// parseUnix reads [-]digits[.digits] in the given unit, exactly; decimals
// below a nanosecond are dropped. ok is false where s is no such number.
func parseUnix(s string, unit int64) (t int64, ok bool, reason string) {
	whole, frac, point := strings.Cut(s, ".")
	whole, neg := strings.CutPrefix(whole, "-")
	if whole == "" || !allDigits(whole) || point && !allDigits(frac) {
		return 0, false, ""
	}
	var u uint64
	for _, c := range []byte(whole) {
		if u > math.MaxInt64/10 {
			return 0, true, wantTimeRange
		}
		u = u*10 + uint64(c-'0')
	}
	if unit < 0 {
		switch {
		case u < 1e11:
			unit = 1e9
		case u < 1e14:
			unit = 1e6
		case u < 1e17:
			unit = 1e3
		default:
			unit = 1
		}
	}
	if u > uint64(math.MaxInt64/unit-1) {
		return 0, true, wantTimeRange
	}
	t = int64(u) * unit
	for _, c := range []byte(frac) {
		unit /= 10
		t += int64(c-'0') * unit
	}
	if neg {
		t = -t
	}
	return t, true, ""
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return true
}
