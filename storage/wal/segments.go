package wal

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	suffix       = ".wal"
	headerSize   = 16
	diskCategory = vfs.DiskWriteCategory("tidemark-wal")
	// logNum is the number that Pebble's format tags chunks with. It guards
	// reused files; segments are never reused.
	logNum = 1
)

// MaxRecord is the largest record. A reader trusts no longer one.
const MaxRecord = 256 << 20

// Segments is a Log in files of one folder.
type Segments struct {
	fs  vfs.FS
	dir string

	// Owned by whoever calls Append and Rotate.
	w    *record.LogWriter
	file *segmentFile
	next uint64 // position of the next record
	buf  []byte

	durable atomic.Uint64
	bytes   atomic.Int64
	syncs   atomic.Int64

	mu struct {
		sync.Mutex
		err      error
		segments []*segment // ascending; the last one is being written
	}
	cond *sync.Cond // on mu: durable has advanced or err is set
}

var _ Log = (*Segments)(nil)

type segment struct {
	first uint64
	size  atomic.Int64
}

// segmentFile is the part of a file that Pebble's writer needs, counted.
type segmentFile struct {
	vfs.File
	l   *Segments
	seg *segment
}

func (f *segmentFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.l.bytes.Add(int64(n))
	f.seg.size.Add(int64(n))
	return n, err
}

func (f *segmentFile) Sync() error {
	f.l.syncs.Add(1)
	return f.SyncData()
}

// Progress is told how many of the bytes to replay were read.
type Progress func(done, total int64)

// ReplayOptions govern OpenSegments.
type ReplayOptions struct {
	// After is the position that is applied elsewhere: records up to it are
	// skipped, and segments that hold no others are removed.
	After uint64
	// Existing says that there was a log before: a folder without a segment is
	// damage then, for the last one is never removed.
	Existing bool
	// Progress, where set, is called now and then.
	Progress Progress
	// Salvage goes on where a segment is missing instead of returning ErrDamaged.
	Salvage bool
	// Damaged, where set, is called with what cannot be read; then the log is read
	// on behind it, unless it returns an error. Where it is not set, damage ends
	// the replay.
	Damaged func(Damage) error
}

// OpenSegments replays the records after o.After to visit, in order, and opens
// the log for appending behind them, in a new segment. segment is the first
// position of the segment that holds the record; rec is valid during the call.
// The folder must exist.
func OpenSegments(fs vfs.FS, dir string, o ReplayOptions, visit func(segment, pos uint64, rec []byte) error) (*Segments, error) {
	l := &Segments{fs: fs, dir: dir}
	l.cond = sync.NewCond(&l.mu)
	segs, err := l.list()
	if err != nil {
		return nil, err
	}
	var total, done int64
	for _, s := range segs {
		total += s.size.Load()
	}
	last := o.After
	if len(segs) == 0 && o.Existing {
		if err := o.missing(last+1, last+1, "%s has no segment, want one from position %d on", dir, last+1); err != nil {
			return nil, err
		}
	}
	for i, s := range segs {
		if i+1 < len(segs) && segs[i+1].first <= o.After+1 {
			if err := fs.Remove(l.path(s.first)); err != nil {
				return nil, fmt.Errorf("remove log segment %s: %w", l.path(s.first), err)
			}
			done += s.size.Load()
			continue
		}
		r := replay{l: l, seg: s, want: s.first, o: &o, visit: visit, done: done, total: total}
		if s.first > last+1 {
			if err := o.missing(last+1, s.first-1, "segment %s starts at position %d, want %d", l.path(s.first), s.first, last+1); err != nil {
				return nil, err
			}
		}
		if err := r.run(); err != nil {
			return nil, err
		}
		done += s.size.Load()
		last = max(last, r.want-1)
		l.mu.segments = append(l.mu.segments, s)
		if o.Progress != nil {
			o.Progress(done, total)
		}
	}
	l.next = last + 1
	l.durable.Store(last)
	if err := l.create(); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Segments) path(first uint64) string {
	return l.fs.PathJoin(l.dir, fmt.Sprintf("%020x%s", first, suffix))
}

func (l *Segments) list() ([]*segment, error) {
	names, err := l.fs.List(l.dir)
	if err != nil {
		return nil, fmt.Errorf("list log folder: %w", err)
	}
	var segs []*segment
	for _, n := range names {
		hex, ok := strings.CutSuffix(n, suffix)
		if !ok || len(hex) != 20 {
			continue
		}
		first, err := strconv.ParseUint(hex, 16, 64)
		if err != nil || first == 0 {
			continue
		}
		fi, err := l.fs.Stat(l.path(first))
		if err != nil {
			return nil, fmt.Errorf("log segment %s: %w", l.path(first), err)
		}
		s := &segment{first: first}
		s.size.Store(fi.Size())
		segs = append(segs, s)
	}
	slices.SortFunc(segs, func(a, b *segment) int { return cmp.Compare(a.first, b.first) })
	return segs, nil
}

