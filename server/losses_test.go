package server

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/storage"
)

// TestLossesAreWarnedOf serves a store whose log is damaged in one place, and
// asks for what is left.
func TestLossesAreWarnedOf(t *testing.T) {
	clock := func() time.Time { return testNow }
	dir := t.TempDir()
	db, err := storage.Open(dir, storage.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h := start(t, Options{Sink: db, Engine: query.NewEngine(db, query.Options{Now: clock}), Now: clock})
	for i := range 9 {
		h.write("/write?precision=s", fmt.Sprintf("up value=%d %d\nnginx,host=a msg=\"line number %d\" %[2]d", i, testNow.Unix()-10+int64(i), i))
	}
	killed := t.TempDir()
	if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	logs, _ := filepath.Glob(filepath.Join(killed, "wal", "*.wal"))
	b, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(b), "line number 5")
	copy(b[at:], "LINE NUMBER 5")
	if err := os.WriteFile(logs[0], b, 0o600); err != nil {
		t.Fatal(err)
	}

	lossy, err := storage.Open(killed, storage.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lossy.Close() })
	h = start(t, Options{Sink: lossy, Admin: lossy, Engine: query.NewEngine(lossy, query.Options{Now: clock}), Now: clock})
	q := url.QueryEscape
	paths := []string{
		"/api/v1/query?query=" + q("count_over_time(up[1m])"),
		"/api/v1/labels", "/api/v1/label/host/values", "/api/v1/series?match[]=up",
		"/loki/api/v1/query_range?query=" + q(`{host="a"}`),
		"/loki/api/v1/labels", "/loki/api/v1/label/host/values", "/loki/api/v1/series?match[]=" + q(`{host="a"}`),
		"/tidemark/api/v1/query?query=" + q("count_over_time(up[1m])"),
	}
	const warning = `"warnings":["samples and log rows may be missing: lost at `
	for _, p := range paths {
		if r := h.get(p); r.status != 200 || !strings.Contains(r.body, warning) {
			t.Errorf("%s: %d %s", p, r.status, r.body)
		}
	}
	if r := h.get(paths[0]); !strings.Contains(r.body, `,"8"]`) { // of nine
		t.Errorf("want eight samples, got %s", r.body)
	}
	if r := h.get("/api/v1/query?query=1"); strings.Contains(r.body, "warnings") {
		t.Errorf("nothing was read: %s", r.body)
	}
	if r := h.get("/api/v1/status/runtimeinfo"); !strings.Contains(r.body, `"corruptionCount":1`) {
		t.Errorf("%s", r.body)
	}
	if r := h.get("/metrics"); !strings.Contains(r.body, "storage_losses 1\n") {
		t.Errorf("no storage_losses 1 in %s", r.body)
	}
	if r := h.get("/tidemark/api/v1/losses"); !strings.Contains(r.body, `"what":"records 6 to 6 of the write-ahead log: `) {
		t.Errorf("%s", r.body)
	}
	h.do("POST", "/tidemark/api/v1/admin/losses/forget", "").want(t, 204, "")
	h.get("/tidemark/api/v1/losses").want(t, 200, `{"status":"success","data":[]}`)
	for _, p := range paths {
		if r := h.get(p); r.status != 200 || strings.Contains(r.body, "warnings") {
			t.Errorf("forgotten: %s: %d %s", p, r.status, r.body)
		}
	}
}

// TestDamagedTableIsWarnedOf damages a table under a running server: queries answer
// with what is left.
func TestDamagedTableIsWarnedOf(t *testing.T) {
	clock := func() time.Time { return testNow }
	dir := t.TempDir()
	db, err := storage.Open(dir, storage.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	h := start(t, Options{Sink: db, Engine: query.NewEngine(db, query.Options{Now: clock}), Now: clock})
	for i := range 9 {
		var body strings.Builder
		for s := range 300 {
			fmt.Fprintf(&body, "up,s=%d value=%d %d\n", s, i*s, testNow.Unix()-10+int64(i))
		}
		fmt.Fprintf(&body, "nginx,host=a msg=\"line number %d\" %d", i, testNow.Unix()-10+int64(i))
		h.write("/write?precision=s", body.String())
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = storage.Open(dir, storage.Options{Now: clock}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	h = start(t, Options{Sink: db, Engine: query.NewEngine(db, query.Options{Now: clock}), Now: clock})
	tables, _ := filepath.Glob(filepath.Join(dir, "index", "*.sst"))
	if len(tables) != 1 {
		t.Fatal(tables)
	}
	f, err := os.OpenFile(tables[0], os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fi, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 300), fi.Size()/2); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	q := url.QueryEscape
	for _, p := range []string{
		"/api/v1/query_range?query=" + q("count(up)") + fmt.Sprintf("&start=%d&end=%d&step=1", testNow.Unix()-20, testNow.Unix()),
		"/api/v1/query?query=" + q("sum(count_over_time(up[1m]))"),
		"/api/v1/series?match[]=up",
		"/loki/api/v1/query_range?query=" + q(`{host="a"}`),
	} {
		if r := h.get(p); r.status != 200 || strings.Contains(p, "up") && !strings.Contains(r.body, `"warnings":["samples`) {
			t.Errorf("%s: %d %s", p, r.status, r.body)
		}
	}
	if r := h.get("/tidemark/api/v1/losses"); !strings.Contains(r.body, "of the index: block at ") {
		t.Errorf("%s", r.body)
	}
	if stats, err := db.Verify(t.Context(), func(err error) { t.Error(err) }); err != nil || stats.Samples < 2 {
		t.Errorf("%+v, %v", stats, err)
	}
}
