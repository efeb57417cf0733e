package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// What the index consists of stands in Pebble's manifest, and what was written to it
// last in Pebble's log. Both are small beside the tables, and without them nothing
// can be read, so both are kept twice: the manifest in the folder "manifest"
// (pebbleFS), and what is in Pebble's log in the write-ahead log, which forgets it
// only once it is in tables (flush.go).

const manifestFolder = "manifest"

// manifestCopy returns where the copy of a manifest lies.
func manifestCopy(fsys vfs.FS, index, name string) string {
	return fsys.PathJoin(fsys.PathDir(index), manifestFolder, name)
}

// mendIndexFiles makes good, before Pebble is opened, what is damaged of its manifest;
// with logs also of its logs and options, which Pebble refuses to be opened with.
// It reports whether anything was.
func (db *DB) mendIndexFiles(logs bool) (mended bool, err error) {
	fsys, index := db.opts.FS, db.opts.FS.PathJoin(db.dir, "index")
	names, err := fsys.List(index)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	slices.Sort(names)
	cut := false // a log was
	for _, name := range names {
		path := fsys.PathJoin(index, name)
		number, isLog := strings.CutSuffix(name, ".log")
		did := false
		switch {
		case strings.HasPrefix(name, "MANIFEST-"):
			did, err = db.mendManifest(index, name)
		case isLog && logs && cut:
			// What follows on a log that was cut belongs to a later state.
			db.keepDamaged(path)
			did, err = true, fsys.Remove(path)
		case isLog && logs:
			n, perr := strconv.ParseUint(number, 10, 64)
			if perr != nil {
				continue
			}
			did, err = db.mendPebbleLog(index, name, n)
			cut = did
		case strings.HasPrefix(name, "OPTIONS-") && logs:
			// They are those that this program sets.
			db.keepDamaged(path)
			did, err = true, fsys.Remove(path)
		}
		if err != nil {
			return mended, err
		}
		mended = mended || did
	}
	return mended, nil
}

// mendManifest puts the copy of a manifest in its place where more of that can be read.
func (db *DB) mendManifest(index, name string) (bool, error) {
	fsys, path := db.opts.FS, db.opts.FS.PathJoin(index, name)
	copied, err := readFile(fsys, manifestCopy(fsys, index, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // it comes from a backup
	}
	if err != nil {
		return false, err
	}
	b, err := readFile(fsys, path)
	if err != nil {
		return false, err
	}
	if bytes.Equal(b, copied) {
		return false, nil
	}
	have, _ := soundRecords(b, 0)
	want, size := soundRecords(copied, 0)
	if have >= want {
		return false, nil
	}
	db.opts.EventListener(Event{Kind: EventCorruption, Detail: name, Err: fmt.Errorf("%w: %d of %d records of the index's manifest can be read: its copy takes its place", ErrCorrupt, have, want)})
	db.keepDamaged(path)
	return true, replaceFile(fsys, index, name, copied[:size])
}

// mendPebbleLog cuts a log of Pebble's behind its last record that can be read.
// Nothing is lost: the write-ahead log has it, too.
func (db *DB) mendPebbleLog(index, name string, number uint64) (bool, error) {
	fsys, path := db.opts.FS, db.opts.FS.PathJoin(index, name)
	b, err := readFile(fsys, path)
	if err != nil {
		return false, err
	}
	n, size := soundRecords(b, number)
	if size == len(b) {
		return false, nil
	}
	db.opts.EventListener(Event{Kind: EventCorruption, Detail: name, Err: fmt.Errorf("%w: the index's log is cut behind %d records; the write-ahead log has the rest", ErrCorrupt, n)})
	db.keepDamaged(path)
	return true, replaceFile(fsys, index, name, b[:size])
}

// soundRecords counts the records in Pebble's format at the beginning of b, and
// returns where they end.
func soundRecords(b []byte, number uint64) (n, size int) {
	r := newRecordReader(record.NewReader, bytes.NewReader(b), number)
	for {
		rec, err := r.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, rec)
		}
		if errors.Is(err, io.EOF) {
			return n, len(b)
		}
		if err != nil {
			return n, size
		}
		n, size = n+1, int(r.Offset())
	}
}

// newRecordReader names Pebble's internal number type by inference.
func newRecordReader[N ~uint64](make func(io.Reader, N) *record.Reader, r io.Reader, number uint64) *record.Reader {
	return make(r, N(number))
}
