package main

import (
	"context"
	"time"

	"tidemark/cmd/tidemark/internal/render"
	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/query/parse"
	"tidemark/storage/model"
)

// among are the flags that say which series and log streams are meant, and
// when.
type among struct {
	Kind  string `help:"What counts: ${enum}." enum:"all,metrics,logs" default:"all"`
	Start string `help:"Begin of the time that counts (default ${default})." default:"-24h" placeholder:"TIME"`
	End   string `help:"Its end (default ${default})." default:"now" placeholder:"TIME"`
	Limit int    `help:"Show so many at most; by default all." placeholder:"N"`
}

// kinds by name.
var kinds = map[string]model.Scope{"all": model.ScopeAll, "metrics": model.ScopeMetrics, "logs": model.ScopeLogs}

// request checks the flags. A selector that names a metric selects no logs.
func (a *among) request(selectors []string, now time.Time) (query.MetaRequest, error) {
	req := query.MetaRequest{Match: selectors, Dialect: ast.PromQL, Scope: kinds[a.Kind], Timeout: longTimeout}
	var err error
	if a.Limit < 0 {
		return req, usage("--limit %d: want a positive number", a.Limit)
	}
	if req.Start, err = parseTime(a.Start, now); err != nil {
		return req, err
	}
	if req.End, err = parseTime(a.End, now); err != nil {
		return req, err
	}
	for _, text := range selectors {
		ms, err := parse.ParseSelector(text)
		if err != nil {
			return req, err
		}
		for _, m := range ms {
			if m.Name == model.MetricName && req.Scope == model.ScopeAll {
				req.Scope = model.ScopeMetrics
			}
		}
	}
	return req, nil
}

// labelsCommand lists names and values of labels.
type labelsCommand struct {
	Name     string   `arg:"" optional:"" help:"A label, to list its values; without one the names of labels are listed."`
	Selector []string `short:"s" help:"Only of series and streams that this selects; may be repeated." placeholder:"SELECTOR" sep:"none"`
	among    `embed:""`

	recordsOutput `embed:""`
	target        `embed:""`
}

// Help is what --help prints below the summary.
func (labelsCommand) Help() string {
	return `Examples:
  tidemark labels
  tidemark labels __name__                         the names of metrics
  tidemark labels host -s 'cpu_usage_user{role="db"}'
  tidemark labels service --kind logs --start -7d`
}

// Run asks and prints.
func (l *labelsCommand) Run(c *console) error {
	req, err := l.request(l.Selector, time.Now())
	if err != nil {
		return showQueryError(c.err, first(l.Selector), err)
	}
	ctx, stop := interruptible()
	defer stop()
	return l.with(func(s source) error {
		var list []string
		column := "label"
		if l.Name == "" {
			list, err = s.LabelNames(ctx, req)
		} else {
			column = l.Name
			list, err = s.LabelValues(ctx, l.Name, req)
		}
		if err != nil {
			return showQueryError(c.err, first(l.Selector), err)
		}
		if l.Limit > 0 {
			list = list[:min(len(list), l.Limit)]
		}
		return l.write(c, listOf(column, list))
	})
}

// listOf makes records of one column.
func listOf(column string, list []string) *render.Records {
	r := &render.Records{Columns: []string{column}, Plain: true, Rows: make([][]any, len(list))}
	for i, v := range list {
		r.Rows[i] = []any{v}
	}
	return r
}

// first is the first of some texts, for messages about it.
func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// seriesCommand lists series and log streams.
type seriesCommand struct {
	Selector []string `arg:"" help:"What to list, such as cpu_usage_user or '{service=\"checkout\"}'."`
	Count    bool     `help:"Print only how many there are."`
	among    `embed:""`

	recordsOutput `embed:""`
	target        `embed:""`
}

// Help is what --help prints below the summary.
func (seriesCommand) Help() string {
	return `Examples:
  tidemark series 'disk_used_percent{role="db"}'
  tidemark series '{service="checkout"}' --kind logs
  tidemark series '{__name__=~".+"}' --count`
}

// Run asks and prints.
func (l *seriesCommand) Run(c *console) error {
	req, err := l.request(l.Selector, time.Now())
	if err != nil {
		return showQueryError(c.err, first(l.Selector), err)
	}
	ctx, stop := interruptible()
	defer stop()
	return l.with(func(s source) error {
		sets, err := s.LabelSets(ctx, req)
		if err != nil {
			return showQueryError(c.err, first(l.Selector), err)
		}
		if l.Count {
			return l.write(c, &render.Records{Columns: []string{"series"}, Plain: true, Rows: [][]any{{len(sets)}}})
		}
		if l.Limit > 0 {
			sets = sets[:min(len(sets), l.Limit)]
		}
		list := make([]string, len(sets))
		for i, ls := range sets {
			list[i] = ls.String()
		}
		return l.write(c, listOf("series", list))
	})
}

// metricNames lists the metrics that have data of late.
func metricNames(ctx context.Context, s source, now time.Time) ([]string, error) {
	return s.LabelValues(ctx, model.MetricName, query.MetaRequest{Scope: model.ScopeMetrics, Start: now.Add(-24 * time.Hour), End: now})
}
