package explorer

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// TestFiles: the page is there whole, what it names exists, and nothing of it
// comes from elsewhere.
func TestFiles(t *testing.T) {
	index := Lookup("index.html")
	if index == nil || index.Immutable || !strings.HasPrefix(index.ContentType, "text/html") {
		t.Fatalf("index.html: %+v", index)
	}
	refs := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllSubmatch(index.Body, -1)
	scripts := 0
	for _, m := range refs {
		name := string(m[1])
		if strings.HasPrefix(name, "data:") {
			continue
		}
		f := Lookup(strings.TrimPrefix(name, "./"))
		if f == nil || !f.Immutable {
			t.Errorf("the page names %q, of which there is %+v", name, f)
			continue
		}
		if strings.HasSuffix(name, ".js") {
			scripts += len(f.Gzip)
		}
	}
	if scripts == 0 || scripts > 200<<10 {
		t.Errorf("the first paint needs %d bytes of compressed script: want some, and at most 200 KiB", scripts)
	}
	for name, f := range files() {
		if f.Gzip == nil {
			continue
		}
		z, err := gzip.NewReader(bytes.NewReader(f.Gzip))
		if err != nil {
			t.Fatal(name, err)
		}
		if body, err := io.ReadAll(z); err != nil || !bytes.Equal(body, f.Body) {
			t.Errorf("%s: the compressed body differs: %v", name, err)
		}
	}
	if Lookup("licenses.md") == nil {
		t.Error("licenses.md, the notices of the libraries in the page, is missing")
	}
	if Lookup("../explorer.go") != nil || Lookup("") != nil {
		t.Error("a path outside of the page was found")
	}
}
