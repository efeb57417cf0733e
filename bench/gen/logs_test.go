package gen_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tidemark/bench/gen"
)

func TestLogsAreDeterministicAndInShape(t *testing.T) {
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	const rows = 20_000
	a, b := gen.NewLogs(rows, start, 7), gen.NewLogs(rows, start, 7)
	var x, y []byte
	streams, services, traces, levels := map[string]bool{}, map[string]int{}, map[string]bool{}, map[string]int{}
	last := int64(0)
	for i := range rows {
		var at int64
		x, at = a.AppendLine(x[:0])
		y, _ = b.AppendLine(y[:0])
		if !bytes.Equal(x, y) {
			t.Fatal("the same seed gave different bytes")
		}
		var row struct {
			Time      time.Time `json:"_time"`
			Host      string    `json:"host"`
			Service   string    `json:"service"`
			Level     string    `json:"level"`
			Trace     string    `json:"trace_id"`
			Duration  *float64  `json:"duration_ms"`
			Message   string    `json:"_msg"`
			Region    string    `json:"region"`
			Component string    `json:"component"`
			PID       int       `json:"pid"`
		}
		d := json.NewDecoder(bytes.NewReader(x))
		d.DisallowUnknownFields()
		if err := d.Decode(&row); err != nil {
			t.Fatalf("line %d: %v: %s", i, err, x)
		}
		if row.Time.UnixNano() != at || at < last {
			t.Fatalf("line %d: got time %s, want %d, not before %d", i, row.Time, at, last)
		}
		last = at
		if len(row.Trace) != 32 || row.Duration == nil || row.Message == "" || strings.Contains(row.Message, "%!") {
			t.Fatalf("line %d: %s", i, x)
		}
		streams[row.Host+row.Service] = true
		services[row.Service]++
		traces[row.Trace] = true
		levels[row.Level]++
	}
	if len(streams) != 400 || len(services) != 16 {
		t.Errorf("got %d streams of %d services, want 400 of 16", len(streams), len(services))
	}
	if r := float64(rows) / float64(len(traces)); r < 4.2 || r > 4.8 {
		t.Errorf("got %.2f rows a trace, want about 4.5", r)
	}
	if services["gateway"] < 4*services["audit"] {
		t.Errorf("got services %v, want them skewed", services)
	}
	if len(levels) != 4 {
		t.Errorf("got levels %v, want 4", levels)
	}
}
