package tidemark_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// pkg is what `go list -json` says of one package.
type pkg struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func listPackages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var pkgs []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	if len(pkgs) < 10 {
		t.Fatalf("go list found %d packages: want the whole module", len(pkgs))
	}
	return pkgs
}

// under reports whether path is the package prefix or lies below it.
func under(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// TestThirdPartyLibrariesHaveOneHome keeps each foundation library behind one
// package, so that replacing or upgrading it touches one place.
func TestThirdPartyLibrariesHaveOneHome(t *testing.T) {
	homes := []struct {
		library string
		homes   []string
		why     string
	}{
		{"github.com/cockroachdb/pebble", []string{"tidemark/storage"}, "only the storage engine knows that Pebble lies underneath"},
		{"github.com/RoaringBitmap/roaring", []string{"tidemark/storage/postings"}, "sets of label set ids have one type and one set of checks on bytes from disk"},
		{"github.com/alecthomas/participle", []string{"tidemark/query/parse"}, "everything behind the parser works on query/ast"},
		{"github.com/valyala/fasthttp", []string{"tidemark/server", "tidemark/bench/sidebyside"}, "its request bytes die with the request; only server, and the client of the benchmarks, know which to copy"},
		{"github.com/leodido/go-syslog", []string{"tidemark/ingest/syslog"}, "a protocol is its decoder's business"},
		{"github.com/fasthttp/websocket", []string{"tidemark/server", "tidemark/cmd"}, "WebSockets are HTTP's, as fasthttp is; the command line follows logs as a client of the server"},
		{"github.com/pierrec/lz4", []string{"tidemark/storage/chunk", "tidemark/storage/rowgroup", "tidemark/storage/internal"}, "compression is a matter of the codecs"},
		{"github.com/alecthomas/kong", []string{"tidemark/cmd"}, "only cmd owns flags"},
		{"github.com/schollz/progressbar", []string{"tidemark/cmd"}, "only cmd writes to a terminal"},
		{"github.com/shirou/gopsutil", []string{"tidemark/cmd"}, "reading the host is the program's business, not the library's"},
		{"gonum.org/v1/gonum", []string{"tidemark/query/analysis"}, "statistics live with the algorithms"},
	}
	for _, p := range listPackages(t) {
		for _, imp := range p.Imports {
			for _, h := range homes {
				if !under(imp, h.library) {
					continue
				}
				ok := false
				for _, home := range h.homes {
					ok = ok || under(p.ImportPath, home)
				}
				if !ok {
					t.Errorf("%s imports %s; its home is %s: %s", p.ImportPath, imp, strings.Join(h.homes, ", "), h.why)
				}
			}
		}
	}
}

// TestDirections keeps the arrows between packages pointing one way.
func TestDirections(t *testing.T) {
	rules := []struct{ from, never, except, why string }{
		{"tidemark/storage", "tidemark/query", "", "a store does not know who asks"},
		{"tidemark/storage", "tidemark/ingest", "", "a store does not know the protocols"},
		{"tidemark/storage", "tidemark/server", "", "the store is usable without HTTP"},
		{"tidemark/query", "tidemark/storage", "tidemark/storage/model tidemark/storage/shape", "queries read through model.View, and any source can stand behind it; the shape of a line is a pure function"},
		{"tidemark/ingest", "tidemark/storage", "tidemark/storage/model", "protocols write through ingest.Sink"},
		{"tidemark/query", "tidemark/ingest", "", "reading and writing meet in the record model only"},
		{"tidemark/ingest", "tidemark/query", "", "reading and writing meet in the record model only"},
		{"tidemark/query", "tidemark/server", "", "the engine is usable without HTTP"},
		{"tidemark/ingest", "tidemark/server", "", "decoders are usable without HTTP"},
		{"tidemark/storage/model", "tidemark", "tidemark/storage/model", "model is the common ground and stands on nothing"},
		{"tidemark/storage/keys", "tidemark/storage", "tidemark/storage/model", "keys know values, not the engine"},
		{"tidemark/query/analysis", "tidemark", "tidemark/query/analysis", "algorithms are pure functions over slices, callable alone"},
		{"tidemark/query/ast", "tidemark/query", "tidemark/query/ast", "the tree knows neither text nor meaning"},
		{"tidemark/query/parse", "tidemark/query/plan", "", "parsing decides form, planning meaning"},
		{"tidemark/query/parse", "tidemark/query/exec", "", "parsing decides form, executing comes later"},
		{"tidemark/query/plan", "tidemark/query/exec", "", "a plan can be explained without running it"},
		{"tidemark/query/exec", "tidemark/query/parse", "", "execution needs no text"},
		{"tidemark", "tidemark/cmd", "tidemark/cmd", "nothing imports the program"},
		{"tidemark", "tidemark/bench", "tidemark/bench", "nothing imports the benchmarks"},
	}
	for _, p := range listPackages(t) {
		for _, r := range rules {
			if !under(p.ImportPath, r.from) {
				continue
			}
			for _, imp := range p.Imports {
				if !under(imp, r.never) || under(imp, r.from) && r.from != "tidemark" {
					continue
				}
				if slices.ContainsFunc(strings.Fields(r.except), func(except string) bool {
					return under(imp, except) && (r.from != "tidemark" || under(p.ImportPath, except))
				}) {
					continue
				}
				t.Errorf("%s imports %s: %s", p.ImportPath, imp, r.why)
			}
		}
	}
}

// TestLibraryReadsNoFlags keeps the library free of process-wide effects.
func TestLibraryReadsNoFlags(t *testing.T) {
	for _, p := range listPackages(t) {
		if under(p.ImportPath, "tidemark/cmd") || under(p.ImportPath, "tidemark/bench") {
			continue
		}
		for _, imp := range p.Imports {
			if imp == "flag" || imp == "log" {
				t.Errorf("%s imports %q: only cmd reads flags, and the library reports events instead of logging", p.ImportPath, imp)
			}
		}
	}
}
