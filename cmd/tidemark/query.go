package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tidemark/cmd/tidemark/internal/render"
	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/storage/model"
)

// queryCommand asks one question.
type queryCommand struct {
	Expr string `arg:"" help:"The query; - reads it from standard input."`
	text string // of the query

	Time    string   `help:"Time of an instant query: now, -6h, RFC 3339 or Unix seconds; by default now." placeholder:"TIME" xor:"range"`
	Start   string   `help:"Begin of a range query." placeholder:"TIME" xor:"range"`
	End     string   `help:"End of a range query; it may lie in the future (default ${default})." default:"now" placeholder:"TIME"`
	Step    span     `help:"Step of a range query; by default about 240 of them." placeholder:"DURATION"`
	Dialect string   `help:"How to read the query: ${enum}." enum:"native,promql,logql" default:"native"`
	Limit   int      `help:"Log rows at most; by default 100." placeholder:"N"`
	Forward bool     `help:"Show the oldest log rows first, not the newest."`
	Timeout span     `help:"Give up after this long; by default after what the server sets, 30s." placeholder:"DURATION"`
	Output  string   `short:"o" help:"Print as ${enum}; auto is a chart of a range on a terminal and a table otherwise." enum:"auto,table,json,csv,chart" default:"auto"`
	Watch   span     `help:"Ask again every so often until Ctrl-C, such as 5s; times relative to now move along." placeholder:"DURATION"`
	With    []string `help:"Draw around a range: baseline (four weeks' band) or forecast (beyond now); may be repeated." enum:"baseline,forecast" placeholder:"WHAT"`
	Expect  string   `help:"End with code 4 unless the answer has some data or none: for scripts." enum:",some,none" default:"" placeholder:"some|none"`

	target `embed:""`
}

// Help is what --help prints below the summary.
func (queryCommand) Help() string {
	return `Examples:
  tidemark query 'topk(5, cpu_usage_user)'
  tidemark query '{service="checkout", level="error"} |= "timeout"' --start -6d --limit 20
  tidemark query 'rate(http_errors_total{service="checkout"}[5m])' --start -6d --step 30m
  tidemark query 'time_to(disk_used_percent{host="db-ap-1", path="/data"}[4w], 100)'
  tidemark query 'forecast(cpu_usage_user{host="web-eu-1"}[4w], h="1d")' --output chart
  tidemark query 'cpu_usage_user{host="web-eu-1"}' --start -2d --with baseline
  tidemark query 'topk(5, cpu_usage_user)' --watch 5s
  tidemark query 'time_to(disk_used_percent[4w], 100) < 86400' --expect none || page-someone
  tidemark query --data ./tidemark-data 'up' --output json

Without --start the query is an instant one. Times are UTC. Warnings go to standard error.`
}

// dialects by name.
var dialects = map[string]ast.Dialect{"native": ast.Native, "promql": ast.PromQL, "logql": ast.LogQL}

// Run asks and prints, once or again and again.
func (q *queryCommand) Run(c *console) error {
	if _, err := q.request(c, time.Now()); err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	return q.with(func(s source) error {
		if q.Watch == 0 {
			return q.once(ctx, c, s)
		}
		return watch(ctx, c, time.Duration(q.Watch), func(c *console) error { return q.once(ctx, c, s) })
	})
}

// once asks and prints.
func (q *queryCommand) once(ctx context.Context, c *console, s source) error {
	req, err := q.request(c, time.Now())
	if err != nil {
		return err
	}
	res, err := s.Query(ctx, req)
	if err != nil {
		return showQueryError(c.err, req.Text, err)
	}
	if err := q.overlay(ctx, s, req, res); err != nil {
		return err
	}
	tell(c, res)
	if err := render.Write(c.out, q.format(c, res), res, chartOptions(c)); err != nil {
		return err
	}
	return expected(q.Expect, render.Empty(res))
}

// tell prints warnings and notes.
func tell(c *console, res *query.Result) {
	for _, w := range res.Warnings {
		fmt.Fprintf(c.err, "warning: %s\n", w)
	}
	for _, w := range res.Infos {
		fmt.Fprintf(c.err, "note: %s\n", w)
	}
}

