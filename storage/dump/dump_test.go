package dump

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidemark/storage"
	"tidemark/storage/keys"
	"tidemark/storage/model"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// writeStore writes a store with something of every kind, most of it flushed
// and the rest in the log, and returns its folder.
func writeStore(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	db, err := storage.Open(dir, storage.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	metrics := &model.Schema{Kind: model.MetricRow, Columns: []model.Column{
		{Name: "system_load1", Measurement: "system", Field: "load1", Type: model.TypeFloat},
		{Name: "system_users", Measurement: "system", Field: "users", Type: model.TypeInt},
		{Name: "system_ok", Measurement: "system", Field: "ok", Type: model.TypeBool},
		{Name: "system_uptime", Measurement: "system", Field: "uptime", Type: model.TypeText},
	}}
	logs := &model.Schema{Kind: model.LogRow, Columns: []model.Column{
		{Field: model.LineField, Type: model.TypeText},
		{Name: "nginx_ms", Measurement: "nginx", Field: "ms", Type: model.TypeFloat},
	}}
	start := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC).UnixNano()
	var b model.Batch
	b.RequestKey = "first"
	for host := range 2 {
		st := model.NewStream(model.FromStrings("host", fmt.Sprint("web", host)))
		lst := model.NewStream(model.FromStrings("host", fmt.Sprint("web", host), "measurement", "nginx"))
		for i := range int64(4500) {
			at := start + i*15e9
			b.Add(st, metrics, at, model.Float(float64(i%40)/10), model.Int(i/30), model.Bool(i%90 < 80), model.Text(fmt.Sprintf("%d days", i/100)))
			if i < 3 {
				b.Add(lst, logs, at, model.Text(fmt.Sprintf("GET /%d HTTP/1.1", i)), model.Float(float64(i)/8))
			}
		}
	}
	if _, err := db.Append(ctx, &b); err != nil {
		t.Fatal(err)
	}
	if err := db.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	matcher, err := model.NewMatcher(model.MatchEqual, "host", "web1")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Delete(ctx, model.Deletion{Selectors: [][]*model.Matcher{{matcher}}, Mint: start, Maxt: start + 60e9, Scope: model.ScopeMetrics}); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	b.AddSample("up", model.FromStrings("job", "x"), start, 1)
	if _, err := db.Append(ctx, &b); err != nil {
		t.Fatal(err)
	}
	// Closing would flush: what is in the log has to be seen before.
	copyOf := t.TempDir()
	if err := os.CopyFS(copyOf, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return copyOf
}

// TestGolden prints a store whole, and one chunk byte by byte.
func TestGolden(t *testing.T) {
	dir := writeStore(t)
	var out bytes.Buffer
	p := &Printer{W: &out, Rows: 2}
	var chunkKey []byte
	err := storage.Inspect(context.Background(), dir, storage.Inspection{
		Entry: func(key, value []byte) error {
			if k, _ := keys.KindOf(key); k == keys.KindChunk && chunkKey == nil {
				chunkKey = bytes.Clone(key)
			}
			return p.Entry(key, value)
		},
		Record: p.Record,
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Bytes = true
	err = storage.Inspect(context.Background(), dir, storage.Inspection{Lo: chunkKey, Hi: keys.After(chunkKey), Entry: p.Entry})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "store.txt")
	if *update {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("want what %s has, got\n%s", path, out.String())
	}
	if strings.Contains(out.String(), "error") || strings.Contains(out.String(), string(keys.KindUnknown)) {
		t.Error("something could not be read")
	}
}

// TestNotChanged: what is inspected is as it was, byte by byte.
func TestNotChanged(t *testing.T) {
	dir := writeStore(t)
	files := func() map[string]string {
		m := map[string]string{}
		err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			m[path] = string(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	before := files()
	var z Sizes
	err := storage.Inspect(context.Background(), dir, storage.Inspection{Entry: z.Entry, Record: func(uint64, uint64, []byte) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	after := files()
	for path, b := range before {
		if after[path] != b {
			t.Errorf("%s was changed", path)
		}
	}
	if c := z.Chunks(); c.Samples != 2*4*4500 || c.Values == 0 || c.Summaries == 0 {
		t.Errorf("sizes of chunks: %+v", c)
	}
	if z.Kind(keys.KindChunk).Entries != 8 || z.Kind(keys.KindRowGroup).Entries != 1 {
		t.Errorf("want 8 chunks and a row group, got %+v and %+v", z.Kind(keys.KindChunk), z.Kind(keys.KindRowGroup))
	}
}

// TestRefusals: what cannot be read is printed with its error.
func TestRefusals(t *testing.T) {
	day := keys.Day(0)
	for _, c := range []struct {
		what       string
		key, value []byte
		want       string
	}{
		{"no key", []byte{0x77, 1, 2}, nil, "unknown 770102"},
		{"an empty key", nil, nil, "unknown"},
		{"a cut key", day.Chunk(keys.Chunk{Type: model.TypeFloat})[:20], nil, "# error: bad key: chunk"},
		{"a damaged chunk", day.Chunk(keys.Chunk{Type: model.TypeFloat}), []byte("no chunk"), "# error: decode chunk"},
		{"a damaged row group", day.RowGroup(keys.RowGroup{}), []byte("no group"), "# error:"},
		{"damaged postings", day.Posting("a", "b"), []byte{1, 2, 3}, "# error:"},
		{"a damaged tombstone", keys.Tombstone(7), []byte{1, 2}, "# error:"},
		{"damaged labels", day.Labels(1), []byte{200}, "# error:"},
	} {
		var out bytes.Buffer
		p := &Printer{W: &out, Bytes: true}
		if err := p.Entry(c.key, c.value); err != nil || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: error %v, want %q in\n%s", c.what, err, c.want, out.String())
		}
	}
	var out bytes.Buffer
	p := &Printer{W: &out}
	if err := p.Record(1, 1, []byte{9}); err != nil || !strings.Contains(out.String(), "# error: bad log record") {
		t.Errorf("a damaged record: error %v in\n%s", err, out.String())
	}
	if err := storage.Inspect(context.Background(), t.TempDir(), storage.Inspection{}); err == nil || !strings.Contains(err.Error(), "holds no store") {
		t.Errorf("an empty folder: got error %v", err)
	}
}

// FuzzEntry prints any key and value.
func FuzzEntry(f *testing.F) {
	day := keys.Day(0)
	f.Add(day.Chunk(keys.Chunk{Type: model.TypeFloat}), []byte("chunk"))
	f.Add(day.RowGroup(keys.RowGroup{}), []byte("group"))
	f.Add(day.Posting("a", "b"), []byte{})
	f.Add(keys.Name("x"), keys.NameInfo{ID: 1}.Value())
	f.Fuzz(func(t *testing.T, key, value []byte) {
		var out bytes.Buffer
		p := &Printer{W: &out, Bytes: true, Rows: 1}
		if err := p.Entry(key, value); err != nil || out.Len() == 0 {
			t.Fatalf("error %v, %d bytes", err, out.Len())
		}
		_ = p.Record(1, 1, value)
	})
}
