package keys

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrBadKey marks bytes that are no key of the kind expected.
var ErrBadKey = errors.New("bad key")

func bad(kind string, key []byte) error {
	return fmt.Errorf("%w: %s: %x", ErrBadKey, kind, key)
}

func appendU32(dst []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(dst, v) }
func appendU64(dst []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(dst, v) }
func appendI64(dst []byte, v int64) []byte  { return appendU64(dst, uint64(v)^1<<63) }

func i64(b []byte) int64 { return int64(binary.BigEndian.Uint64(b) ^ 1<<63) }

const (
	escape     = 0x00
	escapedNul = 0xff
	terminator = 0x01
)

// appendEscaped appends s without a terminator: a prefix of all strings that
// begin with s.
func appendEscaped(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == escape {
			dst = append(dst, escape, escapedNul)
		} else {
			dst = append(dst, s[i])
		}
	}
	return dst
}

func appendString(dst []byte, s string) []byte {
	return append(appendEscaped(dst, s), escape, terminator)
}

// takeString returns the string that begins b and what follows it.
func takeString(b []byte) (s string, rest []byte, ok bool) {
	for i := 0; i+1 < len(b); i++ {
		if b[i] != escape {
			continue
		}
		switch b[i+1] {
		case terminator:
			return string(unescape(b[:i])), b[i+2:], true
		case escapedNul:
			i++
		default:
			return "", nil, false
		}
	}
	return "", nil, false
}

func unescape(b []byte) []byte {
	plain := true
	for _, c := range b {
		if c == escape {
			plain = false
			break
		}
	}
	if plain {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		out = append(out, b[i])
		if b[i] == escape {
			i++
		}
	}
	return out
}

// After returns the smallest key above every key that begins with prefix, or
// nil where there is none.
func After(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}
