package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/storagetest"
)

func mustOpen(t *testing.T, dir string, o Options) *DB {
	t.Helper()
	db, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func mustAppend(t *testing.T, db *DB, b *model.Batch) model.AppendResult {
	t.Helper()
	res, err := db.Append(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func mustClose(t *testing.T, db *DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func printAll(t *testing.T, db *DB) string {
	t.Helper()
	v := mustView(t, db)
	defer v.Close()
	ctx := context.Background()
	a, err := storagetest.PrintSamples(ctx, v, model.SampleSelection{Mint: minInt64, Maxt: maxInt64})
	if err != nil {
		t.Fatal(err)
	}
	b, err := storagetest.PrintRows(ctx, v, model.RowSelection{Mint: minInt64, Maxt: maxInt64, AllFields: true})
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(a + "\n" + b)
}

func sampleAt(t int64, f float64) *model.Batch {
	b := &model.Batch{}
	b.AddSample("m", model.FromStrings("h", "a"), t, f)
	return b
}

func TestOpenErrors(t *testing.T) {
	t.Run("in use", func(t *testing.T) {
		dir := t.TempDir()
		db := mustOpen(t, dir, Options{})
		if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) || strings.Contains(err.Error(), "\n") {
			t.Fatalf("got %v, want ErrLocked in one line", err)
		}
		mustClose(t, db)
		mustClose(t, mustOpen(t, dir, Options{}))
	})
	t.Run("newer", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "FORMAT"), []byte("tidemark store 99\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, Options{}); !errors.Is(err, ErrNewerFormat) {
			t.Fatalf("got %v, want ErrNewerFormat", err)
		}
	})
	t.Run("not a store", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "FORMAT"), []byte("hello"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, Options{}); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("got %v, want ErrCorrupt", err)
		}
	})
	t.Run("a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Options{}); !errors.Is(err, ErrNotWritable) {
			t.Fatalf("got %v, want ErrNotWritable", err)
		}
	})
	t.Run("denied", func(t *testing.T) {
		for _, kind := range []errorfs.OpKind{errorfs.OpCreate, errorfs.OpLock} {
			fsys := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind == kind {
					return fs.ErrPermission
				}
				return nil
			}))
			if _, err := Open("db", Options{FS: fsys}); !errors.Is(err, ErrNotWritable) {
				t.Fatalf("got %v, want ErrNotWritable", err)
			}
		}
	})
	t.Run("options", func(t *testing.T) {
		_, err := Open("db", Options{FS: vfs.NewMem(), HeadBytes: 1, Retention: -1, MaxBatchBytes: 1 << 30})
		var oe *OptionsError
		if !errors.As(err, &oe) || len(oe.Problems) != 3 {
			t.Fatalf("got %v, want three problems", err)
		}
	})
}

func TestRequestKeys(t *testing.T) {
	now := time.Unix(1000, 0)
	o := Options{FS: vfs.NewMem(), Now: func() time.Time { return now }}
	db := mustOpen(t, "db", o)
	send := func(key string) bool {
		b := &model.Batch{RequestKey: key}
		b.AddLine(model.FromStrings("a", "b"), 1, "line "+key)
		return mustAppend(t, db, b).Duplicate
	}
	lines := func() int { return strings.Count(printAll(t, db), "line") }
	if send("k1") || !send("k1") || send("k2") {
		t.Fatal("a key must be a duplicate the second time only")
	}
	for i, reopen := range []func(){
		func() { _ = db.close(false) }, // from the log
		func() { mustClose(t, db) },    // from the index
	} {
		reopen()
		db = mustOpen(t, "db", o)
		if !send("k1") || !send("k2") || lines() != 2 {
			t.Fatalf("restart %d: a key was forgotten", i)
		}
	}
	now = now.Add(59 * time.Minute)
	if !send("k1") {
		t.Fatal("a key was forgotten within the hour")
	}
	now = now.Add(2 * time.Minute)
	if send("k1") || lines() != 3 {
		t.Fatal("a key was remembered beyond the hour")
	}
	mustClose(t, db)
	db = mustOpen(t, "db", o)
	if got := db.Metrics().RequestKeys; got != 1 {
		t.Fatalf("%d keys are remembered, want 1: expired ones are deleted", got)
	}
	mustClose(t, db)
}

