package storage

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"tidemark/storage/model"
)

// fullDisk is a filesystem that refuses writes to one folder of a store while
// full is set.
func fullDisk(fsys vfs.FS, folder string, full *atomic.Bool) vfs.FS {
	return errorfs.Wrap(fsys, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && (op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFilePreallocate) &&
			strings.Contains(op.Path, folder) {
			return syscall.ENOSPC
		}
		return nil
	}))
}

// TestOpenOnAFullDisk opens a store whose index has to be written to: an error
// comes soon, nothing is reported meanwhile, and with space it opens.
func TestOpenOnAFullDisk(t *testing.T) {
	mem := vfs.NewMem()
	db, err := Open("data", Options{FS: mem})
	if err != nil {
		t.Fatal(err)
	}
	var b model.Batch
	b.AddSample("m", model.FromStrings("a", "1"), 1, 1)
	if _, err := db.Append(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	if err := db.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := db.close(false); err != nil { // the flush stays in Pebble's log
		t.Fatal(err)
	}
	var full atomic.Bool
	full.Store(true)
	var events atomic.Int64
	began := time.Now()
	_, err = Open("data", Options{FS: fullDisk(mem, "index", &full), EventListener: func(e Event) {
		if e.Kind != EventReplay {
			events.Add(1)
		}
	}})
	if !errors.Is(err, ErrNotWritable) || !strings.Contains(err.Error(), "no space left on device") || strings.Contains(err.Error(), "\n") {
		t.Fatalf("want one line of %v and why, got %v", ErrNotWritable, err)
	}
	if took := time.Since(began); took > 10*time.Second || events.Load() > 0 {
		t.Errorf("want an error soon and no events, took %s and reported %d", took, events.Load())
	}
	full.Store(false)
	// What was left behind opens and closes Pebble once it can write.
	for deadline := time.Now().Add(20 * time.Second); ; {
		db, err = Open("data", Options{FS: mem})
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("with space: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if _, samples := countBatches(t, db); samples[1] != 1 {
		t.Errorf("want the sample, got %v", samples)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDiskFullWhileRunning fills the disk under a store that flushes all the
// time: writes are refused, queries go on, failures are reported a few times
// rather than thousands, Close returns, and with space everything that was
// acknowledged is there.
func TestDiskFullWhileRunning(t *testing.T) {
	for _, folder := range []string{"index", "wal", "data"} {
		t.Run(folder, func(t *testing.T) {
			mem := vfs.NewMem()
			var full atomic.Bool
			var events atomic.Int64
			db, err := Open("data", Options{FS: fullDisk(mem, folder, &full), HeadBytes: 1 << 16, MaxWriteWait: 50 * time.Millisecond, EventListener: func(e Event) {
				if e.Kind == EventBackgroundError {
					events.Add(1)
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			acked := make(map[int]bool)
			n := 0
			write := func() error {
				_, err := db.Append(context.Background(), crashBatch(n))
				if err == nil {
					acked[n] = true
				}
				n++
				return err
			}
			for n < 200 {
				if err := write(); err != nil && !errors.Is(err, ErrOverloaded) {
					t.Fatal(err)
				}
			}
			full.Store(true)
			refused := false
			for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); {
				err := write()
				if err != nil && !errors.Is(err, ErrReadOnly) && !errors.Is(err, ErrOverloaded) {
					t.Fatal(err)
				}
				if errors.Is(err, ErrReadOnly) {
					refused = true
					time.Sleep(time.Millisecond)
				}
			}
			if !refused {
				t.Error("want writes refused")
			}
			checkWhole(t, db, acked)
			closed := make(chan struct{})
			go func() {
				_ = db.Close() // says that the disk is full
				close(closed)
			}()
			select {
			case <-closed:
			case <-time.After(20 * time.Second):
				t.Fatal("Close waits for ever")
			}
			if got := events.Load(); got > 20 {
				t.Errorf("want a few reports, got %d", got)
			}
			full.Store(false)
			if db, err = Open("data", Options{FS: mem}); err != nil {
				t.Fatal(err)
			}
			checkWhole(t, db, acked)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
