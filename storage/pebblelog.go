package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Pebble tries a failed flush again at once and for ever, and reports each
// attempt: thousands a second on a full disk.
const (
	// pebbleRetryPause is what an attempt waits for when the one before failed
	// within pebbleRetryPause and a second. It is spent under Pebble's lock, so
	// it also bounds what opening a view waits meanwhile.
	pebbleRetryPause = 20 * time.Millisecond
	// pebbleReportEvery is how often failures are passed on.
	pebbleReportEvery = 10 * time.Second
	// pebbleTroubleAge is how long after a failure the index is given nothing to
	// write: Pebble makes its writer wait, and that without an end, where more
	// than a few memtables could not be written out.
	pebbleTroubleAge = time.Second
)

// pebbleLogger hears what Pebble reports. It neither prints nor ends the
// process.
type pebbleLogger struct {
	db   *DB
	fail func(error) // makes the store refuse writes
	// opening gets an error that keeps Pebble from being opened.
	opening chan error
	// ready says that Pebble is open and its errors are the store's.
	ready atomic.Bool

	failed, reported atomic.Int64 // when, on the process's clock
}

var processStart = time.Now()

// background is told of a failure that Pebble tries to undo by trying again.
func (l *pebbleLogger) background(err error) {
	now := int64(time.Since(processStart))
	last := l.failed.Swap(now)
	if last != 0 && now-last < int64(time.Second+pebbleRetryPause) {
		time.Sleep(pebbleRetryPause)
	}
	l.stop(err)
	l.db.trouble.raise(err)
	l.report(now, err)
}

// trouble knows what fails in Pebble's background, and wakes those who wait for
// Pebble when something does. Pebble itself has them wait until an attempt
// succeeds.
type trouble struct {
	mu     sync.Mutex
	err    error // the last failure
	at     time.Time
	ctx    context.Context // of those who wait; nil where nobody does
	cancel context.CancelCauseFunc
}

// recent returns the last failure, where it is not long ago.
func (t *trouble) recent() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil || time.Since(t.at) > pebbleTroubleAge {
		return nil
	}
	return t.err
}

// next returns a context that ends with the next failure, which is its cause.
func (t *trouble) next() context.Context {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx == nil {
		t.ctx, t.cancel = context.WithCancelCause(context.Background())
	}
	return t.ctx
}

// clear forgets the last failure, of an engine that is no more.
func (t *trouble) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = nil
}

func (t *trouble) raise(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err, t.at = err, time.Now()
	if t.ctx != nil {
		t.cancel(err)
		t.ctx, t.cancel = nil, nil
	}
}

// stop ends the opening of Pebble where the disk takes nothing.
func (l *pebbleLogger) stop(err error) {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) {
		select {
		case l.opening <- err:
		default:
		}
	}
}

func (l *pebbleLogger) report(now int64, err error) {
	if !l.ready.Load() {
		return
	}
	last := l.reported.Load()
	if last != 0 && now-last < int64(pebbleReportEvery) || !l.reported.CompareAndSwap(last, now) {
		return
	}
	l.db.opts.EventListener(Event{Kind: EventBackgroundError, Detail: "pebble", Err: err})
}

// Infof implements pebble.Logger.
func (l *pebbleLogger) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (l *pebbleLogger) Errorf(format string, args ...any) {
	l.report(int64(time.Since(processStart)), fmt.Errorf(format, args...))
}

// Fatalf is called where Pebble cannot go on writing. It returns: what Pebble
// holds in memory stays readable, and the store takes no more writes.
func (l *pebbleLogger) Fatalf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if l.ready.Load() {
		l.fail(err)
		return
	}
	select {
	case l.opening <- err:
	default:
	}
}