func TestConcurrentDuplicates(t *testing.T) {
	db := mustOpen(t, "db", Options{FS: vfs.NewMem()})
	var fresh atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			b := &model.Batch{RequestKey: "k"}
			b.AddLine(model.FromStrings("a", "b"), 1, "x")
			res, err := db.Append(context.Background(), b)
			if err != nil {
				t.Error(err)
			}
			if !res.Duplicate {
				fresh.Add(1)
			}
			if printAll(t, db) != `{a="b"} 1 "x"` {
				t.Error("acknowledged and not visible")
			}
		})
	}
	wg.Wait()
	if fresh.Load() != 1 {
		t.Fatalf("%d of 8 equal requests were written", fresh.Load())
	}
	mustClose(t, db)
}

func TestRetention(t *testing.T) {
	const day = 24 * time.Hour
	var clock atomic.Int64
	clock.Store(int64(100 * day))
	var dropped atomic.Int64
	o := Options{FS: vfs.NewMem(), Retention: 10 * day, FlushAge: 20 * time.Millisecond,
		Now: func() time.Time { return time.Unix(0, clock.Load()) },
		EventListener: func(e Event) {
			if e.Kind == EventRetention {
				dropped.Add(1)
			}
		}}
	db := mustOpen(t, "db", o)
	for _, d := range []time.Duration{90, 91, 95, 100} {
		mustAppend(t, db, sampleAt(int64(d*day+1), float64(d)))
	}
	if _, err := db.Append(context.Background(), sampleAt(int64(90*day)-1, 1)); !errors.Is(err, ErrTooOld) {
		t.Fatalf("got %v, want ErrTooOld", err)
	}
	if err := db.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	before := printAll(t, db)
	if strings.Count(before, "=") != 5 { // one label and four samples
		t.Fatalf("got %s", before)
	}
	pin := mustView(t, db)
	clock.Store(int64(103*day) + 5)
	if got := printAll(t, db); strings.Contains(got, "=90") || strings.Contains(got, "=91") || !strings.Contains(got, "=95") {
		t.Fatalf("hidden at once: got %s", got)
	}
	time.Sleep(60 * time.Millisecond)
	if got, err := storagetest.PrintSamples(context.Background(), pin, model.SampleSelection{Mint: minInt64, Maxt: maxInt64}); err != nil || got != before {
		t.Fatalf("a pinned view changed: %s, %v", got, err)
	}
	if dropped.Load() != 0 {
		t.Fatal("a pinned partition was dropped")
	}
	if err := pin.Close(); err != nil {
		t.Fatal(err)
	}
	for i := 0; dropped.Load() < 2 && i < 500; i++ {
		time.Sleep(10 * time.Millisecond)
	}
	if dropped.Load() != 2 {
		t.Fatalf("%d partitions were dropped", dropped.Load())
	}
	lo, hi := keys.Partition{Start: int64(90 * day), Width: 86400}.Bounds()
	it, err := db.pdb.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	if it.SeekGE(lo) && string(it.Key()) < string(hi) {
		t.Fatalf("key %x is left of a dropped partition", it.Key())
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	if got := printAll(t, db); !strings.Contains(got, "=95") || !strings.Contains(got, "=100") {
		t.Fatalf("too much was dropped: %s", got)
	}
	mustClose(t, db)
}

func TestLimits(t *testing.T) {
	ctx := context.Background()
	db := mustOpen(t, "db", Options{FS: vfs.NewMem(), MaxStreams: 2, MaxBatchBytes: 1000})
	mustAppend(t, db, sampleAt(1, 1))
	b := &model.Batch{}
	b.AddSample("m", model.FromStrings("h", "b"), 1, 1)
	b.AddSample("m", model.FromStrings("h", "c"), 1, 1)
	if _, err := db.Append(ctx, b); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "MaxStreams") {
		t.Fatalf("got %v, want ErrFull naming MaxStreams", err)
	}
	mustAppend(t, db, sampleAt(2, 2)) // a known stream is still served
	b.Reset()
	b.AddLine(model.FromStrings("h", "a"), 1, strings.Repeat("x", 2000))
	if _, err := db.Append(ctx, b); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("got %v, want ErrTooLarge", err)
	}
	for name, sc := range map[string]*model.Schema{
		"no columns": {Kind: model.MetricRow},
		"no kind":    {Columns: []model.Column{{Name: "x", Type: model.TypeFloat}}},
		"histogram":  {Kind: model.MetricRow, Columns: []model.Column{{Name: "x", Type: model.TypeHistogram}}}, // of a number
		"starts":     {Kind: model.MetricRow, Columns: []model.Column{{Name: "x", Type: model.TypeFloat}, {Type: model.TypeStart}, {Type: model.TypeStart}}},
		"log start":  {Kind: model.LogRow, Columns: []model.Column{{Field: model.LineField, Type: model.TypeText}, {Type: model.TypeStart}}},
		"no line":    {Kind: model.LogRow, Columns: []model.Column{{Field: "x", Type: model.TypeInt}}},
		"no name":    {Kind: model.MetricRow, Columns: []model.Column{{Type: model.TypeFloat}}},
	} {
		b.Reset()
		b.Begin(model.NewStream(model.FromStrings("h", "a")), sc, 1)
		for range sc.Columns {
			b.Float(1)
		}
		if _, err := db.Append(ctx, b); !errors.Is(err, ErrInvalid) {
			t.Fatalf("%s: got %v, want ErrInvalid", name, err)
		}
	}
	b.Reset()
	b.Begin(model.NewStream(nil), &model.Schema{Kind: model.MetricRow, Columns: []model.Column{{Name: "x", Type: model.TypeFloat}}}, 1)
	if _, err := db.Append(ctx, b); !errors.Is(err, ErrInvalid) {
		t.Fatalf("a row without values: got %v, want ErrInvalid", err)
	}
	b.Reset()
	b.Begin(model.NewStream(model.Labels{{Name: "b", Value: "1"}, {Name: "a", Value: "2"}}), &model.Schema{Kind: model.MetricRow, Columns: []model.Column{{Name: "x", Type: model.TypeFloat}}}, 1)
	b.Float(1)
	if _, err := db.Append(ctx, b); !errors.Is(err, ErrInvalid) {
		t.Fatalf("unsorted labels: got %v, want ErrInvalid", err)
	}
	if got := printAll(t, db); got != `m{h="a"} 1=1 2=2` {
		t.Fatalf("a refused batch left traces: %s", got)
	}
	mustClose(t, db)
	if _, err := db.Append(ctx, sampleAt(1, 1)); !errors.Is(err, ErrClosed) {
		t.Fatalf("got %v, want ErrClosed", err)
	}
	if _, err := db.View(); !errors.Is(err, ErrClosed) {
		t.Fatalf("got %v, want ErrClosed", err)
	}
	if err := db.Flush(ctx); !errors.Is(err, ErrClosed) {
		t.Fatalf("got %v, want ErrClosed", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestLogFailure injects an error into a write or a sync of the log: the batch
// is refused, and so is every later one; queries go on; nothing that was
// refused is visible; after a restart the store writes again.
func TestLogFailure(t *testing.T) {
	for _, kind := range []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileSync, errorfs.OpFileSyncData} {
		var broken atomic.Bool
		mem := vfs.NewMem()
		fsys := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if broken.Load() && op.Kind == kind && strings.HasSuffix(op.Path, ".wal") {
				return errorfs.ErrInjected
			}
			return nil
		}))
		var failures atomic.Int64
		o := Options{FS: fsys, EventListener: func(e Event) {
			if e.Kind == EventWriteFailure {
				failures.Add(1)
			}
		}}
		db := mustOpen(t, "db", o)
		mustAppend(t, db, sampleAt(1, 1))
		broken.Store(true)
		var err error
		for i := range 3 {
			if _, err = db.Append(context.Background(), sampleAt(2, float64(i))); err != nil {
				break
			}
		}
		if kind != errorfs.OpFileSync {
			if !errors.Is(err, ErrReadOnly) {
				t.Fatalf("kind %v: got %v, want ErrReadOnly", kind, err)
			}
			broken.Store(false)
			if _, err := db.Append(context.Background(), sampleAt(3, 1)); !errors.Is(err, ErrReadOnly) {
				t.Fatalf("got %v, want ErrReadOnly for good", err)
			}
			if failures.Load() != 1 || !db.Metrics().ReadOnly {
				t.Fatal("the failure was not reported once")
			}
			if got := printAll(t, db); got != `m{h="a"} 1=1` {
				t.Fatalf("got %s", got)
			}
		}
		broken.Store(false)
		_ = db.Close()
		db = mustOpen(t, "db", Options{FS: mem})
		mustAppend(t, db, sampleAt(9, 9))
		if got := printAll(t, db); !strings.Contains(got, "1=1") || !strings.Contains(got, "9=9") {
			t.Fatalf("got %s", got)
		}
		mustClose(t, db)
	}
}

