package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSnapshotBackupRestore takes a snapshot of a running server, backs it up,
// verifies, restores and asks the copy.
func TestSnapshotBackupRestore(t *testing.T) {
	dir := t.TempDir()
	data, backup, restored := filepath.Join(dir, "data"), filepath.Join(dir, "backup"), filepath.Join(dir, "restored")
	s := start(t, data, "--no-self", "--enable-admin-api")
	s.write("cpu,host=a usage=3 1700000000000000000\n")
	resp, err := http.Post(s.url+"/api/v1/admin/tsdb/snapshot", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	var answer struct{ Data struct{ Name string } }
	if err != nil || resp.StatusCode != 200 || json.Unmarshal(body, &answer) != nil || answer.Data.Name == "" {
		t.Fatalf("snapshot: %s %s %v", resp.Status, body, err)
	}
	s.write("cpu,host=a usage=4 1700000010000000000\n") // too late
	must(t, "backup", filepath.Join(data, "snapshots", answer.Data.Name), backup)
	if _, stderr, code := call(t, "", "backup", data, filepath.Join(dir, "no")); code != exitError || !strings.Contains(stderr, "in use") {
		t.Errorf("backup of a folder in use: %d %s", code, stderr)
	}
	s.stop()
	if out := must(t, "verify", backup); !strings.Contains(out, "as it was written") {
		t.Error(out)
	}
	must(t, "restore", backup, restored)
	for folder, want := range map[string]string{restored: "1 samples", data: "2 samples"} {
		if out := must(t, "verify", folder); !strings.Contains(out, want) || !strings.Contains(out, " 0 problems") {
			t.Errorf("%s: %s", folder, out)
		}
	}
	if out := must(t, "query", "--data", restored, "--time", "1700000000", "cpu_usage"); !strings.Contains(out, "3") {
		t.Error(out)
	}
	must(t, "backup", restored, filepath.Join(dir, "second"))
	must(t, "verify", filepath.Join(dir, "second"))

	tables, _ := filepath.Glob(filepath.Join(backup, "index", "*"))
	for _, file := range tables {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 0 {
			b[len(b)/2] ^= 4
			if err := os.WriteFile(file, b, 0o644); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	for _, args := range [][]string{{"verify", backup}, {"restore", backup, filepath.Join(dir, "third")}} {
		if _, stderr, code := call(t, "", args...); code != exitError || !strings.Contains(stderr, "checksum") {
			t.Errorf("%v of a damaged backup: %d %s", args, code, stderr)
		}
	}
	if _, stderr, code := call(t, "", "restore", data, filepath.Join(dir, "fourth")); code != exitError || !strings.Contains(stderr, "no backup") {
		t.Errorf("restore of a store: %d %s", code, stderr)
	}
}
