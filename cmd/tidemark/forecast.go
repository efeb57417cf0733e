package main

import (
	"fmt"
	"math"
	"time"

	"tidemark/cmd/tidemark/internal/render"
	"tidemark/query"
	"tidemark/storage/model"
)

// forecastCommand shows where numbers go.
type forecastCommand struct {
	Expr string `arg:"" help:"What to forecast, such as 'disk_used_percent{host=\"db-ap-1\"}'."`

	Horizon   span     `help:"How far ahead (default ${default})." default:"30d" placeholder:"DURATION"`
	History   span     `help:"How much of the past to learn from (default ${default})." default:"8w" placeholder:"DURATION"`
	Threshold *float64 `help:"A limit: say when it is reached, and how likely within the horizon." placeholder:"VALUE"`
	Time      string   `help:"When the forecast is made (default ${default})." default:"now" placeholder:"TIME"`
	Output    string   `short:"o" help:"Print as ${enum}: the chart has the past, too; the table has the future by day." enum:"table,json,csv,chart" default:"chart"`

	target `embed:""`
}

// Help is what --help prints below the summary.
func (forecastCommand) Help() string {
	return `Examples:
  tidemark forecast 'disk_used_percent{host="db-ap-1", path="/data"}' --threshold 100
  tidemark forecast 'sum(rate(http_requests_total[5m]))' --horizon 2w --output csv

The shaded fan holds eight of ten futures; the line is their middle.`
}

// quantiles of a fan and of dates.
const quantiles = "(0.1, 0.5, 0.9)"

// Run asks and prints.
func (f *forecastCommand) Run(c *console) error {
	now, err := parseTime(f.Time, time.Now())
	if err != nil {
		return err
	}
	if f.Horizon < span(time.Minute) || f.History < span(time.Minute) {
		return usage("--horizon %s --history %s: want a minute or more", time.Duration(f.Horizon), time.Duration(f.History))
	}
	ctx, stop := interruptible()
	defer stop()
	window := history(f.Expr, seconds(time.Duration(f.History)))
	horizon := time.Duration(f.Horizon)
	return f.with(func(s source) error {
		text := fmt.Sprintf("forecast(%s, h=%q, q=%s)", window, seconds(horizon), quantiles)
		if f.Output == "table" {
			text = fmt.Sprintf("forecast(%s, h=%q, q=%s, step=%q)", window, seconds(horizon), quantiles, seconds(max(horizon/30, time.Minute)))
		}
		res, err := instant(ctx, s, text, now)
		if err != nil {
			return showQueryError(c.err, text, err)
		}
		tell(c, res)
		if f.Output == "chart" {
			past, err := s.Query(ctx, query.Request{Text: f.Expr, Start: now.Add(-min(horizon, time.Duration(f.History))), End: now, Step: stepFor(2 * horizon), Timeout: longTimeout})
			if err != nil {
				return showQueryError(c.err, f.Expr, err)
			}
			res.Series = append(past.Series, res.Series...)
		}
		if err := render.Write(c.out, render.Format(f.Output), res, chartOptions(c)); err != nil {
			return err
		}
		if f.Threshold == nil || f.Output == "json" || f.Output == "csv" {
			return nil
		}
		rows, err := reach(ctx, s, resource{f.Expr, *f.Threshold}, time.Duration(f.History), horizon, now)
		if err != nil {
			return err
		}
		for i := range rows {
			fmt.Fprintln(c.out, rows[i].sentence(now, horizon))
		}
		return nil
	})
}

// sentence says in words when a limit is reached.
func (r *reaching) sentence(now time.Time, horizon time.Duration) string {
	name := r.labels.String()
	if len(r.labels) == 0 {
		name = r.query
	}
	chance := ""
	if !math.IsNaN(r.probability) {
		chance = fmt.Sprintf("; within %s with a probability of %.0f %%", printSpan(horizon), 100*r.probability)
	}
	if math.IsInf(r.middle, 1) {
		return fmt.Sprintf("%s: %v is not reached within a year%s", name, r.limit, chance)
	}
	return fmt.Sprintf("%s: %v is reached on %s, in eight of ten cases between %s and %s%s", name, r.limit,
		dateIn(now, r.middle), dateIn(now, r.early), dateIn(now, r.late), chance)
}

// dateIn is the day so many seconds from now, or "never" for an infinity.
func dateIn(now time.Time, seconds float64) string {
	if math.IsInf(seconds, 0) || math.IsNaN(seconds) {
		return "never"
	}
	return now.Add(time.Duration(seconds * float64(time.Second))).UTC().Format(time.DateOnly)
}

// printSpan prints a duration in days where it has whole ones.
func printSpan(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		if d == day {
			return "1 day"
		}
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}

// bare is labels without those that a function or a metric's name added.
func bare(ls model.Labels) model.Labels { return ls.Without(model.MetricName, "q") }
