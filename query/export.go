package query

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"tidemark/query/parse"
	"tidemark/storage/model"
)

// ExportRequest asks for what is stored, as it is stored: no steps, no
// lookback, no limit.
type ExportRequest struct {
	// Match are selectors; those that name a metric (or have a matcher of
	// __name__) mean series, others log streams. What several select is
	// exported as often.
	Match []string
	// Start and End bound the time, both inclusive; zero means unbounded.
	Start, End time.Time
	// Enforce is added to the matchers of every selector.
	Enforce []*model.Matcher
}

// Export streams samples and log rows of one cut of the store: series one by
// one, each whole and ascending in time, and log rows in blocks, oldest
// partition first, with their fields by name. The callbacks are never called concurrently; an error of
// one ends the export and is returned. It takes a slot as a query does, is
// listed and can be cancelled as one, but has no deadline: it is as slow as
// who reads it. Memory holds one series, or one block.
func (e *Engine) Export(ctx context.Context, req ExportRequest, series func(*model.Series) error, rows func(*model.RowBlock) error) error {
	selectors, mint, maxt, err := req.resolve()
	if err != nil {
		return err
	}
	ctx, run, end := e.active.begin(ctx, &Request{Text: "export " + strings.Join(req.Match, " ")}, e.opts.Now())
	defer end()
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	case <-ctx.Done():
		return contextError(ctx.Err(), "queue")
	}
	run.waiting.Store(false)
	view, err := e.src.View()
	if err != nil {
		return err
	}
	defer view.Close()
	for _, ms := range selectors {
		if namesMetric(ms) {
			err = view.Samples(ctx, model.SampleSelection{Matchers: ms, Mint: mint, Maxt: maxt}, series)
		} else {
			err = view.Rows(ctx, model.RowSelection{Matchers: ms, Mint: mint, Maxt: maxt, Direction: model.Forward, AllFields: true}, func(b *model.RowBlock) error {
				slices.SortFunc(b.Columns, func(a, b model.RowColumn) int { return strings.Compare(a.Name, b.Name) })
				return rows(b)
			})
		}
		if err != nil {
			if ctx.Err() != nil {
				err = contextError(ctx.Err(), "export")
			}
			return err
		}
	}
	return nil
}

// CheckExport says what is wrong with a request, as Export does, without
// reading anything.
func CheckExport(req ExportRequest) error {
	_, _, _, err := req.resolve()
	return err
}

// resolve reads the selectors and the times.
func (req *ExportRequest) resolve() (selectors [][]*model.Matcher, mint, maxt int64, err error) {
	mint, maxt = math.MinInt64, math.MaxInt64
	if len(req.Match) == 0 {
		return nil, mint, maxt, badRequest("match[]: want at least one selector")
	}
	if !req.Start.IsZero() {
		mint = nanos(req.Start)
	}
	if !req.End.IsZero() {
		maxt = nanos(req.End)
	}
	if mint > maxt {
		return nil, mint, maxt, badRequest("end: want a time not before start %s, got %s", req.Start.UTC().Format(time.RFC3339Nano), req.End.UTC().Format(time.RFC3339Nano))
	}
	for _, text := range req.Match {
		ms, err := parse.ParseSelector(text)
		if err != nil {
			return nil, mint, maxt, err
		}
		selectors = append(selectors, append(ms, req.Enforce...))
	}
	return selectors, mint, maxt, nil
}

// namesMetric reports whether matchers select series.
func namesMetric(ms []*model.Matcher) bool {
	for _, m := range ms {
		if m.Name == model.MetricName {
			return true
		}
	}
	return false
}
