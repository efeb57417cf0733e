package storage

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"tidemark/storage/model"
)

// What takes long tells how far it has come, ascending and up to its end.
func TestProgress(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(filepath.Join(dir, "store"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b model.Batch
	for i := range 1000 {
		b.AddSample("m", model.FromStrings("i", string(rune('a'+i%20))), time.Now().UnixNano()-int64(i), float64(i))
	}
	if _, err := db.Append(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	if err := db.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	watched := func(what string, toEnd bool, run func(context.Context) error) {
		t.Helper()
		calls, last, total := 0, int64(0), int64(0)
		err := run(WithProgress(context.Background(), func(done, of int64) {
			if done < last || of > 0 && done > of {
				t.Errorf("%s: %d of %d after %d", what, done, of, last)
			}
			calls, last, total = calls+1, done, of
		}))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if calls == 0 || toEnd && last != total {
			t.Errorf("%s: told %d times, at last %d of %d", what, calls, last, total)
		}
	}
	backup := filepath.Join(dir, "backup")
	watched("verify", false, func(ctx context.Context) error {
		_, err := db.Verify(ctx, func(err error) { t.Error(err) })
		return err
	})
	watched("checkpoint", false, func(ctx context.Context) error { return db.Checkpoint(ctx, backup) })
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	watched("verify a checkpoint", true, func(ctx context.Context) error { return VerifyCheckpoint(ctx, nil, backup, nil) })
	watched("restore", true, func(ctx context.Context) error {
		return Restore(ctx, nil, backup, filepath.Join(dir, "restored"), false)
	})
}
