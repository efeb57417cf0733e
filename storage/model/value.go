package model

import (
	"math"
	"strconv"
)

// Type is the type of a column. The numbers are part of the disk formats.
type Type uint8

// Column types.
const (
	TypeNone      Type = 0 // no value
	TypeFloat     Type = 1 // float64, NaN payloads kept bit for bit
	TypeInt       Type = 2 // int64, exact
	TypeBool      Type = 3
	TypeText      Type = 4
	TypeHistogram Type = 5 // native histogram, see Histogram
	// TypeStart is the start time of a metric row's samples, in Unix
	// nanoseconds, 0 where unknown: since when their counters have been
	// counting. A row has one at most, a column without a name.
	TypeStart Type = 6
)

// Numeric reports whether values of the type are numbers, which are read as
// samples. Histograms are samples, too, and no numbers.
func (t Type) Numeric() bool { return t == TypeFloat || t == TypeInt || t == TypeBool }

// String returns the type's name.
func (t Type) String() string {
	switch t {
	case TypeNone:
		return "none"
	case TypeFloat:
		return "float"
	case TypeInt:
		return "int"
	case TypeBool:
		return "bool"
	case TypeText:
		return "text"
	case TypeHistogram:
		return "histogram"
	case TypeStart:
		return "start"
	}
	return "type(" + strconv.Itoa(int(t)) + ")"
}

// Value is one typed value. Bits holds the float's IEEE 754 bits, the int's
// two's complement or 0/1; Text is the text of TypeText and the encoding of
// TypeHistogram, see AppendHistogram.
type Value struct {
	Type Type
	Bits uint64
	Text string
}

// Float, Int, Bool and Text return a value of that type.
func Float(f float64) Value { return Value{Type: TypeFloat, Bits: math.Float64bits(f)} }

// Int returns an integer value.
func Int(i int64) Value { return Value{Type: TypeInt, Bits: uint64(i)} }

// Bool returns a boolean value.
func Bool(b bool) Value {
	if b {
		return Value{Type: TypeBool, Bits: 1}
	}
	return Value{Type: TypeBool}
}

// Text returns a text value.
func Text(s string) Value { return Value{Type: TypeText, Text: s} }

// HistogramValue returns a histogram, which must be valid, as a value.
func HistogramValue(h *Histogram) Value {
	return Value{Type: TypeHistogram, Text: string(AppendHistogram(nil, h))}
}

// BitsToFloat reads the bits of a numeric column of type t as a float64
// (integers beyond 2^53 are rounded, booleans are 0 and 1).
func BitsToFloat(t Type, bits uint64) float64 {
	switch t {
	case TypeFloat:
		return math.Float64frombits(bits)
	case TypeInt:
		return float64(int64(bits))
	case TypeBool:
		return float64(bits & 1)
	}
	return math.NaN()
}

// AsFloat reads a numeric value as a float64; ok is false for other types.
func (v Value) AsFloat() (f float64, ok bool) {
	if !v.Type.Numeric() {
		return 0, false
	}
	return BitsToFloat(v.Type, v.Bits), true
}

// String prints the value: numbers in their shortest exact form, text as is.
func (v Value) String() string {
	switch v.Type {
	case TypeFloat:
		return strconv.FormatFloat(math.Float64frombits(v.Bits), 'g', -1, 64)
	case TypeInt:
		return strconv.FormatInt(int64(v.Bits), 10)
	case TypeBool:
		return strconv.FormatBool(v.Bits&1 == 1)
	case TypeText:
		return v.Text
	}
	return ""
}

// StaleNaNBits marks a sample after which a series is absent (Prometheus's
// staleness marker).
const StaleNaNBits uint64 = 0x7ff0000000000002

// IsStale reports whether f is the staleness marker.
func IsStale(f float64) bool { return math.Float64bits(f) == StaleNaNBits }
