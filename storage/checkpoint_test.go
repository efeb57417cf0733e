package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/model"
	"tidemark/storage/storagetest"
)

// TestCheckpointWhileRunning takes checkpoints of a store that is written to,
// flushed and compacted, restores each and finds every batch that was
// acknowledged before it, and every other one whole or not at all.
func TestCheckpointWhileRunning(t *testing.T) {
	ctx := context.Background()
	mem := vfs.NewMem()
	db, err := Open("db", Options{FS: mem, CompactFlushes: 2, SettleAge: 1})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	acked := map[int]bool{}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := db.Append(ctx, crashBatch(n)); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			acked[n] = true
			mu.Unlock()
			if n%7 == 0 {
				if err := db.Compact(ctx); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for i := range 4 {
		mu.Lock()
		before := map[int]bool{}
		for n := range acked {
			before[n] = true
		}
		mu.Unlock()
		dir := fmt.Sprint("copy", i)
		if err := db.Checkpoint(ctx, dir); err != nil {
			t.Fatal(err)
		}
		if err := db.Checkpoint(ctx, dir); !errors.Is(err, fs.ErrExist) {
			t.Errorf("onto a checkpoint: %v", err)
		}
		if err := VerifyCheckpoint(ctx, mem, dir, nil); err != nil {
			t.Fatal(err)
		}
		if err := Restore(ctx, mem, dir, dir+"-restored", i%2 == 0); err != nil {
			t.Fatal(err)
		}
		if IsCheckpoint(mem, dir+"-restored") != (i%2 == 0) {
			t.Error("the manifest was copied, or not, against what was asked")
		}
		copied, err := Open(dir+"-restored", Options{FS: mem})
		if err != nil {
			t.Fatal(err)
		}
		checkWhole(t, copied, before)
		if _, err := copied.Append(ctx, crashBatch(1_000_000)); err != nil {
			t.Error(err)
		}
		if stats, err := copied.Verify(ctx, func(err error) { t.Error(err) }); err != nil || stats.Problems > 0 {
			t.Errorf("verify: %+v, %v", stats, err)
		}
		if err := copied.Close(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := db.Checkpoint(cancelled, "never"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := mem.Stat("never"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a cancelled checkpoint is left behind")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedCheckpoint changes one thing of a checkpoint at a time: it is
// found, and nothing is restored.
func TestDamagedCheckpoint(t *testing.T) {
	ctx := context.Background()
	mem := vfs.NewMem()
	db, err := Open("db", Options{FS: mem})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		if _, err := db.Append(ctx, crashBatch(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(db.Checkpoint(ctx, "copy"), db.Close()); err != nil {
		t.Fatal(err)
	}
	files, err := listFiles(mem, "copy", "")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	read := func(path string) []byte {
		t.Helper()
		f, err := mem.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		b, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	write := func(path string, b []byte) {
		t.Helper()
		f, err := mem.Create(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		// In race builds the filesystem scribbles over what it was given.
		if _, err := f.Write(bytes.Clone(b)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, file := range files {
		path := "copy/" + file
		whole := read(path)
		damages := map[string]func(){"removed": func() {
			if err := mem.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, "longer": func() { write(path, append(append([]byte(nil), whole...), 0)) }}
		if len(whole) > 0 {
			damages["shorter"] = func() { write(path, whole[:len(whole)-1]) }
			damages["flipped"] = func() {
				b := append([]byte(nil), whole...)
				b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
				write(path, b)
			}
		}
		for what, damage := range damages {
			damage()
			err := VerifyCheckpoint(ctx, mem, "copy", nil)
			restored := Restore(ctx, mem, "copy", "restored", false)
			missing := what == "removed" && file == manifestName
			for _, err := range []error{err, restored} {
				if !errors.Is(err, ErrCorrupt) && !(missing && errors.Is(err, fs.ErrNotExist)) {
					t.Errorf("%s %s: got %v", file, what, err)
				}
			}
			for _, left := range []string{"restored", "restored.part"} {
				if _, err := mem.Stat(left); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s %s: %s is there", file, what, left)
				}
			}
			write(path, whole)
		}
	}
	if err := VerifyCheckpoint(ctx, mem, "copy", nil); err != nil {
		t.Errorf("as it was: %v", err)
	}
}

// FuzzManifest reads arbitrary bytes as a manifest.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(manifestHeader + "00000000 0 a\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := parseManifest(b)
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.HasPrefix(e.path, "/") || strings.Contains("/"+e.path+"/", "/../") {
				t.Fatalf("a path that leaves the folder: %q", e.path)
			}
		}
	})
}

// TestVerifyFindsDamage flips one bit of one table at a time.
func TestVerifyFindsDamage(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	db, err := Open(dir, Options{Ballast: -1})
	if err != nil {
		t.Fatal(err)
	}
	g := storagetest.NewGenerator(3)
	for range 40 {
		if _, err := db.Append(ctx, g.Batch(30)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Delete(ctx, model.Deletion{Selectors: [][]*model.Matcher{{model.MustMatcher(model.MatchEqual, "host", "h1")}}, Mint: 5, Maxt: 6}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Flush(ctx), db.Close()); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(4, 4))
	for i := range 10 {
		copied := copyFolder(t, dir)
		tables, _ := filepath.Glob(filepath.Join(copied, "index/*.sst"))
		if len(tables) == 0 {
			t.Fatal("no tables")
		}
		at := -1
		if i > 0 {
			b, err := os.ReadFile(tables[0])
			if err != nil {
				t.Fatal(err)
			}
			at = rng.IntN(len(b))
			b[at] ^= 1 << rng.IntN(8)
			if err := os.WriteFile(tables[0], b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var noticed atomic.Bool // and mended, by what opening reads
		db, err := Open(copied, Options{Ballast: -1, NoCompaction: true, EventListener: func(e Event) {
			if e.Kind == EventCorruption {
				noticed.Store(true)
			}
		}})
		if err != nil {
			t.Fatalf("bit at %d: open: %v", at, err)
		}
		var told []error
		stats, err := db.Verify(ctx, func(err error) { told = append(told, err) })
		if err != nil {
			t.Fatalf("bit at %d: %v", at, err)
		}
		if i == 0 && (len(told) > 0 || stats.Chunks < 10 || stats.Samples < 100 || stats.RowGroups < 2 || stats.Tables == 0) {
			t.Errorf("a sound store: %+v, %v", stats, told)
		}
		if i > 0 && len(told) == 0 && !noticed.Load() {
			t.Errorf("bit at %d: nothing was found", at)
		}
		for _, err := range told {
			if !errors.Is(err, ErrCorrupt) || strings.Contains(err.Error(), "\n") {
				t.Errorf("bit at %d: want one line of ErrCorrupt, got %v", at, err)
			}
		}
		_ = db.Close() // may have to read what is damaged
	}
}
