package storage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/chunk"
	"tidemark/storage/compact"
	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/rowgroup"
)

// errDropped ends a pass whose partition may have been dropped meanwhile.
var errDropped = errors.New("a partition was dropped meanwhile")

// compaction is one pass over the chunks of one partition. It reads a snapshot
// and takes only what counts in it, so flushes go on beside it: they write keys
// of positions that it leaves alone. Each batch deletes exactly the chunks that
// were merged and writes what they became, so that a crash, an error or a
// cancellation between two batches leaves a store with the same answers.
type compaction struct {
	db     *DB
	ctx    context.Context
	p      keys.Partition
	settle bool
	// paced, where set, is called after each compactSlice with the time that was
	// worked since it was called last.
	paced func(ctx context.Context, worked time.Duration) error

	snap    *pebble.Snapshot
	applied uint64
	drops   uint64 // db.drops when the snapshot was taken
	batch   *pebble.Batch
	began   time.Time // or when paced returned last
	encoder encoder
	merger  compact.Merger

	tombstones []*tombstone // that are flushed and overlap the partition
	rows       *rowgroup.Builder

	series  []seriesChunk // of one series
	values  []byte        // theirs
	sources []compact.Source

	partial bool
	unread  int // damaged chunks and row groups
	stats   CompactionStats
}

// CompactionStats says what compaction did.
type CompactionStats struct {
	ChunksIn, ChunksOut   int64 // merged, and what became of them
	SamplesIn, SamplesOut int64
	BytesIn, BytesOut     int64
	GroupsIn, GroupsOut   int64 // row groups rewritten, and what became of them
	GroupBytesOut         int64
	RowsRemoved           int64 // log rows that were deleted
}

// maxSeriesBytes bounds the chunks of a series that are kept from the scan;
// what lies behind is read again where it is merged.
const maxSeriesBytes = 32 << 20

// seriesChunk is a chunk of the series at hand; its bytes are values[from:to]
// where they were kept.
type seriesChunk struct {
	key      keys.Chunk
	piece    compact.Piece
	from, to int
}

// compactPartition runs one pass. more says that another one would find work
// left.
func (db *DB) compactPartition(ctx context.Context, p keys.Partition, settle bool, paced func(context.Context, time.Duration) error) (stats CompactionStats, more bool, err error) {
	c := &compaction{db: db, ctx: ctx, p: p, settle: settle, paced: paced, encoder: encoder{db: db, best: true}, began: time.Now()}
	began := c.began
	day := time.Unix(0, p.Start).UTC().Format(time.DateOnly)
	db.opts.EventListener(Event{Kind: EventCompactionBegin, Detail: day})
	err = c.run()
	took := time.Since(began)
	db.n.compacted(c.stats, took, err)
	db.opts.EventListener(Event{Kind: EventCompactionEnd, Duration: took, Err: err,
		Detail: fmt.Sprintf("%s: %d chunks of %d bytes became %d of %d", day, c.stats.ChunksIn, c.stats.BytesIn, c.stats.ChunksOut, c.stats.BytesOut) +
			groupsText(&c.stats)})
	if err != nil {
		return c.stats, false, fmt.Errorf("compact partition of %s: %w", day, err)
	}
	return c.stats, c.partial, nil
}

// groupsText tells what became of row groups, where any were rewritten.
func groupsText(s *CompactionStats) string {
	if s.GroupsIn == 0 {
		return ""
	}
	return fmt.Sprintf(", %d row groups %d of %d bytes", s.GroupsIn, s.GroupsOut, s.GroupBytesOut)
}