// TestIndexFailure breaks Pebble's own log during a flush.
func TestIndexFailure(t *testing.T) {
	var broken atomic.Bool
	mem := vfs.NewMem()
	fsys := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && (op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSync) && strings.HasSuffix(op.Path, ".log") {
			return errorfs.ErrInjected
		}
		return nil
	}))
	db := mustOpen(t, "db", Options{FS: fsys})
	mustAppend(t, db, sampleAt(1, 1))
	broken.Store(true)
	if err := db.Flush(context.Background()); err == nil {
		t.Fatal("a flush onto a broken disk succeeded")
	}
	if _, err := db.Append(context.Background(), sampleAt(2, 2)); !errors.Is(err, ErrReadOnly) {
		t.Fatalf("got %v, want ErrReadOnly", err)
	}
	if got := printAll(t, db); got != `m{h="a"} 1=1` {
		t.Fatalf("got %s", got)
	}
	_ = db.Close()
	broken.Store(false)
	db = mustOpen(t, "db", Options{FS: mem})
	if got := printAll(t, db); got != `m{h="a"} 1=1` {
		t.Fatalf("got %s", got)
	}
	mustClose(t, db)
}

// TestReadsDuringFlush checks that whoever reads while generations are frozen,
// written and applied sees every acknowledged row once and every batch whole.
func TestReadsDuringFlush(t *testing.T) {
	db := mustOpen(t, "db", Options{FS: vfs.NewMem()})
	var acked atomic.Int64
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for n := 1; n <= 600; n++ {
			mustAppend(t, db, crashBatch(n))
			acked.Store(int64(n))
		}
		close(stop)
	})
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
	loop(func() {
		if err := db.Flush(context.Background()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Duration(rand.IntN(500)) * time.Microsecond)
	})
	for range 2 {
		loop(func() {
			want := int(acked.Load())
			rows, samples := countBatches(t, db)
			for n := 1; n <= want; n++ {
				if rows[n] != crashRows || samples[n] != crashRows {
					t.Errorf("batch %d: %d rows and %d samples, want %d", n, rows[n], samples[n], crashRows)
				}
			}
			for n := range rows {
				if rows[n] != crashRows || samples[n] != crashRows {
					t.Errorf("batch %d, unacknowledged: %d rows and %d samples", n, rows[n], samples[n])
				}
			}
		})
	}
	wg.Wait()
	mustClose(t, db)
}

