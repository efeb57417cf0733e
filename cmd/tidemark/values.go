package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Types of flag values.

// span is a duration that may also be written in days, weeks and years of 365
// days: 30d, 8w, 1y, 1d12h.
type span time.Duration

var spanUnits = []struct {
	name string
	unit time.Duration
}{
	{"ms", time.Millisecond}, {"us", time.Microsecond}, {"ns", time.Nanosecond},
	{"y", 365 * 24 * time.Hour}, {"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour},
	{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second},
}

// parseSpan reads a duration of one or several numbers with units.
func parseSpan(s string) (time.Duration, error) {
	bad := fmt.Errorf("duration %q: want numbers with units of y, w, d, h, m, s or ms, such as 30d or 1h30m", s)
	if s == "" {
		return 0, bad
	}
	total := 0.0
	for rest := s; rest != ""; {
		n := 0
		for n < len(rest) && (rest[n] >= '0' && rest[n] <= '9' || rest[n] == '.') {
			n++
		}
		v, err := strconv.ParseFloat(rest[:n], 64)
		if err != nil {
			return 0, bad
		}
		rest = rest[n:]
		found := false
		for _, u := range spanUnits {
			if strings.HasPrefix(rest, u.name) {
				total += v * float64(u.unit)
				rest, found = rest[len(u.name):], true
				break
			}
		}
		if !found {
			return 0, bad
		}
	}
	if total > math.MaxInt64/2 {
		return 0, fmt.Errorf("duration %q: want less than 146 years", s)
	}
	return time.Duration(total), nil
}

// UnmarshalText reads the flag.
func (d *span) UnmarshalText(text []byte) error {
	v, err := parseSpan(string(text))
	*d = span(v)
	return err
}

// size is a number of bytes that may be written with a unit: 64MiB, 1GB.
type size int64

// UnmarshalText reads the flag.
func (s *size) UnmarshalText(text []byte) error {
	t := string(text)
	factor := 1.0
	for _, u := range []struct {
		name   string
		factor float64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}} {
		if head, ok := strings.CutSuffix(t, u.name); ok {
			t, factor = strings.TrimSpace(head), u.factor
			break
		}
	}
	v, err := strconv.ParseFloat(t, 64)
	if err != nil || !(v >= 0) || v*factor > 1<<50 {
		return fmt.Errorf("size %q: want a number of bytes such as 1048576, 64MiB or 1GB", text)
	}
	*s = size(v * factor)
	return nil
}

// parseTime reads a time: now, a distance to now (-6h, now-6h, now+30d), RFC
// 3339, a date or Unix seconds.
func parseTime(s string, now time.Time) (time.Time, error) {
	rel := strings.TrimPrefix(s, "now")
	switch {
	case s == "now":
		return now, nil
	case strings.HasPrefix(rel, "-"), strings.HasPrefix(rel, "+"):
		if d, err := parseSpan(rel[1:]); err == nil {
			if rel[0] == '-' {
				d = -d
			}
			return now.Add(d), nil
		}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	if v, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(v) < 1e11 {
		whole, part := math.Modf(v)
		return time.Unix(int64(whole), int64(math.Round(part*1e9))), nil
	}
	return time.Time{}, usage("time %q: want now, a distance such as -6h, RFC 3339 such as 2026-11-20T08:00:00Z, a date or Unix seconds", s)
}
