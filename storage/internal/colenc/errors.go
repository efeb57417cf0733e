package colenc

import (
	"errors"
	"fmt"
)

// ErrCorrupt marks bytes that are not what the encoder writes.
var ErrCorrupt = errors.New("corrupt encoding")

// ErrUnsupported marks bytes that are sound as far as they can be judged, but
// need a newer reader: a version, a type or an encoding this one lacks.
var ErrUnsupported = errors.New("unsupported encoding")

// Corruptf returns an error that wraps ErrCorrupt.
func Corruptf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// Unsupportedf returns an error that wraps ErrUnsupported.
func Unsupportedf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsupported, fmt.Sprintf(format, args...))
}

// ErrTypeMismatch is returned where values of one type would be appended to
// values of another.
var ErrTypeMismatch = errors.New("type mismatch")

// In adds the name of a field to an error.
func In(field string, err error) error { return fmt.Errorf("%s: %w", field, err) }
