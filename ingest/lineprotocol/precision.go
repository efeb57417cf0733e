package lineprotocol

import (
	"fmt"
	"time"
)

// Precision is the unit of timestamps in nanoseconds. Zero means Nanosecond.
type Precision int64

// The units of the protocol.
const (
	Nanosecond  = Precision(time.Nanosecond)
	Microsecond = Precision(time.Microsecond)
	Millisecond = Precision(time.Millisecond)
	Second      = Precision(time.Second)
	Minute      = Precision(time.Minute)
	Hour        = Precision(time.Hour)
)

// Version is the HTTP interface whose spelling of a precision is meant.
type Version int

// Versions of the write interface.
const (
	V1 Version = 1 // /write: n ns u us µ ms s m h
	V2 Version = 2 // /api/v2/write: ns us ms s
)

// ParsePrecision reads the precision parameter of a write request; the empty
// string is Nanosecond in both versions. The error is the text that InfluxDB
// gives, and is meant to be sent with status 400.
func ParsePrecision(s string, v Version) (Precision, error) {
	switch s {
	case "", "ns":
		return Nanosecond, nil
	case "us":
		return Microsecond, nil
	case "ms":
		return Millisecond, nil
	case "s":
		return Second, nil
	}
	if v == V2 {
		return 0, fmt.Errorf("invalid precision %q (use ns, us, ms or s)", s)
	}
	switch s {
	case "n":
		return Nanosecond, nil
	case "u", "µ", "μ": // micro sign and Greek mu
		return Microsecond, nil
	case "m":
		return Minute, nil
	case "h":
		return Hour, nil
	}
	return 0, fmt.Errorf("invalid precision %q (use n, u, ms, s, m or h)", s)
}
