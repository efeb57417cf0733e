package query_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/query/querytest"
	"tidemark/storage/model"
)

func at(s int64) time.Time { return time.Unix(s, 0) }

func sampleSource() *querytest.Source {
	src := querytest.NewSource()
	for i := int64(0); i <= 60; i++ {
		for _, host := range []string{"a", "b"} {
			src.AddSample("hits_total", model.FromStrings("host", host), i*60e9, model.Float(float64(i)*30))
		}
		src.AddRow(model.FromStrings("app", "api"), i*60e9, fmt.Sprintf(`level=error ms=%d`, i), map[string]model.Value{"status": model.Int(500 + i%2)})
	}
	return src
}

func TestEngineAnswersEveryKind(t *testing.T) {
	e := query.NewEngine(sampleSource(), query.Options{})
	f := func(text string, instant bool, want string) {
		t.Helper()
		r, err := e.Query(context.Background(), query.Request{Text: text, Instant: instant, Start: at(1800), End: at(1920), Step: time.Minute, Limit: 2, Direction: model.Backward})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := fmt.Sprintf("%v %v %v %v %v", r.Kind, r.Points, r.Text, r.Series, r.Streams); got != want {
			t.Errorf("%s (instant %t)\n got %s\nwant %s", text, instant, got, want)
		}
	}
	f(`1+1`, true, `0 [{1920000 2}]  [] []`)
	f(`1+1`, false, `0 [{1800000 2} {1860000 2} {1920000 2}]  [] []`)
	f(`"x"`, true, `1 [{1920000 0}] x [] []`)
	f(`sum(rate(hits_total[5m]))`, true, `2 []  [{{} [{1920000 1}] []}] []`)
	f(`sum(rate(hits_total[5m]))`, false, `3 []  [{{} [{1800000 1} {1860000 1} {1920000 1}] []}] []`)
	f(`hits_total{host="a"}[2m]`, true, `3 []  [{hits_total{host="a"} [{1860000 930} {1920000 960}] []}] []`)
	f(`{app="api"} | logfmt | ms > 30`, false, `4 []  [] [{{app="api", level="error", ms="31"} [{1860000000000 level=error ms=31 [{status 501}] {} {}}]}]`)
	f(`sum by (status) (count_over_time({app="api"}[4m]))`, true, `2 []  [{{status="500"} [{1920000 2}] []} {{status="501"} [{1920000 2}] []}] []`)
}

func TestEngineErrors(t *testing.T) {
	src := sampleSource()
	e := query.NewEngine(src, query.Options{MaxSamples: 40, MaxPoints: 100})
	ask := func(text string, step time.Duration) error {
		_, err := e.Query(context.Background(), query.Request{Text: text, Start: at(0), End: at(3600), Step: step})
		return err
	}
	var at *ast.Error
	if err := ask(`rate(`, time.Minute); !errors.As(err, &at) {
		t.Errorf("syntax: %v", err)
	}
	if err := ask(`hits_total[5m]`, time.Minute); !errors.As(err, &at) {
		t.Errorf("range vector in a range query: %v", err)
	}
	if err := ask(`hits_total`, 0); !errors.Is(err, query.ErrRequest) {
		t.Errorf("no step: %v", err)
	}
	if err := ask(`hits_total`, time.Second); !errors.Is(err, query.ErrRequest) {
		t.Errorf("too many points: %v", err)
	}
	if err := ask(`hits_total`, time.Minute); !errors.Is(err, query.ErrLimit) {
		t.Errorf("samples: %v", err)
	}
	if err := ask(`count_over_time(vector(1)[100d:1ms])`, time.Hour); !errors.Is(err, query.ErrLimit) {
		t.Errorf("subquery steps: %v", err)
	}
	e = query.NewEngine(src, query.Options{})
	if err := ask(`hits_total + on() hits_total`, time.Hour); !errors.Is(err, query.ErrExecution) {
		t.Errorf("many to many: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := e.Query(ctx, query.Request{Text: `hits_total`, Instant: true, End: time.Unix(0, 0)}); !errors.Is(err, query.ErrCanceled) {
		t.Errorf("canceled: %v", err)
	}
	if _, err := e.Query(context.Background(), query.Request{Text: `hits_total`, Instant: true, Timeout: 1}); !errors.Is(err, query.ErrTimeout) && !errors.Is(err, query.ErrBusy) {
		t.Errorf("timeout: %v", err)
	}
}

func TestEnforcedMatchersReachEverySelector(t *testing.T) {
	e := query.NewEngine(sampleSource(), query.Options{})
	only := []*model.Matcher{model.MustMatcher(model.MatchEqual, "host", "a")}
	r, err := e.Query(context.Background(), query.Request{Text: `count(hits_total) + count(count_over_time(hits_total[5m]))`, Instant: true, End: at(600), Enforce: only})
	if err != nil || len(r.Series) != 1 || r.Series[0].Points[0].V != 2 {
		t.Fatalf("got %v, %v; want 1+1", r, err)
	}
	names, err := e.LabelValues(context.Background(), "host", query.MetaRequest{Enforce: only})
	if err != nil || fmt.Sprint(names) != "[a]" {
		t.Errorf("label values: got %v, %v", names, err)
	}
	sets, err := e.LabelSets(context.Background(), query.MetaRequest{Match: []string{`hits_total`, `{host="b"}`}, Dialect: ast.PromQL, Enforce: only})
	if err != nil || fmt.Sprint(sets) != `[hits_total{host="a"}]` {
		t.Errorf("label sets: got %v, %v", sets, err)
	}
}

func TestQueriesWaitForASlot(t *testing.T) {
	src := sampleSource()
	e := query.NewEngine(slowSource{src}, query.Options{MaxConcurrent: 1})
	done := make(chan error)
	go func() {
		_, err := e.Query(context.Background(), query.Request{Text: `hits_total`, Instant: true, End: at(0)})
		done <- err
	}()
	time.Sleep(20 * time.Millisecond)
	_, err := e.Query(context.Background(), query.Request{Text: `hits_total`, Instant: true, End: at(0), Timeout: 20 * time.Millisecond})
	if !errors.Is(err, query.ErrBusy) {
		t.Errorf("got %v, want %v", err, query.ErrBusy)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// slowSource takes its time to open a view.
type slowSource struct{ src *querytest.Source }

func (s slowSource) View() (model.View, error) {
	time.Sleep(200 * time.Millisecond)
	return s.src.View()
}
