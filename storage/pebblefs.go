package storage

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// pebbleFS is the filesystem under Pebble. It keeps failures of Pebble's own
// log from Pebble.
//
// Where its log cannot be written, closed or created while it changes from one
// log file to the next, Pebble v2.1.7 panics without the mutex that its caller
// unlocks on the way out, and an unlock of an unlocked mutex ends the process:
// no recover helps. So, once the index is open, the first such failure makes
// the store refuse writes for good, and Pebble is told that all is well. From
// then on nothing reaches a log file, new ones exist in memory only, and no
// file is removed: the folder stays as a crash at that moment would leave it.
// Nothing acknowledged hangs on what Pebble is told afterwards, because a
// flush counts only where the store still takes writes after its last synced
// batch, and our own log keeps what no flush has made count.
type pebbleFS struct {
	vfs.FS
	fail  func(error) // makes the store refuse writes
	armed atomic.Bool // the index is open: until then errors go to Open
	dead  atomic.Bool
}

var errFrozen = errors.New("the index is as its failed log left it")

// hide reports whether an error is to be kept from Pebble, and acts on it.
func (fs *pebbleFS) hide(err error) bool {
	if err == nil || !fs.armed.Load() {
		return false
	}
	if fs.dead.CompareAndSwap(false, true) {
		fs.fail(fmt.Errorf("the index's log: %w", err))
	}
	return true
}

func isPebbleLog(name string) bool { return strings.HasSuffix(name, ".log") }

// log guards a log file that make returns.
func (fs *pebbleFS) log(make func() (vfs.File, error)) (vfs.File, error) {
	if !fs.dead.Load() {
		f, err := make()
		if !fs.hide(err) {
			if err != nil {
				return nil, err
			}
			return &pebbleLogFile{f, fs}, nil
		}
	}
	return vfs.NewMem().Create("log", vfs.WriteCategoryUnspecified)
}

// Create implements vfs.FS.
func (fs *pebbleFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if !isPebbleLog(name) {
		return fs.FS.Create(name, c)
	}
	return fs.log(func() (vfs.File, error) { return fs.FS.Create(name, c) })
}

// ReuseForWrite implements vfs.FS.
func (fs *pebbleFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if !isPebbleLog(newname) {
		return fs.FS.ReuseForWrite(oldname, newname, c)
	}
	return fs.log(func() (vfs.File, error) { return fs.FS.ReuseForWrite(oldname, newname, c) })
}

// OpenDir implements vfs.FS. A new log file counts once its folder is synced,
// so a failure of that is one of the log.
func (fs *pebbleFS) OpenDir(name string) (vfs.File, error) {
	f, err := fs.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &pebbleLogFile{f, fs}, nil
}

// Remove implements vfs.FS.
func (fs *pebbleFS) Remove(name string) error {
	if fs.dead.Load() {
		return errFrozen
	}
	return fs.FS.Remove(name)
}

// Unwrap implements vfs.FS.
func (fs *pebbleFS) Unwrap() vfs.FS { return fs.FS }

// pebbleLogFile is a log file, or the folder that holds them.
type pebbleLogFile struct {
	vfs.File
	fs *pebbleFS
}

// do runs an operation unless the log has failed.
func (f *pebbleLogFile) do(op func() error) error {
	if f.fs.dead.Load() {
		return nil
	}
	if err := op(); !f.fs.hide(err) {
		return err
	}
	return nil
}

// Write implements vfs.File.
func (f *pebbleLogFile) Write(p []byte) (n int, err error) {
	if err = f.do(func() (err error) { n, err = f.File.Write(p); return err }); err != nil {
		return n, err
	}
	return len(p), nil
}

// Preallocate implements vfs.File.
func (f *pebbleLogFile) Preallocate(offset, length int64) error {
	return f.do(func() error { return f.File.Preallocate(offset, length) })
}

// Sync implements vfs.File.
func (f *pebbleLogFile) Sync() error { return f.do(f.File.Sync) }

// SyncData implements vfs.File.
func (f *pebbleLogFile) SyncData() error { return f.do(f.File.SyncData) }

// SyncTo implements vfs.File.
func (f *pebbleLogFile) SyncTo(length int64) (full bool, err error) {
	err = f.do(func() (err error) { full, err = f.File.SyncTo(length); return err })
	return full, err
}

// Close implements vfs.File.
func (f *pebbleLogFile) Close() error {
	if err := f.File.Close(); !f.fs.hide(err) {
		return err
	}
	return nil
}
