package storage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/keys"
	"tidemark/storage/model"
)

// MinTime is the oldest time that retention accepts now.
func (db *DB) MinTime() int64 {
	floor := db.floor.Load()
	if db.opts.Retention == 0 {
		return floor
	}
	now := db.opts.Now().UnixNano()
	if t := now - int64(db.opts.Retention); t < now {
		return max(t, floor)
	}
	return floor
}

// deletion is what a rule hides at a time of the store's clock.
func (r *RetentionRule) deletion(now int64) model.Deletion {
	d := model.Deletion{Selectors: [][]*model.Matcher{r.Matchers}, Mint: minInt64, Maxt: minInt64}
	if t := now - int64(r.Keep); t < now {
		d.Maxt = t - 1
	}
	return d
}

// ruleTombstones are the rules as tombstones of everything that is old enough,
// whenever it was written.
func (db *DB) ruleTombstones() (out []*tombstone) {
	now := db.opts.Now().UnixNano()
	for i := range db.opts.RetentionRules {
		out = append(out, &tombstone{Deletion: db.opts.RetentionRules[i].deletion(now), pos: math.MaxUint64})
	}
	return out
}

// ruleDue reports whether a partition that was compacted last at a time has
// since become wholly older than a rule keeps.
func (db *DB) ruleDue(p keys.Partition, compacted, now int64) bool {
	for i := range db.opts.RetentionRules {
		r := &db.opts.RetentionRules[i]
		if end := p.Range().Maxt; r.deletion(now).Maxt >= end && r.deletion(compacted).Maxt < end {
			return true
		}
	}
	return false
}

// dropOld removes the partitions that ended before retention's horizon. Views
// hide them from the moment they are opened; those opened earlier pin them,
// and then the partition is left for the next time.
func (db *DB) dropOld(ctx context.Context) {
	if db.writable() != nil {
		return
	}
	report := func(err error) {
		db.opts.EventListener(Event{Kind: EventBackgroundError, Detail: "retention", Err: damaged(err)})
		db.wantMend(err)
	}
	if err := db.raiseFloor(); err != nil {
		report(err)
		return
	}
	minTime := db.MinTime()
	if minTime == minInt64 {
		return
	}
	if err := db.forgetOldLosses(); err != nil {
		report(err)
	}
	parts, err := listPartitions(db.pdb)
	if err != nil {
		report(err)
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
			report(err)
			return
		}
		db.n.partitionDrops.Add(1)
		db.opts.EventListener(Event{Kind: EventRetention, Detail: fmt.Sprintf("partition of %s",
			time.Unix(0, p.Start).UTC().Format(time.DateOnly))})
	}
}

// raiseFloor hides the oldest partitions while the store takes more than
// Options.RetentionSize. What they take is what their tables say; a table that
// also holds another partition's keys is counted in part.
func (db *DB) raiseFloor() error {
	if db.opts.RetentionSize == 0 {
		return nil
	}
	total, err := db.pdb.EstimateDiskUsage([]byte{0}, []byte{0xff})
	if err != nil {
		return err
	}
	size := int64(total) + db.log.Stats().SegmentBytes
	if size <= db.opts.RetentionSize {
		return nil
	}
	parts, err := listPartitions(db.pdb)
	if err != nil {
		return err
	}
	floor := db.floor.Load()
	for i := 0; i+1 < len(parts) && size > db.opts.RetentionSize; i++ {
		lo, hi := parts[i].Bounds()
		n, err := db.pdb.EstimateDiskUsage(lo, hi)
		if err != nil {
			return err
		}
		size -= int64(n)
		floor = max(floor, parts[i].Range().Maxt+1)
	}
	if floor <= db.floor.Load() {
		return nil
	}
	// The floor is kept, so that a restart does not take in what was dropped.
	b := db.pdb.NewBatch()
	_ = b.Set(keys.Floor(), keys.U64(uint64(floor)), nil)
	if err := db.commitBatch(b, pebble.Sync); err != nil {
		return err
	}
	db.floor.Store(floor)
	return nil
}

// loadFloor reads what raiseFloor left.
func (db *DB) loadFloor() error {
	db.floor.Store(minInt64)
	v, c, err := db.pdb.Get(keys.Floor())
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	n, err := keys.ReadU64(v)
	db.floor.Store(int64(n))
	return errors.Join(err, c.Close())
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
	db.shapes.clear()
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
