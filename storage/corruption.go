package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// damaged marks an error of Pebble's as ErrCorrupt where it tells of bytes on
// disk that are not what was written, and puts it in one line: Pebble's own has
// several, of which the first says it all. Other errors are returned as they
// are.
func damaged(err error) error {
	if err == nil || !pebble.IsCorruptionError(err) {
		return err
	}
	if text := firstLine(err); !errors.Is(err, ErrCorrupt) {
		return fmt.Errorf("%w: %s", ErrCorrupt, text)
	} else if text != err.Error() {
		// The text names ErrCorrupt already.
		return &oneLine{text, ErrCorrupt}
	}
	return err
}

// damagedFolder reports whether an error of opening Pebble in a folder that
// exists says that its files are not those that were written. Not every such
// error is marked by Pebble as corruption.
func damagedFolder(err error) bool {
	return pebble.IsCorruptionError(err) || errors.Is(err, fs.ErrNotExist) ||
		strings.Contains(err.Error(), "object size mismatch") || strings.Contains(err.Error(), "not pristine")
}

func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// oneLine is a mark under a text of its own.
type oneLine struct {
	text string
	mark error
}

func (e *oneLine) Error() string { return e.text }
func (e *oneLine) Unwrap() error { return e.mark }
