package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/head"
	"tidemark/storage/keys"
	"tidemark/storage/model"
)

// view implements model.View.
type view struct {
	db      *DB
	snap    *pebble.Snapshot
	applied uint64
	heads   []*head.Snapshot // in order of writing
	pinned  []*generation    // of the heads
	// What is deleted on disk and in each head; read with diskTombstones and
	// the like.
	tombstones     []*tombstone
	headTombstones map[*head.Snapshot][]headTombstone
	minTime        int64
	losses         []Loss

	touchedMu sync.Mutex
	touched   map[int]struct{} // losses that an answer may lack

	closing sync.RWMutex // held for reading while a call runs
	closed  bool

	partsOnce sync.Once
	parts     []keys.Partition
	partsErr  error
}

var _ model.View = (*view)(nil)

// View pins one consistent cut of the store; the caller closes it. It costs a
// few microseconds, whatever the store holds.
func (db *DB) View() (model.View, error) {
	v := &view{db: db, minTime: db.MinTime()}
	db.state.Lock()
	for db.state.paused != nil {
		resumed := db.state.paused
		db.state.Unlock()
		<-resumed
		db.state.Lock()
	}
	if db.state.closed {
		db.state.Unlock()
		return nil, ErrClosed
	}
	if err := db.state.broken; err != nil {
		db.state.Unlock()
		return nil, fmt.Errorf("view: %w: it cannot be opened again: %w", ErrReadOnly, err)
	}
	var gens []*generation
	if db.state.frozen != nil {
		gens = append(gens, db.state.frozen)
	}
	gens = append(gens, db.state.active)
	visible := db.visible.Load()
	v.tombstones = durableTombstones(db.state.tombstones, visible)
	rules := db.ruleTombstones()
	v.tombstones = append(slices.Clip(v.tombstones), rules...)
	for _, g := range gens {
		h := g.head.Snapshot()
		v.heads = append(v.heads, h)
		if ts := withRules(durableTombstones(g.tombstones, visible), rules); len(ts) > 0 {
			if v.headTombstones == nil {
				v.headTombstones = make(map[*head.Snapshot][]headTombstone)
			}
			v.headTombstones[h] = ts
		}
		g.pins++
	}
	v.pinned = gens
	// The snapshot is taken last: a flush that ends meanwhile is then in it,
	// and "applied" says so.
	v.snap = db.pdb.NewSnapshot()
	if l := db.losses.Load(); l != nil {
		v.losses = *l
	}
	db.state.viewSeq++
	db.state.views[v] = db.state.viewSeq
	frozen := db.state.frozen
	db.state.Unlock()

	applied, err := readU64(v.snap, keys.Applied())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("view: %w", err), v.Close())
	}
	v.applied = applied
	if frozen != nil && frozen.last <= applied {
		v.heads = v.heads[1:]
	}
	return v, nil
}

// Close releases the view; it waits for calls that run. Closing twice is no
// error.
func (v *view) Close() error {
	v.closing.Lock()
	defer v.closing.Unlock()
	if v.closed {
		return nil
	}
	v.closed = true
	v.db.state.Lock()
	delete(v.db.state.views, v)
	for _, g := range v.pinned {
		g.pins--
		g.releaseLocked()
	}
	v.db.state.Unlock()
	v.heads, v.pinned = nil, nil
	return v.snap.Close()
}

// enter begins a call; the caller defers leave if there is no error.
func (v *view) enter() error {
	v.closing.RLock()
	if v.closed {
		v.closing.RUnlock()
		return fmt.Errorf("view: %w", ErrClosed)
	}
	return nil
}

func (v *view) leave() { v.closing.RUnlock() }

// finish turns what a call ended with into its result.
func (v *view) finish(call string, err error) error {
	err = damaged(err)
	switch {
	case err == nil || errors.Is(err, model.ErrStop):
		return nil
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, ErrCorrupt):
		v.db.opts.EventListener(Event{Kind: EventCorruption, Detail: call, Err: err})
	}
	return err
}

// partitions returns the partitions on disk that overlap a range, in order of
// time.
func (v *view) partitions(mint, maxt int64) ([]keys.Partition, error) {
	v.partsOnce.Do(func() { v.parts, v.partsErr = listPartitions(v.snap) })
	if v.partsErr != nil {
		return nil, corrupt("partitions", v.partsErr)
	}
	var out []keys.Partition
	for _, p := range v.parts {
		if r := p.Range(); r.Maxt >= mint && r.Mint <= maxt && r.Maxt >= v.minTime {
			out = append(out, p)
		}
	}
	return out, nil
}

// corrupt marks an error of decoding what the store wrote.
func corrupt(what string, err error) error {
	if err == nil || errors.Is(err, ErrCorrupt) {
		return err
	}
	return fmt.Errorf("%w: %s: %w", ErrCorrupt, what, err)
}

// labelsOf returns the labels of a label set on disk.
func (v *view) labelsOf(p keys.Partition, id uint32) (*labelSet, error) {
	k := labelKey{p, id}
	if ls := v.db.labels.get(k); ls != nil {
		return ls, nil
	}
	val, c, err := v.snap.Get(p.Labels(id))
	if err != nil {
		return nil, corrupt(fmt.Sprintf("partition %d: label set %d", p.Start, id), err)
	}
	key := string(val)
	if err := c.Close(); err != nil {
		return nil, err
	}
	labels, err := model.DecodeLabels([]byte(key))
	if err != nil {
		return nil, corrupt(fmt.Sprintf("partition %d: label set %d", p.Start, id), err)
	}
	ls := &labelSet{labels, key}
	v.db.labels.put(k, ls)
	return ls, nil
}
