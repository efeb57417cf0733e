package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"

	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/postings"
	"tidemark/storage/rowgroup"
)

// reindex makes the index consistent after keys of it were lost, with what is left:
//
//   - The position up to which the log is applied stands in every partition that
//     was flushed to, and partitions are listed by their keys.
//   - A metric's name and its id each say the other. An id that data has and that no
//     name is left of gets the name tidemark_lost_metric_N.
//   - A label set's labels are its bits in the bitmaps of labels, and the hash under
//     which it was found proves that none is missing. One of which that cannot be
//     proven gets the label tidemark_lost_labels: its data can be read under it, and
//     its id is not given out again.
//   - Bitmaps follow from labels, from the keys of chunks and from row groups.
//   - Row groups that lack a part lose the columns that were in it, or all rows
//     where lines or times were.
//
// What was lost remains recorded: deletions, for one, cannot be told from what is
// left. It takes memory for the label sets of one partition, and time for the keys
// of the partitions concerned.
func (db *DB) reindex(ctx context.Context) error {
	var spans []model.TimeRange
	for _, l := range db.Losses() {
		if l.Reindex {
			spans = append(spans, model.TimeRange{Mint: l.Mint, Maxt: l.Maxt})
		}
	}
	if len(spans) == 0 {
		return nil
	}
	db.rewriting.Lock()
	defer db.rewriting.Unlock()
	r := &reindexer{db: db, ctx: ctx, b: db.pdb.NewBatch(), names: map[uint32]string{}, used: map[uint32]bool{}, logNames: map[[2]string]uint32{}}
	err := r.run(spans)
	if err = errors.Join(err, r.b.Close()); err != nil {
		return fmt.Errorf("reindex: %w", err)
	}
	db.pebbleFlush(true) // no log has it but Pebble's
	return db.changeLosses(func(ls []Loss) []Loss {
		for i := range ls {
			ls[i].Reindex = false
		}
		return ls
	})
}

type reindexer struct {
	db *DB
	// ctx ends it; what was written until then is consistent in itself.
	ctx   context.Context
	b     *pebble.Batch
	names map[uint32]string // of metrics
	used  map[uint32]bool   // metric ids that data has
	// logNames has the metric that a field of a measurement's rows is read as.
	logNames map[[2]string]uint32
	applied  uint64
}

func (r *reindexer) run(spans []model.TimeRange) error {
	parts, err := r.partitions()
	if err != nil {
		return err
	}
	if err := r.dictionary(); err != nil {
		return err
	}
	for _, p := range parts {
		r.set(keys.PartitionMark(p), nil)
		for _, s := range spans {
			if t := p.Range(); t.Mint <= s.Maxt && t.Maxt >= s.Mint {
				if err := r.partition(p); err != nil {
					return fmt.Errorf("partition %d: %w", p.Start, err)
				}
				break
			}
		}
	}
	for id := range r.used {
		if _, ok := r.names[id]; !ok {
			r.name(id, fmt.Sprintf("tidemark_lost_metric_%d", id))
		}
	}
	applied, err := readU64(r.db.pdb, keys.Applied())
	if err != nil {
		return err
	}
	if applied < r.applied {
		r.set(keys.Applied(), keys.U64(r.applied))
		r.set(keys.Format(), keys.U64(formatVersion))
	}
	return r.commit(pebble.Sync, 0)
}

func (r *reindexer) set(key, value []byte) { _ = r.b.Set(key, value, nil) }

// commit writes the batch if it has grown to a size.
func (r *reindexer) commit(o *pebble.WriteOptions, size int) error {
	if r.b.Len() < size || r.b.Empty() {
		return r.ctx.Err()
	}
	if err := r.db.commitBatch(r.b, o); err != nil {
		return err
	}
	r.b = r.db.pdb.NewBatch()
	return r.ctx.Err()
}

