package otlp

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"sync"

	"tidemark/ingest/internal/jsonscan"
)

// JSON is rewritten as protobuf by a table of the messages. What OTLP says
// beyond the JSON mapping of protobuf holds: names in lowerCamelCase only,
// enumerations as integers, unknown names ignored. 64-bit integers may be
// texts or numbers; null means that the field is absent.

// kind is how a field is written in JSON and in protobuf.
type kind uint8

const (
	text     kind = iota // string: bytes
	base64s              // base64: bytes
	hexs                 // hexadecimal digits: bytes
	boolean              // true, false: varint
	integer              // integer or its text: varint
	unsigned             // the same, not negative
	zigzag               // the same, as protobuf's sint
	fixed                // integer or its text: fixed64, unsigned
	sfixed               // integer or its text: fixed64, signed
	fixed32              // integer: fixed32
	double               // number, its text, NaN, Infinity, -Infinity: fixed64
	nested               // object: message
)

type field struct {
	num      uint32
	kind     kind
	repeated bool
	fields   fields // of a nested message
}

type fields map[string]field

// attributeFields is a field of KeyValue messages.
func attributeFields(num uint32) field {
	f := anyFields()["kvlistValue"].fields["values"]
	f.num = num
	return f
}

// anyFields are those of AnyValue.
var anyFields = sync.OnceValue(func() fields {
	anyValue := fields{
		"stringValue": {num: 1}, "boolValue": {num: 2, kind: boolean}, "intValue": {num: 3, kind: integer},
		"doubleValue": {num: 4, kind: double}, "bytesValue": {num: 7, kind: base64s},
	}
	keyValue := fields{"key": {num: 1}, "value": {num: 2, kind: nested, fields: anyValue}}
	attributes := func(num uint32) field { return field{num: num, kind: nested, repeated: true, fields: keyValue} }
	anyValue["arrayValue"] = field{num: 5, kind: nested, fields: fields{"values": {num: 1, kind: nested, repeated: true, fields: anyValue}}}
	anyValue["kvlistValue"] = field{num: 6, kind: nested, fields: fields{"values": attributes(1)}}
	return anyValue
})

var (
	scopeFields    = fields{"name": {num: 1}, "version": {num: 2}, "attributes": attributeFields(3)}
	resourceFields = fields{"attributes": attributeFields(1)}
)

// logsFields are those of ExportLogsServiceRequest.
var logsFields = func() fields {
	record := fields{
		"timeUnixNano": {num: 1, kind: fixed}, "severityNumber": {num: 2, kind: integer}, "severityText": {num: 3},
		"body": {num: 5, kind: nested, fields: anyFields()}, "attributes": attributeFields(6), "flags": {num: 8, kind: fixed32},
		"traceId": {num: 9, kind: hexs}, "spanId": {num: 10, kind: hexs}, "observedTimeUnixNano": {num: 11, kind: fixed}, "eventName": {num: 12},
	}
	scopeLogs := fields{"scope": {num: 1, kind: nested, fields: scopeFields}, "logRecords": {num: 2, kind: nested, repeated: true, fields: record}}
	resourceLogs := fields{"resource": {num: 1, kind: nested, fields: resourceFields}, "scopeLogs": {num: 2, kind: nested, repeated: true, fields: scopeLogs}}
	return fields{"resourceLogs": {num: 1, kind: nested, repeated: true, fields: resourceLogs}}
}()

