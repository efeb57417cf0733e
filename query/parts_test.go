package query_test

import (
	"context"
	"fmt"
	"math"
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/query"
	"tidemark/query/ast"
	"tidemark/storage"
	"tidemark/storage/model"
)

// partsStore fills a store with long chunks of many kinds: regular and not,
// between milliseconds, integers, decimals and full floats, with holes, markers, resets;
// some overlap others, some samples are overwritten, the last are in the head.
func partsStore(t *testing.T, seed int64) *storage.DB {
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
	const kinds = 40
	state := make([]float64, kinds)
	write := func(from, to int64, late bool) {
		var b model.Batch
		for k := range kinds {
			if late && rng.Intn(3) > 0 {
				continue
			}
			ls := model.FromStrings("kind", fmt.Sprint(k))
			st := model.NewStream(ls)
			typ := model.TypeFloat
			if k%4 == 1 {
				typ = model.TypeInt
			}
			sc := &model.Schema{Kind: model.MetricRow, Columns: []model.Column{{Name: "m", Measurement: "m", Type: typ}}}
			add := func(at int64, v model.Value) {
				b.Add(st, sc, at, v)
			}
			for at := from; at < to; at += 10e9 {
				when := at
				switch k % 5 {
				case 1:
					when += rng.Int63n(4000) * 1e6
				case 2:
					when += rng.Int63n(4000e6)
				case 3:
					if rng.Intn(40) == 0 {
						at += rng.Int63n(1500) * 1e9
					}
				}
				switch k % 3 {
				case 0:
					state[k] += float64(rng.Intn(7))
				case 1:
					state[k] += float64(rng.Intn(200)-100) / 10
				default:
					state[k] += rng.NormFloat64()
				}
				if rng.Intn(500) == 0 {
					state[k] = 0
				}
				v := model.Float(state[k])
				switch {
				case typ == model.TypeInt:
					v = model.Int(int64(state[k]))
				case k%8 < 3 && rng.Intn(200) == 0:
					v = model.Float([]float64{math.NaN(), math.Float64frombits(model.StaleNaNBits), math.Inf(1), math.Inf(-1)}[rng.Intn(4)])
				}
				add(when, v)
				if k%10 == 2 && rng.Intn(20) == 0 { // the same millisecond
					add(when+rng.Int63n(900_000), model.Float(state[k]+1))
				}
			}
		}
		if _, err := db.Append(ctx, &b); err != nil {
			t.Fatal(err)
		}
	}
	const hour = int64(3600e9)
	flush := func() {
		if err := db.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	// Summaries want chunks of some thousand samples, which compaction makes.
	write(rng.Int63n(hour/4)/1e6*1e6, 7*hour, false)
	flush()
	write(7*hour, 15*hour-rng.Int63n(hour/8), false)
	flush()
	if err := db.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	from := rng.Int63n(12 * hour)
	write(from, from+rng.Int63n(hour), true)
	flush()
	write(15*hour, 23*hour-rng.Int63n(hour/8), false)
	flush()
	write(23*hour, 24*hour, false)
	return db
}

// samplesOnly hides that a view's series can be read in parts.
type samplesOnly struct{ *storage.DB }

func (s samplesOnly) View() (model.View, error) {
	v, err := s.DB.View()
	return struct{ model.View }{v}, err
}

// TestParts compares functions that may be computed from summaries with the
// same over every sample, on grids that lie well with the windows of the
// clock, and on others.
func TestParts(t *testing.T) {
	seeds := int64(3)
	if testing.Short() {
		seeds = 1
	}
	var stats query.Stats
	for seed := range seeds {
		db := partsStore(t, seed)
		rng := rand.New(rand.NewSource(seed))
		fast, slow := query.NewEngine(db, query.Options{}), query.NewEngine(samplesOnly{db}, query.Options{})
		for range 20 {
			step := []time.Duration{5 * time.Minute, 10 * time.Minute, time.Hour, 2 * time.Hour, 7 * time.Minute}[rng.Intn(5)]
			window := []time.Duration{time.Minute, 5 * time.Minute, 20 * time.Minute, time.Hour, 3 * time.Hour, 13 * time.Minute, 12 * time.Hour}[rng.Intn(7)]
			start := time.Unix(int64(rng.Intn(20))*3600, 0)
			switch rng.Intn(3) {
			case 0:
				start = start.Add(time.Duration(rng.Intn(3600_000)) * time.Millisecond)
			case 1:
				start = start.Add(time.Duration(rng.Intn(12)) * 5 * time.Minute)
			}
			req := query.Request{Dialect: ast.PromQL, Instant: rng.Intn(3) == 0, Start: start, End: start.Add(step * time.Duration(rng.Intn(12))), Step: step}
			for _, f := range []string{"count", "present", "sum", "avg", "min", "max", "last", "first", "rate", "increase", "delta", "sort", "timestamp"} {
				arg := "m[" + ast.FormatDuration(window) + "]"
				switch f {
				case "sort", "timestamp":
					arg = "m"
				case "rate", "increase", "delta":
				default:
					f += "_over_time"
				}
				if rng.Intn(5) == 0 {
					arg += " offset 7m"
				}
				req.Text = f + "(" + arg + ")"
				got, err := fast.Query(context.Background(), req)
				if err != nil {
					t.Fatal(req.Text, err)
				}
				want, err := slow.Query(context.Background(), req)
				if err != nil {
					t.Fatal(req.Text, err)
				}
				stats.Summaries += got.Stats.Summaries
				stats.Chunks += got.Stats.Chunks
				text := fmt.Sprintf("seed %d: %s from %s to %s step %s", seed, req.Text, req.Start.UTC(), req.End.UTC(), req.Step)
				if strings.HasPrefix(f, "sum") || strings.HasPrefix(f, "avg") {
					nearSeries(t, text, got.Series, want.Series)
				} else {
					sameSeries(t, text, got.Series, want.Series)
				}
			}
		}
	}
	if int64(stats.Summaries) < 3000*seeds || int64(stats.Chunks) < 300*seeds {
		t.Fatalf("%d summaries were taken and %d chunks decoded: nothing was compared", stats.Summaries, stats.Chunks)
	}
}

// nearSeries compares answers within the rounding of sums.
func nearSeries(t *testing.T, text string, got, want []query.Series) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		for k := range min(len(got[i].Points), len(want[i].Points)) {
			g, w := &got[i].Points[k], want[i].Points[k]
			if d := math.Abs(g.V - w.V); d <= 1e-9*math.Abs(w.V)+1e-9 {
				g.V = w.V
			}
		}
	}
	sameSeries(t, text, got, want)
}
