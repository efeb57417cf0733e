package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/chunk"
	"tidemark/storage/head"
	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/postings"
)

// flushBatch is the size at which a batch of a flush is committed: large
// enough to make commits cheap, small beside a memtable.
const flushBatch = 4 << 20

// flushFrozen writes the frozen generation, where there is one, makes it count
// and lets the log forget it.
func (db *DB) flushFrozen(ctx context.Context) (err error) {
	db.state.RLock()
	gen := db.state.frozen
	db.state.RUnlock()
	if gen == nil {
		return nil
	}
	began := time.Now()
	rows := gen.head.Rows()
	db.opts.EventListener(Event{Kind: EventFlushBegin, Total: rows, Done: 0})
	defer func() {
		e := Event{Kind: EventFlushEnd, Total: rows, Done: rows, Duration: time.Since(began), Err: err}
		if err != nil {
			e.Done = 0
		}
		db.opts.EventListener(e)
	}()
	db.state.RLock()
	// Those up to the generation's end are as durable as its rows.
	tombstones := durableTombstones(gen.tombstones, gen.last)
	db.state.RUnlock()
	f := &flush{db: db, ctx: ctx, head: gen.head.Snapshot(), tombstones: tombstones, hidden: withRules(tombstones, db.ruleTombstones()), pos: gen.last, applied: db.applied.Load(),
		minTime: db.MinTime(), encoder: encoder{db: db}, parts: make(map[keys.Partition]*flushPartition), names: make(map[string]uint32)}
	if err := f.run(); err != nil {
		return err
	}
	db.applied.Store(gen.last)
	db.state.Lock()
	db.state.frozen = nil
	gen.flushed = true
	gen.releaseLocked()
	close(db.state.room)
	db.state.Unlock()
	db.n.flushes.Add(1)
	db.wantCompaction()
	db.n.lastFlush.Store(int64(time.Since(began)))
	db.tables.bytes += f.chunkBytes + f.groupBytes
	db.toTables(gen.last)
	return nil
}

// toTables has Pebble write its memtable out where enough is in it, or in the log.
// The log forgets what was applied only once that is done: until then Pebble has it
// in its own log alone, where one damaged byte hides everything behind it.
func (db *DB) toTables(applied uint64) {
	t := &db.tables
	if t.done != nil || t.bytes < minTableBytes && db.log.Stats().SegmentBytes < db.opts.HeadBytes {
		return
	}
	t.bytes, t.applied, t.done = 0, applied, db.pebbleFlush(false)
}

// inTables is called when Pebble's memtable was written out.
func (db *DB) inTables() {
	if db.tables.done == nil { // the engine was opened anew
		return
	}
	applied := db.tables.applied
	db.tables.done = nil
	db.forget(applied)
	db.toTables(db.applied.Load())
}

// forget has the log forget what is in tables.
func (db *DB) forget(applied uint64) {
	if err := db.log.Forget(applied); err != nil {
		db.opts.EventListener(Event{Kind: EventBackgroundError, Detail: "forget", Err: err})
	}
}

// minTableBytes is what flushes must have written for Pebble to be asked to write
// its memtable out. Smaller flushes wait, or tables would be many.
const minTableBytes = 1 << 20

// pebbleFlush has Pebble write its memtable into a table. A failure is Pebble's
// to report and to try again: the data is in its log. It returns a channel that is
// closed when it is done, or nil.
func (db *DB) pebbleFlush(wait bool) (done <-chan struct{}) {
	defer func() {
		if r := recover(); r != nil {
			db.fail(fmt.Errorf("pebble: %v", r))
			done = nil
		}
	}()
	failed := db.trouble.next()
	var err error
	done, err = db.pdb.AsyncFlush()
	if err == nil && wait {
		select {
		case <-done:
		case <-failed.Done():
			err = context.Cause(failed)
		}
	}
	if err != nil {
		db.opts.EventListener(Event{Kind: EventBackgroundError, Detail: "pebble flush", Err: err})
		return nil
	}
	return done
}

// flush is one attempt to write a generation.
type flush struct {
	db           *DB
	ctx          context.Context
	head         *head.Snapshot
	tombstones   []headTombstone // of the generation, to be stored
	hidden       []headTombstone // the same and retention's rules
	rows         head.MetricRows // of the stream at hand
	samples      []head.Sample   // of its column at hand
	cols         []head.Column   // of the stream
	seen         map[classAndName]bool
	pos, applied uint64
	minTime      int64

	batch      *pebble.Batch
	iter       *pebble.Iterator
	parts      map[keys.Partition]*flushPartition
	names      map[string]uint32
	logNames   map[[3]string]bool
	nextMetric uint32
	chunks     int64
	chunkBytes int64
	groups     int64
	groupBytes int64
	encoder    encoder
	column     chunk.Column // of the chunk that is written
}

