package funcs_test

import (
	"strings"
	"testing"

	"tidemark/query/ast"
	"tidemark/query/funcs"
	"tidemark/query/parse"
	"tidemark/query/plan"
)

// Every function is documented, its signature is sound, and its example is a
// valid query that calls it.
func TestRegistry(t *testing.T) {
	for _, f := range funcs.All() {
		t.Run(f.Name, func(t *testing.T) {
			if f.Doc == "" || !strings.HasSuffix(f.Doc, ".") {
				t.Errorf("doc %q: want sentences", f.Doc)
			}
			if f.Family == "" || f.Returns == funcs.None {
				t.Errorf("family %q, returns %s", f.Family, f.Returns)
			}
			optional, seen := false, map[string]bool{}
			for _, p := range f.Params {
				if p.Name == "" || p.Doc == "" || len(p.Types) == 0 || seen[p.Name] {
					t.Errorf("parameter %q: want a name of its own, types and a doc", p.Name)
				}
				seen[p.Name] = true
				if optional && !p.Optional {
					t.Errorf("parameter %q is required, after an optional one", p.Name)
				}
				optional = optional || p.Optional
				if p.NamedOnly && (!p.Optional || p.Default == "" && p.Types[0] != funcs.Str) {
					t.Errorf("parameter %q is an option: want a default", p.Name)
				}
			}
			if funcs.IsAggregation(f.Name) {
				t.Error("has the name of an aggregation")
			}
			e, err := parse.Parse(f.Example, ast.Native)
			if err != nil {
				t.Fatalf("example %q: %v", f.Example, err)
			}
			if _, err := plan.Build(e, ast.Native); err != nil {
				t.Fatalf("example %q: %v", f.Example, err)
			}
			if !strings.Contains(f.Example, f.Name+"(") {
				t.Errorf("example %q does not call the function", f.Example)
			}
		})
	}
}

// What a default's text says is a valid argument wherever it is a value.
func TestDefaultsAreArguments(t *testing.T) {
	for _, f := range funcs.All() {
		for _, p := range f.Params {
			if !p.NamedOnly || strings.Contains(p.Default, " of ") || p.Types[0] == funcs.Range { // words, not a value
				continue
			}
			v := p.Default
			if p.Types[0] == funcs.Str {
				v = `"` + v + `"`
			}
			args := required(f)
			q := f.Name + "(" + args + p.Name + "=" + v + ")"
			e, err := parse.Parse(q, ast.Native)
			if err != nil {
				t.Fatalf("%s: %v", q, err)
			}
			if _, err := plan.Build(e, ast.Native); err != nil {
				t.Errorf("%s: %v", q, err)
			}
		}
	}
}

// required writes an argument for each required parameter.
func required(f *funcs.Func) string {
	args := ""
	for _, p := range f.Params {
		if p.Optional {
			continue
		}
		args += map[funcs.Type]string{funcs.Scalar: "1", funcs.Str: `"a"`, funcs.Vector: "x", funcs.Range: "x[1d]", funcs.LogRange: "logs({a=\"b\"}[1d])",
			funcs.Duration: "1h", funcs.Tuple: "(0.5)", funcs.Bool: "true"}[p.Types[0]] + ", "
	}
	return args
}
