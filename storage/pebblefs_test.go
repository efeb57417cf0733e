package storage

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// TestIndexLogRotationFailure breaks Pebble's log while it goes on to the next
// file: the process lives, writes are refused, queries go on, and after a
// restart everything acknowledged is there.
func TestIndexLogRotationFailure(t *testing.T) {
	for _, kind := range []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileSyncData, errorfs.OpCreate, errorfs.OpFileSync} {
		var broken atomic.Bool
		mem := vfs.NewMem()
		fsys := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if broken.Load() && op.Kind == kind && (strings.HasSuffix(op.Path, ".log") || strings.HasSuffix(op.Path, "index")) {
				return errorfs.ErrInjected
			}
			return nil
		}))
		db := mustOpen(t, "db", Options{FS: fsys})
		mustAppend(t, db, sampleAt(1, 1))
		if err := db.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		mustAppend(t, db, sampleAt(2, 2)) // in our own log only
		broken.Store(true)
		if _, err := db.pdb.AsyncFlush(); err != nil { // changes Pebble's log file
			t.Fatalf("kind %v: %v", kind, err)
		}
		if _, err := db.Append(context.Background(), sampleAt(3, 3)); !errors.Is(err, ErrReadOnly) {
			t.Fatalf("kind %v: got %v, want ErrReadOnly", kind, err)
		}
		if got := printAll(t, db); got != `m{h="a"} 1=1 2=2` {
			t.Fatalf("kind %v: got %s", kind, got)
		}
		_ = db.Close() // it says that the store is read-only
		db = mustOpen(t, "db", Options{FS: mem})
		if got := printAll(t, db); got != `m{h="a"} 1=1 2=2` {
			t.Fatalf("kind %v, after a restart: got %s", kind, got)
		}
		mustAppend(t, db, sampleAt(4, 4))
		mustClose(t, db)
	}
}
