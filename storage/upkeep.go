package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tidemark/storage/keys"
)

// compactor decides when which partition is compacted. It runs in a goroutine
// of its own, so that a long pass holds up neither flushes nor retention.
type compactor struct {
	db     *DB
	wake   chan struct{}
	busy   chan struct{} // holds a token while a pass may run
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
}

const (
	// compactEvery is how often partitions are looked at without a flush.
	compactEvery = 30 * time.Second
	// compactRetry is how long a partition is left alone after an error.
	compactRetry = 5 * time.Minute
	// compactSlice is how long compaction works before it looks whether a flush
	// runs, and maxStandBack bounds how long it waits for that, as a multiple of
	// the time that it has worked.
	compactSlice = 20 * time.Millisecond
	maxStandBack = 4
	// patience is how many times Options.CompactFlushes a pass over a partition
	// that is written to waits for a moment without a flush.
	patience = 4
	// maxPasses bounds the settling passes of one call over one partition beside
	// those that a merge of bounded size leaves to be gone on with.
	maxPasses = 4
)

func (c *compactor) start(db *DB) {
	c.db = db
	c.wake, c.busy, c.done = make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{})
	c.ctx, c.cancel = context.WithCancel(context.Background())
	go c.loop()
}

// end stops what runs and waits for it.
func (c *compactor) end() {
	c.cancel()
	<-c.done
	c.busy <- struct{}{} // a call of Compact has left
}

// wantCompaction has the compactor look at the partitions.
func (db *DB) wantCompaction() {
	select {
	case db.compactor.wake <- struct{}{}:
	default:
	}
}

func (c *compactor) loop() {
	defer close(c.done)
	if c.db.opts.NoCompaction {
		return
	}
	tick := time.NewTicker(min(compactEvery, max(c.db.opts.SettleAge/4, 10*time.Millisecond)))
	defer tick.Stop()
	failed := make(map[keys.Partition]time.Time)
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-c.wake:
		case <-tick.C:
		}
		for c.ctx.Err() == nil && c.db.writable() == nil && c.db.space.refuse() == nil {
			c.db.engine.RLock()
			if c.db.writable() != nil {
				c.db.engine.RUnlock()
				break
			}
			p, settle, ok, err := c.next(failed)
			c.db.engine.RUnlock()
			if err != nil {
				c.db.opts.EventListener(Event{Kind: EventBackgroundError, Detail: "compaction", Err: damaged(err)})
				c.db.wantMend(err)
			}
			if err != nil || !ok {
				break
			}
			if err := c.once(c.ctx, p, settle, c.standBack); err != nil && c.ctx.Err() == nil && !errors.Is(err, errDropped) {
				failed[p] = time.Now()
				c.db.opts.EventListener(Event{Kind: EventBackgroundError, Detail: "compaction", Err: damaged(err)})
				c.db.wantMend(err)
			}
		}
	}
}

// once runs one pass, alone.
func (c *compactor) once(ctx context.Context, p keys.Partition, settle bool, paced func(context.Context, time.Duration) error) error {
	select {
	case c.busy <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-c.busy }()
	c.db.engine.RLock()
	defer c.db.engine.RUnlock()
	if err := c.db.writable(); err != nil {
		return err
	}
	if _, _, err := c.db.compactPartition(ctx, p, settle, paced); err != nil {
		return err
	}
	return c.db.dropTombstones()
}

// next chooses the partition that needs a pass most: one that many flushes
// wrote into, and then one that has become quiet.
func (c *compactor) next(failed map[keys.Partition]time.Time) (_ keys.Partition, settle, ok bool, err error) {
	parts, err := listPartitions(c.db.pdb)
	if err != nil {
		return keys.Partition{}, false, false, err
	}
	var (
		best      keys.Partition
		flushes   uint32
		quiet     *keys.Partition
		unsettled int64
	)
	now := c.db.opts.Now().UnixNano()
	due := c.dueTombstones(now)
	for i, p := range parts {
		flushed, err := readUpkeep(c.db.pdb, p.Flushed())
		if err != nil {
			return keys.Partition{}, false, false, fmt.Errorf("partition %d: %w", p.Start, err)
		}
		compacted, err := readUpkeep(c.db.pdb, p.Compacted())
		if err != nil {
			return keys.Partition{}, false, false, fmt.Errorf("partition %d: %w", p.Start, err)
		}
		pending := c.db.ruleDue(p, compacted.Time, now)
		for _, t := range overlapping(due, p.Range()) {
			pending = pending || t.pos > compacted.Position
		}
		if compacted.Settled && compacted.Flushes == flushed.Flushes && !pending {
			continue
		}
		unsettled++
		if at, ok := failed[p]; ok && time.Since(at) < compactRetry {
			continue
		}
		delete(failed, p)
		if n := flushed.Flushes - compacted.Flushes; n >= uint32(c.db.opts.CompactFlushes) && n > flushes {
			best, flushes = p, n
		}
		if (pending || now-flushed.Time >= int64(c.db.opts.SettleAge)) && quiet == nil {
			quiet = &parts[i]
		}
	}
	c.db.n.partitionsUnsettled.Store(unsettled)
	switch {
	case flushes > 0 && (!c.db.flushing() || flushes >= patience*uint32(c.db.opts.CompactFlushes)):
		return best, false, true, nil
	case quiet != nil:
		return *quiet, true, true, nil
	}
	return keys.Partition{}, false, false, nil
}

