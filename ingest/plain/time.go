package plain

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// bracketed is how far into a line a time in brackets is looked for.
const bracketed = 120

// form is one way to write a time. A fraction of a second, behind a point or a
// comma, may follow it, and a zone.
type form struct {
	layout string
	length int
}

var forms = []form{
	{"2006-01-02T15:04:05", 19}, {"2006-01-02 15:04:05", 19}, {"2006/01/02 15:04:05", 19}, {"02/Jan/2006:15:04:05", 20},
	{"Jan _2 15:04:05", 15}, {"Jan 02 15:04:05", 15}, {"Mon Jan _2 15:04:05 2006", 24}, {"060102 15:04:05", 15}, {"20060102 15:04:05", 17},
}

// timeOf returns the time that a line tells: at its beginning, behind [ or a
// priority of syslog, in brackets a little further on, or as Unix seconds or
// milliseconds at the beginning.
func timeOf(line []byte, base time.Time, loc *time.Location) (int64, bool) {
	rest := line
	if bytes.HasPrefix(rest, []byte("<")) {
		if i := bytes.IndexByte(rest[:min(len(rest), 5)], '>'); i > 0 {
			rest = rest[i+1:]
		}
	}
	rest = bytes.TrimPrefix(rest, []byte("["))
	if t, ok := at(rest, base, loc); ok {
		return t, true
	}
	if t, ok := epoch(rest); ok {
		return t, true
	}
	head := line[:min(len(line), bracketed)]
	for i := bytes.IndexByte(head, '['); i >= 0; {
		if t, ok := at(line[i+1:], base, loc); ok {
			return t, true
		}
		next := bytes.IndexByte(head[i+1:], '[')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return 0, false
}

// at reads a time at the beginning of b.
func at(b []byte, base time.Time, loc *time.Location) (int64, bool) {
	if len(b) < 15 || b[0] != ' ' && !letterOrDigit(b[0]) {
		return 0, false
	}
	for _, f := range forms {
		if len(b) < f.length {
			continue
		}
		t, err := time.ParseInLocation(f.layout, string(b[:f.length]), loc)
		if err != nil {
			continue
		}
		rest := b[f.length:]
		if len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') && digit(rest[1]) {
			ns, n, unit := 0, 1, 100_000_000
			for n < len(rest) && digit(rest[n]) {
				ns += int(rest[n]-'0') * unit
				unit /= 10
				n++
			}
			t, rest = t.Add(time.Duration(ns)), rest[n:]
		}
		if z, ok := zone(rest); ok {
			_, offset := t.Zone()
			t = t.Add(time.Duration(offset-z) * time.Second)
		}
		if t.Year() == 0 {
			if t = t.AddDate(base.Year(), 0, 0); t.Sub(base) > 182*24*time.Hour {
				t = t.AddDate(-1, 0, 0)
			}
		}
		if t.Before(time.Unix(0, math.MinInt64)) || t.After(time.Unix(0, math.MaxInt64)) {
			return 0, false
		}
		return t.UnixNano(), true
	}
	return 0, false
}

// zone reads Z, +0200, -07:00, also behind a blank, in seconds east.
func zone(b []byte) (int, bool) {
	if len(b) > 0 && b[0] == ' ' && len(b) > 1 && (b[1] == '+' || b[1] == '-') {
		b = b[1:]
	}
	if len(b) > 0 && b[0] == 'Z' {
		return 0, true
	}
	if len(b) < 5 || b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	mm := b[3:]
	if mm[0] == ':' {
		mm = mm[1:]
	}
	if len(mm) < 2 || !digit(b[1]) || !digit(b[2]) || !digit(mm[0]) || !digit(mm[1]) {
		return 0, false
	}
	s := (int(b[1]-'0')*10+int(b[2]-'0'))*3600 + (int(mm[0]-'0')*10+int(mm[1]-'0'))*60
	if b[0] == '-' {
		s = -s
	}
	return s, true
}

// epoch reads Unix seconds, whole or with a fraction, or milliseconds, before a
// blank. Only times from 2001 to 2286 are taken for some.
func epoch(b []byte) (int64, bool) {
	n := 0
	for n < len(b) && digit(b[n]) {
		n++
	}
	if n != 10 && n != 13 {
		return 0, false
	}
	v, err := strconv.ParseInt(string(b[:n]), 10, 64)
	if err != nil || b[0] == '0' {
		return 0, false
	}
	ns := v * 1_000_000
	if n == 10 {
		ns = v * 1_000_000_000
		if n < len(b) && b[n] == '.' {
			unit := int64(100_000_000)
			for n++; n < len(b) && digit(b[n]); n++ {
				ns += int64(b[n]-'0') * unit
				unit /= 10
			}
		}
	}
	if n < len(b) && b[n] != ' ' && b[n] != '\t' || ns < 0 {
		return 0, false
	}
	return ns, true
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func letterOrDigit(c byte) bool {
	return digit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