// flushPartition is what a flush collects for one partition.
type flushPartition struct {
	p         keys.Partition
	times     model.TimeRange
	nextSet   uint32
	indexed   uint32            // sets from here on need their bitmaps
	upkeep    keys.Upkeep       // of the flush before
	sets      map[uint32]uint32 // stream → label set id
	labels    map[[2]string]*postings.Set
	classes   [5]postings.Set
	metrics   map[uint32]*postings.Set
	states    map[uint32]*postings.Set
	logFields map[logField]*postings.Set
	rows      []setRows
}

type classAndName struct {
	class head.Class
	name  string
}

type logField struct {
	metric uint32
	field  string
}

// setRows is the log rows of a label set within a partition.
type setRows struct {
	set  uint32
	rows []head.LogRow
}

func (f *flush) run() (err error) {
	defer func() {
		if r := recover(); r != nil {
			// Pebble panics where its log cannot be written.
			err = fmt.Errorf("pebble: %v", r)
			f.db.fail(err)
		}
	}()
	f.logNames = make(map[[3]string]bool)
	f.seen = make(map[classAndName]bool)
	if f.iter, err = f.db.pdb.NewIter(&pebble.IterOptions{}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.iter.Close()) }()
	lo, hi := keys.Metrics()
	if f.iter.SeekLT(hi) && string(f.iter.Key()) >= string(lo) {
		id, err := keys.ReadMetric(f.iter.Key())
		if err != nil {
			return err
		}
		f.nextMetric = id
	}
	f.nextMetric++
	f.batch = f.db.pdb.NewBatch()
	defer func() { err = errors.Join(err, f.batch.Close()) }()

	for stream := range f.head.Len() {
		if stream%64 == 0 && f.ctx.Err() != nil {
			return f.ctx.Err()
		}
		if err := f.stream(uint32(stream)); err != nil {
			return err
		}
	}
	parts := make([]*flushPartition, 0, len(f.parts))
	for _, p := range f.parts {
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b *flushPartition) int { return cmp.Compare(a.p.Start, b.p.Start) })
	for _, p := range parts {
		if err := f.rowGroups(p); err != nil {
			return err
		}
		if err := f.index(p); err != nil {
			return err
		}
	}
	return f.finish(parts)
}

// finish writes the batch that makes the generation count.
func (f *flush) finish(parts []*flushPartition) error {
	if err := f.commit(pebble.NoSync, 1); err != nil {
		return err
	}
	db := f.db
	db.write.Lock()
	store, gone := db.write.reqs.toStore(f.pos, db.opts.Now().UnixNano())
	db.write.Unlock()
	// A key that expired may have come again: it is deleted first.
	for _, key := range gone {
		_ = f.batch.Delete(keys.Request(key), nil)
	}
	for i := range store {
		f.set(keys.Request(store[i].key), keys.RequestValue(store[i].received, store[i].pos))
	}
	for _, p := range parts {
		f.set(p.p.Indexed(), keys.U64(uint64(p.nextSet)))
		f.set(p.p.Flushed(), keys.Upkeep{Position: f.pos, Flushes: p.upkeep.Flushes + 1, Time: db.opts.Now().UnixNano()}.Value())
	}
	for _, t := range f.tombstones {
		f.set(keys.Tombstone(t.pos), t.value)
	}
	f.set(keys.Format(), keys.U64(formatVersion))
	f.set(keys.Applied(), keys.U64(f.pos))
	if err := f.commit(pebble.Sync, 1); err != nil {
		return err
	}
	db.write.Lock()
	db.write.reqs.storedAt(store, gone)
	db.write.Unlock()
	db.n.chunks.Add(f.chunks)
	db.n.chunkBytes.Add(f.chunkBytes)
	db.n.groups.Add(f.groups)
	db.n.groupBytes.Add(f.groupBytes)
	return nil
}

// set adds to the batch. Errors of a batch in memory are those of a closed
// one, and come back from commit.
func (f *flush) set(key, value []byte)   { _ = f.batch.Set(key, value, nil) }
func (f *flush) merge(key, value []byte) { _ = f.batch.Merge(key, value, nil) }

