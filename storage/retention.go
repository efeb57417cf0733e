package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/keys"
)

// dropOld removes the partitions that ended before retention's horizon. Views
// hide them from the moment they are opened; those opened earlier pin them,
// and then the partition is left for the next time.
func (db *DB) dropOld(ctx context.Context) {
	minTime := db.MinTime()
	if minTime == minInt64 || db.writable() != nil {
		return
	}
	parts, err := listPartitions(db.pdb)
	if err != nil {
		db.opts.EventListener(Event{Kind: EventBackgroundError, Detail: "retention", Err: err})
		return
	}
	for _, p := range parts {
		if p.Range().Maxt >= minTime {
			break
		}
		if db.pinned(p) {
			continue
		}
		if err := db.drop(ctx, p); err != nil {
			db.opts.EventListener(Event{Kind: EventBackgroundError, Detail: "retention", Err: err})
			return
		}
		db.n.partitionDrops.Add(1)
		db.opts.EventListener(Event{Kind: EventRetention, Detail: fmt.Sprintf("partition of %s",
			time.Unix(0, p.Start).UTC().Format(time.DateOnly))})
	}
}

// pinned reports whether an open view may read the partition.
func (db *DB) pinned(p keys.Partition) bool {
	db.state.RLock()
	defer db.state.RUnlock()
	for v := range db.state.views {
		if v.minTime <= p.Range().Maxt {
			return true
		}
	}
	return false
}

// drop removes a partition: first its data, then its mark, so that a crash
// between the two is made good by the next attempt.
func (db *DB) drop(ctx context.Context, p keys.Partition) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("pebble: %v", r)
			db.fail(err)
		}
	}()
	db.rewriting.Lock()
	defer db.rewriting.Unlock()
	db.drops.Add(1)
	lo, hi := p.Bounds()
	if err := db.pdb.Excise(ctx, pebble.KeyRange{Start: lo, End: hi}); err != nil {
		return err
	}
	db.labels.clear()
	return db.pdb.Delete(keys.PartitionMark(p), pebble.Sync)
}

// listPartitions returns the partitions in order of time.
func listPartitions(r pebble.Reader) ([]keys.Partition, error) {
	lo, hi := keys.PartitionMarks()
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return nil, err
	}
	defer func() { _ = it.Close() }()
	var out []keys.Partition
	for it.First(); it.Valid(); it.Next() {
		p, err := keys.ReadPartitionMark(it.Key())
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, it.Error()
}