// TestOverload holds the flush back and writes on: memory is bounded, writers
// wait and then are told.
func TestOverload(t *testing.T) {
	var hold sync.Mutex
	db := mustOpen(t, "db", Options{FS: vfs.NewMem(), HeadBytes: 1 << 20, MaxWriteWait: 30 * time.Millisecond,
		EventListener: func(e Event) {
			if e.Kind == EventFlushBegin {
				hold.Lock()
				//lint:ignore SA2001 it only waits for whoever holds the lock
				hold.Unlock()
			}
		}})
	hold.Lock()
	var err error
	wrote := 0
	for ; wrote < 200 && err == nil; wrote++ {
		b := &model.Batch{}
		for i := range 1000 {
			b.AddLine(model.FromStrings("a", "b"), int64(i), strings.Repeat("x", 100))
		}
		_, err = db.Append(context.Background(), b)
	}
	if !errors.Is(err, ErrOverloaded) {
		t.Fatalf("got %v after %d batches, want ErrOverloaded", err, wrote)
	}
	if got := db.Metrics().HeadBytes; got > 16<<20 {
		t.Fatalf("the heads hold %d bytes", got)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := db.Append(ctx, sampleAt(1, 1)); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the context's", err)
	}
	hold.Unlock()
	for i := 0; i < 1000; i++ {
		if _, err = db.Append(context.Background(), sampleAt(1, 1)); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)
}

