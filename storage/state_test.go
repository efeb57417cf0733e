package storage

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/model"
	"tidemark/storage/storagetest"
)

// stateHash reads everything from a time on.
func stateHash(t *testing.T, v model.View, mint int64) (hash string, text string) {
	t.Helper()
	ctx := context.Background()
	samples, err := storagetest.PrintSamples(ctx, v, model.SampleSelection{Mint: mint, Maxt: maxInt64})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := storagetest.PrintRows(ctx, v, model.RowSelection{Mint: mint, Maxt: maxInt64, AllFields: true,
		Matchers: []*model.Matcher{model.MustMatcher(model.MatchRegexp, model.MeasurementLabel, ".*")}})
	if err != nil {
		t.Fatal(err)
	}
	text = samples + rows
	return fmt.Sprintf("%x", sha256.Sum256([]byte(text))), text
}

// TestLiveAndReplayedStatesHashTheSame writes, deletes, flushes and compacts at
// random under a clock whose retention passes over what is there, and cuts the power
// again and again: what the store answers from memory and tables is what it answers
// after reading its log, bit for bit, and what a store in maps answers.
func TestLiveAndReplayedStatesHashTheSame(t *testing.T) {
	seeds := 10
	if testing.Short() {
		seeds = 3
	}
	crashes, expired := 0, 0
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			ctx := context.Background()
			g := storagetest.NewGenerator(int64(1000 + seed))
			fs := vfs.NewCrashableMem()
			var now atomic.Int64
			day := int64(24 * time.Hour)
			now.Store(0)
			opts := Options{FS: fs, FlushAge: time.Hour, Retention: 3 * time.Duration(day), Now: func() time.Time { return time.Unix(0, now.Load()) }}
			if seed%2 == 0 {
				opts.CompactFlushes, opts.SettleAge = 2, time.Millisecond
			}
			db, err := Open("db", opts)
			if err != nil {
				t.Fatal(err)
			}
			var history []*model.Batch
			naive := func() *storagetest.Naive {
				n := storagetest.NewNaive()
				for _, b := range history {
					n.Append(b)
				}
				return n
			}
			hash := func(db *DB) (string, string) {
				v := mustView(t, db)
				defer v.Close()
				return stateHash(t, v, minInt64)
			}
			for range 60 {
				switch n := g.Rand.Intn(20); {
				case n < 9:
					b := g.Batch(30)
					minTime := db.MinTime()
					expired += b.Remove(func(r *model.Row) bool { return r.Time < minTime })
					if b.Len() == 0 {
						continue
					}
					if _, err := db.Append(ctx, b); err != nil {
						t.Fatal(err)
					}
					history = append(history, b)
				case n < 11:
					d := g.Deletion()
					if err := db.Delete(ctx, d); err != nil {
						t.Fatal(err)
					}
					for i, b := range history {
						history[i] = storagetest.Delete(b, &d)
					}
				case n < 13:
					if err := db.Flush(ctx); err != nil {
						t.Fatal(err)
					}
				case n < 14:
					if err := db.Compact(ctx); err != nil {
						t.Fatal(err)
					}
				case n < 15: // what retention has passed is hidden at once, and dropped later
					now.Add(day / 3)
				default:
					live, liveText := hash(db)
					if _, want := stateHash(t, naive(), db.MinTime()); want != liveText {
						t.Fatalf("live state:\ngot\n%s\nwant\n%s", liveText, want)
					}
					crashes++
					fs = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: g.Rand.Intn(2) * 50, RNG: rand.New(rand.NewPCG(uint64(seed), uint64(crashes)))})
					if err := db.close(false); err != nil {
						t.Fatal(err)
					}
					opts.FS = fs
					if db, err = Open("db", opts); err != nil {
						t.Fatal(err)
					}
					if replayed, text := hash(db); replayed != live {
						t.Fatalf("replayed state is not the live one:\ngot\n%s\nwant\n%s", text, liveText)
					}
				}
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
	if crashes < seeds*5 || expired == 0 {
		t.Errorf("%d crashes, %d rows past retention: want more", crashes, expired)
	}
}

