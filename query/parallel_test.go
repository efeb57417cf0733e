package query_test

import (
	"context"
	"fmt"
	"math"
	"math/rand"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/query/querytest"
	"tidemark/storage"
	"tidemark/storage/model"
)

// manySeries fills a store with 150 series of two names over six hours, in
// pieces that overlap on disk and in memory, and a naive store with the same.
func manySeries(t testing.TB, seed int64) (*storage.DB, *querytest.Source) {
	t.Helper()
	ctx := context.Background()
	rng := rand.New(rand.NewSource(seed))
	db, err := storage.Open("db", storage.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	naive := querytest.NewSource()
	counters := make([]float64, 150)
	streams := make([]*model.Stream, len(counters))
	for k := range streams {
		streams[k] = model.NewStream(model.FromStrings("host", fmt.Sprint("h", k%75), "zone", fmt.Sprint("z", k%4)))
	}
	var floats, ints []*model.Schema
	for _, name := range []string{"load", "requests_total"} {
		floats = append(floats, &model.Schema{Kind: model.MetricRow, Columns: []model.Column{{Name: name, Measurement: name, Type: model.TypeFloat}}})
		ints = append(ints, &model.Schema{Kind: model.MetricRow, Columns: []model.Column{{Name: name, Measurement: name, Type: model.TypeInt}}})
	}
	for range 4 {
		for round := range 3 {
			var b model.Batch
			for k := range counters {
				ls, name := streams[k].Labels, []string{"load", "requests_total"}[k/75]
				from := rng.Intn(5 * 3600)
				for at := from; at < from+1500; at += 15 + rng.Intn(3) {
					counters[k] += float64(rng.Intn(100)) / 7
					if rng.Intn(400) == 0 {
						counters[k] = 0
					}
					v := model.Float(counters[k])
					switch rng.Intn(300) {
					case 0:
						v = model.Float(math.NaN())
					case 1:
						v = model.Float(math.Float64frombits(model.StaleNaNBits))
					case 2:
						v = model.Int(int64(counters[k]))
					case 3:
						v = model.Float(math.Inf(1 - 2*rng.Intn(2)))
					}
					if k%9 == 0 && v.Type == model.TypeFloat {
						v = model.Int(int64(counters[k]))
					}
					nanos := int64(at) * 1e9
					sc := floats[k/75]
					if v.Type == model.TypeInt {
						sc = ints[k/75]
					}
					b.Add(streams[k], sc, nanos, v)
					naive.AddSample(name, ls, nanos, v)
				}
			}
			if _, err := db.Append(ctx, &b); err != nil {
				t.Fatal(err)
			}
			if round == 1 {
				if err := db.Flush(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return db, naive
}

// TestParallel asks a store on one core and on several, and a naive store: the
// answers must be the same bit for bit, since series are combined in a fixed
// order whoever has read them; but sums of summaries are within their rounding
// of the naive ones.
func TestParallel(t *testing.T) {
	for seed := range int64(2) {
		db, naive := manySeries(t, seed)
		fast := query.NewEngine(db, query.Options{})
		slow := query.NewEngine(naive, query.Options{})
		for _, text := range []string{
			`load`, `sort(load)`, `requests_total offset 7m`, `{zone="z1"}`, `load > 90`,
			`rate(requests_total[5m])`, `increase(requests_total[1h])`, `delta(load[20m])`, `irate(load[5m])`,
			`avg_over_time(load[1h])`, `min_over_time(load[11m])`, `max_over_time(load[1h])`, `sum_over_time(load[30m])`,
			`count_over_time({host=~"h[1-6].*"}[1h])`, `last_over_time(load[1h])`, `first_over_time(load[1h])`, `present_over_time(load[30m])`,
			`stddev_over_time(load[10m])`, `quantile_over_time(0.9, load[30m])`, `changes(load[1h])`, `resets(load[1h])`,
			`timestamp(load)`, `load and on (host) requests_total`,
			`topk(3, avg_over_time(load[1h]))`, `count(load) by (zone)`, `label_replace(load, "x", "$1", "host", "h(.).*")`,
			`max_over_time(rate(requests_total[5m])[30m:1m])`, `load @ 9000`,
		} {
			for _, instant := range []bool{false, true} {
				req := query.Request{Text: text, Dialect: ast.PromQL, Instant: instant, Start: time.Unix(600, 0), End: time.Unix(5*3600, 0), Step: 137 * time.Second}
				var answers []*query.Result
				for _, cores := range []int{1, 3} {
					before := runtime.GOMAXPROCS(cores)
					res, err := fast.Query(context.Background(), req)
					runtime.GOMAXPROCS(before)
					if err != nil {
						t.Fatalf("%s: %v", text, err)
					}
					answers = append(answers, res)
				}
				want, err := slow.Query(context.Background(), req)
				if err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				if len(want.Series) == 0 {
					t.Fatalf("%s: no answer to compare", text)
				}
				sameSeries(t, text, answers[1].Series, answers[0].Series)
				for _, got := range answers {
					if strings.Contains(text, "sum_") || strings.Contains(text, "avg_") { // of summaries
						nearSeries(t, text, got.Series, want.Series)
					} else {
						sameSeries(t, text, got.Series, want.Series)
					}
					if !reflect.DeepEqual(got.Infos, want.Infos) || !reflect.DeepEqual(got.Warnings, want.Warnings) {
						t.Fatalf("%s: notes %v %v, want %v %v", text, got.Infos, got.Warnings, want.Infos, want.Warnings)
					}
				}
			}
		}
	}
}

// sameSeries compares answers bit for bit.
func sameSeries(t *testing.T, text string, got, want []query.Series) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d series, want %d", text, len(got), len(want))
	}
	for i := range got {
		if !got[i].Labels.Equal(want[i].Labels) {
			t.Fatalf("%s: series %d: %s, want %s", text, i, got[i].Labels, want[i].Labels)
		}
		if len(got[i].Points) != len(want[i].Points) {
			t.Fatalf("%s: %s: %d points, want %d", text, got[i].Labels, len(got[i].Points), len(want[i].Points))
		}
		for k, p := range got[i].Points {
			if w := want[i].Points[k]; p.T != w.T || math.Float64bits(p.V) != math.Float64bits(w.V) {
				t.Fatalf("%s: %s at %d: %v, want %v", text, got[i].Labels, p.T, p.V, w.V)
			}
		}
	}
}

// TestParallelEnds makes the workers meet cancellation and limits.
func TestParallelEnds(t *testing.T) {
	db, _ := manySeries(t, 1)
	req := query.Request{Text: `sum(rate(load[1h]))`, Dialect: ast.PromQL, Start: time.Unix(0, 0), End: time.Unix(5*3600, 0), Step: 10 * time.Second}
	if _, err := query.NewEngine(db, query.Options{MaxSamples: 2000}).Query(context.Background(), req); err == nil {
		t.Fatal("2000 samples were enough")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := query.NewEngine(db, query.Options{}).Query(ctx, req); err == nil {
		t.Fatal("a cancelled query has an answer")
	}
	req.Timeout = time.Millisecond
	if _, err := query.NewEngine(db, query.Options{}).Query(context.Background(), req); err == nil {
		t.Log("answered within a millisecond")
	}
}