// commit writes the batch if it has grown to a size.
func (f *flush) commit(o *pebble.WriteOptions, size int) error {
	if f.batch.Len() < size || f.batch.Empty() && o == pebble.NoSync {
		return nil
	}
	if err := f.db.indexTakes(); err != nil {
		return err
	}
	if err := f.batch.Commit(o); err != nil {
		f.db.fail(err)
		return err
	}
	if err := f.db.writable(); err != nil { // Fatalf returned
		return err
	}
	if err := f.batch.Close(); err != nil {
		return err
	}
	f.batch = f.db.pdb.NewBatch()
	return nil
}

// partition returns what is collected for the partition of a time, or nil
// where retention has passed it.
func (f *flush) partition(t int64) (*flushPartition, model.TimeRange, error) {
	p := keys.Day(t)
	r := p.Range()
	if r.Maxt < f.minTime {
		return nil, r, nil
	}
	fp := f.parts[p]
	if fp != nil {
		return fp, r, nil
	}
	fp = &flushPartition{p: p, times: r,
		sets: make(map[uint32]uint32), labels: make(map[[2]string]*postings.Set),
		metrics: make(map[uint32]*postings.Set), states: make(map[uint32]*postings.Set), logFields: make(map[logField]*postings.Set)}
	lo, hi := p.AllLabels()
	if f.iter.SeekLT(hi) && string(f.iter.Key()) >= string(lo) {
		id, err := p.ReadLabels(f.iter.Key())
		if err != nil {
			return nil, r, err
		}
		fp.nextSet = id + 1
	}
	indexed, err := readU64(f.db.pdb, p.Indexed())
	if err != nil {
		return nil, r, err
	}
	fp.indexed = uint32(min(indexed, uint64(fp.nextSet)))
	if fp.upkeep, err = readUpkeep(f.db.pdb, p.Flushed()); err != nil {
		return nil, r, err
	}
	f.parts[p] = fp
	f.set(keys.PartitionMark(p), nil) // before its data, so that it can be dropped
	return fp, r, nil
}

// labelSet returns the id of a stream's label set in the partition.
func (f *flush) labelSet(fp *flushPartition, stream uint32) (uint32, error) {
	if id, ok := fp.sets[stream]; ok {
		return id, nil
	}
	labels := f.head.Labels(stream)
	key := labels.AppendKey(nil)
	hash := xxhash.Sum64(key)
	id, found := uint32(0), false
	lo, hi := fp.p.Hashes(hash)
	for ok := f.iter.SeekGE(lo); ok && string(f.iter.Key()) < string(hi); ok = f.iter.Next() {
		_, cand, err := fp.p.ReadHash(f.iter.Key())
		if err != nil {
			return 0, err
		}
		v, c, err := f.db.pdb.Get(fp.p.Labels(cand))
		if err != nil {
			return 0, fmt.Errorf("label set %d of partition %d: %w", cand, fp.p.Start, err)
		}
		same := string(v) == string(key)
		if err := c.Close(); err != nil {
			return 0, err
		}
		if same {
			id, found = cand, true
			break
		}
	}
	if err := f.iter.Error(); err != nil {
		return 0, err
	}
	if !found {
		id = fp.nextSet
		fp.nextSet++
		f.set(fp.p.Labels(id), key)
		f.set(fp.p.Hash(hash, id), nil)
	}
	if id >= fp.indexed {
		for _, l := range labels {
			addTo(fp.labels, [2]string{l.Name, l.Value}, id)
		}
	}
	fp.sets[stream] = id
	return id, nil
}

func addTo[K comparable](m map[K]*postings.Set, k K, id uint32) {
	s := m[k]
	if s == nil {
		s = &postings.Set{}
		m[k] = s
	}
	s.Add(id)
}

// metric returns the id of a metric name.
func (f *flush) metric(c *model.Column) (uint32, error) {
	if id, ok := f.names[c.Name]; ok {
		return id, nil
	}
	info, ok, err := readName(f.db.pdb, c.Name)
	if err != nil {
		return 0, err
	}
	if !ok {
		info = keys.NameInfo{ID: f.nextMetric, Measurement: c.Measurement, Field: c.Field, Type: c.Type}
		f.nextMetric++
		f.set(keys.Name(c.Name), info.Value())
		f.set(keys.Metric(info.ID), []byte(c.Name))
	}
	f.names[c.Name] = info.ID
	return info.ID, nil
}

