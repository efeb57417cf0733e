package storage

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/keys"
)

// formatVersion is the version of everything in a store's folder: it goes up
// with each change after which a store of before cannot be read.
//
//	1  the first; until the first release it was changed in place
//	2  row groups in parts, summaries of windows in chunks, log records that
//	   number what they define, a checksum in FORMAT
//
// The file FORMAT holds one line,
//
//	tidemark store 2 <crc32c of what is before, 8 hex digits>
//
// and the index the number under the key keys.Format, which decides where
// the file is damaged. Version 1 had no checksum.
const (
	formatVersion = 2
	formatPrefix  = "tidemark store "
	formatName    = "FORMAT"
)

// formatUnclear stands for the version of a folder whose FORMAT is damaged.
const formatUnclear = 0

// formatLine is the content of FORMAT.
func formatLine(version int) string {
	s := formatPrefix + strconv.Itoa(version)
	return fmt.Sprintf("%s %08x\n", s, crc32.Checksum([]byte(s), castagnoli))
}

// checkFormat reads the version, or writes it in a new folder. A damaged file is
// formatUnclear, and ErrCorrupt.
func checkFormat(fsys vfs.FS, dir string) (int, error) {
	f, err := fsys.Open(fsys.PathJoin(dir, formatName))
	if errors.Is(err, fs.ErrNotExist) {
		if err := writeFormat(fsys, dir); err != nil {
			return 0, openError(ErrNotWritable, dir, err)
		}
		return formatVersion, nil
	}
	if err != nil {
		return -1, openError(ErrNotWritable, dir, err)
	}
	b, err := io.ReadAll(io.LimitReader(f, 256))
	if err := errors.Join(err, f.Close()); err != nil {
		return formatUnclear, openError(ErrCorrupt, dir, err)
	}
	text, ok := strings.CutPrefix(string(b), formatPrefix)
	number, sum, sealed := strings.Cut(strings.TrimSuffix(text, "\n"), " ")
	v, err := strconv.Atoi(number)
	ok = ok && err == nil && v >= 1
	if !ok || sealed && formatLine(v) != string(b) || !sealed && v > 1 && v <= formatVersion {
		err := openError(ErrCorrupt, dir, fmt.Errorf("%s says %q (checksum %q), want %q", formatName, b, sum, formatLine(formatVersion)))
		if _, serr := fsys.Stat(fsys.PathJoin(dir, "index")); serr != nil {
			return -1, err // nothing says that it was a store
		}
		return formatUnclear, err
	}
	return v, formatError(dir, v)
}

// formatError says why a folder of a version is not opened, or nil.
func formatError(dir string, v int) error {
	switch {
	case v > formatVersion:
		return openError(ErrNewerFormat, dir, fmt.Errorf("version %d, this program reads version %d", v, formatVersion))
	case v < formatVersion:
		return openError(ErrOlderFormat, dir, fmt.Errorf("version %d, this program reads version %d: export from the program that wrote it, and import", v, formatVersion))
	}
	return nil
}

func writeFormat(fsys vfs.FS, dir string) error {
	return replaceFile(fsys, dir, formatName, []byte(formatLine(formatVersion)))
}

// checkIndexFormat compares what the index says of its version, if anything was
// flushed yet. Where FORMAT is damaged, with the error unclear, it is written anew.
func (db *DB) checkIndexFormat(version int, unclear error) error {
	v, err := readU64(db.pdb, keys.Format())
	if err != nil {
		return openError(ErrCorrupt, db.dir, err)
	}
	if v != 0 && v != formatVersion {
		return formatError(db.dir, int(min(v, 1<<30)))
	}
	if version != formatUnclear {
		return nil
	}
	db.opts.EventListener(Event{Kind: EventCorruption, Detail: formatName, Err: unclear})
	if err := writeFormat(db.opts.FS, db.dir); err != nil {
		return openError(ErrNotWritable, db.dir, err)
	}
	return nil
}
