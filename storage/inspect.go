package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/postings"
	"tidemark/storage/wal"
)

// Inspection says what Inspect reads. Nil functions are not called.
type Inspection struct {
	// FS is the filesystem; default the disk.
	FS vfs.FS
	// Lo and Hi bound the keys, Hi exclusive; nil means no bound.
	Lo, Hi []byte
	// Entry is called for each key and value of the index, in order of keys.
	// The slices are valid during the call.
	Entry func(key, value []byte) error
	// Record is called for each record of the write-ahead log, after the
	// entries. segment is the position its segment begins with.
	Record func(segment, pos uint64, rec []byte) error
}

// Inspect reads a store's folder as it lies, changing nothing: what is stored,
// not what it means. Package dump prints it. The folder must not be in use
// (ErrLocked). An error of Entry or Record ends it and is returned.
func Inspect(ctx context.Context, dir string, o Inspection) (err error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if _, err := o.FS.Stat(o.FS.PathJoin(dir, "FORMAT")); err != nil {
		return fmt.Errorf("%s holds no store", dir)
	}
	if _, err := checkFormat(o.FS, dir); err != nil {
		return err
	}
	if o.Entry != nil {
		if err := inspectIndex(ctx, dir, &o); err != nil {
			return err
		}
	}
	if o.Record == nil {
		return nil
	}
	err = wal.ReadSegments(o.FS, o.FS.PathJoin(dir, "wal"), func(segment, pos uint64, rec []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return o.Record(segment, pos, rec)
	})
	if errors.Is(err, wal.ErrDamaged) {
		return openError(ErrCorrupt, dir, err)
	}
	return err
}

func inspectIndex(ctx context.Context, dir string, o *Inspection) (err error) {
	defer func() {
		if r := recover(); r != nil { // Pebble's on what it cannot read
			err = openError(ErrCorrupt, dir, fmt.Errorf("%v", r))
		}
	}()
	l, err := o.FS.Lock(o.FS.PathJoin(dir, "LOCK"))
	if err != nil {
		return openError(ErrLocked, dir, err)
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	p, err := pebble.Open(o.FS.PathJoin(dir, "index"), &pebble.Options{FS: o.FS, ReadOnly: true, Merger: postings.Merger, Logger: quietLogger{}})
	if err != nil {
		return openError(ErrCorrupt, dir, err)
	}
	defer func() { err = errors.Join(err, closePebble(p)) }()
	it, err := p.NewIter(&pebble.IterOptions{LowerBound: o.Lo, UpperBound: o.Hi})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return openError(ErrCorrupt, dir, err)
		}
		if err := o.Entry(it.Key(), v); err != nil {
			return err
		}
	}
	return it.Error()
}

// quietLogger keeps Pebble from printing, and from ending the process.
type quietLogger struct{}

func (quietLogger) Infof(string, ...any)              {}
func (quietLogger) Errorf(string, ...any)             {}
func (quietLogger) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