// requestFields are those of ExportMetricsServiceRequest.
var requestFields = func() fields {
	attributes := attributeFields
	points := func(f fields) field { return field{num: 1, kind: nested, repeated: true, fields: f} }
	start := field{num: 2, kind: fixed}
	number := fields{"attributes": attributes(7), "startTimeUnixNano": start, "timeUnixNano": {num: 3, kind: fixed}, "asDouble": {num: 4, kind: double}, "asInt": {num: 6, kind: sfixed}, "flags": {num: 8, kind: integer}}
	buckets := fields{"attributes": attributes(9), "startTimeUnixNano": start, "timeUnixNano": {num: 3, kind: fixed}, "count": {num: 4, kind: fixed}, "sum": {num: 5, kind: double},
		"bucketCounts": {num: 6, kind: fixed, repeated: true}, "explicitBounds": {num: 7, kind: double, repeated: true}, "flags": {num: 10, kind: integer}}
	side := fields{"offset": {num: 1, kind: zigzag}, "bucketCounts": {num: 2, kind: unsigned, repeated: true}}
	exponents := fields{"attributes": attributes(1), "startTimeUnixNano": start, "timeUnixNano": {num: 3, kind: fixed}, "count": {num: 4, kind: fixed}, "sum": {num: 5, kind: double},
		"scale": {num: 6, kind: zigzag}, "zeroCount": {num: 7, kind: fixed}, "positive": {num: 8, kind: nested, fields: side}, "negative": {num: 9, kind: nested, fields: side},
		"flags": {num: 10, kind: integer}, "zeroThreshold": {num: 14, kind: double}}
	quantile := fields{"quantile": {num: 1, kind: double}, "value": {num: 2, kind: double}}
	quantiles := fields{"attributes": attributes(7), "startTimeUnixNano": start, "timeUnixNano": {num: 3, kind: fixed}, "count": {num: 4, kind: fixed}, "sum": {num: 5, kind: double},
		"quantileValues": {num: 6, kind: nested, repeated: true, fields: quantile}, "flags": {num: 8, kind: integer}}
	temporality := field{num: 2, kind: integer}

	metric := fields{
		"name": {num: 1}, "description": {num: 2}, "unit": {num: 3},
		"gauge":                {num: gauge, kind: nested, fields: fields{"dataPoints": points(number)}},
		"sum":                  {num: sum, kind: nested, fields: fields{"dataPoints": points(number), "aggregationTemporality": temporality, "isMonotonic": {num: 3, kind: boolean}}},
		"histogram":            {num: histogram, kind: nested, fields: fields{"dataPoints": points(buckets), "aggregationTemporality": temporality}},
		"exponentialHistogram": {num: exponential, kind: nested, fields: fields{"dataPoints": points(exponents), "aggregationTemporality": temporality}},
		"summary":              {num: summary, kind: nested, fields: fields{"dataPoints": points(quantiles)}},
	}
	scopeMetrics := fields{"scope": {num: 1, kind: nested, fields: scopeFields}, "metrics": {num: 2, kind: nested, repeated: true, fields: metric}, "schemaUrl": {num: 3}}
	resourceMetrics := fields{"resource": {num: 1, kind: nested, fields: resourceFields}, "scopeMetrics": {num: 2, kind: nested, repeated: true, fields: scopeMetrics}}
	return fields{"resourceMetrics": {num: 1, kind: nested, repeated: true, fields: resourceMetrics}}
}()

// maxJSONDepth bounds nested messages: those of a request take 7 levels, and
// each level of lists and maps in an attribute up to 4.
const maxJSONDepth = 7 + 4*(maxValueDepth+1)

// toProtobuf rewrites a request. Its memory is of the input's size.
func toProtobuf(body []byte, of fields) ([]byte, error) {
	var w writer
	w.Reset(body)
	w.out = make([]byte, 0, len(body)/2)
	i, ok := w.message(0, of, 0)
	if ok = ok && w.End(i); !ok {
		return nil, fmt.Errorf("JSON at byte %d: %s", w.At, w.Reason)
	}
	return w.out, nil
}

// writer writes protobuf as it reads JSON.
type writer struct {
	jsonscan.Scanner
	out []byte
}

// message rewrites the object at i.
func (w *writer) message(i int, fs fields, depth int) (int, bool) {
	if depth > maxJSONDepth {
		return i, w.Fail(i, "nested too deeply")
	}
	i, ok := w.Want(i, '{')
	if !ok {
		return i, false
	}
	if i = w.Space(i); w.Byte(i) == '}' {
		return i + 1, true
	}
	for {
		var name []byte
		if name, i, ok = w.Name(i); !ok {
			return i, false
		}
		i = w.Space(i)
		if f, known := fs[string(name)]; !known {
			i, ok = w.Skip(i)
		} else if w.Byte(i) == 'n' {
			i, ok = w.Literal(i)
		} else if f.repeated {
			i, ok = w.array(i, f, depth)
		} else {
			i, ok = w.value(i, f, depth)
		}
		if !ok {
			return i, false
		}
		var more bool
		if i, more, ok = w.More(i, '}'); !ok || !more {
			return i, ok
		}
	}
}

func (w *writer) array(i int, f field, depth int) (int, bool) {
	i, ok := w.Want(i, '[')
	if !ok {
		return i, false
	}
	if i = w.Space(i); w.Byte(i) == ']' {
		return i + 1, true
	}
	for {
		if i, ok = w.value(w.Space(i), f, depth); !ok {
			return i, false
		}
		var more bool
		if i, more, ok = w.More(i, ']'); !ok || !more {
			return i, ok
		}
	}
}

