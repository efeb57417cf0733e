package gen_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/klauspost/compress/snappy"

	"tidemark/bench/gen"
	"tidemark/ingest/lineprotocol"
	"tidemark/ingest/remotewrite"
	"tidemark/storage/model"
)

func workload(t testing.TB, cfg gen.Config) *gen.Workload {
	t.Helper()
	w, err := gen.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestDeterministic(t *testing.T) {
	for _, shape := range []gen.Shape{gen.CPUOnly, gen.Devops, gen.Services} {
		cfg := gen.Config{Shape: shape, Hosts: 3, Seed: 7, Steps: 5}
		a, _ := workload(t, cfg).AppendLines(nil, 1000)
		b, _ := workload(t, cfg).AppendLines(nil, 1000)
		if !bytes.Equal(a, b) {
			t.Fatalf("%s: the same seed gave different bytes", shape)
		}
		cfg.Seed++
		if c, _ := workload(t, cfg).AppendLines(nil, 1000); bytes.Equal(a, c) {
			t.Fatalf("%s: another seed gave the same bytes", shape)
		}
	}
	if _, err := gen.New(gen.Config{Shape: "iot", Hosts: 1}); err == nil {
		t.Error("an unknown shape was taken")
	}
}

// TestShape holds the numbers that the suite has.
func TestShape(t *testing.T) {
	for _, c := range []struct {
		shape                   gen.Shape
		lines, samples, metrics int
	}{{gen.CPUOnly, 1, 10, 10}, {gen.Devops, 9, 101, 101}, {gen.Services, 21, 31, 3}} {
		const hosts, steps = 4, 3
		w := workload(t, gen.Config{Shape: c.shape, Hosts: hosts, Seed: 1, Steps: steps})
		if w.Points() != c.lines*hosts || w.Samples() != c.samples*hosts || len(w.Metrics()) != c.metrics {
			t.Errorf("%s: %d points and %d samples a step, %d metrics", c.shape, w.Points(), w.Samples(), len(w.Metrics()))
		}
		points := 0
		for p := w.Next(); p != nil; p = w.Next() {
			if want := gen.DefaultStart.UnixNano() + int64(points/w.Points())*1e10; p.Time != want {
				t.Fatalf("%s: point %d at %d, want %d", c.shape, points, p.Time, want)
			}
			if len(p.Tags) < 10 || p.Tags[0].Value != fmt.Sprint("host_", points%hosts) {
				t.Fatalf("%s: point %d has tags %v", c.shape, points, p.Tags)
			}
			for i, v := range p.Values {
				if !p.Fields[i].Float && v != math.Trunc(v) {
					t.Errorf("%s_%s is %v, want an integer", p.Measurement, p.Fields[i].Name, v)
				}
			}
			points++
		}
		if points != c.lines*hosts*steps {
			t.Errorf("%s: %d points", c.shape, points)
		}
	}
}

// TestDistributions looks at what a series does over time.
func TestDistributions(t *testing.T) {
	const steps = 400
	w := workload(t, gen.Config{Shape: gen.Devops, Hosts: 1, Seed: 1, Steps: steps})
	series := map[string][]float64{}
	for p := w.Next(); p != nil; p = w.Next() {
		for i, v := range p.Values {
			name := p.Measurement + "_" + p.Fields[i].Name
			series[name] = append(series[name], v)
		}
	}
	for _, c := range []struct {
		name     string
		min, max float64 // of the mean step
	}{
		{"diskio_read_bytes", 99, 101}, {"diskio_reads", 49, 51}, {"net_drop_in", 4.5, 5.5}, {"redis_evicted_keys", 49, 51},
		{"redis_instantaneous_input_kbps", 0.7, 1.3}, {"redis_uptime_in_seconds", 10, 10}, {"kernel_boot_time", 0, 0},
		{"disk_free", 49, 51}, {"disk_used", -51, -49}, {"postgresl_temp_bytes", 1023, 1025},
	} {
		ss := series[c.name]
		if mean := (ss[steps-1] - ss[0]) / (steps - 1); mean < c.min || mean > c.max {
			t.Errorf("%s: a mean step of %v, want %v to %v", c.name, mean, c.min, c.max)
		}
	}
	for name, ss := range series {
		for _, v := range ss {
			if strings.HasPrefix(name, "cpu_") && (v < 0 || v > 100) {
				t.Fatalf("%s is %v", name, v)
			}
		}
	}
	for i := range steps {
		if series["mem_total"][i] != series["mem_used"][i]+series["mem_available"][i] {
			t.Fatal("total is not used + available")
		}
	}
	if ss := series["postgresl_conflicts"]; ss[steps-1] != 1000 {
		t.Errorf("a gauge that drifts upwards ends at %v, want its bound of 1000", ss[steps-1])
	}
}

// TestServices looks at the buckets of a histogram: at any time, those of a
// higher bound hold no less, none falls, and the last holds every request.
func TestServices(t *testing.T) {
	const steps = 50
	w := workload(t, gen.Config{Shape: gen.Services, Hosts: 2, Seed: 5, Steps: steps})
	last := map[int]float64{}
	var below float64
	for p := w.Next(); p != nil; p = w.Next() {
		if p.Measurement != "http_request_seconds" {
			continue
		}
		v := p.Values[0]
		if v < last[p.Source] {
			t.Fatalf("bucket %v fell from %v to %v", p.Tags, last[p.Source], v)
		}
		if before, ok := last[p.Source-2]; ok && p.Tags[len(p.Tags)-1].Value != "0.005" && v < before {
			t.Fatalf("bucket %v holds %v, one of a lower bound %v", p.Tags, v, before)
		}
		last[p.Source], below = v, v
	}
	if mean := below / (steps - 1); mean < 160 || mean > 190 {
		t.Errorf("%v requests a step, want about 173", mean)
	}
}

// TestSameSamplesInBothForms decodes both forms with the server's own decoders.
func TestSameSamplesInBothForms(t *testing.T) {
	cfg := gen.Config{Shape: gen.Devops, Hosts: 2, Seed: 3, Steps: 4}
	read := func(b *model.Batch, into map[string]float64) {
		for i := range b.Rows() {
			row := &b.Rows()[i]
			for c, w := range b.Words(row) {
				col := row.Schema.Columns[c]
				v := math.Float64frombits(w)
				if col.Type == model.TypeInt {
					v = float64(int64(w))
				}
				into[fmt.Sprint(col.Name, row.Stream.Labels, row.Time)] = v
			}
		}
	}
	lines, requests := map[string]float64{}, map[string]float64{}
	lp, err := lineprotocol.NewDecoder(lineprotocol.Options{})
	if err != nil {
		t.Fatal(err)
	}
	body, samples := workload(t, cfg).AppendLines(nil, 1000)
	var b model.Batch
	if rep := lp.Decode(body, lineprotocol.Params{}, &b); rep.Rejected > 0 || rep.Values != samples {
		t.Fatal(rep)
	}
	read(&b, lines)

	rw, err := remotewrite.NewDecoder(remotewrite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := gen.NewRemoteWriter(workload(t, cfg))
	for {
		body, n := r.AppendRequest(nil, 150)
		if n == 0 {
			break
		}
		raw, err := snappy.Decode(nil, body)
		if err != nil {
			t.Fatal(err)
		}
		b.Reset()
		if res, err := rw.Decode(raw, remotewrite.Params{}, &b); err != nil || res.Accepted != n {
			t.Fatal(res, err)
		}
		read(&b, requests)
	}
	if len(lines) != 2*101*4 || len(lines) != len(requests) {
		t.Fatalf("%d and %d samples, want %d", len(lines), len(requests), 2*101*4)
	}
	for k, v := range lines {
		if w, ok := requests[k]; !ok || w != v {
			t.Errorf("%s: %v by lines, %v by requests", k, v, w)
		}
	}
}

func BenchmarkAppendLine(b *testing.B) {
	w := workload(b, gen.Config{Shape: gen.Devops, Hosts: 100, Seed: 1})
	var buf []byte
	for b.Loop() {
		buf = gen.AppendLine(buf[:0], w.Next())
	}
}