// dueTombstones returns the flushed ones, if the oldest has waited long enough
// for others.
func (c *compactor) dueTombstones(now int64) []*tombstone {
	c.db.state.RLock()
	defer c.db.state.RUnlock()
	ts := durableTombstones(c.db.state.tombstones, c.db.applied.Load())
	if len(ts) == 0 || now-ts[0].received < int64(tombstoneAge) && len(ts) < MaxTombstones/2 {
		return nil
	}
	return ts
}

// flushing reports whether a generation is being written to chunks.
func (db *DB) flushing() bool {
	db.state.RLock()
	defer db.state.RUnlock()
	return db.state.frozen != nil
}

// standBack waits while a flush runs, so that compaction takes no more than a
// fifth of the time that writers may be waiting for.
func (c *compactor) standBack(ctx context.Context, worked time.Duration) error {
	c.db.state.RLock()
	room, flushing := c.db.state.room, c.db.state.frozen != nil
	c.db.state.RUnlock()
	if !flushing {
		return nil
	}
	t := time.NewTimer(maxStandBack * worked)
	defer t.Stop()
	select {
	case <-room:
	case <-t.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// Compact writes what is in memory to chunks, merges every partition's chunks
// until nothing is left to merge, and has Pebble rewrite its tables without
// what was deleted. It is not needed for the store to work: the same happens
// in the background. It takes time proportional to what the store holds, and
// can be cancelled; what it has done until then stays.
func (db *DB) Compact(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(db.compactor.ctx, cancel)()
	err := db.compactAll(ctx)
	if err != nil && db.compactor.ctx.Err() != nil {
		err = ErrClosed
	}
	if err != nil {
		return fmt.Errorf("compact: %w", damaged(err))
	}
	return nil
}

func (db *DB) compactAll(ctx context.Context) (err error) {
	if err := db.Flush(ctx); err != nil {
		return err
	}
	select {
	case db.compactor.busy <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-db.compactor.busy }()
	db.engine.RLock()
	defer db.engine.RUnlock()
	if err := errors.Join(ctx.Err(), db.writable()); err != nil {
		return err
	}
	parts, err := listPartitions(db.pdb)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := db.settle(ctx, p); err != nil {
			return err
		}
	}
	if err := db.dropTombstones(); err != nil {
		return err
	}
	return db.compactPebble(ctx)
}

// settle runs settling passes until one finds nothing to do. A pass is cut
// short by a partition that is dropped; then it is run again.
func (db *DB) settle(ctx context.Context, p keys.Partition) error {
	for passes := 0; passes < maxPasses; {
		stats, more, err := db.compactPartition(ctx, p, true, nil)
		if err != nil && !errors.Is(err, errDropped) {
			return err
		}
		if err == nil && stats.ChunksIn == 0 && stats.GroupsIn == 0 {
			break
		}
		if !more {
			passes++
		}
	}
	return nil
}

// compactPebble rewrites Pebble's tables. It ends with the first failure of
// Pebble's background, which would try again for as long as it takes.
func (db *DB) compactPebble(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("pebble: %v", r)
			db.fail(err)
		}
	}()
	failed := db.trouble.next()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(failed, func() { cancel(context.Cause(failed)) })()
	err = db.pdb.Compact(ctx, []byte{0}, []byte{0xff}, false)
	if errors.Is(err, context.Canceled) {
		err = context.Cause(ctx)
	}
	return err
}
