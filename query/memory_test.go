package query_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/query/exec"
	"tidemark/query/querytest"
	"tidemark/storage/model"
)

// hundredSeries is 100 series of an hour at 15 s, in ten groups.
func hundredSeries() *querytest.Source {
	src := querytest.NewSource()
	for s := range 100 {
		ls := model.FromStrings("host", fmt.Sprint("h", s), "dc", fmt.Sprint("dc", s%10))
		for i := range int64(240) {
			src.AddSample("hits_total", ls, i*15e9, model.Float(float64(i*7)))
		}
	}
	return src
}

// TestMemoryLimitNamesTheOperator: the operator whose share is too much is the
// one that the error names, not the one that feeds it.
func TestMemoryLimitNamesTheOperator(t *testing.T) {
	ask := func(opts query.Options, text string) error {
		e := query.NewEngine(hundredSeries(), opts)
		_, err := e.Query(context.Background(), query.Request{Text: text, Start: at(0), End: at(3600), Step: 15 * time.Second})
		if m := e.Memory(); m != 0 {
			t.Errorf("%s: %d bytes are held after the query", text, m)
		}
		return err
	}
	for _, c := range []struct {
		max              int64
		text, limit, who string
	}{
		{1 << 10, `sum by (dc) (rate(hits_total[5m]))`, "max-memory", "`hits_total[5m]` (1:19)"},
		{96 << 10, `sum by (dc) (rate(hits_total[5m]))`, "max-memory", "`sum by (dc)` (1:1)"},
		{96 << 10, `rate(hits_total[5m]) + on (host) group_left () hits_total`, "max-memory", "`hits_total` (1:48)"},
		{96 << 10, `topk(5, hits_total)`, "max-memory", "`hits_total` (1:9)"},
	} {
		err := ask(query.Options{MaxMemory: c.max}, c.text)
		if !errors.Is(err, query.ErrLimit) || !strings.Contains(err.Error(), "(limit "+c.limit+") in "+c.who) {
			t.Errorf("%s with %d bytes: %v, want limit %s in %s", c.text, c.max, err, c.limit, c.who)
		}
	}
	if err := ask(query.Options{}, `sum by (dc) (rate(hits_total[5m]))`); err != nil {
		t.Error(err)
	}
	err := ask(query.Options{MaxTotalMemory: 64 << 10, MaxMemory: 32 << 20}, `hits_total`)
	if !errors.Is(err, query.ErrLimit) || !strings.Contains(err.Error(), "limit max-total-memory") {
		t.Errorf("all queries together: %v, want limit max-total-memory", err)
	}
}

