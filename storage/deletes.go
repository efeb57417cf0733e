package storage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/head"
	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/wal"
)

// tombstone is a deletion of what was written before it. It is a record of the
// log, and has a position like a batch. What it hides is told by position on
// disk, where everything that was flushed at a smaller one was written before
// it, and by address in the head that was active, where what has a smaller one
// was. The flush of that head leaves out what is hidden in it, and compaction
// removes it from older chunks and row groups.
type tombstone struct {
	model.Deletion
	pos      uint64
	received int64
	value    []byte // as in the log
}

// headTombstone is a tombstone over a head: rows at addresses below end are
// older.
type headTombstone struct {
	*tombstone
	end uint64
}

// deletion hides samples or rows in a range of time whose order, a position or
// an address, is below before.
type deletion struct {
	mint, maxt int64
	before     uint64
}

type deletions []deletion

// hide reports whether a sample or row is hidden.
func (ds deletions) hide(t int64, order uint64) bool {
	for i := range ds {
		if d := &ds[i]; order < d.before && t >= d.mint && t <= d.maxt {
			return true
		}
	}
	return false
}

// touch reports whether any of a chunk's samples may be hidden.
func (ds deletions) touch(mint, maxt int64, position uint64) bool {
	for i := range ds {
		if d := &ds[i]; position < d.before && mint <= d.maxt && maxt >= d.mint {
			return true
		}
	}
	return false
}

// metricDeletions returns what hides samples of a metric's series on disk.
func metricDeletions(ts []*tombstone, name string, ls model.Labels) (out deletions) {
	for _, t := range ts {
		if t.DeletesMetric(name, ls) {
			out = append(out, deletion{t.Mint, t.Maxt, t.pos})
		}
	}
	return out
}

// logDeletions returns what hides log rows of a stream on disk.
func logDeletions(ts []*tombstone, ls model.Labels) (out deletions) {
	for _, t := range ts {
		if t.DeletesLogs(ls) {
			out = append(out, deletion{t.Mint, t.Maxt, t.pos})
		}
	}
	return out
}

// headMetricDeletions and headLogDeletions are the same for a head.
func headMetricDeletions(ts []headTombstone, name string, ls model.Labels) (out deletions) {
	for _, t := range ts {
		if t.DeletesMetric(name, ls) {
			out = append(out, deletion{t.Mint, t.Maxt, t.end})
		}
	}
	return out
}

func headLogDeletions(ts []headTombstone, ls model.Labels) (out deletions) {
	for _, t := range ts {
		if t.DeletesLogs(ls) {
			out = append(out, deletion{t.Mint, t.Maxt, t.end})
		}
	}
	return out
}

// keepSamples drops what is hidden of a head's samples, in place.
func (ds deletions) keepSamples(ss []head.Sample) []head.Sample {
	if len(ds) == 0 {
		return ss
	}
	return slices.DeleteFunc(ss, func(s head.Sample) bool { return ds.hide(s.Time, s.Address()) })
}

// keepRows is keepSamples for log rows.
func (ds deletions) keepRows(rows []head.LogRow) []head.LogRow {
	if len(ds) == 0 {
		return rows
	}
	return slices.DeleteFunc(rows, func(r head.LogRow) bool { return ds.hide(r.Time, r.Address()) })
}

// Delete hides what was written until now and matches, and returns once that
// is on disk: views opened afterwards do not show it. What is written later is
// not affected, whatever its time. The bytes are removed by compaction; Compact
// does it at once. Names and values of labels that nothing has any more stay
// listed as long as their partition exists.
//
// The error is ErrInvalid, ErrFull where MaxTombstones deletions wait for
// compaction, ErrReadOnly, ErrClosed, or the context's.
func (db *DB) Delete(ctx context.Context, d model.Deletion) error {
	if err := db.delete(ctx, d); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return nil
}