// expected compares an answer with what --expect says.
func expected(expect string, empty bool) error {
	if expect == "some" && empty || expect == "none" && !empty {
		return errUnexpected
	}
	return nil
}

// request checks the flags.
func (q *queryCommand) request(c *console, now time.Time) (query.Request, error) {
	r := query.Request{Dialect: dialects[q.Dialect], Instant: q.Start == "",
		Limit: q.Limit, Timeout: time.Duration(q.Timeout), Direction: model.Backward}
	if q.Forward {
		r.Direction = model.Forward
	}
	if q.Limit < 0 {
		return r, usage("--limit %d: want a positive number", q.Limit)
	}
	if q.text == "" {
		q.text = q.Expr
	}
	if q.text == "-" {
		text, err := io.ReadAll(io.LimitReader(c.in, 1<<20))
		if err != nil {
			return r, fmt.Errorf("read the query: %w", err)
		}
		q.text = string(text)
	}
	r.Text = q.text
	if strings.TrimSpace(r.Text) == "" {
		return r, usage("the query is empty")
	}
	var err error
	if r.Instant {
		if q.Step != 0 {
			return r, usage("--step is for range queries: give --start too")
		}
		r.End = now
		if q.Time != "" {
			r.End, err = parseTime(q.Time, now)
		}
		return r, err
	}
	if r.Start, err = parseTime(q.Start, now); err != nil {
		return r, err
	}
	if r.End, err = parseTime(q.End, now); err != nil {
		return r, err
	}
	if !r.Start.Before(r.End) {
		return r, usage("--start %s is not before --end %s", r.Start.UTC().Format(time.RFC3339), r.End.UTC().Format(time.RFC3339))
	}
	r.Step = time.Duration(q.Step)
	if r.Step == 0 {
		r.Step = stepFor(r.End.Sub(r.Start))
	}
	return r, nil
}

// stepFor returns a round step that divides a range into about 240, and not
// less than a second.
func stepFor(d time.Duration) time.Duration {
	want := d / 240
	for _, s := range []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour} {
		if want <= s {
			return s
		}
	}
	return want.Round(24*time.Hour) + 24*time.Hour
}

func (q *queryCommand) format(c *console, res *query.Result) render.Format {
	if q.Output != "auto" {
		return render.Format(q.Output)
	}
	if isTerminal(c.out) && (res.Kind == query.KindMatrix || res.Kind == query.KindScalar && len(res.Points) > 1) {
		return render.Chart
	}
	return render.Table
}

// chartOptions fit a chart into the terminal; elsewhere there is no colour.
func chartOptions(c *console) render.Options {
	width, height := terminalSize(c.out)
	o := render.Options{Width: width, Color: isTerminal(c.out)}
	if height > 0 {
		o.Height = min(max(height-14, 8), 30)
	}
	return o
}

// showQueryError prints an error of the query's text under the line it is in,
// and returns an error that was told; others are returned as they are.
func showQueryError(w io.Writer, text string, err error) error {
	var e *ast.Error
	if !errors.As(err, &e) {
		return err
	}
	fmt.Fprintf(w, "tidemark: %v\n", e)
	lines := strings.Split(text, "\n")
	if e.Pos.Line < 1 || e.Pos.Line > len(lines) {
		return &toldError{err}
	}
	line := []rune(lines[e.Pos.Line-1])
	col := min(max(e.Pos.Column-1, 0), len(line))
	// A long line is shown around the place.
	from, to := 0, len(line)
	if to > 110 {
		from = max(0, col-60)
		to = min(to, from+110)
	}
	pad := make([]rune, col-from)
	for i := range pad {
		pad[i] = ' '
		if line[from+i] == '\t' {
			pad[i] = '\t'
		}
	}
	marks := max(1, min(len([]rune(e.Token)), len(line)-col))
	if strings.Contains(e.Token, "\n") {
		marks = 1
	}
	fmt.Fprintf(w, "  %s\n  %s%s\n", string(line[from:to]), string(pad), strings.Repeat("^", marks))
	return &toldError{err}
}
