package wal

import "errors"

// Log is an ordered, durable list of records.
type Log interface {
	// Append adds a record, which is copied, and returns its position. The
	// record is not durable yet. Calls must not overlap each other or Rotate.
	Append(rec []byte) (pos uint64, err error)
	// Wait returns when the record at pos is durable, or the log has failed.
	Wait(pos uint64) error
	// Durable is the position up to which records are durable.
	Durable() uint64
	// Rotate makes records up to now forgettable as a unit. It returns the
	// position of the last one, which is durable then.
	Rotate() (last uint64, err error)
	// Forget drops the records up to pos that earlier calls of Rotate closed.
	Forget(pos uint64) error
	// Close makes everything durable and releases the log.
	Close() error
}

// Errors of a log.
var (
	// ErrDamaged marks a record that was durable and cannot be read.
	ErrDamaged = errors.New("write-ahead log is damaged")
	// ErrFailed says that an earlier write or sync failed.
	ErrFailed = errors.New("write-ahead log failed")
)
