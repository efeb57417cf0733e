package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tidemark/cmd/tidemark/internal/render"
	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/storage/model"
)

// logsCommand reads log rows.
type logsCommand struct {
	Expr string `arg:"" help:"A log query, such as '{service=\"checkout\"} |= \"timeout\"'."`

	Start    string `help:"Begin of the time to read (default ${default})." default:"-1h" placeholder:"TIME"`
	End      string `help:"Its end (default ${default})." default:"now" placeholder:"TIME"`
	Limit    int    `short:"n" help:"Rows at most: the newest ones, shown oldest first (default ${default})." default:"100" placeholder:"N"`
	Forward  bool   `help:"Take the oldest rows, not the newest."`
	Follow   bool   `short:"f" help:"Go on with every row that arrives, until Ctrl-C." xor:"mode"`
	Context  int    `short:"C" help:"Show so many lines before and after each hit in its stream, too." placeholder:"N"`
	Patterns bool   `help:"Show what kinds of lines there are in place of the lines: counts, course, and what is new or gone." xor:"mode"`
	Output   string `short:"o" help:"Print as ${enum}; a chart is the number of rows over time by level." enum:"table,json,csv,chart" default:"table"`
	Expect   string `help:"End with code 4 unless the answer has some rows or none: for scripts." enum:",some,none" default:"" placeholder:"some|none"`

	target `embed:""`
}

// Help is what --help prints below the summary.
func (logsCommand) Help() string {
	return `Examples:
  tidemark logs '{service="checkout", level="error"}' --start -6d -n 20
  tidemark logs '{service="checkout"}' --follow
  tidemark logs '{host="db-eu-1"} |= "nvme"' --start -6d --forward
  tidemark logs '{service="postgres"} |= "FATAL"' --start -6d -C 3
  tidemark logs '{service="checkout"}' --start -6h --patterns
  tidemark logs '{service=~".+"}' --start -1d --output chart

With --follow and --output json each row is one line of JSON.`
}

// span reads and checks the time to read.
func (l *logsCommand) span(now time.Time) (start, end time.Time, err error) {
	return timeSpan(l.Start, l.End, now)
}

// timeSpan reads the flags --start and --end.
func timeSpan(from, to string, now time.Time) (start, end time.Time, err error) {
	if start, err = parseTime(from, now); err != nil {
		return start, end, err
	}
	if end, err = parseTime(to, now); err != nil {
		return start, end, err
	}
	if !start.Before(end) {
		return start, end, usage("--start %s is not before --end %s", start.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339))
	}
	return start, end, nil
}

// Run reads, follows or counts.
func (l *logsCommand) Run(c *console) error {
	start, end, err := l.span(time.Now())
	if err != nil {
		return err
	}
	switch {
	case l.Limit < 1:
		return usage("--limit %d: want 1 or more", l.Limit)
	case l.Context < 0 || l.Context > 0 && (l.Follow || l.Patterns || l.Output == "chart"):
		return usage("--context %d: want a number of lines, and rows to show it around", l.Context)
	}
	ctx, stop := interruptible()
	defer stop()
	if l.Follow {
		return l.follow(ctx, c, start)
	}
	return l.with(func(s source) error {
		switch {
		case l.Patterns:
			return l.patterns(ctx, c, s, start, end)
		case l.Output == "chart":
			return l.volume(ctx, c, s, start, end)
		}
		return l.rows(ctx, c, s, start, end)
	})
}

// rows prints the newest rows, or the oldest, in order of time.
func (l *logsCommand) rows(ctx context.Context, c *console, s source, start, end time.Time) error {
	req := query.Request{Text: l.Expr, Start: start, End: end, Step: end.Sub(start),
		Limit: l.Limit, Direction: model.Backward, Timeout: longTimeout}
	if l.Context > 0 {
		req.Text = fmt.Sprintf("%s | stream_context before %d after %d", l.Expr, l.Context, l.Context)
	}
	if l.Forward {
		req.Direction = model.Forward
	}
	res, err := s.Query(ctx, req)
	if err != nil {
		return showQueryError(c.err, l.Expr, err)
	}
	if res.Kind != query.KindStreams {
		return usage("%s answers with numbers, not log rows: ask it with tidemark query", l.Expr)
	}
	if !l.Forward {
		for i := range res.Streams {
			slices.Reverse(res.Streams[i].Entries)
		}
	}
	tell(c, res)
	if err := render.Write(c.out, render.Format(l.Output), res, render.Options{}); err != nil {
		return err
	}
	return expected(l.Expect, render.Empty(res))
}

