package remotewrite

import (
	"errors"
	"fmt"
	"mime"

	"github.com/klauspost/compress/snappy"
)

// Version is the protocol's version, which fixes the message.
type Version uint8

// The versions.
const (
	V1 Version = 1 // prometheus.WriteRequest
	V2 Version = 2 // io.prometheus.write.v2.Request
)

// String prints the version as "1.0" or "2.0".
func (v Version) String() string {
	if v == V2 {
		return "2.0"
	}
	return "1.0"
}

const mediaType = "application/x-protobuf"

// ParseContentType returns the version that a request's Content-Type names. An
// empty one, and one without the parameter proto, mean 1.0. The error is the
// text for an answer with status 415.
func ParseContentType(s string) (Version, error) {
	if s == "" {
		return V1, nil
	}
	t, params, err := mime.ParseMediaType(s)
	if err != nil || t != mediaType {
		return 0, fmt.Errorf("content type %q: want %s", s, mediaType)
	}
	switch p := params["proto"]; p {
	case "", "prometheus.WriteRequest":
		return V1, nil
	case "io.prometheus.write.v2.Request":
		return V2, nil
	default:
		return 0, fmt.Errorf("content type %q: proto is %q, want prometheus.WriteRequest or io.prometheus.write.v2.Request", s, p)
	}
}

// ErrTooLarge marks a request beyond a limit that holds for it as a whole.
var ErrTooLarge = errors.New("request is too large")

// maxExpansion is how much longer than its encoding a block of snappy can be:
// a copy of 64 bytes takes 3.
const maxExpansion = 22

// Decompress decodes a block of snappy into dst's memory, or new memory where
// that is too small. It allocates no more than most bytes, and no more than src
// can stand for, whatever length src claims. The error wraps ErrTooLarge where
// that is more than most.
func Decompress(dst, src []byte, most int) ([]byte, error) {
	n, err := snappy.DecodedLen(src)
	switch {
	case err != nil:
		return nil, fmt.Errorf("body is not a snappy block: %w", err)
	case n > most:
		return nil, fmt.Errorf("%w: %d bytes after decompression, want at most %d", ErrTooLarge, n, most)
	case n > maxExpansion*len(src):
		return nil, fmt.Errorf("body is not a snappy block: %d bytes cannot stand for %d", len(src), n)
	}
	if cap(dst) < n {
		dst = make([]byte, n)
	}
	out, err := snappy.Decode(dst[:n], src)
	if err != nil {
		return nil, fmt.Errorf("body is not a snappy block: %w", err)
	}
	return out, nil
}
