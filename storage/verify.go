package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"

	"tidemark/storage/chunk"
	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/postings"
	"tidemark/storage/rowgroup"
	"tidemark/storage/wal"
)

// VerifyStats counts what Verify has read.
type VerifyStats struct {
	Tables, Keys, Chunks, Samples, RowGroups, Rows, Problems int64
}

// Verify reads every block of every table and decodes every chunk, row group,
// bitmap, label set and name of the store as of now. It calls problem with
// whatever is not as it was written, ErrCorrupt, and goes on behind it as far
// as it can. The log was read whole by Open. It takes time proportional to what
// the store holds, and the store goes on working.
func (db *DB) Verify(ctx context.Context, problem func(error)) (VerifyStats, error) {
	db.engine.RLock()
	defer db.engine.RUnlock()
	return db.verify(ctx, true, problem, func([]byte) {})
}

// verify is Verify, with the tables or without them; bad is called with the keys of
// values that are not as they were written.
func (db *DB) verify(ctx context.Context, tables bool, problem func(error), bad func(key []byte)) (VerifyStats, error) {
	var v verifier
	db.state.RLock()
	if db.state.closed || db.state.broken != nil {
		db.state.RUnlock()
		return v.stats, fmt.Errorf("verify: %w", ErrClosed)
	}
	snap := db.pdb.NewSnapshot()
	db.state.RUnlock()
	v = verifier{ctx: ctx, db: db, snap: snap, problem: problem, bad: bad, names: map[uint32]bool{}, sets: map[labelKey]bool{}}
	err := errors.Join(v.run(tables), snap.Close())
	if err != nil {
		err = fmt.Errorf("verify: %w", err)
	}
	return v.stats, err
}

type verifier struct {
	ctx     context.Context
	db      *DB
	snap    *pebble.Snapshot
	problem func(error)
	bad     func(key []byte)
	stats   VerifyStats
	names   map[uint32]bool
	sets    map[labelKey]bool
	column  chunk.Column
}

func (v *verifier) tell(err error) {
	v.stats.Problems++
	v.problem(damaged(err))
}

func (v *verifier) run(tables bool) error {
	if tables {
		if err := v.tables(); err != nil {
			return err
		}
	}
	for _, r := range [][2][]byte{{{0}, {0x10}}, {{0x11}, {0xff}}} { // what is of no partition
		if err := v.scan(r[0], r[1], v.global); err != nil {
			return err
		}
	}
	parts, err := listPartitions(v.snap)
	if err != nil {
		v.tell(corrupt("partitions", err))
		return nil
	}
	for _, p := range parts {
		lo, hi := p.Bounds()
		if err := v.scan(lo, hi, func(k, val []byte) error { return v.partition(p, k, val) }); err != nil {
			return err
		}
	}
	return nil
}

// tables checks the blocks' checksums of every table.
func (v *verifier) tables() error {
	levels, err := v.db.pdb.SSTables()
	if err != nil {
		return err
	}
	total := int64(0)
	for _, level := range levels {
		for i := range level {
			total += int64(level[i].Size)
		}
	}
	progressOf(v.ctx).expect(2 * total) // its blocks, then what they hold
	done := map[string]bool{}
	for _, level := range levels {
		for i := range level {
			if err := v.ctx.Err(); err != nil {
				return err
			}
			name := fmt.Sprintf("%06d.sst", level[i].BackingSSTNum)
			if done[name] {
				continue
			}
			done[name] = true
			v.stats.Tables++
			progressOf(v.ctx).add(int64(level[i].Size))
			if err := v.table(name); err != nil {
				v.tell(corrupt("table "+name, err))
			}
		}
	}
	return nil
}

