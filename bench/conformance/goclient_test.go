package conformance

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
)

// goClient is Prometheus's Go client of our server.
func goClient(t *testing.T, address string) v1.API {
	t.Helper()
	c, err := api.NewClient(api.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	return v1.NewAPI(c)
}

// TestGoClientQueries asks random queries through the Go client: what it decodes
// must be what Prometheus's engine answers over the same data.
func TestGoClientQueries(t *testing.T) {
	const queries = 300
	p := newPair(t, 11)
	client := goClient(t, serve(t, p.ours))
	c := newCoverage()
	for range queries {
		g := generator{rng: p.rng, met: map[string]bool{}}
		q := asked{text: g.query(), instant: p.rng.IntN(2) == 0, start: epoch.Add(time.Duration(p.rng.IntN(samples*15)) * time.Second), step: 30 * time.Second}
		q.end = q.start.Add(5 * time.Minute)
		want := canonical(run(p.delayed, p.theirs, q))
		c.add(&g, want)
		var value model.Value
		var err error
		if q.instant {
			value, _, _, err = client.Query(context.Background(), q.text, q.start)
		} else {
			value, _, _, err = client.QueryRange(context.Background(), q.text, v1.Range{Start: q.start, End: q.end, Step: q.step})
		}
		if (err != nil) != (want.err != nil) {
			if !betweenVectors.MatchString(q.text) {
				t.Errorf("%s: error %v, want %v", q, err, want.err)
			}
			continue
		}
		if err != nil {
			continue
		}
		diff := c.differDecoded(decoded(value), want.series)
		for _, r := range p.readings(q) {
			if diff != "" && c.differDecoded(decoded(value), canonical(run(r.engine, p.theirs, r.asked)).series) == "" {
				diff = ""
			}
		}
		if diff != "" && !histogramsEqual.MatchString(q.text) {
			t.Errorf("%s: %s", q, diff)
		}
	}
	if full := c.queries - c.errors - c.empty; full < queries/2 {
		t.Errorf("%d of %d queries had an answer: want half of them", full, c.queries)
	}
	t.Logf("%d queries, %d of %d numbers equal bit for bit, %d answers with histograms", c.queries, c.exact, c.numbers, c.histAns)
}

// decodedSeries is a series as the client has it: the numbers by time, and of
// histograms count and sum.
type decodedSeries struct {
	name   string
	values map[int64][]float64
}

func decoded(v model.Value) (out []decodedSeries) {
	add := func(m model.Metric, ps []model.SamplePair, hs []model.SampleHistogramPair) {
		s := decodedSeries{name: m.String(), values: map[int64][]float64{}}
		for _, p := range ps {
			s.values[int64(p.Timestamp)] = []float64{float64(p.Value)}
		}
		for _, h := range hs {
			s.values[int64(h.Timestamp)] = []float64{float64(h.Histogram.Count), float64(h.Histogram.Sum)}
		}
		out = append(out, s)
	}
	switch v := v.(type) {
	case *model.Scalar:
		add(nil, []model.SamplePair{{Timestamp: v.Timestamp, Value: v.Value}}, nil)
	case model.Vector:
		for _, s := range v {
			if s.Histogram != nil {
				add(s.Metric, nil, []model.SampleHistogramPair{{Timestamp: s.Timestamp, Histogram: s.Histogram}})
			} else {
				add(s.Metric, []model.SamplePair{{Timestamp: s.Timestamp, Value: s.Value}}, nil)
			}
		}
	case model.Matrix:
		for _, s := range v {
			add(s.Metric, s.Values, s.Histograms)
		}
	}
	return out
}

func (c *coverage) differDecoded(got []decodedSeries, want []promql.Series) string {
	c.rounding = -10 // in decimal, as the differential test has it beyond that
	if len(got) != len(want) {
		return fmt.Sprintf("%d series, want %d", len(got), len(want))
	}
	byName := map[string]map[int64][]float64{}
	for _, s := range got {
		byName[s.name] = s.values
	}
	for _, s := range want {
		m := model.Metric{}
		for name, value := range s.Metric.Map() {
			m[model.LabelName(name)] = model.LabelValue(value)
		}
		values, ok := byName[m.String()]
		if !ok || len(values) != len(s.Floats)+len(s.Histograms) {
			return fmt.Sprintf("series %s has %d values, want %d", m, len(values), len(s.Floats)+len(s.Histograms))
		}
		for _, p := range s.Floats {
			if v := values[p.T]; len(v) != 1 || !c.same(v[0], p.F) {
				return fmt.Sprintf("%s @%d: %v, want %v", m, p.T, v, p.F)
			}
		}
		for _, p := range s.Histograms {
			if v := values[p.T]; len(v) != 2 || !c.same(v[0], p.H.Count) || !c.same(v[1], p.H.Sum) && !math.IsNaN(p.H.Sum) {
				return fmt.Sprintf("%s @%d: %v, want %v and %v", m, p.T, v, p.H.Count, p.H.Sum)
			}
		}
	}
	return ""
}

// TestGoClientQuestions asks everything else that the Go client can ask.
func TestGoClientQuestions(t *testing.T) {
	p := newPair(t, 2)
	client := goClient(t, serve(t, p.ours))
	ctx := context.Background()
	from, to := epoch, epoch.Add(time.Hour)

	names, _, _, err := client.LabelNames(ctx, []string{"gauge"}, from, to)
	if err != nil || fmt.Sprint(names) != "__name__, a, b, job" {
		t.Errorf("label names: %v, %v", names, err)
	}
	values, _, _, err := client.LabelValues(ctx, "a", nil, from, to)
	if err != nil || fmt.Sprint(values) != "[w x y]" {
		t.Errorf("label values: %v, %v", values, err)
	}
	values, warnings, _, err := client.LabelValues(ctx, "a", nil, from, to, v1.WithLimit(2))
	if err != nil || len(values) != 2 || len(warnings) != 1 {
		t.Errorf("two label values: %v, %v, %v: want a warning that there are more", values, warnings, err)
	}
	utf8, _, _, err := client.LabelValues(ctx, "label.name", nil, from, to)
	if err != nil || fmt.Sprint(utf8) != "[ü]" {
		t.Errorf("values of a label with a dot: %v, %v", utf8, err)
	}
	sets, _, _, err := client.Series(ctx, []string{`nested{a="w"}`, `{"utf8.metric"}`}, from, to)
	if err != nil || len(sets) != 3 {
		t.Errorf("series: %v, %v", sets, err)
	}
	if _, _, _, err := client.Query(ctx, "gauge", from.Add(time.Minute), v1.WithTimeout(time.Second), v1.WithLimit(1), v1.WithStats(v1.AllStatsValue), v1.WithLookbackDelta(time.Minute)); err != nil {
		t.Errorf("a query with every option: %v", err)
	}
	if _, _, _, err := client.Query(ctx, "sum((", from); err == nil || err.(*v1.Error).Type != v1.ErrBadData || !strings.Contains(err.Error(), "1:6") {
		t.Errorf("a wrong query: %v", err)
	}
	if _, _, _, err := client.Query(ctx, `gauge + on () gauge`, from.Add(time.Minute)); err == nil || err.(*v1.Error).Type != v1.ErrExec {
		t.Errorf("a query that cannot be executed: %v", err)
	}
	format, err := client.FormatQuery(ctx, "sum(rate(x[5m]))by(job)")
	if err != nil || !strings.Contains(format, "sum by (job)") {
		t.Errorf("format: %q, %v", format, err)
	}
	for name, ask := range map[string]func() error{
		"alerts":        func() error { _, err := client.Alerts(ctx); return err },
		"alertmanagers": func() error { _, err := client.AlertManagers(ctx); return err },
		"rules":         func() error { _, err := client.Rules(ctx, nil); return err },
		"targets":       func() error { _, err := client.Targets(ctx); return err },
		"targets/meta":  func() error { _, err := client.TargetsMetadata(ctx, "", "", ""); return err },
		"metadata":      func() error { _, err := client.Metadata(ctx, "", ""); return err },
		"config":        func() error { _, err := client.Config(ctx); return err },
		"flags":         func() error { _, err := client.Flags(ctx); return err },
		"buildinfo":     func() error { _, err := client.Buildinfo(ctx); return err },
		"runtimeinfo":   func() error { _, err := client.Runtimeinfo(ctx); return err },
		"walreplay":     func() error { _, err := client.WalReplay(ctx); return err },
		"exemplars":     func() error { _, err := client.QueryExemplars(ctx, "gauge", from, to); return err },
		"tsdb blocks":   func() error { _, err := client.TSDBBlocks(ctx); return err },
		"tsdb":          func() error { _, err := client.TSDB(ctx); return err },
	} {
		if err := ask(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
