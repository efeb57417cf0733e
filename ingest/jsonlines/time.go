package jsonlines

import (
	"math"
	"strconv"
	"time"
)

// parseTime reads a record's time, in nanoseconds. given is false where it
// stands for now; the reason says why it is refused.
func parseTime(b []byte) (t int64, given bool, reason string) {
	if len(b) == 0 || len(b) == 1 && b[0] == '0' {
		return 0, false, ""
	}
	if i := digitsEnd(b, 1); b[0]-'0' <= 9 && i == 4 && len(b) > 4 && b[4] == '-' {
		t, reason = parseDate(b)
		return t, true, reason
	}
	t, reason = parseUnix(b)
	return t, true, reason
}

func digitsEnd(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

const (
	wantTime  = "want RFC 3339, or a number since 1970"
	wantRange = "want the years 1677 to 2262"
)

// parseUnix reads a number since 1970, in the unit that its size tells.
func parseUnix(b []byte) (int64, string) {
	neg := b[0] == '-'
	if neg {
		b = b[1:]
	}
	end := digitsEnd(b, 0)
	if end == 0 || end < len(b) && b[end] != '.' {
		return 0, wantTime
	}
	v, err := strconv.ParseInt(string(b[:end]), 10, 64)
	if err != nil {
		return 0, wantRange
	}
	unit := int64(1)
	switch {
	case v < 5e9:
		unit = 1e9
	case v < 5e12:
		unit = 1e6
	case v < 5e15:
		unit = 1e3
	}
	if v > math.MaxInt64/unit {
		return 0, wantRange
	}
	v *= unit
	if end < len(b) {
		frac := b[end+1:]
		if len(frac) == 0 || digitsEnd(frac, 0) < len(frac) {
			return 0, wantTime
		}
		if unit != 1e9 {
			return 0, "want a fraction for seconds only"
		}
		add := fraction(frac)
		if v > math.MaxInt64-add {
			return 0, wantRange
		}
		v += add
	}
	if neg {
		v = -v
	}
	return v, ""
}

// fraction is the nanoseconds of decimal digits behind a point.
func fraction(digits []byte) int64 {
	ns := int64(0)
	for i := range 9 {
		ns *= 10
		if i < len(digits) {
			ns += int64(digits[i] - '0')
		}
	}
	return ns
}

// parseDate reads date, time and zone.
func parseDate(b []byte) (int64, string) {
	var f [6]int // year, month, day, hour, minute, second
	seps := [...]byte{0, '-', '-', 'T', ':', ':'}
	i := 0
	for n, width := range [...]int{4, 2, 2, 2, 2, 2} {
		if n > 0 {
			if n == 3 && i == len(b) || n == 5 && (i == len(b) || b[i] != ':') {
				break // a date alone, or no seconds
			}
			if i == len(b) || b[i] != seps[n] && !(n == 3 && (b[i] == ' ' || b[i] == 't')) {
				return 0, wantTime
			}
			i++
		}
		if len(b)-i < width || digitsEnd(b[:i+width], i) != i+width {
			return 0, wantTime
		}
		for _, c := range b[i : i+width] {
			f[n] = f[n]*10 + int(c-'0')
		}
		i += width
	}
	ns := int64(0)
	if i < len(b) && (b[i] == '.' || b[i] == ',') {
		end := digitsEnd(b, i+1)
		if end == i+1 || i < len("2006-01-02T15:04:05") {
			return 0, wantTime
		}
		ns = fraction(b[i+1 : end])
		i = end
	}
	offset := 0
	switch rest := b[i:]; {
	case len(rest) == 0, len(rest) == 1 && (rest[0] == 'Z' || rest[0] == 'z'):
	case i > len("2006-01-02") && (rest[0] == '+' || rest[0] == '-'):
		d := rest[1:]
		if len(d) == 5 && d[2] == ':' {
			d = []byte{d[0], d[1], d[3], d[4]}
		}
		if len(d) != 4 || digitsEnd(d, 0) != 4 {
			return 0, wantTime
		}
		h, m := int(d[0]-'0')*10+int(d[1]-'0'), int(d[2]-'0')*10+int(d[3]-'0')
		if h > 23 || m > 59 {
			return 0, "want an offset of less than a day"
		}
		if offset = (h*60 + m) * 60; rest[0] == '-' {
			offset = -offset
		}
	default:
		return 0, wantTime
	}
	// A leap second is the second after it.
	if f[1] < 1 || f[1] > 12 || f[2] < 1 || f[2] > daysIn(f[0], f[1]) || f[3] > 23 || f[4] > 59 || f[5] > 60 {
		return 0, "want a date and time that exist"
	}
	sec := time.Date(f[0], time.Month(f[1]), f[2], f[3], f[4], f[5], 0, time.UTC).Unix() - int64(offset)
	const most = math.MaxInt64 / 1_000_000_000
	if sec < -most || sec >= most {
		return 0, wantRange
	}
	return sec*1_000_000_000 + ns, ""
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}
