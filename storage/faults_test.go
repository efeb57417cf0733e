package storage

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"sync/atomic"
)

// faultyLife opens a store, writes, flushes, compacts and takes a checkpoint on
// a filesystem that fails from one operation on, and returns what was
// acknowledged and how many operations there were.
func faultyLife(t *testing.T, mem vfs.FS, failAt int64, fault error) (acked map[int]bool, ops int64) {
	t.Helper()
	ctx := context.Background()
	var n atomic.Int64
	fsys := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && n.Add(1) == failAt {
			return fault
		}
		return nil
	}))
	acked = map[int]bool{}
	db, err := Open("db", Options{FS: fsys, NoCompaction: true, MaxWriteWait: 10 * time.Millisecond, spaceEvery: time.Hour})
	if err != nil {
		return acked, n.Load()
	}
	for i := range 12 {
		if _, err := db.Append(ctx, crashBatch(i)); err == nil {
			acked[i] = true
		} else if !errors.Is(err, ErrReadOnly) && !errors.Is(err, ErrOverloaded) {
			t.Errorf("operation %d: append: %v", failAt, err)
		}
		if i%4 == 3 {
			_ = db.Flush(ctx) // may fail
		}
	}
	_ = db.Compact(ctx)
	_ = db.Checkpoint(ctx, "copy")
	checkWhole(t, db, acked)
	_ = db.Close()
	return acked, n.Load()
}

// TestFaultAtWrites fails one write, sync, creation, rename or removal of a
// store's life, every seventh after the other: nothing that was
// acknowledged is lost, no batch is there in part, and nothing ends the process.
func TestFaultAtWrites(t *testing.T) {
	_, ops := faultyLife(t, vfs.NewMem(), -1, nil)
	if ops < 50 {
		t.Fatalf("only %d operations", ops)
	}
	const step = 7
	for at := int64(1); at <= ops; at += step {
		mem := vfs.NewMem()
		acked, _ := faultyLife(t, mem, at, syscall.EIO)
		var db *DB
		var err error
		// What Pebble left behind may hold its lock for a moment.
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			if db, err = Open("db", Options{FS: mem, NoCompaction: true}); err == nil || time.Now().After(deadline) {
				break
			}
		}
		if err != nil {
			t.Errorf("operation %d of %d: open: %v", at, ops, err)
			continue
		}
		checkWhole(t, db, acked)
		if _, err := db.Append(context.Background(), crashBatch(500)); err != nil {
			t.Errorf("operation %d of %d: write after it: %v", at, ops, err)
		}
		if err := db.Close(); err != nil {
			t.Errorf("operation %d of %d: close after it: %v", at, ops, err)
		}
		if t.Failed() {
			return
		}
	}
}
