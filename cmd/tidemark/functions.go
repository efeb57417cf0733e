package main

import (
	"fmt"
	"strings"

	"tidemark/cmd/tidemark/internal/render"
	"tidemark/query/funcs"
)

// functionsCommand explains the language's functions.
type functionsCommand struct {
	Name string `arg:"" optional:"" help:"A function, or a part of names or descriptions to look for; without one all are listed."`

	recordsOutput `embed:""`
}

// Help is what --help prints below the summary.
func (functionsCommand) Help() string {
	return `Examples:
  tidemark functions
  tidemark functions forecast
  tidemark functions pattern`
}

// Run prints one function in full, or a list.
func (f *functionsCommand) Run(c *console) error {
	if fn := funcs.Lookup(f.Name); fn != nil && f.Output == "table" {
		_, err := fmt.Fprint(c.out, fn.Text())
		return err
	}
	out := &render.Records{Columns: []string{"function", "family", "what it does"}, Empty: "no function of that name"}
	for _, fn := range funcs.All() {
		if f.Name != "" && !strings.Contains(fn.Name, f.Name) && !strings.Contains(strings.ToLower(fn.Doc), strings.ToLower(f.Name)) {
			continue
		}
		doc := fn.Doc
		if f.Output == "table" {
			doc = firstSentence(doc)
		}
		out.Rows = append(out.Rows, []any{fn.Name, fn.Family, doc})
	}
	return f.write(c, out)
}

// firstSentence is a text up to its first full stop or colon, clipped.
func firstSentence(s string) string {
	for _, end := range []string{". ", ": "} {
		if i := strings.Index(s, end); i > 0 {
			s = s[:i]
		}
	}
	return clip(strings.TrimSuffix(s, "."), 110)
}
