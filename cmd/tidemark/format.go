package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/query/parse"
)

// queryText is the text of a query, of the command line or of standard input,
// and the dialect it is in.
type queryText struct {
	Text    string `arg:"" optional:"" help:"The query; - or nothing reads it from standard input."`
	Dialect string `enum:"native,promql,logql" default:"native" help:"Dialect of the query: native, promql or logql."`
}

// maxQueryInput bounds what is read of standard input; a query may not be so long.
const maxQueryInput = 4 << 20

func (q *queryText) read(c *console) (string, error) {
	if q.Text != "" && q.Text != "-" {
		return q.Text, nil
	}
	b, err := io.ReadAll(io.LimitReader(c.in, maxQueryInput))
	return strings.TrimSpace(string(b)), err
}

// fmtCommand prints a query in normal form.
type fmtCommand struct {
	queryText `embed:""`
	Width     int `default:"100" help:"Characters of a line; what is longer is broken into several. 0 prints one line."`
}

// Help is what --help prints below the summary.
func (fmtCommand) Help() string {
	return `Examples:
  tidemark fmt 'sum(rate(http_requests_total[5m]))by(job)'
  tidemark fmt --width 40 < query.promql`
}

// Run prints the query, or where it is wrong.
func (f *fmtCommand) Run(c *console) error {
	if f.Width < 0 {
		return usage("--width %d: want 0 or more", f.Width)
	}
	text, err := f.read(c)
	if err != nil {
		return err
	}
	d := dialects[f.Dialect]
	tree, err := parse.Parse(text, d)
	if err != nil {
		return showQueryError(c.err, text, err)
	}
	_, err = fmt.Fprintln(c.out, ast.Pretty(tree, d, f.Width))
	return err
}

// checkCommand says whether a query is right, without running it.
type checkCommand struct {
	queryText `embed:""`
}

// Help is what --help prints below the summary.
func (checkCommand) Help() string {
	return `It prints the kind of answer that the query has. What is wrong is shown in its
place, and the exit code is then 1: a script can check its queries with it.

Examples:
  tidemark check 'rate(http_requests_total[5m])'
  tidemark check --dialect promql < rule.promql`
}

// Run prints the kind of answer, or where the query is wrong.
func (k *checkCommand) Run(c *console) error {
	text, err := k.read(c)
	if err != nil {
		return err
	}
	t, err := query.Check(text, dialects[k.Dialect])
	var wrong *ast.Error
	switch {
	case errors.As(err, &wrong):
		return showQueryError(c.err, text, err)
	case err != nil:
		return err
	}
	_, err = fmt.Fprintln(c.out, t)
	return err
}
