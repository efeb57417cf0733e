package conformance

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"strings"
	"testing"
)

// TestNothingOfPrometheusBehind reads the adapters' source: they may use
// Prometheus's types, but none of its stores, and nothing that makes an
// engine of its.
func TestNothingOfPrometheusBehind(t *testing.T) {
	stores := []string{"/tsdb", "/util/teststorage", "/storage/remote", "/promql/promqltest"}
	engines := []string{"NewEngine", "NewTestEngine", "NewTestEngineWithOpts", "Engine", "EngineOpts", "LazyLoader"}
	fset := token.NewFileSet()
	pkgs, err := parser.ParseDir(fset, ".", func(fi fs.FileInfo) bool { return !strings.HasSuffix(fi.Name(), "_test.go") }, 0)
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, p := range pkgs {
		for name, f := range p.Files {
			files++
			promqlName := ""
			for _, imp := range f.Imports {
				path := strings.Trim(imp.Path.Value, `"`)
				for _, s := range stores {
					if strings.HasPrefix(path, "github.com/prometheus/prometheus"+s) {
						t.Errorf("%s imports %s: a store or a tool of Prometheus's must not stand behind the adapters", name, path)
					}
				}
				if path == "github.com/prometheus/prometheus/promql" {
					if promqlName = "promql"; imp.Name != nil {
						promqlName = imp.Name.Name
					}
				}
			}
			if promqlName == "" {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == promqlName {
					for _, e := range engines {
						if sel.Sel.Name == e {
							t.Errorf("%s: promql.%s: an engine of Prometheus's must not stand behind the adapters", fset.Position(sel.Pos()), e)
						}
					}
				}
				return true
			})
		}
	}
	if files < 3 {
		t.Fatalf("read %d files of this package: want all of them", files)
	}
}
