package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tidemark/storage/head"
	"tidemark/storage/model"
	"tidemark/storage/wal"
)

func (o *Options) headLimits() head.Limits {
	return head.Limits{Streams: o.MaxStreams, Schemas: o.MaxSchemas}
}

// Append writes a batch atomically and returns once it is on disk and visible.
// A batch with a request key that was accepted within Options.RequestKeyTTL is
// acknowledged without being written, once the first one is on disk.
//
// Rows of label sets beyond Options.MaxDailyStreams are taken out of b and
// counted in the result; the others are written.
//
// The error is, by errors.Is: ErrInvalid, ErrTooLarge or ErrTooOld, where the
// batch is at fault and nothing was written; ErrFull, where a limit is reached
// and nothing was written; ErrOverloaded or the context's, where nothing was
// written and the batch may be sent again; ErrReadOnly or ErrClosed. When the
// context ends while the batch is on its way to disk it is written
// nevertheless, and Append waits for it.
//
// It takes time proportional to the batch; a label set that the generation
// knows costs one comparison if the batch uses the same *model.Stream.
func (db *DB) Append(ctx context.Context, b *model.Batch) (model.AppendResult, error) {
	res, err := db.append(ctx, b)
	if err != nil {
		db.n.rejected.Add(1)
		return model.AppendResult{}, fmt.Errorf("append: %w", err)
	}
	return res, nil
}

func (db *DB) append(ctx context.Context, b *model.Batch) (model.AppendResult, error) {
	var none model.AppendResult
	if err := db.check(b); err != nil {
		return none, err
	}
	if err := db.waitForRoom(ctx); err != nil {
		return none, err
	}
	return db.commit(b)
}

// check finds what is wrong with a batch without looking at the store.
func (db *DB) check(b *model.Batch) error {
	if !b.Valid() {
		return fmt.Errorf("%w: rows and values do not agree", ErrInvalid)
	}
	if len(b.RequestKey) > wal.MaxRequestKey {
		return fmt.Errorf("%w: request key of %d bytes, want at most %d", ErrInvalid, len(b.RequestKey), wal.MaxRequestKey)
	}
	if n := b.Size(); n > db.opts.MaxBatchBytes {
		return fmt.Errorf("%w: %d bytes, MaxBatchBytes is %d", ErrTooLarge, n, db.opts.MaxBatchBytes)
	}
	minTime := db.MinTime()
	rows := b.Rows()
	var schema *model.Schema
	var histograms []int // its columns
	for i := range rows {
		if sc := rows[i].Schema; sc != schema {
			schema, histograms = sc, histograms[:0]
			for c := range sc.Columns {
				if sc.Columns[c].Type == model.TypeHistogram {
					histograms = append(histograms, c)
				}
			}
		}
		if len(histograms) > 0 {
			if err := b.CheckHistograms(&rows[i], histograms); err != nil {
				return fmt.Errorf("%w: row %d: %w", ErrInvalid, i, err)
			}
		}
		if rows[i].Time < minTime {
			return fmt.Errorf("%w: row %d of %s: %s is before %s", ErrTooOld, i, rows[i].Stream.Labels,
				time.Unix(0, rows[i].Time).UTC().Format(time.RFC3339Nano), time.Unix(0, minTime).UTC().Format(time.RFC3339Nano))
		}
	}
	return nil
}

// waitForRoom waits while the active head is over its budget and the frozen
// one is still being written.
func (db *DB) waitForRoom(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var deadline <-chan time.Time
	for {
		db.state.RLock()
		room := db.state.room
		full := db.state.frozen != nil && db.overBudget(db.state.active)
		db.state.RUnlock()
		if !full {
			return nil
		}
		if err := db.writable(); err != nil {
			return err
		}
		if deadline == nil {
			t := time.NewTimer(db.opts.MaxWriteWait)
			defer t.Stop()
			deadline = t.C
		}
		select {
		case <-room:
		case <-db.done:
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return fmt.Errorf("%w: a flush is behind for %s", ErrOverloaded, db.opts.MaxWriteWait)
		}
	}
}

// overBudget reports whether a generation takes the memory that one may.
func (db *DB) overBudget(gen *generation) bool {
	return gen.head.Bytes() > db.opts.HeadBytes || gen.head.LogBytes() > db.opts.HeadLogBytes
}

