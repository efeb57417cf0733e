package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/model"
)

const crashRows = 7

// crashBatch is a batch of log rows and samples that name it.
func crashBatch(n int) *model.Batch {
	b := &model.Batch{}
	t := int64(n%3) * 24 * 3600e9
	for i := range crashRows {
		b.AddLine(model.FromStrings("app", fmt.Sprint(n%5)), t+int64(n), fmt.Sprintf("%d", n))
		b.AddSample("m", model.FromStrings("n", fmt.Sprint(n%11), "i", fmt.Sprint(i)), t+int64(n), float64(n))
	}
	return b
}

// countBatches returns how many log rows and samples of each batch there are.
func countBatches(t *testing.T, db *DB) (rows, samples map[int]int) {
	t.Helper()
	ctx := context.Background()
	v := mustView(t, db)
	defer v.Close()
	rows, samples = map[int]int{}, map[int]int{}
	err := v.Rows(ctx, model.RowSelection{Mint: minInt64, Maxt: maxInt64}, func(b *model.RowBlock) error {
		for _, l := range b.Lines {
			var n int
			if _, err := fmt.Sscan(l, &n); err != nil {
				return err
			}
			rows[n]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = v.Samples(ctx, model.SampleSelection{Mint: minInt64, Maxt: maxInt64}, func(s *model.Series) error {
		for _, f := range s.Values {
			samples[int(f)]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows, samples
}

// checkWhole checks that every acknowledged batch is there once and every
// other one is whole or absent.
func checkWhole(t *testing.T, db *DB, acked map[int]bool) {
	t.Helper()
	rows, samples := countBatches(t, db)
	for n := range acked {
		if rows[n] != crashRows || samples[n] != crashRows {
			t.Fatalf("acknowledged batch %d: %d rows and %d samples, want %d", n, rows[n], samples[n], crashRows)
		}
	}
	for n := range rows {
		if rows[n] != crashRows || samples[n] != crashRows {
			t.Fatalf("batch %d: %d rows and %d samples, want %d or none", n, rows[n], samples[n], crashRows)
		}
	}
}

// TestCrash cuts the power at random moments of concurrent writing, flushing
// and compacting, several times in a row, with any part of what was not synced on
// disk or not.
func TestCrash(t *testing.T) {
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	for seed := range rounds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(seed), 1))
			fs := vfs.NewCrashableMem()
			acked := map[int]bool{}
			var next atomic.Int64
			for range 4 {
				db, err := Open("db", Options{FS: fs, HeadBytes: 64 << 20, CompactFlushes: 2, SettleAge: time.Millisecond})
				if err != nil {
					t.Fatal(err)
				}
				checkWhole(t, db, acked)

				var mu sync.Mutex
				var wg sync.WaitGroup
				stop := make(chan struct{})
				for range 3 {
					wg.Go(func() {
						for {
							select {
							case <-stop:
								return
							default:
							}
							n := int(next.Add(1))
							if _, err := db.Append(context.Background(), crashBatch(n)); err != nil {
								t.Error(err)
								return
							}
							mu.Lock()
							acked[n] = true
							mu.Unlock()
						}
					})
				}
				wg.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						if err := db.Flush(context.Background()); err != nil {
							t.Error(err)
						}
						if rng := rand.IntN(4); rng == 0 {
							if err := db.Compact(context.Background()); err != nil {
								t.Error(err)
							}
						}
					}
				})
				time.Sleep(time.Duration(rng.IntN(4000)) * time.Microsecond)
				mu.Lock()
				before := map[int]bool{}
				for n := range acked {
					before[n] = true
				}
				mu.Unlock()
				crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(3) * 50, RNG: rng})
				close(stop)
				wg.Wait()
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				fs, acked = crashed, before
			}
			if len(acked) < 4 {
				t.Skip("too few batches were acknowledged to say anything")
			}
		})
	}
}