// volume draws the number of rows over time by level.
func (l *logsCommand) volume(ctx context.Context, c *console, s source, start, end time.Time) error {
	step := stepFor(end.Sub(start))
	text := fmt.Sprintf("sum by (detected_level) (count_over_time(%s [%s]))", l.Expr, seconds(step))
	res, err := s.Query(ctx, query.Request{Text: text, Dialect: ast.LogQL, Start: start, End: end, Step: step, Timeout: longTimeout})
	if err != nil {
		return showQueryError(c.err, text, err)
	}
	tell(c, res)
	if err := render.Write(c.out, render.Chart, res, chartOptions(c)); err != nil {
		return err
	}
	return expected(l.Expect, render.Empty(res))
}

// patternWindows is into how many windows the course of a pattern is cut.
const patternWindows = 24

// patternsShown bounds a table of patterns.
const patternsShown = 50

// patterns prints the kinds of lines with their counts.
func (l *logsCommand) patterns(ctx context.Context, c *console, s source, start, end time.Time) error {
	width := max(end.Sub(start).Truncate(time.Second), patternWindows*time.Second)
	step := (width / patternWindows).Truncate(time.Second)
	counts, err := s.Query(ctx, query.Request{
		Text: fmt.Sprintf("sum by (pattern, pattern_id) (pattern_count_over_time(logs(%s [%s])))", l.Expr, seconds(step)),
		// The windows end at the times of the answer and begin a step before.
		Start: end.Add(-step * (patternWindows - 1)), End: end, Step: step, Timeout: longTimeout})
	if err != nil {
		return showQueryError(c.err, l.Expr, err)
	}
	diff, err := instant(ctx, s, fmt.Sprintf("pattern_diff(logs(%s [%s]))", l.Expr, seconds(width)), end)
	if err != nil {
		return showQueryError(c.err, l.Expr, err)
	}
	tell(c, counts)
	if err := render.WriteRecords(c.out, render.Format(l.Output), patternRecords(counts, diff, end, step, l.Output == "table")); err != nil {
		return err
	}
	return expected(l.Expect, render.Empty(counts))
}

// patternRecords puts counts over time and the comparison with the time before
// together, the most frequent pattern first.
func patternRecords(counts, diff *query.Result, end time.Time, step time.Duration, table bool) *render.Records {
	type kind struct {
		pattern, status string
		count           float64
		course          []float64
	}
	var list []*kind
	by := map[string]*kind{}
	total := 0.0
	of := func(pattern string) *kind {
		k := by[pattern]
		if k == nil {
			k = &kind{pattern: pattern, course: make([]float64, patternWindows)}
			by[pattern] = k
			list = append(list, k)
		}
		return k
	}
	for i := range counts.Series {
		k := of(counts.Series[i].Labels.Get("pattern"))
		for _, p := range counts.Series[i].Points {
			at := patternWindows - 1 - int(math.Round(float64(end.UnixMilli()-p.T)/float64(step.Milliseconds())))
			if at >= 0 && at < patternWindows {
				k.course[at] += p.V
				k.count += p.V
				total += p.V
			}
		}
	}
	for i := range diff.Series {
		ls := diff.Series[i].Labels
		k := by[ls.Get("pattern")]
		if k == nil && ls.Get("status") == "gone" {
			k = of(ls.Get("pattern"))
		}
		if k != nil { // streams whose differences disagree: the first one's word
			k.status = firstOf(k.status, ls.Get("status"))
		}
	}
	slices.SortStableFunc(list, func(a, b *kind) int {
		switch {
		case a.count > b.count:
			return -1
		case a.count < b.count:
			return 1
		}
		return strings.Compare(a.pattern, b.pattern)
	})
	r := &render.Records{Columns: []string{"count", "share", "status", "over time", "pattern"}, Empty: "no rows"}
	for i, k := range list {
		if table && i == patternsShown {
			break
		}
		var share any
		if total > 0 {
			share = math.Round(1000*k.count/total) / 1000
		}
		r.Rows = append(r.Rows, []any{int64(k.count), share, k.status, render.Spark(k.course), k.pattern})
	}
	return r
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
