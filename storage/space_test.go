package storage

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// smallDisk is a filesystem that says how much is free.
type smallDisk struct {
	vfs.FS
	free atomic.Int64
}

func (d *smallDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: uint64(d.free.Load()), TotalBytes: 1 << 40}, nil
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

// TestMinFree refuses writes while the disk has too little space, keeps
// answering and flushing, gives up the ballast at the last, and takes writes
// again by itself.
func TestMinFree(t *testing.T) {
	ctx := context.Background()
	mem := vfs.NewMem()
	disk := &smallDisk{FS: mem}
	disk.free.Store(100 << 20)
	var mu sync.Mutex
	var told []string
	db, err := Open("db", Options{FS: disk, MinFree: 10 << 20, Ballast: 1 << 20, spaceEvery: time.Millisecond, EventListener: func(e Event) {
		if e.Kind == EventSpace {
			mu.Lock()
			told = append(told, e.String())
			mu.Unlock()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	acked := map[int]bool{1: true}
	if _, err := db.Append(ctx, crashBatch(1)); err != nil {
		t.Fatal(err)
	}
	ballast := func() bool { _, err := mem.Stat("db/ballast"); return err == nil }
	if !ballast() {
		t.Error("there is no ballast")
	}
	disk.free.Store(9 << 20)
	eventually(t, "refusal", func() bool { return db.space.refuse() != nil })
	_, err = db.Append(ctx, crashBatch(2))
	if !errors.Is(err, ErrNoSpace) || !strings.Contains(err.Error(), "9 MiB are free, MinFree is 10 MiB") {
		t.Fatalf("got %v", err)
	}
	checkWhole(t, db, acked)
	if err := db.Flush(ctx); err != nil {
		t.Errorf("flush: %v", err)
	}
	if !ballast() {
		t.Error("the ballast was given up too early")
	}
	disk.free.Store(1 << 19)
	eventually(t, "ballast given up", func() bool { return !ballast() })
	disk.free.Store(11 << 20)
	eventually(t, "writes", func() bool { return db.space.refuse() == nil })
	if _, err := db.Append(ctx, crashBatch(3)); err != nil {
		t.Fatal(err)
	}
	acked[3] = true
	if ballast() {
		t.Error("a new ballast took the space that had just become free")
	}
	disk.free.Store(100 << 20)
	eventually(t, "a new ballast", ballast)
	checkWhole(t, db, acked)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(told) != 3 {
		t.Errorf("told %q, want the refusal, the ballast and the end", told)
	}
}

// TestReopensWhenThereIsSpace fills the disk under a store in several places,
// several times in a row: queries are answered all along, what was acknowledged stays, and
// writes are taken again once there is space, without a restart.
func TestReopensWhenThereIsSpace(t *testing.T) {
	for _, folder := range []string{"index", "wal", "data"} {
		t.Run(folder, func(t *testing.T) {
			ctx := context.Background()
			var full atomic.Bool
			db, err := Open("data", Options{FS: fullDisk(vfs.NewMem(), folder, &full), HeadBytes: 1 << 16, MaxWriteWait: 20 * time.Millisecond,
				CompactFlushes: 2, spaceEvery: time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			acked := map[int]bool{}
			n := 0
			write := func() error {
				n++
				_, err := db.Append(ctx, crashBatch(n))
				if err == nil {
					acked[n] = true
				}
				return err
			}
			for round := range 3 {
				for range 50 {
					if err := write(); err != nil && !errors.Is(err, ErrOverloaded) {
						t.Fatal(err)
					}
				}
				full.Store(true)
				eventually(t, "refusal", func() bool { return errors.Is(write(), ErrReadOnly) })
				for range 5 {
					time.Sleep(2 * time.Millisecond)
					checkWhole(t, db, acked)
				}
				if err := db.Compact(ctx); !errors.Is(err, ErrReadOnly) {
					t.Errorf("compact: got %v", err)
				}
				full.Store(false)
				eventually(t, "writes", func() bool { return write() == nil })
				checkWhole(t, db, acked)
				if m := db.Metrics(); m.Reopens != int64(round+1) || m.ReadOnly {
					t.Errorf("reopened %d times, want %d; read only: %v", m.Reopens, round+1, m.ReadOnly)
				}
			}
			if err := db.Compact(ctx); err != nil {
				t.Fatal(err)
			}
			checkWhole(t, db, acked)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
