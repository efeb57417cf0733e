// Package docs_test holds the documentation to what it describes.
package docs_test

import (
	"bytes"
	"flag"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	lang "tidemark/query/ast"
	"tidemark/query/funcs"
	"tidemark/query/parse"
	"tidemark/query/plan"
)

var update = flag.Bool("update", false, "write programs into the pages anew")

func pages(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob("*.md")
	if err != nil || len(list) < 8 {
		t.Fatalf("%d pages, %v", len(list), err)
	}
	return append(list, "../README.md", "../DESIGN.md")
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	fence   = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// anchor is the fragment by which a heading is linked to.
func anchor(title string) string {
	title = strings.ToLower(strings.NewReplacer("`", "", `\`, "").Replace(title))
	var b strings.Builder
	for _, r := range title {
		switch {
		case r == ' ' || r == '-':
			b.WriteByte('-')
		case r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r > 0x7f:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// TestLinks: what a page links to exists.
func TestLinks(t *testing.T) {
	for _, page := range pages(t) {
		text := fence.ReplaceAllString(read(t, page), "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			path, fragment, _ := strings.Cut(m[1], "#")
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: link %s: %v", page, m[1], err)
				continue
			}
			if fragment == "" || !strings.HasSuffix(target, ".md") {
				continue
			}
			found := false
			for _, h := range heading.FindAllStringSubmatch(fence.ReplaceAllString(read(t, target), ""), -1) {
				found = found || anchor(h[1]) == fragment
			}
			if !found {
				t.Errorf("%s: link %s: %s has no such heading", page, m[1], target)
			}
		}
	}
}

// TestQueries: what is shown as a query is one.
func TestQueries(t *testing.T) {
	n := 0
	for _, page := range pages(t) {
		for _, m := range fence.FindAllStringSubmatch(read(t, page), -1) {
			if m[1] != "promql" {
				continue
			}
			n++
			e, err := parse.Parse(m[2], lang.Native)
			if err == nil {
				_, err = plan.Build(e, lang.Native)
			}
			if err != nil {
				t.Errorf("%s: %s%v", page, m[2], err)
			}
		}
	}
	if n < len(funcs.All()) {
		t.Errorf("%d queries, want at least one for each function", n)
	}
}

// TestAggregationsAreDocumented: the registry of functions has none of them.
func TestAggregationsAreDocumented(t *testing.T) {
	text := read(t, "language.md")
	for _, name := range funcs.Aggregations {
		if !strings.Contains(text, "`"+name+"`") && !strings.Contains(text, "`"+name+"(") {
			t.Errorf("language.md does not name the aggregation %s", name)
		}
	}
}

var programBlock = regexp.MustCompile("(?ms)^<!-- the body of (\\w+) in ([\\w./]+) -->\n```go\n(.*?)```$")

// TestPrograms: a program on a page is the body of a tested example.
func TestPrograms(t *testing.T) {
	n := 0
	for _, page := range pages(t) {
		text := read(t, page)
		fresh := programBlock.ReplaceAllStringFunc(text, func(block string) string {
			n++
			m := programBlock.FindStringSubmatch(block)
			return "<!-- the body of " + m[1] + " in " + m[2] + " -->\n```go\n" + body(t, filepath.Join("..", m[2]), m[1]) + "```"
		})
		if fresh == text {
			continue
		}
		if *update {
			if err := os.WriteFile(page, []byte(fresh), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		t.Errorf("%s shows a program that is not the tested one: go test ./docs -update writes it anew", page)
	}
	if n < 4 {
		t.Errorf("%d programs, want four", n)
	}
}

// body prints the body of a function without its braces, one level to the
// left, up to the comment of its output.
func body(t *testing.T, path, name string) string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != name {
			continue
		}
		var b bytes.Buffer
		node := &printer.CommentedNode{Node: f.Body, Comments: file.Comments}
		if err := (&printer.Config{Mode: printer.UseSpaces | printer.TabIndent, Tabwidth: 8}).Fprint(&b, set, node); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(b.String()), "\n")
		var out strings.Builder
		for _, l := range lines[1 : len(lines)-1] {
			if strings.HasPrefix(l, "\t// Output:") {
				break
			}
			out.WriteString(strings.TrimPrefix(l, "\t") + "\n")
		}
		return out.String()
	}
	t.Fatalf("%s has no function %s", path, name)
	return ""
}
