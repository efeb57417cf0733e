package gen_test

import (
	"bytes"
	"strings"
	"testing"

	"tidemark/bench/gen"
)

func TestCPUIsDeterministicAndInShape(t *testing.T) {
	a, b := gen.NewCPU(3, 7), gen.NewCPU(3, 7)
	var x, y []byte
	for i := range int64(5) {
		x, y = a.AppendStep(x, i*1e10), b.AppendStep(y, i*1e10)
	}
	if !bytes.Equal(x, y) {
		t.Fatal("the same seed gave different bytes")
	}
	if c := gen.NewCPU(3, 8).AppendStep(nil, 0); bytes.HasPrefix(x, c) {
		t.Fatal("another seed gave the same bytes")
	}
	lines := strings.Split(strings.TrimSuffix(string(x), "\n"), "\n")
	if len(lines) != 15 {
		t.Fatalf("got %d lines, want 15", len(lines))
	}
	for _, l := range lines {
		key, rest, _ := strings.Cut(l, " ")
		if strings.Count(key, ",") != 10 || strings.Count(rest, "=") != 10 {
			t.Fatalf("want ten tags and ten fields: %s", l)
		}
	}
}
