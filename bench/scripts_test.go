package bench

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"tidemark/query/querytest"
	"tidemark/storage"
	"tidemark/storage/model"
)

// flushing is a store that writes everything to disk at once.
type flushing struct{ *storage.DB }

func (f flushing) Append(ctx context.Context, b *model.Batch) (model.AppendResult, error) {
	res, err := f.DB.Append(ctx, b)
	if err == nil {
		err = f.Flush(ctx)
	}
	return res, err
}

// TestLogScriptsOnStore runs the scripts about log rows on a store, which
// filters, counts and cuts rows itself, unlike the source of their own test: on
// rows in memory and on rows on disk.
func TestLogScriptsOnStore(t *testing.T) {
	for _, name := range []string{"logs", "logmetrics", "logstages", "patterns", "pipes", "mixed"} {
		text, err := os.ReadFile(filepath.Join("../query/querytest/testdata", name+".test"))
		if err != nil {
			t.Fatal(err)
		}
		for _, flush := range []bool{false, true} {
			t.Run(name+map[bool]string{false: "/memory", true: "/disk"}[flush], func(t *testing.T) {
				querytest.Run(t, name+".test", string(text), func() querytest.Store {
					db, err := storage.Open(t.TempDir(), storage.Options{})
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() {
						if err := db.Close(); err != nil {
							t.Error(err)
						}
					})
					if flush {
						return flushing{db}
					}
					return db
				})
			})
		}
	}
}
