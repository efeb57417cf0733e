package storage

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/storage/model"
)

// TestMaxDailyStreams follows the limit over a flush, two midnights and a
// restart: label sets that are known are served throughout.
func TestMaxDailyStreams(t *testing.T) {
	var clock atomic.Pointer[time.Time]
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	wait := func(d time.Duration) {
		now = now.Add(d)
		at := now
		clock.Store(&at)
	}
	wait(0)
	o := Options{FS: vfs.NewMem(), Now: func() time.Time { return *clock.Load() }, MaxDailyStreams: 3}
	db := mustOpen(t, "db", o)
	write := func(hosts ...string) model.AppendResult {
		t.Helper()
		b := &model.Batch{}
		for i, h := range hosts {
			b.AddSample("m", model.FromStrings("h", h), now.UnixNano()+int64(i), 1)
		}
		res, err := db.Append(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		if b.Len()+res.Refused != len(hosts) || (res.Refused > 0) != strings.Contains(res.Reason, "MaxDailyStreams of 3") {
			t.Fatalf("%v: %d rows left, %+v", hosts, b.Len(), res)
		}
		return res
	}
	want := func(refused int, hosts ...string) {
		t.Helper()
		if res := write(hosts...); res.Refused != refused {
			t.Errorf("%v: %d rows refused, want %d", hosts, res.Refused, refused)
		}
	}
	want(0, "a", "b")
	want(2, "c", "d", "a", "d") // one new label set is left
	want(1, "d")
	want(0, "c", "b", "a")
	if got := printAll(t, db); strings.Contains(got, `"d"`) || strings.Count(got, "m{") != 3 {
		t.Errorf("stored: %s", got)
	}
	if m := db.Metrics(); m.DailyStreams != 3 || m.DailyStreamsLimit != 3 || m.DailyStreamsRefused != 3 {
		t.Errorf("%d of %d streams, %d rows refused", m.DailyStreams, m.DailyStreamsLimit, m.DailyStreamsRefused)
	}
	if err := db.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	want(1, "a", "d") // a new generation asks again

	wait(24 * time.Hour)
	if err := db.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	want(0, "d", "e", "f") // a new day has room
	want(1, "a", "b", "c", "g")
	if m := db.Metrics(); m.DailyStreams != 6 {
		t.Errorf("%d streams, want yesterday's beside today's", m.DailyStreams)
	}

	// What the log has is known after a crash.
	if err := db.close(false); err != nil {
		t.Fatal(err)
	}
	db = mustOpen(t, "db", o)
	want(1, "a", "b", "c", "d", "e", "f", "g")

	wait(48 * time.Hour)
	if err := db.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	want(0, "x", "y", "z") // nobody was seen yesterday
	want(1, "a")
	mustClose(t, db)
}

// TestBatchRemove compares with building the batch without the rows.
func TestBatchRemove(t *testing.T) {
	for mask := range 1 << 6 {
		var b, want model.Batch
		for i := range 6 {
			for _, to := range []*model.Batch{&b, &want} {
				if to == &want && mask>>i&1 == 1 {
					continue
				}
				if i%2 == 0 {
					to.AddLine(model.FromStrings("h", fmt.Sprint(i)), int64(i), fmt.Sprint("line ", i))
				} else {
					to.AddSample("m", model.FromStrings("h", fmt.Sprint(i)), int64(i), float64(i))
				}
			}
		}
		n := b.Remove(func(r *model.Row) bool { return mask>>r.Time&1 == 1 })
		if !b.Valid() || b.Len() != want.Len() || n != 6-want.Len() {
			t.Fatalf("mask %06b: %d rows left, %d removed", mask, b.Len(), n)
		}
		for i := range b.Rows() {
			x, y := &b.Rows()[i], &want.Rows()[i]
			same := x.Time == y.Time && b.Words(x)[0] == want.Words(y)[0]
			if x.Schema.Kind == model.LogRow {
				same = x.Time == y.Time && string(b.TextOf(b.Words(x)[0])) == string(want.TextOf(want.Words(y)[0]))
			}
			if !same {
				t.Fatalf("mask %06b: row %d differs", mask, i)
			}
		}
	}
}