func (db *DB) delete(ctx context.Context, d model.Deletion) error {
	if err := d.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if d.Scope == model.ScopeAll || d.Scope == model.ScopeLogs {
		for _, ms := range d.Selectors {
			if len(ms) > wal.MaxMatchers {
				return fmt.Errorf("%w: %d matchers, want at most %d", ErrInvalid, len(ms), wal.MaxMatchers)
			}
		}
	}
	if len(d.Selectors) > wal.MaxSelectors {
		return fmt.Errorf("%w: %d selectors, want at most %d", ErrInvalid, len(d.Selectors), wal.MaxSelectors)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	now := db.opts.Now().UnixNano()
	value := wal.AppendTombstone(nil, now, &d)
	if len(value) > maxTombstoneBytes {
		return fmt.Errorf("%w: selectors of %d bytes, want at most %d", ErrInvalid, len(value), maxTombstoneBytes)
	}
	// What is decoded is what a restart will have.
	_, d, err := wal.DecodeTombstone(value)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	w := &db.write
	w.Lock()
	if w.closed {
		w.Unlock()
		return ErrClosed
	}
	if err := db.writable(); err != nil {
		w.Unlock()
		return err
	}
	db.state.RLock()
	n := len(db.state.tombstones)
	db.state.RUnlock()
	if n >= MaxTombstones {
		w.Unlock()
		db.wantCompaction()
		return fmt.Errorf("%w: %d deletions wait for compaction, MaxTombstones is %d", ErrFull, n, MaxTombstones)
	}
	pos, err := db.log.Append(value)
	if err != nil {
		db.fail(err)
		w.Unlock()
		return db.writable()
	}
	// Listed before a flush can begin; views take it when it is durable.
	db.state.Lock()
	db.addTombstoneLocked(&tombstone{d, pos, now, value}, db.state.active)
	db.state.Unlock()
	log := db.log
	db.inflight.Add(1)
	w.Unlock()
	defer db.inflight.Done()
	if err := log.Wait(pos); err != nil {
		db.fail(err)
		return db.writable()
	}
	db.publish(pos)
	db.wantCompaction()
	return nil
}

const (
	// MaxTombstones bounds the deletions that compaction has not applied yet:
	// readers look at each of them for each series.
	MaxTombstones = 10_000
	// maxTombstoneBytes bounds the selectors of one deletion.
	maxTombstoneBytes = 1 << 20
	// tombstoneAge is how long compaction waits for more deletions before it
	// applies one.
	tombstoneAge = 10 * time.Minute
)

// addTombstoneLocked lists a tombstone; gen is active.
func (db *DB) addTombstoneLocked(t *tombstone, gen *generation) {
	// Lists are copied on write: views hold them.
	db.state.tombstones = append(slices.Clip(db.state.tombstones), t)
	gen.tombstones = append(slices.Clip(gen.tombstones), headTombstone{t, gen.head.End()})
	if f := db.state.frozen; f != nil && f != gen {
		f.tombstones = append(slices.Clip(f.tombstones), headTombstone{t, math.MaxUint64})
	}
}

// loadTombstones reads those that were flushed.
func (db *DB) loadTombstones() error {
	lo, hi := keys.Tombstones()
	return scan(db.pdb, lo, hi, func(it *pebble.Iterator) error {
		pos, err := keys.ReadTombstone(it.Key())
		if err != nil {
			return err
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		v = slices.Clone(v)
		received, d, err := wal.DecodeTombstone(v)
		if err != nil {
			return fmt.Errorf("tombstone %d: %w", pos, err)
		}
		db.state.tombstones = append(db.state.tombstones, &tombstone{d, pos, received, v})
		return nil
	})
}

// replayTombstone lists a tombstone of the log, which follows what is in the
// generation so far.
func (db *DB) replayTombstone(gen *generation, pos uint64, rec []byte) error {
	rec = slices.Clone(rec)
	received, d, err := wal.DecodeTombstone(rec)
	if err != nil {
		return err
	}
	db.addTombstoneLocked(&tombstone{d, pos, received, rec}, gen)
	return nil
}

// withRules adds what retention rules hide to the tombstones of a head.
func withRules(ts []headTombstone, rules []*tombstone) []headTombstone {
	ts = slices.Clip(ts)
	for _, r := range rules {
		ts = append(ts, headTombstone{r, math.MaxUint64})
	}
	return ts
}

// durableTombstones returns those of a list up to a position.
func durableTombstones[T interface{ position() uint64 }](ts []T, visible uint64) []T {
	n := len(ts)
	for n > 0 && ts[n-1].position() > visible {
		n--
	}
	return ts[:n]
}

func (t *tombstone) position() uint64 { return t.pos }

// overlapping returns the tombstones that may hide something in a partition.
func overlapping(ts []*tombstone, r model.TimeRange) (out []*tombstone) {
	for _, t := range ts {
		if t.Mint <= r.Maxt && t.Maxt >= r.Mint {
			out = append(out, t)
		}
	}
	return out
}

// dropTombstones forgets the tombstones that hide nothing any more: every
// partition that they overlap was gone over since they were flushed.
func (db *DB) dropTombstones() error {
	db.state.RLock()
	ts := db.state.tombstones
	db.state.RUnlock()
	if len(ts) == 0 {
		return nil
	}
	applied := db.applied.Load()
	parts, err := listPartitions(db.pdb)
	if err != nil {
		return err
	}
	seen := make([]uint64, len(parts))
	for i, p := range parts {
		u, err := readUpkeep(db.pdb, p.Compacted())
		if err != nil {
			return err
		}
		seen[i] = u.Position
	}
	var gone []*tombstone
	for _, t := range ts {
		done := t.pos <= applied
		for i, p := range parts {
			r := p.Range()
			done = done && (seen[i] >= t.pos || t.Mint > r.Maxt || t.Maxt < r.Mint)
		}
		if done {
			gone = append(gone, t)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	b := db.pdb.NewBatch()
	for _, t := range gone {
		_ = b.Delete(keys.Tombstone(t.pos), nil)
	}
	if err := db.commitBatch(b, pebble.NoSync); err != nil {
		return err
	}
	// A view that lists them reads a snapshot from before.
	db.state.Lock()
	defer db.state.Unlock()
	left := make([]*tombstone, 0, len(db.state.tombstones)-len(gone))
	for _, t := range db.state.tombstones {
		if !slices.Contains(gone, t) {
			left = append(left, t)
		}
	}
	db.state.tombstones = left
	return nil
}

// commitBatch commits and closes a batch of background work; a failure is
// final for the store.
func (db *DB) commitBatch(b *pebble.Batch, o *pebble.WriteOptions) (err error) {
	defer func() {
		if r := recover(); r != nil {
			// Pebble panics where its log cannot be written.
			err = fmt.Errorf("pebble: %v", r)
			db.fail(err)
		}
	}()
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := db.writable(); err != nil {
		return err
	}
	if err := b.Commit(o); err != nil {
		db.fail(err)
		return err
	}
	return db.writable() // Fatalf returned
}