// create starts a segment at l.next and makes its name durable.
func (l *Segments) create() error {
	path := l.path(l.next)
	f, err := l.fs.Create(path, diskCategory)
	if err != nil {
		return fmt.Errorf("create log segment %s: %w", path, err)
	}
	d, err := l.fs.OpenDir(l.dir)
	if err == nil {
		err = errors.Join(d.Sync(), d.Close())
	}
	if err != nil {
		return fmt.Errorf("sync log folder %s: %w", l.dir, errors.Join(err, f.Close()))
	}
	seg := &segment{first: l.next}
	l.file = &segmentFile{f, l, seg}
	l.w = newWriter(record.NewLogWriter, l.file, record.LogWriterConfig{
		ExternalSyncQueueCallback: l.synced,
		WriteWALSyncOffsets:       func() bool { return false },
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.mu.segments); n > 0 && l.mu.segments[n-1].first == l.next {
		// The segment before had no record and the same name.
		l.mu.segments = l.mu.segments[:n-1]
	}
	l.mu.segments = append(l.mu.segments, seg)
	return nil
}

// newWriter and newReader name Pebble's internal number type by inference.
func newWriter[N ~uint64](make func(io.Writer, N, record.LogWriterConfig) *record.LogWriter, w io.Writer, c record.LogWriterConfig) *record.LogWriter {
	return make(w, N(logNum), c)
}

func newReader[N ~uint64](make func(io.Reader, N) *record.Reader, r io.Reader) *record.Reader {
	return make(r, N(logNum))
}

// synced is called by the writer's goroutine, in order of positions.
func (l *Segments) synced(done record.PendingSyncIndex, err error) {
	l.mu.Lock()
	if err != nil {
		l.failLocked(err)
	} else if l.mu.err == nil && uint64(done.Index) > l.durable.Load() {
		l.durable.Store(uint64(done.Index))
	}
	l.mu.Unlock()
	l.cond.Broadcast()
}

func (l *Segments) failLocked(err error) {
	if l.mu.err == nil {
		l.mu.err = fmt.Errorf("%w: %w", ErrFailed, err)
	}
}

// Append implements Log.
func (l *Segments) Append(rec []byte) (uint64, error) {
	if err := l.Err(); err != nil {
		return 0, err
	}
	pos := l.next
	l.buf = binary.LittleEndian.AppendUint64(l.buf[:0], pos)
	l.buf = binary.LittleEndian.AppendUint64(l.buf, l.durable.Load())
	l.buf = append(l.buf, rec...)
	_, err := l.w.SyncRecordGeneralized(l.buf, &record.PendingSyncIndex{Index: int64(pos)})
	if cap(l.buf) > 4<<20 {
		l.buf = nil
	}
	if err != nil {
		l.mu.Lock()
		l.failLocked(err)
		l.mu.Unlock()
		return 0, l.Err()
	}
	l.next++
	return pos, nil
}

// Err returns the failure that ended the log, or nil.
func (l *Segments) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.err
}

// Wait implements Log.
func (l *Segments) Wait(pos uint64) error {
	if l.durable.Load() >= pos {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.durable.Load() < pos {
		if l.mu.err != nil {
			return l.mu.err
		}
		l.cond.Wait()
	}
	return nil
}

// Durable implements Log.
func (l *Segments) Durable() uint64 { return l.durable.Load() }

// Last returns the position of the last record appended. It may be called
// where Append may.
func (l *Segments) Last() uint64 { return l.next - 1 }

// closeSegment syncs and closes the segment being written.
func (l *Segments) closeSegment() error {
	if l.w == nil {
		return l.Err()
	}
	err := l.w.Close()
	l.w, l.file = nil, nil
	l.mu.Lock()
	if err != nil {
		l.failLocked(err)
	} else if l.mu.err == nil {
		l.durable.Store(l.next - 1)
	}
	err = l.mu.err
	l.mu.Unlock()
	l.cond.Broadcast()
	return err
}

// Rotate implements Log.
func (l *Segments) Rotate() (uint64, error) {
	if err := l.closeSegment(); err != nil {
		return 0, err
	}
	if err := l.create(); err != nil {
		l.mu.Lock()
		l.failLocked(err)
		l.mu.Unlock()
		return 0, l.Err()
	}
	return l.next - 1, nil
}

// Forget implements Log: it removes the closed segments that hold no position
// above pos. It may be called at any time.
func (l *Segments) Forget(pos uint64) error {
	l.mu.Lock()
	var gone []*segment
	for len(l.mu.segments) > 1 && l.mu.segments[1].first <= pos+1 {
		gone = append(gone, l.mu.segments[0])
		l.mu.segments = l.mu.segments[1:]
	}
	l.mu.Unlock()
	var errs []error
	for _, s := range gone {
		if err := l.fs.Remove(l.path(s.first)); err != nil {
			errs = append(errs, fmt.Errorf("remove log segment: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Close implements Log.
func (l *Segments) Close() error { return l.closeSegment() }

// Stats are the counters of a log since it was opened, and its present size.
type Stats struct{ Bytes, Syncs, SegmentBytes int64 }

// Stats returns the counters.
func (l *Segments) Stats() Stats {
	s := Stats{Bytes: l.bytes.Load(), Syncs: l.syncs.Load()}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, seg := range l.mu.segments {
		s.SegmentBytes += seg.size.Load()
	}
	return s
}

// Empty writes the log of a store that has everything up to a position before
// first elsewhere: a segment without a record.
func Empty(fs vfs.FS, dir string, first uint64) error {
	l := &Segments{fs: fs, dir: dir}
	f, err := fs.Create(l.path(first), diskCategory)
	if err != nil {
		return fmt.Errorf("create log segment %s: %w", l.path(first), err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
