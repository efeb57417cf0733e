package storage

import (
	"context"
	"fmt"
	"time"
)

type flushRequest struct{ done chan error }

// wantFlush asks the background loop for a flush and does not wait.
func (db *DB) wantFlush() {
	select {
	case db.flushes <- flushRequest{}:
	default: // the loop is busy, and looks at the head when it is done
	}
}

// background flushes and drops partitions, one after the other, until the
// store is closed. It is the only writer of Pebble.
func (db *DB) background(ctx context.Context) {
	defer close(db.done)
	tick := time.NewTicker(min(max(db.opts.FlushAge/8, 10*time.Millisecond), 5*time.Second))
	defer tick.Stop()
	retry := time.Duration(0)
	for {
		db.engine.RLock()
		// What a crash or a failed flush left comes first.
		db.state.RLock()
		frozen := db.state.frozen != nil
		db.state.RUnlock()
		if frozen && db.writable() == nil {
			if err := db.flushFrozen(ctx); err != nil {
				if ctx.Err() == nil {
					db.n.flushErrors.Add(1)
					db.opts.EventListener(Event{Kind: EventBackgroundError, Detail: "flush", Err: err})
					db.wantMend(err)
				}
				retry = min(max(2*retry, 100*time.Millisecond), 30*time.Second)
			} else {
				retry = 0
			}
		}
		frozen = retry == 0 && db.due() && db.freeze() == nil
		db.engine.RUnlock()
		if frozen {
			continue
		}
		db.engine.RLock()
		inTables := db.tables.done
		db.engine.RUnlock()
		var again <-chan time.Time
		if retry > 0 {
			again = time.After(retry)
		}
		select {
		case <-db.stop:
			return
		case req := <-db.flushes:
			if req.done != nil {
				db.engine.RLock()
				req.done <- db.flushNow(ctx)
				db.engine.RUnlock()
			}
		case <-inTables:
			db.engine.RLock()
			db.inTables()
			db.engine.RUnlock()
		case <-again:
		case <-tick.C:
			db.engine.RLock()
			db.dropOld(ctx)
			db.engine.RUnlock()
		}
	}
}

// due reports whether the active generation is large or old enough.
func (db *DB) due() bool {
	db.write.Lock()
	defer db.write.Unlock()
	gen := db.state.active
	if db.writable() != nil || gen.head.Rows() == 0 {
		return false
	}
	return db.overBudget(gen) || db.opts.Now().Sub(gen.born) >= db.opts.FlushAge
}

// flushNow flushes everything that was appended before.
func (db *DB) flushNow(ctx context.Context) error {
	if err := db.writable(); err != nil {
		return err
	}
	db.state.RLock()
	frozen := db.state.frozen != nil
	db.state.RUnlock()
	if frozen {
		if err := db.flushFrozen(ctx); err != nil {
			db.n.flushErrors.Add(1)
			return fmt.Errorf("flush: %w", err)
		}
	}
	if err := db.freeze(); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	if err := db.flushFrozen(ctx); err != nil {
		db.n.flushErrors.Add(1)
		return fmt.Errorf("flush: %w", err)
	}
	return nil
}

// freeze ends the active generation, unless nothing was written in it, and
// starts a new one. There must be no frozen generation.
func (db *DB) freeze() error {
	db.write.Lock()
	defer db.write.Unlock()
	gen := db.state.active
	if db.log.Last() <= db.applied.Load() {
		return nil
	}
	last, err := db.log.Rotate()
	if err != nil {
		db.fail(err)
		return db.writable()
	}
	// Rotate has synced: all rows of the generation are durable.
	gen.last = last
	gen.head.Publish(gen.head.End())
	db.publish(last)
	next := newGeneration()
	db.state.Lock()
	defer db.state.Unlock()
	db.state.frozen, db.state.active = gen, next
	db.state.room = make(chan struct{})
	return nil
}
