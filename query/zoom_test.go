package query_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/query/querytest"
	"tidemark/storage/model"
)

// ragged is a store with irregular times, gaps, resets, staleness markers,
// NaN and log rows with fields.
func ragged(rng *rand.Rand) *querytest.Source {
	src := querytest.NewSource()
	for _, host := range []string{"a", "b", "c"} {
		t, c := int64(0), 0.0
		for t < 3600e9 {
			t += rng.Int64N(40e9) + 1e6
			if rng.IntN(30) == 0 {
				t += 400e9
			}
			c += float64(rng.IntN(10))
			if rng.IntN(25) == 0 {
				c = 0
			}
			v := c
			switch rng.IntN(40) {
			case 0:
				v = math.NaN()
			case 1:
				v = math.Float64frombits(model.StaleNaNBits)
			}
			src.AddSample("c_total", model.FromStrings("host", host, "dc", "x"), t, model.Float(v))
			src.AddSample("g", model.FromStrings("host", host), t+rng.Int64N(5e9), model.Float(rng.NormFloat64()))
			for range rng.IntN(3) {
				src.AddRow(model.FromStrings("app", "api", "host", host), t+rng.Int64N(1e9), fmt.Sprintf("level=%s ms=%d", []string{"info", "error"}[rng.IntN(2)], rng.IntN(100)),
					map[string]model.Value{"status": model.Int(200 + 100*rng.Int64N(4))})
			}
		}
	}
	return src
}

// TestZoomChangesNothing holds every step of range queries against an instant
// query of that time.
func TestZoomChangesNothing(t *testing.T) {
	texts := []string{
		`c_total`, `g > 0`, `-g`, `rate(c_total[5m])`, `increase(c_total[90s])`, `delta(g[3m])`, `irate(c_total[2m])`, `resets(c_total[10m])`, `changes(g[10m])`,
		`sum_over_time(g[20m])`, `avg_over_time(g[20m])`, `min_over_time(g[20m])`, `max_over_time(c_total[20m])`, `stddev_over_time(g[5m])`,
		`quantile_over_time(0.9, g[5m])`, `last_over_time(c_total[1m])`, `count_over_time(c_total[7m])`, `deriv(g[5m])`, `predict_linear(g[5m], 60)`,
		`absent(c_total{host="a"})`, `absent_over_time(c_total{host="a"}[30s])`, `timestamp(g)`, `time() - timestamp(c_total)`,
		`sum by (dc) (rate(c_total[5m]))`, `avg(g)`, `topk(2, g)`, `bottomk by (host) (1, g)`, `quantile(0.5, g)`, `stddev(c_total)`, `count_values("v", round(g))`,
		`c_total / on(host) g`, `g and on(host) c_total > 5`, `g or c_total`, `c_total unless on(host) g > 0`, `sum(g) + scalar(sum(c_total))`,
		`max_over_time(rate(c_total[2m])[10m:30s])`, `sum_over_time(g[5m:7s] offset 1m)`, `c_total offset 3m`, `g offset -2m`, `g @ 1000`, `rate(c_total[5m] @ 2000)`,
		`count_over_time({app="api"}[3m])`, `rate({app="api"} |= "error" [90s])`, `sum by (level) (count_over_time({app="api"} | logfmt [5m]))`,
		`sum by (status) (bytes_over_time({app="api"}[5m]))`, `max_over_time({app="api"} | logfmt | unwrap ms [4m]) by (host)`,
		`sum_over_time({app="api"} | unwrap status [4m] offset 2m)`, `absent_over_time({app="api", host="b"}[20s])`,
		`sum(rate(c_total[5m])) / on() sum(count_over_time({app="api"}[5m]))`, `avg_over_time(count_over_time({app="api"}[1m])[5m:20s])`,
	}
	rng := rand.New(rand.NewPCG(1, 2))
	e := query.NewEngine(ragged(rng), query.Options{})
	for _, text := range texts {
		for range 3 {
			start := time.UnixMilli(rng.Int64N(3_000_000))
			step := time.Duration(1+rng.IntN(300_000)) * time.Millisecond
			end := start.Add(step*time.Duration(rng.IntN(70)) + time.Millisecond)
			r, err := e.Query(context.Background(), query.Request{Text: text, Dialect: ast.Native, Start: start, End: end, Step: step})
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			points := map[int64]map[string]float64{}
			for _, s := range r.Series {
				for _, p := range s.Points {
					if points[p.T] == nil {
						points[p.T] = map[string]float64{}
					}
					points[p.T][s.Labels.String()] = p.V
				}
			}
			for at := start; !at.After(end); at = at.Add(step) {
				one, err := e.Query(context.Background(), query.Request{Text: text, Dialect: ast.Native, Instant: true, End: at})
				if err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				got := points[at.UnixMilli()]
				if len(got) != len(one.Series) {
					t.Fatalf("%s at %s: %d series in a range query, %d in an instant one", text, at, len(got), len(one.Series))
				}
				for _, s := range one.Series {
					v, ok := got[s.Labels.String()]
					if w := s.Points[0].V; !ok || v != w && !(math.IsNaN(v) && math.IsNaN(w)) && math.Abs(v-w) > 1e-9*math.Max(1, math.Abs(w)) {
						t.Fatalf("%s at %s: %s is %v (%t) in a range query, %v in an instant one", text, at, s.Labels, v, ok, w)
					}
				}
			}
		}
	}
}
