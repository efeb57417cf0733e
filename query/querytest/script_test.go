package querytest_test

import (
	"os"
	"path/filepath"
	"testing"

	"tidemark/query/querytest"
)

func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.test")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(f), func(t *testing.T) {
			querytest.Run(t, filepath.Base(f), string(text), func() querytest.Store { return querytest.NewSource() })
		})
	}
}