// partitions finds the partitions by their keys, and the position that is applied.
func (r *reindexer) partitions() (out []keys.Partition, err error) {
	it, err := r.db.pdb.NewIter(nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	lo, _ := keys.AllPartitions()
	for ok := it.SeekGE(lo); ok; {
		p, inside := keys.ReadPrefix(it.Key())
		if !inside {
			break
		}
		out = append(out, p)
		u, err := readUpkeep(r.db.pdb, p.Flushed())
		if err != nil {
			return nil, err
		}
		r.applied = max(r.applied, u.Position)
		_, hi := p.Bounds()
		ok = it.SeekGE(hi)
	}
	return out, it.Error()
}

// dictionary makes names and ids of metrics say each other.
func (r *reindexer) dictionary() error {
	lo, hi := keys.Metrics()
	err := scan(r.db.pdb, lo, hi, func(it *pebble.Iterator) error {
		id, err := keys.ReadMetric(it.Key())
		if err != nil {
			return nil
		}
		v, err := it.ValueAndErr()
		r.names[id] = string(v)
		return err
	})
	if err != nil {
		return err
	}
	known := map[string]bool{}
	lo, hi = keys.Names("")
	err = scan(r.db.pdb, lo, hi, func(it *pebble.Iterator) error {
		name, err := keys.ReadName(it.Key())
		if err != nil {
			return nil
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		info, err := keys.ReadNameInfo(v)
		if err != nil {
			return nil
		}
		known[name] = true
		if _, ok := r.names[info.ID]; !ok {
			r.names[info.ID] = name
			r.set(keys.Metric(info.ID), []byte(name))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for id, name := range r.names {
		if !known[name] {
			r.name(id, name)
		}
	}
	lo, hi = keys.AllLogNames()
	ids := make(map[string]uint32, len(r.names))
	for id, name := range r.names {
		ids[name] = id
	}
	return scan(r.db.pdb, lo, hi, func(it *pebble.Iterator) error {
		name, measurement, field, err := keys.ReadLogName(it.Key())
		if id, ok := ids[name]; ok && err == nil {
			r.logNames[[2]string{measurement, field}] = id
		}
		return nil
	})
}

// name writes both sides of the dictionary. How the name was split is lost.
func (r *reindexer) name(id uint32, name string) {
	r.names[id] = name
	r.set(keys.Name(name), keys.NameInfo{ID: id, Field: name, Type: model.TypeFloat}.Value())
	r.set(keys.Metric(id), []byte(name))
}

// lostLabel is the label of label sets of which it cannot be told what they were.
const lostLabel = "tidemark_lost_labels"

// partIndex is what the index of a partition should hold.
type partIndex struct {
	labels  map[uint32]model.Labels
	used    postings.Set // label sets that data has
	classes [5]postings.Set
	sets    map[string]*postings.Set // by the bitmap's key
}

func (x *partIndex) add(key []byte, id uint32) {
	s := x.sets[string(key)]
	if s == nil {
		s = &postings.Set{}
		x.sets[string(key)] = s
	}
	s.Add(id)
}

func (r *reindexer) partition(p keys.Partition) error {
	x := &partIndex{labels: map[uint32]model.Labels{}, sets: map[string]*postings.Set{}}
	if err := r.readLabels(p, x); err != nil {
		return err
	}
	if err := r.chunks(p, x); err != nil {
		return err
	}
	if err := r.groups(p, x); err != nil {
		return err
	}
	if err := r.bitmaps(p, x); err != nil {
		return err
	}
	next := uint32(0)
	for id, ls := range x.labels {
		next = max(next, id+1)
		key := ls.AppendKey(nil)
		r.set(p.Hash(xxhash.Sum64(key), id), nil)
		for _, l := range ls {
			x.add(p.Posting(l.Name, l.Value), id)
		}
	}
	for c := range x.classes {
		if s := &x.classes[c]; !s.Empty() {
			x.sets[string(p.ClassSets(keys.Class(c)))] = s
		}
	}
	for key, s := range x.sets {
		_ = r.b.Merge([]byte(key), s.Bytes(), nil)
		if err := r.commit(pebble.NoSync, flushBatch); err != nil {
			return err
		}
	}
	r.set(p.Indexed(), keys.U64(uint64(next)))
	return r.commit(pebble.NoSync, flushBatch)
}

// readLabels reads the labels that are left.
func (r *reindexer) readLabels(p keys.Partition, x *partIndex) error {
	lo, hi := p.AllLabels()
	return scan(r.db.pdb, lo, hi, func(it *pebble.Iterator) error {
		id, err := p.ReadLabels(it.Key())
		if err != nil {
			return nil
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if ls, err := model.DecodeLabels(append([]byte(nil), v...)); err == nil {
			x.labels[id] = ls
		}
		return r.ctx.Err()
	})
}

// chunks notes what the keys of chunks say.
func (r *reindexer) chunks(p keys.Partition, x *partIndex) error {
	lo, hi := p.AllChunks()
	return scan(r.db.pdb, lo, hi, func(it *pebble.Iterator) error {
		k, err := p.ReadChunk(it.Key())
		if err != nil {
			return nil
		}
		r.used[k.Metric] = true
		x.used.Add(k.Set)
		if k.Type == model.TypeText {
			x.classes[keys.ClassState].Add(k.Set)
			x.add(p.StateSets(k.Metric), k.Set)
		} else {
			x.classes[keys.ClassMetrics].Add(k.Set)
			x.add(p.MetricSets(k.Metric), k.Set)
		}
		return r.ctx.Err()
	})
}

// groups notes which label sets row groups have, and mends those that lack parts.
func (r *reindexer) groups(p keys.Partition, x *partIndex) error {
	have := map[[2]uint64]bool{}
	lo, hi := p.RowGroups()
	err := scan(r.db.pdb, lo, hi, func(it *pebble.Iterator) error {
		k, err := p.ReadRowGroup(it.Key())
		if err != nil {
			return nil
		}
		have[[2]uint64{k.Position, uint64(k.Seq)}] = true
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		g, err := r.group(p, k, append([]byte(nil), v...))
		if err != nil || g == nil {
			return err
		}
		r.noteGroup(p, x, g)
		return r.commit(pebble.NoSync, flushBatch)
	})
	if err != nil {
		return err
	}
	lo, hi = p.AllRowGroupParts()
	return scan(r.db.pdb, lo, hi, func(it *pebble.Iterator) error {
		pos, seq, _, err := p.ReadRowGroupPart(it.Key())
		if err == nil && !have[[2]uint64{pos, uint64(seq)}] {
			_ = r.b.Delete(it.Key(), nil)
		}
		return r.ctx.Err()
	})
}

// noteGroup notes what a row group says of its label sets.
func (r *reindexer) noteGroup(p keys.Partition, x *partIndex, g *rowgroup.Group) {
	for _, run := range g.Sets() {
		x.used.Add(run.ID)
		x.classes[keys.ClassLogs].Add(run.ID)
		measurement := x.labels[run.ID].Get(model.MeasurementLabel)
		for _, c := range g.Columns() {
			if !c.Type.Numeric() || !g.Has(c.Name, run.First, run.Count) {
				continue
			}
			if id, ok := r.logNames[[2]string{measurement, c.Name}]; ok {
				x.classes[keys.ClassLogMetrics].Add(run.ID)
				x.add(p.LogField(id, c.Name), run.ID)
			}
		}
	}
}

// group opens a row group; where it cannot be read whole it is replaced by what can,
// or removed.
func (r *reindexer) group(p keys.Partition, k keys.RowGroup, head []byte) (*rowgroup.Group, error) {
	g, err := openGroup(r.db.pdb, p, k, head)
	drop := func() {
		_ = r.b.Delete(p.RowGroup(k), nil)
		lo, hi := p.RowGroupParts(k.Position, k.Seq)
		_ = r.b.DeleteRange(lo, hi, nil)
	}
	if err != nil {
		drop()
		return nil, nil
	}
	whole := true
	readable := map[string]bool{}
	for _, c := range g.Columns() {
		readable[c.Name] = true
	}
	for name := range readable {
		if _, err := g.Column(name, 0, g.Rows(), nil); err != nil {
			readable[name], whole = false, false
		}
	}
	_, terr := g.Times(0, g.Rows(), nil)
	_, lerr := g.Lines(0, g.Rows(), nil)
	switch {
	case terr != nil || lerr != nil:
		drop()
		return nil, nil
	case whole:
		return g, nil
	}
	b := rowgroup.NewBuilder()
	for _, run := range g.Sets() {
		err := eachRowOf(g, run.First, run.Count, func(name string) bool { return readable[name] }, func(t int64, line []byte, fields []rowgroup.Field) error {
			b.StartSet(run.ID)
			b.Row(t, line, fields)
			return nil
		})
		if err != nil {
			drop()
			return nil, nil
		}
	}
	enc := encoder{db: r.db}
	if err := enc.encodeGroup(b); err != nil {
		return nil, err
	}
	drop()
	if err := setRowGroup(r.b, p, k, enc.buf); err != nil {
		return nil, err
	}
	return rowgroup.Open(append([]byte(nil), enc.buf...))
}

// bitmaps finds the labels of label sets that have lost them.
func (r *reindexer) bitmaps(p keys.Partition, x *partIndex) error {
	missing := map[uint32]model.Labels{}
	x.used.Each(func(id uint32) bool {
		if _, ok := x.labels[id]; !ok {
			missing[id] = nil
		}
		return true
	})
	// Ids that only bitmaps have must not be given out again either.
	lo, hi := p.AllPostings()
	err := scan(r.db.pdb, lo, hi, func(it *pebble.Iterator) error {
		name, value, err := p.ReadPosting(it.Key())
		if err != nil {
			return nil
		}
		s, err := setAt(it, "posting")
		if err != nil {
			_ = r.b.Delete(it.Key(), nil) // it is written again
			return nil
		}
		s.Each(func(id uint32) bool {
			if _, ok := x.labels[id]; ok {
				return true
			}
			missing[id] = append(missing[id], model.Label{Name: name, Value: value})
			return true
		})
		return r.ctx.Err()
	})
	if err != nil {
		return err
	}
	for id, labels := range missing {
		ls := model.NewLabels(labels...)
		proven, err := r.has(p.Hash(xxhash.Sum64(ls.AppendKey(nil)), id))
		if err != nil {
			return err
		}
		if !proven {
			ls = model.FromStrings(lostLabel, fmt.Sprintf("%d/%d", p.Start/1e9, id))
		}
		x.labels[id] = ls
		r.set(p.Labels(id), ls.AppendKey(nil))
	}
	return nil
}

func (r *reindexer) has(key []byte) (bool, error) {
	_, c, err := r.db.pdb.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, c.Close()
}
