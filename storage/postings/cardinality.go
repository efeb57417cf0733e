package postings

import (
	"encoding/binary"
	"fmt"
)

// Cookies of roaring's portable format, without and with run containers.
const (
	cookieNoRuns = 12346
	cookieRuns   = 12347
)

// Cardinality returns the number of ids of a stored set from the format's
// header, which lists the containers with their sizes: the ids themselves are
// neither decoded nor checked.
func Cardinality(v []byte) (int, error) {
	bad := func(what string) (int, error) {
		return 0, fmt.Errorf("%w: header: %s of a set of %d bytes", ErrCorrupt, what, len(v))
	}
	if len(v) < 4 {
		return bad("cookie")
	}
	cookie := binary.LittleEndian.Uint32(v)
	var containers int
	switch {
	case cookie == cookieNoRuns:
		if len(v) < 8 {
			return bad("number of containers")
		}
		n := binary.LittleEndian.Uint32(v[4:])
		if n > 1<<16 {
			return bad("number of containers")
		}
		containers, v = int(n), v[8:]
	case cookie&0xffff == cookieRuns:
		containers = int(cookie>>16) + 1
		flags := (containers + 7) / 8
		if len(v) < 4+flags {
			return bad("flags of runs")
		}
		v = v[4+flags:]
	default:
		return bad("cookie")
	}
	if len(v) < 4*containers {
		return bad("containers")
	}
	n := 0
	for i := range containers {
		n += int(binary.LittleEndian.Uint16(v[4*i+2:])) + 1
	}
	return n, nil
}

// Common returns how many ids both sets have.
func Common(a, b *Set) int {
	if a.Empty() || b.Empty() {
		return 0
	}
	return int(a.b.AndCardinality(b.b))
}
