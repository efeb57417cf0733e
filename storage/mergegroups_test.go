package storage

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/keys"
	"tidemark/storage/model"
	"tidemark/storage/rowgroup"
)

// groupsOf counts the row groups of a partition, and their bytes.
func groupsOf(t testing.TB, db *DB, p keys.Partition) (n int, bytes int64) {
	t.Helper()
	lo, hi := p.RowGroups()
	plo, phi := p.AllRowGroupParts()
	for i, r := range [][2][]byte{{lo, hi}, {plo, phi}} {
		if err := scan(db.pdb, r[0], r[1], func(it *pebble.Iterator) error {
			v, err := it.ValueAndErr()
			bytes += int64(len(v))
			if i == 0 {
				n++
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	return n, bytes
}

// inStreams prints rows stream by stream, in the order in which they came.
func inStreams(rows []plainRow) string {
	byStream := make(map[string][]string)
	for i := range rows {
		k := rows[i].labels.String()
		byStream[k] = append(byStream[k], fmt.Sprintf("%s %d %q %v", k, rows[i].time, rows[i].line, rows[i].fields))
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(byStream)) {
		out = append(out, byStream[k]...)
	}
	return strings.Join(out, "\n")
}

// TestGroupsMerge: many flushes of rows out of order, with deletes between them,
// give the same rows in the same order before compaction, after a tiered pass,
// after a settling one, and after a restart; and few groups. A view that was open
// before goes on seeing what it saw.
func TestGroupsMerge(t *testing.T) {
	ctx := context.Background()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := &logSource{Rand: rand.New(rand.NewPCG(seed, 9)), now: 1_700_000_000e9}
			fs := vfs.NewMem()
			opts := Options{FS: fs, FlushAge: time.Hour, NoCompaction: true}
			db := mustOpen(t, "db", opts)
			day := keys.Day(s.now)
			all := model.RowSelection{Mint: minInt64, Maxt: maxInt64, AllFields: true}
			rows := func() string {
				v := mustView(t, db)
				defer func() {
					if err := v.Close(); err != nil {
						t.Fatal(err)
					}
				}()
				return inStreams(allRows(t, v, all))
			}
			batch := func(rows int) *model.Batch {
				b := s.batch(rows)
				for i := range b.Rows() {
					if seed%2 == 1 { // many rows of a stream at one time
						b.Rows()[i].Time -= b.Rows()[i].Time % 100e9
					}
				}
				return b
			}
			for i := range 20 {
				mustAppend(t, db, batch(1+s.IntN(120)))
				if i%6 == 5 {
					d := model.Deletion{Scope: model.ScopeLogs, Mint: s.now - 600e9, Maxt: s.now - 200e9,
						Selectors: [][]*model.Matcher{{model.MustMatcher(model.MatchEqual, "app", fmt.Sprintf("app%d", s.IntN(4)))}}}
					if err := db.Delete(ctx, d); err != nil {
						t.Fatal(err)
					}
				}
				if err := db.Flush(ctx); err != nil {
					t.Fatal(err)
				}
			}
			before := rows()
			old := mustView(t, db)
			flushed, _ := groupsOf(t, db, day)
			if flushed < 20 {
				t.Fatalf("got %d groups of 20 flushes, want one each", flushed)
			}
			if _, _, err := db.compactPartition(ctx, day, false, nil); err != nil {
				t.Fatal(err)
			}
			tiered, _ := groupsOf(t, db, day)
			if after := rows(); after != before {
				t.Fatalf("after a tiered pass: got\n%s\nwant\n%s", after, before)
			}
			if tiered >= flushed/2 {
				t.Errorf("a tiered pass left %d of %d groups", tiered, flushed)
			}
			if err := db.Compact(ctx); err != nil {
				t.Fatal(err)
			}
			if after := rows(); after != before {
				t.Fatalf("after a settling pass: got\n%s\nwant\n%s", after, before)
			}
			if settled, _ := groupsOf(t, db, day); settled != 1 {
				t.Errorf("a settling pass left %d groups of %d", settled, flushed)
			}
			if after := inStreams(allRows(t, old, all)); after != before {
				t.Fatal("a view of before the merge sees other rows after it")
			}
			if err := old.Close(); err != nil {
				t.Fatal(err)
			}
			stats, _, err := db.compactPartition(ctx, day, true, nil)
			if err != nil || stats.GroupsIn != 0 {
				t.Errorf("a settled partition: %d groups were rewritten again, %v", stats.GroupsIn, err)
			}
			// Late rows join what is there.
			s.now -= 3000e9
			mustAppend(t, db, batch(50))
			before = rows()
			if err := db.Compact(ctx); err != nil {
				t.Fatal(err)
			}
			mustClose(t, db)
			db = mustOpen(t, "db", opts)
			if after := rows(); after != before {
				t.Fatal("after late rows and a restart: other rows")
			}
			if settled, _ := groupsOf(t, db, day); settled != 1 {
				t.Errorf("late rows: want one group, got %d", settled)
			}
			mustClose(t, db)
		})
	}
}

// TestGroupsMergeAroundDamage: a damaged group is reported, the others are merged,
// and then it is cut out.
func TestGroupsMergeAroundDamage(t *testing.T) {
	ctx := context.Background()
	s := &logSource{Rand: rand.New(rand.NewPCG(1, 9)), now: 1_700_000_000e9}
	var reports atomic.Int64
	db := mustOpen(t, "db", Options{FS: vfs.NewMem(), FlushAge: time.Hour, NoCompaction: true, EventListener: func(e Event) {
		if e.Kind == EventCorruption {
			reports.Add(1)
		}
	}})
	day := keys.Day(s.now)
	for range 8 {
		mustAppend(t, db, s.batch(100))
		if err := db.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	var heads [][]byte
	lo, hi := day.RowGroups()
	if err := scan(db.pdb, lo, hi, func(it *pebble.Iterator) error {
		heads = append(heads, append([]byte(nil), it.Key()...))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	v, err := getCopy(db.pdb, heads[3])
	if err != nil {
		t.Fatal(err)
	}
	v[len(v)-1] ^= 1 // of a payload
	if err := db.pdb.Set(heads[3], v, pebble.Sync); err != nil {
		t.Fatal(err)
	}
	if err := db.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	if n := reports.Load(); n == 0 {
		t.Error("nothing was reported")
	}
	// The store may mend itself meanwhile, and the merge then be of what it left.
	if _, err := db.Repair(ctx); err != nil {
		t.Fatal(err)
	}
	if err := db.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	if n, _ := groupsOf(t, db, day); n != 1 || len(db.Losses()) != 1 {
		t.Errorf("got %d groups and losses %v, want one of the sound ones, and one loss", n, db.Losses())
	}
	mustClose(t, db)
}

// TestVerifyReadsParts: a group in parts verifies.
func TestVerifyReadsParts(t *testing.T) {
	ctx := context.Background()
	s := &logSource{Rand: rand.New(rand.NewPCG(4, 4)), now: 1_700_000_000e9}
	db := mustOpen(t, "db", Options{FS: vfs.NewMem(), FlushAge: time.Hour})
	mustAppend(t, db, s.batch(3000))
	if err := db.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	stats, err := db.Verify(ctx, func(err error) { t.Error(err) })
	if err != nil || stats.Rows != 3000 {
		t.Fatalf("got %d rows, %v; want 3000", stats.Rows, err)
	}
	mustClose(t, db)
}

// TestManyStreams: a hundred thousand streams with few rows each take hardly
// more bytes a line than four hundred with many, beside what their labels take,
// and one of them is found by reading little. With -short there are a tenth of
// the rows.
func TestManyStreams(t *testing.T) {
	rows, most := 400_000, 100_000
	if testing.Short() {
		rows, most = 40_000, 10_000
	}
	perLine := func(streams int) float64 {
		ctx := context.Background()
		rng := rand.New(rand.NewPCG(1, 2))
		db := mustOpen(t, "db", Options{FS: vfs.NewMem(), FlushAge: time.Hour, NoCompaction: true})
		defer mustClose(t, db)
		schema := &model.Schema{Kind: model.LogRow, Columns: []model.Column{{Field: model.LineField, Type: model.TypeText}, {Field: "ms", Type: model.TypeInt}}}
		start := int64(1_700_000_000e9)
		all := make([]*model.Stream, streams)
		for i := range all {
			all[i] = model.NewStream(model.FromStrings("app", fmt.Sprintf("app%d", i%16), "pod", fmt.Sprintf("pod-%06x", i)))
		}
		var b model.Batch
		for i := range rows {
			b.Begin(all[rng.IntN(streams)], schema, start+int64(i)*1e6)
			b.Text(fmt.Appendf(nil, "GET /items/%d from 10.1.%d.%d took %d ms", rng.IntN(1000), rng.IntN(8), rng.IntN(256), rng.IntN(400)))
			b.Int(rng.Int64N(400))
			if b.Len() == 5000 || i == rows-1 {
				mustAppend(t, db, &b)
				b.Reset()
			}
		}
		if err := db.Compact(ctx); err != nil {
			t.Fatal(err)
		}
		groups, bytes := groupsOf(t, db, keys.Day(start))
		if want := rows/rowgroup.TargetRows + 2; groups > want {
			t.Errorf("%d streams: %d row groups, want at most %d", streams, groups, want)
		}
		v := mustView(t, db)
		pod := fmt.Sprintf("pod-%06x", streams/2)
		n := 0
		if err := v.Rows(ctx, model.RowSelection{Mint: minInt64, Maxt: maxInt64, Matchers: []*model.Matcher{model.MustMatcher(model.MatchEqual, "pod", pod)}},
			func(b *model.RowBlock) error { n += len(b.Times); return nil }); err != nil {
			t.Fatal(err)
		}
		if want := float64(rows) / float64(streams); float64(n) < want/4 || float64(n) > want*4 {
			t.Errorf("%d streams: found %d rows of one, want about %.0f", streams, n, want)
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		return float64(bytes) / float64(rows)
	}
	few, many := perLine(400), perLine(most)
	t.Logf("bytes a line: %.2f in 400 streams, %.2f in %d", few, many, most)
	if many > 2.5*few {
		t.Errorf("a line takes %.2f bytes in %d streams, want at most 2.5 times the %.2f in 400", many, most, few)
	}
}