func (w *writer) tag(num uint32, wire uint64) {
	w.out = binary.AppendUvarint(w.out, uint64(num)<<3|wire)
}

// lengthBytes is the room for a message's length, which is known only once
// the message is written. Varints may be longer than they need.
const lengthBytes = 5

func (w *writer) value(i int, f field, depth int) (int, bool) {
	switch f.kind {
	case nested:
		w.tag(f.num, 2)
		at := len(w.out)
		w.out = append(w.out, make([]byte, lengthBytes)...)
		next, ok := w.message(i, f.fields, depth+1)
		n := uint64(len(w.out) - at - lengthBytes)
		for j := range lengthBytes {
			w.out[at+j] = byte(n>>(7*j))&0x7f | 0x80
		}
		w.out[at+lengthBytes-1] &= 0x7f
		return next, ok
	case boolean:
		if c := w.Byte(i); c != 't' && c != 'f' {
			return i, w.Fail(i, "want true or false")
		}
		next, ok := w.Literal(i)
		w.tag(f.num, 0)
		w.out = append(w.out, map[byte]byte{'t': 1}[w.Byte(i)])
		return next, ok
	case text, base64s, hexs:
		if w.Byte(i) != '"' {
			return i, w.Fail(i, "want a string")
		}
		s, next, ok := w.String(i)
		if !ok {
			return next, false
		}
		if f.kind == hexs {
			b := make([]byte, hex.DecodedLen(len(s)))
			n, err := hex.Decode(b, s)
			if err != nil {
				return i, w.Fail(i, "want hexadecimal digits")
			}
			s = b[:n]
		}
		if f.kind == base64s {
			b := make([]byte, base64.StdEncoding.DecodedLen(len(s)))
			n, err := base64.StdEncoding.Decode(b, s)
			if err != nil {
				return i, w.Fail(i, "want base64")
			}
			s = b[:n]
		}
		w.tag(f.num, 2)
		w.out = append(binary.AppendUvarint(w.out, uint64(len(s))), s...)
		return next, true
	}
	// A number, or its text.
	var s []byte
	next, ok := i, false
	if w.Byte(i) == '"' {
		s, next, ok = w.String(i)
	} else if next, _, ok = w.Number(i); ok {
		s = w.B[i:next]
	}
	if !ok {
		return next, false
	}
	bits, ok := parseNumber(string(s), f.kind)
	if !ok {
		return i, w.Fail(i, fmt.Sprintf("%q: want %s", s[:min(len(s), 64)], [...]string{integer: "an integer of 64 bits", unsigned: "an integer of 64 bits that is not negative", zigzag: "an integer of 64 bits",
			fixed: "an integer of 64 bits that is not negative", sfixed: "an integer of 64 bits", fixed32: "an integer of 32 bits", double: "a number"}[f.kind]))
	}
	switch f.kind {
	case zigzag:
		bits = bits<<1 ^ uint64(int64(bits)>>63)
		fallthrough
	case integer, unsigned:
		w.tag(f.num, 0)
		w.out = binary.AppendUvarint(w.out, bits)
	case fixed32:
		w.tag(f.num, 5)
		w.out = binary.LittleEndian.AppendUint32(w.out, uint32(bits))
	default:
		w.tag(f.num, 1)
		w.out = binary.LittleEndian.AppendUint64(w.out, bits)
	}
	return next, true
}

// parseNumber returns the bits of a number. Integers may be written as floats
// where they are exact.
func parseNumber(s string, k kind) (uint64, bool) {
	if k == double {
		switch s {
		case "Infinity":
			s = "+Inf"
		case "-Infinity":
			s = "-Inf"
		}
		v, err := strconv.ParseFloat(s, 64)
		return math.Float64bits(v), err == nil
	}
	if k == fixed || k == unsigned {
		if v, err := strconv.ParseUint(s, 10, 64); err == nil {
			return v, true
		}
	} else if v, err := strconv.ParseInt(s, 10, 64); err == nil {
		return uint64(v), true
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v != math.Trunc(v) || math.Abs(v) > 1<<53 || v < 0 && (k == fixed || k == unsigned) {
		return 0, false
	}
	return uint64(int64(v)), true
}