// upkeepBatch is rows of one time, an hour after those of the batch before: some
// samples that overrule those of three batches ago's series, and log rows.
func upkeepBatch(i int) *model.Batch {
	b := &model.Batch{}
	at := int64(i) * int64(time.Hour)
	for s := range 5 {
		b.AddSample("m", model.FromStrings("s", fmt.Sprint(s)), at, float64(i))
		b.AddLine(model.FromStrings("app", fmt.Sprint(s%2)), at, fmt.Sprintf("line %d of %d", s, i))
	}
	if i%4 == 3 { // late ones, as of a batch that is two days old or less
		late := at - int64(i%40)*int64(time.Hour)
		b.AddSample("late", model.FromStrings("s", fmt.Sprint(i)), late, float64(i))
		b.AddLine(model.FromStrings("app", "late"), late, fmt.Sprintf("late of %d", i))
	}
	return b
}

// itemIsLate tells what of a batch is older than the batch.
func itemIsLate(item string) bool { return strings.Contains(item, "late") }

// TestQueriesDuringRetention asks all the time while a store is written to, flushed,
// compacted and its oldest days are dropped: every answer is that of a store in maps,
// no sample and no row is missing or there twice.
func TestQueriesDuringRetention(t *testing.T) {
	ctx := context.Background()
	const batches = 24 * 12
	const keep = 3 * 24 * time.Hour
	items := make([]map[string]int, batches) // of each batch
	for i := range items {
		n := storagetest.NewNaive()
		n.Append(upkeepBatch(i))
		var err error
		if items[i], err = content(n); err != nil {
			t.Fatal(err)
		}
	}
	times := func(i int) (at, late int64) { return int64(i) * int64(time.Hour), int64(i-i%40) * int64(time.Hour) }
	var acked, begun atomic.Int64 // batches
	clock := func() time.Time { return time.Unix(0, begun.Load()*int64(time.Hour)) }
	db, err := Open("db", Options{FS: vfs.NewMem(), HeadBytes: 1 << 16, FlushAge: 10 * time.Millisecond, Retention: keep, Now: clock,
		CompactFlushes: 2, SettleAge: time.Millisecond, memTable: 256 << 10})
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	var asked atomic.Int64
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				before := acked.Load()
				minBefore := db.MinTime()
				v, err := db.View()
				if err != nil {
					t.Error(err)
					return
				}
				minAfter, after := db.MinTime(), begun.Load()
				got, err := content(v)
				if err := errors.Join(err, v.Close()); err != nil {
					t.Error(err)
					return
				}
				asked.Add(1)
				must, may := map[string]int{}, map[string]int{}
				for i := range int(min(after+1, batches)) {
					at, late := times(i)
					for item, n := range items[i] {
						when := at
						if i%4 == 3 && itemIsLate(item) {
							when = late
						}
						if when >= minAfter && int64(i) < before {
							must[item] += n
						}
						if when >= minBefore {
							may[item] += n
						}
					}
				}
				for item, n := range must {
					if got[item] < n {
						t.Errorf("missing: %s", item)
						return
					}
				}
				for item, n := range got {
					if n > may[item] {
						t.Errorf("there %d times, want %d: %s", n, may[item], item)
						return
					}
				}
			}
		})
	}
	for i := range batches {
		begun.Store(int64(i))
		if _, err := db.Append(ctx, upkeepBatch(i)); err != nil {
			if !errors.Is(err, ErrTooOld) {
				t.Fatal(err)
			}
			continue
		}
		acked.Store(int64(i) + 1)
		if i%50 == 0 {
			if err := db.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Millisecond)
	}
	for deadline := time.Now().Add(20 * time.Second); db.Metrics().PartitionsDropped < 4 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	close(stop)
	readers.Wait()
	m := db.Metrics()
	t.Logf("%d answers during %d flushes, %d compactions, %d partitions dropped", asked.Load(), m.Flushes, m.Compactions, m.PartitionsDropped)
	if m.Flushes < 5 || m.Compactions < 5 || m.PartitionsDropped < 4 || asked.Load() < 10 {
		t.Errorf("%d answers during %d flushes, %d compactions, %d partitions dropped: want more of each", asked.Load(), m.Flushes, m.Compactions, m.PartitionsDropped)
	}
	want := map[string]int{}
	minTime := db.MinTime()
	for i := range items {
		at, late := times(i)
		for item, n := range items[i] {
			if itemIsLate(item) {
				at = late
			}
			if at >= minTime {
				want[item] += n
			}
			at, _ = times(i)
		}
	}
	v := mustView(t, db)
	got, err := content(v)
	if err := errors.Join(err, v.Close()); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		t.Errorf("at the end: %d items, want %d", len(got), len(want))
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
