package querytest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/query/funcs"
)

func TestEveryFunctionHasAScript(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.test")
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	text := all.String()
	for _, f := range funcs.All() {
		if f.Family != "analysis" && !strings.Contains(text, f.Name+"(") {
			t.Errorf("no script calls %s", f.Name)
		}
	}
	for _, a := range funcs.Aggregations {
		if !strings.Contains(text, a+"(") && !strings.Contains(text, a+" by") {
			t.Errorf("no script aggregates with %s", a)
		}
	}
}
