package ast

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ErrDurationRange marks a duration that is well formed but too long.
var ErrDurationRange = errors.New("the longest duration is about 292y")

// durationUnits in the order in which a duration names them.
var durationUnits = [...]struct {
	name string
	d    time.Duration
}{
	{"y", 365 * 24 * time.Hour}, {"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour},
	{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond},
}

// ParseDuration reads a duration in the manner of Prometheus (1h30m: whole
// numbers, units from years to milliseconds in falling order, each once; a
// year has 365 days) or, where it has a fraction or a unit below milliseconds,
// of Go: 1.5h, 100us. There is no sign. The error is ErrDurationRange, wrapped,
// where the form is right.
func ParseDuration(s string) (time.Duration, error) {
	var total time.Duration
	rest, next := s, 0
	for rest != "" {
		n := 0
		for n < len(rest) && '0' <= rest[n] && rest[n] <= '9' {
			n++
		}
		m := n
		for m < len(rest) && 'a' <= rest[m] && rest[m] <= 'z' {
			m++
		}
		at := next
		for at < len(durationUnits) && durationUnits[at].name != rest[n:m] {
			at++
		}
		if n == 0 || at == len(durationUnits) {
			return parseGoDuration(s)
		}
		unit := durationUnits[at].d
		count, err := strconv.ParseInt(rest[:n], 10, 64)
		if err != nil || count > int64(math.MaxInt64/unit) || total > math.MaxInt64-time.Duration(count)*unit {
			return 0, fmt.Errorf("duration `%s` is out of range: %w", s, ErrDurationRange)
		}
		total += time.Duration(count) * unit
		rest, next = rest[m:], at+1
	}
	if s == "" {
		return 0, errors.New("empty duration")
	}
	return total, nil
}

func parseGoDuration(s string) (time.Duration, error) {
	fine := strings.Contains(s, ".") || strings.Contains(s, "ns") || strings.Contains(s, "us") ||
		strings.Contains(s, "µs") || strings.Contains(s, "μs") // micro sign and mu
	d, err := time.ParseDuration(s)
	if err != nil || !fine || s[0] == '-' || s[0] == '+' {
		return 0, fmt.Errorf("bad duration `%s`", s)
	}
	return d, nil
}

// FormatDuration prints a duration so that ParseDuration reads it back: as
// Prometheus does where it is a multiple of a millisecond, otherwise as Go
// does. A negative one gets a leading minus, which ParseDuration does not
// read.
func FormatDuration(d time.Duration) string {
	if d < 0 {
		if d == math.MinInt64 { // has no positive counterpart
			d++
		}
		return "-" + FormatDuration(-d)
	}
	if d == 0 {
		return "0s"
	}
	if d%time.Millisecond != 0 {
		return d.String()
	}
	var b strings.Builder
	for _, u := range durationUnits {
		// Weeks and years only where nothing smaller is left: 4w rather than
		// 28d, but 30d rather than 4w2d.
		if (u.name == "y" || u.name == "w") && d%u.d != 0 {
			continue
		}
		if n := d / u.d; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10))
			b.WriteString(u.name)
			d -= n * u.d
		}
	}
	return b.String()
}