func readName(r pebble.Reader, name string) (keys.NameInfo, bool, error) {
	v, c, err := r.Get(keys.Name(name))
	if errors.Is(err, pebble.ErrNotFound) {
		return keys.NameInfo{}, false, nil
	}
	if err != nil {
		return keys.NameInfo{}, false, err
	}
	info, err := keys.ReadNameInfo(v)
	return info, true, errors.Join(err, c.Close())
}

// stream writes the chunks of one stream and collects its log rows.
func (f *flush) stream(stream uint32) error {
	cols := f.cols[:0]
	clear(f.seen)
	f.head.Columns(stream, func(c head.Column) {
		if k := (classAndName{c.Class, c.Name}); !f.seen[k] {
			f.seen[k] = true
			cols = append(cols, c)
		}
	})
	f.cols = cols
	if err := f.rows.Load(f.ctx, f.head, stream); err != nil {
		return err
	}
	for i := range cols {
		c := &cols[i]
		if c.Class == head.LogMetrics {
			continue
		}
		id, err := f.metric(&c.Column)
		if err != nil {
			return err
		}
		f.samples = f.rows.Samples(c.Class, c.Name, f.samples[:0])
		if len(f.hidden) > 0 {
			f.samples = headMetricDeletions(f.hidden, c.Name, f.head.Labels(stream)).keepSamples(f.samples)
		}
		for rest := f.samples; len(rest) > 0; {
			fp, r, err := f.partition(rest[0].Time)
			if err != nil {
				return err
			}
			n, _ := slices.BinarySearchFunc(rest, r.Maxt, func(s head.Sample, maxt int64) int {
				if s.Time <= maxt {
					return -1
				}
				return 1
			})
			part := rest[:n]
			rest = rest[n:]
			if fp == nil {
				continue
			}
			set, err := f.labelSet(fp, stream)
			if err != nil {
				return err
			}
			if c.Class == head.States {
				fp.classes[keys.ClassState].Add(set)
				addTo(fp.states, id, set)
			} else {
				fp.classes[keys.ClassMetrics].Add(set)
				addTo(fp.metrics, id, set)
			}
			if err := f.chunksOf(fp, id, set, part); err != nil {
				return err
			}
		}
	}
	return f.logRows(stream)
}

const (
	minInt64 = -1 << 63
	maxInt64 = 1<<63 - 1
)

// chunksOf writes samples of one series in one partition: a run of chunks for
// each type.
func (f *flush) chunksOf(fp *flushPartition, metric, set uint32, samples []head.Sample) error {
	left := len(samples)
	for _, typ := range []model.Type{model.TypeFloat, model.TypeInt, model.TypeBool, model.TypeText, model.TypeHistogram} {
		if left == 0 {
			break
		}
		if err := f.columnOf(typ, samples); err != nil {
			return err
		}
		left -= f.column.Len()
		for rest := f.column; rest.Len() > 0; {
			cut := rest.Cut()
			part := rest.Slice(0, cut)
			rest = rest.Slice(cut, rest.Len())
			if err := f.encoder.encodeChunk(&part); err != nil {
				return err
			}
			f.set(fp.p.Chunk(keys.Chunk{Metric: metric, Set: set, Type: typ, Start: part.Times[0], Position: f.pos}), f.encoder.buf)
			f.chunks++
			f.chunkBytes += int64(len(f.encoder.buf))
			if err := f.commit(pebble.NoSync, flushBatch); err != nil {
				return err
			}
		}
	}
	return nil
}

// columnOf fills f.column with the samples of a type.
func (f *flush) columnOf(typ model.Type, samples []head.Sample) error {
	c := &f.column
	c.Reset()
	c.Type = typ
	starts := false
	for i := range samples {
		s := &samples[i]
		if s.Type != typ {
			continue
		}
		c.Times = append(c.Times, s.Time)
		c.Starts = append(c.Starts, s.Start)
		starts = starts || s.Start != chunk.NoStart
		switch typ {
		case model.TypeText:
			c.Texts = append(c.Texts, f.head.Text(s.Bits))
		case model.TypeHistogram:
			h, err := f.head.Histogram(s.Bits)
			if err != nil {
				return fmt.Errorf("histogram at %d: %w", s.Time, err)
			}
			c.Histograms = append(c.Histograms, h)
		default:
			c.Bits = append(c.Bits, s.Bits)
		}
	}
	if !starts {
		c.Starts = c.Starts[:0]
	}
	return nil
}

