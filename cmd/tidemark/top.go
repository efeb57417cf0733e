package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tidemark/cmd/tidemark/internal/render"
	"tidemark/query"
	"tidemark/storage/model"
)

// topCommand shows what a server is busy with.
type topCommand struct {
	Every  span   `help:"Distance of the pictures on a terminal (default ${default})." default:"2s" placeholder:"DURATION"`
	Once   bool   `help:"Show one picture; elsewhere than on a terminal that is all there is."`
	Count  int    `short:"n" help:"Rows of each table (default ${default})." default:"10" placeholder:"N"`
	Window span   `help:"Time over which the samples of series are counted (default ${default})." default:"5m" placeholder:"DURATION"`
	Kill   uint64 `help:"End the running query of this id, and show nothing." placeholder:"ID"`
	Output string `short:"o" help:"Print as ${enum}." enum:"table,json" default:"table"`

	target `embed:""`
}

// Help is what --help prints below the summary.
func (topCommand) Help() string {
	return `Shows the running queries, the series that got the most samples of late, and the metrics with the
most series. Examples:
  tidemark top
  tidemark top --once --output json
  tidemark top --kill 17`
}

// Run shows, or ends a query.
func (t *topCommand) Run(c *console) error {
	switch {
	case t.Data != "":
		return usage("top is about a server; of a folder, dump --sizes tells what it holds")
	case t.Count < 1 || t.Count > 1000:
		return usage("--count %d: want 1 to 1000", t.Count)
	case t.Window < span(time.Second):
		return usage("--window %s: want a second or more", time.Duration(t.Window))
	}
	ctx, stop := interruptible()
	defer stop()
	cl, err := t.client()
	if err != nil {
		return err
	}
	if t.Kill != 0 {
		return cl.kill(ctx, t.Kill)
	}
	show := func(c *console) error { return t.show(ctx, c, cl) }
	if t.Once || !isTerminal(c.out) {
		return show(c)
	}
	return watch(ctx, c, time.Duration(t.Every), show)
}

// hotMetrics is among how many metrics, those with the most series, the hottest
// series are sought.
const hotMetrics = 100

// named prints a series.
func named(metric string, ls model.Labels) string {
	if metric != "" && len(ls) == 0 {
		return metric
	}
	return metric + ls.String()
}

// runningQuery is a query as the server lists it.
type runningQuery struct {
	ID, Query, Dialect string
	Started, Age       float64
	Waiting            bool
	Samples            int64
}

// kill ends a running query.
func (c *client) kill(ctx context.Context, id uint64) error {
	resp, body, err := c.do(ctx, http.MethodDelete, fmt.Sprintf("/tidemark/api/v1/queries/%d", id), nil, nil)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return c.queryError(resp, body)
	}
	return nil
}

// show prints one picture.
func (t *topCommand) show(ctx context.Context, c *console, cl *client) error {
	var running []runningQuery
	if err := cl.get(ctx, "/tidemark/api/v1/queries", &running); err != nil {
		return err
	}
	var status struct {
		HeadStats               struct{ NumSeries int64 }
		SeriesCountByMetricName []struct {
			Name  string
			Value int64
		}
	}
	if err := cl.get(ctx, fmt.Sprintf("/api/v1/status/tsdb?limit=%d", max(t.Count, hotMetrics)), &status); err != nil {
		return err
	}
	window := time.Duration(t.Window)
	// Counts lose the metrics' names, so each metric is counted apart.
	var counts []string
	for _, m := range status.SeriesCountByMetricName[:min(len(status.SeriesCountByMetricName), hotMetrics)] {
		counts = append(counts, fmt.Sprintf(`label_replace(count_over_time({__name__=%q}[%s]), "__metric__", %q, "", "")`, m.Name, seconds(window), m.Name))
	}
	hot := &query.Result{}
	if len(counts) > 0 {
		var err error
		if hot, err = instant(ctx, cl, fmt.Sprintf("topk(%d, %s) / %g", t.Count, strings.Join(counts, " or "), window.Seconds()), time.Now()); err != nil {
			return err
		}
	}
	queries := &render.Records{Title: "RUNNING QUERIES", Empty: "none", Columns: []string{"id", "age", "samples", "state", "query"}}
	for _, q := range running {
		state := "runs"
		if q.Waiting {
			state = "waits"
		}
		queries.Rows = append(queries.Rows, []any{q.ID, time.Duration(q.Age * float64(time.Second)).Round(time.Millisecond).String(), q.Samples, state, clip(strings.Join(strings.Fields(q.Query), " "), 200)})
	}
	hottest := &render.Records{Title: fmt.Sprintf("HOTTEST SERIES of the last %s", window), Columns: []string{"samples per second", "series"}}
	for i := range hot.Series {
		for _, p := range hot.Series[i].Points {
			ls := hot.Series[i].Labels
			hottest.Rows = append(hottest.Rows, []any{p.V, named(ls.Get("__metric__"), ls.Without("__metric__"))})
		}
	}
	largest := &render.Records{Title: fmt.Sprintf("LARGEST METRICS of %d series", status.HeadStats.NumSeries), Columns: []string{"series", "metric"}}
	for _, m := range status.SeriesCountByMetricName[:min(len(status.SeriesCountByMetricName), t.Count)] {
		largest.Rows = append(largest.Rows, []any{m.Value, m.Name})
	}
	if t.Output == "json" {
		return writeNamed(c, []string{"queries", "hottest", "largest"}, queries, hottest, largest)
	}
	return errors.Join(
		render.WriteRecords(c.out, render.Table, queries), newline(c),
		render.WriteRecords(c.out, render.Table, hottest), newline(c),
		render.WriteRecords(c.out, render.Table, largest))
}

func newline(c *console) error {
	_, err := fmt.Fprintln(c.out)
	return err
}

// writeNamed prints several records as one object of JSON.
func writeNamed(c *console, names []string, list ...*render.Records) error {
	var b strings.Builder
	for i, r := range list {
		sep := ",\n"
		if i == 0 {
			sep = "{\n"
		}
		fmt.Fprintf(&b, "%s%q: ", sep, names[i])
		if err := render.WriteRecords(trimmed{&b}, render.JSON, r); err != nil {
			return err
		}
	}
	b.WriteString("}\n")
	_, err := fmt.Fprint(c.out, b.String())
	return err
}

// trimmed writes without the line end of each piece.
type trimmed struct{ b *strings.Builder }

func (t trimmed) Write(p []byte) (int, error) {
	t.b.WriteString(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}
