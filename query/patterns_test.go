package query_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/query/querytest"
	"tidemark/storage/model"
)

// patternsOf asks for one instant vector and returns it by its labels.
func patternsOf(t *testing.T, src *querytest.Source, text string) map[string]float64 {
	t.Helper()
	res, err := query.NewEngine(src, query.Options{}).Query(context.Background(), query.Request{Text: text, Instant: true, End: time.Unix(1000, 0)})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	out := map[string]float64{}
	for _, s := range res.Series {
		out[s.Labels.String()] = s.Points[0].V
	}
	return out
}

// The same rows in any order, and split over streams in any way, have the same
// patterns with the same ids, and the counts of the patterns add up.
func TestPatternsAreFreeOfOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var lines []string
	for i := range 300 {
		lines = append(lines, fmt.Sprintf("user %c%c%c%d logged in from 10.0.%d.%d", 'a'+i%26, 'b'+i%7, 'c'+i%5, i, i%3, i), fmt.Sprintf("job %d done in %dms", i%9, i), "constant line")
	}
	var want map[string]float64
	for round := range 4 {
		src := &querytest.Source{}
		for i, k := range rng.Perm(len(lines)) {
			src.AddRow(model.FromStrings("app", "a", "stream", fmt.Sprint(i%(round+1))), int64(i)*1e9, lines[k], nil)
		}
		got := patternsOf(t, src, `pattern_count_over_time(logs({app="a"}[1h]))`)
		sum := 0.0
		for _, v := range got {
			sum += v
		}
		if sum != float64(len(lines)) {
			t.Errorf("counts add up to %v, want %d", sum, len(lines))
		}
		if want == nil {
			want = got
		}
		if len(got) != len(want) {
			t.Errorf("%d patterns, want %d", len(got), len(want))
		}
		for ls, v := range want {
			if got[ls] != v {
				t.Errorf("%s has %v rows, want %v", ls, got[ls], v)
			}
		}
	}
}

// A placeholder of a pattern is found by the id that the count tells.
func TestPatternParams(t *testing.T) {
	src := &querytest.Source{}
	for i := range 10 {
		src.AddRow(model.FromStrings("app", "a"), int64(900+i)*1e9, fmt.Sprintf("request %d took %dms and %dKB", i, 10*i, i), nil)
	}
	e := query.NewEngine(src, query.Options{})
	ask := func(text string) ([]query.Series, error) {
		res, err := e.Query(context.Background(), query.Request{Text: text, Instant: true, End: time.Unix(1000, 0)})
		if err != nil {
			return nil, err
		}
		return res.Series, nil
	}
	all, err := ask(`pattern_count_over_time(logs({app="a"}[5m]))`)
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	id := all[0].Labels.Get("pattern_id")
	for text, want := range map[string]float64{`1, agg="max"`: 9, `2`: 0.045, `2, agg="sum"`: 0.45, `3, agg="count"`: 10, `3, agg=last`: 9000, `3, agg="min"`: 0} {
		got, err := ask(fmt.Sprintf(`pattern_params(logs({app="a"}[5m]), "%s", %s)`, id, text))
		if err != nil || len(got) != 1 || math.Abs(got[0].Points[0].V-want) > 1e-9 {
			t.Errorf("%s of %s: got %v, %v, want %v", text, all[0].Labels.Get("pattern"), got, err, want)
		}
	}
	for _, bad := range []string{`"x", 1`, fmt.Sprintf("%q, 9", id), fmt.Sprintf("%q, 0", id), fmt.Sprintf("%q, 1, agg=none", id)} {
		if _, err := ask(`pattern_params(logs({app="a"}[5m]), ` + bad + `)`); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}