// logRows collects the log rows of a stream by partition.
func (f *flush) logRows(stream uint32) error {
	rows, err := f.head.LogRows(f.ctx, stream, minInt64, maxInt64, nil)
	if err != nil {
		return err
	}
	if len(f.hidden) > 0 {
		rows = headLogDeletions(f.hidden, f.head.Labels(stream)).keepRows(rows)
	}
	for len(rows) > 0 {
		fp, r, err := f.partition(rows[0].Time)
		if err != nil {
			return err
		}
		n, _ := slices.BinarySearchFunc(rows, r.Maxt, func(s head.LogRow, maxt int64) int {
			if s.Time <= maxt {
				return -1
			}
			return 1
		})
		part := rows[:n]
		rows = rows[n:]
		if fp == nil {
			continue
		}
		set, err := f.labelSet(fp, stream)
		if err != nil {
			return err
		}
		fp.classes[keys.ClassLogs].Add(set)
		fp.rows = append(fp.rows, setRows{set, part})
		var last *model.Column
		for i := range part {
			cols, _ := f.head.Fields(&part[i])
			if len(cols) == 0 || &cols[0] == last {
				continue // the schema of the row before
			}
			last = &cols[0]
			for i := range cols {
				if err := f.logMetric(fp, set, &cols[i]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// logMetric notes that a field of a label set's log rows is read as a metric.
func (f *flush) logMetric(fp *flushPartition, set uint32, c *model.Column) error {
	if c.Name == "" || !c.Type.Numeric() {
		return nil
	}
	id, err := f.metric(c)
	if err != nil {
		return err
	}
	fp.classes[keys.ClassLogMetrics].Add(set)
	addTo(fp.logFields, logField{id, c.Field}, set)
	if k := [3]string{c.Name, c.Measurement, c.Field}; !f.logNames[k] {
		f.logNames[k] = true
		f.set(keys.LogName(c.Name, c.Measurement, c.Field), nil)
	}
	return nil
}

// rowGroups writes the log rows of a partition.
func (f *flush) rowGroups(fp *flushPartition) error {
	if err := f.dropOrphans(fp.p); err != nil {
		return err
	}
	if len(fp.rows) == 0 {
		return nil
	}
	w := newGroupWriter(f, fp)
	if err := w.write(); err != nil {
		return err
	}
	f.set(fp.p.Flush(f.pos), keys.FlushValue(w.span))
	return nil
}

// dropOrphans deletes row groups that an unfinished flush left. Their rows are
// in the log still and are being written now.
func (f *flush) dropOrphans(p keys.Partition) error {
	lo, _ := p.RowGroupsAt(f.applied + 1)
	_, hi := p.RowGroups()
	for ok := f.iter.SeekGE(lo); ok && string(f.iter.Key()) < string(hi); ok = f.iter.Next() {
		_ = f.batch.Delete(f.iter.Key(), nil)
	}
	plo, _ := p.RowGroupPartsAt(f.applied + 1)
	_, phi := p.AllRowGroupParts()
	for ok := f.iter.SeekGE(plo); ok && string(f.iter.Key()) < string(phi); ok = f.iter.Next() {
		_ = f.batch.Delete(f.iter.Key(), nil)
	}
	flo := p.Flush(f.applied + 1)
	_, fhi := p.Flushes()
	for ok := f.iter.SeekGE(flo); ok && string(f.iter.Key()) < string(fhi); ok = f.iter.Next() {
		_ = f.batch.Delete(f.iter.Key(), nil)
	}
	return f.iter.Error()
}

// index writes the bitmaps of a partition.
func (f *flush) index(fp *flushPartition) error {
	put := func(key []byte, s *postings.Set) error {
		f.merge(key, s.Bytes())
		return f.commit(pebble.NoSync, flushBatch)
	}
	for l, s := range fp.labels {
		if err := put(fp.p.Posting(l[0], l[1]), s); err != nil {
			return err
		}
	}
	for id, s := range fp.metrics {
		if err := put(fp.p.MetricSets(id), s); err != nil {
			return err
		}
	}
	for id, s := range fp.states {
		if err := put(fp.p.StateSets(id), s); err != nil {
			return err
		}
	}
	for lf, s := range fp.logFields {
		if err := put(fp.p.LogField(lf.metric, lf.field), s); err != nil {
			return err
		}
	}
	for c := range fp.classes {
		if s := &fp.classes[c]; !s.Empty() {
			if err := put(fp.p.ClassSets(keys.Class(c)), s); err != nil {
				return err
			}
		}
	}
	return nil
}
