package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/postings"
	"tidemark/storage/wal"
)

// A store's folder:
//
//	LOCK      held while the store is open
//	manifest/ a copy of Pebble's manifest; see manifest.go
//	damaged/  files that were replaced because they were damaged
//	FORMAT    the version of the folder's format; see format.go
//	LOSSES    what was damaged and cut out, where something was; see losses.go
//	index/    Pebble
//	wal/      the write-ahead log
const category = vfs.DiskWriteCategory("tidemark")

// Open opens the store in dir, creating it where it does not exist.
// The error is ErrLocked, ErrNewerFormat, ErrOlderFormat, ErrNotWritable, ErrCorrupt or an
// *OptionsError, by errors.Is or errors.As. What was acknowledged before and is
// not in chunks yet is replayed from the log; the time that takes is bounded
// by Options.HeadBytes and FlushAge.
func Open(dir string, opts Options) (_ *DB, err error) {
	opts = opts.WithDefaults()
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	db := &DB{dir: dir, opts: opts, labels: newLabelCache(opts.LabelCacheEntries), shapes: newShapeCache(opts.ShapeCacheBytes), encoders: defaultEncoders()}
	var opened []func() error
	defer func() {
		if err != nil {
			for i := len(opened) - 1; i >= 0; i-- {
				_ = opened[i]()
			}
		}
	}()

	if db.lock, err = lockFolder(opts.FS, dir); err != nil {
		return nil, err
	}
	opened = append(opened, db.lock.Close)
	format, err := checkFormat(opts.FS, dir)
	if err != nil && format != formatUnclear {
		return nil, err
	}
	unclear := err
	if err := db.loadLosses(); err != nil {
		return nil, openError(ErrNotWritable, dir, err)
	}
	walDir := opts.FS.PathJoin(dir, "wal")
	if err := opts.FS.MkdirAll(walDir, 0o755); err != nil {
		return nil, openError(ErrNotWritable, dir, err)
	}
	if err := syncDir(opts.FS, dir); err != nil {
		return nil, openError(ErrNotWritable, dir, err)
	}

	db.write.reqs.init(opts)
	db.mender.db = db
	db.mender.ctx, db.mender.cancel = context.WithCancel(context.Background())
	if err := db.openMended(false); err != nil {
		return nil, err
	}
	opened = append(opened, func() error { db.closeEngine(); return nil })
	if err := db.checkIndexFormat(format, unclear); err != nil {
		return nil, err
	}
	db.flushes = make(chan flushRequest)
	db.stop, db.done = make(chan struct{}), make(chan struct{})
	var ctx context.Context
	ctx, db.cancel = context.WithCancel(context.Background())
	db.mender.start()
	db.compactor.start(db)
	db.space.start(db)
	go db.background(ctx)
	return db, nil
}

// openMended is openEngine; where it meets damage of the index it has it cut out
// and tries again.
func (db *DB) openMended(again bool) error {
	for tries := 0; ; tries++ {
		if _, err := db.mendIndexFiles(false); err != nil {
			return openError(ErrNotWritable, db.dir, err)
		}
		err := db.openEngine(again)
		if err == nil || tries == 2 || !errors.Is(err, ErrCorrupt) || errors.Is(err, ErrLogDamaged) {
			return err
		}
		files, ferr := db.mendIndexFiles(true)
		tables, terr := db.mender.closed()
		if errors.Join(ferr, terr) != nil || !files && !tables {
			return err
		}
	}
}

// reopen closes the engine, calls between, and opens it anew: what a restart does,
// but for the process. Views that are open end with ErrClosed once the calls
// that run on them are through; new ones wait meanwhile.
func (db *DB) reopen(between func() error) error {
	db.engine.Lock() // no background work uses it
	defer db.engine.Unlock()
	w := &db.write
	w.Lock()
	defer w.Unlock()
	if w.closed {
		return ErrClosed
	}
	db.inflight.Wait()

	resumed := make(chan struct{})
	db.state.Lock()
	defer db.state.Unlock()
	db.state.paused = resumed
	for v := range db.state.views {
		// It takes the lock, and waits for calls that run.
		db.state.Unlock()
		_ = v.Close()
		db.state.Lock()
	}
	db.closeEngine()
	err := between()
	if err == nil {
		err = db.openMended(true)
	}
	db.state.paused, db.state.broken = nil, err
	close(resumed)
	return err
}

