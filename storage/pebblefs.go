package storage

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// pebbleFS is the filesystem under Pebble. It keeps failures of the files that
// say what the index consists of from Pebble: its log, its manifest, the marker
// that names the manifest, and their folder.
//
// Where its log cannot be written, closed or created while it changes from one
// log file to the next, Pebble v2.1.7 panics without the mutex that its caller
// unlocks on the way out, and an unlock of an unlocked mutex ends the process:
// no recover helps. Where its manifest cannot be written, Pebble cannot know
// whether the change is in it, and wants the process to end; going on, it writes
// the same change again for ever, and what waits for it does so, too, and a
// later start may find the change twice. So, once the index is open, the first
// such failure makes the store refuse writes for good, and Pebble is told that
// all is well. From then on nothing reaches these files, new ones exist in
// memory only, and no file is removed: the folder stays as a crash at that
// moment would leave it, but for tables that no manifest names.
// Nothing acknowledged hangs on what Pebble is told afterwards, because a
// flush counts only where the store still takes writes after its last synced
// batch, and our own log keeps what no flush has made count.
type pebbleFS struct {
	vfs.FS
	dir   string      // Pebble's own; a checkpoint's files are its caller's concern
	fail  func(error) // makes the store refuse writes
	armed atomic.Bool // the index is open: until then errors go to Open
	dead  atomic.Bool
}

var errFrozen = errors.New("the index is as a failed write left it")

func newPebbleFS(fsys vfs.FS, dir string, fail func(error)) *pebbleFS {
	return &pebbleFS{FS: fsys, dir: fsys.PathDir(fsys.PathJoin(dir, "file")), fail: fail}
}

// hide reports whether an error is to be kept from Pebble, and acts on it.
func (fs *pebbleFS) hide(name string, err error) bool {
	if err == nil || !fs.armed.Load() {
		return false
	}
	if fs.dead.CompareAndSwap(false, true) {
		fs.fail(fmt.Errorf("the index's %s: %w", fs.PathBase(name), err))
	}
	return true
}

// guards reports whether failures of a file are kept from Pebble.
func (fs *pebbleFS) guards(name string) bool {
	if fs.PathDir(name) != fs.dir {
		return false
	}
	base := fs.PathBase(name)
	return strings.HasSuffix(base, ".log") || strings.HasPrefix(base, "MANIFEST-") || strings.HasPrefix(base, "marker.")
}

// create guards a file that make returns.
func (fs *pebbleFS) create(name string, make func() (vfs.File, error)) (vfs.File, error) {
	if !fs.dead.Load() {
		f, err := make()
		if !fs.hide(name, err) {
			if err != nil {
				return nil, err
			}
			return &guardedFile{File: f, fs: fs, name: name, copied: fs.copyOf(name)}, nil
		}
	}
	return vfs.NewMem().Create("file", vfs.WriteCategoryUnspecified)
}

// Create implements vfs.FS.
func (fs *pebbleFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if !fs.guards(name) {
		return fs.FS.Create(name, c)
	}
	return fs.create(name, func() (vfs.File, error) { return fs.FS.Create(name, c) })
}

// ReuseForWrite implements vfs.FS.
func (fs *pebbleFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if !fs.guards(newname) {
		return fs.FS.ReuseForWrite(oldname, newname, c)
	}
	return fs.create(newname, func() (vfs.File, error) { return fs.FS.ReuseForWrite(oldname, newname, c) })
}

// OpenDir implements vfs.FS. A new file counts once its folder is synced, so a
// failure of that is one of the file.
func (fs *pebbleFS) OpenDir(name string) (vfs.File, error) {
	f, err := fs.FS.OpenDir(name)
	if err != nil || fs.PathDir(fs.PathJoin(name, "file")) != fs.dir {
		return f, err
	}
	return &guardedFile{File: f, fs: fs, name: name}, nil
}

// Remove implements vfs.FS.
func (fs *pebbleFS) Remove(name string) error {
	if fs.dead.Load() {
		return errFrozen
	}
	if err := fs.FS.Remove(name); err != nil {
		return err
	}
	if fs.PathDir(name) == fs.dir && strings.HasPrefix(fs.PathBase(name), "MANIFEST-") {
		_ = fs.FS.Remove(manifestCopy(fs.FS, fs.dir, fs.PathBase(name)))
	}
	return nil
}

// copyOf creates the copy of a manifest; nil for other files, and where it cannot be
// created, since a copy that lacks records is as good as none.
func (fs *pebbleFS) copyOf(name string) vfs.File {
	if !strings.HasPrefix(fs.PathBase(name), "MANIFEST-") {
		return nil
	}
	path := manifestCopy(fs.FS, fs.dir, fs.PathBase(name))
	if err := fs.FS.MkdirAll(fs.FS.PathDir(path), 0o755); err != nil {
		return nil
	}
	f, err := fs.FS.Create(path, category)
	if err != nil {
		return nil
	}
	if err := syncDir(fs.FS, fs.FS.PathDir(path)); err != nil {
		_ = f.Close()
		return nil
	}
	return f
}

// Unwrap implements vfs.FS.
func (fs *pebbleFS) Unwrap() vfs.FS { return fs.FS }

// guardedFile is a file whose failures are kept from Pebble, or their folder.
type guardedFile struct {
	vfs.File
	fs   *pebbleFS
	name string
	// copied is the copy of a manifest. It is written first, and no more once that
	// failed.
	copied vfs.File
}

// both runs an operation on the copy, if there is one.
func (f *guardedFile) both(op func(vfs.File) error) {
	if f.copied != nil && op(f.copied) != nil {
		_ = f.copied.Close()
		f.copied = nil
	}
}

// do runs an operation unless one has failed before.
func (f *guardedFile) do(op func() error) error {
	if f.fs.dead.Load() {
		return nil
	}
	if err := op(); !f.fs.hide(f.name, err) {
		return err
	}
	return nil
}

// Write implements vfs.File.
func (f *guardedFile) Write(p []byte) (n int, err error) {
	f.both(func(c vfs.File) error { _, err := c.Write(bytes.Clone(p)); return err }) // a file may change what it is given
	if err = f.do(func() (err error) { n, err = f.File.Write(p); return err }); err != nil {
		return n, err
	}
	return len(p), nil
}

// Preallocate implements vfs.File and reserves nothing. Pebble asks for it so
// that the many syncs of its log need not write the file's size; a flush syncs
// its log once, and the reserve, a tenth more than a memtable for each log that
// is kept for reuse, would only be taken from the disk.
func (f *guardedFile) Preallocate(int64, int64) error { return nil }

// Sync implements vfs.File.
func (f *guardedFile) Sync() error {
	f.both(vfs.File.Sync)
	return f.do(f.File.Sync)
}

// SyncData implements vfs.File.
func (f *guardedFile) SyncData() error {
	f.both(vfs.File.SyncData)
	return f.do(f.File.SyncData)
}

// SyncTo implements vfs.File.
func (f *guardedFile) SyncTo(length int64) (full bool, err error) {
	f.both(vfs.File.Sync)
	err = f.do(func() (err error) { full, err = f.File.SyncTo(length); return err })
	return full, err
}

// Close implements vfs.File.
func (f *guardedFile) Close() error {
	if f.copied != nil {
		_ = f.copied.Close()
		f.copied = nil
	}
	if err := f.File.Close(); !f.fs.hide(f.name, err) {
		return err
	}
	return nil
}
