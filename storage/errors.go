package storage

import (
	"errors"
	"fmt"

	"tidemark/storage/wal"
)

// Errors of Open. Each is one clear line naming the folder.
var (
	// ErrLocked says that another process, or this one, has the folder open.
	ErrLocked = errors.New("store is in use")
	// ErrNewerFormat says that a later version of Tidemark wrote the folder.
	ErrNewerFormat = errors.New("store has a newer format")
	// ErrOlderFormat says that an earlier version of Tidemark wrote the folder in
	// a form that this one does not read.
	ErrOlderFormat = errors.New("store has an older format")
	// ErrNotWritable says that the folder cannot be created or written.
	ErrNotWritable = errors.New("store is not writable")
	// ErrCorrupt marks bytes on disk that are not what was written.
	ErrCorrupt = errors.New("store is corrupt")
	// ErrLogDamaged marks, beside ErrCorrupt, that a file of the write-ahead log is
	// missing: Options.SalvageLog opens the store without it.
	ErrLogDamaged = wal.ErrDamaged
)

// Errors of Append.
var (
	// ErrClosed says that the store, or the view, was closed.
	ErrClosed = errors.New("store is closed")
	// ErrTooOld says that a row is older than retention keeps.
	ErrTooOld = errors.New("time is older than retention")
	// ErrFull says that a limit on what the store may hold is reached, such as
	// Options.MaxStreams; streams already known are still written.
	ErrFull = errors.New("store limit reached")
	// ErrOverloaded says that writes come faster than the disk takes them for
	// longer than Options.MaxWriteWait; the same batch may be sent again.
	ErrOverloaded = errors.New("store is overloaded")
	// ErrTooLarge says that a batch is above Options.MaxBatchBytes.
	ErrTooLarge = errors.New("batch is too large")
	// ErrInvalid says that a batch breaks the record model's rules.
	ErrInvalid = errors.New("batch is invalid")
	// ErrNoSpace says that less than Options.MinFree is free on the disk: the
	// store answers queries, and takes writes again when there is space.
	ErrNoSpace = errors.New("disk space is short")
	// ErrReadOnly says that a write to disk failed earlier: the store answers
	// queries and refuses writes until it is opened anew, which it does by
	// itself where the disk was full.
	ErrReadOnly = errors.New("store refuses writes after a disk failure")
)

// OptionsError lists everything that is wrong with an Options value.
type OptionsError struct{ Problems []string }

// Error joins the problems in one line.
func (e *OptionsError) Error() string {
	s := "storage options: "
	for i, p := range e.Problems {
		if i > 0 {
			s += "; "
		}
		s += p
	}
	return s
}

func openError(kind error, dir string, cause error) error {
	if cause == nil {
		return fmt.Errorf("open %s: %w", dir, kind)
	}
	if text := firstLine(cause); text != cause.Error() {
		cause = &oneLine{text, cause}
	}
	return fmt.Errorf("open %s: %w: %w", dir, kind, cause)
}
