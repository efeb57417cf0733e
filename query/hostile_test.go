package query_test

import (
	"context"
	"math"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/query/ast"
)

// TestExtremesDoNotPanic asks for times, ranges and arguments at the edges of
// what can be written; answers may be errors, but must be answers.
func TestExtremesDoNotPanic(t *testing.T) {
	e := query.NewEngine(sampleSource(), query.Options{MaxSamples: 1e6})
	texts := []string{
		`hits_total @ 9e15`, `hits_total @ -9e15`, `rate(hits_total[5m] @ 9e15)`, `hits_total offset 290y`, `hits_total offset -290y`,
		`rate(hits_total[290y])`, `max_over_time(hits_total[290y:290y])`, `max_over_time(hits_total[290y:1ms])`,
		`count_over_time({app="api"}[290y])`, `count_over_time({app="api"}[5m] offset 290y)`, `count_over_time({app="api"}[1ms] offset -290y)`,
		`sum_over_time({app="api"} | logfmt | unwrap ms [290y])`, `absent_over_time({app="api"}[290y])`,
		`topk(1e300, hits_total)`, `topk(-5, hits_total)`, `limitk(1e18, hits_total)`, `quantile(Inf, hits_total)`,
		`histogram_quantile(NaN, hits_total)`, `hour(vector(1e300))`, `hour(vector(NaN))`, `round(hits_total, 0)`, `clamp(hits_total, Inf, -Inf)`,
		`predict_linear(hits_total[5m], 1e308)`, `label_join(hits_total, "a", "")`, `count_values("v", hits_total)`, `{app="api"} @ 9e15`,
		`limit_ratio(-1, hits_total)`, `sort_desc(hits_total)`, `hits_total % 0`, `vector(0) / 0`, `{app="api"} offset -290y`,
	}
	times := []time.Time{time.Unix(1800, 0), time.Unix(0, 0), time.Unix(-1, 1), time.Unix(math.MaxInt32*1000, 0), time.Unix(math.MinInt64/4, 0), time.Unix(math.MaxInt64/4, 0)}
	for _, text := range texts {
		for _, at := range times {
			for _, d := range []ast.Dialect{ast.Native, ast.PromQL, ast.LogQL} {
				for _, req := range []query.Request{
					{Text: text, Dialect: d, Instant: true, End: at},
					{Text: text, Dialect: d, Start: at, End: at.Add(3 * time.Hour), Step: time.Hour},
				} {
					if _, err := e.Query(context.Background(), req); err == nil {
						continue
					} else if err.Error() == "" {
						t.Errorf("%s at %s: an error without a text", text, at)
					}
				}
			}
		}
	}
}