// openEngine opens Pebble and the log, and fills in the state that hangs on
// them. The caller holds DB.write and DB.state where others may read them.
func (db *DB) openEngine(again bool) (err error) {
	dir, walDir := db.dir, db.opts.FS.PathJoin(db.dir, "wal")
	defer func() {
		if err != nil {
			db.closeEngine()
		}
	}()
	if db.pdb, err = openPebble(db, db.opts.FS.PathJoin(dir, "index")); err != nil {
		return err
	}
	if err := db.reindex(db.mender.ctx); err != nil {
		return openError(ErrCorrupt, dir, err)
	}
	applied, err := readU64(db.pdb, keys.Applied())
	if err != nil {
		return openError(ErrCorrupt, dir, err)
	}
	db.applied.Store(applied)
	db.labels.clear()
	if db.state.frozen != nil {
		close(db.state.room) // writers that wait look again
	}
	db.state.tombstones, db.state.frozen = nil, nil
	db.tables.bytes, db.tables.done = 0, nil
	db.trouble.clear()
	if again {
		db.write.reqs.init(db.opts)
	}
	if err := db.write.reqs.load(db.pdb, db.opts.Now().UnixNano()); err != nil {
		return openError(ErrCorrupt, dir, err)
	}
	if err := errors.Join(db.loadFloor(), db.loadTombstones()); err != nil {
		return openError(ErrCorrupt, dir, err)
	}
	gen, err := db.replay(walDir, applied)
	if err != nil {
		return err
	}
	db.state.active = newGeneration()
	db.state.views = make(map[*view]uint64)
	db.visible.Store(db.log.Last())
	if gen.last > applied {
		db.state.frozen = gen
		db.state.room = make(chan struct{})
	} else if err := db.log.Forget(applied); err != nil {
		return openError(ErrNotWritable, dir, err)
	}
	return nil
}

// closeEngine closes what openEngine opened, as far as it was; errors say
// nothing new about an engine that failed.
func (db *DB) closeEngine() {
	if db.log != nil {
		_ = db.log.Close()
		db.log = nil
	}
	if db.pdb != nil {
		db.retirePebble()
		_ = closePebble(db.pdb)
		db.pdb = nil
	}
}

// lockFolder creates the folder and locks it.
func lockFolder(fsys vfs.FS, dir string) (io.Closer, error) {
	if err := fsys.MkdirAll(dir, 0o755); err != nil {
		return nil, openError(ErrNotWritable, dir, err)
	}
	// The folder's own name must survive a crash. Its parent may be one that
	// cannot be opened; then it is not ours to care for.
	if parent := fsys.PathDir(dir); parent != dir {
		_ = syncDir(fsys, parent)
	}
	l, err := fsys.Lock(fsys.PathJoin(dir, "LOCK"))
	if err != nil {
		if denied(err) {
			return nil, openError(ErrNotWritable, dir, err)
		}
		return nil, openError(ErrLocked, dir, err)
	}
	return l, nil
}

// denied reports whether an error of the filesystem is other than another
// holder's lock.
func denied(err error) bool {
	for _, e := range []error{fs.ErrPermission, fs.ErrNotExist, syscall.EROFS, syscall.ENOTDIR, syscall.ENOSPC, syscall.EISDIR, syscall.EDQUOT, syscall.EIO} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func syncDir(fsys vfs.FS, dir string) error {
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// openPebble opens the index. The options differ from Pebble's defaults where a
// reason is given.
func openPebble(db *DB, dir string) (p *pebble.DB, err error) {
	var retired atomic.Bool // what it still reports then is of no concern
	db.retirePebble = func() { retired.Store(true) }
	fail := func(err error) {
		if !retired.Load() {
			db.fail(err)
		}
	}
	l := &pebbleLogger{db: db, fail: fail, opening: make(chan error, 1)}
	guard := newPebbleFS(db.opts.FS, dir, fail)
	o := &pebble.Options{
		FS:                          guard,
		FormatMajorVersion:          pebble.FormatNewest, // the default may change
		Merger:                      postings.Merger,
		Logger:                      l, // Pebble's own prints, and ends the process
		CacheSize:                   db.opts.CacheBytes,
		MemTableSize:                uint64(db.opts.memTable),
		MemTableStopWritesThreshold: 4,
		L0StopWritesThreshold:       24, // flushes are rare and large
		MaxOpenFiles:                1000,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		EventListener: &pebble.EventListener{
			BackgroundError: l.background,
			DataCorruption: func(i pebble.DataCorruptionInfo) {
				db.opts.EventListener(Event{Kind: EventCorruption, Detail: i.Path, Err: i.Details})
				db.mender.suspicion(i.Path)
			},
		},
	}
	for i := range o.Levels {
		o.Levels[i] = tableOptions()
	}
	type result struct {
		p   *pebble.DB
		err error
	}
	opened := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if v := recover(); v != nil {
				r = result{nil, fmt.Errorf("%w: %v", ErrCorrupt, v)}
			}
			opened <- r
		}()
		r.p, r.err = pebble.Open(dir, o)
	}()
	select {
	case r := <-opened:
		l.ready.Store(true)
		guard.armed.Store(r.err == nil)
		p, err = r.p, r.err
	case err := <-l.opening:
		// Pebble tries to write for as long as it takes, and opens only then.
		// It is left to that, and closed if it should come to it.
		go func() {
			if r := <-opened; r.p != nil {
				_ = closePebble(r.p)
			}
		}()
		return nil, openError(ErrNotWritable, db.dir, err)
	}
	switch {
	case err == nil:
		select {
		case err := <-l.opening: // it came just before
			return nil, openError(ErrNotWritable, db.dir, errors.Join(err, closePebble(p)))
		default:
		}
		return p, nil
	case errors.Is(err, ErrCorrupt):
		return nil, openError(ErrCorrupt, db.dir, errors.New(strings.TrimPrefix(err.Error(), ErrCorrupt.Error()+": ")))
	case damagedFolder(err):
		return nil, openError(ErrCorrupt, db.dir, err)
	case strings.Contains(err.Error(), "unknown format major version"):
		return nil, openError(ErrNewerFormat, db.dir, err)
	case denied(err):
		return nil, openError(ErrNotWritable, db.dir, err)
	}
	return nil, fmt.Errorf("open %s: %w", db.dir, err)
}

