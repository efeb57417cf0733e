package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"tidemark/cmd/tidemark/internal/render"
	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/storage"
	"tidemark/storage/model"
)

// queryCommand asks one question.
type queryCommand struct {
	Expr string `arg:"" help:"The query; - reads it from standard input."`

	Time    string `help:"Time of an instant query: now, -6h, RFC 3339 or Unix seconds; by default now." placeholder:"TIME" xor:"range"`
	Start   string `help:"Begin of a range query." placeholder:"TIME" xor:"range"`
	End     string `help:"End of a range query; it may lie in the future (default ${default})." default:"now" placeholder:"TIME"`
	Step    span   `help:"Step of a range query; by default about 240 of them." placeholder:"DURATION"`
	Dialect string `help:"How to read the query: ${enum}." enum:"native,promql,logql" default:"native"`
	Limit   int    `help:"Log rows at most; by default 100." placeholder:"N"`
	Forward bool   `help:"Show the oldest log rows first, not the newest."`
	Timeout span   `help:"Give up after this long; by default after what the server sets, 30s." placeholder:"DURATION"`
	Output  string `short:"o" help:"Print as ${enum}; auto is a chart of a range on a terminal and a table otherwise." enum:"auto,table,json,csv,chart" default:"auto"`

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
  tidemark query --data ./tidemark-data 'up' --output json

Without --start the query is an instant one. Times are UTC.
Warnings go to standard error. Exit codes: 0 answered, 1 an error, 2 wrong usage.`
}

// dialects by name.
var dialects = map[string]ast.Dialect{"native": ast.Native, "promql": ast.PromQL, "logql": ast.LogQL}

// Run asks and prints.
func (q *queryCommand) Run(c *console) error {
	req, err := q.request(c, time.Now())
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	res, err := q.ask(ctx, req)
	if err != nil {
		return showQueryError(c.err, req.Text, err)
	}
	for _, w := range res.Warnings {
		fmt.Fprintf(c.err, "warning: %s\n", w)
	}
	for _, w := range res.Infos {
		fmt.Fprintf(c.err, "note: %s\n", w)
	}
	return render.Write(c.out, q.format(c, res), res, chartOptions(c))
}

// request checks the flags.
func (q *queryCommand) request(c *console, now time.Time) (query.Request, error) {
	r := query.Request{Text: q.Expr, Dialect: dialects[q.Dialect], Instant: q.Start == "",
		Limit: q.Limit, Timeout: time.Duration(q.Timeout), Direction: model.Backward}
	if q.Forward {
		r.Direction = model.Forward
	}
	if q.Limit < 0 {
		return r, usage("--limit %d: want a positive number", q.Limit)
	}
	if q.Expr == "-" {
		text, err := io.ReadAll(io.LimitReader(c.in, 1<<20))
		if err != nil {
			return r, fmt.Errorf("read the query: %w", err)
		}
		r.Text = string(text)
	}
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

// ask puts the question to the server or the folder.
func (q *queryCommand) ask(ctx context.Context, req query.Request) (*query.Result, error) {
	if q.Data == "" {
		cl, err := q.client()
		if err != nil {
			return nil, err
		}
		return cl.query(ctx, req)
	}
	db, err := q.openFolder(storage.Options{}, false)
	if err != nil {
		return nil, err
	}
	opts := query.Options{}
	if req.Timeout > 0 {
		opts.MaxTimeout = req.Timeout
	}
	res, err := query.NewEngine(db, opts).Query(ctx, req)
	return res, errors.Join(err, db.Close())
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
