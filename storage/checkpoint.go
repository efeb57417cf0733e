package storage

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/wal"
)

// A checkpoint is the folder of a store as of a moment, with one file more,
// MANIFEST, that lists every other with its length and checksum:
//
//	tidemark checkpoint 1
//	<crc32c, 8 hex digits> <length> <path>
//
// in order of paths, and as the last line the checksum of the lines before
// with the path "MANIFEST". Whoever copies the folder can check the copy with
// nothing else.
const (
	manifestName   = "MANIFEST"
	manifestHeader = "tidemark checkpoint 1\n"
	maxManifest    = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checkpoint writes a copy of the store as of now into a folder that does not
// exist yet, on the same filesystem: everything that was acknowledged before is
// in it, and it can be opened as a store. Tables are linked where the filesystem
// can, so that it takes little time and space; the store goes on working. What
// is in memory is flushed first. A checkpoint that fails or is cancelled is
// removed.
func (db *DB) Checkpoint(ctx context.Context, dir string) error {
	err := db.checkpoint(ctx, dir)
	if err != nil {
		return fmt.Errorf("checkpoint %s: %w", dir, damaged(err))
	}
	return nil
}

func (db *DB) checkpoint(ctx context.Context, dir string) (err error) {
	if err := db.Flush(ctx); err != nil {
		return err
	}
	db.engine.RLock()
	defer db.engine.RUnlock()
	if err := db.writable(); err != nil {
		return err
	}
	fsys := db.opts.FS
	if _, err := fsys.Stat(dir); err == nil {
		return fs.ErrExist
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := fsys.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, fsys.RemoveAll(dir))
		}
	}()
	applied := db.applied.Load() // what the index has is this or more
	if err := db.checkpointPebble(fsys.PathJoin(dir, "index")); err != nil {
		return err
	}
	if err := db.writable(); err != nil { // it may have copied what is in memory only
		return err
	}
	// Nothing of the log is needed: what is in the index is applied. A store
	// without a log is damaged, though, so there is an empty one behind it.
	walDir := fsys.PathJoin(dir, "wal")
	if err := fsys.MkdirAll(walDir, 0o755); err != nil {
		return err
	}
	if err := wal.Empty(fsys, walDir, applied+1); err != nil {
		return err
	}
	if err := writeFormat(fsys, dir); err != nil {
		return err
	}
	if losses := db.Losses(); len(losses) > 0 {
		if err := writeLosses(fsys, dir, losses); err != nil {
			return err
		}
	}
	return writeManifest(ctx, fsys, dir)
}

func (db *DB) checkpointPebble(dir string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("pebble: %v", r)
		}
	}()
	return db.pdb.Checkpoint(dir, pebble.WithFlushedWAL())
}

// manifestEntry is a file of a checkpoint.
type manifestEntry struct {
	path   string // with slashes, below the checkpoint
	length int64
	crc    uint32
}

// listFiles returns the files below a folder, in order of paths.
func listFiles(fsys vfs.FS, dir, below string) (out []string, err error) {
	names, err := fsys.List(fsys.PathJoin(dir, below))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	for _, n := range names {
		path := n
		if below != "" {
			path = below + "/" + n
		}
		fi, err := fsys.Stat(fsys.PathJoin(dir, path))
		if err != nil {
			return nil, err
		}
		if fi.IsDir() {
			more, err := listFiles(fsys, dir, path)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		} else {
			out = append(out, path)
		}
	}
	return out, nil
}

// sum reads a file whole, copying it to dst where that is not nil.
func sum(ctx context.Context, fsys vfs.FS, path string, dst io.Writer) (length int64, crc uint32, err error) {
	f, err := fsys.Open(path, vfs.SequentialReadsOption)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buf := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return length, crc, err
		}
		n, err := f.Read(buf)
		length += int64(n)
		progressOf(ctx).add(int64(n))
		crc = crc32.Update(crc, castagnoli, buf[:n])
		if dst != nil && n > 0 {
			if _, err := dst.Write(buf[:n]); err != nil {
				return length, crc, err
			}
		}
		if err == io.EOF {
			return length, crc, nil
		}
		if err != nil {
			return length, crc, err
		}
	}
}