func readU64(r pebble.Reader, key []byte) (uint64, error) {
	v, c, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := keys.ReadU64(v)
	return n, errors.Join(err, c.Close())
}

// replay opens the log and inserts what it holds behind applied into a
// generation, which is returned.
func (db *DB) replay(dir string, applied uint64) (*generation, error) {
	gen := newGeneration()
	began := time.Now()
	var (
		dec     *wal.Decoder
		segment uint64
		batch   model.Batch
		lost    []Loss

		lostRows int
	)
	unlimited := db.opts.headLimits()
	unlimited.Streams, unlimited.Schemas = 1<<31, 1<<31 // they were admitted before
	db.write.streams.max = 1 << 31
	o := wal.ReplayOptions{
		After: applied,
		Progress: func(done, total int64) {
			db.opts.EventListener(Event{Kind: EventReplay, Done: done, Total: total})
		},
		Existing: applied > 0,
		Salvage:  db.opts.SalvageLog || db.indexLost(), // then the position may be lost up to which it is applied
		Damaged: func(d wal.Damage) error {
			db.opts.EventListener(Event{Kind: EventCorruption, Detail: "write-ahead log", Err: d.Err})
			if d.Path != "" {
				db.keepDamaged(d.Path)
			}
			if d.Mended {
				return nil
			}
			lost = append(lost, db.lossOfLog("records %d to %d of the write-ahead log: %v", d.First, d.Last, d.Err))
			return nil
		},
	}
	last := uint64(0)
	log, err := wal.OpenSegments(db.opts.FS, dir, o, func(seg, pos uint64, rec []byte) error {
		if dec == nil || seg != segment {
			dec, segment, last = &wal.Decoder{}, seg, seg-1
		}
		if pos != last+1 {
			dec.Lost()
		}
		last = pos
		if wal.IsTombstone(rec) {
			gen.last = pos
			return db.replayTombstone(gen, pos, rec)
		}
		meta, err := dec.Decode(rec, &batch)
		if err != nil {
			return err
		}
		if meta.LostRows > 0 {
			lostRows += meta.LostRows
		}
		res, err := gen.head.Resolve(&batch, unlimited)
		if err != nil {
			return err
		}
		gen.head.Publish(gen.head.Insert(&batch, res))
		gen.last = pos
		if db.opts.MaxDailyStreams > 0 {
			for _, st := range meta.Streams {
				db.write.streams.admit(st.Key(), meta.Received)
			}
		}
		db.write.reqs.add(batch.RequestKey, meta.Received, pos, true)
		db.n.replayedBatches.Add(1)
		db.n.replayedBytes.Add(int64(len(rec)))
		return nil
	})
	if err != nil {
		if errors.Is(err, wal.ErrDamaged) || errors.Is(err, wal.ErrBadRecord) {
			return nil, openError(ErrCorrupt, db.dir, err)
		}
		if denied(err) {
			return nil, openError(ErrNotWritable, db.dir, err)
		}
		return nil, fmt.Errorf("open %s: %w", db.dir, err)
	}
	db.log = log
	if lostRows > 0 {
		lost = append(lost, db.lossOfLog("%d rows of the write-ahead log up to record %d: what they refer to was in a record that is lost", lostRows, last))
	}
	if err := db.addLosses(lost...); err != nil {
		return nil, openError(ErrNotWritable, db.dir, err)
	}
	db.write.streams.max = db.opts.MaxDailyStreams
	db.n.replay = time.Since(began)
	return gen, nil
}
