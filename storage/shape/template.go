package shape

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// Mark opens a placeholder in a template. The byte after it is the Kind; a Mark
// byte of the line itself is written as Mark, MarkLiteral.
const (
	Mark        = 0x00
	MarkLiteral = '0'
)

// ErrTemplate says that template and variables do not belong together, or that a
// template is not well formed.
var ErrTemplate = errors.New("shape: malformed template")

// ID is the identity of a shape: the xxHash64 (seed 0) of its template. It
// depends on nothing else, so equal shapes have equal ids in every batch, after
// every restart and on every machine. Different shapes may, very rarely, share
// an id: who needs certainty compares the templates.
func ID(template []byte) uint64 { return xxhash.Sum64(template) }

// Append appends to dst the line of a template and its variables, byte by byte
// what Parse was given. It reports ErrTemplate where the bytes are no template
// or the number of variables is not the template's; dst is then unchanged.
func Append(dst, template []byte, vars []Var) ([]byte, error) {
	out, v, rest := dst, 0, template
	for {
		at := bytes.IndexByte(rest, Mark)
		if at < 0 {
			break
		}
		out = append(out, rest[:at]...)
		if at+1 == len(rest) {
			return dst, fmt.Errorf("%w: a mark ends the template at byte %d", ErrTemplate, len(template)-1)
		}
		switch k := rest[at+1]; {
		case k == MarkLiteral:
			out = append(out, Mark)
		case !Kind(k).Valid():
			return dst, fmt.Errorf("%w: kind %#x at byte %d, want a known kind", ErrTemplate, k, len(template)-len(rest)+at+1)
		case v == len(vars):
			return dst, fmt.Errorf("%w: more placeholders than the %d variables", ErrTemplate, len(vars))
		default:
			out = append(out, vars[v].Text...)
			v++
		}
		rest = rest[at+2:]
	}
	if v != len(vars) {
		return dst, fmt.Errorf("%w: %d placeholders, want %d for the variables", ErrTemplate, v, len(vars))
	}
	return append(out, rest...), nil
}

// Kinds appends the kinds of a template's placeholders in order.
func Kinds(dst []Kind, template []byte) ([]Kind, error) {
	for i := 0; i < len(template); i++ {
		if template[i] != Mark {
			continue
		}
		i++
		if i == len(template) {
			return dst, fmt.Errorf("%w: a mark ends the template at byte %d", ErrTemplate, i-1)
		}
		if template[i] == MarkLiteral {
			continue
		}
		if !Kind(template[i]).Valid() {
			return dst, fmt.Errorf("%w: kind %#x at byte %d, want a known kind", ErrTemplate, template[i], i)
		}
		dst = append(dst, Kind(template[i]))
	}
	return dst, nil
}

// AppendText appends a template for people: placeholders as <kind>. It does not
// escape what the line says itself and cannot be parsed back.
func AppendText(dst, template []byte) []byte {
	for i := 0; i < len(template); i++ {
		if template[i] != Mark || i+1 == len(template) {
			dst = append(dst, template[i])
			continue
		}
		i++
		if template[i] == MarkLiteral {
			dst = append(dst, Mark)
			continue
		}
		dst = append(dst, '<')
		dst = append(dst, Kind(template[i]).String()...)
		dst = append(dst, '>')
	}
	return dst
}