func writeManifest(ctx context.Context, fsys vfs.FS, dir string) error {
	paths, err := listFiles(fsys, dir, "")
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString(manifestHeader)
	for _, p := range paths {
		length, crc, err := sum(ctx, fsys, fsys.PathJoin(dir, p), nil)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%08x %d %s\n", crc, length, p)
	}
	fmt.Fprintf(&b, "%08x %d %s\n", crc32.Checksum(b.Bytes(), castagnoli), b.Len(), manifestName)
	f, err := fsys.Create(fsys.PathJoin(dir, manifestName), category)
	if err != nil {
		return err
	}
	_, err = f.Write(b.Bytes())
	return errors.Join(err, f.Sync(), f.Close(), syncDir(fsys, dir))
}

// readManifest reads the list of a checkpoint's files. It is untrusted.
func readManifest(fsys vfs.FS, dir string) ([]manifestEntry, error) {
	f, err := fsys.Open(fsys.PathJoin(dir, manifestName))
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return parseManifest(b)
}

func parseManifest(b []byte) ([]manifestEntry, error) {
	bad := func(what string) error { return fmt.Errorf("%w: %s: %s", ErrCorrupt, manifestName, what) }
	if !bytes.HasPrefix(b, []byte(manifestHeader)) {
		return nil, bad("want it to begin with " + strings.TrimSpace(manifestHeader))
	}
	var out []manifestEntry
	at := len(manifestHeader)
	for {
		end := bytes.IndexByte(b[at:], '\n')
		if end < 0 {
			return nil, bad("it ends early")
		}
		line := string(b[at : at+end])
		crcText, rest, ok1 := strings.Cut(line, " ")
		lengthText, path, ok2 := strings.Cut(rest, " ")
		crc, err1 := hex.DecodeString(crcText)
		length, err2 := strconv.ParseInt(lengthText, 10, 64)
		if !ok1 || !ok2 || err1 != nil || err2 != nil || len(crc) != 4 || length < 0 || !fs.ValidPath(path) || path == "." {
			return nil, bad(fmt.Sprintf("bad line %.100q", line))
		}
		e := manifestEntry{path, length, uint32(crc[0])<<24 | uint32(crc[1])<<16 | uint32(crc[2])<<8 | uint32(crc[3])}
		if path == manifestName {
			if e.length != int64(at) || e.crc != crc32.Checksum(b[:at], castagnoli) || at+end+1 != len(b) {
				return nil, bad("its checksum is wrong")
			}
			return out, nil
		}
		out = append(out, e)
		at += end + 1
	}
}

// IsCheckpoint reports whether a folder is a checkpoint.
func IsCheckpoint(fsys vfs.FS, dir string) bool {
	if fsys == nil {
		fsys = vfs.Default
	}
	_, err := fsys.Stat(fsys.PathJoin(dir, manifestName))
	return err == nil
}

// VerifyCheckpoint reads every byte of a checkpoint and compares it with the
// manifest. The error, ErrCorrupt, names what differs first; problems is called
// with each, where it is not nil. fsys nil means the operating system's.
func VerifyCheckpoint(ctx context.Context, fsys vfs.FS, dir string, problem func(error)) error {
	return copyCheckpoint(ctx, fsys, dir, "", problem)
}

