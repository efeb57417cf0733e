package selfmon

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"tidemark/storage/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink collects rows as text; while refuse is set it takes nothing.
type sink struct {
	mu      sync.Mutex
	rows    []string
	metrics map[string]float64 // name{labels} -> last value
	refuse  error
	hang    bool
}

func (s *sink) MinTime() int64 { return -1 << 63 }

func (s *sink) Append(ctx context.Context, b *model.Batch) (model.AppendResult, error) {
	s.mu.Lock()
	hang, refuse := s.hang, s.refuse
	s.mu.Unlock()
	if hang {
		<-ctx.Done()
		return model.AppendResult{}, ctx.Err()
	}
	if refuse != nil {
		return model.AppendResult{}, refuse
	}
	if !b.Valid() {
		return model.AppendResult{}, errors.New("batch is not valid")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.metrics == nil {
		s.metrics = map[string]float64{}
	}
	for i := range b.Rows() {
		r := &b.Rows()[i]
		words := b.Words(r)
		if r.Schema.Kind == model.LogRow {
			s.rows = append(s.rows, r.Stream.Labels.String()+" "+string(b.TextOf(words[0])))
			continue
		}
		for c, col := range r.Schema.Columns {
			s.metrics[col.Name+r.Stream.Labels.String()] = model.BitsToFloat(col.Type, words[c])
		}
	}
	return model.AppendResult{}, nil
}

func (s *sink) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func TestHostFigures(t *testing.T) {
	s := &sink{}
	m := New(s, Options{Host: "h"})
	m.figures(context.Background())
	time.Sleep(60 * time.Millisecond) // some CPU time must pass
	m.figures(context.Background())
	for name, most := range map[string]float64{
		`cpu_usage_idle{host="h"}`: 100, `mem_used_percent{host="h"}`: 100, `system_load1{host="h"}`: 1e5, `system_n_cpus{host="h"}`: 1e5,
	} {
		if v, ok := s.metrics[name]; !ok || v < 0 || v > most {
			t.Errorf("%s is %v (present: %v), want 0 to %v", name, v, ok, most)
		}
	}
	if s.metrics[`mem_total{host="h"}`] < 1<<20 {
		t.Errorf("mem_total is %v, want bytes", s.metrics[`mem_total{host="h"}`])
	}
	for _, prefix := range []string{"disk_used_percent{", "net_bytes_recv{"} {
		found := false
		for name := range s.metrics {
			found = found || strings.HasPrefix(name, prefix)
		}
		if !found {
			t.Errorf("no metric %s…}", prefix)
		}
	}
}

func TestOwnMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tidemark_writes_total"}, []string{"code"})
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "tidemark_seconds", Buckets: []float64{0.5, 2}})
	reg.MustRegister(c, h)
	c.WithLabelValues("204").Add(3)
	for _, v := range []float64{0.25, 1, 8} {
		h.Observe(v)
	}
	s := &sink{}
	m := New(s, Options{Host: "h", Gatherer: reg})
	m.figures(context.Background())
	for name, want := range map[string]float64{
		`tidemark_writes_total{code="204", host="h", service="tidemark"}`:      3,
		`tidemark_seconds_bucket{host="h", le="0.5", service="tidemark"}`:      1,
		`tidemark_seconds_bucket{host="h", le="2", service="tidemark"}`:        2,
		`tidemark_seconds_bucket{host="h", le="+Inf", service="tidemark"}`:     3,
		`tidemark_seconds_count{host="h", service="tidemark"}`:                 3,
		`tidemark_seconds_sum{host="h", service="tidemark"}`:                   9.25,
		`tidemark_selfmon_dropped_records_total{host="h", service="tidemark"}`: 0,
	} {
		if got, ok := s.metrics[name]; !ok || got != want {
			t.Errorf("%s is %v (present: %v), want %v", name, got, ok, want)
		}
	}
}

func TestLogRecords(t *testing.T) {
	s := &sink{}
	m := New(s, Options{Host: "h", Interval: time.Hour})
	var b strings.Builder
	log := slog.New(m.Handler(slog.NewTextHandler(&b, nil)))
	log.Debug("not logged, so not recorded")
	log.Info("opened", "dir", "a b")
	log.With("part", "x").WithGroup("g").Warn("slow", "ms", 3)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { m.Run(ctx); close(done) }()
	cancel()
	<-done // the records that wait are written in the end
	want := []string{
		`{host="h", level="info", service="tidemark"} level=info msg=opened dir="a b"`,
		`{host="h", level="warn", service="tidemark"} level=warn msg=slow part=x g.ms=3`,
	}
	if len(s.rows) != len(want) {
		t.Fatalf("got %d rows %q, want %d", len(s.rows), s.rows, len(want))
	}
	for i := range want {
		if s.rows[i] != want[i] {
			t.Errorf("row %d: got %s, want %s", i, s.rows[i], want[i])
		}
	}
	if !strings.Contains(b.String(), "msg=opened") || strings.Contains(b.String(), "not logged") {
		t.Errorf("the handler behind got %q, want the two records", b.String())
	}
}

// A store that refuses, or that does not answer, costs log records at most,
// and never the time of whoever logs.
func TestRefusingStore(t *testing.T) {
	refused := errors.New("store is read-only")
	s := &sink{refuse: refused}
	var told []error
	m := New(s, Options{Host: "h", MaxRecords: 5, WriteTimeout: 20 * time.Millisecond, OnError: func(err error) { told = append(told, err) }})
	log := slog.New(m.Handler(slog.NewTextHandler(&strings.Builder{}, nil)))
	ctx := context.Background()
	for range 3 {
		log.Info("kept")
	}
	m.logs(ctx)
	if len(told) != 1 || !errors.Is(told[0], refused) {
		t.Fatalf("told %v, want the refusal", told)
	}
	if m.Waiting() != 3 || m.Dropped() != 0 {
		t.Fatalf("%d wait and %d are dropped, want 3 and 0", m.Waiting(), m.Dropped())
	}
	begun := time.Now()
	for range 10_000 {
		log.Info("more")
	}
	if m.Waiting() != 5 || m.Dropped() != 9_998 {
		t.Errorf("%d wait and %d are dropped, want 5 and 9998", m.Waiting(), m.Dropped())
	}
	s.set(func() { s.hang = true })
	m.logs(ctx)
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("a hanging store held the monitor for %s", d)
	}
	s.set(func() { s.hang, s.refuse = false, nil })
	m.logs(ctx)
	if len(s.rows) != 5 || m.Waiting() != 0 {
		t.Errorf("%d rows are written and %d wait, want 5 and 0", len(s.rows), m.Waiting())
	}
}

func TestKeptStreamsAreBounded(t *testing.T) {
	r := newRows("host", "h")
	for i := range 3 * maxKept {
		r.stream([]string{"interface", "veth" + bound(float64(i))})
	}
	if len(r.streams) > maxKept {
		t.Errorf("%d streams are kept, want at most %d", len(r.streams), maxKept)
	}
	a, b := r.stream([]string{"a", "b"}), r.stream([]string{"a", "b"})
	if a != b {
		t.Error("one label set gave two streams")
	}
}