// TestReplayedHead compares the live head with the one that replay makes.
func TestReplayedHead(t *testing.T) {
	fsys := vfs.NewMem()
	db := mustOpen(t, "db", Options{FS: fsys})
	g := storagetest.NewGenerator(5)
	for range 50 {
		mustAppend(t, db, g.Batch(20))
	}
	want := db.state.active.head.Hash()
	if err := db.close(false); err != nil {
		t.Fatal(err)
	}
	replayed := &DB{dir: "db", opts: Options{FS: fsys}.WithDefaults()}
	replayed.write.reqs.init(replayed.opts)
	gen, err := replayed.replay("db/wal", 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := gen.head.Hash(); got != want {
		t.Fatalf("the replayed head has state %x, the live one had %x", got, want)
	}
	if err := replayed.log.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFlushTriggers waits for flushes that happen by themselves.
func TestFlushTriggers(t *testing.T) {
	wait := func(db *DB, n int64) {
		t.Helper()
		for range 500 {
			if db.Metrics().Flushes >= n {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("no flush: %+v", db.Metrics())
	}
	db := mustOpen(t, "db", Options{FS: vfs.NewMem(), FlushAge: 50 * time.Millisecond})
	mustAppend(t, db, sampleAt(1, 1))
	wait(db, 1)
	mustClose(t, db)
	db = mustOpen(t, "db", Options{FS: vfs.NewMem(), HeadBytes: 1 << 16})
	mustAppend(t, db, sampleAt(1, 1)) // its first block is above the budget
	wait(db, 1)
	mustClose(t, db)
}

// TestSharedStreams uses one decoder's streams and schemas with two stores.
func TestSharedStreams(t *testing.T) {
	a, b := mustOpen(t, "a", Options{FS: vfs.NewMem()}), mustOpen(t, "b", Options{FS: vfs.NewMem()})
	st := model.NewStream(model.FromStrings("h", "1"))
	other := model.NewStream(model.FromStrings("h", "0"))
	sc := &model.Schema{Kind: model.MetricRow, Columns: []model.Column{{Name: "m", Type: model.TypeInt}}}
	var batch model.Batch
	batch.Add(other, sc, 1, model.Int(1))
	mustAppend(t, b, &batch)
	for i := range int64(4) {
		batch.Reset()
		batch.Add(st, sc, i, model.Int(i))
		mustAppend(t, []*DB{a, b}[i%2], &batch)
	}
	if got := printAll(t, a); got != `m{h="1"} 0=0i 2=2i` {
		t.Fatal(got)
	}
	if got := printAll(t, b); got != "m{h=\"0\"} 1=1i\nm{h=\"1\"} 1=1i 3=3i" {
		t.Fatal(got)
	}
	mustClose(t, a)
	mustClose(t, b)
}

// TestViewCalls checks cancellation, ErrStop and closing of views.
func TestViewCalls(t *testing.T) {
	db := mustOpen(t, "db", Options{FS: vfs.NewMem()})
	for i := range 5 {
		b := &model.Batch{}
		b.AddSample("m", model.FromStrings("h", fmt.Sprint(i)), 1, 1)
		mustAppend(t, db, b)
	}
	v := mustView(t, db)
	sel := model.SampleSelection{Mint: 0, Maxt: 10}
	n := 0
	if err := v.Samples(context.Background(), sel, func(*model.Series) error { n++; return model.ErrStop }); err != nil || n != 1 {
		t.Fatalf("ErrStop: %v after %d", err, n)
	}
	boom := errors.New("boom")
	if err := v.Samples(context.Background(), sel, func(*model.Series) error { return boom }); !errors.Is(err, boom) {
		t.Fatalf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := v.Samples(ctx, sel, func(*model.Series) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	mustClose(t, db) // closes what the caller forgot
	if err := v.Samples(context.Background(), sel, func(*model.Series) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Fatalf("got %v", err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
}
