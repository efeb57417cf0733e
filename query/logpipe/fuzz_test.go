package logpipe

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"tidemark/query/ast"
)

// valid checks what every outcome must be: labels sorted and unique, with
// names.
func valid(t *testing.T, set *Set) {
	t.Helper()
	for i, l := range set.Labels {
		if l.Name == "" || i > 0 && set.Labels[i-1].Name >= l.Name {
			t.Fatalf("labels %s are not canonical", set.Labels)
		}
	}
	if set.Key != set.Labels.Key() {
		t.Fatalf("labels %s have the key %q", set.Labels, set.Key)
	}
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":{"b":1},"c":[1,"x",null]}`, `{"a":"é\n"}`, `{"a`, `[[[[`, `{"a":1,"a":{"a":2}}`} {
		f.Add(s)
	}
	all := compile(f, Options{}, &ast.Parser{Name: "json"})
	one := compile(f, Options{}, &ast.Parser{Name: "json", Extractions: []ast.Extraction{{Label: "v", Path: `a.b[0]`}, {Label: "w", Path: `a`}}})
	f.Fuzz(func(t *testing.T, line string) {
		row, ok := all.Stream(nil).Run(&Input{Line: line})
		if !ok {
			t.Fatal("the parser dropped a row")
		}
		valid(t, row.Set)
		var obj map[string]any
		if json.Unmarshal([]byte(line), &obj) == nil && obj != nil && row.Set.Err != "" && depth(obj) < maxDepth/2 && utf8.ValidString(line) {
			t.Fatalf("valid JSON is refused: %s", row.Set.Details)
		}
		row, _ = one.Stream(nil).Run(&Input{Line: line})
		valid(t, row.Set)
	})
}

func depth(v any) int {
	d := 0
	switch v := v.(type) {
	case map[string]any:
		for _, c := range v {
			d = max(d, depth(c))
		}
	case []any:
		for _, c := range v {
			d = max(d, depth(c))
		}
	}
	return d + 1
}

func FuzzLogfmt(f *testing.F) {
	for _, s := range []string{`a=1 b="x y"`, `a="\"`, `=`, `a==b`, "\x00a=\xff", `k`} {
		f.Add(s)
	}
	lenient := compile(f, Options{}, &ast.Parser{Name: "logfmt"})
	strict := compile(f, Options{}, &ast.Parser{Name: "logfmt", Flags: []string{"--strict", "--keep-empty"}})
	f.Fuzz(func(t *testing.T, line string) {
		row, ok := lenient.Stream(nil).Run(&Input{Line: line})
		if !ok || row.Set.Err != "" {
			t.Fatalf("the lenient parser failed: %v %s", ok, row.Set.Details)
		}
		valid(t, row.Set)
		row, _ = strict.Stream(nil).Run(&Input{Line: line})
		valid(t, row.Set)
	})
}
