package storage

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/keys"
	"tidemark/storage/model"
)

const testDay = int64(24 * time.Hour)

// TestRetentionBySize drops the oldest days while the store is too large, hides
// them at once, and keeps them out after a restart; a view that is open keeps
// reading them.
func TestRetentionBySize(t *testing.T) {
	ctx := context.Background()
	opts := Options{FS: vfs.NewMem(), NoCompaction: true}
	db, err := Open("db", opts)
	if err != nil {
		t.Fatal(err)
	}
	for day := range int64(5) {
		var b model.Batch
		for i := range int64(5000) {
			b.AddSample("m", model.FromStrings("i", fmt.Sprint(i%10)), day*testDay+i*1e9, float64(i*i*7919%1000003)/3)
		}
		if _, err := db.Append(ctx, &b); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	total, err := db.pdb.EstimateDiskUsage([]byte{0}, []byte{0xff})
	if err != nil || total < 50_000 {
		t.Fatal(total, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	opts.RetentionSize = int64(total) / 2
	if db, err = Open("db", opts); err != nil {
		t.Fatal(err)
	}
	days := func(v model.View) (n int) {
		t.Helper()
		seen := map[int64]bool{}
		err := v.Samples(ctx, model.SampleSelection{Mint: minInt64, Maxt: maxInt64}, func(s *model.Series) error {
			for _, at := range s.Times {
				seen[at/testDay] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return len(seen)
	}
	held := mustView(t, db)
	if n := days(held); n != 5 {
		t.Fatalf("%d days before, want 5", n)
	}
	db.dropOld(ctx)
	v := mustView(t, db)
	left := days(v)
	if left < 1 || left > 3 {
		t.Errorf("%d days are left of 5 in half the size", left)
	}
	if n := days(held); n != 5 {
		t.Errorf("an open view has %d days, want 5", n)
	}
	if err := errors.Join(v.Close(), held.Close()); err != nil {
		t.Fatal(err)
	}
	db.dropOld(ctx)
	if parts, err := listPartitions(db.pdb); err != nil || len(parts) != left {
		t.Errorf("%d partitions on disk, %v, want %d", len(parts), err, left)
	}
	var b model.Batch
	b.AddSample("m", nil, 5, 1)
	if _, err := db.Append(ctx, &b); !errors.Is(err, ErrTooOld) {
		t.Errorf("a row of a dropped day: got %v, want ErrTooOld", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	opts.RetentionSize = 0
	if db, err = Open("db", opts); err != nil {
		t.Fatal(err)
	}
	if got := db.MinTime(); got != (5-int64(left))*testDay {
		t.Errorf("after a restart times before %d are dropped, want %d", got, (5-int64(left))*testDay)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRetentionRules hides what a rule matches when it is old enough, and
// removes it from disk once its day is.
func TestRetentionRules(t *testing.T) {
	ctx := context.Background()
	var now atomic.Int64
	now.Store(10 * testDay)
	db, err := Open("db", Options{FS: vfs.NewMem(), SettleAge: time.Hour, FlushAge: 80 * time.Millisecond, NoCompaction: true,
		Now: func() time.Time { return time.Unix(0, now.Load()) },
		RetentionRules: []RetentionRule{
			{Matchers: []*model.Matcher{model.MustMatcher(model.MatchEqual, "app", "debug")}, Keep: 36 * time.Hour},
			{Matchers: []*model.Matcher{model.MustMatcher(model.MatchEqual, model.MetricName, "short")}, Keep: 12 * time.Hour},
		}})
	if err != nil {
		t.Fatal(err)
	}
	write := func(at int64) {
		t.Helper()
		var b model.Batch
		b.AddSample("short", model.FromStrings("a", "x"), at, 1)
		b.AddSample("long", model.FromStrings("a", "x"), at, 2)
		b.AddLine(model.FromStrings("app", "debug"), at, "debug")
		b.AddLine(model.FromStrings("app", "api"), at, "api")
		if _, err := db.Append(ctx, &b); err != nil {
			t.Fatal(err)
		}
	}
	count := func() string {
		t.Helper()
		v := mustView(t, db)
		defer v.Close()
		n := map[string]int{}
		err := errors.Join(v.Samples(ctx, model.SampleSelection{Mint: minInt64, Maxt: maxInt64}, func(s *model.Series) error {
			n[s.Name] += len(s.Times)
			return nil
		}), v.Rows(ctx, model.RowSelection{Mint: minInt64, Maxt: maxInt64}, func(b *model.RowBlock) error {
			n[b.Lines[0]] += len(b.Times)
			return nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(n)
	}
	check := func(what, want string) {
		t.Helper()
		if got := count(); got != want {
			t.Errorf("%s: got %s, want %s", what, got, want)
		}
	}
	write(10*testDay - 1)
	check("in memory", "map[api:1 debug:1 long:1 short:1]")
	now.Add(int64(13 * time.Hour))
	check("in memory after 13 hours", "map[api:1 debug:1 long:1]")
	if err := db.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if _, samples := countChunks(t, db); samples != 1 {
		t.Errorf("%d samples were flushed, want that of the long metric alone", samples)
	}
	now.Add(-int64(13 * time.Hour))
	check("flushed, by an earlier clock", "map[api:1 debug:1 long:1]")
	now.Add(int64(2 * 24 * time.Hour))
	check("after two days", "map[api:1 long:1]")
	write(10*testDay - 1)
	check("late rows", "map[api:2 long:1]")
	if err := db.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	now.Add(-int64(2 * 24 * time.Hour))
	check("compacted, by an earlier clock", "map[api:2 long:1]")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open("db", Options{FS: vfs.NewMem(), RetentionRules: []RetentionRule{{}}}); err == nil {
		t.Error("a rule without matcher was taken")
	}
}

// TestRuleDue asks for one pass over a partition when it has become older than
// a rule keeps.
func TestRuleDue(t *testing.T) {
	db, err := Open("db", Options{FS: vfs.NewMem(), NoCompaction: true, RetentionRules: []RetentionRule{
		{Matchers: []*model.Matcher{model.MustMatcher(model.MatchEqual, "a", "b")}, Keep: 24 * time.Hour}}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	p := keys.Day(0)
	for _, c := range []struct {
		compacted, now int64
		want           bool
	}{{0, testDay, false}, {0, 2*testDay - 1, false}, {0, 2*testDay + 1, true}, {2*testDay + 1, 9 * testDay, false}, {testDay, 9 * testDay, true}} {
		if got := db.ruleDue(p, c.compacted, c.now); got != c.want {
			t.Errorf("compacted at %d, now %d: due is %v", c.compacted, c.now, got)
		}
	}
}
