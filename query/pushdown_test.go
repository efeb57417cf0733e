package query_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/storage"
	"tidemark/storage/model"
)

// plainSource hides from the engine that its store filters and counts rows.
type plainSource struct{ db *storage.DB }

type plainView struct{ model.View }

func (s plainSource) View() (model.View, error) {
	v, err := s.db.View()
	return plainView{v}, err
}

// pushedQueries are log queries whose work a store may do in part or in whole.
var pushedQueries = []string{
	`{app=~".+"}`, `{app="a1"} |= "took"`, `{app=~".+"} != "took" |~ "user=(ana|root)"`, `{app=~".+"} | level="error"`,
	`{app=~".+"} | ms > 50`, `{app=~".+"} | odd > 1`, `{app=~".+"} | level="error" or ms < 10`, `{app=~".+"} |= "took" | logfmt | user="ana"`,
	`{app=~".+"} | line_format "{{.app}}" |= "a1"`, `{app=~".+"} | level!="info" | level!=""`, `{app=~".+"} | drop level | level=""`,
	`count_over_time({app=~".+"}[10m])`, `sum(count_over_time({app=~".+"} |= "took" [7m]))`, `sum by (level) (count_over_time({app=~".+"}[5m]))`,
	`sum by (app) (rate({app=~".+"} | level="error" [10m]))`, `count_over_time({app="a2"} | level="warn" [10m])`, `sum by (level, app) (count_over_time({app=~".+"}[3m] offset 5m))`,
	`sum(count_over_time({app=~".+"} | ms > 20 [10m]))`, `bytes_over_time({app=~".+"}[10m])`, `absent_over_time({app="nosuch"}[10m])`,
	`sum without (host) (count_over_time({app=~".+"}[10m]))`, `sum by (user) (count_over_time({app=~".+"} | logfmt [10m]))`,
	`avg_over_time({app=~".+"} | unwrap ms [10m]) by (app)`, `sum_over_time({app=~".+"} | unwrap ms [10m])`, `max_over_time({app=~".+"} |= "took" | unwrap ms [4m]) by (level)`,
	`min_over_time({app=~".+"} | unwrap ms | __error__="" [10m]) by (host)`, `quantile_over_time(0.9, {app=~".+"} | unwrap ms [10m]) by (app)`, `rate({app=~".+"} | unwrap ms [10m])`,
	`stddev_over_time({app=~".+"} | unwrap ms [10m]) by (app)`, `sum(sum_over_time({app=~".+"} | unwrap ms [10m]))`,
	`count(count by (trace) (count_over_time({app=~".+"}[10m])))`, `count(sum by (app) (rate({app=~".+"} |= "took" [5m])))`, `count(count by (trace) (count_over_time({app=~".+"}[2h])))`,
	`pattern_count_over_time({app=~".+"}[10m])`, `pattern_count_over_time({app=~".+"} |= "took" [10m]) by (app)`,
}

// TestPushedDown asks an engine over a store, and one that does not know what
// the store can do, the same questions.
func TestPushedDown(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	db, err := storage.Open("db", storage.Options{FS: vfs.NewMem(), FlushAge: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	at := start.UnixNano()
	ctx := context.Background()
	for part := range 4 {
		var b model.Batch
		for range 400 {
			at += r.Int64N(8e9)
			line := fmt.Sprintf("user=%s took %d ms for /p/%d", []string{"ana", "root", "x9"}[r.IntN(3)], r.IntN(100), r.IntN(30))
			if r.IntN(3) == 0 {
				line = fmt.Sprintf("cache %s of node-%d", []string{"hit", "miss"}[r.IntN(2)], r.IntN(5))
			}
			cols, vals := []model.Column{{Field: model.LineField, Type: model.TypeText}}, []model.Value{model.Text(line)}
			add := func(name string, v model.Value) {
				cols, vals = append(cols, model.Column{Field: name, Type: v.Type}), append(vals, v)
			}
			if r.IntN(4) > 0 {
				add("level", model.Text([]string{"info", "warn", "error"}[r.IntN(3)]))
			}
			if r.IntN(4) > 0 {
				add("ms", model.Int(r.Int64N(100)))
			}
			add("trace", model.Text(fmt.Sprintf("%032x", r.IntN(200))))
			if r.IntN(90) == 0 {
				add("odd", model.Text("none"))
			}
			b.Add(model.NewStream(model.FromStrings("app", fmt.Sprint("a", r.IntN(3)), "host", fmt.Sprint("h", r.IntN(2)))), &model.Schema{Kind: model.LogRow, Columns: cols}, at, vals...)
		}
		if _, err := db.Append(ctx, &b); err != nil {
			t.Fatal(err)
		}
		if part < 3 {
			if err := db.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	end := time.Unix(0, at)
	fast, slow := query.NewEngine(db, query.Options{}), query.NewEngine(plainSource{db}, query.Options{})
	for _, text := range pushedQueries {
		for k := range 4 {
			req := query.Request{Text: text, Dialect: ast.LogQL, Start: start.Add(time.Minute), End: end, Step: 2 * time.Minute, Limit: 1 + 40*k, Direction: model.Direction(k % 2)}
			switch k {
			case 1:
				req.Instant = true
			case 2:
				req.Step = 15 * time.Minute
			}
			got, err1 := fast.Query(ctx, req)
			want, err2 := slow.Query(ctx, req)
			if (err1 == nil) != (err2 == nil) || err1 != nil && err1.Error() != err2.Error() {
				t.Fatalf("%s: got error %v, want %v", text, err1, err2)
			}
			if err1 != nil {
				continue
			}
			if a, b := printed(got), printed(want); a != b {
				t.Fatalf("%s (case %d):\ngot\n%s\nwant\n%s", text, k, a, b)
			}
		}
	}
}

// printed is a result as text; numbers with twelve digits.
func printed(r *query.Result) string {
	var out []string
	for _, s := range r.Series {
		for _, p := range s.Points {
			v := p.V
			if v != 0 {
				scale := math.Pow(10, 12-math.Ceil(math.Log10(math.Abs(v))))
				v = math.Round(v*scale) / scale
			}
			out = append(out, fmt.Sprintf("%s %d %g", s.Labels, p.T, v))
		}
	}
	for _, s := range r.Streams {
		for _, e := range s.Entries {
			out = append(out, fmt.Sprintf("%s %d %q", s.Labels, e.T, e.Line))
		}
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}
