package storage

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/keys"
	"tidemark/storage/model"
)

// TestGroupsInParts: a group that is large enough lies in several keys; what an
// unfinished flush left of one is gone after the next flush, and a part that is
// lost is damage.
func TestGroupsInParts(t *testing.T) {
	ctx := context.Background()
	s := &logSource{Rand: rand.New(rand.NewPCG(4, 4)), now: 1_700_000_000e9}
	fs := vfs.NewMem()
	db := mustOpen(t, "db", Options{FS: fs, FlushAge: time.Hour})
	mustAppend(t, db, s.batch(3000))
	day := keys.Day(s.now)
	orphan := keys.RowGroup{Position: 1 << 40, Seq: 3, Mint: s.now, Maxt: s.now, Rows: 1}
	for _, key := range [][]byte{day.RowGroup(orphan), day.RowGroupPart(orphan.Position, orphan.Seq, 0), day.RowGroupPart(orphan.Position, orphan.Seq, 9)} {
		if err := db.pdb.Set(key, []byte("left over"), pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	v := mustView(t, db)
	all := model.RowSelection{Mint: minInt64, Maxt: maxInt64, AllFields: true}
	before := printRows(allRows(t, v, all))
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	count := func(lo, hi []byte) (n int, last []byte) {
		if err := scan(db.pdb, lo, hi, func(it *pebble.Iterator) error {
			n++
			last = append(last[:0], it.Key()...)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return n, last
	}
	heads, _ := count(day.RowGroups())
	parts, last := count(day.AllRowGroupParts())
	if heads != 1 || parts < 2 {
		t.Fatalf("got %d heads and %d parts, want one head and several parts", heads, parts)
	}
	if pos, _, _, err := day.ReadRowGroupPart(last); err != nil || pos == orphan.Position {
		t.Fatalf("the last part is of position %d: %v", pos, err)
	}
	mustClose(t, db)
	db = mustOpen(t, "db", Options{FS: fs, FlushAge: time.Hour})
	v = mustView(t, db)
	if after := printRows(allRows(t, v, all)); after != before {
		t.Fatalf("after a restart: got %d bytes of rows, want %d", len(after), len(before))
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.pdb.Delete(day.RowGroupPart(1, 0, 0), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	v = mustView(t, db)
	err := v.Rows(ctx, all, func(*model.RowBlock) error { return nil })
	if !errors.Is(err, ErrCorrupt) {
		t.Fatalf("a lost part: got error %v", err)
	}
	if err := errors.Join(v.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestHeadLogBytes: log rows have a budget of their own, which metrics do not
// use up.
func TestHeadLogBytes(t *testing.T) {
	s := &logSource{Rand: rand.New(rand.NewPCG(4, 4)), now: 1_700_000_000e9}
	db := mustOpen(t, "db", Options{FS: vfs.NewMem(), FlushAge: time.Hour, HeadLogBytes: 1 << 16})
	var b model.Batch
	schema := &model.Schema{Kind: model.MetricRow, Columns: []model.Column{{Name: "m", Measurement: "m", Field: "value", Type: model.TypeFloat}}}
	stream := model.NewStream(model.FromStrings("id", "1"))
	for i := range 5000 { // far more than 64 KiB
		b.Begin(stream, schema, s.now+int64(i))
		b.Float(1)
	}
	mustAppend(t, db, &b)
	time.Sleep(20 * time.Millisecond)
	if n := db.Metrics().Flushes; n != 0 {
		t.Fatalf("metrics alone were flushed %d times", n)
	}
	mustAppend(t, db, s.batch(3000))
	for began := time.Now(); db.Metrics().Flushes == 0; time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatal("want a flush of log rows beyond their budget, got none")
		}
	}
	mustClose(t, db)
}
