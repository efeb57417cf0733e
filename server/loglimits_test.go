package server

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"tidemark/ingest"
	"tidemark/ingest/lineprotocol"
	"tidemark/query"
	"tidemark/storage"
)

// logProtocol writes log rows of one stream that have a line, a time and a field
// called f.
type logProtocol struct {
	name   string
	status func(int) bool // of an answer to a body of which a part is refused
	send   func(rows []logRow) (target, body string, headers []string)
}

type logRow struct {
	at          time.Time
	line, value string
	more        int // further fields
}

var logProtocols = []logProtocol{
	{"line protocol", func(s int) bool { return s == 400 }, func(rows []logRow) (string, string, []string) {
		var b strings.Builder
		for _, r := range rows {
			fmt.Fprintf(&b, "p,app=x message=%q,f=%q", r.line, r.value)
			for k := range r.more {
				fmt.Fprintf(&b, ",f%d=\"v\"", k)
			}
			fmt.Fprintf(&b, " %d\n", r.at.UnixNano())
		}
		return "/write", b.String(), nil
	}},
	{"loki push", func(s int) bool { return s == 400 }, func(rows []logRow) (string, string, []string) {
		var values []any
		for _, r := range rows {
			meta := map[string]string{"f": r.value}
			for k := range r.more {
				meta[fmt.Sprint("f", k)] = "v"
			}
			values = append(values, []any{strconv.FormatInt(r.at.UnixNano(), 10), r.line, meta})
		}
		b, _ := json.Marshal(map[string]any{"streams": []any{map[string]any{"stream": map[string]string{"app": "x"}, "values": values}}})
		return "/loki/api/v1/push", string(b), []string{"Content-Type", "application/json"}
	}},
	{"json lines", func(s int) bool { return s == 400 }, func(rows []logRow) (string, string, []string) {
		return "/insert/jsonline?_stream_fields=app", jsonRows(rows, ""), nil
	}},
	{"elastic bulk", func(s int) bool { return s == 200 }, func(rows []logRow) (string, string, []string) {
		return "/insert/elasticsearch/_bulk?_stream_fields=app&_time_field=_time&_msg_field=_msg", jsonRows(rows, "{\"create\":{}}\n"), nil
	}},
	{"otlp", func(s int) bool { return s == 200 }, func(rows []logRow) (string, string, []string) {
		var records []any
		attribute := func(name, value string) any {
			return map[string]any{"key": name, "value": map[string]any{"stringValue": value}}
		}
		for _, r := range rows {
			attributes := []any{attribute("f", r.value)}
			for k := range r.more {
				attributes = append(attributes, attribute(fmt.Sprint("f", k), "v"))
			}
			records = append(records, map[string]any{"timeUnixNano": strconv.FormatInt(r.at.UnixNano(), 10), "body": map[string]any{"stringValue": r.line}, "attributes": attributes})
		}
		b, _ := json.Marshal(map[string]any{"resourceLogs": []any{map[string]any{
			"resource":  map[string]any{"attributes": []any{attribute("service.name", "x")}},
			"scopeLogs": []any{map[string]any{"logRecords": records}}}}})
		return "/v1/logs", string(b), []string{"Content-Type", "application/json"}
	}},
}

func jsonRows(rows []logRow, before string) string {
	var b strings.Builder
	for _, r := range rows {
		m := map[string]any{"_time": r.at.UTC().Format(time.RFC3339Nano), "_msg": r.line, "app": "x", "f": r.value}
		for k := range r.more {
			m[fmt.Sprint("f", k)] = "v"
		}
		j, _ := json.Marshal(m)
		b.WriteString(before)
		b.Write(j)
		b.WriteByte('\n')
	}
	return b.String()
}

// TestLogLimits: on every protocol of log rows, a row beyond a limit is refused
// with the limit's name, and the rows beside it are stored.
func TestLogLimits(t *testing.T) {
	good := logRow{at: testNow.Add(-time.Minute), line: "good", value: "v"}
	for _, c := range []struct {
		name string
		bad  logRow
		want string
	}{
		{"ahead", logRow{at: testNow.Add(25 * time.Hour), line: "bad", value: "v"}, "MaxAhead"},
		{"behind", logRow{at: testNow.Add(-8 * 24 * time.Hour), line: "bad", value: "v"}, "MaxBehind"},
		{"line", logRow{at: good.at, line: "bad" + strings.Repeat("x", 3000), value: "v"}, "MaxLineBytes"},
		{"field", logRow{at: good.at, line: "bad", value: strings.Repeat("x", 3000)}, "MaxLineBytes"},
		{"fields", logRow{at: good.at, line: "bad", value: "v", more: 20}, "MaxColumns"},
	} {
		for _, p := range logProtocols {
			t.Run(c.name+"/"+p.name, func(t *testing.T) {
				h := startLimited(t)
				target, body, headers := p.send([]logRow{good, c.bad, good.after(time.Second)})
				r := h.do("POST", target, body, headers...)
				if !p.status(r.status) || !strings.Contains(r.body, c.want) {
					t.Errorf("%d %.500s: want the name %s", r.status, r.body, c.want)
				}
				q := `{app="x"}`
				if p.name == "otlp" {
					q = `{service_name="x"}`
				}
				if got := h.logRows(q); strings.Count(got, "good") != 2 || strings.Contains(got, "bad") {
					t.Errorf("stored %s, want the two good rows", got)
				}
			})
		}
	}
}

func (r logRow) after(d time.Duration) logRow {
	r.at = r.at.Add(d)
	return r
}

// startLimited starts a server with limits that a test can exceed.
func startLimited(t *testing.T) *harness {
	t.Helper()
	clock := func() time.Time { return testNow }
	db, err := storage.Open(t.TempDir(), storage.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	limits := ingest.Limits{MaxLineBytes: 2000, MaxColumns: 16, MaxAhead: 24 * time.Hour, MaxBehind: 7 * 24 * time.Hour}
	return start(t, Options{Sink: db, Engine: query.NewEngine(db, query.Options{Now: clock}), Now: clock,
		LineProtocol: lineprotocol.Options{Options: ingest.Options{Limits: limits}}})
}
