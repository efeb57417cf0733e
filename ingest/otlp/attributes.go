package otlp

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tidemark/ingest/protobuf"
	"tidemark/storage/model"
)

// attribute is a name, as sent, with its value as text.
type attribute struct{ name, value string }

// maxValueDepth bounds the nesting of lists and maps in an attribute.
const maxValueDepth = 16

var errTooDeep = errors.New("attribute is nested too deeply: want at most 16 levels")

// keyValue decodes a KeyValue message.
func keyValue(msg []byte) (attribute, error) {
	var a attribute
	c := protobuf.NewCursor(msg)
	for c.Next() {
		switch {
		case c.Num == 1 && c.Want(protobuf.Bytes):
			a.name = string(c.Data)
		case c.Num == 2 && c.Want(protobuf.Bytes):
			v, err := anyValue(nil, c.Data, 0)
			if err != nil {
				return a, err
			}
			a.value = string(v)
		}
	}
	return a, c.Err()
}

// anyValue appends the text of an AnyValue: as it is on the outside, as JSON
// within lists and maps.
func anyValue(dst, msg []byte, depth int) ([]byte, error) {
	if depth > maxValueDepth {
		return dst, errTooDeep
	}
	start, set := len(dst), false
	c := protobuf.NewCursor(msg)
	for c.Next() {
		if c.Num < 1 || c.Num > 7 {
			continue
		}
		dst, set = dst[:start], true // of several, the last counts
		var err error
		switch {
		case c.Num == 1 && c.Want(protobuf.Bytes):
			dst = appendText(dst, string(c.Data), depth)
		case c.Num == 2 && c.Want(protobuf.Varint):
			dst = strconv.AppendBool(dst, c.Bits != 0)
		case c.Num == 3 && c.Want(protobuf.Varint):
			dst = strconv.AppendInt(dst, int64(c.Bits), 10)
		case c.Num == 4 && c.Want(protobuf.Fixed64):
			dst = strconv.AppendFloat(dst, c.Float(), 'g', -1, 64)
		case c.Num == 5 && c.Want(protobuf.Bytes):
			dst, err = list(dst, c.Data, depth)
		case c.Num == 6 && c.Want(protobuf.Bytes):
			dst, err = kvList(dst, c.Data, depth)
		case c.Num == 7 && c.Want(protobuf.Bytes):
			dst = appendText(dst, base64.StdEncoding.EncodeToString(c.Data), depth)
		}
		if err != nil {
			return dst, err
		}
	}
	if !set && depth > 0 {
		dst = append(dst, "null"...)
	}
	return dst, c.Err()
}

func appendText(dst []byte, s string, depth int) []byte {
	if depth == 0 {
		return append(dst, s...)
	}
	return strconv.AppendQuote(dst, s)
}

func list(dst, msg []byte, depth int) ([]byte, error) {
	dst = append(dst, '[')
	n := 0
	c := protobuf.NewCursor(msg)
	for c.Next() {
		if c.Num != 1 || !c.Want(protobuf.Bytes) {
			continue
		}
		if n++; n > 1 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = anyValue(dst, c.Data, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), c.Err()
}

func kvList(dst, msg []byte, depth int) ([]byte, error) {
	dst = append(dst, '{')
	n := 0
	c := protobuf.NewCursor(msg)
	for c.Next() {
		if c.Num != 1 || !c.Want(protobuf.Bytes) {
			continue
		}
		if n++; n > 1 {
			dst = append(dst, ',')
		}
		var name string
		value := []byte("null")
		kc := protobuf.NewCursor(c.Data)
		for kc.Next() {
			var err error
			switch {
			case kc.Num == 1 && kc.Want(protobuf.Bytes):
				name = string(kc.Data)
			case kc.Num == 2 && kc.Want(protobuf.Bytes):
				if value, err = anyValue(nil, kc.Data, depth+1); err != nil {
					return dst, err
				}
			}
		}
		if kc.Err() != nil {
			return dst, kc.Err()
		}
		dst = append(append(strconv.AppendQuote(dst, name), ':'), value...)
	}
	return append(dst, '}'), c.Err()
}

// labelsOf makes labels of attributes. Names that taken holds, and __name__,
// get the prefix exported_. Those without a value are left out. The reason
// says why an attribute is refused, or is "".
func labelsOf(attrs []attribute, prefix string, taken []model.Label) (out []model.Label, reason string) {
	slices.SortStableFunc(attrs, func(a, b attribute) int { return strings.Compare(a.name, b.name) })
	for i, a := range attrs {
		if i > 0 && attrs[i-1].name == a.name {
			return nil, fmt.Sprintf("attribute %q is given twice", clip(a.name))
		}
		name := labelName(prefix + a.name)
		if labelName(a.name) == "" {
			return nil, fmt.Sprintf("attribute %q: want a name with a letter or digit", clip(a.name))
		}
		if a.value == "" {
			continue
		}
		for name == model.MetricName || model.Labels(taken).Has(name) {
			name = "exported_" + name
		}
		at := slices.IndexFunc(out, func(l model.Label) bool { return l.Name == name })
		if at >= 0 {
			out[at].Value += ";" + a.value
			continue
		}
		out = append(out, model.Label{Name: name, Value: a.value})
	}
	return out, ""
}

// clip bounds what a reason quotes.
func clip(s string) string { return s[:min(len(s), 64)] }
