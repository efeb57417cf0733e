package funcs_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"tidemark/query/funcs"
)

var update = flag.Bool("update", false, "write docs/functions.md")

// The reference in docs/ is what the registry says.
func TestReference(t *testing.T) {
	const path = "../../docs/functions.md"
	got := funcs.Reference()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Error("docs/functions.md is not what the registry says: go test ./query/funcs -run TestReference -update writes it anew")
	}
	for _, f := range funcs.All() {
		if n := strings.Count(got, "\n### "+f.Name+"\n"); n != 1 {
			t.Errorf("%s has %d sections, want one: is its family %q listed?", f.Name, n, f.Family)
		}
		if text := f.Text(); !strings.Contains(text, f.Example) || !strings.Contains(text, f.Doc) {
			t.Errorf("%s: the text for a terminal lacks its doc or example:\n%s", f.Name, text)
		}
	}
}
