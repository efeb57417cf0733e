package server

import (
	"os"
	"strings"
	"testing"
)

// docs/http-api.md names every path that the server has.
func TestPathsAreDocumented(t *testing.T) {
	b, err := os.ReadFile("../docs/http-api.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, rt := range routeTable() {
		found := false
		for _, end := range []string{"`", " ", ",", "?"} {
			found = found || strings.Contains(text, rt.path+end)
		}
		if !found {
			t.Errorf("docs/http-api.md does not name %s", rt.path)
		}
	}
}
