package storage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/chunk"
	"tidemark/storage/keys"
	"tidemark/storage/model"
)

// countChunks returns the chunks of a store and their samples, by position.
func countChunks(t *testing.T, db *DB) (chunks, samples int) {
	t.Helper()
	parts, err := listPartitions(db.pdb)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		lo, hi := p.AllChunks()
		err := scan(db.pdb, lo, hi, func(it *pebble.Iterator) error {
			h, err := chunk.ReadHeader(it.Value())
			chunks++
			samples += h.Count
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return chunks, samples
}

// upkeepOf returns what the last flush and the last pass left of a partition.
func upkeepOf(t *testing.T, db *DB, at int64) (flushed, compacted keys.Upkeep) {
	t.Helper()
	p := keys.Day(at)
	flushed, err := readUpkeep(db.pdb, p.Flushed())
	if err != nil {
		t.Fatal(err)
	}
	if compacted, err = readUpkeep(db.pdb, p.Compacted()); err != nil {
		t.Fatal(err)
	}
	return flushed, compacted
}

// TestCompact merges the chunks of many flushes into one per series, with the
// last written of what was written twice.
func TestCompact(t *testing.T) {
	ctx := context.Background()
	var begun, ended atomic.Int64
	db, err := Open("db", Options{FS: vfs.NewMem(), NoCompaction: true, EventListener: func(e Event) {
		switch e.Kind {
		case EventCompactionBegin:
			begun.Add(1)
		case EventCompactionEnd:
			ended.Add(1)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const flushes, series, perFlush = 20, 10, 50
	for f := range flushes {
		var b model.Batch
		for s := range series {
			for i := range perFlush {
				at := f*(perFlush-5) + i // five are written again by the next flush
				b.AddSample("m", model.FromStrings("s", fmt.Sprint(s)), int64(at)*1e9, float64(f))
			}
		}
		if _, err := db.Append(ctx, &b); err != nil {
			t.Fatal(err)
		}
		if err := db.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if n, _ := countChunks(t, db); n != flushes*series {
		t.Fatalf("%d chunks before, want %d", n, flushes*series)
	}
	read := func() map[string]int {
		v := mustView(t, db)
		defer v.Close()
		got, err := content(v)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	before := read()
	if err := db.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	n, samples := countChunks(t, db)
	if want := series * (flushes*(perFlush-5) + 5); n != series || samples != want {
		t.Errorf("%d chunks of %d samples, want %d of %d", n, samples, series, want)
	}
	if got := read(); !maps.Equal(got, before) {
		t.Errorf("got\n%v\nwant\n%v", got, before)
	}
	flushed, compacted := upkeepOf(t, db, 0)
	if !compacted.Settled || compacted.Flushes != flushed.Flushes || flushed.Flushes != flushes {
		t.Errorf("upkeep says %+v and %+v", flushed, compacted)
	}
	m := db.Metrics()
	if m.CompactedChunks != flushes*series || m.CompactedInto != series || m.CompactedIntoSize >= m.CompactedBytes || m.CompactionErrors != 0 {
		t.Errorf("metrics say %d chunks of %d bytes became %d of %d, %d errors", m.CompactedChunks, m.CompactedBytes, m.CompactedInto, m.CompactedIntoSize, m.CompactionErrors)
	}
	if begun.Load() == 0 || begun.Load() != ended.Load() {
		t.Errorf("%d passes begun, %d ended", begun.Load(), ended.Load())
	}
	passes := db.Metrics().Compactions
	if err := db.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	if m := db.Metrics(); m.CompactedChunks != flushes*series || m.Compactions != passes+1 {
		t.Errorf("a settled store was rewritten: %d chunks in %d passes", m.CompactedChunks, m.Compactions)
	}
}

// TestCompactionInTheBackground waits for a tiered pass after some flushes and
// for a settling one when the partition has become quiet by the store's clock.
func TestCompactionInTheBackground(t *testing.T) {
	ctx := context.Background()
	var now atomic.Int64
	db, err := Open("db", Options{FS: vfs.NewMem(), CompactFlushes: 8, SettleAge: time.Hour, FlushAge: 80 * time.Millisecond,
		Now: func() time.Time { return time.Unix(0, now.Load()) }})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	at := 0
	flush := func(n int) {
		t.Helper()
		for range n {
			var b model.Batch
			for range 20 {
				b.AddSample("m", nil, int64(at)*1e9, float64(at))
				at++
			}
			if _, err := db.Append(ctx, &b); err != nil {
				t.Fatal(err)
			}
			if err := db.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	wait := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				n, s := countChunks(t, db)
				t.Fatalf("no %s: %d chunks of %d samples", what, n, s)
			}
		}
	}
	flush(8)
	wait("tiered pass", func() bool { n, _ := countChunks(t, db); return n == 1 })
	flush(3)
	time.Sleep(20 * time.Millisecond)
	if n, _ := countChunks(t, db); n != 4 {
		t.Fatalf("%d chunks, want 4: three flushes are not worth a pass", n)
	}
	now.Add(int64(2 * time.Hour))
	db.wantCompaction()
	wait("settling pass", func() bool { n, s := countChunks(t, db); return n == 1 && s == at })
	if _, c := upkeepOf(t, db, 0); !c.Settled {
		t.Errorf("upkeep says %+v", c)
	}
	wait("settled gauge", func() bool { return db.Metrics().PartitionsUnsettled == 0 })
}

// TestCompactCancelled leaves a whole store behind.
func TestCompactCancelled(t *testing.T) {
	db, err := Open("db", Options{FS: vfs.NewMem(), NoCompaction: true})
	if err != nil {
		t.Fatal(err)
	}
	acked := map[int]bool{}
	for n := range 30 {
		if _, err := db.Append(context.Background(), crashBatch(n)); err != nil {
			t.Fatal(err)
		}
		acked[n] = true
		if n%3 == 0 {
			if err := db.Flush(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := db.Compact(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	checkWhole(t, db, acked)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Compact(context.Background()); !errors.Is(err, ErrClosed) {
		t.Fatalf("after Close: got %v", err)
	}
}

// TestQueriesDuringUpkeep asks all the time while batches come, late ones
// among them, generations are flushed and chunks merged: a view must have every
// batch that was acknowledged before it once, and any other whole or not at
// all.
func TestQueriesDuringUpkeep(t *testing.T) {
	db, err := Open("db", Options{FS: vfs.NewMem(), CompactFlushes: 2, SettleAge: time.Millisecond, HeadBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	var (
		mu    sync.Mutex
		acked = map[int]bool{}
		wg    sync.WaitGroup
		stop  = make(chan struct{})
		next  atomic.Int64
	)
	loop := func(f func()) {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					f()
				}
			}
		})
	}
	for range 2 {
		loop(func() {
			n := int(next.Add(1))
			// Slow enough for several flushes.
			time.Sleep(time.Duration(min(n, 2000)/100) * time.Millisecond)
			if _, err := db.Append(ctx, crashBatch(n)); err != nil {
				t.Error(err)
			}
			mu.Lock()
			acked[n] = true
			mu.Unlock()
		})
	}
	loop(func() {
		if err := db.Flush(ctx); err != nil {
			t.Error(err)
		}
		if rand.IntN(3) == 0 {
			if err := db.Compact(ctx); err != nil {
				t.Error(err)
			}
		}
	})
	for range 2 {
		loop(func() {
			mu.Lock()
			before := map[int]bool{}
			for n := range acked {
				before[n] = true
			}
			mu.Unlock()
			if !t.Failed() {
				checkWhole(t, db, before)
			}
		})
	}
	length := 2 * time.Second
	if testing.Short() {
		length = 500 * time.Millisecond
	}
	time.Sleep(length)
	eventually(t, "compaction", func() bool { return db.Metrics().CompactedChunks > 0 })
	close(stop)
	wg.Wait()
	checkWhole(t, db, acked)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
