package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidemark/cmd/tidemark/internal/render"
	"tidemark/storage/model"
)

// capacityCommand lists what fills up, the soonest first.
type capacityCommand struct {
	Resources []string `arg:"" optional:"" name:"resource" help:"What fills, and its limit: disk_used_percent=100. By default every metric whose name ends in _used_percent (100) or _used_ratio, _usage_ratio, _utilization_ratio (1)."`

	Before  string `help:"The day in question: how likely each is full by then, and what it takes (default: in 90 days)." placeholder:"TIME" default:"+90d"`
	History span   `help:"How much of the past to learn from (default ${default})." default:"4w" placeholder:"DURATION"`
	All     bool   `help:"List also what does not fill within a year."`
	Expect  string `help:"End with code 4 unless some or none fill before the day in question more likely than not: for scripts." enum:",some,none" default:"" placeholder:"some|none"`

	recordsOutput `embed:""`
	target        `embed:""`
}

// Help is what --help prints below the summary.
func (capacityCommand) Help() string {
	return `Examples:
  tidemark capacity
  tidemark capacity 'disk_used_percent{role="db"}=100' --before 2026-12-31
  tidemark capacity --output csv > capacity.csv
  tidemark capacity --before +14d --expect none || order-disks

FULL is the middle of the forecast; in eight of ten cases the day lies between EARLY and LATE. P is the
probability of being full by the day in question, and NEED by how much the resource must grow for the
upper tenth of the forecasts to fit until then: 1.3 means 1.3 times the size it has.`
}

// resource is something that fills up to a limit.
type resource struct {
	query string
	limit float64
}

// parseResource reads QUERY=LIMIT.
func parseResource(text string) (resource, error) {
	at := strings.LastIndexByte(text, '=')
	if at > 0 {
		if limit, err := strconv.ParseFloat(strings.TrimSpace(text[at+1:]), 64); err == nil && !math.IsNaN(limit) && !math.IsInf(limit, 0) {
			return resource{strings.TrimSpace(text[:at]), limit}, nil
		}
	}
	return resource{}, usage("resource %q: want a query, = and its limit, such as disk_used_percent=100", text)
}

// fills are the endings of names of metrics that fill, with their limits.
var fills = []struct {
	suffix string
	limit  float64
}{{"_used_percent", 100}, {"_used_ratio", 1}, {"_usage_ratio", 1}, {"_utilization_ratio", 1}, {"_utilisation_ratio", 1}}

// guessResources finds metrics whose names say that they fill.
func guessResources(names []string) []resource {
	var out []resource
	for _, n := range names {
		for _, f := range fills {
			if strings.HasSuffix(n, f.suffix) {
				out = append(out, resource{n, f.limit})
				break
			}
		}
	}
	return out
}

// reaching is when one series of a resource reaches its limit. Times are
// seconds from now, infinite where it is never.
type reaching struct {
	resource
	labels              model.Labels
	now                 float64
	early, middle, late float64
	probability         float64 // of reaching it within the time in question
	top                 float64 // upper tenth of the forecasts at that time
}

// need is the factor by which a resource must grow.
func (r *reaching) need() float64 {
	if math.IsNaN(r.top) || r.limit == 0 {
		return math.NaN()
	}
	return max(1, r.top/r.limit)
}

