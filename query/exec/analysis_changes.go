package exec

import (
	"context"
	"strconv"
	"time"

	"tidemark/query/analysis"
	"tidemark/storage/model"
)

// evalChangePoints answers change_points(v[w], …): a table with a row per
// change.
func (ev *evaluator) evalChangePoints(ctx context.Context, a *analysisCall) (*Analysis, error) {
	v := a.arg("v")
	win, err := ev.rangeWindows(v, a.grid)
	a.keep(err)
	opts := analysis.ChangeOptions{Max: int(a.number("max", 20, 1, 10_000)), Spikes: a.flag("spikes"), Seasons: a.seasons()}
	res := a.span("res", 0, time.Millisecond)
	if a.err != nil {
		return nil, a.err
	}
	from, to := win.Bounds(0)
	type found struct {
		changes []analysis.Change
		why     error
	}
	work := func(_ context.Context, s *Samples) (f found, err error) {
		res := res
		if res == 0 {
			res = analysis.ChangeResolution(s.Times, from, to)
		}
		if f.changes, err = analysis.ChangePoints(s.Times, s.Values, from, to, res, opts); err != nil {
			f.why, err = a.short(err)
		}
		return f, err
	}
	ans := &Analysis{}
	err = eachSeries(ctx, a, v, from, to, work, func(s *Samples, f found) error {
		a.missing.add(s.Labels, f.why)
		for _, c := range f.changes {
			ls := dropName(s.Labels).With("type", string(c.Type)).With("at", formatTime(c.At)).With("p", formatP(c.P))
			if err := a.row(ans, ls, c.Effect); err != nil {
				return err
			}
		}
		return nil
	})
	return ans, err
}

// row adds a row to a table.
func (a *analysisCall) row(ans *Analysis, ls model.Labels, v float64) error {
	c := NewColumn(ls, 1)
	c.Set(0, v)
	return a.emit(ans, Windows{}, c)
}

// formatTime prints milliseconds as tables do: RFC 3339 in UTC.
func formatTime(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano) }

// formatP prints a probability with three digits.
func formatP(p float64) string { return strconv.FormatFloat(p, 'g', 3, 64) }
