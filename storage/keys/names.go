package keys

import (
	"encoding/binary"
	"fmt"

	"tidemark/storage/model"
)

// Name is the key of a full metric name.
func Name(name string) []byte { return append([]byte{tagName}, name...) }

// Names is the range of the names that begin with prefix.
func Names(prefix string) (lo, hi []byte) {
	lo = Name(prefix)
	return lo, After(lo)
}

// ReadName decodes a key of Name.
func ReadName(key []byte) (string, error) {
	if len(key) < 1 || key[0] != tagName {
		return "", bad("name", key)
	}
	return string(key[1:]), nil
}

// NameInfo is what the dictionary keeps of a metric name.
type NameInfo struct {
	ID                 uint32
	Measurement, Field string     // how it was split when first seen
	Type               model.Type // of its first value
}

// Value encodes the info: id u32, type u8, then measurement and field, each
// with its length as a uvarint.
func (n NameInfo) Value() []byte {
	v := appendU32(nil, n.ID)
	v = append(v, byte(n.Type))
	v = append(binary.AppendUvarint(v, uint64(len(n.Measurement))), n.Measurement...)
	return append(binary.AppendUvarint(v, uint64(len(n.Field))), n.Field...)
}

// ReadNameInfo decodes a NameInfo.
func ReadNameInfo(v []byte) (NameInfo, error) {
	var n NameInfo
	fail := func(what string) (NameInfo, error) {
		return NameInfo{}, fmt.Errorf("%w: name value: %s: %x", ErrBadKey, what, v)
	}
	if len(v) < 5 {
		return fail("too short")
	}
	n.ID, n.Type = binary.BigEndian.Uint32(v), model.Type(v[4])
	rest := v[5:]
	for _, s := range []*string{&n.Measurement, &n.Field} {
		l, w := binary.Uvarint(rest)
		if w <= 0 || l > uint64(len(rest)-w) {
			return fail("length")
		}
		*s = string(rest[w : w+int(l)])
		rest = rest[w+int(l):]
	}
	if len(rest) != 0 {
		return fail("bytes left")
	}
	return n, nil
}

// Metric is the key of a metric id; its value is the name.
func Metric(id uint32) []byte { return appendU32([]byte{tagMetric}, id) }

// Metrics is the range of metric ids.
func Metrics() (lo, hi []byte) { return []byte{tagMetric}, []byte{tagMetric + 1} }

// ReadMetric decodes a key of Metric.
func ReadMetric(key []byte) (uint32, error) {
	if len(key) != 5 || key[0] != tagMetric {
		return 0, bad("metric", key)
	}
	return binary.BigEndian.Uint32(key[1:]), nil
}

// LogName marks a metric name that is read from a field of log rows.
func LogName(name, measurement, field string) []byte {
	return appendString(appendString(appendString([]byte{tagLogName}, name), measurement), field)
}

// LogNames is the range of the marks of one name.
func LogNames(name string) (lo, hi []byte) {
	lo = appendString([]byte{tagLogName}, name)
	return lo, After(lo)
}

// ReadLogName decodes a key of LogName.
func ReadLogName(key []byte) (name, measurement, field string, err error) {
	if len(key) < 1 || key[0] != tagLogName {
		return "", "", "", bad("log name", key)
	}
	rest, ok := key[1:], false
	for _, s := range []*string{&name, &measurement, &field} {
		if *s, rest, ok = takeString(rest); !ok {
			return "", "", "", bad("log name", key)
		}
	}
	if len(rest) != 0 {
		return "", "", "", bad("log name", key)
	}
	return name, measurement, field, nil
}

// AllLogNames is the range of all LogName keys.
func AllLogNames() (lo, hi []byte) { return []byte{tagLogName}, []byte{tagLogName + 1} }