// reach asks when the series of a resource reach its limit.
func reach(ctx context.Context, s source, r resource, learn, within time.Duration, at time.Time) ([]reaching, error) {
	window := history(r.query, seconds(learn))
	rows := map[string]*reaching{}
	ask := func(text string, use func(*reaching, model.Labels, float64)) error {
		res, err := instant(ctx, s, text, at)
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		for i := range res.Series {
			ls := res.Series[i].Labels
			k := bare(ls).Key()
			if rows[k] == nil {
				nan, never := math.NaN(), math.Inf(1)
				rows[k] = &reaching{resource: r, labels: bare(ls), now: nan, early: never, middle: never, late: never, probability: nan, top: nan}
			}
			if ps := res.Series[i].Points; len(ps) > 0 {
				use(rows[k], ls, ps[len(ps)-1].V)
			}
		}
		return nil
	}
	limit := strconv.FormatFloat(r.limit, 'g', -1, 64)
	if err := ask(fmt.Sprintf("time_to(%s, %s, q=%s)", window, limit, quantiles), func(x *reaching, ls model.Labels, v float64) {
		switch ls.Get("q") {
		case "0.1":
			x.early = v
		case "0.5":
			x.middle = v
		case "0.9":
			x.late = v
		}
	}); err != nil {
		return nil, err
	}
	if err := ask(fmt.Sprintf("p_breach(%s, %s, %s)", window, limit, seconds(within)), func(x *reaching, _ model.Labels, v float64) { x.probability = v }); err != nil {
		return nil, err
	}
	if err := ask(fmt.Sprintf("forecast_at(%s, %s, q=0.9)", window, seconds(within)), func(x *reaching, _ model.Labels, v float64) { x.top = v }); err != nil {
		return nil, err
	}
	if err := ask(r.query, func(x *reaching, _ model.Labels, v float64) { x.now = v }); err != nil {
		return nil, err
	}
	out := make([]reaching, 0, len(rows))
	for _, x := range rows {
		out = append(out, *x)
	}
	sortReaching(out)
	return out, nil
}

// sortReaching puts the soonest first.
func sortReaching(rows []reaching) {
	slices.SortFunc(rows, func(a, b reaching) int {
		return cmp.Or(cmp.Compare(a.middle, b.middle), cmp.Compare(a.early, b.early), -cmp.Compare(a.probability, b.probability),
			strings.Compare(a.query, b.query), strings.Compare(a.labels.String(), b.labels.String()))
	})
}

// Run asks and prints.
func (k *capacityCommand) Run(c *console) error {
	now := time.Now()
	before, err := parseTime(k.Before, now)
	if err != nil {
		return err
	}
	if !before.After(now) {
		return usage("--before %s lies in the past", before.UTC().Format(time.RFC3339))
	}
	var list []resource
	for _, text := range k.Resources {
		r, err := parseResource(text)
		if err != nil {
			return err
		}
		list = append(list, r)
	}
	ctx, stop := interruptible()
	defer stop()
	return k.with(func(s source) error {
		if len(list) == 0 {
			names, err := metricNames(ctx, s, now)
			if err != nil {
				return err
			}
			if list = guessResources(names); len(list) == 0 {
				return fmt.Errorf("no metric's name says that it fills up: name one, such as disk_used=500e9")
			}
		}
		bar := newProgress(c.err, "forecasting", false)
		defer bar.end()
		var rows []reaching
		for i, r := range list {
			bar.set(int64(i), int64(len(list)))
			more, err := reach(ctx, s, r, time.Duration(k.History), before.Sub(now), now)
			if err != nil {
				return err
			}
			rows = append(rows, more...)
		}
		bar.end()
		sortReaching(rows)
		likely := false
		for i := range rows {
			likely = likely || rows[i].probability > 0.5
		}
		if err := k.write(c, k.records(rows, now)); err != nil {
			return err
		}
		return expected(k.Expect, !likely)
	})
}

// records are the rows that fill, or all of them.
func (k *capacityCommand) records(rows []reaching, now time.Time) *render.Records {
	if !k.All {
		rows = slices.DeleteFunc(slices.Clone(rows), func(r reaching) bool { return math.IsInf(r.early, 1) && !(r.probability > 0.05) })
	}
	names := []string{}
	for i := range rows {
		for _, l := range rows[i].labels {
			if !slices.Contains(names, l.Name) {
				names = append(names, l.Name)
			}
		}
	}
	slices.Sort(names)
	out := &render.Records{Empty: "nothing fills up within a year"}
	out.Columns = slices.Concat([]string{"resource"}, names, []string{"now", "limit", "headroom", "early", "full", "late", "p", "need"})
	figure := func(v float64) any {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return v
	}
	date := func(v float64) any {
		if math.IsInf(v, 0) {
			return nil
		}
		return dateIn(now, v)
	}
	for i := range rows {
		r := &rows[i]
		row := []any{r.query}
		for _, n := range names {
			row = append(row, r.labels.Get(n))
		}
		out.Rows = append(out.Rows, append(row, figure(r.now), figure(r.limit), figure(r.limit-r.now),
			date(r.early), date(r.middle), date(r.late), figure(math.Round(r.probability*100)/100), figure(math.Round(r.need()*100)/100)))
	}
	return out
}
