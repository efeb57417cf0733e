package main

import (
	"bytes"
	"strings"
	"testing"

	"tidemark/storage"
	"tidemark/storage/model"
)

// TestDump prints a folder's entries, one of them, their sizes and the log.
func TestDump(t *testing.T) {
	dir := t.TempDir()
	db, err := storage.Open(dir, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b model.Batch
	for i := range int64(100) {
		b.AddSample("requests_total", model.FromStrings("job", "web"), i*15e9, float64(i*i))
	}
	if _, err := db.Append(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	dump := func(args ...string) (string, int) {
		var out bytes.Buffer
		code := run(append([]string{"dump"}, args...), &console{strings.NewReader(""), &out, &out})
		return out.String(), code
	}
	if out, code := dump(dir); code != exitError || !strings.Contains(out, "in use") {
		t.Errorf("a store in use: exit code %d\n%s", code, out)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		want []string
	}{
		{"", exitOK, []string{`name "requests_total"`, `{job="web"}`, "chunk of metric 1, set 0, float, from 1970-01-01T00:00:00Z", "# 1970-01-01T00:00:30Z 4", "and 97 more"}},
		{"--rows -1", exitOK, []string{"# 1970-01-01T00:24:45Z 9801"}},
		{"--key 0300000001 --bytes", exitOK, []string{"0300000001\nmetric 1\n    0  72 65 71"}},
		{"--prefix 03", exitOK, []string{`# "requests_total"`}},
		{"--key 0300000009", exitError, []string{"has no key 0300000009"}},
		{"--key 03 --prefix 03", exitUsage, []string{"exclude each other"}},
		{"--prefix xyz", exitUsage, []string{"hexadecimal"}},
		{"--sizes", exitOK, []string{"bytes a sample", "100"}},
		{"--log", exitOK, []string{"requests_total"}},
	} {
		out, code := dump(append([]string{dir}, strings.Fields(c.args)...)...)
		if code != c.code {
			t.Errorf("%q: exit code %d, want %d\n%s", c.args, code, c.code, out)
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%q: want %q in\n%s", c.args, want, out)
			}
		}
	}
	if out, code := dump(t.TempDir()); code != exitError || !strings.Contains(out, "holds no store") {
		t.Errorf("an empty folder: exit code %d\n%s", code, out)
	}
}