func (c *compaction) run() (err error) {
	defer func() {
		// Nothing of a batch that was not committed counts: an error of this
		// program ends the pass and does no more.
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	c.drops = c.db.drops.Load()
	c.db.state.RLock()
	tombstones := c.db.state.tombstones
	c.snap = c.db.pdb.NewSnapshot()
	c.db.state.RUnlock()
	defer func() { err = errors.Join(err, c.snap.Close()) }()
	if c.applied, err = readU64(c.snap, keys.Applied()); err != nil {
		return err
	}
	c.tombstones = overlapping(durableTombstones(tombstones, c.applied), c.p.Range())
	for _, t := range c.db.ruleTombstones() {
		if t.Maxt >= c.p.Range().Maxt { // else it would be rewritten as time goes on
			c.tombstones = append(c.tombstones, t)
		}
	}
	c.batch = c.db.pdb.NewBatch()
	defer func() { err = errors.Join(err, c.batch.Close()) }()
	if err := c.chunks(); err != nil {
		return err
	}
	if err := c.rowGroups(); err != nil {
		return err
	}
	return c.finish()
}

// finish notes what the pass has seen.
func (c *compaction) finish() error {
	u, err := readUpkeep(c.snap, c.p.Flushed())
	if err != nil {
		return err
	}
	u.Position, u.Time, u.Settled = c.applied, c.db.opts.Now().UnixNano(), c.settle && !c.partial
	if c.unread > 0 && len(c.tombstones) > 0 {
		if err := c.commit(1); err != nil {
			return err
		}
		return fmt.Errorf("%w: %d chunks or row groups cannot be read, so deletions stay", ErrCorrupt, c.unread)
	}
	_ = c.batch.Set(c.p.Compacted(), u.Value(), nil)
	return c.commit(1)
}

// chunks merges the chunks of the partition, series by series.
func (c *compaction) chunks() (err error) {
	lo, hi := c.p.AllChunks()
	it, err := c.snap.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		if n++; n%256 == 0 && c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		k, err := c.p.ReadChunk(it.Key())
		if err != nil {
			return corrupt("chunk", err)
		}
		if k.Position > c.applied {
			continue
		}
		if len(c.series) > 0 && (c.series[0].key.Metric != k.Metric || c.series[0].key.Set != k.Set) {
			if err := c.oneSeries(); err != nil {
				return err
			}
			if err := c.pace(); err != nil {
				return err
			}
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		h, err := chunk.ReadHeader(v)
		if err == nil && h.Mint != k.Start {
			err = fmt.Errorf("starts at %d, its key says %d", h.Mint, k.Start)
		}
		if err != nil {
			// Its times are not known, so its series is left as it is.
			c.damaged(k, err)
			h.Count = 0
		}
		x := seriesChunk{key: k, piece: compact.Piece{Type: k.Type, Mint: h.Mint, Maxt: h.Maxt, Position: k.Position, Count: h.Count, Bytes: len(v)}}
		if len(c.values) < maxSeriesBytes {
			x.from = len(c.values)
			c.values = append(c.values, v...)
			x.to = len(c.values)
		}
		c.series = append(c.series, x)
	}
	if err := it.Error(); err != nil {
		return err
	}
	return c.oneSeries()
}

// damaged reports a chunk that cannot be read, and leaves it to readers to say
// so where they meet it.
func (c *compaction) damaged(k keys.Chunk, err error) {
	c.unread++
	err = corrupt(fmt.Sprintf("chunk %x", c.p.Chunk(k)), err)
	c.db.opts.EventListener(Event{Kind: EventCorruption, Detail: "compaction", Err: err})
	c.db.wantMend(err)
}

// oneSeries merges what was collected of a series, and forgets it.
func (c *compaction) oneSeries() error {
	if len(c.series) == 0 {
		return nil
	}
	hidden, err := c.deletions(c.series[0].key)
	if err != nil {
		return err
	}
	c.merger.Hidden = nil
	if len(hidden) > 0 {
		c.merger.Hidden = hidden.hide
	}
	for _, texts := range []bool{false, true} {
		var pieces []compact.Piece
		var index []int
		whole := true
		for i := range c.series {
			if x := &c.series[i].piece; (x.Type == model.TypeText) == texts {
				pieces, index = append(pieces, *x), append(index, i)
				whole = whole && x.Count > 0
			}
		}
		var merges []compact.Merge
		if whole {
			merges = compact.Plan(pieces, c.settle)
		}
		for _, m := range append(merges, hidden.alone(pieces, merges)...) {
			if err := c.merge(m, index); err != nil {
				return err
			}
			if err := c.commit(flushBatch); err != nil {
				return err
			}
		}
	}
	c.series, c.values = c.series[:0], c.values[:0]
	return nil
}

// deletions returns what hides samples of a series.
func (c *compaction) deletions(k keys.Chunk) (deletions, error) {
	if len(c.tombstones) == 0 {
		return nil, nil
	}
	name, err := c.nameOf(k.Metric)
	if err != nil {
		return nil, corrupt(fmt.Sprintf("chunk %x", c.p.Chunk(k)), err)
	}
	ls, err := c.labelsOf(k.Set)
	if err != nil {
		return nil, corrupt(fmt.Sprintf("chunk %x", c.p.Chunk(k)), err)
	}
	return metricDeletions(c.tombstones, name, ls), nil
}

// alone returns merges of one chunk each: those that have hidden samples and
// are in no other merge.
func (ds deletions) alone(pieces []compact.Piece, merges []compact.Merge) (out []compact.Merge) {
	if len(ds) == 0 {
		return nil
	}
	taken := make([]bool, len(pieces))
	for _, m := range merges {
		for _, i := range m.Pieces {
			taken[i] = true
		}
	}
	for i := range pieces {
		if x := &pieces[i]; x.Count > 0 && !taken[i] && ds.touch(x.Mint, x.Maxt, x.Position) {
			out = append(out, compact.Merge{Pieces: []int{i}, Until: math.MaxInt64})
		}
	}
	return out
}

// merge adds one merge to the batch, or nothing where a chunk is damaged.
func (c *compaction) merge(m compact.Merge, index []int) error {
	c.sources = c.sources[:0]
	for _, i := range m.Pieces {
		x := &c.series[index[i]]
		v := c.values[x.from:x.to]
		if x.to == 0 {
			val, closer, err := c.snap.Get(c.p.Chunk(x.key))
			if err != nil {
				return err
			}
			v = append([]byte(nil), val...)
			if err := closer.Close(); err != nil {
				return err
			}
		}
		c.sources = append(c.sources, compact.Source{Position: x.key.Position, Value: v})
	}
	first := &c.series[index[m.Pieces[0]]].key
	type output struct {
		key   keys.Chunk
		value []byte
	}
	var out []output
	st, err := c.merger.Merge(c.sources, m.Until, func(r compact.Result) error {
		if err := c.encoder.encodeChunk(r.Column); err != nil {
			return err
		}
		k := keys.Chunk{Metric: first.Metric, Set: first.Set, Type: r.Column.Type, Start: r.Column.Times[0], Position: r.Position}
		out = append(out, output{k, append([]byte(nil), c.encoder.buf...)})
		return nil
	})
	var bad *compact.SourceError
	if errors.As(err, &bad) {
		c.damaged(c.series[index[m.Pieces[bad.Source]]].key, bad.Err)
		return nil
	}
	if err != nil {
		return err
	}
	c.partial = c.partial || m.Partial()
	// A result may have the key of a chunk that it replaces, so deletes are first.
	for _, i := range m.Pieces {
		x := &c.series[index[i]]
		_ = c.batch.Delete(c.p.Chunk(x.key), nil)
		c.stats.ChunksIn++
		c.stats.BytesIn += int64(x.piece.Bytes)
	}
	for i := range out {
		_ = c.batch.Set(c.p.Chunk(out[i].key), out[i].value, nil)
		c.stats.BytesOut += int64(len(out[i].value))
	}
	c.stats.ChunksOut += int64(st.ChunksOut)
	c.stats.SamplesIn += int64(st.SamplesIn)
	c.stats.SamplesOut += int64(st.SamplesOut)
	return nil
}

// commit writes the batch if it has grown to a size. It is not synced: a batch
// is whole or absent after a crash, and those behind it are absent, too.
func (c *compaction) commit(size int) error {
	if c.batch.Len() < size || c.batch.Empty() {
		return nil
	}
	if err := c.commitUnlessDropped(); err != nil {
		return err
	}
	if err := c.batch.Close(); err != nil {
		return err
	}
	c.batch = c.db.pdb.NewBatch()
	return c.ctx.Err()
}

// pace lets others go first now and then.
func (c *compaction) pace() error {
	worked := time.Since(c.began)
	if c.paced == nil || worked < compactSlice {
		return nil
	}
	err := c.paced(c.ctx, worked)
	c.began = time.Now()
	return err
}

// commitUnlessDropped keeps retention out while it writes: what was dropped
// must not come back.
func (c *compaction) commitUnlessDropped() (err error) {
	c.db.rewriting.Lock()
	defer c.db.rewriting.Unlock()
	defer func() {
		if r := recover(); r != nil {
			// Pebble panics where its log cannot be written.
			err = fmt.Errorf("pebble: %v", r)
			c.db.fail(err)
		}
	}()
	if c.db.drops.Load() != c.drops {
		return errDropped
	}
	if err := c.db.indexTakes(); err != nil {
		return err
	}
	if err := c.batch.Commit(pebble.NoSync); err != nil {
		c.db.fail(err)
		return err
	}
	return c.db.writable() // Fatalf returned
}

func readUpkeep(r pebble.Reader, key []byte) (keys.Upkeep, error) {
	v, c, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return keys.Upkeep{}, nil
	}
	if err != nil {
		return keys.Upkeep{}, err
	}
	u, err := keys.ReadUpkeep(v)
	return u, errors.Join(err, c.Close())
}
