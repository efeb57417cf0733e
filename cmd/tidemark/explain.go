package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidemark/cmd/tidemark/internal/render"
	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/query/parse"
	"tidemark/storage/model"
)

// explainCommand says what changed in a span of time.
type explainCommand struct {
	Expr string `arg:"" optional:"" help:"The query whose change is to be taken apart; without one, everything else is still looked at."`

	Start  string   `help:"Begin of the span in which something happened (default ${default})." default:"-1h" placeholder:"TIME"`
	End    string   `help:"Its end (default ${default})." default:"now" placeholder:"TIME"`
	Over   []string `help:"What to look through; by default every metric and every log stream. May be repeated." placeholder:"SELECTOR" sep:"none"`
	Count  int      `short:"n" help:"Rows of each table (default ${default})." default:"10" placeholder:"N"`
	Output string   `short:"o" help:"Print as ${enum}." enum:"table,json" default:"table"`

	target `embed:""`
}

// Help is what --help prints below the summary.
func (explainCommand) Help() string {
	return `Compares the span with the four before it. Examples:
  tidemark explain --start 2026-11-20T10:15 --end 2026-11-20T11:00
  tidemark explain 'sum(rate(http_errors_total[5m]))' --start -6h --end -5h
  tidemark explain --start -1h --over '{__name__=~"cpu.*"}' --over '{service="checkout"}'

Below each table stands the query that made it. What moved is evidence, not proof of a cause.`
}

// finding is one question of an explanation.
type finding struct {
	name, title, query string
	sortBy             bool     // by size: the answer does not come so
	columns            []string // of the figure, how likely chance makes it (if that is told), and the subject
}

