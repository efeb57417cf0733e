package exec

import (
	"context"
	"math"
	"time"

	"tidemark/query/plan"
)

// dateFuncs are functions of a time in seconds, in UTC.
var dateFuncs = map[string]func(time.Time) float64{
	"minute":       func(t time.Time) float64 { return float64(t.Minute()) },
	"hour":         func(t time.Time) float64 { return float64(t.Hour()) },
	"day_of_week":  func(t time.Time) float64 { return float64(t.Weekday()) },
	"day_of_month": func(t time.Time) float64 { return float64(t.Day()) },
	"day_of_year":  func(t time.Time) float64 { return float64(t.YearDay()) },
	"month":        func(t time.Time) float64 { return float64(t.Month()) },
	"year":         func(t time.Time) float64 { return float64(t.Year()) },
	"days_in_month": func(t time.Time) float64 {
		return float64(time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day())
	},
}

func applyDate(f func(time.Time) float64) vectorFunc {
	at := func(seconds float64) float64 {
		if !(math.Abs(seconds) < 1e15) { // NaN and times that no calendar has
			return math.NaN()
		}
		return f(time.Unix(int64(seconds), 0).UTC())
	}
	return func(ev *evaluator, ctx context.Context, call *plan.Call, g Grid, emit func(*Column) error) error {
		if len(call.Args) > 0 && call.Args[0] != nil {
			return ev.mapped(ctx, call.Args[0], g, func(c *Column) {
				for i, v := range c.Values {
					c.Values[i] = at(v)
				}
			}, emit)
		}
		col, err := ev.newColumn(nil, g.Len())
		if err != nil {
			return err
		}
		for i := range g.Len() {
			col.Set(i, at(float64(floorDiv(g.At(i), 1000))))
		}
		return emit(col)
	}
}
