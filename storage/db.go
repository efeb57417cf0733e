package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/head"
	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/wal"
)

// DB is an open store. It is safe for concurrent use.
type DB struct {
	dir    string
	opts   Options
	lock   io.Closer
	pdb    *pebble.DB
	log    *wal.Segments
	labels *labelCache
	shapes *shapeCache

	encoders encoders

	// write is the critical section of Append: whoever holds it may append to
	// the log, write to the active head and freeze it.
	write struct {
		sync.Mutex
		closed  bool
		rec     []byte
		reqs    requestTable
		streams cardinality
	}
	inflight sync.WaitGroup // calls of Append behind the critical section

	// state is what a view is cut from.
	state struct {
		sync.RWMutex
		closed         bool
		paused         chan struct{} // closed when the engine is there again, where it is being reopened
		broken         error         // why there is no engine
		active, frozen *generation   // frozen is nil where nothing is being flushed
		room           chan struct{}
		views          map[*view]uint64 // open views and when they were opened
		viewSeq        uint64
		tombstones     []*tombstone // ascending by position; replaced, never changed
	}
	floor atomic.Int64 // times before it were dropped to save space
	// losses are what was cut out; changed under lossesMu, replaced.
	losses   atomic.Pointer[[]Loss]
	lossesMu sync.Mutex
	applied  atomic.Uint64
	visible  atomic.Uint64
	failure  atomic.Pointer[error]

	// tables knows what is on its way from Pebble's memtable into tables; the
	// background loop's, and its who has the engine locked.
	tables struct {
		bytes   int64           // flushed since
		applied uint64          // what is in tables once done is closed
		done    <-chan struct{} // nil where nothing is on its way
	}

	flushes chan flushRequest
	stop    chan struct{}
	cancel  context.CancelFunc // of the background loop's work
	done    chan struct{}

	compactor compactor
	space     spaceGuard
	mender    mender
	// engine is held for reading by background work that uses Pebble or the
	// log, and for writing while both are opened anew.
	engine       sync.RWMutex
	retirePebble func()
	trouble      trouble
	// rewriting is held by who writes a batch of a compaction, or drops a
	// partition; drops counts the latter.
	rewriting sync.Mutex
	drops     atomic.Uint64

	n counters
}

// counters are what Metrics reports beside the state.
type counters struct {
	batches, duplicates, rejected, rows, samples      atomic.Int64
	flushes, flushErrors, chunks, groups              atomic.Int64
	encodingFaults, losses                            atomic.Int64
	chunkBytes, groupBytes, lastFlush, partitionDrops atomic.Int64
	replayedBatches, replayedBytes                    atomic.Int64
	replay                                            time.Duration

	compactions, compactionErrors        atomic.Int64
	compactedChunks, compactedInto       atomic.Int64
	compactedBytes, compactedIntoBytes   atomic.Int64
	compactionNanos, partitionsUnsettled atomic.Int64
}

// compacted counts a pass of compaction.
func (n *counters) compacted(s CompactionStats, took time.Duration, err error) {
	n.compactions.Add(1)
	if err != nil {
		n.compactionErrors.Add(1)
	}
	n.compactedChunks.Add(s.ChunksIn)
	n.compactedInto.Add(s.ChunksOut)
	n.compactedBytes.Add(s.BytesIn)
	n.compactedIntoBytes.Add(s.BytesOut)
	n.compactionNanos.Add(int64(took))
}

// generation is a head from its start to its flush.
type generation struct {
	head *head.Head
	born time.Time // of the first row; zero where there is none
	last uint64    // position, once frozen
	// tombstones of what is in the head; guarded by DB.state, replaced, never
	// changed.
	tombstones []headTombstone

	// Guarded by DB.state.
	pins    int  // views that read the head
	flushed bool // everything is in chunks
}

// releaseLocked gives the head's memory back where nobody will read it. It is
// called once for each pin that ends and once when the flush has; DB.state is
// held for writing.
func (g *generation) releaseLocked() {
	if g.flushed && g.pins == 0 {
		g.head.Release()
	}
}

func newGeneration() *generation {
	return &generation{head: head.New(func(t int64) model.TimeRange { return keys.Day(t).Range() })}
}

// fail makes the store refuse writes.
func (db *DB) fail(err error) {
	if db.failure.CompareAndSwap(nil, &err) {
		db.opts.EventListener(Event{Kind: EventWriteFailure, Err: err})
	}
}

// writable returns the error that Append answers with, or nil.
func (db *DB) writable() error {
	if p := db.failure.Load(); p != nil {
		return fmt.Errorf("%w: %w", ErrReadOnly, *p)
	}
	return nil
}

// indexTakes returns why the index is not to be written to, or nil.
func (db *DB) indexTakes() error {
	if err := db.writable(); err != nil {
		return err
	}
	if err := db.trouble.recent(); err != nil {
		return fmt.Errorf("the index cannot write its tables: %w", err)
	}
	return nil
}

// Flush writes what is in memory to chunks and returns when that is durable.
func (db *DB) Flush(ctx context.Context) error {
	req := flushRequest{done: make(chan error, 1)}
	select {
	case db.flushes <- req:
	case <-db.done:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-req.done:
		return err
	case <-db.done:
		select {
		case err := <-req.done:
			return err
		default:
			return ErrClosed
		}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close flushes and closes the store. Views must be closed before; those that
// are not answer ErrClosed from then on. Closing a closed store is no error.
func (db *DB) Close() error { return db.close(true) }

// close ends the store. Without flush it leaves the write-ahead log for the
// next Open to replay.
func (db *DB) close(flush bool) error {
	db.write.Lock()
	if db.write.closed {
		db.write.Unlock()
		<-db.done
		return nil
	}
	db.write.closed = true
	db.write.Unlock()
	db.space.end()
	db.mender.end()
	db.inflight.Wait()
	db.compactor.end()

	var errs []error
	if flush && db.writable() == nil {
		if err := db.Flush(context.Background()); err != nil && db.writable() == nil {
			errs = append(errs, fmt.Errorf("flush: %w", err))
		}
	}
	if !flush {
		db.cancel()
	}
	close(db.stop)
	<-db.done

	db.state.Lock()
	db.state.closed = true
	views := make([]*view, 0, len(db.state.views))
	for v := range db.state.views {
		views = append(views, v)
	}
	db.state.Unlock()
	for _, v := range views {
		errs = append(errs, v.Close())
	}
	if flush && db.writable() == nil {
		if db.pebbleFlush(true) != nil {
			db.forget(db.applied.Load())
		}
	}
	if db.log != nil {
		if err := db.log.Close(); err != nil && db.writable() == nil {
			errs = append(errs, err)
		}
	}
	if db.pdb != nil {
		errs = append(errs, closePebble(db.pdb))
	}
	errs = append(errs, db.lock.Close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close %s: %w", db.dir, err)
	}
	return nil
}

// closePebble closes Pebble, which panics rather than returns some errors of
// resources still in use.
func closePebble(p *pebble.DB) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("close pebble: %v", r)
		}
	}()
	return p.Close()
}
