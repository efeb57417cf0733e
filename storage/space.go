package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// spaceGuard watches the free space of the disk and the failures that a lack of
// it causes. Below Options.MinFree writes are refused, which leaves room for
// what is on its way to disk; nearly without space the ballast, a file that
// does nothing but take some, is given up; and where a write failed for want of
// space nevertheless, the engine is opened anew once there is some.
type spaceGuard struct {
	db      *DB
	stop    chan struct{}
	done    chan struct{}
	low     atomic.Pointer[spaceError]
	free    atomic.Int64 // bytes; -1 where unknown
	reopens atomic.Int64
}

const (
	// spaceEvery is how often the disk is looked at. At MinFree's default it
	// would take a GiB a second to fill the disk in between.
	spaceEvery = time.Second
	// maxReopenPause bounds the time between attempts to open the engine anew.
	maxReopenPause = 30 * time.Second
	// probeBytes is what must be writable for an attempt.
	probeBytes = 1 << 20

	ballastName = "ballast"
	probeName   = "probe.tmp"
)

// spaceError is ErrNoSpace with its figures.
type spaceError struct{ free, min int64 }

func (e *spaceError) Error() string {
	return fmt.Sprintf("%v: %d MiB are free, MinFree is %d MiB", ErrNoSpace, e.free>>20, e.min>>20)
}

func (e *spaceError) Unwrap() error { return ErrNoSpace }

// refuse returns the error for a write where there is too little space.
func (g *spaceGuard) refuse() error {
	if e := g.low.Load(); e != nil {
		return e
	}
	return nil
}

func (g *spaceGuard) start(db *DB) {
	g.db, g.stop, g.done = db, make(chan struct{}), make(chan struct{})
	g.look()
	go g.loop()
}

// end stops watching, and waits for an attempt to reopen the engine.
func (g *spaceGuard) end() {
	close(g.stop)
	<-g.done
}

func (g *spaceGuard) loop() {
	defer close(g.done)
	tick := time.NewTicker(g.db.opts.spaceEvery)
	defer tick.Stop()
	pause, next := time.Duration(0), time.Time{}
	for {
		select {
		case <-g.stop:
			return
		case <-tick.C:
		}
		g.look()
		failure := g.db.failure.Load()
		if failure == nil {
			pause = 0
			continue
		}
		if !outOfSpace(*failure) || g.low.Load() != nil || time.Now().Before(next) {
			continue
		}
		if err := g.reopen(); err != nil {
			pause = min(max(2*pause, g.db.opts.spaceEvery), maxReopenPause)
			next = time.Now().Add(pause)
			g.db.opts.EventListener(Event{Kind: EventBackgroundError, Detail: "reopen", Err: err})
		}
	}
}

// look asks how much is free and acts on it.
func (g *spaceGuard) look() {
	o := &g.db.opts
	u, err := o.FS.GetDiskUsage(g.db.dir)
	if err != nil { // a filesystem in memory does not say
		g.free.Store(-1)
		g.low.Store(nil)
		return
	}
	free := int64(min(u.AvailBytes, 1<<62))
	g.free.Store(free)
	if o.MinFree > 0 && free < o.MinFree {
		if g.low.Swap(&spaceError{free, o.MinFree}) == nil {
			o.EventListener(Event{Kind: EventSpace, Err: g.refuse()})
		}
	} else if g.low.Swap(nil) != nil {
		o.EventListener(Event{Kind: EventSpace, Detail: fmt.Sprintf("%d MiB are free: writes are taken again", free>>20)})
	}
	if o.Ballast <= 0 {
		return
	}
	switch path := o.FS.PathJoin(g.db.dir, ballastName); {
	case free < o.Ballast:
		if err := o.FS.Remove(path); err == nil {
			o.EventListener(Event{Kind: EventSpace, Detail: fmt.Sprintf("the ballast of %d MiB was given up", o.Ballast>>20)})
		}
	case free >= max(o.MinFree, 0)+2*o.Ballast:
		if _, err := o.FS.Stat(path); errors.Is(err, fs.ErrNotExist) {
			if err := makeBallast(o.FS, path, o.Ballast); err != nil {
				_ = o.FS.Remove(path)
			}
		}
	}
}

// makeBallast reserves space. The file's length stays zero, so that a copy of
// the folder is no larger for it.
func makeBallast(fsys vfs.FS, path string, size int64) error {
	f, err := fsys.Create(path, category)
	if err != nil {
		return err
	}
	return errors.Join(f.Preallocate(0, size), f.Sync(), f.Close())
}

// outOfSpace reports whether an error, perhaps one of Pebble's that is a text
// alone, tells of a full disk.
func outOfSpace(err error) bool {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return true
	}
	text := err.Error()
	return strings.Contains(text, syscall.ENOSPC.Error()) || strings.Contains(text, syscall.EDQUOT.Error())
}

// probe writes and syncs a file in each folder that the engine writes to.
func (g *spaceGuard) probe() error {
	fsys := g.db.opts.FS
	for _, folder := range []string{"wal", "index"} {
		path := fsys.PathJoin(g.db.dir, folder, probeName)
		f, err := fsys.Create(path, category)
		if err != nil {
			return err
		}
		_, err = f.Write(make([]byte, probeBytes))
		err = errors.Join(err, f.Sync(), f.Close(), fsys.Remove(path))
		if err != nil {
			return err
		}
	}
	return nil
}

// reopen opens the engine anew after a failure.
func (g *spaceGuard) reopen() error {
	if err := g.probe(); err != nil {
		return err
	}
	db := g.db
	if err := db.reopen(func() error { return nil }); errors.Is(err, ErrClosed) {
		return nil
	} else if err != nil {
		return err
	}
	db.failure.Store(nil)
	g.reopens.Add(1)
	db.opts.EventListener(Event{Kind: EventReopened, Detail: "there is space again"})
	return nil
}
