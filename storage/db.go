package storage

import (
	"context"

	"tidemark/storage/model"
)

// DB is an open store. It is safe for concurrent use.
type DB struct{}

// Open opens the store in dir, creating it where it does not exist.
// The error is ErrLocked, ErrNewerFormat, ErrNotWritable, ErrCorrupt or an
// *OptionsError, by errors.Is or errors.As.
func Open(dir string, opts Options) (*DB, error) {
	opts = opts.WithDefaults()
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	return &DB{}, nil
}

// Append writes a batch atomically and returns once it is on disk and visible.
func (db *DB) Append(ctx context.Context, b *model.Batch) (model.AppendResult, error) {
	return model.AppendResult{}, ErrClosed
}

// View pins one consistent cut of the store; the caller closes it.
func (db *DB) View() (model.View, error) { return nil, ErrClosed }

// MinTime is the oldest time that retention accepts now.
func (db *DB) MinTime() int64 { return -1 << 63 }

// Flush writes what is in memory to chunks and returns when that is durable.
func (db *DB) Flush(ctx context.Context) error { return ErrClosed }

// Metrics returns a snapshot of counters and gauges.
func (db *DB) Metrics() Metrics { return Metrics{} }

// Close flushes and closes the store. Views must be closed before.
func (db *DB) Close() error { return nil }