// commit appends, unless the same request was accepted before: then it waits
// until that one is on disk.
func (db *DB) commit(b *model.Batch) (model.AppendResult, error) {
	var none model.AppendResult
	if err := db.space.refuse(); err != nil {
		return none, err
	}
	w := &db.write
	w.Lock()
	if w.closed {
		w.Unlock()
		return none, ErrClosed
	}
	if err := db.writable(); err != nil {
		w.Unlock()
		return none, err
	}
	log := db.log // it may be another later, when inflight is none
	now := db.opts.Now()
	if b.RequestKey != "" {
		if pos, ok := w.reqs.find(b.RequestKey, now.UnixNano()); ok {
			db.inflight.Add(1)
			w.Unlock()
			defer db.inflight.Done()
			if err := log.Wait(pos); err != nil {
				db.fail(err)
				return none, db.writable()
			}
			for db.visible.Load() < pos {
				// The first one is on disk, and its writer about to say so.
				time.Sleep(20 * time.Microsecond)
			}
			db.n.duplicates.Add(1)
			return model.AppendResult{Position: pos, Duplicate: true}, nil
		}
	}
	gen := db.state.active // only a holder of write changes it
	var res model.AppendResult
	if res.Refused = w.streams.refuse(gen.head, b, now.UnixNano()); res.Refused > 0 {
		res.Reason = fmt.Sprintf("MaxDailyStreams of %d is reached: %d rows have label sets that are new today", w.streams.max, res.Refused)
	}
	if b.Len() == 0 && b.RequestKey == "" {
		w.Unlock()
		res.Position = db.visible.Load()
		return res, nil
	}
	pos, end, err := db.appendLocked(gen, b, now)
	if err != nil {
		w.Unlock()
		return none, err
	}
	db.inflight.Add(1)
	w.Unlock()
	defer db.inflight.Done()

	if err := log.Wait(pos); err != nil {
		db.fail(err)
		return none, db.writable()
	}
	gen.head.Publish(end)
	db.publish(pos)
	if db.overBudget(gen) {
		db.wantFlush()
	}
	db.n.batches.Add(1)
	db.n.rows.Add(int64(b.Len()))
	res.Position = pos
	return res, nil
}

// appendLocked gives the batch its position: in the log, and in the head.
func (db *DB) appendLocked(gen *generation, b *model.Batch, now time.Time) (pos, end uint64, err error) {
	w := &db.write
	res, err := gen.head.Resolve(b, db.opts.headLimits())
	if err != nil {
		var limit *head.LimitError
		if errors.As(err, &limit) {
			return 0, 0, fmt.Errorf("%w: %w", ErrFull, err)
		}
		return 0, 0, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	w.rec = wal.AppendRecord(w.rec[:0], &wal.Record{
		Received: now.UnixNano(), RequestKey: b.RequestKey,
		Streams: res.NewStreams, Schemas: res.NewSchemas, FirstStream: res.FirstStream, FirstSchema: res.FirstSchema,
		Batch: b, StreamRefs: res.Streams, SchemaRefs: res.Schemas,
	})
	if len(w.rec) > wal.MaxRecord {
		n := len(w.rec)
		w.rec = nil
		return 0, 0, fmt.Errorf("%w: %d bytes with its label sets, want at most %d", ErrTooLarge, n, wal.MaxRecord)
	}
	if pos, err = db.log.Append(w.rec); err != nil {
		db.fail(err)
		return 0, 0, db.writable()
	}
	if cap(w.rec) > 8<<20 {
		w.rec = nil
	}
	before := gen.head.Samples()
	end = gen.head.Insert(b, res)
	db.n.samples.Add(gen.head.Samples() - before)
	w.reqs.add(b.RequestKey, now.UnixNano(), pos, true)
	if gen.born.IsZero() {
		gen.born = now
	}
	return pos, end, nil
}

// publish moves the position up to which writes are visible.
func (db *DB) publish(pos uint64) {
	for {
		cur := db.visible.Load()
		if cur >= pos || db.visible.CompareAndSwap(cur, pos) {
			return
		}
	}
}