func TestExplain(t *testing.T) {
	e := query.NewEngine(hundredSeries(), query.Options{})
	req := query.Request{Text: `sum by (dc) (rate(hits_total[5m])) / sum by (dc) (rate(hits_total[5m])) > scalar(max(hits_total @ 60))`, Start: at(600), End: at(3600), Step: time.Minute}
	o, err := e.Explain(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	var walk func(o *query.Operator, depth int)
	walk = func(o *query.Operator, depth int) {
		est := o.Estimated
		lines = append(lines, fmt.Sprintf("%s%s steps=%d series=%d samples=%d fixed=%t shared=%t", strings.Repeat("  ", depth), o.Name, est.Steps, est.Series, est.Samples, est.Fixed, est.Shared > 0))
		for _, in := range o.Inputs {
			walk(in, depth+1)
		}
	}
	walk(o, 0)
	const want = `> steps=51 series=0 samples=0 fixed=false shared=false
  / steps=51 series=0 samples=0 fixed=false shared=false
    sum by (dc) steps=51 series=0 samples=0 fixed=false shared=true
      rate steps=51 series=0 samples=0 fixed=false shared=false
        hits_total[5m] steps=51 series=100 samples=21900 fixed=false shared=false
    sum by (dc) steps=51 series=0 samples=0 fixed=false shared=true
      rate steps=51 series=0 samples=0 fixed=false shared=false
        hits_total[5m] steps=51 series=100 samples=21900 fixed=false shared=false
  scalar steps=1 series=0 samples=0 fixed=true shared=false
    max steps=1 series=0 samples=0 fixed=true shared=false
      hits_total @ 60 steps=1 series=100 samples=500 fixed=true shared=false`
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("plan is\n%s\nwant\n%s", got, want)
	}

	req.Measure = true
	res, err := e.Query(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	sums := res.Plan.Inputs[0].Inputs // of which the right one is evaluated first
	sums[0], sums[1] = sums[1], sums[0]
	first, second := sums[0].Measured, sums[1].Measured
	if first.Series != 10 || first.Values != 510 || second.Series != 10 || second.Reused != 10 {
		t.Errorf("the sums are measured as %+v and %+v: want 10 series of 51 values, taken again the second time", first, second)
	}
	read := sums[0].Inputs[0].Inputs[0].Measured
	if read.Stats.Series != 100 || read.Stats.Samples != 22000-100 || read.Time <= 0 {
		t.Errorf("the selection is measured as %+v: want 100 series and 21900 samples", read)
	}
	if sums[1].Inputs[0].Measured != nil {
		t.Error("the rate of the second sum was evaluated, though it is that of the first")
	}
	if res.Stats.Series != 200 || res.Stats.PeakSamples == 0 {
		t.Errorf("%d series were read, %d samples held: want those of one sum and of the maximum", res.Stats.Series, res.Stats.PeakSamples)
	}
}

// TestSharedExpressionsAnswerAlike: each query gives what it gives with its
// equal parts told apart by a matcher that changes nothing.
func TestSharedExpressionsAnswerAlike(t *testing.T) {
	e := query.NewEngine(hundredSeries(), query.Options{})
	small := query.NewEngine(hundredSeries(), query.Options{MaxSamples: 60_000}) // too small to keep a hundred series
	for _, q := range []string{
		`hits_total%s / (hits_total%s + 1)`,
		`sum by (dc) (rate(hits_total%s[5m])) / on (dc) group_left () sum by (dc) (rate(hits_total%s[5m]))`,
		`max_over_time(sum by (dc) (hits_total%s)[10m:1m]) - sum by (dc) (hits_total%s)`,
		`-hits_total%s == -hits_total%s`,
		`topk(3, hits_total%s) or topk(3, hits_total%s)`,
		`histogram_quantile(0.9, label_replace(hits_total%s, "le", "1", "", "")) or histogram_quantile(0.9, label_replace(hits_total%s, "le", "1", "", ""))`,
		`sort(hits_total%s) + sort(hits_total%s)`,
	} {
		req := query.Request{Text: fmt.Sprintf(q, "", `{none=""}`), Start: at(600), End: at(3600), Step: time.Minute}
		want, err := e.Query(context.Background(), req)
		if err != nil {
			t.Fatalf("%s: %v", req.Text, err)
		}
		req.Text = fmt.Sprintf(q, "", "")
		for _, e := range []*query.Engine{e, small} {
			got, err := e.Query(context.Background(), req)
			if err != nil {
				t.Fatalf("%s: %v", req.Text, err)
			}
			if fmt.Sprint(got.Series) != fmt.Sprint(want.Series) || len(got.Series) == 0 {
				t.Errorf("%s: %d series, not those of %s", req.Text, len(got.Series), q)
			}
		}
	}
}

func TestFinishedQueriesAreTold(t *testing.T) {
	var told []query.Finished
	e := query.NewEngine(hundredSeries(), query.Options{OnFinish: func(f query.Finished) { told = append(told, f) }})
	ctx := context.Background()
	if _, err := e.Query(ctx, query.Request{Text: `sum(hits_total)`, Instant: true, End: at(600)}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Query(ctx, query.Request{Text: `hits_total + on () hits_total`, Instant: true, End: at(600)}); err == nil {
		t.Fatal("a match of many to many answers")
	}
	if len(told) != 2 || told[0].Text != "sum(hits_total)" || told[0].Stats.Series != 100 || told[0].Err != nil || told[0].Memory < exec.SampleBytes || told[1].Err == nil {
		t.Errorf("told of %+v", told)
	}
}