// Run asks and prints.
func (e *explainCommand) Run(c *console) error {
	start, end, err := timeSpan(e.Start, e.End, time.Now())
	if err != nil {
		return err
	}
	if e.Count < 1 {
		return usage("--count %d: want 1 or more", e.Count)
	}
	ctx, stop := interruptible()
	defer stop()
	return e.with(func(s source) error {
		list, err := e.questions(ctx, s, start, end)
		if err != nil {
			return err
		}
		bar := newProgress(c.err, "looking at what moved", false)
		defer bar.end()
		var names []string
		var tables []*render.Records
		for i := range list {
			q := &list[i]
			bar.set(int64(i), int64(len(list)))
			res, err := instant(ctx, s, q.query, end)
			if err != nil {
				bar.end()
				return showQueryError(c.err, q.query, err)
			}
			names, tables = append(names, q.name), append(tables, q.records(res, e.Count))
		}
		bar.end()
		if e.Output == "json" {
			return writeNamed(c, names, tables...)
		}
		for i, t := range tables {
			err := errors.Join(render.WriteRecords(c.out, render.Table, t), writeln(c, "  from: "+list[i].query))
			if i+1 < len(tables) {
				err = errors.Join(err, newline(c))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func writeln(c *console, text string) error {
	_, err := fmt.Fprintln(c.out, text)
	return err
}

// questions are what is asked about the span.
func (e *explainCommand) questions(ctx context.Context, s source, start, end time.Time) ([]finding, error) {
	width := end.Sub(start)
	var metrics, logs []string
	for _, sel := range e.Over {
		if strings.Contains(sel, model.MetricName) || !strings.HasPrefix(strings.TrimSpace(sel), "{") {
			metrics = append(metrics, sel)
		} else {
			logs = append(logs, sel)
		}
	}
	if len(e.Over) == 0 {
		metrics = []string{`{__name__=~".+"}`}
		everywhere, err := allStreams(ctx, s, start, end)
		if err != nil {
			return nil, err
		}
		if everywhere != "" {
			logs = []string{everywhere}
		}
	}
	var out []finding
	for _, sel := range metrics {
		out = append(out, finding{name: "metrics", title: "METRICS THAT MOVED", columns: []string{"effect", "p", "what"},
			query: fmt.Sprintf("rank_changes(metrics(%s[%s]), k=%d)", sel, seconds(width), e.Count)})
	}
	if text := strings.TrimSpace(e.Expr); text != "" && !strings.HasPrefix(text, "{") {
		step := max(width/60, 15*time.Second)
		out = append(out, finding{name: "parts", title: "WHERE THE CHANGE OF THE QUERY LIES", columns: []string{"share", "what"},
			query: fmt.Sprintf("contrib((%s)[%s:%s], k=%d)", addends(text), seconds(width), seconds(step), e.Count)})
	}
	for _, sel := range logs {
		out = append(out,
			finding{name: "streams", title: "LOG STREAMS THAT MOVED", columns: []string{"effect", "p", "what"},
				query: fmt.Sprintf("rank_changes(logs(%s[%s]), k=%d)", sel, seconds(width), e.Count)},
			finding{name: "patterns", title: "LOG PATTERNS THAT CAME, WENT OR CHANGED", columns: []string{"rows", "what"}, sortBy: true,
				query: fmt.Sprintf("pattern_diff(logs(%s[%s]))", sel, seconds(width))})
	}
	return out, nil
}

// streamLabels are labels that nearly every log stream has, the likeliest
// first.
var streamLabels = []string{"service", "app", "job", "service_name", "measurement", "host"}

// allStreams is a selector of every log stream, by a label that they have, or
// "" where there are none.
func allStreams(ctx context.Context, s source, start, end time.Time) (string, error) {
	names, err := s.LabelNames(ctx, query.MetaRequest{Scope: model.ScopeLogs, Start: start, End: end, Dialect: ast.LogQL})
	if err != nil || len(names) == 0 {
		return "", err
	}
	name := names[0]
	for _, n := range streamLabels {
		if slices.Contains(names, n) {
			name = n
			break
		}
	}
	return "{" + name + `=~".+"}`, nil
}

// addends is what an aggregation adds up, or the query itself. A query that
// cannot be read is left as it is, for the server to say why.
func addends(text string) string {
	e, err := parse.Parse(text, ast.Native)
	if err != nil {
		return text
	}
	if a, ok := e.(*ast.Aggregate); ok {
		return ast.Print(a.Expr, ast.Native)
	}
	return text
}

// records makes a table of an answer: the figure, how likely chance makes one
// as large, and what it is about.
func (f *finding) records(res *query.Result, count int) *render.Records {
	out := &render.Records{Title: f.title, Columns: f.columns, Empty: "nothing"}
	series := res.Series
	if f.sortBy {
		series = slices.Clone(series)
		slices.SortStableFunc(series, func(a, b query.Series) int {
			switch x, y := math.Abs(lastOf(a)), math.Abs(lastOf(b)); {
			case x > y:
				return -1
			case x < y:
				return 1
			}
			return 0
		})
	}
	for i := range series[:min(len(series), count)] {
		ls := series[i].Labels
		row := []any{lastOf(series[i])}
		if len(f.columns) == 3 {
			p, err := strconv.ParseFloat(firstOf(ls.Get("p_adj"), ls.Get("p")), 64)
			if err != nil { // a row may have none
				p = math.NaN()
			}
			row = append(row, p)
		}
		out.Rows = append(out.Rows, append(row, subject(ls)))
	}
	return out
}

func lastOf(s query.Series) float64 {
	if len(s.Points) == 0 {
		return math.NaN()
	}
	return s.Points[len(s.Points)-1].V
}

// subject is what a row is about: a pattern with its status, or a series.
func subject(ls model.Labels) string {
	rest := ls.Without("signal", "direction", "p", "p_adj", "rank", "pattern", "pattern_id", "status", model.MetricName)
	if pattern := ls.Get("pattern"); pattern != "" {
		return strings.TrimSpace(ls.Get("status") + " " + pattern)
	}
	return named(firstOf(ls.Get("signal"), ls.Get(model.MetricName)), rest)
}
