package storage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
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
	returns(t, fmt.Sprintf("operation %d: Compact", failAt), func() { _ = db.Compact(ctx) })
	returns(t, fmt.Sprintf("operation %d: Checkpoint", failAt), func() { _ = db.Checkpoint(ctx, "copy") })
	checkWhole(t, db, acked)
	returns(t, fmt.Sprintf("operation %d: Close", failAt), func() { _ = db.Close() })
	return acked, n.Load()
}

// returns fails the test where f does not return in time.
func returns(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s waits for ever", what)
	}
}

// TestFaultAtWrites fails one write, sync, creation, rename or removal of a
// store's life, one after the other: nothing that was acknowledged
// is lost, no batch is there in part or twice, and nothing waits for ever or ends
// the process.
func TestFaultAtWrites(t *testing.T) {
	_, ops := faultyLife(t, vfs.NewMem(), -1, nil)
	if ops < 50 {
		t.Fatalf("only %d operations", ops)
	}
	for at := int64(1); at <= ops; at++ {
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

// TestIndexTablesCannotBeWritten fails every table of the index from a moment
// on: what would wait for one returns, and nothing is lost.
func TestIndexTablesCannotBeWritten(t *testing.T) {
	ctx := context.Background()
	for _, compact := range []bool{false, true} {
		var broken atomic.Bool
		mem := vfs.NewMem()
		fsys := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if broken.Load() && op.Kind == errorfs.OpCreate && strings.HasSuffix(op.Path, ".sst") {
				return syscall.EIO
			}
			return nil
		}))
		db := mustOpen(t, "db", Options{FS: fsys, NoCompaction: true})
		mustAppend(t, db, crashBatch(1))
		broken.Store(true)
		if compact {
			returns(t, "Compact", func() {
				if err := db.Compact(ctx); !errors.Is(err, syscall.EIO) {
					t.Errorf("compact: got %v, want %v", err, syscall.EIO)
				}
			})
		}
		mustAppend(t, db, crashBatch(2)) // in the log of the store, and of the index
		returns(t, "Close", func() { _ = db.Close() })
		db = mustOpen(t, "db", Options{FS: mem})
		checkWhole(t, db, map[int]bool{1: true, 2: true})
		mustClose(t, db)
	}
}

// TestIndexTablesCannotBeWrittenForLong writes more than the index holds in
// memory while none of its tables can be written: flushes fail rather than
// wait, Close returns, and with the disk back flushes succeed and all is there.
func TestIndexTablesCannotBeWrittenForLong(t *testing.T) {
	for _, repaired := range []bool{false, true} {
		var broken atomic.Bool
		mem := vfs.NewMem()
		fsys := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if broken.Load() && op.Kind == errorfs.OpCreate && strings.HasSuffix(op.Path, ".sst") {
				return syscall.EIO
			}
			return nil
		}))
		db := mustOpen(t, "db", Options{FS: fsys, NoCompaction: true, memTable: 64 << 10, MaxWriteWait: 10 * time.Millisecond})
		broken.Store(true)
		acked := map[int]bool{}
		returns(t, "Flush", func() {
			failed := 0
			for i := 0; failed < 5 && i < 1000; i++ {
				if _, err := db.Append(context.Background(), crashBatch(i)); err == nil {
					acked[i] = true
				}
				if err := db.Flush(context.Background()); errors.Is(err, syscall.EIO) {
					failed++
				} else if err != nil {
					t.Errorf("flush: %v", err)
				}
			}
			if failed == 0 {
				t.Error("want flushes that fail")
			}
		})
		checkWhole(t, db, acked)
		if repaired {
			broken.Store(false)
			for deadline := time.Now().Add(20 * time.Second); db.Flush(context.Background()) != nil; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("no flush succeeds on a disk that works")
				}
			}
			checkWhole(t, db, acked)
		}
		returns(t, "Close", func() { _ = db.Close() })
		db = mustOpen(t, "db", Options{FS: mem})
		checkWhole(t, db, acked)
		mustClose(t, db)
	}
}
