package query_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/query/querytest"
	"tidemark/storage/model"
)

// pinned is a source whose view is made once, so that benchmarks measure the
// engine rather than the naive store's copying.
type pinned struct{ view model.View }

func (p pinned) View() (model.View, error) { return keepOpen{p.view}, nil }

type keepOpen struct{ model.View }

func (keepOpen) Close() error { return nil }

// BenchmarkRange evaluates expressions over 1,000 series of 360 samples at
// 10 s, at 60 steps of a minute.
func BenchmarkRange(b *testing.B) {
	src := querytest.NewSource()
	for s := range 1000 {
		ls := model.FromStrings("host", fmt.Sprint("h", s), "dc", fmt.Sprint("dc", s%10))
		for i := range int64(360) {
			src.AddSample("hits_total", ls, i*10e9, model.Float(float64(i*7)))
		}
	}
	view, err := src.View()
	if err != nil {
		b.Fatal(err)
	}
	e := query.NewEngine(pinned{view}, query.Options{})
	for _, text := range []string{`hits_total`, `sum(hits_total)`, `sum by (dc) (rate(hits_total[5m]))`, `max_over_time(hits_total[30m])`,
		`avg_over_time(hits_total[30m])`, `rate(hits_total[5m]) / on(host, dc) hits_total`, `topk(5, hits_total)`} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Query(context.Background(), query.Request{Text: text, Start: time.Unix(0, 0), End: time.Unix(3600, 0), Step: time.Minute}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLogs counts and searches 100,000 rows of 100 streams.
func BenchmarkLogs(b *testing.B) {
	src := querytest.NewSource()
	for i := range int64(100_000) {
		src.AddRow(model.FromStrings("app", "api", "pod", fmt.Sprint(i%100)), i*1e9, fmt.Sprintf(`level=info status=%d path=/api/%d ms=%d`, 200+i%3, i%50, i%1000), nil)
	}
	view, err := src.View()
	if err != nil {
		b.Fatal(err)
	}
	e := query.NewEngine(pinned{view}, query.Options{})
	for _, text := range []string{`{app="api"}`, `{app="api"} |= "ms=999"`, `sum(count_over_time({app="api"}[5m]))`, `sum by (status) (rate({app="api"} | logfmt [5m]))`} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Query(context.Background(), query.Request{Text: text, Start: time.Unix(0, 0), End: time.Unix(100_000, 0), Step: 10 * time.Minute, Direction: model.Backward}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