// Restore copies a checkpoint to a folder that does not exist yet, checking
// every byte on the way, so that it can be opened as a store. It also makes
// copies of checkpoints: keep says that the manifest is copied, too. What is
// incomplete is removed.
func Restore(ctx context.Context, fsys vfs.FS, checkpoint, dir string, keep bool) (err error) {
	if fsys == nil {
		fsys = vfs.Default
	}
	if _, err := fsys.Stat(dir); err == nil {
		return fmt.Errorf("restore %s: %w", dir, fs.ErrExist)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("restore %s: %w", dir, err)
		}
	}()
	part := dir + ".part"
	if err := fsys.RemoveAll(part); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, fsys.RemoveAll(part))
		}
	}()
	if err := copyCheckpoint(ctx, fsys, checkpoint, part, nil); err != nil {
		return err
	}
	if keep {
		if err := copyFile(ctx, fsys, fsys.PathJoin(checkpoint, manifestName), fsys.PathJoin(part, manifestName), nil); err != nil {
			return err
		}
		if err := syncDir(fsys, part); err != nil {
			return err
		}
	}
	if err := fsys.Rename(part, dir); err != nil {
		return err
	}
	return syncDir(fsys, fsys.PathDir(dir))
}

// copyCheckpoint checks the files of a checkpoint, and copies them where to is
// not empty.
func copyCheckpoint(ctx context.Context, fsys vfs.FS, dir, to string, problem func(error)) error {
	if fsys == nil {
		fsys = vfs.Default
	}
	entries, err := readManifest(fsys, dir)
	if err != nil {
		return err
	}
	var first error
	tell := func(err error) {
		if first == nil {
			first = err
		}
		if problem != nil {
			problem(err)
		}
	}
	total := int64(0)
	for i := range entries {
		total += entries[i].length
	}
	progressOf(ctx).expect(total)
	folders := map[string]bool{}
	for i := range entries {
		e := &entries[i]
		from := fsys.PathJoin(dir, e.path)
		if to == "" {
			length, crc, err := sum(ctx, fsys, from, nil)
			if err = e.check(length, crc, err); err != nil {
				tell(err)
			}
		} else {
			dst := fsys.PathJoin(to, e.path)
			if folder := fsys.PathDir(dst); !folders[folder] {
				folders[folder] = true
				if err := fsys.MkdirAll(folder, 0o755); err != nil {
					return err
				}
			}
			if err := copyFile(ctx, fsys, from, dst, e); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if to != "" {
		folders[to] = true
		for folder := range folders {
			if err := syncDir(fsys, folder); err != nil {
				return err
			}
		}
	}
	return first
}

func (e *manifestEntry) check(length int64, crc uint32, err error) error {
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case err != nil:
		return fmt.Errorf("%w: %s: %w", ErrCorrupt, e.path, err)
	case length != e.length:
		return fmt.Errorf("%w: %s: want %d bytes, got %d", ErrCorrupt, e.path, e.length, length)
	case crc != e.crc:
		return fmt.Errorf("%w: %s: checksum: want %08x, got %08x", ErrCorrupt, e.path, e.crc, crc)
	}
	return nil
}

// copyFile copies and syncs a file; what was read must be what e says.
func copyFile(ctx context.Context, fsys vfs.FS, from, to string, e *manifestEntry) error {
	f, err := fsys.Create(to, category)
	if err != nil {
		return err
	}
	length, crc, err := sum(ctx, fsys, from, f)
	if e != nil {
		err = e.check(length, crc, err)
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// Snapshot takes a checkpoint into the store's own folder, at
// snapshots/<name>, and returns the name. Who has copied it away removes it.
func (db *DB) Snapshot(ctx context.Context) (name string, err error) {
	var unique [8]byte
	if _, err := rand.Read(unique[:]); err != nil {
		return "", fmt.Errorf("snapshot: %w", err)
	}
	name = db.opts.Now().UTC().Format("20060102T150405Z-") + hex.EncodeToString(unique[:])
	folder := db.opts.FS.PathJoin(db.dir, "snapshots")
	if err := db.opts.FS.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("snapshot: %w", err)
	}
	return name, db.Checkpoint(ctx, db.opts.FS.PathJoin(folder, name))
}