func (v *verifier) table(name string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	fsys := v.db.opts.FS
	f, err := fsys.Open(fsys.PathJoin(v.db.dir, "index", name))
	if err != nil {
		return err
	}
	readable, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	r, err := sstable.NewReader(v.ctx, readable, sstable.ReaderOptions{Mergers: sstable.Mergers{postings.Merger.Name: postings.Merger}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return r.ValidateBlockChecksums()
}

// scan calls f with each key of a range and tells what f finds. Where Pebble
// cannot go on, the rest of the range is not looked at.
func (v *verifier) scan(lo, hi []byte, f func(k, val []byte) error) (err error) {
	it, err := v.snap.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return err
	}
	defer func() { _ = it.Close() }() // its error was told
	for ok := it.First(); ok; ok = it.Next() {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		v.stats.Keys++
		val, err := it.ValueAndErr()
		progressOf(v.ctx).add(int64(len(it.Key()) + len(val)))
		if err == nil {
			err = f(it.Key(), val)
		}
		if err != nil {
			v.tell(corrupt(fmt.Sprintf("key %x", it.Key()), err))
			v.bad(it.Key())
		}
	}
	if err := it.Error(); err != nil {
		v.tell(corrupt(fmt.Sprintf("keys from %x on", lo), err))
	}
	return nil
}

// global checks a key that belongs to no partition.
func (v *verifier) global(k, val []byte) error {
	if name, err := keys.ReadName(k); err == nil {
		_, err := keys.ReadNameInfo(val)
		if err != nil {
			return fmt.Errorf("metric name %q: %w", name, err)
		}
		return nil
	}
	if id, err := keys.ReadMetric(k); err == nil {
		v.names[id] = true
		return nil
	}
	if _, err := keys.ReadTombstone(k); err == nil {
		_, _, err := wal.DecodeTombstone(val)
		return err
	}
	if _, err := keys.ReadPartitionMark(k); err == nil {
		return nil
	}
	if _, err := keys.ReadRequest(k); err == nil {
		_, _, err := keys.ReadRequestValue(val)
		return err
	}
	return nil
}

// partition checks a key of a partition.
func (v *verifier) partition(p keys.Partition, k, val []byte) error {
	if c, err := p.ReadChunk(k); err == nil {
		return v.chunk(p, c, val)
	}
	if g, err := p.ReadRowGroup(k); err == nil {
		return v.rowGroup(p, g, val)
	}
	if id, err := p.ReadLabels(k); err == nil {
		v.sets[labelKey{p, id}] = true
		_, err := model.DecodeLabels(val)
		return err
	}
	if keys.IsBitmap(p, k) {
		_, err := postings.Decode(val)
		return err
	}
	return nil
}

func (v *verifier) chunk(p keys.Partition, k keys.Chunk, val []byte) error {
	v.stats.Chunks++
	v.column.Reset()
	if err := chunk.Decode(val, &v.column); err != nil {
		return err
	}
	v.stats.Samples += int64(v.column.Len())
	r := p.Range()
	switch n := v.column.Len(); {
	case v.column.Type != k.Type || v.column.Times[0] != k.Start:
		return fmt.Errorf("chunk of %s from %d on: its key says %s from %d on", v.column.Type, v.column.Times[0], k.Type, k.Start)
	case v.column.Times[0] < r.Mint || v.column.Times[n-1] > r.Maxt:
		return fmt.Errorf("chunk from %d to %d is outside of its partition", v.column.Times[0], v.column.Times[n-1])
	case !v.names[k.Metric]:
		return fmt.Errorf("chunk of metric %d, which has no name", k.Metric)
	case !v.sets[labelKey{p, k.Set}]:
		return fmt.Errorf("chunk of label set %d, which has no labels", k.Set)
	}
	return nil
}

func (v *verifier) rowGroup(p keys.Partition, k keys.RowGroup, val []byte) error {
	v.stats.RowGroups++
	g, err := openGroup(v.snap, p, k, val)
	if err != nil {
		return err
	}
	v.stats.Rows += int64(g.Rows())
	sets := g.Sets()
	if sets[0].ID != k.FirstSet || sets[len(sets)-1].ID != k.LastSet {
		return fmt.Errorf("row group of label sets %d to %d: its key says %d to %d", sets[0].ID, sets[len(sets)-1].ID, k.FirstSet, k.LastSet)
	}
	for _, run := range sets {
		if !v.sets[labelKey{p, run.ID}] {
			return fmt.Errorf("rows of label set %d, which has no labels", run.ID)
		}
		if err := eachRow(g, run.First, run.Count, func(int64, []byte, []rowgroup.Field) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}
